-- A mail. What it says is not stored: it is written when it is sent, from what it refers to. Written by outbox::store.
--
--   PENDING ─▶ CLAIMED ─▶ SENDING ─▶ SENT
--      ▲          │          ├─────▶ RETRY ─▶ CLAIMED      the relay said not now
--      └──────────┘          ├─────▶ UNKNOWN ─▶ CLAIMED    nobody knows whether the relay has it
--       lease ran out        ├─────▶ FAILED                the relay said never, or too many attempts
--                            └─────▶ SUPPRESSED            there is nothing left to say, or nobody to say it to
create table mail (
    id            uuid primary key,
    account_id    uuid not null,
    -- Whom it is for; null for an address that nobody has yet.
    user_id       uuid,
    kind          text not null check (kind in ('DIGEST', 'IMMEDIATE', 'CATCHUP', 'INVITE')),
    -- What it tells: a settlement, or an invite.
    subject_id    uuid not null,
    -- 0: transactional, never behind the others. 1: notifications.
    lane          bigint not null check (lane in (0, 1)),
    state         text not null check (state in
                  ('PENDING', 'CLAIMED', 'SENDING', 'SENT', 'RETRY', 'UNKNOWN', 'FAILED', 'SUPPRESSED')),
    -- The Message-ID up to the @: made from what the mail tells, so that a repeat can be recognised and no two mails can
    -- tell the same.
    message_id    text not null constraint mail_message_key unique,
    -- The Date header, the same in every repeat.
    dated_at      timestamptz not null,
    -- When it may be tried next, by the database's real clock, as are all below.
    try_at        timestamptz not null,
    lease_until   timestamptz,
    fence         bigint not null default 0,
    attempts      bigint not null default 0,
    -- How often it ended as UNKNOWN.
    unknowns      bigint not null default 0,
    -- The last reply of the relay, or why there was none.
    reply         text not null default '',
    created_at    timestamptz not null default now(),
    ended_at      timestamptz,
    constraint mail_end check ((state in ('SENT', 'FAILED', 'SUPPRESSED')) = (ended_at is not null)),
    constraint mail_lease check ((state in ('CLAIMED', 'SENDING')) = (lease_until is not null))
) with (fillfactor = 70);

-- What deliveries claim: account by account, so that a large one does not stand before a small one.
create index mail_waiting on mail (lane, account_id, try_at) where state in ('PENDING', 'RETRY', 'UNKNOWN');
-- What a dead daemon left.
create index mail_leased on mail (lease_until) where state in ('CLAIMED', 'SENDING');
-- A person's mails that have not gone, for opting out.
create index mail_unsent on mail (user_id) where ended_at is null;

-- An address that the relay said does not exist. Nothing but security mail is sent to it. Written by outbox::store.
create table suppressed_address (
    email_key  text primary key,
    reason     text not null,
    created_at timestamptz not null default now()
);
