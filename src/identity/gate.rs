//! The gate: from the credentials of a call to its caller.
//!
//! What was looked up is kept for a few seconds. A session that ends is told to every server by a notice; should one
//! be lost, all that is kept goes with it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use http::HeaderMap;
use uuid::Uuid;

use super::{KEY_PREFIX, SESSION_PREFIX, binding, session, store};
use crate::{
    auth::{self, Caller, Names, ON_BEHALF_OF, SCOPE_ACT},
    db::{Db, GenericClient},
    error::{Error, Kind, Reason, Result},
    ids,
    notice::{Notice, Notices},
    secret::{Hash, Secret, hash},
};

/// How long a caller is believed without looking again.
const KEPT_FOR: Duration = Duration::from_secs(5);

/// How many callers are kept at most: a few megabytes.
const KEPT_MAX: usize = 10_000;

/// What a call shows: the hash of its token or key or certificate, and the person it wants to act for.
type Credentials = (Hash, Option<Uuid>);

/// What callers are known by.
enum Shown<'a> {
    Token(Secret),
    /// The names of the certificate that the connection was opened with.
    Names(&'a [String]),
}

impl Shown<'_> {
    fn hash(&self) -> Hash {
        match self {
            Self::Token(token) => hash(token.expose()),
            // A header has no line break, so that no token is ever taken for a certificate.
            Self::Names(names) => hash(&format!("certificate\n{}", names.join("\n"))),
        }
    }
}

/// Knows callers by their credentials. Cheap to clone.
#[derive(Clone)]
pub struct Gate {
    db: Db,
    kept: Arc<Mutex<Kept>>,
}

/// The callers that were looked up lately.
#[derive(Default)]
struct Kept {
    callers: HashMap<Credentials, (Caller, Instant)>,
    /// Grows with every end of a session, so that a look-up that began before it is not kept after it.
    endings: u64,
}

impl Gate {
    /// A gate that hears of ended sessions by `notices`. Must be called within a runtime.
    pub fn new(db: Db, notices: &Notices) -> Self {
        let gate = Self { db, kept: Arc::default() };
        let kept = Arc::downgrade(&gate.kept);
        let mut ear = notices.ear();
        tokio::spawn(async move {
            loop {
                let notice = ear.hear().await;
                let Some(kept) = kept.upgrade() else { return };
                match notice {
                    Notice::Session(id) => lock(&kept).end(id),
                    Notice::Lost => lock(&kept).clear(),
                    Notice::Job(_) | Notice::Directory(_) => {}
                }
            }
        });
        gate
    }

    /// Finds out who is calling, over a connection that was opened with a certificate for `names`: a service that one of
    /// them is bound to, unless the call says otherwise.
    ///
    /// # Errors
    ///
    /// [`Error::Unauthenticated`] for credentials that are unknown or over. Of those who want to act for somebody:
    /// [`Error::Forbidden`] for a person and for a key that may not, [`Error::NotFound`] for a person who is not or is
    /// disabled,
    /// [`Error::Invalid`] for what is not an id.
    pub async fn admit(&self, headers: &HeaderMap, names: &Names) -> Result<Caller> {
        let shown = match auth::bearer(headers)? {
            Some(token) => Shown::Token(token),
            None if !names.0.is_empty() => Shown::Names(&names.0),
            None if headers.contains_key(ON_BEHALF_OF) => return Err(Error::Unauthenticated(Reason::CallerUnknown)),
            None => return Ok(Caller::Anonymous),
        };
        let credentials = (shown.hash(), acts_for(headers)?);
        let endings = {
            let kept = lock(&self.kept);
            if let Some(caller) = kept.find(&credentials) {
                return Ok(caller);
            }
            kept.endings
        };
        let caller = look_up(&self.db.client().await?, &shown, &credentials).await?;
        lock(&self.kept).keep(credentials, &caller, endings);
        Ok(caller)
    }

    /// Forgets sessions that end here, without waiting for the notice.
    pub(super) fn end(&self, sessions: &[Uuid]) {
        let mut kept = lock(&self.kept);
        sessions.iter().for_each(|it| kept.end(*it));
    }
}

impl Kept {
    fn find(&self, credentials: &Credentials) -> Option<Caller> {
        let (caller, since) = self.callers.get(credentials)?;
        (since.elapsed() < KEPT_FOR).then(|| caller.clone())
    }

