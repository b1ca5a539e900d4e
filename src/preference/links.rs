//! The links that switch mails off and on again: one body for the pages of the daemon and for the calls of the API.

use std::time::Duration;

use crate::{
    clock::Clock,
    db::Db,
    error::{Error, Reason, Result},
    outbox,
    secret::TokenKey,
    subscription::{self, Link, Scope, Switch, When},
    trail,
};

/// Follows links. Cheap to clone.
#[derive(Clone)]
pub struct Links {
    db: Db,
    clock: Clock,
    key: TokenKey,
    spread: Duration,
}

/// What was switched off.
#[derive(Clone, Debug)]
pub struct Stopped {
    /// Which mails.
    pub scope: Scope,
    /// The token that undoes it.
    pub undo: String,
}

/// What became of undoing it.
#[derive(Clone, Copy, Debug)]
pub struct Resumed {
    /// Which mails.
    pub scope: Scope,
    /// Whether they come: what the person has chosen since goes before.
    pub comes: bool,
}

impl Links {
    /// Links that are read with `key`; `spread` is how far digests of different accounts are spread.
    pub fn new(db: Db, clock: Clock, key: TokenKey, spread: Duration) -> Self {
        Self { db, clock, key, spread }
    }

    /// What a token that does `switch` is about, without doing it; `None` when it is not one of ours.
    pub fn scope(&self, switch: Switch, token: &str) -> Option<Scope> {
        Link::open(&self.key, switch, token).map(|it| it.scope)
    }

    /// Switches off what the token is about. When it is done, no mail of that kind begins any more.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] for a token that is not of such a link.
    pub async fn unsubscribe(&self, token: &str) -> Result<Stopped> {
        let link = self.open(Switch::Off, token)?;
        let when = self.when().await?;
        let mut client = self.db.client().await?;
        let tx = client.transaction().await?;
        subscription::silence(&tx, link, &when).await?;
        tx.commit_with(&[outbox::held(&[link.user])]).await?;
        trail::note("UNSUBSCRIBED", None, Some(link.user));
        Ok(Stopped { scope: link.scope, undo: link.seal(&self.key, Switch::On) })
    }

    /// Undoes that. What the person has chosen since stays.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] for a token that is not of such a link.
    pub async fn resubscribe(&self, token: &str) -> Result<Resumed> {
        let link = self.open(Switch::On, token)?;
        let when = self.when().await?;
        let mut client = self.db.client().await?;
        let tx = client.transaction().await?;
        let comes = subscription::hear_again(&tx, link, &when).await?;
        tx.commit().await?;
        trail::note("RESUBSCRIBED", None, Some(link.user));
        Ok(Resumed { scope: link.scope, comes })
    }

    fn open(&self, switch: Switch, token: &str) -> Result<Link> {
        Link::open(&self.key, switch, token).ok_or(Error::Refused(Reason::TokenNotValid))
    }

    async fn when(&self) -> Result<When> {
        Ok(When { now: self.clock.now().await?, spread: self.spread })
    }
}
