//! Who hears of what, how far they have heard, and when they hear next.
//!
//! A subscription is a person's cursor into a WorkCenter's log: everything up to it is settled for them, and a settlement
//! says how. Changing a preference only changes when a cursor is read next, except where the transitions say that what
//! waits is given up. Whoever changes a role, a zone or a preference calls this room in the same transaction.
//!
//! Locks are taken in one order everywhere: the recipient, then subscriptions by id, then schedules, then heads of logs.

pub mod administrator;
mod large;
mod own;
mod pause;
mod recipient;
pub mod schedule;
mod settlement;
mod silence;
mod slot;
mod store;
pub mod transitions;
mod turn;

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    time::Duration,
};

use jiff::Timestamp;
use uuid::Uuid;

pub use large::OfAccount;
pub use own::{attend, find_own, own_log};
pub use pause::{Pause, away};
pub use recipient::{Next, change, find, follow_account, next_digests, set_all, set_deliveries};
pub use settlement::{Addressed, Cause, Counts, Outcome, Range, Settlement, settle};
pub use silence::{Link, Scope, Switch, hear_again, silence};
pub use slot::{Due, Finished, Revised, claim, due, finish, imagine, left, park};
pub use store::{Placed, forget, list};
pub use turn::Turn;

use crate::{
    activity::{self, Closed},
    db::Transaction,
    error::{Error, Kind, Result},
    ids,
};
use schedule::{Beat, Days, Rule};
use settlement::Jump;
use transitions::{Step, step};

/// When a change happens, and how far digests of different accounts are spread.
#[derive(Clone, Copy, Debug)]
pub struct When {
    /// The time of the product's clock.
    pub now: Timestamp,
    /// The longest time after the hour at which an account's digests go.
    pub spread: Duration,
}

/// What a person sets for a WorkCenter, or as the default of all, or an account for those who have set neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// As it is set one step up: for a WorkCenter by the person's default, for that by each account's, which never says
    /// this.
    Inherit,
    /// Soon after it happens.
    Immediate,
    /// In the digest of the person's own frequency.
    Digest,
    /// In the daily digest.
    Daily,
    /// In the weekly digest.
    Weekly,
    /// Not at all.
    Off,
}

impl Delivery {
    const ALL: [Self; 6] = [Self::Inherit, Self::Immediate, Self::Digest, Self::Daily, Self::Weekly, Self::Off];

    /// As the database has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Inherit => "INHERIT",
            Self::Immediate => "IMMEDIATE",
            Self::Digest => "DIGEST",
            Self::Daily => "DAILY",
            Self::Weekly => "WEEKLY",
            Self::Off => "OFF",
        }
    }

    /// Reads what [`Self::name`] wrote.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }
}

/// What a delivery comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cadence {
    /// Soon after it happens.
    Immediate,
    /// With the digest of this beat.
    Digest(Beat),
    /// Not at all.
    Off,
}

impl Cadence {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Immediate, Self::Digest(Beat::Daily), Self::Digest(Beat::Weekly), Self::Off];

    /// Those at which anything is told.
    pub const TOLD: [Self; 3] = [Self::Immediate, Self::Digest(Beat::Daily), Self::Digest(Beat::Weekly)];

    /// As the database has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Immediate => "IMMEDIATE",
            Self::Digest(beat) => beat.name(),
            Self::Off => "OFF",
        }
    }

    /// Reads what [`Self::name`] wrote.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }
}

/// Where an effective delivery comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// It was set for the WorkCenter.
    WorkCenter,
    /// The person's default.
    Default,
    /// The account's default.
    Account,
    /// The WorkCenter is large: the account's default is to hear at once.
    LargeWorkCenter,
    /// Notifications are switched off.
    SwitchedOff,
    /// The person's digest as an administrator, who does not collaborate.
    Administrator,
}

/// When a person hears of what concerns them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressedItems {
    /// At once.
    Immediate,
    /// When they hear of the rest.
    WithDigest,
}

impl AddressedItems {
    /// As the database has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Immediate => "IMMEDIATE",
            Self::WithDigest => "WITH_DIGEST",
        }
    }
}

