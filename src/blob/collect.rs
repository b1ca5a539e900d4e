//! How bytes go that nothing names any more: doomed in the database, removed from the store, forgotten in the database.
//!
//! It may stop between any two of these: what is doomed and still named by nothing is doomed again when its time is up,
//! and what is gone already may be removed once more. Nobody stores or names what is doomed; so when the time is up, nobody
//! removes it any more who doomed it.

use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use object_store::path::Path as Key;

use super::{Blobs, key, store};
use crate::{error::Result, secret::Hash};

/// How long bytes are kept that nothing names: far longer than an upload may take from storing them to naming them, and
/// than a reader may take from reading a name to reading the bytes.
const GRACE: Duration = Duration::from_hours(24);

/// How long doomed bytes are left to who doomed them: longer than the store may take to remove a batch, and to forget of
/// a request that nobody waits for.
const LEASE: Duration = Duration::from_secs(60);

/// How long after dooming bytes the last request to remove some may begin: a program that was stopped goes on where it was,
/// and by then others may have stored and named the same. What is left of the lease is for the request.
const BEGIN_WITHIN: Duration = Duration::from_secs(30);

/// How many bytes are removed at a time: what takes the store a second.
const BATCH: i64 = 100;

/// How many objects of a shelf are looked up at a time.
const SLICE: usize = 1000;

/// Bytes that are about to be removed.
#[derive(Debug)]
pub struct Doomed {
    /// What they are found by.
    pub(super) digests: Vec<Hash>,
    /// Until when, which tells one who dooms from another; none when there are no bytes.
    pub(super) until: Option<Timestamp>,
    /// Since when, by a clock that goes on while the program is stopped.
    pub(super) since: Instant,
}

impl Doomed {
    /// Where they lie, one after the other as they are asked for, for as long as they may be removed.
    fn keys(&self) -> impl Iterator<Item = object_store::Result<Key>> + Send + use<> {
        let since = self.since;
        self.digests.clone().into_iter().map(move |digest| {
            if since.elapsed() < BEGIN_WITHIN {
                return Ok(key(&digest));
            }
            let source = "it took too long, and others may have stored the same again".into();
            Err(object_store::Error::Generic { store: "collector", source })
        })
    }
}

impl Blobs {
    /// Removes a batch of bytes that nothing has named for a day; returns how many, and nothing when that was all.
    ///
    /// Any number of programs may do this at once, while others store and name the same bytes.
    ///
    /// # Errors
    ///
    /// [`crate::error::Error::Unavailable`] when the store or the database is away: the rest goes the next time.
    pub async fn collect(&self) -> Result<Option<u64>> {
        let Some(doomed) = self.doom().await? else { return Ok(None) };
        self.remove(&doomed).await?;
        self.forget(doomed).await.map(Some)
    }

    /// The first step of [`Blobs::collect`]: finds what to remove, and keeps everybody from storing or naming it.
    ///
    /// # Errors
    ///
    /// What the database says.
    pub async fn doom(&self) -> Result<Option<Doomed>> {
        let mut client = self.db.client().await?;
        let since = Instant::now();
        let tx = client.transaction().await?;
        let loose = store::loose(&tx, GRACE, BATCH).await?;
        // These look again, at what was committed until the rows were locked: from then on nobody can name them.
        store::named(&tx, &loose).await?;
        let doomed = store::doom(&tx, &loose, LEASE, since).await?;
        tx.commit().await?;
        Ok((!loose.is_empty()).then_some(doomed))
    }

    /// The second step: removes the bytes. What is not there is removed.
    ///
    /// # Errors
    ///
    /// [`crate::error::Error::Unavailable`] when the store cannot, or it is too late.
    pub async fn remove(&self, doomed: &Doomed) -> Result<()> {
        let mut removed = self.store.delete_stream(stream::iter(doomed.keys()).boxed());
        let all = async {
            while let Some(removed) = removed.next().await {
                match removed {
                    Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                    Err(error) => return Err(self.failures.of(error)),
                }
            }
            Ok(())
        };
        self.failures.within(all).await?
    }

    /// The third step: removes the rows; returns how many.
    ///
    /// # Errors
    ///
    /// What the database says.
    pub async fn forget(&self, doomed: Doomed) -> Result<u64> {
        store::forget(&self.db.client().await?, &doomed).await
    }

    /// Makes rows for what lies on a shelf and has none, so that it is collected, too; returns how many.
    ///
    /// There is no such thing as long as everybody announces what they store. It was stored by the versions that did not,
    /// or the database was taken back to an older state than the store has.
    ///
    /// # Errors
    ///
    /// [`crate::error::Error::Unavailable`] when the store or the database is away.
    pub async fn adopt(&self, shelf: u8) -> Result<u64> {
        let shelf = format!("{shelf:02x}");
        let folder = Key::from_iter([shelf.as_str()]);
        let mut slices = self.store.list(Some(&folder)).chunks(SLICE);
        let mut adopted = 0;
        while let Some(slice) = self.failures.within(slices.next()).await? {
            let mut digests = Vec::with_capacity(slice.len());
            for object in slice {
                let object = object.map_err(|it| self.failures.of(it))?;
                // What is called otherwise is not ours.
                digests.extend(object.location.filename().and_then(|it| hash(&format!("{shelf}{it}"))));
            }
            adopted += store::adopt(&self.db.client().await?, &digests).await?;
        }
        Ok(adopted)
    }
}

/// Reads the name that [`key`] gives.
fn hash(digits: &str) -> Option<Hash> {
    let mut hash = Hash::default();
    let is_whole = digits.len() == 2 * hash.len() && digits.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'));
    for (at, byte) in hash.iter_mut().enumerate().filter(|_| is_whole) {
        *byte = u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).ok()?;
    }
    is_whole.then_some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret;

    #[test]
    fn what_was_doomed_too_long_ago_is_not_removed_any_more() {
        let digest = super::super::digest(b"a square");
        let keys = |since| Doomed { digests: vec![digest], until: None, since }.keys().map(|it| it.ok()).next();
        let now = Instant::now();
        assert_eq!(keys(now), Some(Some(key(&digest))));
        assert_eq!(keys(now.checked_sub(BEGIN_WITHIN).unwrap()), Some(None));
        // Whatever began in time has ended when others may store the same.
        assert!(BEGIN_WITHIN + super::super::ANSWER_WITHIN < LEASE);
    }

    #[test]
    fn the_name_of_bytes_is_read_back_and_no_other_is() {
        let bytes = super::super::digest(b"a square");
        let name = secret::hex(&bytes);
        assert_eq!(hash(&name), Some(bytes));
        for other in ["", "ab", &name[1..], &format!("{name}0"), &name.to_uppercase(), &format!("{}é", &name[2..])] {
            assert_eq!(hash(other), None, "{other}");
        }
    }
}