    fn keep(&mut self, credentials: Credentials, caller: &Caller, endings: u64) {
        if self.endings != endings {
            return;
        }
        if KEPT_MAX <= self.callers.len() {
            self.callers.retain(|_, (_, since)| since.elapsed() < KEPT_FOR);
        }
        if self.callers.len() < KEPT_MAX {
            self.callers.insert(credentials, (caller.clone(), Instant::now()));
        }
    }

    fn end(&mut self, id: Uuid) {
        self.endings += 1;
        self.callers.retain(|_, (caller, _)| match caller {
            Caller::Anonymous => true,
            Caller::Person { session_id, .. } => *session_id != id,
            Caller::Service { key_id, .. } => *key_id != id,
        });
    }

    fn clear(&mut self) {
        self.endings += 1;
        self.callers.clear();
    }
}

fn lock(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    // Nothing here panics half-way.
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The person whom a service says it acts for.
fn acts_for(headers: &HeaderMap) -> Result<Option<Uuid>> {
    let Some(value) = headers.get(ON_BEHALF_OF) else { return Ok(None) };
    // What is not text is not an id either.
    let text = value.to_str().unwrap_or("?");
    Ok(Some(ids::parse(ON_BEHALF_OF, text)?))
}

async fn look_up(on: &impl GenericClient, shown: &Shown<'_>, (hash, acts_for): &Credentials) -> Result<Caller> {
    let token = match shown {
        Shown::Token(token) => token,
        Shown::Names(names) => {
            return match (binding::key(on, names).await?, acts_for) {
                (Some(key), _) => service(on, key, *acts_for).await,
                (None, None) => Ok(Caller::Anonymous),
                (None, Some(_)) => Err(Error::Unauthenticated(Reason::CallerUnknown)),
            };
        }
    };
    if token.expose().starts_with(SESSION_PREFIX) {
        person(on, hash, *acts_for).await
    } else if token.expose().starts_with(KEY_PREFIX) {
        let key = store::key(on, hash).await?.ok_or(Error::Unauthenticated(Reason::SessionInvalid))?;
        service(on, key, *acts_for).await
    } else {
        Err(Error::Unauthenticated(Reason::SessionInvalid))
    }
}

async fn person(on: &impl GenericClient, token: &Hash, acts_for: Option<Uuid>) -> Result<Caller> {
    let session = session::open(on, token).await?.ok_or(Error::Unauthenticated(Reason::SessionInvalid))?;
    if acts_for.is_some() {
        return Err(Error::Forbidden);
    }
    if session.is_worn {
        session::prolong(on, session.id).await?;
    }
    Ok(Caller::Person { user_id: session.user, session_id: session.id })
}

async fn service(on: &impl GenericClient, key: store::Key, acts_for: Option<Uuid>) -> Result<Caller> {
    let caller = Caller::Service { key_id: key.id, scopes: key.scopes, acts_for };
    if let Some(person) = acts_for {
        if !caller.has(SCOPE_ACT) {
            return Err(Error::Forbidden);
        }
        if !store::may_act(on, person).await? {
            return Err(Error::NotFound(Kind::User, person.to_string()));
        }
    }
    Ok(caller)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(session_id: Uuid) -> Caller {
        Caller::Person { user_id: Uuid::nil(), session_id }
    }

    #[test]
    fn an_ended_session_is_forgotten_and_the_others_are_not() {
        let (ada, bob) = (ids::new(), ids::new());
        let mut kept = Kept::default();
        kept.keep(([1; 32], None), &caller(ada), 0);
        kept.keep(([2; 32], None), &caller(bob), 0);
        kept.end(ada);
        assert_eq!(kept.find(&([1; 32], None)), None);
        assert_eq!(kept.find(&([2; 32], None)), Some(caller(bob)));
        kept.clear();
        assert_eq!(kept.find(&([2; 32], None)), None);
    }

    #[test]
    fn what_was_looked_up_before_a_session_ended_is_not_kept_after_it() {
        let ada = ids::new();
        let mut kept = Kept::default();
        let endings = kept.endings;
        kept.end(ada);
        kept.keep(([1; 32], None), &caller(ada), endings);
        assert_eq!(kept.find(&([1; 32], None)), None);
    }

    #[test]
    fn no_more_callers_are_kept_than_fit() {
        let mut kept = Kept::default();
        for number in 0..=KEPT_MAX as u64 {
            let mut hash = [0; 32];
            hash[..8].copy_from_slice(&number.to_be_bytes());
            kept.keep((hash, None), &caller(Uuid::nil()), 0);
        }
        assert_eq!(kept.callers.len(), KEPT_MAX);
    }
}
