-- How many invites an account may have that wait, and how many it may make in a day. As many as every account had before.
alter table account
    add column pending_invites_max bigint not null default 5000
        constraint account_pending_invites_max check (pending_invites_max between 1 and 100000),
    add column daily_invites_max bigint not null default 5000
        constraint account_daily_invites_max check (daily_invites_max between 1 and 100000);

-- Who accepted: somebody who is signed in under another address may. Null for what was accepted before: then it is the
-- person of its address.
alter table invite add column accepted_by uuid references person (id);
