//! Bytes that are too many for the database: each is kept under its own SHA-256, and never changed. What is kept only for a
//! while, and whose SHA-256 nobody knows before it comes, has a name that was drawn for it.
//!
//! What is stored is announced in the database first, and what rows name is kept by a foreign key. What nothing has named
//! for a while is removed, so that storing may stop half-way anywhere and leaves nothing for ever.

mod collect;
mod parts;
mod place;
mod store;

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::try_join_all;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload, path::Path as Key};
use tokio::time::timeout;
use tracing::warn;

pub use collect::Doomed;
pub use parts::{Incoming, PART_BYTES};

use crate::{
    config,
    db::{Db, Transaction},
    error::{Cause, Error, Reason, Result, chain},
    secret::{self, Digester, Hash},
};

/// How long the store may take for one thing, all tries included: a third of what a call may take by default.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// How long a program that starts looks whether there is a store.
const CHECK_WITHIN: Duration = Duration::from_secs(3);

/// What a program that starts asks for: nothing has such a name.
const NOTHING: &str = "nothing";

/// Where bytes are kept. Cheap to clone.
#[derive(Clone)]
pub struct Blobs {
    db: Db,
    store: Arc<dyn ObjectStore>,
    /// Where they are, as people who set it up know it.
    place: Arc<str>,
    failures: Failures,
}

impl Blobs {
    /// Opens the store that `settings` name; a folder is made when it is missing.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] when there can be no such store.
    pub fn open(settings: &config::Blobs, db: Db) -> Result<Self> {
        let (store, place) = place::open(settings)?;
        Ok(Self { db, store, place, failures: Failures::default() })
    }

    /// How often the store could not do what it was asked to, or not in time, since the process began.
    pub fn failures(&self) -> u64 {
        self.failures.0.load(Ordering::Relaxed)
    }

    /// Looks whether the store takes us in. One that does not answer may be back in a moment, so that is only logged.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] when there is no such bucket, or it is not open to us.
    pub async fn check(&self) -> Result<()> {
        use object_store::Error::{NotFound, PermissionDenied, Unauthenticated};
        let refused = |why, error| Err(Error::internal(format!("{} {why}: {error}", self.place)));
        match timeout(CHECK_WITHIN, self.store.get(&Key::from(NOTHING))).await {
            // The code of S3 tells it from an object that is missing, as this one should be.
            Ok(Err(error @ NotFound { .. })) if error.to_string().contains("NoSuchBucket") => {
                refused("does not exist", error)
            }
            Ok(Ok(_) | Err(NotFound { .. })) => Ok(()),
            // Who may not list is told this of what is missing, and has to list, too.
            Ok(Err(error @ (PermissionDenied { .. } | Unauthenticated { .. }))) => refused("is closed to us", error),
            Ok(Err(error)) => {
                warn!(place = %self.place, error = chain(&error), "the store of bytes is away");
                Ok(())
            }
            Err(_elapsed) => {
                warn!(place = %self.place, "the store of bytes does not answer");
                Ok(())
            }
        }
    }

    /// Stores each of `parts` and returns what it is found by. Until a row names it, it is kept for a day.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] when the store cannot, or when the same bytes are being removed at the moment.
    pub async fn put(&self, parts: Vec<Bytes>) -> Result<Vec<Hash>> {
        let digests: Vec<_> = parts.iter().map(|it| digest(it)).collect();
        if !store::announce(&self.db.client().await?, &digests).await? {
            return Err(Error::Unavailable(Reason::StoreUnavailable, None));
        }
        // What is there already is written once more: it is the same, unless the store has damaged it.
        let puts = digests.iter().zip(parts).map(|(digest, bytes)| async move {
            self.failures
                .within(self.store.put(&key(digest), PutPayload::from_bytes(bytes)))
                .await?
                .map_err(|it| self.failures.of(it))
        });
        try_join_all(puts).await?;
        Ok(digests)
    }

    /// Reads the bytes that were stored under `digest`; none when the store has lost them.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] when the store cannot.
    pub async fn get(&self, digest: &Hash) -> Result<Option<Bytes>> {
        let read = async { self.store.get(&key(digest)).await?.bytes().await };
        match self.failures.within(read).await? {
            Ok(bytes) => Ok(Some(bytes)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(other) => Err(self.failures.of(other)),
        }
    }
}

/// Keeps what was stored under `digests` until the transaction ends, which is to name it.
///
/// # Errors
///
/// [`Error::Unavailable`] when so much time has passed since that it is gone: it has to be stored again.
pub async fn hold(tx: &Transaction<'_>, digests: &[Hash]) -> Result<()> {
    match store::hold(tx, digests).await? {
        true => Ok(()),
        false => Err(Error::Unavailable(Reason::StoreUnavailable, None)),
    }
}

fn digest(bytes: &[u8]) -> Hash {
    let mut digester = Digester::default();
    digester.update(bytes);
    digester.finish()
}

/// Where bytes lie: on one of 256 shelves, so that none has too many.
fn key(digest: &Hash) -> Key {
    let text = secret::hex(digest);
    Key::from_iter([&text[..2], &text[2..]])
}

/// Counts what the store could not do. Clones count together.
#[derive(Clone, Default)]
struct Failures(Arc<AtomicU64>);

impl Failures {
    /// Waits for the store as long as one may.
    async fn within<T>(&self, work: impl Future<Output = T>) -> Result<T> {
        timeout(ANSWER_WITHIN, work).await.map_err(|it| self.of(it))
    }

    /// What callers are told of `error`, which is counted here.
    fn of(&self, error: impl Into<Cause>) -> Error {
        self.0.fetch_add(1, Ordering::Relaxed);
        Error::Unavailable(Reason::StoreUnavailable, Some(error.into()))
    }
}
