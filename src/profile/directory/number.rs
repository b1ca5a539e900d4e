//! Gives numbers to what the directories are due, again and again, for as long as somebody in this process follows one.
//! With nobody there it does nothing: what is due then waits for the next who comes, or for housekeeping.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tracing::warn;

use crate::{
    account,
    db::Db,
    error::{Result, chain},
};

/// How soon after a change its number is given: soon enough for a list that people look at, and seldom enough for notices,
/// for which commits wait.
const EVERY: Duration = Duration::from_millis(250);

/// What all who follow a directory share. Cheap to clone.
#[derive(Clone)]
pub(super) struct Numbers {
    db: Db,
    readers: Arc<Mutex<Readers>>,
    /// Whose turn it is: however many come in at once, they take one connection.
    turn: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Default)]
struct Readers {
    count: usize,
    /// Whether somebody gives numbers.
    is_served: bool,
}

/// Somebody who follows, until it is dropped.
pub(super) struct Reader(Numbers);

impl Numbers {
    /// Gives numbers by `db`. Nothing is done before somebody follows.
    pub fn new(db: Db) -> Self {
        Self { db, readers: Arc::default(), turn: Arc::default() }
    }

    /// Notes that somebody follows.
    pub fn reader(&self) -> Reader {
        let mut readers = self.readers();
        readers.count += 1;
        if !mem::replace(&mut readers.is_served, true) {
            tokio::spawn(self.clone().serve());
        }
        Reader(self.clone())
    }

    /// Gives numbers until nobody follows any more.
    async fn serve(self) {
        let mut pace = interval_at(Instant::now() + EVERY, EVERY);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_said = false;
        while self.is_wanted() {
            pace.tick().await;
            let given = self.give().await;
            if let (Err(error), false) = (&given, is_said) {
                warn!(error = chain(error), "failed to number what directories are due");
            }
            is_said = given.is_err();
        }
    }

    /// Whether anybody follows; if not, nobody gives numbers from now on.
    fn is_wanted(&self) -> bool {
        let mut readers = self.readers();
        readers.is_served = readers.count > 0;
        readers.is_served
    }

    /// Gives numbers: everything that had changed before has its number when this is over.
    ///
    /// # Errors
    ///
    /// What the database says.
    pub async fn give(&self) -> Result<()> {
        let _turn = self.turn.lock().await;
        let client = self.db.client().await?;
        while account::number(&client).await? {}
        Ok(())
    }

    fn readers(&self) -> MutexGuard<'_, Readers> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.0.readers().count -= 1;
    }
}
