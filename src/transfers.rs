//! Uploads and downloads that are under way: so many of a kind at a time, and fewer of one caller.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
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

#[cfg(test)]
mod tests {
    use super::*;

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
