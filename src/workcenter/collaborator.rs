//! Coming into a WorkCenter and leaving it: the row, the subscription, and the word to the others.
//!
//! Locks are taken in one order everywhere: the account, the WorkCenters, the person's profile and membership, rows of
//! collaborators by WorkCenter, then the person's recipient and subscriptions, then the heads of logs and of directories. So
//! whoever brings a person into several WorkCenters makes all rows first.

use std::{num::NonZeroU32, time::Duration};

use jiff::Timestamp;
use uuid::Uuid;

use super::{Place, WorkCenter, own, store};
use crate::{
    access::WorkCenterRole,
    activity,
    db::Transaction,
    error::{Error, Kind, Reason, Result},
    ids, outbox, profile,
    subscription::{self, When},
};

/// The kind of the event that somebody came.
pub const ADDED: &str = "collaborator.added";

/// The kind of the event that somebody had to leave.
pub const REMOVED: &str = "collaborator.removed";

/// The kind of the event that somebody left by themselves.
pub const LEFT: &str = "collaborator.left";

/// The kind of the event that somebody is something else in a WorkCenter.
const ROLE_CHANGED: &str = "collaborator.role_changed";

/// When people come into WorkCenters, and how many may be in one that is not large.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// When they come.
    pub when: When,
    /// Collaborators at most: with one more it is large, and stays so.
    pub most: NonZeroU32,
}

/// Brings `user` into a WorkCenter. The caller says so by [`announce`], as the last thing of its transaction.
///
/// # Errors
///
/// [`Error::Taken`] for somebody who collaborates already, [`Error::Refused`] for somebody outside of the account, and
/// where nobody comes any more.
pub async fn add(
    tx: &Transaction<'_>,
    workcenter: Uuid,
    user: Uuid,
    role: WorkCenterRole,
    arrival: &Arrival,
) -> Result<()> {
    if !add_all(tx, &[(user, Place { workcenter, role })], arrival).await?.is_empty() {
        return Ok(());
    }
    match store::role(tx, workcenter, user).await? {
        Some(_) => Err(Error::Taken(Reason::CollaboratorExists)),
        None => found(tx, workcenter).await?.active().and(Err(Error::Refused(Reason::NotAMember))),
    }
}

/// A person and a WorkCenter that they came into or left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tie {
    /// The WorkCenter.
    pub workcenter: Uuid,
    /// The person.
    pub user: Uuid,
}

/// Brings people into every active WorkCenter of theirs in `coming` whose account they belong to and where they are not yet. In
/// one that becomes large by that, whoever has heard of it at once as the account has it hears daily from here on.
///
/// Returns who came where, in the order in which it is to be told by [`announce`].
///
/// # Errors
///
/// What the database says.
pub async fn add_all(tx: &Transaction<'_>, coming: &[(Uuid, Place)], arrival: &Arrival) -> Result<Vec<Tie>> {
    if coming.is_empty() {
        return Ok(Vec::new());
    }
    let Arrival { when, most } = arrival;
    let came = store::add(tx, coming, None, when.now).await?;
    let grown = store::grow(tx, &came, *most).await?;
    subscription::join(tx, &came, &grown, when).await?;
    Ok(came.into_iter().map(|it| Tie { workcenter: it.log, user: it.user }).collect())
}

/// Takes the person of `tie` out of a WorkCenter, by the doing of `by`: what waited for them is not sent any more, and the others
/// are told, and they if it was not their own doing.
///
/// # Errors
///
/// [`Error::NotFound`] for somebody who is not in it, [`Error::Refused`] for its last owner.
pub(super) async fn remove(tx: &Transaction<'_>, tie: Tie, by: Uuid, when: &When, window: Duration) -> Result<()> {
    let Tie { workcenter, user } = tie;
    let space = found(tx, workcenter).await?;
    let own = own::log(tx, &space, user, by).await?;
    // Of two owners who leave at once, the second waits here and then sees that they are the last.
    let owners = store::lock_owners(tx, workcenter).await?;
    if owners == [user] {
        return Err(Error::Refused(Reason::LastOwner));
    }
    if !store::remove(tx, workcenter, user).await? {
        return Err(Error::NotFound(Kind::User, user.to_string()));
    }
    subscription::leave(tx, user, &[workcenter], when).await?;
    // What is composed and has not gone is written by what is so from here on.
    outbox::hold(tx, &[user]).await?;
    let kind = if by == user { LEFT } else { REMOVED };
    let Some(own) = own else { return announce(tx, kind, &[tie], by, when.now, window).await };
    own.attend(tx, when).await?;
    // The heads of logs in the order of their ids, as everybody locks them.
    if own.log < workcenter {
        own.tell(tx, kind, "", by, when.now, window).await?;
    }
    announce(tx, kind, &[tie], by, when.now, window).await?;
    if own.log < workcenter { Ok(()) } else { own.tell(tx, kind, "", by, when.now, window).await }
}

