-- A folder or a document of a WorkCenter. Written by content::store.
--
-- What is deleted is marked itself and nothing in it: a folder goes, and comes back, with one row, and what is in it is there
-- exactly when all folders above it are.
create table entry (
    id            uuid primary key,
    account_id    uuid not null references account,
    -- Daemons empty a WorkCenter before they purge it; those of the version before do not know that there is something in it.
    workcenter_id uuid not null references workcenter on delete cascade,
    -- The folder it is in, of the same WorkCenter; null at the top.
    parent_id     uuid,
    kind          text not null check (kind in ('FOLDER', 'DOCUMENT')),
    name          text not null check (char_length(name) between 1 and 255),
    -- What names are compared by, letter case aside; it does not depend on the locale of a server.
    name_key      text collate "C" not null,
    description   text not null default '' check (char_length(description) <= 2000),
    -- The newest version, counted from 1; 0 for folders.
    version       bigint not null default 0 check ((kind = 'FOLDER') = (version = 0)),
    created_by    uuid not null references person,
    created_at    timestamptz not null,
    updated_at    timestamptz not null,
    revision      bigint not null default 1,
    -- What it was copied from, wherever that is now.
    copied_from   uuid,
    -- Since when it is deleted, by whom, and when it goes for good.
    deleted_at    timestamptz,
    deleted_by    uuid references person,
    purge_at      timestamptz,
    constraint entry_place unique (id, workcenter_id),
    -- A folder moves to another WorkCenter with all that is in it, in one transaction.
    constraint entry_parent foreign key (parent_id, workcenter_id) references entry (id, workcenter_id)
        deferrable initially deferred,
    constraint entry_itself check (id <> parent_id),
    constraint entry_deleted check (num_nonnulls(deleted_at, deleted_by, purge_at) in (0, 3))
) with (fillfactor = 90);

-- One name once in each place.
create unique index entry_name
    on entry (workcenter_id, coalesce(parent_id, '00000000-0000-0000-0000-000000000000'), name_key)
    where deleted_at is null;
-- What is in a place, as lists have it: folders first; and after it what was deleted there.
create index entry_list
    on entry (workcenter_id, coalesce(parent_id, '00000000-0000-0000-0000-000000000000'), (deleted_at is not null),
        (kind = 'DOCUMENT'), name_key, id);
-- What is in a folder, deleted or not.
create index entry_parent on entry (parent_id) where parent_id is not null;
-- What housekeeping purges: little.
create index entry_purge on entry (purge_at) where purge_at is not null;

-- What a document was at some time. Written by content::store.
create table entry_version (
    entry_id     uuid not null references entry on delete cascade,
    number       bigint not null check (number > 0),
    account_id   uuid not null,
    digest       bytea not null constraint entry_version_blob references blob,
    size_bytes   bigint not null check (size_bytes >= 0),
    content_type text not null default '' check (char_length(content_type) <= 255),
    created_by   uuid not null references person,
    created_at   timestamptz not null,
    primary key (entry_id, number)
);

-- Whether something names a blob.
create index entry_version_digest on entry_version (digest);

-- Notes that what versions named may be loose now. In order, so that those who let go of the same do not block each other.
create function entry_version_lets_go() returns trigger language plpgsql as $$
begin
    perform from blob where digest in (select digest from gone) order by digest for no key update;
    update blob set loose_at = now() where digest in (select digest from gone);
    return null;
end $$;

create trigger entry_version_lets_go after delete on entry_version
referencing old table as gone
for each statement execute function entry_version_lets_go();

-- Keeps from being doomed what a version names. Daemons look themselves, but for those of the version before: they know of
-- pictures alone.
create function blob_is_kept() returns trigger language plpgsql as $$
begin
    if exists (select from entry_version where entry_version.digest = new.digest) then
        return null;
    end if;
    return new;
end $$;

create trigger blob_is_kept before update of doomed_until on blob
for each row when (new.doomed_until is not null) execute function blob_is_kept();
