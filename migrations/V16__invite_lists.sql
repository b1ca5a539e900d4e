-- Invites by the hundred: lists that are read from an index alone, in whatever states; and changing one.
alter table invite add column revision bigint not null default 1;

-- The boxes RECEIVED and SENT, and the account's: of each state the newest first. Whether a pending one has run out is in
-- the index, too.
create index invite_to on invite (email_key, state, id) include (expires_at);
create index invite_from on invite (inviter_id, state, id) include (expires_at);
create index invite_of on invite (account_id, state, id) include (expires_at);
drop index invite_received;
drop index invite_sent;

-- What has run out and is not written as such yet.
create index invite_over on invite (expires_at) where state = 'PENDING';
-- How many an account has made in a day.
create index invite_made on invite (account_id, created_at);
