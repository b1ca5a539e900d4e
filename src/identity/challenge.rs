//! Asks people for their password, no more often than they may guess.

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    Email, EventKind, Person,
    event::{Event, record},
    password, store,
    throttle::{self, Bucket, Count, Turns},
};
use crate::{
    auth::Origin,
    db::{Db, Transaction},
    error::{Error, Kind, Reason, Result},
    secret::{Hasher, Secret},
};

/// Asks for passwords. Cheap to clone; clones share their turns.
#[derive(Clone)]
pub struct Challenge {
    db: Db,
    hasher: Hasher,
    turns: Turns,
}

/// Somebody who has signed in, though nothing says so yet.
pub(super) struct Proved {
    /// Who.
    pub person: Person,
    /// What is forgotten when their session begins.
    bucket: Bucket,
}

impl Challenge {
    /// One over `db`.
    pub fn new(db: Db, hasher: Hasher) -> Self {
        Self { db, hasher, turns: Turns::default() }
    }

    /// Finds out whose address and password these are.
    ///
    /// An address that nobody has, and that of a person who is disabled, cost the same work and are answered alike.
    ///
    /// # Errors
    ///
    /// [`Error::Unauthenticated`] when they are nobody's, [`Error::Exhausted`] after too many wrong ones.
    pub(super) async fn sign_in(
        &self,
        email: &Email,
        password: &Secret,
        origin: &Origin,
        now: Timestamp,
    ) -> Result<Proved> {
        let _turn = self.turns.wait(&email.key).await?;
        let (person, is_familiar) = {
            let client = self.db.client().await?;
            let known = store::known(&client, &email.key, &origin.network()).await?;
            let mut buckets = vec![Bucket::guesses(&email.key, origin, known.1)];
            // What others do in one's own office is no reason to wait.
            if !known.1 {
                buckets.push(Bucket::network(Count::Network, origin));
            }
            if let Some(left) = throttle::wait_left(&client, &buckets).await? {
                return Err(Error::Exhausted(Reason::SignInThrottled, left));
            }
            known
        };
        let bucket = Bucket::guesses(&email.key, origin, is_familiar);
        // No connection is held while this takes its time.
        let hash = person.as_ref().map(|it| it.password_hash.clone());
        let is_right = self.hasher.verify(password, hash).await?;
        match person {
            Some(mut person) if is_right && !person.is_disabled => {
                self.renew(&mut person, password).await?;
                Ok(Proved { person, bucket })
            }
            person => {
                self.refuse(person.as_ref(), &bucket, EventKind::SignInFailed, origin, now).await?;
                Err(Error::Unauthenticated(Reason::CredentialsInvalid))
            }
        }
    }

    /// Asks somebody who is signed in for their password again.
    ///
    /// # Errors
    ///
    /// [`Error::Unauthenticated`] when it is wrong, [`Error::Exhausted`] after too many wrong ones: whoever has got hold
    /// of a session must not find out the password by it.
    pub async fn again(&self, user: Uuid, password: &Secret, origin: &Origin, now: Timestamp) -> Result<Person> {
        let _turn = self.turns.wait(&user.to_string()).await?;
        let bucket = Bucket::person(Count::Person, user);
        let person = {
            let client = self.db.client().await?;
            if let Some(left) = throttle::wait_left(&client, std::slice::from_ref(&bucket)).await? {
                return Err(Error::Exhausted(Reason::SignInThrottled, left));
            }
            store::person(&client, user).await?.ok_or_else(|| Error::NotFound(Kind::User, user.to_string()))?
        };
        if self.hasher.verify(password, Some(person.password_hash.clone())).await? {
            throttle::clear(&self.db.client().await?, &bucket).await?;
            return Ok(person);
        }
        self.refuse(Some(&person), &bucket, EventKind::PasswordRefused, origin, now).await?;
        Err(Error::Unauthenticated(Reason::CredentialsInvalid))
    }

    /// Counts a password that was wrong, and warns whose it would have been when they pile up.
    async fn refuse(
        &self,
        person: Option<&Person>,
        bucket: &Bucket,
        kind: EventKind,
        origin: &Origin,
        now: Timestamp,
    ) -> Result<()> {
        let user = person.map(|it| it.id);
        let mut client = self.db.client().await?;
        let tx = client.transaction().await?;
        let must_wait = throttle::count(&tx, bucket).await?;
        if kind == EventKind::SignInFailed {
            throttle::count(&tx, &Bucket::network(Count::Network, origin)).await?;
        }
        record(&tx, Event::new(kind, user, origin), now).await?;
        if must_wait {
            record(&tx, Event::new(EventKind::Throttled, user, origin), now).await?;
            if let Some(person) = person.filter(|it| !it.is_disabled)
                && store::warn(&tx, person.id).await?
            {
                record(&tx, Event::new(EventKind::Guessing, user, origin), now).await?;
            }
        }
        tx.commit().await?;
        Ok(())
    }

    /// Hashes a password anew that was hashed as is not done any more. That it is busy is no reason to keep anybody out.
    async fn renew(&self, person: &mut Person, password: &Secret) -> Result<()> {
        if Hasher::is_outdated(&person.password_hash)
            && let Ok(phc) = self.hasher.hash(password).await
            && password::rehash(&self.db.client().await?, person.id, &person.password_hash, &phc).await?
        {
            person.password_hash = phc;
        }
        Ok(())
    }
}

/// Holds what somebody has proved until the transaction ends, in which something comes of it. Without this a password that
/// is replaced at the same moment would still open what its replacement has just closed.
///
/// # Errors
///
/// [`Error::Conflict`] when the password of `person` was replaced since it was asked for, or they were disabled.
pub(super) async fn hold(tx: &Transaction<'_>, person: &Person) -> Result<()> {
    if store::still(tx, person).await? { Ok(()) } else { Err(Error::Conflict(Reason::WriteConflict)) }
}

impl Proved {
    /// Forgets the wrong passwords before the right one.
    pub async fn forgiven(&self, tx: &Transaction<'_>) -> Result<()> {
        throttle::clear(tx, &self.bucket).await
    }
}
