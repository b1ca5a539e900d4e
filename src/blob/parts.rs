//! Bytes that come and go piece by piece: there are as many as there are, and never more than a part of them in memory.

use std::{mem, ops::Range, sync::Arc, time::Duration};

use bytes::Bytes;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt, PutPayload};
use tokio::{runtime::Handle, time::timeout};
use tracing::warn;

use super::{Blobs, Failures, key, store};
use crate::{
    error::{Error, Reason, Result, chain},
    secret::{self, Hash},
};

/// Bytes of every part but the last: the least that S3 takes. Source: Amazon S3 multipart upload limits.
pub const PART_BYTES: usize = 5 << 20;

/// How long the store may take to make one of all parts: a slow disk writes a gigabyte down in less.
const COMPLETE_WITHIN: Duration = Duration::from_secs(120);

/// How long nobody has named what is given up, as far as collections go by it: longer than they wait.
const GIVEN_UP: Duration = Duration::from_hours(48);

/// Bytes that are being stored. Nothing is there until all of it is; what is dropped before leaves nothing.
pub struct Incoming {
    store: Arc<dyn ObjectStore>,
    digest: Hash,
    upload: Option<Box<dyn MultipartUpload>>,
    failures: Failures,
}

impl Blobs {
    /// Begins to store bytes in parts, of which the caller knows the `digest` before, and sees to it that they have it
    /// before they [finish](Incoming::finish). What is stored is kept for a day from now, or until a row names it.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] when the same bytes are being removed at the moment.
    pub async fn receive(&self, digest: Hash) -> Result<Incoming> {
        if !store::announce(&self.db.client().await?, &[digest]).await? {
            return Err(Error::Unavailable(Reason::StoreUnavailable, None));
        }
        Ok(Incoming { store: Arc::clone(&self.store), digest, upload: None, failures: self.failures.clone() })
    }

    /// Gives up what was stored under a name of its own and never named: the next collection removes it.
    pub async fn release(&self, name: &Hash) {
        let released = async { store::release(&self.db.client().await?, name, GIVEN_UP).await };
        if let Err(error) = released.await {
            // It goes a day later.
            warn!(name = secret::hex(name), error = chain(&error), "failed to give up bytes");
        }
    }

    /// Reads some of the bytes that were stored under `digest`; none when the store has lost them.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] when the store cannot.
    pub async fn read(&self, digest: &Hash, range: Range<u64>) -> Result<Option<Bytes>> {
        let length = range.end.saturating_sub(range.start);
        match self.failures.within(self.store.get_range(&key(digest), range)).await? {
            Ok(bytes) => Ok(Some(bytes).filter(|it| it.len() as u64 == length)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(other) => Err(self.failures.of(other)),
        }
    }
}

impl Incoming {
    /// Stores a part that is not the last.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] when the store cannot.
    pub async fn take(&mut self, part: Vec<u8>) -> Result<()> {
        if self.upload.is_none() {
            let begun = self.failures.within(self.store.put_multipart(&key(&self.digest))).await?;
            self.upload = Some(begun.map_err(|it| self.failures.of(it))?);
        }
        match &mut self.upload {
            Some(upload) => {
                self.failures.within(upload.put_part(PutPayload::from(part))).await?.map_err(|it| self.failures.of(it))
            }
            None => Ok(()),
        }
    }

    /// Gives it up: nothing is left in the store, as far as it answers.
    pub async fn discard(mut self) {
        if let Some(upload) = self.upload.take() {
            abort(upload, self.digest, self.failures.clone()).await;
        }
    }

    /// Stores the last part, which may be the only one and may be empty: from here on the bytes are there.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] when the store cannot.
    pub async fn finish(mut self, last: Vec<u8>) -> Result<()> {
        if self.upload.is_none() {
            let key = key(&self.digest);
            return self
                .failures
                .within(self.store.put(&key, PutPayload::from(last)))
                .await?
                .map(drop)
                .map_err(|it| self.failures.of(it));
        }
        if !last.is_empty() {
            self.take(last).await?;
        }
        if let Some(upload) = &mut self.upload {
            timeout(COMPLETE_WITHIN, upload.complete())
                .await
                .map_err(|it| self.failures.of(it))?
                .map_err(|it| self.failures.of(it))?;
        }
        // There is nothing to take back any more.
        drop(mem::take(&mut self.upload));
        Ok(())
    }
}

impl Drop for Incoming {
    /// Whoever hangs up waits for nothing.
    fn drop(&mut self) {
        if let (Some(upload), Ok(runtime)) = (self.upload.take(), Handle::try_current()) {
            runtime.spawn(abort(upload, self.digest, self.failures.clone()));
        }
    }
}

/// Takes back what was begun: buckets keep parts until they are told otherwise.
async fn abort(mut upload: Box<dyn MultipartUpload>, digest: Hash, failures: Failures) {
    let error = match failures.within(upload.abort()).await {
        Ok(Ok(())) => return,
        Ok(Err(error)) => chain(&error),
        Err(late) => chain(&late),
    };
    warn!(digest = secret::hex(&digest), error, "parts of an upload stay in the store");
}
