-- A project space. Written by workcenter::store.
create table workcenter (
    id         uuid primary key,
    account_id uuid not null references account,
    name       text not null check (char_length(name) between 1 and 200),
    created_by uuid not null references person,
    created_at timestamptz not null
);

-- A person in a WorkCenter. Written by workcenter::store.
create table collaborator (
    workcenter_id uuid not null references workcenter,
    user_id       uuid not null references person,
    role          text not null check (role in ('OWNER', 'CONTRIBUTOR', 'READER')),
    created_at    timestamptz not null,
    constraint collaborator_key primary key (workcenter_id, user_id)
);

-- "Which WorkCenters is this person in".
create index collaborator_user on collaborator (user_id);

-- An offer to an address. Written by invite::store.
create table invite (
    id           uuid primary key,
    account_id   uuid not null references account,
    email        text not null,
    email_key    text not null,
    account_role text not null check (account_role in ('ADMINISTRATOR', 'MEMBER', 'GUEST')),
    message      text not null default '',
    inviter_id   uuid not null references person,
    -- PENDING past expires_at is read as EXPIRED.
    state        text not null check (state in ('PENDING', 'ACCEPTED', 'REVOKED', 'EXPIRED')),
    -- SHA-256 of the token, which is made anew from the key of tokens whenever the mail is written.
    token_hash   bytea not null constraint invite_token_key unique,
    created_at   timestamptz not null,
    expires_at   timestamptz not null,
    ended_at     timestamptz,
    constraint invite_end check ((state = 'PENDING') = (ended_at is null))
);

-- Never two live invites for one address in one account.
create unique index invite_live on invite (account_id, email_key) where state = 'PENDING';
-- The boxes RECEIVED and SENT, newest first.
create index invite_received on invite (email_key, id);
create index invite_sent on invite (inviter_id, id);

-- A WorkCenter that comes with an invite. Written by invite::store.
create table invite_workcenter (
    invite_id     uuid not null references invite,
    workcenter_id uuid not null references workcenter,
    role          text not null check (role in ('OWNER', 'CONTRIBUTOR', 'READER')),
    primary key (invite_id, workcenter_id)
);
