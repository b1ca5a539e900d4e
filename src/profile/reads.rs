//! Profiles that many ask for at the same time, each for one, are read together. A read begins after it was asked for, so that
//! whoever has changed a profile finds the change.

use std::{collections::HashMap, sync::Arc};

use uuid::Uuid;

use super::{
    Profile, store,
    together::{Served, Together, Waiting},
};
use crate::{
    db::{Db, Reader},
    error::Result,
};

/// Reads that are under way at a time: one for each connection that reads share. With one alone, of twice as many, a few of
/// a crowd were refused once where the machine was busy.
const READS_MAX: usize = 2;

/// Reads profiles, one for each who asks. Clones do it together.
#[derive(Clone)]
pub(super) struct Reads {
    db: Db,
    together: Together<Uuid, Option<Arc<Profile>>>,
}

impl Reads {
    /// Reads on `db`.
    pub fn new(db: Db) -> Self {
        let on = db.clone();
        let together = Together::new("read together", READS_MAX, move |some| Box::pin(read(on.clone(), some)));
        Self { db, together }
    }

    /// Finds the profile of a person: with others, or alone by `reader`.
    ///
    /// # Errors
    ///
    /// As [`store::find`].
    pub async fn find(&self, reader: &Reader, user: Uuid) -> Result<Arc<Profile>> {
        match self.together.serve(user, store::find(reader, user)).await {
            Served::Alone(found) => found.map(Arc::new),
            Served::Together(found) => found.ok_or_else(|| store::missing(user)),
            Served::Not => store::find(&self.db.crowded_reader().await?, user).await.map(Arc::new),
        }
    }
}

/// Reads for all of them by one statement.
async fn read(db: Db, some: Vec<Waiting<Uuid, Option<Arc<Profile>>>>) -> Result<()> {
    let users: Vec<Uuid> = some.iter().map(|(user, _)| *user).collect();
    let found = store::list(&db.crowded_reader().await?, &users).await?;
    let found: HashMap<Uuid, Arc<Profile>> = found.into_iter().map(|it| (it.user, Arc::new(it))).collect();
    for (user, tell) in some {
        // Who has gone does not want to know.
        let _ = tell.send(found.get(&user).cloned());
    }
    Ok(())
}
