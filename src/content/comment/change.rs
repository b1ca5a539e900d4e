//! Finding a comment for somebody, and changing it.

use uuid::Uuid;

use super::{Comment, event_id, missing, store, subject::Subject};
use crate::{
    access::{self, Action, Leave, Resource},
    account,
    activity::{self, Audience, Retraction},
    auth::Caller,
    content::{
        mention,
        tell::{Word, thing},
        text,
    },
    db::Transaction,
    error::{Error, Reason, Result},
    workcenter::{self, WorkCenter},
};

/// What is wanted of a comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub action: Action,
    pub id: Uuid,
}

impl Wanted {
    /// Finds it to change it, and keeps others from doing so until the transaction ends. What is said of something that is
    /// deleted is not there for anybody.
    ///
    /// # Errors
    ///
    /// As [`access::may`]; [`Error::Refused`] when its account or WorkCenter is not active.
    pub async fn hold(self, tx: &Transaction<'_>, caller: &Caller) -> Result<Held> {
        let before = store::find(tx, self.id).await?.filter(|it| it.is_there);
        let workcenter = before.as_ref().map_or(Uuid::nil(), |it| it.workcenter);
        let author = before.as_ref().map(|it| it.comment.author);
        let resource = Resource::Comment { id: self.id, workcenter, author };
        let leave = access::may(tx, caller, self.action, resource).await?;
        let before = before.ok_or_else(|| missing(self.id))?;
        account::enter(tx, before.comment.account).await?;
        let space = workcenter::fill(tx, before.workcenter).await?;
        store::lock(tx, self.id).await?;
        let found = store::find(tx, self.id).await?.filter(|it| it.is_there).ok_or_else(|| missing(self.id))?;
        if found.workcenter != space.id {
            return Err(Error::Conflict(Reason::WriteConflict));
        }
        Ok(Held { leave, space, comment: found.comment, title: found.title })
    }
}

/// A comment that nobody else changes until the transaction ends.
pub(super) struct Held {
    pub leave: Leave,
    space: WorkCenter,
    comment: Comment,
    /// What it is about is called so.
    title: String,
}

/// What somebody wants to change; `None` for what they leave.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Change {
    pub text: Option<String>,
    pub mentioned: Option<Vec<Uuid>>,
}

impl Held {
    /// Refuses an etag that is not the current one; an empty one means that the caller does not mind.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`].
    pub fn at(self, etag: &str) -> Result<Self> {
        match etag.is_empty() || etag == self.comment.etag() {
            true => Ok(self),
            false => Err(Error::Conflict(Reason::EtagMismatch)),
        }
    }

    /// Changes it; those are told who are mentioned now and were not before. A change of nothing is a read.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for mentioned people who do not collaborate.
    pub async fn change(self, tx: &Transaction<'_>, change: Change, word: &Word) -> Result<Comment> {
        let old = self.comment;
        let text = change.text.unwrap_or_else(|| old.text.clone());
        let mentioned = change.mentioned.unwrap_or_else(|| old.mentioned.clone());
        if (&text, &mentioned) == (&old.text, &old.mentioned) {
            return Ok(old);
        }
        let new: Vec<Uuid> = mentioned.iter().filter(|it| !old.mentioned.contains(it)).copied().collect();
        mention::check(tx, self.space.id, "comment.mentioned_user_ids", &new).await?;
        let comment = Comment { text, mentioned, edited_at: Some(word.now), revision: old.revision + 1, ..old };
        store::update(tx, &comment).await?;
        let addressees = mention::addressees(&new, word.by);
        if !addressees.is_empty() {
            let kind = match comment.subject {
                Subject::Document(_) => "file",
                Subject::Task(_) => "task",
                Subject::Post(_) => "post",
            };
            let subject = thing(kind, comment.subject.id(), &self.title);
            let parent = thing("workcenter", self.space.id, &self.space.name);
            let event = word.event("mention", subject, parent, text::excerpt(&comment.text));
            let event = activity::New { audience: Audience::Named, addressees, ..event };
            activity::publish(tx, self.space.id, vec![event], word.now, word.window).await?;
        }
        Ok(comment)
    }

    /// Deletes it; what was not told of it yet is told to nobody.
    ///
    /// # Errors
    ///
    /// What the database says.
    pub async fn delete(self, tx: &Transaction<'_>, word: &Word) -> Result<()> {
        store::remove(tx, self.comment.id).await?;
        let event = Retraction { log: self.space.id, event_id: event_id(self.comment.id) };
        activity::retract(tx, &[event], word.now).await?;
        Ok(())
    }
}
