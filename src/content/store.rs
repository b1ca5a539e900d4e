//! The tables `entry` and `entry_version`.

use jiff::Timestamp;
use sea_query::{Expr, ExprTrait, Iden, Query};
use uuid::Uuid;

use super::{Deletion, Entry, Kind, Name, Version};
use crate::{
    db::{self, DbError, GenericClient, Row, Transaction},
    error::{Error, Reason, Result},
    secret::Hash,
};

#[derive(Clone, Copy, Iden)]
#[iden = "entry"]
enum Column {
    Table,
    Id,
    AccountId,
    WorkcenterId,
    ParentId,
    Kind,
    Name,
    NameKey,
    Description,
    Version,
    CreatedBy,
    CreatedAt,
    UpdatedAt,
    Revision,
    CopiedFrom,
    DeletedAt,
    DeletedBy,
    PurgeAt,
}

#[derive(Clone, Copy, Iden)]
#[iden = "entry_version"]
enum Of {
    Table,
    EntryId,
    Number,
    AccountId,
    Digest,
    SizeBytes,
    ContentType,
    CreatedBy,
    CreatedAt,
}

/// What stands for the top of a WorkCenter where a place has to have an id, as the indexes have it.
const TOP: Uuid = Uuid::nil();

/// Reads entries, each with its newest version, as far as the rest of the statement says.
macro_rules! entries {
    ($more:literal, $rest:literal) => {
        concat!(
            "select entry.id, entry.account_id, entry.workcenter_id, entry.parent_id, entry.kind, entry.name,
                entry.description, entry.created_by, entry.created_at, entry.updated_at, entry.revision,
                entry.copied_from, entry.deleted_at, entry.deleted_by, entry.purge_at,
                newest.number, newest.digest, newest.size_bytes, newest.content_type,
                newest.created_by as version_by, newest.created_at as version_at",
            $more,
            " from entry left join entry_version newest
                on newest.entry_id = entry.id and newest.number = entry.version ",
            $rest
        )
    };
}

/// Climbs to the top: no further than a hundred folders, for nobody makes more.
const FIND: &str = entries!(
    ", above.path, above.is_hidden",
    "cross join lateral (
        with recursive above as (
            select up.id, up.parent_id, up.name, up.deleted_at, 1 as height from entry up where up.id = entry.parent_id
            union all
            select up.id, up.parent_id, up.name, up.deleted_at, above.height + 1
            from above join entry up on up.id = above.parent_id
        )
        select coalesce(array_agg(name order by height desc), '{}') as path,
            coalesce(bool_or(deleted_at is not null), false) as is_hidden
        from above
    ) above
    where entry.id = $1"
);

const LOCK: &str = "select id from entry where id = $1 for update";

/// Asked for by a subquery: of a value that it knows, the planner makes a condition that is not in the index.
const LIST: &str = entries!(
    "",
    "where entry.workcenter_id = $1
        and coalesce(entry.parent_id, '00000000-0000-0000-0000-000000000000') = $2
        and (entry.deleted_at is not null) = (select $3::bool)
        and (entry.kind = 'DOCUMENT', entry.name_key, entry.id) > ($4::bool, $5::text, $6::uuid)
    order by entry.kind = 'DOCUMENT', entry.name_key, entry.id
    limit $7"
);

const IS_TAKEN: &str = "
    select exists (
        select from entry
        where workcenter_id = $1 and coalesce(parent_id, '00000000-0000-0000-0000-000000000000') = $2
            and name_key = $3 and deleted_at is null
    ) as is_so";

/// What is in a folder is of the same WorkCenter.
const IS_FILLED: &str = "
    select exists (select from entry where parent_id = $1 and deleted_at is null) as is_so";

/// Reads versions, as far as the rest of the statement says.
macro_rules! versions {
    ($rest:literal) => {
        concat!(
            "select number, digest, size_bytes, content_type, created_by as version_by, created_at as version_at
            from entry_version where entry_id = $1 ",
            $rest
        )
    };
}

const VERSION: &str = versions!("and number = $2");

const VERSIONS: &str = versions!("and ($2::bigint is null or number < $2) order by number desc limit $3");

