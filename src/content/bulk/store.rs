//! What bulk jobs read of the tables `entry` and `entry_version`, and of who may what in WorkCenters.

use uuid::Uuid;

use super::{
    plan::Extent,
    world::{Holder, Node, Place, Slot, Space},
};
use crate::{
    access::WorkCenterRole,
    content::Kind,
    db::{self, GenericClient, Row},
    error::Result,
};

/// Reads WorkCenters, and what somebody is in them, as far as the rest of the statement says. In one that is being made nobody
/// is anything: the job that makes it is not one of these.
macro_rules! spaces {
    ($rest:literal) => {
        concat!(
            "select workcenter.id, workcenter.account_id, workcenter.purge_at is not null as deleted,
                workcenter.archived_at is not null or account.deactivated_at is not null as archived,
                collaborator.role, coalesce(member.role = 'ADMINISTRATOR', false) as administers
            from workcenter join account on account.id = workcenter.account_id
            left join collaborator on collaborator.workcenter_id = workcenter.id and collaborator.user_id = $1
                and workcenter.provisioning_job_id is null
            left join member on member.account_id = workcenter.account_id and member.user_id = $1
                and workcenter.provisioning_job_id is null
            where workcenter.id = any(array(
                select $3::uuid union all select workcenter_id from entry where id = any($2))) ",
            $rest
        )
    };
}

const SPACES: &str = spaces!("");

/// Alone: whoever puts something into one of these WorkCenters, or moves something there, comes before or after. So no two
/// folders are moved into each other at once.
const LOCK_SPACES: &str = spaces!("order by workcenter.id for no key update of workcenter");

// Where a statement looks for one row for each of another one, `offset 0` keeps it to that: guesses of how many rows a
// recursion has would have it read the whole table.

/// Things, with where they are; those that they are in too, when `$2`.
const NODES: &str = "
    with recursive wanted as (
        select id from entry where id = any($1)
        union
        select parent_id from entry where $2 and id = any($1) and parent_id is not null
    ), up as (
        select wanted.id as of, entry.id, entry.parent_id, entry.name, entry.deleted_at is not null as deleted, 0 as height
        from wanted cross join lateral (select * from entry where id = wanted.id offset 0) entry
        union all
        select up.of, entry.id, entry.parent_id, entry.name, entry.deleted_at is not null, up.height + 1
        from up cross join lateral (select * from entry where id = up.parent_id offset 0) entry
    ), chain as (
        select of, coalesce(array_agg(id order by height) filter (where height > 0), '{}') as above,
            coalesce(bool_or(deleted) filter (where height > 0), false) as below_deleted,
            string_agg(name, '/' order by height desc) as path
        from up group by of
    )
    select entry.id, entry.kind, entry.workcenter_id, entry.parent_id, entry.name, entry.name_key, entry.purge_at,
        chain.above, chain.below_deleted, chain.path, coalesce(newest.size_bytes, 0) as bytes, newest.digest, entry.revision
    from chain cross join lateral (select * from entry where id = chain.of offset 0) entry
    left join lateral (
        select * from entry_version where entry_id = entry.id and number = entry.version offset 0
    ) newest on true";

/// How many folders are in each other in each of these, themselves counted.
const LEVELS: &str = "
    with recursive down as (
        select id as of, id, 1::bigint as level from entry where id = any($1) and kind = 'FOLDER'
        union all
        select down.of, entry.id, down.level + 1
        from down join entry on entry.parent_id = down.id and entry.kind = 'FOLDER'
    )
    select of, max(level) as levels from down group by of";

const FILLED: &str = "select distinct parent_id from entry where parent_id = any($1) and deleted_at is null";