/// How a person wants to hear of things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// The person.
    pub user: Uuid,
    /// Whether anything is sent at all.
    pub enabled: bool,
    /// How often their digest comes.
    pub frequency: Beat,
    /// The local wall time of digests, in minutes after midnight.
    pub minute: i64,
    /// The day of the weekly digest.
    pub weekday: jiff::civil::Weekday,
    /// The days of the daily digest.
    pub days: Days,
    /// What INHERIT stands for; INHERIT itself for what each account has.
    pub default: Delivery,
    /// When they hear of what concerns them.
    pub addressed: AddressedItems,
    /// Whether that is what a link in a mail has made of it.
    pub addressed_silenced: bool,
    /// Whether they hear of what they do themselves like of what others do.
    pub own_activity: bool,
    /// Whether their mail says how much there is, and nothing of what it is.
    pub redact_content: bool,
    /// When they are away; it may be over.
    pub pause: Option<Pause>,
    /// The etag.
    pub revision: i64,
}

impl Recipient {
    /// Somebody who has chosen nothing yet.
    pub fn new(user: Uuid) -> Self {
        Self {
            user,
            enabled: true,
            frequency: Beat::Daily,
            minute: 7 * 60,
            weekday: jiff::civil::Weekday::Monday,
            days: Days::ALL,
            default: Delivery::Inherit,
            addressed: AddressedItems::Immediate,
            addressed_silenced: false,
            own_activity: false,
            redact_content: false,
            pause: None,
            revision: 1,
        }
    }

    /// What `delivery`, set for a WorkCenter whose account has `of_account` for it, comes to, and why.
    pub fn effective(&self, delivery: Delivery, of_account: OfAccount) -> (Cadence, Source) {
        if !self.enabled {
            return (Cadence::Off, Source::SwitchedOff);
        }
        match (delivery, self.default) {
            (Delivery::Inherit, Delivery::Inherit) => {
                let (default, source) = of_account.delivery();
                (self.plain(default), source)
            }
            (Delivery::Inherit, default) => (self.plain(default), Source::Default),
            (set, _) => (self.plain(set), Source::WorkCenter),
        }
    }

    /// What `delivery`, chosen as an administrator for WorkCenters of others, comes to.
    pub fn administers(&self, delivery: Delivery) -> Cadence {
        if self.enabled { self.plain(delivery) } else { Cadence::Off }
    }

    fn plain(&self, delivery: Delivery) -> Cadence {
        match delivery {
            // An account's default is never INHERIT: the service refuses it and the table too.
            Delivery::Immediate | Delivery::Inherit => Cadence::Immediate,
            Delivery::Digest => Cadence::Digest(self.frequency),
            Delivery::Daily => Cadence::Digest(Beat::Daily),
            Delivery::Weekly => Cadence::Digest(Beat::Weekly),
            Delivery::Off => Cadence::Off,
        }
    }

    /// When their digests go, in the zone that is called `zone`; in UTC when that is no zone any more.
    pub fn rule(&self, zone: &str) -> Rule {
        let (hour, minute) = (self.minute / 60, self.minute % 60);
        let part = |it: i64| i8::try_from(it).unwrap_or_default();
        Rule {
            time: jiff::civil::Time::new(part(hour), part(minute), 0, 0).unwrap_or_default(),
            weekday: self.weekday,
            days: self.days,
            zone: schedule::zone(zone).unwrap_or(jiff::tz::TimeZone::UTC),
        }
    }
}

/// Somebody who comes to hear of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Joining {
    /// Whose digests tell of the log.
    pub account: Uuid,
    /// The person.
    pub user: Uuid,
    /// The log.
    pub log: Uuid,
}

