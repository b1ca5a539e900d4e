//! Finding a post for somebody, and changing it.

use uuid::Uuid;

use super::{Post, missing, store};
use crate::{
    access::{self, Action, Leave, Resource},
    account,
    activity::{self, Retraction},
    auth::Caller,
    content::{
        comment, mention,
        tell::{Word, thing},
        text,
    },
    db::{GenericClient, Transaction},
    error::{Error, Reason, Result},
    workcenter::{self, WorkCenter},
};

/// What is wanted of a post.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// By which call.
    pub action: Action,
    /// Which one.
    pub id: Uuid,
}

impl Wanted {
    /// Finds it, if `caller` may have it.
    ///
    /// # Errors
    ///
    /// As [`access::may`].
    pub async fn find(self, on: &impl GenericClient, caller: &Caller) -> Result<(Leave, Post)> {
        let found = store::find(on, self.id).await?;
        let workcenter = found.as_ref().map_or(Uuid::nil(), |it| it.workcenter);
        let author = found.as_ref().map(|it| it.author);
        let leave = access::may(on, caller, self.action, Resource::Post { id: self.id, workcenter, author }).await?;
        Ok((leave, found.ok_or_else(|| missing(self.id))?))
    }

    /// Finds it to change it, and keeps others from doing so until the transaction ends.
    ///
    /// # Errors
    ///
    /// As [`access::may`]; [`Error::Refused`] when its account or WorkCenter is not active.
    pub async fn hold(self, tx: &Transaction<'_>, caller: &Caller) -> Result<Held> {
        let (leave, before) = self.find(tx, caller).await?;
        account::enter(tx, before.account).await?;
        let space = workcenter::fill(tx, before.workcenter).await?;
        let post = store::lock(tx, self.id).await?.ok_or_else(|| missing(self.id))?;
        Ok(Held { leave, space, post })
    }
}

/// A post that nobody else changes until the transaction ends.
pub struct Held {
    /// What the caller is to it.
    pub leave: Leave,
    /// What it is in.
    pub space: WorkCenter,
    /// The post.
    pub post: Post,
}

/// What somebody wants to change; `None` for what they leave.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// What it is to be called.
    pub title: Option<String>,
    /// What is to be said.
    pub text: Option<String>,
    /// Who is to be mentioned.
    pub mentioned: Option<Vec<Uuid>>,
}

impl Held {
    /// Refuses an etag that is not the current one; an empty one means that the caller does not mind.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`].
    pub fn at(self, etag: &str) -> Result<Self> {
        if etag.is_empty() || etag == self.post.etag() { Ok(self) } else { Err(Error::Conflict(Reason::EtagMismatch)) }
    }

    /// Changes it. A change of nothing is a read.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for mentioned people who do not collaborate.
    pub async fn change(self, tx: &Transaction<'_>, change: Change, word: &Word) -> Result<Post> {
        let old = self.post;
        let title = change.title.unwrap_or_else(|| old.title.clone());
        let text = change.text.unwrap_or_else(|| old.text.clone());
        let mentioned = change.mentioned.unwrap_or_else(|| old.mentioned.clone());
        if (&title, &text, &mentioned) == (&old.title, &old.text, &old.mentioned) {
            return Ok(old);
        }
        let new: Vec<Uuid> = mentioned.iter().filter(|it| !old.mentioned.contains(it)).copied().collect();
        mention::check(tx, self.space.id, "post.mentioned_user_ids", &new).await?;
        let post = Post { title, text, mentioned, edited_at: Some(word.now), revision: old.revision + 1, ..old };
        store::update(tx, &post).await?;
        let parent = thing("workcenter", self.space.id, &self.space.name);
        let mut event = word.event("post.edited", post.thing(), parent, text::excerpt(&post.text));
        event.addressees = mention::addressees(&new, word.by);
        activity::publish(tx, self.space.id, vec![event], word.now, word.window).await?;
        Ok(post)
    }

    /// Deletes it with its comments; what was not told of them yet is told to nobody.
    ///
    /// # Errors
    ///
    /// As [`activity::publish`].
    pub async fn delete(self, tx: &Transaction<'_>, word: &Word) -> Result<()> {
        let Self { space, post, .. } = self;
        let comments = comment::remove_of(tx, post.id).await?;
        store::remove(tx, post.id).await?;
        let events = comments.into_iter().chain([post.event_id()]);
        let events: Vec<Retraction> = events.map(|event_id| Retraction { log: space.id, event_id }).collect();
        activity::retract(tx, &events, word.now).await?;
        let parent = thing("workcenter", space.id, &space.name);
        let event = word.event("post.deleted", post.thing(), parent, String::new());
        activity::publish(tx, space.id, vec![event], word.now, word.window).await?;
        Ok(())
    }
}
