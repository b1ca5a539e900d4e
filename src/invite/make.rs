//! Making invites; somebody who belongs to the account needs none and is brought in at once.
//!
//! However many are made, they take the same few statements. Locks are taken in the order that accepting has: first the
//! account, shared, the turn among those who make invites to it and the invites there are, then places, then the outbox.

mod store;

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    Invite,
    offer::{Offer, all_open},
    resend::resend,
    rights::rights,
    store::{expire, lock_live},
    token,
};
use crate::{
    access::AccountRole,
    account,
    db::Transaction,
    error::{Error, Kind, Reason, Result},
    ids, outbox,
    secret::{self, TokenKey},
    trail,
    workcenter::{self, Arrival, Tie},
};

/// What counts as a day.
const DAY: Duration = Duration::from_hours(24);

/// What becomes of an offer whose address has a live invite to the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Existing {
    /// It is refused.
    Fail,
    /// That one stays as it is.
    Skip,
    /// That one is sent again as it is, if it is the caller's or they administer the account.
    Resend,
}

impl Existing {
    /// As the database has it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Fail => "FAIL",
            Self::Skip => "SKIP",
            Self::Resend => "RESEND",
        }
    }

    /// Reads what [`Self::name`] wrote.
    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::Fail, Self::Skip, Self::Resend].into_iter().find(|it| it.name() == name)
    }
}

/// What came of an offer.
pub(super) enum Made {
    /// The invite, and its mail is in the outbox.
    Invited(Box<Invite>),
    /// There was this one, and it was sent again.
    Resent(Box<Invite>),
    /// There was this one.
    Skipped(Box<Invite>),
    /// A member of the account came into these WorkCenters, which nobody has been told yet; those where they were already
    /// are left out.
    Added(Vec<Tie>),
}

/// An offer on its way.
struct Entry {
    offer: Offer,
    /// Whose address it is.
    person: Option<Uuid>,
    is_member: bool,
    made: Option<Result<Made>>,
}

/// Makes invites to `account` of `offers`, by `inviter`, who must have the right to all of each.
/// No two are to the same address. Returns one result for each.
///
/// # Errors
///
/// [`Error::Refused`] when the account is deactivated.
///
/// Of one: [`Error::NotFound`] and [`Error::Forbidden`] for what the inviter may not offer, [`Error::Refused`] for a place
/// in an archived WorkCenter, [`Error::Taken`] while the address has a live invite to the account,
/// [`Error::Exhausted`] when the account has as many as it may have.
pub(super) async fn make(
    tx: &Transaction<'_>,
    key: &TokenKey,
    account: Uuid,
    offers: Vec<Offer>,
    existing: Existing,
    inviter: Uuid,
    arrival: &Arrival,
) -> Result<Vec<Result<Made>>> {
    let now = arrival.when.now;
    take_turn(tx, account).await?;
    let (mut entries, administers) = judged(tx, account, offers, inviter).await?;
    let own = (!administers).then_some(inviter);
    live(tx, key, account, &mut entries, existing, own, now).await?;
    add(tx, &mut entries, arrival).await?;
    create(tx, key, account, &mut entries, inviter, now).await?;
    let lost = || Err(Error::internal("an offer was neither made nor refused"));
    Ok(entries.into_iter().map(|it| it.made.unwrap_or_else(lost)).collect())
}

/// Waits for whoever makes invites to the account, until the transaction ends, and keeps it from being deactivated.
///
/// # Errors
///
/// [`Error::Refused`] when it is deactivated.
pub(super) async fn take_turn(tx: &Transaction<'_>, account: Uuid) -> Result<()> {
    account::enter(tx, account).await?;
    store::take_turn(tx, account).await
}