/// Subscribes people to logs, each from its newest event on; nobody to the same one twice. Called before anything about it
/// is published.
///
/// A person who was there before gets their row back, with what they had set; what happened while they were away is
/// settled as not told. What concerned somebody before they came is not for them. What waited for the digest that they had
/// of it as an administrator is told as they hear of it from now on.
///
/// The WorkCenters of the logs `grown` are large by now, which the caller has noted: the others who hear of them follow.
///
/// # Errors
///
/// [`Error::NotFound`] when there is no such log.
pub async fn join(tx: &Transaction<'_>, joining: &[Joining], grown: &[Uuid], when: &When) -> Result<()> {
    if joining.is_empty() {
        return Ok(());
    }
    let others = large::hearers(tx, grown).await?;
    let ties = joining.iter().map(|it| (it.user, it.log)).chain(others.iter().copied());
    let (users, logs): (Vec<Uuid>, Vec<Uuid>) = ties.unzip();
    let recipients = lock_people(tx, &users).await?;
    let chosen: HashMap<Uuid, &Recipient> = recipients.iter().map(|it| (it.user, it)).collect();
    let heads = store::heads(tx, &logs).await?;
    let held = store::lock_ties(tx, &users, &logs).await?;
    let before: HashMap<(Uuid, Uuid), &store::Held> = held.iter().map(|it| ((it.user, it.log), it)).collect();

    let (mut new, mut revived, mut jumps) = (Vec::new(), Vec::new(), Vec::new());
    let (mut given_up, mut foreign, mut catch_up) = (Vec::new(), Vec::new(), Vec::new());
    for &Joining { account, user, log } in joining {
        let &store::Head { last_seq, of_account } = heads.get(&log).ok_or_else(|| missing(log))?;
        let cadence =
            |delivery| chosen.get(&user).map_or(Cadence::Immediate, |it| it.effective(delivery, of_account).0);
        if let Some(was) = before.get(&(user, log)) {
            let own = cadence(was.delivery);
            revived.push((was.id, own));
            let heard = was.administrator.is_some() && !was.ended;
            match if heard { step(was.cadence, own) } else { Step::Resume } {
                Step::Resume => jumps.push(was.jump(last_seq)),
                Step::Suppress => given_up.push(was.jump(last_seq)),
                kept => {
                    foreign.push(Jump { from: last_seq, ..was.jump(last_seq) });
                    catch_up.extend((kept == Step::CatchUp).then_some((user, account)));
                }
            }
        } else {
            let id = ids::new();
            new.push(store::New { id, account, user, log, cadence: cadence(Delivery::Inherit), start: last_seq });
            jumps.push(Jump { account, user, subscription: id, log, from: last_seq, to: last_seq });
        }
    }
    store::revive(tx, &revived, when.now).await?;
    store::insert(tx, &new, false, when.now).await?;
    settlement::jump(tx, Cause::Resumed, &jumps, when.now).await?;
    settlement::jump(tx, Cause::Suppressed, &given_up, when.now).await?;
    settlement::jump(tx, Cause::Left, &foreign, when.now).await?;
    slot::catch_up(tx, &catch_up, when.now).await?;
    if others.is_empty() {
        return slot::reschedule(tx, &recipients, when).await;
    }
    let others: HashSet<(Uuid, Uuid)> = others.into_iter().collect();
    let held: Vec<_> = held.into_iter().filter(|it| !it.ended && others.contains(&(it.user, it.log))).collect();
    recipient::follow(tx, &recipients, &held, Vec::new(), when).await
}

/// Ends the subscriptions of `user` to `logs`, where there are any: what waited is settled as not told. The digest that they
/// have as an administrator goes on from here.
///
/// # Errors
///
/// What the database says.
pub async fn leave(tx: &Transaction<'_>, user: Uuid, logs: &[Uuid], when: &When) -> Result<()> {
    let recipient = store::lock_recipient(tx, user).await?;
    let mut held = store::lock_ties(tx, &vec![user; logs.len()], logs).await?;
    held.retain(|it| !it.ended);
    if held.is_empty() {
        return Ok(());
    }
    end(tx, &held, when).await?;
    let accounts: Vec<Uuid> = held.iter().map(|it| it.account).collect();
    administrator::go_on(tx, &accounts, &recipient, logs, when).await?;
    slot::reschedule(tx, &[recipient], when).await
}

/// The same, of somebody who leaves `account`, of which `logs` are: no digest goes on.
///
/// # Errors
///
/// What the database says.
pub async fn quit(tx: &Transaction<'_>, account: Uuid, user: Uuid, logs: &[Uuid], when: &When) -> Result<()> {
    let recipient = store::lock_recipient(tx, user).await?;
    administrator::forgo(tx, account, user).await?;
    let mut held = store::lock_live(tx, &[user], None, Some(account)).await?;
    held.retain(|it| it.administrator.is_some() || logs.contains(&it.log));
    end(tx, &held, when).await?;
    slot::reschedule(tx, &[recipient], when).await
}

