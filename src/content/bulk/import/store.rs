//! The tables `import` and `import_entry`, and what imports write to `entry` and `entry_version`.

use std::collections::HashMap;

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    super::{apply::store::run, code::Code},
    plan::{Leaf, Packed},
};
use crate::{
    db::{self, GenericClient, Row},
    error::{Error, Result},
    secret::Hash,
};

/// Rows that one statement writes: the arrays of as many take a megabyte.
const WRITTEN_MAX: usize = 5_000;

const INSERT: &str = "insert into import (job_id, archive, bytes) values ($1, $2, $3)";

const INSERT_ENTRIES: &str = "
    insert into import_entry (job_id, item_id, seq, at, packed, bytes, crc, is_deflated, fault)
    select $1, * from unnest($2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::boolean[],
        $9::text[])";

const ARCHIVE: &str = "select archive, bytes from import where job_id = $1";

/// Among as many as come next: what is done has no row any more.
const DUE: &str = "
    select item_id, at, packed, bytes, crc, is_deflated
    from (select * from import_entry where job_id = $1 order by seq limit $2) it
    where digest is null and fault = ''
    order by seq";

/// What somebody else has made ready meanwhile is the same.
const READY: &str = "
    update import_entry set digest = it.digest, fault = it.fault
    from unnest($2::uuid[], $3::bytea[], $4::text[]) as it (item_id, digest, fault)
    where import_entry.job_id = $1 and import_entry.item_id = it.item_id";

const ENTRIES: &str = "select item_id, bytes, fault, digest from import_entry where job_id = $1 and item_id = any($2)";

const SETTLED: &str = "delete from import_entry where job_id = $1 and item_id = any($2)";

const REMOVE: &str = "delete from import where job_id = any($1)";

/// Folders, and documents with their first version.
const CREATE: &str = "
    with made as (
        select * from unnest($3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::bytea[], $8::bigint[])
            as it (id, parent_id, name, name_key, digest, bytes)
    ), created as (
        insert into entry (id, account_id, workcenter_id, parent_id, kind, name, name_key, version, created_by, created_at,
            updated_at)
        select id, $1, $2, parent_id, case when digest is null then 'FOLDER' else 'DOCUMENT' end, name, name_key,
            case when digest is null then 0 else 1 end, $9, $10, $10
        from made
    )
    insert into entry_version (entry_id, number, account_id, digest, size_bytes, created_by, created_at)
    select id, 1, $1, digest, bytes, $9, $10 from made where digest is not null";

/// Versions after the newest of their documents.
const APPEND: &str = "
    with made as (
        select entry.id, entry.version + 1 as number, entry.account_id, digest, bytes
        from unnest($1::uuid[], $2::bytea[], $3::bigint[]) as it (id, digest, bytes) join entry using (id)
    ), appended as (
        insert into entry_version (entry_id, number, account_id, digest, size_bytes, created_by, created_at)
        select id, number, account_id, digest, bytes, $4, $5 from made
    )
    update entry set version = made.number, updated_at = $5, revision = revision + 1
    from made where entry.id = made.id";

/// What is known of an item that is no folder.
pub(super) struct Known {
    pub bytes: i64,
    /// Why it cannot be had.
    pub fault: Option<Code>,
    /// What its bytes are found by, once they are unpacked.
    pub digest: Option<Hash>,
}

/// Folders and documents, and where they go.
#[derive(Debug, Default)]
pub(super) struct Made {
    pub ids: Vec<Uuid>,
    pub parents: Vec<Option<Uuid>>,
    pub names: Vec<String>,
    pub keys: Vec<String>,
    /// Of documents.
    pub digests: Vec<Option<Vec<u8>>>,
    pub bytes: Vec<i64>,
}

/// Notes where the archive of a job is, and each document in it. Its leaves have their places among the items of the job.
pub(super) async fn insert(
    on: &impl GenericClient,
    job: Uuid,
    (archive, bytes): (&Hash, u64),
    leaves: &[(usize, Leaf)],
) -> Result<()> {
    db::text(on, INSERT, &[&job, &&archive[..], &long(bytes)]).await?;
    for leaves in leaves.chunks(WRITTEN_MAX) {
        fn column<T>(leaves: &[(usize, Leaf)], of: impl Fn(&Packed) -> T) -> Vec<T> {
            leaves.iter().map(|(_, it)| of(&it.packed)).collect()
        }
        let seqs: Vec<i64> = leaves.iter().map(|(place, _)| long(*place as u64) + 1).collect();
        let faults: Vec<&str> = leaves.iter().map(|(_, it)| it.fault.map_or("", Code::name)).collect();
        let (items, ats) = (column(leaves, |it| it.item), column(leaves, |it| long(it.at)));
        let (packed, bytes) = (column(leaves, |it| long(it.packed)), column(leaves, |it| long(it.bytes)));
        let (crcs, deflated) = (column(leaves, |it| i64::from(it.crc)), column(leaves, |it| it.is_deflated));
        db::text(on, INSERT_ENTRIES, &[&job, &items, &seqs, &ats, &packed, &bytes, &crcs, &deflated, &faults]).await?;
    }
    Ok(())
}