/// What has these names in these places, and what has a name there that begins like a numbered form of one.
const HOLDERS: &str = "
    select entry.id, entry.kind, slot.workcenter_id, slot.parent_id, entry.name_key, newest.digest
    from (select distinct * from unnest($1::uuid[], $2::uuid[], $3::text[]) as it (workcenter_id, parent_id, name_key)) slot
    cross join lateral (
        select id, kind, name_key, version from entry
        where workcenter_id = slot.workcenter_id
            and coalesce(parent_id, '00000000-0000-0000-0000-000000000000')
                = coalesce(slot.parent_id, '00000000-0000-0000-0000-000000000000')
            and name_key = slot.name_key and deleted_at is null
        offset 0
    ) entry
    left join entry_version newest on newest.entry_id = entry.id and newest.number = entry.version
    union
    select entry.id, entry.kind, slot.workcenter_id, slot.parent_id, entry.name_key, newest.digest
    from (select distinct * from unnest($4::uuid[], $5::uuid[], $6::text[]) as it (workcenter_id, parent_id, prefix)) slot
    cross join lateral (
        select id, kind, name_key, version from entry
        where workcenter_id = slot.workcenter_id
            and coalesce(parent_id, '00000000-0000-0000-0000-000000000000')
                = coalesce(slot.parent_id, '00000000-0000-0000-0000-000000000000')
            and name_key >= slot.prefix and name_key < slot.prefix || chr(1114111) and deleted_at is null
        offset 0
    ) entry
    left join entry_version newest on newest.entry_id = entry.id and newest.number = entry.version";

/// All that is in these folders, from above to below, in the order in which it is done: no more than `$2` of it.
const WALK: &str = "
    with recursive walk as (
        select root.place, entry.id, null::uuid as parent_id, entry.name, entry.name_key, entry.kind, entry.workcenter_id,
            entry.version, entry.revision, 0::bigint as depth, root.path
        from unnest($1::uuid[], $3::text[]) with ordinality as root (id, path, place) join entry using (id)
        union all
        select walk.place, entry.id, entry.parent_id, entry.name, entry.name_key, entry.kind, entry.workcenter_id,
            entry.version, entry.revision, walk.depth + 1, walk.path || '/' || entry.name
        from walk join entry on entry.parent_id = walk.id and entry.deleted_at is null
        where walk.kind = 'FOLDER' and (entry.kind = 'FOLDER' or not $5 and ($6::text is null or entry.name_key like $6))
    ), part as (
        select * from walk where depth > 0 limit $2
    )
    select part.*, coalesce(case when $4 then (
            select sum(size_bytes)::bigint from entry_version where entry_id = part.id
        ) else newest.size_bytes end, 0) as bytes, newest.digest
    from part left join entry_version newest on newest.entry_id = part.id and newest.number = part.version
    order by depth, place, part.parent_id, kind desc, name_key, part.id";

/// Something that is in what was named.
pub(super) struct Walked {
    /// Which of what was named it is in, counted from 0.
    pub root: usize,
    pub depth: i64,
    pub node: Node,
}

/// The WorkCenters of these things, and `target`, as they are to `person`.
pub(super) async fn spaces(
    on: &impl GenericClient,
    person: Uuid,
    of: &[Uuid],
    target: Option<Uuid>,
    locks: bool,
) -> Result<Vec<(Uuid, Space)>> {
    let statement = if locks { LOCK_SPACES } else { SPACES };
    let rows = db::text(on, statement, &[&person, &of, &target]).await?;
    Ok(rows.iter().map(|it| (it.get("id"), space(it))).collect())
}

/// These things, of those that there are; and those that they are in, when `with_parents`.
pub(super) async fn nodes(on: &impl GenericClient, ids: &[Uuid], with_parents: bool) -> Result<Vec<Node>> {
    Ok(db::text(on, NODES, &[&ids, &with_parents]).await?.iter().map(node).collect())
}

/// How many folders are in each other in each of these folders, themselves counted.
pub(super) async fn levels(on: &impl GenericClient, ids: &[Uuid]) -> Result<Vec<(Uuid, usize)>> {
    let rows = db::text(on, LEVELS, &[&ids]).await?;
    let levels = |row: &Row| (row.get("of"), usize::try_from(row.get::<_, i64>("levels")).unwrap_or(usize::MAX));
    Ok(rows.iter().map(levels).collect())
}

