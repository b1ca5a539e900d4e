-- How times are shown to a person, their phones as they are called, and who sees which field. Written by profile::store, as the rest of the table.
alter table profile
    add column time_format text not null default ''
        constraint profile_time_format check (time_format in ('', '12_HOURS', '24_HOURS')),
    -- 1 (Monday) to 7 (Sunday).
    add column first_week_day text not null default ''
        constraint profile_first_week_day check (first_week_day in ('', '1', '2', '3', '4', '5', '6', '7')),
    -- The phones in E.164, derived when they or the country are written; empty for what is no number.
    add column business_phone_e164 text not null default '',
    add column mobile_phone_e164 text not null default '',
    add column job_title_visibility text not null default 'EVERYONE_SHARING_A_WORKCENTER',
    add column address_visibility text not null default 'EVERYONE_SHARING_A_WORKCENTER',
    add column email_visibility text not null default 'EVERYONE_SHARING_A_WORKCENTER',
    add column business_phone_visibility text not null default 'EVERYONE_SHARING_A_WORKCENTER',
    add column mobile_phone_visibility text not null default 'EVERYONE_SHARING_A_WORKCENTER',
    add column time_zone_visibility text not null default 'EVERYONE_SHARING_A_WORKCENTER',
    add column locale_visibility text not null default 'EVERYONE_SHARING_A_WORKCENTER',
    add constraint profile_visibility check (
        array[job_title_visibility, address_visibility, email_visibility, business_phone_visibility,
            mobile_phone_visibility, time_zone_visibility, locale_visibility]
        <@ array['EVERYONE_SHARING_A_WORKCENTER', 'ACCOUNT_MEMBERS', 'ONLY_ME']);

-- A field of a profile that was changed: one row for each, in the transaction of the change. Never of what is secret.
-- Written by profile::history::store; housekeeping removes rows older than two years.
create table profile_change (
    id         uuid primary key,
    user_id    uuid not null references person,
    -- Who did it.
    actor_id   uuid not null,
    -- The path of the field, as an update mask has it.
    field      text not null,
    -- Empty for nothing; of a picture its etag.
    old_value  text not null,
    new_value  text not null,
    changed_at timestamptz not null
);

-- A person's own history, newest first.
create index profile_change_user on profile_change (user_id, id);
-- What housekeeping removes by.
create index profile_change_age on profile_change (changed_at);

-- The head of an account's directory: the only row that changes of its members' profiles wait for, so it is narrow and
-- nothing refers to it. Written by account::store.
create table directory_head (
    account_id uuid primary key,
    -- The number of the newest change. Numbers are given in the order of commits.
    last_seq   bigint not null check (0 < last_seq)
) with (fillfactor = 70);

-- Where a member stands in the directory of their account: at the number of the last change of what others see of them.
-- One row for each member, so that nothing grows and every number is for ever a place to go on from.
-- Written by account::store.
create table directory_entry (
    account_id uuid not null,
    user_id    uuid not null,
    seq        bigint not null check (0 < seq),
    primary key (account_id, user_id),
    -- What a reader goes on by.
    constraint directory_entry_seq unique (account_id, seq)
) with (fillfactor = 70);

insert into directory_entry (account_id, user_id, seq)
    select account_id, user_id, row_number() over (partition by account_id order by created_at, user_id) from member;
insert into directory_head (account_id, last_seq) select account_id, count(*) from member group by account_id;
