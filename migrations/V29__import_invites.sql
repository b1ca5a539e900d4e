-- Jobs that make invites of the rows of a file. Programs of the version before cannot read jobs of this kind: upgrade all servers
-- and daemons before anybody starts one.

alter table job drop constraint job_kind_check;
alter table job add constraint job_kind_check check (kind in
    ('DIGEST_RUN', 'BULK_COPY', 'BULK_MOVE', 'BULK_DELETE', 'BULK_RESTORE', 'IMPORT_INVITES'));
alter table job_item drop constraint job_item_kind_check;
alter table job_item add constraint job_item_kind_check check (kind in ('RECIPIENT', 'FOLDER', 'DOCUMENT', 'INVITE'));
-- The line of a file that it comes from, 0 when it comes from none; and the column of the file that its code is about.
alter table job_item add column line bigint not null default 0;
alter table job_item add column column_name text not null default '';

-- A row of a file of invites, until its job is over: what it asks for, or what is wrong with it. Written by invite::import.
create table invite_row (
    -- Its item, also of a job that tries it again.
    item_id          uuid primary key,
    job_id           uuid not null references job on delete cascade,
    email            text,
    account_role     text check (account_role in ('ADMINISTRATOR', 'MEMBER', 'GUEST')),
    -- As files have them: ID:ROLE, with spaces between.
    workcenters      text,
    message          text,
    -- For how long it is good; null for as long as the account has it.
    good_for_seconds bigint,
    no_reminders     boolean,
    notify_on_accept boolean,
    -- The first column with something wrong, the code of it and all that is wrong; null when nothing is.
    fault_column     text,
    fault_code       text,
    fault_text       text,
    check (num_nulls(email, account_role, workcenters, message, no_reminders, notify_on_accept) in (0, 6)),
    check (num_nulls(fault_column, fault_code, fault_text) in (0, 3)),
    check (email is null <> (fault_code is null))
);

-- The rows of a job, which go with it.
create index invite_row_job on invite_row (job_id);

-- What has been over for long enough to be removed.
create index job_finished on job (finished_at) where finished_at is not null;
