//! The calls about comments, of `ContentService`.

use std::time::Duration;

use jiff::Timestamp;
use prost::Message;
use tonic::{Request, Response, Status};

use super::{
    Comment,
    change::{Change, Wanted},
    event_id, store,
    subject::Subject,
};
use crate::{
    access::{Action, Leave},
    activity, auth,
    clock::Clock,
    content::{mention, tell::Word, text},
    db::Db,
    error::{Error, Reason, Result, Violation, Violations},
    ids, mask,
    page::{self, Page},
    pb::{self, comment_subject},
    request::{self, Recall},
    secret::TokenKey,
};

/// Keeps comments.
pub(in crate::content) struct Comments {
    db: Db,
    clock: Clock,
    key: TokenKey,
    window: Duration,
}

impl Comments {
    /// Page tokens are sealed with `key`, and what happens becomes immediate mail `window` later.
    pub(in crate::content) fn new(db: Db, clock: Clock, key: TokenKey, window: Duration) -> Self {
        Self { db, clock, key, window }
    }

    fn word(&self, leave: &Leave, now: Timestamp) -> Word {
        Word { by: leave.person, now, window: self.window }
    }

    /// Serves `CreateComment`.
    pub(in crate::content) async fn create(
        &self,
        request: Request<pb::CreateCommentRequest>,
    ) -> Result<Response<pb::CreateCommentResponse>, Status> {
        let caller = auth::caller(&request)?;
        let asked = request.into_inner();
        let mut violations = Violations::default();
        let subject = violations.take(subject(asked.subject.as_ref()));
        let said = violations.take(text::said("text", &asked.text)).unwrap_or_default();
        let mentioned = text::mentioned("mentioned_user_ids", &asked.mentioned_user_ids, &mut violations);
        violations.extend(request::fault(&asked.request_id));
        violations.none()?;
        let subject = subject.ok_or_else(|| Error::internal("a subject was neither read nor refused"))?;

        let now = self.clock.now().await?;
        let mut client = self.db.client().await?;
        let tx = client.transaction().await.map_err(Error::from)?;
        let person = caller.person().unwrap_or_default();
        let path = Action::CreateComment.path();
        let spot = subject.hold(&tx, Action::CreateComment, &caller).await?;
        let ticket = match request::recall(&tx, person, path, &asked.request_id, &asked.encode_to_vec()).await? {
            Recall::New(ticket) => ticket,
            Recall::Known(answer) => {
                let answer = pb::CreateCommentResponse::decode(answer.as_slice()).map_err(Error::internal)?;
                return Ok(Response::new(answer));
            }
        };
        if store::is_full(&tx, subject).await? {
            return Err(Error::Refused(Reason::LimitReached).into());
        }
        mention::check(&tx, spot.workcenter, "mentioned_user_ids", &mentioned).await?;
        let word = self.word(&spot.leave, now);
        let comment = Comment {
            id: ids::new(),
            account: spot.account,
            subject,
            text: said,
            mentioned,
            author: word.by,
            created_at: now,
            edited_at: None,
            revision: 1,
        };
        store::insert(&tx, &comment).await?;
        let answer = pb::CreateCommentResponse { comment: Some(comment.clone().into()) };
        request::remember(&tx, ticket, &answer.encode_to_vec()).await?;
        let mut event = word.event(subject.commented(), spot.thing, spot.parent, text::excerpt(&comment.text));
        event.event_id = event_id(comment.id);
        event.addressees = mention::addressees(&comment.mentioned, word.by);
        activity::publish(&tx, spot.workcenter, vec![event], now, self.window).await?;
        tx.commit().await.map_err(Error::from)?;

        Ok(Response::new(answer))
    }

