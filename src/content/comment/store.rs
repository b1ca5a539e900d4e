//! The table `comment`.

use jiff::Timestamp;
use uuid::Uuid;

use super::{COMMENTS_MAX, Comment, subject::Subject};
use crate::{
    content::text,
    db::{self, GenericClient, Row, ToSql, Transaction},
    error::Result,
};

/// Reads comments, as far as the rest of the statement says.
macro_rules! comments {
    ($more:literal, $rest:literal) => {
        concat!(
            "select comment.id, comment.account_id, comment.document_id, comment.task_id, comment.post_id, comment.text,
                comment.mentioned, comment.author_id, comment.created_at, comment.edited_at, comment.revision",
            $more,
            " from comment ",
            $rest
        )
    };
}

/// With what it is about, and whether that is there.
const FIND: &str = comments!(
    ", coalesce(entry.workcenter_id, task.workcenter_id, post.workcenter_id) as workcenter_id,
    coalesce(entry.name, task.title, nullif(post.title, ''), '') as title, coalesce(post.text, '') as post_text,
    (entry.id is null or entry_is_there(entry.id)) and task.deleted_at is null
        and (task.document_id is null or entry_is_there(task.document_id)) as is_there",
    "left join entry on entry.id = comment.document_id
    left join task on task.id = comment.task_id
    left join post on post.id = comment.post_id
    where comment.id = $1"
);

const LOCK: &str = "select id from comment where id = $1 for update";

/// Statements about what is said of one thing, for documents, tasks and posts.
macro_rules! of_each {
    ($name:ident, $before:literal, $after:literal) => {
        const $name: [&str; 3] = [
            concat!($before, "document_id = $1 ", $after),
            concat!($before, "task_id = $1 ", $after),
            concat!($before, "post_id = $1 ", $after),
        ];
    };
}

of_each!(
    LIST,
    "select id, account_id, document_id, task_id, post_id, text, mentioned, author_id, created_at, edited_at, revision
    from comment where ",
    "and ($2::timestamptz is null or (created_at, id) > ($2, $3)) order by created_at, id limit $4"
);

of_each!(IS_FULL, "select exists (select from comment where ", "offset $2) as is_so");

const INSERT: &str = "
    insert into comment (id, account_id, document_id, task_id, post_id, text, mentioned, author_id, created_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

const UPDATE: &str = "update comment set text = $2, mentioned = $3, edited_at = $4, revision = $5 where id = $1";

const REMOVE: &str = "delete from comment where id = $1";

const REMOVE_OF: &str = "delete from comment where post_id = $1 returning id";

/// A comment, and what it is about.
pub(super) struct Found {
    pub comment: Comment,
    /// What that is in.
    pub workcenter: Uuid,
    /// What that is called.
    pub title: String,
    pub is_there: bool,
}

/// The comment `id`.
pub(super) async fn find(on: &impl GenericClient, id: Uuid) -> Result<Option<Found>> {
    let rows = db::text(on, FIND, &[&id]).await?;
    let found = |row: &Row| {
        let title: String = row.get("title");
        let title = if title.is_empty() { text::label(row.get("post_text")) } else { title };
        Found { comment: comment(row), workcenter: row.get("workcenter_id"), title, is_there: row.get("is_there") }
    };
    Ok(rows.first().map(found))
}

/// Keeps others from changing the comment `id` until the transaction ends. What it is now is to be read after this.
pub(super) async fn lock(tx: &Transaction<'_>, id: Uuid) -> Result<()> {
    db::text(tx, LOCK, &[&id]).await?;
    Ok(())
}

/// What is said of `subject`, oldest first, from the one after `after`: when it was written, and its id.
pub(super) async fn list(
    on: &impl GenericClient,
    subject: Subject,
    after: Option<(Timestamp, Uuid)>,
    fetch: i64,
) -> Result<Vec<Comment>> {
    let (at, id) = after.unzip();
    let rows = db::text(on, LIST[place(subject)], &[&subject.id(), &at, &id, &fetch]).await?;
    Ok(rows.iter().map(comment).collect())
}

/// Whether there are as many comments of `subject` as there may be.
pub(super) async fn is_full(on: &impl GenericClient, subject: Subject) -> Result<bool> {
    let rows = db::text(on, IS_FULL[place(subject)], &[&subject.id(), &(COMMENTS_MAX - 1)]).await?;
    Ok(rows.first().is_some_and(|row| row.get("is_so")))
}

/// Makes a comment.
pub(super) async fn insert(on: &impl GenericClient, comment: &Comment) -> Result<()> {
    let Comment { id, account, subject, text, mentioned, author, created_at, .. } = comment;
    let mut of = [None; 3];
    of[place(*subject)] = Some(subject.id());
    let [document, task, post] = &of;
    let values: [&(dyn ToSql + Sync); 9] = [id, account, document, task, post, text, mentioned, author, created_at];
    db::text(on, INSERT, &values).await?;
    Ok(())
}

/// Writes what may change of a comment that is locked.
pub(super) async fn update(on: &impl GenericClient, comment: &Comment) -> Result<()> {
    let Comment { id, text, mentioned, edited_at, revision, .. } = comment;
    db::text(on, UPDATE, &[id, text, mentioned, edited_at, revision]).await?;
    Ok(())
}

/// Removes a comment.
pub(super) async fn remove(on: &impl GenericClient, id: Uuid) -> Result<()> {
    db::text(on, REMOVE, &[&id]).await?;
    Ok(())
}

/// Removes what is said of a post; returns the ids.
pub(super) async fn remove_of(on: &impl GenericClient, post: Uuid) -> Result<Vec<Uuid>> {
    Ok(db::text(on, REMOVE_OF, &[&post]).await?.iter().map(|row| row.get("id")).collect())
}

/// Which of the statements for each are for this.
fn place(subject: Subject) -> usize {
    match subject {
        Subject::Document(_) => 0,
        Subject::Task(_) => 1,
        Subject::Post(_) => 2,
    }
}

fn comment(row: &Row) -> Comment {
    let id = |column: &str| row.get::<_, Option<Uuid>>(column);
    let document = || id("document_id").map(Subject::Document);
    let task = || id("task_id").map(Subject::Task);
    let subject = document().or_else(task).or_else(|| id("post_id").map(Subject::Post));
    Comment {
        id: row.get("id"),
        account: row.get("account_id"),
        subject: subject.expect("the table checks that there is one"),
        text: row.get("text"),
        mentioned: row.get("mentioned"),
        author: row.get("author_id"),
        created_at: row.get("created_at"),
        edited_at: row.get("edited_at"),
        revision: row.get("revision"),
    }
}
