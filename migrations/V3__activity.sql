-- The head of a log: the only row that publishers of one WorkCenter wait for, so it is narrow and nothing refers to it.
-- Written by activity::store.
create table activity_head (
    -- The WorkCenter.
    log_id      uuid primary key,
    account_id  uuid not null,
    -- The number of the newest event. Numbers are given in the order of commits, without gaps.
    last_seq    bigint not null default 0,
    -- When the oldest event that immediate mail has not looked at goes out; null when there is none.
    due_at      timestamptz,
    -- The same for events that came while a daemon was at work: what due_at becomes when it is done.
    again_at    timestamptz,
    -- Until when one daemon has the log's immediate mail to itself, by the database's real clock.
    lease_until timestamptz,
    -- Grows with every claim, so that a daemon that lost its lease can tell.
    fence       bigint not null default 0
) with (fillfactor = 70);

-- What the immediate sweep claims.
create index activity_head_due on activity_head (due_at) where due_at is not null;

-- An event. Written by activity::store, once; only retracted_at changes.
create table activity (
    log_id       uuid not null,
    seq          bigint not null check (0 < seq),
    account_id   uuid not null,
    event_id     text not null,
    kind         text not null,
    actor_id     uuid not null,
    subject_kind text not null,
    subject_ref  text not null,
    subject_title text not null,
    subject_url  text not null,
    parent_kind  text not null,
    parent_ref   text not null,
    parent_title text not null,
    parent_url   text not null,
    summary      text not null,
    audience     text not null check (audience in ('EVERYONE', 'NAMED')),
    occurred_at  timestamptz not null,
    retracted_at timestamptz,
    primary key (log_id, seq),
    constraint activity_event_key unique (log_id, event_id)
);

-- A person whom an event concerns, frozen when it is published. Waits until it is settled, whatever the cursors do.
-- Inserted by activity::store, settled by subscription::settlement.
create table addressee (
    user_id       uuid not null,
    log_id        uuid not null,
    seq           bigint not null,
    account_id    uuid not null,
    reason        text not null check (reason in ('MENTION', 'ASSIGNMENT', 'APPROVAL')),
    -- The settlement that told the person, or says why nobody did; null while it waits.
    settlement_id uuid,
    -- SHOWN: in the settlement's mail. SUPPRESSED: switched off. HIDDEN: no collaborator. OWN: their own doing. RETRACTED.
    outcome       text check (outcome in ('SHOWN', 'SUPPRESSED', 'HIDDEN', 'OWN', 'RETRACTED')),
    primary key (log_id, user_id, seq),
    constraint addressee_settled check ((settlement_id is null) = (outcome is null))
);

-- What waits of a log.
create index addressee_waiting on addressee (log_id, user_id, seq) where settlement_id is null;
-- What a mail shows.
create index addressee_settlement on addressee (settlement_id) where settlement_id is not null;
