-- WorkCenters that are copied from templates. Programs of the version before cannot read jobs of these kinds: upgrade all servers
-- and daemons before anybody starts one.

alter table job drop constraint job_kind_check;
alter table job add constraint job_kind_check check (kind in
    ('DIGEST_RUN', 'BULK_COPY', 'BULK_MOVE', 'BULK_DELETE', 'BULK_RESTORE', 'IMPORT_DOCUMENTS', 'IMPORT_INVITES',
    'APPLY_TEMPLATE', 'PUBLISH_TEMPLATE'));
alter table job_item drop constraint job_item_kind_check;
alter table job_item add constraint job_item_kind_check check (kind in
    ('RECIPIENT', 'FOLDER', 'DOCUMENT', 'INVITE', 'SETTING', 'COLLABORATOR', 'TASK', 'POST', 'COMMENT', 'WORKCENTER'));
-- The job that an item of is done by this one. It waits, with a lease that never runs out, until this one is over.
alter table job add column parent_id uuid;
-- Which jobs a job waits for.
create index job_parent on job (parent_id) where parent_id is not null;

-- When what it was copied from was written.
alter table post add column original_at timestamptz;

-- What was asked for of a job that copies a template: it goes with its job. Written by template::store.
create table template_run (
    job_id          uuid primary key references job on delete cascade,
    template_id     uuid not null,
    -- Kinds of items.
    what            text[] not null,
    mode            text not null check (mode in ('ADD_MISSING', 'UPDATE_UNMODIFIED', 'REPORT_ONLY')),
    -- Whether documents whose name is taken by others become versions of these.
    new_versions    boolean not null,
    -- Whether the WorkCenter is made for it: nobody hears of it until all of it is there, and it goes if that fails.
    creates         boolean not null,
    -- Who is meant by a role, pair by pair; and who by somebody who is not there.
    bound_roles     text[] not null,
    bound_users     uuid[] not null,
    replaced_users  uuid[] not null,
    replacing_users uuid[] not null,
    -- Where the dates of tasks come from, with the date of START and DUE.
    anchor          text not null check (anchor in ('START', 'DUE', 'NONE', 'KEEP')),
    anchor_date     text not null default '',
    -- Days of the week on which people work, a bit for each and Monday the lowest, and dates on which they do not: null where all
    -- days are counted.
    working_days    bigint,
    holidays        text[] not null default '{}',
    -- Whether nothing is copied where dates would be lost.
    is_strict       boolean not null
);

-- When a task is to begin and to be due where it is copied to by a job. Written by template::dates.
create table template_date (
    job_id    uuid not null references job on delete cascade,
    task_id   uuid not null,
    starts_at timestamptz,
    due_at    timestamptz,
    time_zone text not null,
    -- What there is to say of it.
    code      text not null,
    primary key (job_id, task_id)
);

-- What something of a template has led to in another WorkCenter. Written by template::link.
create table template_item_link (
    template_id   uuid not null references workcenter on delete cascade,
    workcenter_id uuid not null references workcenter on delete cascade,
    source_id     uuid not null,
    kind          text not null,
    target_id     uuid not null,
    -- What `template_hash` said of the source when it was copied, and of the copy: null where that was there before.
    source_hash   bytea not null,
    copy_hash     bytea,
    primary key (template_id, workcenter_id, source_id)
);

-- What goes when its WorkCenter is purged.
create index template_item_link_workcenter on template_item_link (workcenter_id);

-- A hash over all that is copied of an item of a WorkCenter: null when it is not there. What it names, it names by id.
create function template_hash(kind text, workcenter uuid, item uuid) returns bytea language sql stable as $$
    select sha256(convert_to((case $1
        when 'SETTING' then (select jsonb_build_array(category) from workcenter where id = $3)
        when 'COLLABORATOR' then (
            select jsonb_build_array(role) from collaborator where workcenter_id = $2 and user_id = $3)
        when 'FOLDER' then (
            select jsonb_build_array(name, parent_id, description) from entry
            where id = $3 and workcenter_id = $2 and entry_is_there(id))
        when 'DOCUMENT' then (
            select jsonb_build_array(name, parent_id, description, encode(digest, 'hex'), content_type)
            from entry join entry_version on entry_id = id and number = version
            where id = $3 and workcenter_id = $2 and entry_is_there(id))
        when 'TASK' then (
            select jsonb_build_array(document_id, title, group_name, description, location, extract(epoch from starts_at),
                extract(epoch from due_at), time_zone, assignee_rule, approver_rule, reminders,
                array(select part || ' ' || coalesce(user_id::text, role) from task_person
                    where task_id = task.id order by part, seq),
                array(select prior_id from task_dependency where task_id = task.id order by prior_id),
                array(select coalesce(entry_id, other_id) from task_attachment where task_id = task.id order by seq))
            from task where id = $3 and workcenter_id = $2 and deleted_at is null
                and (document_id is null or entry_is_there(document_id)))
        when 'POST' then (select jsonb_build_array(title, text) from post where id = $3 and workcenter_id = $2)
        when 'COMMENT' then (
            select jsonb_build_array(text, coalesce(document_id, task_id, post_id)) from comment where id = $3)
    end)::text, 'UTF8'))
$$;
