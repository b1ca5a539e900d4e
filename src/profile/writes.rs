//! Changes of profiles that come at the same time, each of another, are written together: one statement, one commit, and one
//! wait for the disk.

use std::{collections::HashSet, sync::Arc};

use super::{
    store::{self, Held, Step},
    together::{Served, Together, Waiting},
};
use crate::{db::Db, error::Result};

/// Writes that are under way at a time: with two, each is of half as many, and together they take longer.
const WRITES_MAX: usize = 1;

/// Writes changes of profiles, one for each who asks. Clones do it together.
#[derive(Clone)]
pub(super) struct Writes {
    db: Db,
    together: Together<Arc<Step>, bool>,
}

impl Writes {
    /// Writes on `db`.
    pub fn new(db: Db) -> Self {
        let on = db.clone();
        let together = Together::new("written together", WRITES_MAX, move |some| Box::pin(write(on.clone(), some)));
        Self { db, together }
    }

    /// Writes a change. Whether it was written: if not, the profile is no longer as it was found.
    ///
    /// In turn nobody waits for who holds a profile, for those behind would, too; whoever has to does so afterwards. So does
    /// who was told nothing: what was written all the same is not written again.
    ///
    /// # Errors
    ///
    /// What the database says.
    pub async fn write(&self, step: Step) -> Result<bool> {
        let step = Arc::new(step);
        let is_written = match self.together.serve(Arc::clone(&step), self.update(&step, Held::Skip)).await {
            Served::Alone(is_written) => is_written?,
            Served::Together(is_written) => is_written,
            Served::Not => false,
        };
        if is_written { Ok(true) } else { self.update(&step, Held::Wait).await }
    }

    async fn update(&self, step: &Step, held: Held) -> Result<bool> {
        let written = store::update(&self.db.client().await?, &[step], held).await?;
        Ok(!written.is_empty())
    }
}

/// Writes for all of them by one statement, but for those whose profile somebody holds, and for the second of two changes of
/// the same.
async fn write(db: Db, some: Vec<Waiting<Arc<Step>, bool>>) -> Result<()> {
    let mut first = HashSet::new();
    let (some, again): (Vec<_>, Vec<_>) = some.into_iter().partition(|(step, _)| first.insert(step.user));
    let steps: Vec<&Step> = some.iter().map(|(step, _)| &**step).collect();
    let written = store::update(&db.client().await?, &steps, Held::Skip).await?;
    for (step, tell) in some {
        // Who has gone does not want to know.
        let _ = tell.send(written.contains_key(&step.user));
    }
    for (_, tell) in again {
        let _ = tell.send(false);
    }
    Ok(())
}