/// An entry, and where it is.
#[derive(Clone, Debug)]
pub struct Found {
    /// The entry.
    pub entry: Entry,
    /// The names of the folders that it is in, from the top.
    pub path: Vec<String>,
    /// Whether one of these is deleted.
    pub is_hidden: bool,
}

impl Found {
    /// Whether it is there: neither it nor a folder that it is in is deleted.
    pub fn is_there(&self) -> bool {
        !self.is_hidden && self.entry.deletion.is_none()
    }
}

/// What is to be listed of a place, and from where.
pub(super) struct Listed<'a> {
    pub workcenter: Uuid,
    pub folder: Option<Uuid>,
    pub deleted: bool,
    /// The last row of the page before: whether it is a document, its key, and its id.
    pub after: Option<(bool, &'a str, Uuid)>,
    pub fetch: i64,
}

/// The entry `id`, deleted or not.
pub(super) async fn find(on: &impl GenericClient, id: Uuid) -> Result<Option<Found>> {
    let rows = db::text(on, FIND, &[&id]).await?;
    let found = |row: &Row| Found { entry: entry(row), path: row.get("path"), is_hidden: row.get("is_hidden") };
    Ok(rows.first().map(found))
}

/// Keeps others from changing the entry `id` until the transaction ends. What it is now is to be read after this.
pub(super) async fn lock(tx: &Transaction<'_>, id: Uuid) -> Result<()> {
    db::text(tx, LOCK, &[&id]).await?;
    Ok(())
}

/// What is in a place, folders first, then by name.
pub(super) async fn list(on: &impl GenericClient, listed: &Listed<'_>) -> Result<Vec<Entry>> {
    let Listed { workcenter, folder, deleted, after, fetch } = listed;
    // All have a name, and so come after this.
    let (is_document, key, id) = after.unwrap_or((false, "", Uuid::nil()));
    let folder = folder.unwrap_or(TOP);
    let rows = db::text(on, LIST, &[workcenter, &folder, deleted, &is_document, &key, &id, fetch]).await?;
    Ok(rows.iter().map(entry).collect())
}

/// Whether something in a place has that name.
pub(super) async fn is_taken(
    on: &impl GenericClient,
    workcenter: Uuid,
    folder: Option<Uuid>,
    name: &Name,
) -> Result<bool> {
    let rows = db::text(on, IS_TAKEN, &[&workcenter, &folder.unwrap_or(TOP), &name.key()]).await?;
    Ok(rows.first().is_some_and(|row| row.get("is_so")))
}

/// Whether anything is in a folder that is not deleted.
pub(super) async fn is_filled(on: &impl GenericClient, folder: Uuid) -> Result<bool> {
    Ok(db::text(on, IS_FILLED, &[&folder]).await?.first().is_some_and(|row| row.get("is_so")))
}

/// Makes an entry, and the newest version of a document.
///
/// # Errors
///
/// [`Error::Taken`] when something in the same place is called the same.
pub(super) async fn insert(on: &impl GenericClient, entry: &Entry) -> Result<()> {
    let Deleted { at, by, purge_at } = Deleted::of(entry);
    let insert = Query::insert()
        .into_table(Column::Table)
        .columns([
            Column::Id,
            Column::AccountId,
            Column::WorkcenterId,
            Column::ParentId,
            Column::Kind,
            Column::Name,
            Column::NameKey,
            Column::Description,
            Column::Version,
            Column::CreatedBy,
            Column::CreatedAt,
            Column::UpdatedAt,
            Column::Revision,
            Column::CopiedFrom,
            Column::DeletedAt,
            Column::DeletedBy,
            Column::PurgeAt,
        ])
        .values_panic([
            entry.id.into(),
            entry.account.into(),
            entry.workcenter.into(),
            entry.parent.into(),
            entry.kind().name().into(),
            entry.name.text().into(),
            entry.name.key().into(),
            entry.description.as_str().into(),
            number(entry).into(),
            entry.created_by.into(),
            entry.created_at.into(),
            entry.updated_at.into(),
            entry.revision.into(),
            entry.copied_from.into(),
            at.into(),
            by.into(),
            purge_at.into(),
        ])
        .take();
    db::execute(on, &insert).await.map_err(taken)?;
    match &entry.version {
        Some(version) => insert_version(on, entry, version).await,
        None => Ok(()),
    }
}

