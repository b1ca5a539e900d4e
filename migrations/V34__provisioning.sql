-- The job that is making a WorkCenter. Until it is done nobody hears of the WorkCenter and nobody changes it, and who has started
-- the job alone sees it. One that was given up keeps its job, and is there for nobody until it is purged. Programs of the version
-- before show what is in one to whoever is to collaborate in it: upgrade all of them before anything makes one.
alter table workcenter add column provisioning_job_id uuid;

-- The zone that dates in it are meant in; empty for the account's.
alter table workcenter add column time_zone text not null default '';

-- Whether others are made like it, and how often it has been said to be so: each time is a version of the template.
alter table workcenter add column is_template boolean not null default false;
alter table workcenter add column template_version bigint not null default 0;

-- What is being made: little. Housekeeping looks whose job is over.
create index workcenter_provisioning on workcenter (provisioning_job_id) where provisioning_job_id is not null;
-- The templates of an account.
create index workcenter_template on workcenter (account_id) where is_template;
