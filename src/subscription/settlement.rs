//! Settlements: what became of the events between where a cursor was and where it is. Written with the cursor, or not at all.

use std::collections::HashSet;

use jiff::{Timestamp, civil::Date};
use uuid::Uuid;

use crate::{
    db::{self, Transaction},
    error::{Error, Reason, Result},
    ids,
};

/// Why cursors moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The events were due at once.
    Immediate,
    /// The daily digest was.
    Daily,
    /// The weekly digest was.
    Weekly,
    /// What waited for a digest was asked for at once.
    CatchUp,
    /// The person was away, and is back.
    Returned,
    /// The person switched off.
    Suppressed,
    /// The person begins anew, after having been switched off or away.
    Resumed,
    /// The person left.
    Left,
}

impl Cause {
    const ALL: [Self; 8] = [
        Self::Immediate,
        Self::Daily,
        Self::Weekly,
        Self::CatchUp,
        Self::Returned,
        Self::Suppressed,
        Self::Resumed,
        Self::Left,
    ];

    /// As the database has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Immediate => "IMMEDIATE",
            Self::Daily => "DAILY",
            Self::Weekly => "WEEKLY",
            Self::CatchUp => "CATCHUP",
            Self::Returned => "RETURNED",
            Self::Suppressed => "SUPPRESSED",
            Self::Resumed => "RESUMED",
            Self::Left => "LEFT",
        }
    }

    /// Reads what [`Self::name`] wrote.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }
}

/// What the events of a range were to a person. They add up to its length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Told in the settlement's mail.
    pub shown: i64,
    /// Their own doing.
    pub own: i64,
    /// Concern them, and are settled one by one.
    pub addressed: i64,
    /// Meant for others.
    pub hidden: i64,
    /// Taken back.
    pub retracted: i64,
    /// Not told because of the cause.
    pub suppressed: i64,
}

/// A range of one subscription, (from, to].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// The subscription.
    pub subscription: Uuid,
    /// Its log.
    pub log: Uuid,
    /// Where the cursor was.
    pub from: i64,
    /// Where it goes.
    pub to: i64,
    /// What the events were.
    pub counts: Counts,
}

/// What became of an event that concerned a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is in the settlement's mail.
    Shown,
    /// The person is switched off.
    Suppressed,
    /// The person is no collaborator.
    Hidden,
    /// The person did it.
    Own,
    /// It was taken back.
    Retracted,
}

impl Outcome {
    const ALL: [Self; 5] = [Self::Shown, Self::Suppressed, Self::Hidden, Self::Own, Self::Retracted];

    /// As the database has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Shown => "SHOWN",
            Self::Suppressed => "SUPPRESSED",
            Self::Hidden => "HIDDEN",
            Self::Own => "OWN",
            Self::Retracted => "RETRACTED",
        }
    }

    /// Reads what [`Self::name`] wrote.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }
}

/// An event that concerned a person, settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addressed {
    /// The log.
    pub log: Uuid,
    /// The event's number.
    pub seq: i64,
    /// What became of it.
    pub outcome: Outcome,
}

/// What is settled for one person in one go.
#[derive(Clone, Debug)]
pub struct Settlement {
    /// Its id, which the mail refers to.
    pub id: Uuid,
    /// Whose digests these are.
    pub account: Uuid,
    /// The person.
    pub user: Uuid,
    /// Why.
    pub cause: Cause,
    /// For a digest: the slot it settles.
    pub date: Option<Date>,
    /// The mail that tells it; `None` when there is nothing to tell.
    pub mail: Option<Uuid>,
    /// One for each subscription that moves.
    pub ranges: Vec<Range>,
    /// What concerned the person.
    pub addressed: Vec<Addressed>,
}

/// Locks the subscriptions in the order of their ids and counts those that are still as they were read.
const HOLD: &str = "
    with held as (
        select id, cursor from subscription
        where id = any($1) and ended_at is null order by id for no key update
    )
    select count(*) as held
    from held join unnest($1::uuid[], $2::bigint[]) as read(id, cursor) using (id, cursor)";