/// Ends locked subscriptions; what waited is settled as not told.
async fn end(tx: &Transaction<'_>, held: &[store::Held], when: &When) -> Result<()> {
    let jumps: Vec<Jump> = held.iter().map(|it| it.jump(it.last_seq)).collect();
    settlement::jump(tx, Cause::Left, &jumps, when.now).await?;
    store::end(tx, &held.iter().map(|it| it.id).collect::<Vec<_>>(), when.now).await
}

/// Sets anew when the digests of `users` go: their zone has changed.
///
/// # Errors
///
/// What the database says.
pub async fn reschedule(tx: &Transaction<'_>, users: &[Uuid], when: &When) -> Result<()> {
    let recipients = lock_people(tx, users).await?;
    slot::reschedule(tx, &recipients, when).await
}

/// Locks these recipients, each once.
async fn lock_people(tx: &Transaction<'_>, users: &[Uuid]) -> Result<Vec<Recipient>> {
    let people: BTreeSet<Uuid> = users.iter().copied().collect();
    store::lock_recipients(tx, &Vec::from_iter(people)).await
}

/// Closes the log of a WorkCenter and settles what waits in it as not told; what is composed already and has not gone is
/// not told either. Returns who heard of it, whose mails are to be held.
///
/// # Errors
///
/// [`Error::NotFound`] when there is no such log.
pub async fn close(tx: &Transaction<'_>, log: Uuid, closed: Closed, now: Timestamp) -> Result<Vec<Uuid>> {
    let mut jumps = store::lock_log(tx, log).await?;
    let last_seq = activity::close(tx, log, closed).await?.ok_or_else(|| missing(log))?;
    jumps.iter_mut().for_each(|it| it.to = last_seq);
    settlement::jump(tx, Cause::Suppressed, &jumps, now).await?;
    Ok(jumps.iter().map(|it| it.user).collect())
}

/// Opens the log of a WorkCenter again: everybody goes on from its newest event.
///
/// # Errors
///
/// [`Error::NotFound`] when there is no such log any more.
pub async fn reopen(tx: &Transaction<'_>, log: Uuid, now: Timestamp) -> Result<()> {
    let mut jumps = store::lock_log(tx, log).await?;
    let last_seq = activity::reopen(tx, log).await?.ok_or_else(|| missing(log))?;
    jumps.iter_mut().for_each(|it| it.to = last_seq);
    settlement::jump(tx, Cause::Resumed, &jumps, now).await
}

/// Closes all open logs of an account that is deactivated, as [`close`] does one.
///
/// # Errors
///
/// What the database says.
pub async fn close_all(tx: &Transaction<'_>, account: Uuid, now: Timestamp) -> Result<()> {
    let jumps = store::lock_account(tx, account).await?;
    let newest = activity::close_all(tx, account).await?;
    settlement::jump(tx, Cause::Suppressed, &to_newest(jumps, &newest), now).await
}

/// Opens the logs of an account again that [`close_all`] has closed, as [`reopen`] does one.
///
/// # Errors
///
/// What the database says.
pub async fn reopen_all(tx: &Transaction<'_>, account: Uuid, now: Timestamp) -> Result<()> {
    let jumps = store::lock_account(tx, account).await?;
    let newest = activity::reopen_all(tx, account).await?;
    settlement::jump(tx, Cause::Resumed, &to_newest(jumps, &newest), now).await
}

/// Those jumps that are in these logs, to the newest event of each.
fn to_newest(jumps: Vec<Jump>, newest: &HashMap<Uuid, i64>) -> Vec<Jump> {
    jumps.into_iter().filter_map(|it| Some(Jump { to: *newest.get(&it.log)?, ..it })).collect()
}

fn missing(log: Uuid) -> Error {
    Error::NotFound(Kind::WorkCenter, log.to_string())
}

#[cfg(test)]
mod tests;
