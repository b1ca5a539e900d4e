-- Accounts that are deactivated: everything in them stays as it is, and nobody is told of it. Programs of the version before
-- go on changing what is in them; nobody is told of that either, unless a daemon of that version writes the mail.
alter table account add column deactivated_at timestamptz;

-- The WorkCenters of an account, whose logs are closed and opened with it.
create index workcenter_account on workcenter (account_id);

-- DEACTIVATED: the WorkCenter itself is active, and its account is not.
alter table activity_head drop constraint activity_head_closed_check;
alter table activity_head add constraint activity_head_closed_check
    check (closed in ('ARCHIVED', 'DELETED', 'DEACTIVATED'));

-- Whether it was in the outbox when its account was deactivated or came back: it does not go any more, and that says nothing
-- of its address.
alter table mail add column withdrawn bool not null default false;
