-- Archives whose documents are imported by jobs. Programs of the version before cannot read jobs of this kind: upgrade all servers
-- and daemons before anybody starts one.

alter table job drop constraint job_kind_check;
alter table job add constraint job_kind_check
    check (kind in ('DIGEST_RUN', 'BULK_COPY', 'BULK_MOVE', 'BULK_DELETE', 'BULK_RESTORE', 'IMPORT_INVITES', 'IMPORT_DOCUMENTS'));

-- The archive of an import that is not over. Written by content::bulk::import::store.
create table import (
    job_id  uuid primary key references job on delete cascade,
    -- What its bytes are found by.
    archive bytea not null constraint import_archive references blob,
    -- How many they are.
    bytes   bigint not null check (bytes > 0)
);

-- Whether something names a blob.
create index import_archive on import (archive);

-- What becomes of an item of an import that is no folder, until it is done: where its document lies in the archive, or why there is
-- none. Written by content::bulk::import::store.
create table import_entry (
    job_id      uuid not null references import on delete cascade,
    item_id     uuid not null,
    -- As the items of the job.
    seq         bigint not null,
    -- Where what is said of it in the archive begins, how many bytes it has there, unpacked how many, and their CRC-32.
    at          bigint not null check (at >= 0),
    packed      bigint not null check (packed >= 0),
    bytes       bigint not null check (bytes >= 0),
    crc         bigint not null,
    is_deflated boolean not null,
    -- The code of why it cannot be had; empty when it can, as far as is known.
    fault       text not null default '',
    -- What its bytes are found by, once they are unpacked.
    digest      bytea constraint import_entry_blob references blob,
    primary key (job_id, item_id)
);

-- What is to be unpacked next.
create index import_entry_seq on import_entry (job_id, seq);
-- Whether something names a blob.
create index import_entry_digest on import_entry (digest) where digest is not null;

-- Notes that nobody reads an archive any more whose import is over: it is collected with what has been loose for long.
create function import_lets_go() returns trigger language plpgsql as $$
begin
    perform from blob where digest in (select archive from gone) order by digest for no key update;
    update blob set loose_at = now() - interval '2 days' where digest in (select archive from gone);
    return null;
end $$;

create trigger import_lets_go after delete on import
referencing old table as gone
for each statement execute function import_lets_go();

-- Notes that what was unpacked may be loose now: most of it is named by versions.
create function import_entry_lets_go() returns trigger language plpgsql as $$
begin
    perform from blob where digest in (select digest from gone) order by digest for no key update;
    update blob set loose_at = now() where digest in (select digest from gone);
    return null;
end $$;

create trigger import_entry_lets_go after delete on import_entry
referencing old table as gone
for each statement execute function import_entry_lets_go();

-- As before, and keeps what is imported, too.
create or replace function blob_is_kept() returns trigger language plpgsql as $$
begin
    if exists (select from entry_version where entry_version.digest = new.digest)
        or exists (select from import where import.archive = new.digest)
        or exists (select from import_entry where import_entry.digest = new.digest) then
        return null;
    end if;
    return new;
end $$;