/// Makes a version of a document. What its bytes are found by is to be held.
pub(super) async fn insert_version(on: &impl GenericClient, of: &Entry, version: &Version) -> Result<()> {
    let insert = Query::insert()
        .into_table(Of::Table)
        .columns([
            Of::EntryId,
            Of::Number,
            Of::AccountId,
            Of::Digest,
            Of::SizeBytes,
            Of::ContentType,
            Of::CreatedBy,
            Of::CreatedAt,
        ])
        .values_panic([
            of.id.into(),
            version.number.into(),
            of.account.into(),
            version.digest.to_vec().into(),
            version.size_bytes.into(),
            version.content_type.as_str().into(),
            version.created_by.into(),
            version.created_at.into(),
        ])
        .take();
    db::execute(on, &insert).await?;
    Ok(())
}

/// Writes what may change of an entry that is locked; a version of it is to be made besides.
///
/// # Errors
///
/// [`Error::Taken`] when something in the same place is called the same.
pub(super) async fn update(on: &impl GenericClient, entry: &Entry) -> Result<()> {
    let Deleted { at, by, purge_at } = Deleted::of(entry);
    let update = Query::update()
        .table(Column::Table)
        .value(Column::Name, entry.name.text())
        .value(Column::NameKey, entry.name.key())
        .value(Column::Description, entry.description.as_str())
        .value(Column::Version, number(entry))
        .value(Column::UpdatedAt, entry.updated_at)
        .value(Column::Revision, entry.revision)
        .value(Column::DeletedAt, at)
        .value(Column::DeletedBy, by)
        .value(Column::PurgeAt, purge_at)
        .and_where(Expr::col(Column::Id).eq(entry.id))
        .take();
    db::execute(on, &update).await.map_err(taken)?;
    Ok(())
}

/// The version `number` of a document.
pub(super) async fn version(on: &impl GenericClient, document: Uuid, number: i64) -> Result<Option<Version>> {
    Ok(db::text(on, VERSION, &[&document, &number]).await?.first().map(version_of))
}

/// The versions of a document, newest first, from the one before `before`.
pub(super) async fn versions(
    on: &impl GenericClient,
    document: Uuid,
    before: Option<i64>,
    fetch: i64,
) -> Result<Vec<Version>> {
    let rows = db::text(on, VERSIONS, &[&document, &before, &fetch]).await?;
    Ok(rows.iter().map(version_of).collect())
}

/// A deletion in columns.
#[derive(Default)]
struct Deleted {
    at: Option<Timestamp>,
    by: Option<Uuid>,
    purge_at: Option<Timestamp>,
}

impl Deleted {
    fn of(entry: &Entry) -> Self {
        let Some(Deletion { at, by, purge_at }) = entry.deletion else { return Self::default() };
        Self { at: Some(at), by: Some(by), purge_at: Some(purge_at) }
    }
}

fn number(entry: &Entry) -> i64 {
    entry.version.as_ref().map_or(0, |it| it.number)
}

fn taken(error: DbError) -> Error {
    match db::violated(&error) {
        Some("entry_name") => Error::Taken(Reason::NameTaken),
        _ => error.into(),
    }
}

fn entry(row: &Row) -> Entry {
    let kind = Kind::named(row.get("kind")).expect("the table checks `kind`");
    let at: Option<Timestamp> = row.get("deleted_at");
    Entry {
        id: row.get("id"),
        account: row.get("account_id"),
        workcenter: row.get("workcenter_id"),
        parent: row.get("parent_id"),
        name: Name::kept(row.get("name")),
        description: row.get("description"),
        version: (kind == Kind::Document).then(|| version_of(row)),
        created_by: row.get("created_by"),
        created_at: row.get("created_at"),
        updated_at: row.get("updated_at"),
        revision: row.get("revision"),
        copied_from: row.get("copied_from"),
        deletion: at.map(|at| Deletion { at, by: row.get("deleted_by"), purge_at: row.get("purge_at") }),
    }
}

fn version_of(row: &Row) -> Version {
    Version {
        number: row.get("number"),
        digest: Hash::try_from(row.get::<_, &[u8]>("digest")).expect("the table `blob` checks the length of digests"),
        size_bytes: row.get("size_bytes"),
        content_type: row.get("content_type"),
        created_by: row.get("version_by"),
        created_at: row.get("version_at"),
    }
}