/// The archive of a job, and how many bytes it has; none when the job is over.
pub(super) async fn archive(on: &impl GenericClient, job: Uuid) -> Result<Option<(Hash, u64)>> {
    let rows = db::text(on, ARCHIVE, &[&job]).await?;
    let archive = |row: &Row| Ok((hash(row.get("archive"))?, row.get::<_, i64>("bytes").unsigned_abs()));
    rows.first().map(archive).transpose()
}

/// What is to be unpacked next, of the first `most` documents that are not done.
pub(super) async fn due(on: &impl GenericClient, job: Uuid, most: i64) -> Result<Vec<Packed>> {
    let packed = |row: &Row| {
        let number = |name| row.get::<_, i64>(name).unsigned_abs();
        Ok(Packed {
            item: row.get("item_id"),
            at: number("at"),
            packed: number("packed"),
            bytes: number("bytes"),
            crc: u32::try_from(row.get::<_, i64>("crc")).map_err(Error::internal)?,
            is_deflated: row.get("is_deflated"),
        })
    };
    db::text(on, DUE, &[&job, &most]).await?.iter().map(packed).collect()
}

/// Notes what documents were unpacked to, or why they cannot be.
pub(super) async fn ready(on: &impl GenericClient, job: Uuid, ready: &[(Uuid, Result<Hash, Code>)]) -> Result<()> {
    let items: Vec<Uuid> = ready.iter().map(|(item, _)| *item).collect();
    let digests: Vec<Option<&[u8]>> = ready.iter().map(|(_, it)| it.as_ref().ok().map(|it| &it[..])).collect();
    let faults: Vec<&str> = ready.iter().map(|(_, it)| it.as_ref().err().map_or("", |it| it.name())).collect();
    db::text(on, READY, &[&job, &items, &digests, &faults]).await?;
    Ok(())
}

/// What is known of these items, of those that are no folders.
pub(super) async fn entries(on: &impl GenericClient, job: Uuid, items: &[Uuid]) -> Result<HashMap<Uuid, Known>> {
    let known = |row: &Row| {
        let fault: &str = row.get("fault");
        let digest = row.get::<_, Option<&[u8]>>("digest").map(hash).transpose()?;
        let fault = (!fault.is_empty()).then(|| Code::named(fault));
        Ok((row.get("item_id"), Known { bytes: row.get("bytes"), fault, digest }))
    };
    db::text(on, ENTRIES, &[&job, &items]).await?.iter().map(known).collect()
}

/// Forgets where these items lie, which are done.
pub(super) async fn settled(on: &impl GenericClient, job: Uuid, items: &[Uuid]) -> Result<()> {
    db::text(on, SETTLED, &[&job, &items]).await?;
    Ok(())
}

/// Forgets the archives of jobs that are over.
pub(super) async fn remove(on: &impl GenericClient, jobs: &[Uuid]) -> Result<()> {
    db::text(on, REMOVE, &[&jobs]).await?;
    Ok(())
}

/// Makes these in a WorkCenter, for `by`.
pub(super) async fn create(
    on: &impl GenericClient,
    (account, workcenter): (Uuid, Uuid),
    made: &Made,
    by: Uuid,
    now: Timestamp,
) -> Result<()> {
    let Made { ids, parents, names, keys, digests, bytes } = made;
    run(on, CREATE, &[&account, &workcenter, ids, parents, names, keys, digests, bytes, &by, &now]).await
}

/// Makes versions of these documents, one of each, for `by`.
pub(super) async fn append(
    on: &impl GenericClient,
    (documents, digests, bytes): (&[Uuid], &[Hash], &[i64]),
    by: Uuid,
    now: Timestamp,
) -> Result<()> {
    let digests: Vec<&[u8]> = digests.iter().map(|it| &it[..]).collect();
    run(on, APPEND, &[&documents, &digests, &bytes, &by, &now]).await
}

/// No archive has as many bytes.
fn long(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn hash(bytes: &[u8]) -> Result<Hash> {
    bytes.try_into().map_err(Error::internal)
}