/// Keeps others from changing who owns a WorkCenter until the transaction ends.
///
/// # Errors
///
/// What the database says.
pub(super) async fn hold(tx: &Transaction<'_>, workcenter: Uuid) -> Result<()> {
    store::lock_owners(tx, workcenter).await.map(|_| ())
}

/// Changes what the person of `tie` is in a WorkCenter, by the doing of `by`, of which they are told at once if it is not their
/// own.
///
/// # Errors
///
/// [`Error::NotFound`] for somebody who is not in it, [`Error::Refused`] for its last owner, and until it is active.
pub(super) async fn change(
    tx: &Transaction<'_>,
    Tie { workcenter, user }: Tie,
    role: WorkCenterRole,
    by: Uuid,
    when: &When,
    window: Duration,
) -> Result<()> {
    // Of two owners who step down at once, the second waits here and then sees that they are the last.
    let owners = store::lock_owners(tx, workcenter).await?;
    let space = found(tx, workcenter).await?.active()?;
    if owners == [user] && role != WorkCenterRole::Owner {
        return Err(Error::Refused(Reason::LastOwner));
    }
    let before = store::role(tx, workcenter, user).await?;
    if !store::set_role(tx, workcenter, user, role).await? {
        return Err(Error::NotFound(Kind::User, user.to_string()));
    }
    if before == Some(role) {
        return Ok(());
    }
    let Some(own) = own::log(tx, &space, user, by).await? else { return Ok(()) };
    own.attend(tx, when).await?;
    own.tell(tx, ROLE_CHANGED, own::now(role), by, when.now, window).await
}

async fn found(tx: &Transaction<'_>, workcenter: Uuid) -> Result<WorkCenter> {
    let found = store::find(tx, workcenter).await?;
    found.ok_or_else(|| Error::NotFound(Kind::WorkCenter, workcenter.to_string()))
}

/// Takes `user`, who is not a member of `account` any more, out of all its WorkCenters, and from their own log; what waited for
/// them is not sent, nor what waited for the digest that they had as an administrator.
///
/// Where they were the last owner nobody is after that: the account has administrators, who may all that an owner may.
/// Returns what they left, in the order in which it is to be told by [`announce`].
///
/// # Errors
///
/// What the database says.
pub async fn remove_all(tx: &Transaction<'_>, account: Uuid, user: Uuid, when: &When) -> Result<Vec<Tie>> {
    let left = store::remove_all(tx, account, user).await?;
    let own = subscription::find_own(tx, &[(account, user)]).await?;
    let logs: Vec<Uuid> = left.iter().chain(own.values()).copied().collect();
    subscription::quit(tx, account, user, &logs, when).await?;
    outbox::hold(tx, &[user]).await?;
    Ok(left.into_iter().map(|workcenter| Tie { workcenter, user }).collect())
}

/// Tells the collaborators who came or left, as `kind` says, by whose doing. The last thing that a transaction does: the logs
/// are taken in the order of their ids.
///
/// # Errors
///
/// What the database says.
pub async fn announce(
    tx: &Transaction<'_>,
    kind: &str,
    ties: &[Tie],
    by: Uuid,
    now: Timestamp,
    window: Duration,
) -> Result<()> {
    if ties.is_empty() {
        return Ok(());
    }
    let mut ties = ties.to_vec();
    ties.sort_by_key(|it| (it.workcenter, it.user));
    let names = profile::names(tx, &ties.iter().map(|it| it.user).collect::<Vec<_>>()).await?;
    for ties in ties.chunk_by(|a, b| a.workcenter == b.workcenter) {
        let space = found(tx, ties[0].workcenter).await?;
        let event = |it: &Tie| event(&space, kind, it.user, names.get(&it.user).map_or("", String::as_str), by, now);
        match activity::publish(tx, space.id, ties.iter().map(event).collect(), now, window).await {
            // People leave what is archived or deactivated too, and there nobody is told of anything.
            Err(Error::Refused(Reason::WorkcenterArchived | Reason::AccountDeactivated) | Error::NotFound(..)) => {}
            published => drop(published?),
        }
    }
    Ok(())
}

/// The event that `user`, called `person`, came into a WorkCenter or left it.
fn event(space: &WorkCenter, kind: &str, user: Uuid, person: &str, by: Uuid, now: Timestamp) -> activity::New {
    let change = if kind == ADDED { "now collaborates" } else { "no longer collaborates" };
    let thing = |kind: &str, id: Uuid, title: &str| activity::Thing {
        kind: kind.to_owned(),
        id: id.to_string(),
        title: title.to_owned(),
        url: String::new(),
    };
    activity::New {
        event_id: ids::new().to_string(),
        kind: kind.to_owned(),
        actor: by,
        summary: format!("{person} {change} in {}.", space.name),
        subject: thing("user", user, person),
        parent: thing("workcenter", space.id, &space.name),
        audience: activity::Audience::Everyone,
        addressees: Vec::new(),
        occurred_at: now,
    }
}
