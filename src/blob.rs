//! Bytes that are too many for the database: each is kept under its own SHA-256, and never changed.
//!
//! What is stored and never named by a row is of no harm: storing comes first, naming it in the transaction after.

use std::{path::Path, sync::Arc};

use bytes::Bytes;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload, local::LocalFileSystem, path::Path as Key};

use crate::{
    error::{Error, Reason, Result},
    secret::{Digester, Hash},
};

/// Where bytes are kept. Cheap to clone.
#[derive(Clone)]
pub struct Blobs {
    store: Arc<dyn ObjectStore>,
}

impl Blobs {
    /// Keeps bytes in `folder`, which is made when it is missing.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] when there can be no such folder.
    pub fn in_folder(folder: &Path) -> Result<Self> {
        let open = || {
            std::fs::create_dir_all(folder).map_err(|error| error.to_string())?;
            let store = LocalFileSystem::new_with_prefix(folder).map_err(|error| error.to_string())?;
            // What a row names has to be there after a power cut, too.
            Ok(store.with_fsync(true))
        };
        let store = open().map_err(|error: String| {
            Error::internal(format!("BLOB_DIR (--blob-dir): {} cannot be used: {error}", folder.display()))
        })?;
        Ok(Self { store: Arc::new(store) })
    }

    /// Stores `bytes` and returns what they are found by.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] when the store cannot.
    pub async fn put(&self, bytes: Bytes) -> Result<Hash> {
        let mut digester = Digester::default();
        digester.update(&bytes);
        let digest = digester.finish();
        // What is there already is written once more: it is the same, unless the store has damaged it.
        self.store.put(&key(&digest), PutPayload::from_bytes(bytes)).await.map_err(unavailable)?;
        Ok(digest)
    }

    /// Reads the bytes that were stored under `digest`.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] when the store cannot, [`Error::Internal`] when they are not there.
    pub async fn get(&self, digest: &Hash) -> Result<Bytes> {
        let read = async { self.store.get(&key(digest)).await?.bytes().await };
        read.await.map_err(|error| match error {
            gone @ object_store::Error::NotFound { .. } => Error::internal(gone),
            other => unavailable(other),
        })
    }
}

/// Where bytes lie: in one of 256 folders, so that none has too many files.
fn key(digest: &Hash) -> Key {
    let text: String = digest.iter().map(|it| format!("{it:02x}")).collect();
    Key::from_iter([&text[..2], &text[2..]])
}

fn unavailable(error: object_store::Error) -> Error {
    Error::Unavailable(Reason::StoreUnavailable, Some(error.into()))
}