/// The offers with what is known of their people, those that the inviter may not make refused; and whether the inviter
/// administers the account.
async fn judged(tx: &Transaction<'_>, account: Uuid, offers: Vec<Offer>, inviter: Uuid) -> Result<(Vec<Entry>, bool)> {
    let ids: Vec<Uuid> = offers.iter().flat_map(|it| &it.places).map(|it| it.workcenter).collect();
    let offered = ids.iter().map(|it| (inviter, *it)).collect();
    let mut rights = rights(tx, account, BTreeSet::from([inviter]), offered).await?;
    let right = rights.remove(&inviter).unwrap_or_default();
    let closed = workcenter::closed(tx, &ids).await?;
    let keys: Vec<&str> = offers.iter().map(|it| it.email.key.as_str()).collect();
    let people = store::people(tx, account, &keys).await?;
    let entry = |offer: Offer| {
        let may = right.covers(offer.account_role, &offer.places);
        let refused = may.and_then(|()| all_open(&closed, &offer.places)).err();
        let person = people.get(&offer.email.key);
        Entry { person: person.map(|it| it.0), is_member: person.is_some_and(|it| it.1), made: refused.map(Err), offer }
    };
    let administers = right.account_role == Some(AccountRole::Administrator);
    Ok((offers.into_iter().map(entry).collect(), administers))
}

/// Does with those that have a live invite what `existing` says; with `own`, only that person's are sent again.
async fn live(
    tx: &Transaction<'_>,
    key: &TokenKey,
    account: Uuid,
    entries: &mut [Entry],
    existing: Existing,
    own: Option<Uuid>,
    now: Timestamp,
) -> Result<()> {
    let is_stranger = |it: &Entry| it.made.is_none() && !it.is_member;
    let strangers = entries.iter().filter(|it| is_stranger(it));
    let keys: Vec<&str> = strangers.map(|it| it.offer.email.key.as_str()).collect();
    expire(tx, account, &keys, now).await?;
    let live = lock_live(tx, account, &keys).await?;
    let mut live: HashMap<String, Invite> = live.into_iter().map(|it| (it.email_key.clone(), it)).collect();

    let mut again = Vec::new();
    for (number, entry) in entries.iter_mut().enumerate().filter(|(_, it)| is_stranger(it)) {
        let Some(invite) = live.remove(&entry.offer.email.key) else { continue };
        match existing {
            Existing::Skip => entry.made = Some(Ok(Made::Skipped(Box::new(invite)))),
            Existing::Resend if own.is_none_or(|it| it == invite.inviter) => again.push((number, invite)),
            Existing::Resend | Existing::Fail => entry.made = Some(Err(Error::Taken(Reason::InvitePending))),
        }
    }
    if !again.is_empty() {
        let (numbers, invites): (Vec<usize>, Vec<Invite>) = again.into_iter().unzip();
        for (number, resent) in numbers.into_iter().zip(resend(tx, key, account, invites, now).await?) {
            entries[number].made = Some(resent.map(|it| Made::Resent(Box::new(it))));
        }
    }
    Ok(())
}

/// Brings those who belong to the account into the places that they are offered.
async fn add(tx: &Transaction<'_>, entries: &mut [Entry], arrival: &Arrival) -> Result<()> {
    let members = entries.iter_mut().filter(|it| it.made.is_none() && it.is_member);
    let mut members: Vec<(Uuid, &mut Entry)> = members.filter_map(|it| Some((it.person?, it))).collect();
    let mut coming = Vec::new();
    for (user, entry) in &members {
        coming.extend(entry.offer.places.iter().map(|place| (*user, *place)));
    }
    let mut came: HashMap<Uuid, Vec<Tie>> = HashMap::new();
    for tie in workcenter::add_all(tx, &coming, arrival).await? {
        came.entry(tie.user).or_default().push(tie);
    }
    for (user, entry) in &mut members {
        entry.made = Some(Ok(Made::Added(came.remove(user).unwrap_or_default())));
    }
    Ok(())
}

