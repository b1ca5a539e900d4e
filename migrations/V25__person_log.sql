-- Programs of the version before read a person's log as they read any other, and tell nobody of it: upgrade daemons first.

-- A person's own log in an account: of their background processes, their roles, their places. Made when it is first needed; its
-- head, its events and the person's subscription to it stand among those of WorkCenters. Written by subscription::own.
create table person_log (
    account_id uuid not null references account,
    user_id    uuid not null references person,
    log_id     uuid not null constraint person_log_key unique,
    primary key (account_id, user_id)
);

-- NOTICE: it is about the person, and told at once.
alter table addressee drop constraint addressee_reason_check;
alter table addressee add constraint addressee_reason_check
    check (reason in ('MENTION', 'ASSIGNMENT', 'APPROVAL', 'NOTICE'));

-- OWN: the link of a mail from a person's own log.
alter table subscription drop constraint subscription_silenced_by_check;
alter table subscription add constraint subscription_silenced_by_check
    check (silenced_by in ('WORKCENTER', 'DIGESTS', 'ACCOUNT', 'OWN'));
