-- Jobs over many folders and documents. Programs of the version before cannot read jobs of these kinds: upgrade all servers and
-- daemons before anybody starts one.

alter table job drop constraint job_kind_check;
alter table job add constraint job_kind_check
    check (kind in ('DIGEST_RUN', 'BULK_COPY', 'BULK_MOVE', 'BULK_DELETE', 'BULK_RESTORE'));
-- As they were called when they started it: kept when they are gone.
alter table job add column initiator_name text not null default '';
-- What was asked for, of bulk jobs: how many were named, where they are to go, and what happens where a name is taken.
alter table job add column roots bigint not null default 0;
alter table job add column target_workcenter_id uuid;
alter table job add column target_folder_id uuid;
alter table job add column target_path text not null default '';
alter table job add column on_conflict text not null default '';
alter table job add column on_folder_conflict text not null default '';
alter table job add column includes_versions boolean not null default false;
alter table job add column is_recursive boolean not null default false;
alter table job add column stops_on_failure boolean not null default false;
alter table job add column request_id text not null default '';
-- The job whose failed items it does again.
alter table job add column retry_of uuid;
alter table job add column total_bytes bigint not null default 0;
alter table job add column done_bytes bigint not null default 0;
-- Items that were done, and of which there is something to say: they are among those done.
alter table job add column warned bigint not null default 0;
-- The path of the item that was looked at last.
alter table job add column current_path text not null default '';
-- The first items that failed: five at most.
alter table job add column error_items uuid[] not null default '{}';
alter table job add column error_paths text[] not null default '{}';
alter table job add column error_codes text[] not null default '{}';
alter table job add column cancel_requested_at timestamptz;
alter table job add column cancel_requested_by uuid;
-- Which process has it, and until when, by the database's real clock; the fence grows with every claim.
alter table job add column lease_owner uuid;
alter table job add column lease_until timestamptz;
alter table job add column fence bigint not null default 0;
-- When it had its last turn.
alter table job add column turn_at timestamptz;
alter table job add column started_at timestamptz;

-- What can be claimed.
create index job_bulk on job (account_id, id) where finished_at is null and kind <> 'DIGEST_RUN';

-- Of bulk jobs every item has a row from the beginning, in the order in which they are done: from above to below, the ones that
-- were named as they were named, then folders before documents, by name. item_id is the folder or document. Those without a seq
-- are not of this job: they say to what the items of the job before have led, where its failed items are done again.
alter table job_item add column seq bigint not null default 0;
alter table job_item add column kind text not null default 'RECIPIENT'
    constraint job_item_kind_check check (kind in ('RECIPIENT', 'FOLDER', 'DOCUMENT'));
alter table job_item add column state text not null default 'FAILED'
    constraint job_item_state_check check (state in ('PENDING', 'DONE', 'SKIPPED', 'FAILED', 'CANCELLED'));
-- How far below one that was named; the item it is in; the WorkCenter it was in when the work was planned.
alter table job_item add column depth bigint not null default 0;
alter table job_item add column parent_item_id uuid;
alter table job_item add column workcenter_id uuid;
alter table job_item add column path text not null default '';
alter table job_item add column bytes bigint not null default 0;
-- What happens where its name is taken.
alter table job_item add column on_conflict text not null default '';
-- What became of it: what was done, to what it led, what remains of a folder in its old place, and whether that was cleared away
-- where it was empty.
alter table job_item add column action text not null default '';
alter table job_item add column text text not null default '';
alter table job_item add column target_id uuid;
alter table job_item add column target_path text not null default '';
alter table job_item add column leftover_id uuid;
alter table job_item add column is_swept boolean not null default false;
alter table job_item add column is_warned boolean not null default false;
alter table job_item add column attempt bigint not null default 0;
alter table job_item alter column code set default '';

-- The items of a job, in order.
create index job_item_seq on job_item (job_id, seq) where seq > 0;
-- What is still to be done, and what is still to be cleared away.
create index job_item_pending on job_item (job_id, seq) where state = 'PENDING';
create index job_item_leftover on job_item (job_id, depth desc) where leftover_id is not null and not is_swept;

-- When an account had its last turn: the one that waits for longest has the next. Written by job::turn.
create table job_turn (
    account_id uuid primary key,
    served_at  timestamptz not null
);