/// Makes invites of what is left, as many as the account may have.
async fn create(
    tx: &Transaction<'_>,
    key: &TokenKey,
    account: Uuid,
    entries: &mut [Entry],
    inviter: Uuid,
    now: Timestamp,
) -> Result<()> {
    let mut left: Vec<&mut Entry> = entries.iter_mut().filter(|it| it.made.is_none()).collect();
    if left.is_empty() {
        return Ok(());
    }
    let found = account::find(tx, account).await?;
    let account = found.ok_or_else(|| Error::NotFound(Kind::Account, account.to_string()))?;
    let (room, wait) = store::load(tx, &account, now).await?.room(now);
    for entry in left.iter_mut().skip(room) {
        entry.made = Some(Err(Error::Exhausted(Reason::InviteLimitReached, wait)));
    }

    let mut new = Vec::with_capacity(left.len().min(room));
    for entry in left.iter_mut().take(room) {
        let invite = entry.offer.clone().invite(&account, inviter, entry.person, now)?;
        let mail = mail(&invite, now);
        let token_hash = secret::hash(token(key, invite.id, invite.turn).expose());
        new.push(store::New { invite, token_hash, mail });
    }
    // One that was made meanwhile by who does not take turns leaves no row.
    let made = store::insert(tx, &new).await?;
    made.iter().for_each(|it| trail::note("INVITE_MADE", Some(inviter), Some(*it)));
    let mails: Vec<outbox::New> =
        new.iter().filter(|it| made.contains(&it.invite.id)).map(|it| it.mail.clone()).collect();
    outbox::put(tx, &mails).await?;
    for (entry, store::New { invite, .. }) in left.into_iter().zip(new) {
        let is_made = made.contains(&invite.id);
        let pending = Err(Error::Taken(Reason::InvitePending));
        entry.made = Some(if is_made { Ok(Made::Invited(Box::new(invite))) } else { pending });
    }
    Ok(())
}

/// How many invites an account has.
#[derive(Clone, Copy, Debug)]
struct Load {
    /// Those that wait for an answer, up to `pending_max`.
    pending: usize,
    /// How many may wait.
    pending_max: usize,
    /// When the first of them runs out.
    over_at: Option<Timestamp>,
    /// Those that were made within a [`DAY`], up to `daily_max`.
    today: usize,
    /// How many may be made in one.
    daily_max: usize,
    /// When the first of them was.
    first_at: Option<Timestamp>,
}

impl Load {
    /// How many more there may be, and how long it is until there may be more than that.
    fn room(&self, now: Timestamp) -> (usize, Duration) {
        let pending = self.pending_max.saturating_sub(self.pending);
        let today = self.daily_max.saturating_sub(self.today);
        let over = self.over_at.filter(|_| pending <= today);
        let tomorrow = self.first_at.and_then(|it| it.checked_add(DAY).ok());
        let until = over.or(tomorrow).unwrap_or(now);
        (pending.min(today), Duration::try_from(until.duration_since(now)).unwrap_or_default())
    }
}

/// The mail that an invite is sent by.
pub(super) fn mail(invite: &Invite, now: Timestamp) -> outbox::New {
    let turn = invite.turn.to_be_bytes();
    let of: &[&[u8]] = &[b"invite", invite.id.as_bytes(), &turn];
    outbox::New {
        id: ids::new(),
        account: invite.account,
        user: invite.invited,
        kind: outbox::Kind::Invite,
        subject: invite.id,
        key: secret::digest(of),
        dated_at: now,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_has_too_many_waits_until_there_may_be_one_more() {
        let now = Timestamp::UNIX_EPOCH;
        let hours = |it| Some(now.checked_add(Duration::from_hours(it)).unwrap());
        let ago = |it| Some(now.checked_sub(Duration::from_hours(it)).unwrap());
        let load = Load {
            pending: 4_990,
            pending_max: 5_000,
            over_at: hours(30),
            today: 10,
            daily_max: 5_000,
            first_at: ago(20),
        };
        assert_eq!(load.room(now).0, 10);
        let full = Load { pending: 5_000, ..load };
        assert_eq!(full.room(now), (0, Duration::from_hours(30)));
        let busy = Load { pending: 40, today: 5_000, ..load };
        assert_eq!(busy.room(now), (0, Duration::from_hours(4)));
        let new = Load { pending: 0, over_at: None, today: 0, first_at: None, ..load };
        assert_eq!(new.room(now).0, 5_000);
        // The account may have fewer now than it has.
        assert_eq!(Load { pending_max: 100, ..load }.room(now), (0, Duration::from_hours(30)));
    }
}
