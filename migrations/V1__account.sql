-- Everywhere: ids are UUIDv7 made by the programs, integers are bigint, states are text with a check, and the
-- constraints that code relies on have names. What an account owns carries account_id; people belong to no account.

-- An account: who pays, and the border that no digest crosses. Written by account::store.
create table account (
    id         uuid primary key,
    name       text not null check (char_length(name) between 1 and 200),
    -- The zone of members who set none. IANA name.
    time_zone  text,
    created_at timestamptz not null
);

-- A person who can sign in. Written by identity::store.
create table person (
    id            uuid primary key,
    -- As typed.
    email         text not null check (char_length(email) between 3 and 254),
    -- As compared: what `email_key` of the room makes of it.
    email_key     text not null constraint person_email_key unique,
    -- PHC string of argon2id.
    password_hash text not null,
    created_at    timestamptz not null
);

-- What a person tells of themselves: one row for each person, empty text for what is not set. Written by profile::store.
create table profile (
    user_id        uuid primary key references person,
    first_name     text not null default '',
    last_name      text not null default '',
    initials       text not null default '',
    job_title      text not null default '',
    street         text not null default '',
    city           text not null default '',
    post_code      text not null default '',
    state_province text not null default '',
    country        text not null default '',
    business_phone text not null default '',
    extension      text not null default '',
    mobile_phone   text not null default '',
    time_zone      text not null default '',
    locale         text not null default '',
    -- The etag.
    revision       bigint not null default 1,
    updated_at     timestamptz not null
);

-- A person in an account. Written by account::store.
create table member (
    account_id uuid not null references account,
    user_id    uuid not null references person,
    role       text not null check (role in ('ADMINISTRATOR', 'MEMBER', 'GUEST')),
    created_at timestamptz not null,
    primary key (account_id, user_id)
);

-- "Which accounts is this person in": access, zones, profiles.
create index member_user on member (user_id);

-- A signed-in person. Only the hash of the token is here. Written by identity::store.
create table session (
    id         uuid primary key,
    user_id    uuid not null references person,
    -- SHA-256 of the token.
    token_hash bytea not null constraint session_token_key unique,
    created_at timestamptz not null,
    -- Pushed forward when the session is used, at most to ends_at.
    idle_until timestamptz not null,
    ends_at    timestamptz not null,
    ended_at   timestamptz
);

-- A key of another service. Written by identity::store.
create table service_key (
    id         uuid primary key,
    name       text not null,
    -- SHA-256 of the key.
    key_hash   bytea not null constraint service_key_hash_key unique,
    scopes     text[] not null,
    created_at timestamptz not null,
    ended_at   timestamptz
);

-- Wrong passwords of an address, known or not, since the last right one. Written by identity::store.
create table sign_in_throttle (
    email_key     text primary key,
    failures      bigint not null,
    blocked_until timestamptz not null
);

-- A creating call that was answered: its request id, a digest of what it asked, and the answer. Written by request::store;
-- housekeeping removes rows older than two days.
create table request (
    caller_id  uuid not null,
    request_id uuid not null,
    -- SHA-256 of the method and the request.
    digest     bytea not null,
    answer     bytea not null,
    created_at timestamptz not null default now(),
    constraint request_key primary key (caller_id, request_id)
);

-- What housekeeping removes by.
create index request_age on request (created_at);

-- The clock that `--dev` programs read instead of the database's; at most one row. Written by clock.
create table dev_clock (
    only_row bool primary key default true check (only_row),
    -- The time shown at set_at.
    anchor   timestamptz not null,
    -- How many seconds pass on it in one real second.
    speed    double precision not null check (0 <= speed),
    set_at   timestamptz not null
);
