//! Uploads that are under way: so many at a time, and fewer of one caller.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::{Semaphore, SemaphorePermit};
use uuid::Uuid;

use crate::error::{Error, Reason, Result};

/// Uploads of a kind under way at a time. Each holds at most ten megabytes: a whole file of a picture, two parts of a document.
const UPLOADS_MAX: usize = 16;

/// Uploads of one caller at a time: one may hang while the next is tried.
const UPLOADS_OF_ONE_MAX: usize = 2;

/// When to come back if there are as many uploads as that.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// Those of one kind.
#[derive(Debug)]
pub struct Uploads {
    permits: Semaphore,
    /// Whose uploads are under way.
    whose: Mutex<Vec<Uuid>>,
}

impl Default for Uploads {
    fn default() -> Self {
        Self { permits: Semaphore::new(UPLOADS_MAX), whose: Mutex::default() }
    }
}

impl Uploads {
    /// Finds a place for an upload of `whose`, which is free again when it is dropped.
    ///
    /// # Errors
    ///
    /// [`Error::Exhausted`] when there are as many as may be.
    pub fn place(&self, whose: Uuid) -> Result<Place<'_>> {
        let permit = self.permits.try_acquire().map_err(|_full| full())?;
        let mut under_way = self.whose.lock().unwrap_or_else(PoisonError::into_inner);
        if under_way.iter().filter(|it| **it == whose).count() >= UPLOADS_OF_ONE_MAX {
            return Err(full());
        }
        under_way.push(whose);
        Ok(Place { uploads: self, whose, _permit: permit })
    }
}

/// A place among the uploads that are under way.
pub struct Place<'a> {
    uploads: &'a Uploads,
    whose: Uuid,
    _permit: SemaphorePermit<'a>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut under_way = self.uploads.whose.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = under_way.iter().position(|it| *it == self.whose) {
            under_way.swap_remove(at);
        }
    }
}

fn full() -> Error {
    Error::Exhausted(Reason::Overloaded, RETRY_AFTER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_caller_has_two_places_and_all_have_sixteen_until_they_are_free_again() {
        let uploads = Uploads::default();
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