/// Those of these folders in which there is something.
pub(super) async fn filled(on: &impl GenericClient, ids: &[Uuid]) -> Result<Vec<Uuid>> {
    Ok(db::text(on, FILLED, &[&ids]).await?.iter().map(|it| it.get("parent_id")).collect())
}

/// What has these names, and what has numbered forms of them where a prefix says how these begin.
pub(super) async fn holders(
    on: &impl GenericClient,
    names: &[(Place, String, Option<String>)],
) -> Result<Vec<(Slot, Holder)>> {
    let all = || names.iter();
    let numbered = || names.iter().filter_map(|(place, _, prefix)| Some((place, prefix.as_deref()?)));
    let values: (Vec<Uuid>, Vec<Option<Uuid>>, Vec<&str>) = (
        all().map(|it| it.0.workcenter).collect(),
        all().map(|it| it.0.folder).collect(),
        all().map(|it| it.1.as_str()).collect(),
    );
    let more: (Vec<Uuid>, Vec<Option<Uuid>>, Vec<&str>) = (
        numbered().map(|it| it.0.workcenter).collect(),
        numbered().map(|it| it.0.folder).collect(),
        numbered().map(|it| it.1).collect(),
    );
    let rows = db::text(on, HOLDERS, &[&values.0, &values.1, &values.2, &more.0, &more.1, &more.2]).await?;
    let holder = |row: &Row| {
        let place = Place { workcenter: row.get("workcenter_id"), folder: row.get("parent_id") };
        ((place, row.get("name_key")), Holder { id: row.get("id"), kind: kind(row), digest: row.get("digest") })
    };
    Ok(rows.iter().map(holder).collect())
}

/// What of these folders' contents `extent` has, each with its path, in order, `most` at most; with the bytes of all versions,
/// or of the newest.
pub(super) async fn walk(
    on: &impl GenericClient,
    roots: &[(Uuid, &str)],
    most: i64,
    all_versions: bool,
    extent: &Extent,
) -> Result<Vec<Walked>> {
    let (ids, paths): (Vec<Uuid>, Vec<&str>) = roots.iter().copied().unzip();
    let rows =
        db::text(on, WALK, &[&ids, &most, &paths, &all_versions, &extent.structure_only, &extent.pattern]).await?;
    let walked = |row: &Row| Walked {
        root: usize::try_from(row.get::<_, i64>("place") - 1).unwrap_or_default(),
        depth: row.get("depth"),
        node: Node {
            id: row.get("id"),
            kind: kind(row),
            workcenter: row.get("workcenter_id"),
            parent: row.get("parent_id"),
            name: row.get("name"),
            key: row.get("name_key"),
            path: row.get("path"),
            bytes: row.get("bytes"),
            digest: row.get("digest"),
            revision: row.get("revision"),
            purge_at: None,
            is_below_deleted: false,
            above: Vec::new(),
            levels: 0,
            is_filled: false,
        },
    };
    Ok(rows.iter().map(walked).collect())
}

fn space(row: &Row) -> Space {
    Space {
        account: row.get("account_id"),
        role: row.get::<_, Option<&str>>("role").and_then(WorkCenterRole::named),
        administers: row.get("administers"),
        is_archived: row.get("archived"),
        is_deleted: row.get("deleted"),
    }
}

fn node(row: &Row) -> Node {
    Node {
        id: row.get("id"),
        kind: kind(row),
        workcenter: row.get("workcenter_id"),
        parent: row.get("parent_id"),
        name: row.get("name"),
        key: row.get("name_key"),
        path: row.get("path"),
        bytes: row.get("bytes"),
        digest: row.get("digest"),
        revision: row.get("revision"),
        purge_at: row.get("purge_at"),
        is_below_deleted: row.get("below_deleted"),
        above: row.get("above"),
        levels: 0,
        is_filled: false,
    }
}

fn kind(row: &Row) -> Kind {
    Kind::named(row.get("kind")).expect("the table checks `kind`")
}
