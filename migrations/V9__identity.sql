-- What an account asks of passwords. Programs of the version before leave it as it is.
alter table account add column password_preset text not null default 'NIST_2025'
    check (password_preset in ('NIST_2025', 'PROCORE_STRICT'));

-- Since when a person may not sign in, and when they were last told that somebody guesses at their password.
alter table person add column disabled_at timestamptz;
alter table person add column guessing_told_at timestamptz;

-- Where a session was begun from: the IP address, the network it belongs to, and what the program called itself. Its last
-- use is known to the minute.
alter table session add column last_used_at timestamptz not null default now();
alter table session add column source text not null default '';
alter table session add column network text not null default '';
alter table session add column agent text not null default '';

-- A person's sessions: their list, ending them all, and whether somebody signed in from a network before.
create index session_of_person on session (user_id, last_used_at desc, id desc);

-- Attempts that were wrong, or that are counted whatever comes of them: how many, and until when the next one has to
-- wait. `sign_in_throttle` is what programs before this had for it; housekeeping empties it. Written by identity::store.
create table throttle (
    -- What is counted, as throttle.rs in the room has it.
    kind          text not null,
    -- SHA-256 of the address, network or person: nobody's address is kept who is not a person here.
    subject       bytea not null,
    -- SHA-256 of the network for what is counted by network and subject; else empty.
    network       bytea not null,
    count         bigint not null,
    blocked_until timestamptz not null,
    constraint throttle_key primary key (kind, subject, network)
);

-- A password that a person had before the present one. Written by identity::store.
create table password_history (
    id            uuid primary key,
    user_id       uuid not null references person,
    -- PHC string.
    password_hash text not null,
    created_at    timestamptz not null default now()
);

-- A person's last passwords.
create index password_history_user on password_history (user_id, id desc);

-- A password that may be set anew by the token of a mail; the latest of each person. There is no reference to the person,
-- so that an address which nobody has costs the same work. Written by identity::store.
create table password_reset (
    user_id    uuid primary key,
    -- What the token is made from.
    id         uuid not null,
    token_hash bytea not null constraint password_reset_token_key unique,
    expires_at timestamptz not null
);

-- An address that a person wants to have and has not confirmed; the latest of each. Written by identity::store.
create table address_change (
    user_id    uuid primary key references person,
    -- What the token is made from.
    id         uuid not null,
    -- As typed, and as compared.
    email      text not null,
    email_key  text not null,
    token_hash bytea not null constraint address_change_token_key unique,
    expires_at timestamptz not null,
    created_at timestamptz not null default now()
);

-- Something that matters to somebody's safety: who signed in from where, and what was changed. Its mail, where it has one,
-- is written from it. Nothing secret is in it, and no address of somebody who is not a person here. Written by
-- identity::store; housekeeping removes what is half a year old.
create table security_event (
    id         uuid primary key,
    -- Whose safety; null when nobody has the address.
    user_id    uuid,
    kind       text not null,
    -- Who did it; null for whoever it was.
    actor_id   uuid,
    -- The IP address that it came from; empty where it is not known.
    source     text not null,
    -- What the token in its mail is made from.
    subject_id uuid,
    -- The address that its mail goes to, where that is not the person's present one.
    address    text not null default '',
    created_at timestamptz not null
);

-- What has happened to a person, the latest first.
create index security_event_user on security_event (user_id, created_at desc);
-- What housekeeping removes by.
create index security_event_age on security_event (created_at);

-- Mail about somebody's safety is put into the outbox like all other.
alter table mail drop constraint mail_kind_check;
alter table mail add constraint mail_kind_check
    check (kind in ('DIGEST', 'IMMEDIATE', 'CATCHUP', 'INVITE', 'SECURITY'));
