//! The table `post`.

use uuid::Uuid;

use super::{POSTS_MAX, Post};
use crate::{
    db::{self, GenericClient, Row, ToSql, Transaction},
    error::Result,
};

/// Reads posts, as far as the rest of the statement says.
macro_rules! posts {
    ($rest:literal) => {
        concat!(
            "select id, account_id, workcenter_id, title, text, mentioned, author_id, created_at, edited_at, original_at, revision
            from post ",
            $rest
        )
    };
}

const FIND: &str = posts!("where id = $1");

const LOCK: &str = posts!("where id = $1 for update");

/// An id is made later than those before it. Said as a stretch of `post_list`, for along the ids alone PostgreSQL would pass over
/// the posts of others.
const LIST: &str = posts!(
    "where (workcenter_id, id) < ($1, $2) and workcenter_id >= $1 order by workcenter_id desc, id desc limit $3"
);

const IS_FULL: &str = "select exists (select from post where workcenter_id = $1 offset $2) as is_so";

const INSERT: &str = "
    insert into post (id, account_id, workcenter_id, title, text, mentioned, author_id, created_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8)";

const UPDATE: &str = "
    update post set title = $2, text = $3, mentioned = $4, edited_at = $5, revision = $6 where id = $1";

const REMOVE: &str = "delete from post where id = $1";

/// The post `id`.
pub(super) async fn find(on: &impl GenericClient, id: Uuid) -> Result<Option<Post>> {
    Ok(db::text(on, FIND, &[&id]).await?.first().map(post))
}

/// The post `id`, which nobody else changes until the transaction ends.
pub(super) async fn lock(tx: &Transaction<'_>, id: Uuid) -> Result<Option<Post>> {
    Ok(db::text(tx, LOCK, &[&id]).await?.first().map(post))
}

/// The posts of a WorkCenter, newest first, from the one before `before`.
pub(super) async fn list(
    on: &impl GenericClient,
    workcenter: Uuid,
    before: Option<Uuid>,
    fetch: i64,
) -> Result<Vec<Post>> {
    Ok(db::text(on, LIST, &[&workcenter, &before.unwrap_or(Uuid::max()), &fetch]).await?.iter().map(post).collect())
}

/// Whether a WorkCenter has as many posts as it may have.
pub(super) async fn is_full(on: &impl GenericClient, workcenter: Uuid) -> Result<bool> {
    let rows = db::text(on, IS_FULL, &[&workcenter, &(POSTS_MAX - 1)]).await?;
    Ok(rows.first().is_some_and(|row| row.get("is_so")))
}

/// Makes a post.
pub(super) async fn insert(on: &impl GenericClient, post: &Post) -> Result<()> {
    let Post { id, account, workcenter, title, text, mentioned, author, created_at, .. } = post;
    let values: [&(dyn ToSql + Sync); 8] = [id, account, workcenter, title, text, mentioned, author, created_at];
    db::text(on, INSERT, &values).await?;
    Ok(())
}

/// Writes what may change of a post that is locked.
pub(super) async fn update(on: &impl GenericClient, post: &Post) -> Result<()> {
    let Post { id, title, text, mentioned, edited_at, revision, .. } = post;
    db::text(on, UPDATE, &[id, title, text, mentioned, edited_at, revision]).await?;
    Ok(())
}

/// Removes a post.
pub(super) async fn remove(on: &impl GenericClient, id: Uuid) -> Result<()> {
    db::text(on, REMOVE, &[&id]).await?;
    Ok(())
}

fn post(row: &Row) -> Post {
    Post {
        id: row.get("id"),
        account: row.get("account_id"),
        workcenter: row.get("workcenter_id"),
        title: row.get("title"),
        text: row.get("text"),
        mentioned: row.get("mentioned"),
        author: row.get("author_id"),
        created_at: row.get("created_at"),
        edited_at: row.get("edited_at"),
        original_at: row.get("original_at"),
        revision: row.get("revision"),
    }
}
