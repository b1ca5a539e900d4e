-- A digest that somebody asked to be sent to them as a test. What it tells is read when its mail is written. Removed some days
-- later. Written by digest::preview::store.
create table test_digest (
    id         uuid primary key,
    account_id uuid not null,
    -- Who asked, and gets it.
    user_id    uuid not null,
    cadence    text not null check (cadence in ('DAILY', 'WEEKLY')),
    -- The instant for which it is composed.
    shown_at   timestamptz not null,
    -- By the database's real clock.
    asked_at   timestamptz not null
);

-- How many a person has asked for lately.
create index test_digest_user on test_digest (user_id, asked_at);
-- What housekeeping removes.
create index test_digest_asked on test_digest (asked_at);

-- Test digests are put into the outbox like all other mail. Daemons of the version before do not know them.
alter table mail drop constraint mail_kind_check;
alter table mail add constraint mail_kind_check
    check (kind in ('DIGEST', 'IMMEDIATE', 'CATCHUP', 'INVITE', 'SECURITY', 'INVITE_NOTICE', 'TEST'));

-- Since when the person has subscribed, or had when they left; null where a program of the version before wrote it, and for
-- those of before.
alter table subscription add column begun_at timestamptz;
