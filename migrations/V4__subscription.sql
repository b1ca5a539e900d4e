-- How a person wants to hear of things, and the row that whoever changes that locks first. Written by subscription::store.
create table recipient (
    user_id               uuid primary key,
    notifications_enabled bool not null default true,
    digest_frequency      text not null default 'DAILY' check (digest_frequency in ('DAILY', 'WEEKLY')),
    -- Local wall time in minutes after midnight.
    digest_minute         bigint not null default 420 check (digest_minute between 0 and 1439),
    -- 1 is Monday.
    weekly_day            bigint not null default 1 check (weekly_day between 1 and 7),
    -- The week days of the daily digest: bit 0 is Monday.
    daily_days            bigint not null default 127 check (daily_days between 1 and 127),
    default_delivery      text not null default 'IMMEDIATE'
                          check (default_delivery in ('IMMEDIATE', 'DIGEST', 'DAILY', 'WEEKLY', 'OFF')),
    addressed_items       text not null default 'IMMEDIATE' check (addressed_items in ('IMMEDIATE', 'WITH_DIGEST')),
    -- The etag of the preferences.
    revision              bigint not null default 1
);

-- A person's place in a log: everything up to `cursor` is settled for them. Ended, never deleted; a person who comes
-- back gets the same row with the cursor moved. Written by subscription::store.
create table subscription (
    id         uuid primary key,
    account_id uuid not null,
    user_id    uuid not null,
    log_id     uuid not null,
    -- What the person set for the WorkCenter.
    delivery   text not null default 'INHERIT'
               check (delivery in ('INHERIT', 'IMMEDIATE', 'DIGEST', 'DAILY', 'WEEKLY', 'OFF')),
    -- What that comes to with the recipient's preferences. Kept in step by the transitions.
    cadence    text not null check (cadence in ('IMMEDIATE', 'DAILY', 'WEEKLY', 'OFF')),
    -- Where the first settlement begins.
    start_seq  bigint not null,
    -- Never indexed, so that moving it stays in its page.
    cursor     bigint not null,
    ended_at   timestamptz,
    constraint subscription_key unique (user_id, log_id),
    constraint subscription_forward check (start_seq <= cursor)
) with (fillfactor = 80);

-- Whom a log reaches.
create index subscription_log on subscription (log_id, user_id) where ended_at is null;

-- When a person's next digest goes. One row for each account and cadence that some subscription has, or had. CATCHUP is
-- the one mail with what waited for a digest when the person chose to hear at once: due when it is asked for.
-- Written by subscription::slot.
create table digest_schedule (
    account_id  uuid not null,
    user_id     uuid not null,
    cadence     text not null check (cadence in ('DAILY', 'WEEKLY', 'CATCHUP')),
    -- Null while no subscription has the cadence.
    next_at     timestamptz,
    -- The nominal local date of next_at; null for CATCHUP.
    next_date   date,
    -- The nominal local date of the last slot that is done.
    last_date   date,
    -- Until when one daemon has it to itself, by the database's real clock.
    lease_until timestamptz,
    fence       bigint not null default 0,
    -- How often composing it failed since it last worked.
    failures    bigint not null default 0,
    primary key (account_id, user_id, cadence)
) with (fillfactor = 80);

-- What the digest sweeps claim: by instant, then account, so that what one account's people share is read once.
create index digest_schedule_due on digest_schedule (cadence, next_at, account_id, user_id) where next_at is not null;
-- A person's own, for announcements and changes of zone.
create index digest_schedule_user on digest_schedule (user_id);

-- Whether the counts of a settlement add up to its ranges. Arrays run in step.
create function settlement_adds_up(
    from_seq bigint[], to_seq bigint[], shown bigint[], own bigint[], addressed bigint[],
    hidden bigint[], retracted bigint[], suppressed bigint[]
) returns bool language sql immutable as $$
    select coalesce(bool_and(f < t and t - f = s + o + a + h + r + x
                             and least(s, o, a, h, r, x) >= 0), true)
    from unnest(from_seq, to_seq, shown, own, addressed, hidden, retracted, suppressed) as u(f, t, s, o, a, h, r, x)
$$;

-- What became of ranges of logs for one person, in one go: told in a mail, or not and why. Written by subscription::settlement.
create table settlement (
    id               uuid primary key,
    account_id       uuid not null,
    user_id          uuid not null,
    cause            text not null check (cause in
                     ('IMMEDIATE', 'DAILY', 'WEEKLY', 'CATCHUP', 'SUPPRESSED', 'RESUMED', 'LEFT')),
    -- For digests: the slot that this settles. A second one for the same slot is a conflict.
    local_date       date,
    -- Null when there was nothing to tell.
    mail_id          uuid,
    -- One element for each subscription: the range (from_seq, to_seq] and what its events were to this person.
    subscription_ids uuid[] not null,
    from_seq         bigint[] not null,
    to_seq           bigint[] not null,
    shown            bigint[] not null,
    own              bigint[] not null,
    addressed        bigint[] not null,
    hidden           bigint[] not null,
    retracted        bigint[] not null,
    suppressed       bigint[] not null,
    settled_at       timestamptz not null,
    -- Set by the audit once the ranges were seen to join their neighbours.
    audited_at       timestamptz,
    constraint settlement_slot unique (account_id, user_id, cause, local_date),
    constraint settlement_slot_date check ((local_date is not null) = (cause in ('DAILY', 'WEEKLY'))),
    constraint settlement_sums check
        (settlement_adds_up(from_seq, to_seq, shown, own, addressed, hidden, retracted, suppressed))
);

-- What the audit has still to look at.
create index settlement_unaudited on settlement (user_id) where audited_at is null;

-- The settlement is written in the same transaction, before or after.
alter table addressee add constraint addressee_settlement_fkey
    foreign key (settlement_id) references settlement deferrable initially deferred;

-- How far the audit has followed a subscription's settlements, or the numbers of a log. Written by audit::store.
create table audit_mark (
    -- The subscription or the log.
    subject_id uuid primary key,
    seq        bigint not null
);
