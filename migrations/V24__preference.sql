-- Whether what a person did themselves is told them like what others did. Programs of the version before never tell it.
alter table recipient add column own_activity bool not null default false;

-- Whether mail to a person, or of an account, tells how much there is and where, and nothing of what it is. Programs of the
-- version before tell it all.
alter table recipient add column redact_content bool not null default false;
alter table account add column redact_content bool not null default false;

-- Another address of a person, at which they get mail of what happens in place of the one they sign in with; and one that they
-- want for that and have not confirmed, the latest. Not unique: people may share a mailbox. Programs of the version before send
-- to the address that they sign in with. Written by identity::store.
create table second_address (
    user_id    uuid primary key references person,
    -- As typed, and as compared; null until one is confirmed.
    email      text,
    email_key  text,
    -- What is not confirmed, as typed and as compared, what its token is made from, and until when; null for nothing.
    asked_email text,
    asked_key   text,
    asked_id    uuid,
    token_hash  bytea constraint second_address_token_key unique,
    expires_at  timestamptz,
    constraint second_address_pair check ((email is null) = (email_key is null)),
    constraint second_address_asked check (num_nulls(asked_email, asked_key, asked_id, token_hash, expires_at) in (0, 5))
);