    /// Serves `ListComments`.
    pub(in crate::content) async fn list(
        &self,
        request: Request<pb::ListCommentsRequest>,
    ) -> Result<Response<pb::ListCommentsResponse>, Status> {
        let caller = auth::caller(&request)?;
        let asked = request.into_inner();
        let now = self.clock.now().await?;
        let mut violations = Violations::default();
        let subject = violations.take(subject(asked.subject.as_ref()));
        let of = subject.map(Subject::id).unwrap_or_default();
        let list: &[&[u8]] = &[b"ListComments", of.as_bytes()];
        let page = violations.take(Page::read(&self.key, asked.page_size, &asked.page_token, list, now));
        violations.none()?;
        let (subject, page) =
            subject.zip(page).ok_or_else(|| Error::internal("a page was neither read nor refused"))?;

        let client = self.db.client().await?;
        subject.find(&client, Action::ListComments, &caller).await?;
        let after = page.after.as_deref().and_then(page::came);
        let mut comments = store::list(&client, subject, after, page.fetch).await?;
        let place = |last: &Comment| page::coming(last.created_at, last.id);
        let next_page_token = page.cut(&self.key, &mut comments, place, now);

        let comments = comments.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::ListCommentsResponse { comments, next_page_token }))
    }

    /// Serves `UpdateComment`.
    pub(in crate::content) async fn update(
        &self,
        request: Request<pb::UpdateCommentRequest>,
    ) -> Result<Response<pb::UpdateCommentResponse>, Status> {
        let caller = auth::caller(&request)?;
        let asked = request.into_inner();
        let sent = asked.comment.unwrap_or_default();
        let paths = asked.update_mask.unwrap_or_default().paths;
        let mut violations = Violations::default();
        let id = violations.take(ids::parse("comment.comment_id", &sent.comment_id)).unwrap_or_default();
        let is_set =
            |field: &str| if field == "text" { !sent.text.is_empty() } else { !sent.mentioned_user_ids.is_empty() };
        let fields = mask::fields(&paths, &["text", "mentioned_user_ids"], is_set, &mut violations);
        let mut change = Change::default();
        if fields.contains(&"text") {
            change.text = violations.take(text::said("comment.text", &sent.text));
        }
        if fields.contains(&"mentioned_user_ids") {
            let field = "comment.mentioned_user_ids";
            change.mentioned = Some(text::mentioned(field, &sent.mentioned_user_ids, &mut violations));
        }
        violations.none()?;

        let now = self.clock.now().await?;
        let mut client = self.db.client().await?;
        let tx = client.transaction().await.map_err(Error::from)?;
        let held = Wanted { action: Action::UpdateComment, id }.hold(&tx, &caller).await?.at(&asked.etag)?;
        let word = self.word(&held.leave, now);
        let comment = held.change(&tx, change, &word).await?;
        tx.commit().await.map_err(Error::from)?;

        Ok(Response::new(pb::UpdateCommentResponse { comment: Some(comment.into()) }))
    }

    /// Serves `DeleteComment`.
    pub(in crate::content) async fn delete(
        &self,
        request: Request<pb::DeleteCommentRequest>,
    ) -> Result<Response<pb::DeleteCommentResponse>, Status> {
        let caller = auth::caller(&request)?;
        let asked = request.into_inner();
        let id = ids::parse("comment_id", &asked.comment_id).map_err(Error::from)?;

        let now = self.clock.now().await?;
        let mut client = self.db.client().await?;
        let tx = client.transaction().await.map_err(Error::from)?;
        let held = Wanted { action: Action::DeleteComment, id }.hold(&tx, &caller).await?.at(&asked.etag)?;
        let word = self.word(&held.leave, now);
        held.delete(&tx, &word).await?;
        tx.commit().await.map_err(Error::from)?;

        Ok(Response::new(pb::DeleteCommentResponse {}))
    }
}

/// Reads what comments are about.
fn subject(sent: Option<&pb::CommentSubject>) -> Result<Subject, Violation> {
    use comment_subject::Subject as Sent;
    match sent.and_then(|it| it.subject.as_ref()) {
        Some(Sent::DocumentId(id)) => ids::parse("subject.document_id", id).map(Subject::Document),
        Some(Sent::TaskId(id)) => ids::parse("subject.task_id", id).map(Subject::Task),
        Some(Sent::PostId(id)) => ids::parse("subject.post_id", id).map(Subject::Post),
        None => Err(Violation::new("subject", "must be a document, a task or a post")),
    }
}

impl From<Subject> for pb::CommentSubject {
    fn from(subject: Subject) -> Self {
        use comment_subject::Subject as Sent;
        let subject = match subject {
            Subject::Document(id) => Sent::DocumentId(id.to_string()),
            Subject::Task(id) => Sent::TaskId(id.to_string()),
            Subject::Post(id) => Sent::PostId(id.to_string()),
        };
        Self { subject: Some(subject) }
    }
}

impl From<Comment> for pb::Comment {
    fn from(comment: Comment) -> Self {
        Self {
            comment_id: comment.id.to_string(),
            etag: comment.etag(),
            subject: Some(comment.subject.into()),
            text: comment.text,
            mentioned_user_ids: comment.mentioned.iter().map(ToString::to_string).collect(),
            author_user_id: comment.author.to_string(),
            create_time: Some(pb::time(comment.created_at)),
            edit_time: comment.edited_at.map(pb::time),
        }
    }
}
