-- What an account's administrators set. Programs of the version before leave it as it is.
alter table account add column invite_seconds bigint not null default 1209600
    constraint account_invite_seconds check (invite_seconds between 86400 and 7776000);
-- The etag.
alter table account add column revision bigint not null default 1;

-- The members of an account as they came. Who leaves keeps their row in `directory_entry`, moved to its end, so that
-- those who follow are told: a row without its member is somebody who is gone.
create index member_came on member (account_id, created_at, user_id);
