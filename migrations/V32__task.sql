-- Tasks, posts, and what is said of them and of documents. What is of a document goes where it goes: keys that lead to it follow
-- it to another WorkCenter, also when a program of the version before moves it, and go with it when that one purges it.

-- Whether a folder or document is there: neither it nor any folder that it is in is deleted.
create function entry_is_there(uuid) returns boolean language sql stable as $$
    with recursive up as (
        select parent_id, deleted_at from entry where id = $1
        union all
        select entry.parent_id, entry.deleted_at from up join entry on entry.id = up.parent_id
    )
    select count(*) > 0 and count(deleted_at) = 0 from up
$$;

-- Something to be done in a WorkCenter. Written by content::task::store.
create table task (
    id            uuid primary key,
    account_id    uuid not null references account,
    -- Daemons empty a WorkCenter before they purge it; those of the version before do not know that there is something in it.
    workcenter_id uuid not null references workcenter on delete cascade,
    -- The document that it belongs to, and is there with.
    document_id   uuid,
    title         text not null check (char_length(title) between 1 and 255),
    group_name    text not null default '' check (char_length(group_name) <= 255),
    description   text not null default '' check (char_length(description) <= 10000),
    location      text not null default '' check (char_length(location) <= 255),
    -- That a new one waits for others is seen when it is read: nothing has to be written when these change.
    status        text not null check (status in ('NEW', 'IN_PROGRESS', 'FINISHED', 'COMPLETED')),
    starts_at     timestamptz,
    due_at        timestamptz,
    -- Where the clock hangs that both are meant by; empty for UTC.
    time_zone     text not null default '',
    assignee_rule text not null check (assignee_rule in ('ANY', 'ALL')),
    approver_rule text not null check (approver_rule in ('ANY', 'ALL')),
    -- Minutes before it is due.
    reminders     bigint[] not null default '{}',
    created_by    uuid not null references person,
    created_at    timestamptz not null,
    updated_at    timestamptz not null,
    revision      bigint not null default 1,
    -- Since when it is deleted, by whom, and when it goes for good.
    deleted_at    timestamptz,
    deleted_by    uuid references person,
    purge_at      timestamptz,
    constraint task_place foreign key (document_id, workcenter_id) references entry (id, workcenter_id)
        on update cascade on delete cascade,
    constraint task_dates check (starts_at <= due_at),
    constraint task_deleted check (num_nonnulls(deleted_at, deleted_by, purge_at) in (0, 3))
) with (fillfactor = 90);

-- The tasks of a WorkCenter as they were made; and after them those that are deleted.
create index task_list on task (workcenter_id, (deleted_at is not null), id);
-- The tasks of a document.
create index task_document on task (document_id) where document_id is not null;
-- What housekeeping purges: little.
create index task_purge on task (purge_at) where purge_at is not null;

-- Who is to do a task, or to approve it: a person, or whoever has a role. Written by content::task::store.
create table task_person (
    task_id uuid not null references task on delete cascade,
    part    text not null check (part in ('ASSIGNEE', 'APPROVER')),
    seq     bigint not null,
    user_id uuid references person,
    role    text check (role in ('OWNER', 'CONTRIBUTOR', 'READER')),
    -- When they were done, or have approved, and who of those with the role it was.
    done_at timestamptz,
    done_by uuid references person,
    primary key (task_id, part, seq),
    constraint task_person_one check (num_nonnulls(user_id, role) = 1),
    constraint task_person_done check (num_nonnulls(done_at, done_by) in (0, 2))
);

-- A task that comes before another one of the same WorkCenter. Nobody comes before themselves: changes of these are made by one
-- at a time in each WorkCenter. Written by content::task::store and content::bulk::apply.
create table task_dependency (
    task_id  uuid not null references task on delete cascade,
    prior_id uuid not null references task on delete cascade,
    primary key (task_id, prior_id)
);

-- Which tasks wait for one.
create index task_dependency_prior on task_dependency (prior_id, task_id);

-- A document, a folder or another task that is attached to a task of the same WorkCenter. Written by content::task::store and
-- content::bulk::apply.
create table task_attachment (
    task_id  uuid not null references task on delete cascade,
    seq      bigint not null,
    entry_id uuid references entry on delete cascade,
    other_id uuid references task on delete cascade,
    primary key (task_id, seq),
    constraint task_attachment_one check (num_nonnulls(entry_id, other_id) = 1)
);

-- To what something is attached that goes away.
create index task_attachment_entry on task_attachment (entry_id) where entry_id is not null;
create index task_attachment_other on task_attachment (other_id) where other_id is not null;

-- What somebody tells a WorkCenter. Written by content::post::store.
create table post (
    id            uuid primary key,
    account_id    uuid not null references account,
    workcenter_id uuid not null references workcenter on delete cascade,
    title         text not null default '' check (char_length(title) <= 255),
    text          text not null check (char_length(text) between 1 and 10000),
    mentioned     uuid[] not null default '{}',
    author_id     uuid not null references person,
    created_at    timestamptz not null,
    edited_at     timestamptz,
    revision      bigint not null default 1
);

-- The posts of a WorkCenter, newest first.
create index post_list on post (workcenter_id, id);

-- What somebody says of a document, a task or a post, wherever that is. Written by content::comment::store and
-- content::bulk::apply.
create table comment (
    id          uuid primary key,
    account_id  uuid not null references account,
    document_id uuid references entry on delete cascade,
    task_id     uuid references task on delete cascade,
    post_id     uuid references post on delete cascade,
    text        text not null check (char_length(text) between 1 and 10000),
    mentioned   uuid[] not null default '{}',
    author_id   uuid not null references person,
    created_at  timestamptz not null,
    edited_at   timestamptz,
    revision    bigint not null default 1,
    constraint comment_one check (num_nonnulls(document_id, task_id, post_id) = 1)
);

-- What was said of each, oldest first.
create index comment_document on comment (document_id, created_at, id) where document_id is not null;
create index comment_task on comment (task_id, created_at, id) where task_id is not null;
create index comment_post on comment (post_id, created_at, id) where post_id is not null;

-- Whether comments are copied with documents.
alter table job add column includes_comments boolean not null default false;
