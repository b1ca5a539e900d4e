-- What housekeeping removes, what goes with a WorkCenter, and lists: found without a look at the rest.
-- The invites that offer a place in a WorkCenter, which go with it.
create index invite_workcenter_place on invite_workcenter (workcenter_id);
-- Subscriptions that have ended, which go with their log.
create index subscription_ended on subscription (log_id) where ended_at is not null;
-- Sessions by when they were over, or will be.
create index session_over on session (least(ended_at, idle_until, ends_at));
-- What was counted, by until when somebody has to wait for it.
create index throttle_over on throttle (blocked_until);
-- Runs that are not over.
create index job_run on job (id) where finished_at is null and kind = 'DIGEST_RUN';
-- The collaborators of a WorkCenter as they came, and those of an account who have a role.
create index collaborator_came on collaborator (workcenter_id, created_at, user_id);
create index member_role on member (account_id, role);
