//! WorkCenters that a job is making: seen by whoever has started it alone, and by everybody at once when it is done.
//!
//! ```text
//!  provision ─▶ seat, fill_by … ─┬▶ open      it is as any other, and its people are told that they came
//!                                └▶ abandon   it is there for nobody, and housekeeping purges it
//! ```
//!
//! Until it is open it has people and no log: nobody subscribes to it, and nothing can be published to it. The job writes below
//! the services; all calls go through `access`, which hides it.
//!
//! Locks: as whoever brings people in takes them; the account is entered first.

mod store;

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::{ADDED, Arrival, Place, State, Tie, WorkCenter, announce, archive, store as workcenters};
use crate::{
    access::WorkCenterRole,
    account, activity,
    db::{GenericClient, Transaction},
    error::{Error, Kind, Reason, Result},
    ids,
    subscription::{self, Joining},
};

/// WorkCenters that one statement gives up at most, so that it holds its locks for a moment.
const LOST_MAX: i64 = 100;

/// A WorkCenter that is to be made. Its texts are checked, as [`super::name`], [`super::category`] and `profile::time_zone` do.
#[derive(Clone, Debug)]
pub struct New {
    /// Whose it will be.
    pub account: Uuid,
    /// Who has it made, and owns it.
    pub by: Uuid,
    /// What people call it.
    pub name: String,
    /// What it is filed under; may be empty.
    pub category: String,
    /// The zone that dates in it are meant in; empty for the account's.
    pub time_zone: String,
    /// The job that makes it, started in the same transaction.
    pub job: Uuid,
}

/// Begins a WorkCenter, with nobody in it but who has it made.
///
/// # Errors
///
/// [`Error::Refused`] in a deactivated account, and for somebody who does not belong to it.
pub async fn provision(tx: &Transaction<'_>, new: New, now: Timestamp) -> Result<WorkCenter> {
    account::enter(tx, new.account).await?;
    let id = ids::new();
    store::insert(tx, id, &new, now).await?;
    // Somebody who is taken out of the account at this moment has none made: it would be nobody's.
    if seat(tx, id, new.job, &[(new.by, WorkCenterRole::Owner)], now).await?.is_empty() {
        return Err(Error::Refused(Reason::NotAMember));
    }
    let space = workcenters::find(tx, id).await?.ok_or_else(|| missing(id))?;
    Ok(WorkCenter { role: Some(WorkCenterRole::Owner), ..space })
}

/// Gives people a place in the WorkCenter `id`, which `job` makes: those who belong to its account and have none. They hear of it
/// when it is open. Returns who they are.
///
/// # Errors
///
/// What the database says.
pub async fn seat(
    tx: &Transaction<'_>,
    id: Uuid,
    job: Uuid,
    people: &[(Uuid, WorkCenterRole)],
    now: Timestamp,
) -> Result<Vec<Uuid>> {
    let places: Vec<_> = people.iter().map(|&(user, role)| (user, Place { workcenter: id, role })).collect();
    let seated = workcenters::add(tx, &places, Some(job), now).await?;
    Ok(seated.into_iter().map(|it| it.user).collect())
}

/// As [`super::fill`], for what `job` puts into the WorkCenter `id`: it is active, or `job` makes it.
///
/// # Errors
///
/// [`Error::NotFound`] when there is none, [`Error::Refused`] when it is neither, which it is from the moment it is given up.
pub async fn fill_by(tx: &Transaction<'_>, id: Uuid, job: Uuid) -> Result<WorkCenter> {
    let space = workcenters::share(tx, id).await?.ok_or_else(|| missing(id))?;
    if space.state() == State::Provisioning && space.made_by == Some(job) { Ok(space) } else { space.active() }
}

/// Opens the WorkCenter `id`, which `job` has made: from here on it is as any other. Whoever has a place in it hears of it, and is
/// told that they came, but for who had it made. Doing it twice is doing it once. The last thing that its transaction does, and
/// not after the one in which the job ends: one whose job is over is given up.
///
/// # Errors
///
/// [`Error::NotFound`] when there is none, or another job makes it; [`Error::Refused`] when it was given up, and in a deactivated
/// account.
pub async fn open(
    tx: &Transaction<'_>,
    id: Uuid,
    job: Uuid,
    arrival: &Arrival,
    window: Duration,
) -> Result<WorkCenter> {
    let found = workcenters::find(tx, id).await?.ok_or_else(|| missing(id))?;
    account::enter(tx, found.account).await?;
    let space = archive::locked(tx, id).await?;
    match space.made_by {
        None => return Ok(space),
        Some(by) if by != job => return Err(missing(id)),
        Some(_) if space.state() == State::Deleted => return Err(Error::Refused(Reason::WorkcenterDeleted)),
        Some(_) => {}
    }
    let Arrival { when, most } = arrival;
    let (space, by) = store::open(tx, space).await?;
    activity::open(tx, id, space.account).await?;
    let people = store::people(tx, id).await?;
    subscription::administrator::include(tx, space.account, id, &people, when).await?;
    let came: Vec<_> = people.iter().map(|&user| Joining { account: space.account, user, log: id }).collect();
    let grown = workcenters::grow(tx, &came, *most).await?;
    subscription::join(tx, &came, &grown, when).await?;
    let others = people.into_iter().filter(|it| *it != by);
    let ties: Vec<_> = others.map(|user| Tie { workcenter: id, user }).collect();
    announce(tx, ADDED, &ties, by, when.now, window).await?;
    Ok(space)
}

/// Gives up the WorkCenter `id` that `job` makes: nobody sees it from here on, and it is purged with all that is in it. One that
/// is open stays.
///
/// # Errors
///
/// What the database says.
pub async fn abandon(tx: &Transaction<'_>, id: Uuid, job: Uuid, now: Timestamp) -> Result<()> {
    let space = workcenters::lock(tx, id).await?;
    match space.filter(|it| it.state() == State::Provisioning && it.made_by == Some(job)) {
        Some(space) => workcenters::update(tx, WorkCenter { purge_at: Some(now), ..space }).await.map(drop),
        None => Ok(()),
    }
}

/// Gives up WorkCenters whose job is over without having opened them, or is not there any more. Returns how many: there may be
/// more.
///
/// # Errors
///
/// What the database says.
pub async fn abandon_lost(on: &impl GenericClient, now: Timestamp) -> Result<usize> {
    store::abandon_lost(on, now, LOST_MAX).await
}

fn missing(id: Uuid) -> Error {
    Error::NotFound(Kind::WorkCenter, id.to_string())
}
