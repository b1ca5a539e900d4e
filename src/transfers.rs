//! Uploads and downloads that are under way: so many of a kind at a time, and fewer of one caller; and whether an upload
//! makes way, for its place is kept from others.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout},
};
use uuid::Uuid;

use crate::error::{Error, Reason, Result};

/// Uploads of a kind at a time, each of which holds at most ten megabytes: a whole file of a picture, two parts of a
/// document. And of one caller: one may hang while the next is tried.
const UPLOADS_MAX: (usize, usize) = (16, 2);

/// Downloads at a time, each of which holds a quarter of a megabyte, however slowly it is read. And of one caller: what a
/// program takes at once that takes a folder home.
const DOWNLOADS_MAX: (usize, usize) = (256, 16);

/// When to come back if there are as many as that.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// What an upload has to bring, and in how much waiting for it: half of what the slowest of mobile networks carries, 35
/// kilobits a second, and far from a byte now and then, for which nobody is to have a place.
const LEAST_BYTES: usize = 128 << 10;
const LEAST_WITHIN: Duration = Duration::from_secs(60);

/// Those of one kind. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Transfers {
    permits: Arc<Semaphore>,
    /// Whose are under way.
    whose: Arc<Mutex<Vec<Uuid>>>,
    of_one: usize,
}

impl Transfers {
    /// As many as there may be uploads of a kind.
    pub fn up() -> Self {
        Self::new(UPLOADS_MAX)
    }

    /// As many as there may be downloads.
    pub fn down() -> Self {
        Self::new(DOWNLOADS_MAX)
    }

    fn new((most, of_one): (usize, usize)) -> Self {
        Self { permits: Arc::new(Semaphore::new(most)), whose: Arc::default(), of_one }
    }

    /// Finds a place for one of `whose`, which is free again when it is dropped.
    ///
    /// # Errors
    ///
    /// [`Error::Exhausted`] when there are as many as may be.
    pub fn place(&self, whose: Uuid) -> Result<Place> {
        let full = || Error::Exhausted(Reason::Overloaded, RETRY_AFTER);
        let permit = Arc::clone(&self.permits).try_acquire_owned().map_err(|_full| full())?;
        let mut under_way = self.whose.lock().unwrap_or_else(PoisonError::into_inner);
        if under_way.iter().filter(|it| **it == whose).count() >= self.of_one {
            return Err(full());
        }
        under_way.push(whose);
        Ok(Place { under_way: Arc::clone(&self.whose), whose, _permit: permit })
    }
}

/// A place among those that are under way.
#[derive(Debug)]
pub struct Place {
    under_way: Arc<Mutex<Vec<Uuid>>>,
    whose: Uuid,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = under_way.iter().position(|it| *it == self.whose) {
            under_way.swap_remove(at);
        }
    }
}

/// How an upload comes on.
#[derive(Debug)]
pub struct Progress {
    /// How long it may be silent.
    silence: Duration,
    /// When it is over, however busy it is.
    end: Instant,
    /// What has come, and how long was waited for it, since there was enough of it.
    bytes: usize,
    waited: Duration,
}

impl Progress {
    /// That of one that begins now, may take as long as `within`, and may be silent for `silence`.
    pub fn new(within: Duration, silence: Duration) -> Self {
        Self { silence, end: Instant::now() + within, bytes: 0, waited: Duration::ZERO }
    }

    /// Waits for what comes next.
    ///
    /// # Errors
    ///
    /// [`Error::Late`] when it does not come in time, or too little has come for too long.
    pub async fn wait<T>(&mut self, coming: impl Future<Output = T>) -> Result<T> {
        let began = Instant::now();
        let came = timeout(self.patience(began), coming).await;
        self.waited += began.elapsed();
        came.map_err(|_elapsed| Error::Late(Reason::Deadline))
    }

    /// So many bytes have come.
    pub fn came(&mut self, bytes: usize) {
        self.bytes += bytes;
        if self.bytes >= LEAST_BYTES {
            (self.bytes, self.waited) = (0, Duration::ZERO);
        }
    }

    /// How long the next message may take at `now`. Time in which nobody waits for it is not the caller's.
    fn patience(&self, now: Instant) -> Duration {
        self.silence.min(self.end.saturating_duration_since(now)).min(LEAST_WITHIN.saturating_sub(self.waited))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upload_that_brings_too_little_in_a_minute_of_waiting_is_over_and_a_slow_one_is_not() {
        let silence = Duration::from_secs(10);
        // So many bytes every nine seconds, until it is over or ten minutes have gone.
        let seconds = |each: usize| {
            let mut progress = Progress::new(Duration::from_secs(3600), silence);
            let now = Instant::now();
            let mut at = 0;
            while at < 600 && progress.patience(now) >= Duration::from_secs(9) {
                progress.waited += Duration::from_secs(9);
                progress.came(each);
                at += 9;
            }
            at
        };
        assert_eq!(seconds(1), 54);
        assert_eq!(seconds(LEAST_BYTES / 10), 54);
        assert_eq!(seconds(LEAST_BYTES / 5), 603);
        assert_eq!(seconds(1 << 20), 603);
    }

    #[test]
    fn no_upload_outlasts_its_end_or_is_silent_for_longer_than_it_may_be() {
        let [silence, within] = [10, 3600].map(Duration::from_secs);
        let progress = Progress::new(within, silence);
        let (begun, soon) = (Instant::now(), progress.end - Duration::from_secs(3));
        assert_eq!(progress.patience(begun), silence);
        assert_eq!(progress.patience(soon), Duration::from_secs(3));
        assert_eq!(progress.patience(progress.end + silence), Duration::ZERO);
    }

    #[tokio::test]
    async fn what_does_not_come_is_late_and_what_is_there_is_not() {
        let mut progress = Progress::new(Duration::ZERO, Duration::from_secs(10));
        assert!(matches!(progress.wait(std::future::pending::<()>()).await, Err(Error::Late(Reason::Deadline))));
        assert_eq!(progress.wait(async { 7 }).await.unwrap(), 7);
    }

    #[test]
    fn one_caller_has_two_places_and_all_have_sixteen_until_they_are_free_again() {
        let uploads = Transfers::up();
        let one = Uuid::from_u128(1);
        let places = [uploads.place(one), uploads.place(one)].map(Result::unwrap);
        assert!(uploads.place(one).is_err());
        let others: Vec<_> = (2..16).map(|it| uploads.place(Uuid::from_u128(it)).unwrap()).collect();
        assert!(uploads.place(Uuid::from_u128(16)).is_err());
        drop(places);
        assert!(uploads.place(one).is_ok());
        drop(others);
    }
}