const INSERT: &str = "
    insert into settlement (id, account_id, user_id, cause, local_date, mail_id, settled_at, subscription_ids,
        from_seq, to_seq, shown, own, addressed, hidden, retracted, suppressed)
    select it.id, it.account_id, it.user_id, it.cause, it.local_date, it.mail_id, $7,
        coalesce(r.subscription_ids, '{}'), coalesce(r.from_seq, '{}'), coalesce(r.to_seq, '{}'),
        coalesce(r.shown, '{}'), coalesce(r.own, '{}'), coalesce(r.addressed, '{}'), coalesce(r.hidden, '{}'),
        coalesce(r.retracted, '{}'), coalesce(r.suppressed, '{}')
    from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::date[], $6::uuid[])
        as it(id, account_id, user_id, cause, local_date, mail_id)
    left join (
        select settlement_id, array_agg(subscription_id) as subscription_ids, array_agg(from_seq) as from_seq,
            array_agg(to_seq) as to_seq, array_agg(shown) as shown, array_agg(own) as own,
            array_agg(addressed) as addressed, array_agg(hidden) as hidden, array_agg(retracted) as retracted,
            array_agg(suppressed) as suppressed
        from unnest($8::uuid[], $9::uuid[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[],
            $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[])
            as range(settlement_id, subscription_id, from_seq, to_seq, shown, own, addressed, hidden, retracted,
                suppressed)
        group by settlement_id
    ) r on r.settlement_id = it.id";

const MOVE: &str = "
    update subscription set cursor = it.to_seq
    from unnest($1::uuid[], $2::bigint[]) as it(id, to_seq) where subscription.id = it.id";

const ADDRESSED: &str = "
    update addressee set settlement_id = it.settlement_id, outcome = it.outcome
    from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::text[])
        as it(settlement_id, user_id, log_id, seq, outcome)
    where addressee.log_id = it.log_id and addressee.seq = it.seq and addressee.user_id = it.user_id
        and addressee.settlement_id is null
    returning addressee.seq";

/// What concerns people in logs whose cursors jump, and waits.
const ADDRESSED_JUMP: &str = "
    update addressee set settlement_id = it.settlement_id, outcome = $5
    from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[]) as it(settlement_id, user_id, log_id, to_seq)
    where addressee.log_id = it.log_id and addressee.user_id = it.user_id and addressee.seq <= it.to_seq
        and addressee.settlement_id is null
    returning addressee.settlement_id";

/// People whose cursors jump in one statement: what takes some milliseconds.
const PEOPLE_MAX: usize = 1_000;

/// Writes `settlements` and moves the cursors they are about: all, or none.
///
/// # Errors
///
/// [`Error::Conflict`] when a cursor, or something that concerns a person, is not as it was read any more, or when the
/// slot of a digest is settled already. The transaction can only be rolled back then.
pub async fn settle(tx: &Transaction<'_>, settlements: &[Settlement], now: Timestamp) -> Result<()> {
    let ranges: Vec<&Range> = settlements.iter().flat_map(|it| &it.ranges).collect();
    if !ranges.is_empty() {
        let ids: Vec<Uuid> = ranges.iter().map(|it| it.subscription).collect();
        let froms: Vec<i64> = ranges.iter().map(|it| it.from).collect();
        let rows = db::text(tx, HOLD, &[&ids, &froms]).await?;
        if usize::try_from(rows[0].get::<_, i64>("held")) != Ok(ids.len()) {
            return Err(Error::Conflict(Reason::WriteConflict));
        }
        advance(tx, &ranges).await?;
    }
    insert(tx, settlements, now).await?;
    tell(tx, settlements).await
}

/// Moves the cursors of ranges whose subscriptions are locked.
async fn advance(tx: &Transaction<'_>, ranges: &[&Range]) -> Result<()> {
    let ids: Vec<Uuid> = ranges.iter().map(|it| it.subscription).collect();
    let tos: Vec<i64> = ranges.iter().map(|it| it.to).collect();
    db::text(tx, MOVE, &[&ids, &tos]).await?;
    Ok(())
}

async fn insert(tx: &Transaction<'_>, settlements: &[Settlement], now: Timestamp) -> Result<()> {
    fn column<T>(settlements: &[Settlement], of: impl Fn(&Settlement) -> T) -> Vec<T> {
        settlements.iter().map(of).collect()
    }
    let ranges: Vec<(Uuid, &Range)> =
        settlements.iter().flat_map(|it| it.ranges.iter().map(|range| (it.id, range))).collect();
    let count = |of: fn(&Counts) -> i64| ranges.iter().map(|(_, it)| of(&it.counts)).collect::<Vec<i64>>();
    let inserted = db::text(
        tx,
        INSERT,
        &[
            &column(settlements, |it| it.id),
            &column(settlements, |it| it.account),
            &column(settlements, |it| it.user),
            &column(settlements, |it| it.cause.name()),
            &column(settlements, |it| it.date),
            &column(settlements, |it| it.mail),
            &now,
            &ranges.iter().map(|(id, _)| *id).collect::<Vec<_>>(),
            &ranges.iter().map(|(_, it)| it.subscription).collect::<Vec<_>>(),
            &ranges.iter().map(|(_, it)| it.from).collect::<Vec<_>>(),
            &ranges.iter().map(|(_, it)| it.to).collect::<Vec<_>>(),
            &count(|it| it.shown),
            &count(|it| it.own),
            &count(|it| it.addressed),
            &count(|it| it.hidden),
            &count(|it| it.retracted),
            &count(|it| it.suppressed),
        ],
    )
    .await;
    match inserted {
        Ok(_) => Ok(()),
        Err(error) if db::violated(&error) == Some("settlement_slot") => Err(Error::Conflict(Reason::WriteConflict)),
        Err(error) => Err(error.into()),
    }
}

/// Settles what concerned the people.
async fn tell(tx: &Transaction<'_>, settlements: &[Settlement]) -> Result<()> {
    let each: Vec<(&Settlement, Addressed)> =
        settlements.iter().flat_map(|it| it.addressed.iter().map(move |to| (it, *to))).collect();
    if each.is_empty() {
        return Ok(());
    }
    let told = db::text(
        tx,
        ADDRESSED,
        &[
            &each.iter().map(|(it, _)| it.id).collect::<Vec<_>>(),
            &each.iter().map(|(it, _)| it.user).collect::<Vec<_>>(),
            &each.iter().map(|(_, to)| to.log).collect::<Vec<_>>(),
            &each.iter().map(|(_, to)| to.seq).collect::<Vec<_>>(),
            &each.iter().map(|(_, to)| to.outcome.name()).collect::<Vec<_>>(),
        ],
    )
    .await?;
    if told.len() == each.len() { Ok(()) } else { Err(Error::Conflict(Reason::WriteConflict)) }
}

/// A subscription whose cursor jumps over events that nobody is told of.
#[derive(Clone, Debug)]
pub(super) struct Jump {
    pub account: Uuid,
    pub user: Uuid,
    pub subscription: Uuid,
    pub log: Uuid,
    pub from: i64,
    pub to: i64,
}

impl Jump {
    fn range(&self) -> Range {
        let counts = Counts { suppressed: self.to - self.from, ..Counts::default() };
        Range { subscription: self.subscription, log: self.log, from: self.from, to: self.to, counts }
    }
}

/// Moves cursors whose rows the caller has locked: a settlement for each person and account of whom something waited says
/// why.
pub(super) async fn jump(tx: &Transaction<'_>, cause: Cause, jumps: &[Jump], now: Timestamp) -> Result<()> {
    let outcome = if cause == Cause::Left { Outcome::Hidden } else { Outcome::Suppressed };
    let mut jumps: Vec<&Jump> = jumps.iter().collect();
    jumps.sort_by_key(|it| (it.account, it.user));
    let people: Vec<&[&Jump]> = jumps.chunk_by(|a, b| (a.account, a.user) == (b.account, b.user)).collect();
    for some in people.chunks(PEOPLE_MAX) {
        let mut settlements: Vec<Settlement> = some.iter().map(|it| skipped(cause, it)).collect();
        let each: Vec<(Uuid, &Jump)> = (some.iter().zip(&settlements))
            .flat_map(|(of_one, settlement)| of_one.iter().map(|it| (settlement.id, *it)))
            .collect();
        let told = db::text(
            tx,
            ADDRESSED_JUMP,
            &[
                &each.iter().map(|(id, _)| *id).collect::<Vec<_>>(),
                &each.iter().map(|(_, it)| it.user).collect::<Vec<_>>(),
                &each.iter().map(|(_, it)| it.log).collect::<Vec<_>>(),
                &each.iter().map(|(_, it)| it.to).collect::<Vec<_>>(),
                &outcome.name(),
            ],
        )
        .await?;
        let told: HashSet<Uuid> = told.iter().map(|row| row.get("settlement_id")).collect();
        settlements.retain(|it| !it.ranges.is_empty() || told.contains(&it.id));
        if !settlements.is_empty() {
            advance(tx, &settlements.iter().flat_map(|it| &it.ranges).collect::<Vec<_>>()).await?;
            insert(tx, &settlements, now).await?;
        }
    }
    Ok(())
}

/// The settlement of somebody who is not told of what waits for them where these `jumps` are, which are all theirs and of
/// one account.
fn skipped(cause: Cause, jumps: &[&Jump]) -> Settlement {
    Settlement {
        id: ids::new(),
        account: jumps[0].account,
        user: jumps[0].user,
        cause,
        date: None,
        mail: None,
        ranges: jumps.iter().filter(|it| it.from < it.to).map(|it| it.range()).collect(),
        addressed: Vec::new(),
    }
}
