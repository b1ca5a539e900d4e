//! What letters are written from: what settlements tell, or would tell, and who may hear of it as things are now. Writes
//! nothing.

use std::collections::{HashMap, HashSet};

use jiff::{Timestamp, civil::Date};
use uuid::Uuid;

use crate::{
    activity::Reason,
    db::{self, GenericClient, Row},
    error::Result,
    mail::reader::Reader,
    subscription::{Cause, Outcome, Settlement},
};

/// Settlements, with what each tells one by one.
const SETTLED: &str = "
    select settlement.id, settlement.account_id, settlement.user_id, settlement.cause, settlement.local_date,
        settlement.settled_at, settlement.subscription_ids, settlement.from_seq, settlement.to_seq,
        coalesce(told.logs, '{}') as logs, coalesce(told.seqs, '{}') as seqs
    from settlement
    left join lateral (
        select array_agg(log_id) as logs, array_agg(seq) as seqs from addressee
        where addressee.settlement_id = settlement.id and addressee.outcome = 'SHOWN'
    ) told on true
    where settlement.id = any($1)";

/// Whom each is for.
const TOLD: &str = "
    select it.id, account.name as account_name, coalesce(second_address.email, person.email) as email,
        coalesce(trim(profile.first_name || ' ' || profile.last_name), '') as name,
        coalesce(nullif(profile.time_zone, ''), account.time_zone) as time_zone,
        coalesce(profile.locale, '') as locale, coalesce(profile.time_format, '') as time_format,
        coalesce(recipient.own_activity, false) as own_activity,
        account.redact_content or coalesce(recipient.redact_content, false) as redact_content
    from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as it(id, account_id, user_id)
    join account on account.id = it.account_id
    join person on person.id = it.user_id
    left join profile on profile.user_id = it.user_id
    left join recipient on recipient.user_id = it.user_id
    left join second_address on second_address.user_id = it.user_id";

/// Ranges, and whether the person may hear of the place as things are now: as a collaborator, or with their digest as an
/// administrator, which tells nothing of what was before it. No range reaches across the floor of its log:
/// raising it moves all cursors there.
const PLACES: &str = "
    select it.id, subscription.log_id, it.from_seq, it.to_seq, coalesce(workcenter.name, '') as workcenter,
        own.log_id is not null as own, subscription.administrator_from is not null as as_administrator,
        subscription.ended_at is null and subscription.cadence <> 'OFF'
            and case when own.log_id is not null then insider.user_id is not null
                when subscription.administrator_from is null then collaborator.user_id is not null
                else member.user_id is not null and subscription.administrator_from <= it.from_seq end
            and activity_head.closed is null and activity_head.floor <= it.from_seq as open
    from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[]) as it(id, subscription_id, from_seq, to_seq)
    join subscription on subscription.id = it.subscription_id
    join activity_head on activity_head.log_id = subscription.log_id
    left join workcenter on workcenter.id = subscription.log_id
    left join person_log own on own.log_id = subscription.log_id
    left join member insider on insider.account_id = own.account_id and insider.user_id = own.user_id
    left join collaborator on collaborator.workcenter_id = subscription.log_id
        and collaborator.user_id = subscription.user_id
    left join member on member.account_id = subscription.account_id and member.user_id = subscription.user_id
        and member.role = 'ADMINISTRATOR'
    order by workcenter.name, subscription.log_id";

/// What is told one by one, and whether the person may hear of it as things are now.
const CONCERNED: &str = "
    select it.id, addressee.log_id, addressee.seq, addressee.reason,
        coalesce(workcenter.name, '') as workcenter, own.log_id is not null as own,
        subscription.id is not null and subscription.cadence <> 'OFF'
            and (collaborator.user_id is not null or member.user_id is not null)
            and activity_head.closed is null and activity_head.floor < addressee.seq as open
    from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[]) as it(id, user_id, log_id, seq)
    join addressee on addressee.log_id = it.log_id and addressee.user_id = it.user_id and addressee.seq = it.seq
    join activity_head on activity_head.log_id = addressee.log_id
    left join workcenter on workcenter.id = addressee.log_id
    left join person_log own on own.log_id = addressee.log_id
    left join member on member.account_id = own.account_id and member.user_id = own.user_id
    left join subscription on subscription.user_id = addressee.user_id
        and subscription.log_id = addressee.log_id and subscription.ended_at is null
    left join collaborator on collaborator.workcenter_id = addressee.log_id
        and collaborator.user_id = addressee.user_id
    order by addressee.log_id, addressee.seq";

/// What concerns people within ranges, whatever tells it. Nothing does where they do not collaborate: what is for everybody
/// they hear of all the same.
const ELSEWHERE: &str = "
    select it.id, addressee.log_id, addressee.seq
    from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[]) as it(id, subscription_id, from_seq, to_seq)
    join subscription on subscription.id = it.subscription_id
    join addressee on addressee.log_id = subscription.log_id and addressee.user_id = subscription.user_id
        and addressee.seq > it.from_seq and addressee.seq <= it.to_seq
        and addressee.outcome is distinct from 'HIDDEN'
    where subscription.administrator_from is null";

const NAMES: &str = "
    select person.id, coalesce(nullif(trim(profile.first_name || ' ' || profile.last_name), ''),
        case coalesce(profile.email_visibility, 'EVERYONE_SHARING_A_WORKCENTER')
            when 'EVERYONE_SHARING_A_WORKCENTER' then split_part(person.email, '@', 1) else 'Somebody' end) as name
    from person left join profile on profile.user_id = person.id
    where person.id = any($1)";

/// What one settlement tells, or would tell if it were written.
#[derive(Clone, Debug)]
pub(in crate::digest) struct Tells {
    pub id: Uuid,
    pub account: Uuid,
    pub user: Uuid,
    pub cause: Cause,
    pub date: Option<Date>,
    pub settled_at: Timestamp,
    /// The subscription, and its range (from, to].
    pub ranges: Vec<(Uuid, i64, i64)>,
    /// The log and the number of what is told one by one.
    pub shown: Vec<(Uuid, i64)>,
}

impl Tells {
    /// What `settlement` would tell, written at `settled_at`.
    pub fn of(settlement: &Settlement, settled_at: Timestamp) -> Self {
        let &Settlement { id, account, user, cause, date, .. } = settlement;
        let ranges = settlement.ranges.iter().map(|it| (it.subscription, it.from, it.to)).collect();
        let shown = settlement.addressed.iter().filter(|it| it.outcome == Outcome::Shown);
        let shown = shown.map(|it| (it.log, it.seq)).collect();
        Self { id, account, user, cause, date, settled_at, ranges, shown }
    }
}

/// Whom something is told.
#[derive(Clone, Debug)]
pub(in crate::digest) struct Told {
    pub account_name: String,
    pub email: String,
    pub name: String,
    pub reader: Reader,
    /// Whether they hear of what they do themselves.
    pub own_activity: bool,
    /// Whether they, or the account, have chosen that mail names nothing.
    pub redact_content: bool,
}

/// A range that is told.
#[derive(Clone, Debug)]
pub(in crate::digest) struct Place {
    pub settlement: Uuid,
    pub log: Uuid,
    pub workcenter: String,
    /// Whether it is the person's own log, and no WorkCenter.
    pub own: bool,
    pub as_administrator: bool,
    pub from: i64,
    pub to: i64,
    pub open: bool,
}

/// Something that is told one by one.
#[derive(Clone, Debug)]
pub(in crate::digest) struct Concerned {
    pub settlement: Uuid,
    pub log: Uuid,
    pub workcenter: String,
    /// Whether it is in the person's own log.
    pub own: bool,
    pub seq: i64,
    pub reason: Reason,
    pub open: bool,
}

/// What these settlements tell.
pub(in crate::digest) async fn settled(on: &impl GenericClient, settlements: &[Uuid]) -> Result<Vec<Tells>> {
    let rows = db::text(on, SETTLED, &[&settlements]).await?;
    let tells = |row: &Row| {
        let subscriptions: Vec<Uuid> = row.get("subscription_ids");
        let (froms, tos): (Vec<i64>, Vec<i64>) = (row.get("from_seq"), row.get("to_seq"));
        let (logs, seqs): (Vec<Uuid>, Vec<i64>) = (row.get("logs"), row.get("seqs"));
        Tells {
            id: row.get("id"),
            account: row.get("account_id"),
            user: row.get("user_id"),
            cause: Cause::named(row.get("cause")).expect("the table checks `cause`"),
            date: row.get("local_date"),
            settled_at: row.get("settled_at"),
            ranges: subscriptions.into_iter().zip(froms).zip(tos).map(|((id, from), to)| (id, from, to)).collect(),
            shown: logs.into_iter().zip(seqs).collect(),
        }
    };
    Ok(rows.iter().map(tells).collect())
}

/// Ranges as columns, each with its settlement.
struct Ranges {
    settlements: Vec<Uuid>,
    subscriptions: Vec<Uuid>,
    froms: Vec<i64>,
    tos: Vec<i64>,
}

impl Ranges {
    fn of(tells: &[Tells]) -> Self {
        let each = || tells.iter().flat_map(|it| it.ranges.iter().map(move |range| (it.id, *range)));
        Self {
            settlements: each().map(|(id, _)| id).collect(),
            subscriptions: each().map(|(_, (subscription, ..))| subscription).collect(),
            froms: each().map(|(_, (_, from, _))| from).collect(),
            tos: each().map(|(_, (.., to))| to).collect(),
        }
    }
}

/// Whom each is for, by the settlement.
pub(in crate::digest) async fn told(on: &impl GenericClient, tells: &[Tells]) -> Result<HashMap<Uuid, Told>> {
    let ids: Vec<Uuid> = tells.iter().map(|it| it.id).collect();
    let accounts: Vec<Uuid> = tells.iter().map(|it| it.account).collect();
    let users: Vec<Uuid> = tells.iter().map(|it| it.user).collect();
    let rows = db::text(on, TOLD, &[&ids, &accounts, &users]).await?;
    let told = |row: &Row| Told {
        account_name: row.get("account_name"),
        email: row.get("email"),
        name: row.get("name"),
        reader: Reader::of(row.get("time_zone"), row.get("locale"), row.get("time_format")),
        own_activity: row.get("own_activity"),
        redact_content: row.get("redact_content"),
    };
    Ok(rows.iter().map(|row| (row.get("id"), told(row))).collect())
}

/// The ranges they tell.
pub(in crate::digest) async fn places(on: &impl GenericClient, tells: &[Tells]) -> Result<Vec<Place>> {
    let Ranges { settlements, subscriptions, froms, tos } = Ranges::of(tells);
    let rows = db::text(on, PLACES, &[&settlements, &subscriptions, &froms, &tos]).await?;
    let place = |row: &Row| Place {
        settlement: row.get("id"),
        log: row.get("log_id"),
        workcenter: row.get("workcenter"),
        own: row.get("own"),
        as_administrator: row.get("as_administrator"),
        from: row.get("from_seq"),
        to: row.get("to_seq"),
        open: row.get("open"),
    };
    Ok(rows.iter().map(place).collect())
}

/// What they tell one by one.
pub(in crate::digest) async fn concerned(on: &impl GenericClient, tells: &[Tells]) -> Result<Vec<Concerned>> {
    let each = || tells.iter().flat_map(|it| it.shown.iter().map(move |shown| (it, *shown)));
    let ids: Vec<Uuid> = each().map(|(it, _)| it.id).collect();
    let users: Vec<Uuid> = each().map(|(it, _)| it.user).collect();
    let logs: Vec<Uuid> = each().map(|(_, (log, _))| log).collect();
    let seqs: Vec<i64> = each().map(|(_, (_, seq))| seq).collect();
    let rows = db::text(on, CONCERNED, &[&ids, &users, &logs, &seqs]).await?;
    let concerned = |row: &Row| Concerned {
        settlement: row.get("id"),
        log: row.get("log_id"),
        workcenter: row.get("workcenter"),
        own: row.get("own"),
        seq: row.get("seq"),
        reason: Reason::named(row.get("reason")).expect("the table checks `reason`"),
        open: row.get("open"),
    };
    Ok(rows.iter().map(concerned).collect())
}

/// What concerns their people in their ranges, whichever mail tells it: settlement, log and number.
pub(in crate::digest) async fn elsewhere(
    on: &impl GenericClient,
    tells: &[Tells],
) -> Result<HashSet<(Uuid, Uuid, i64)>> {
    let Ranges { settlements, subscriptions, froms, tos } = Ranges::of(tells);
    let rows = db::text(on, ELSEWHERE, &[&settlements, &subscriptions, &froms, &tos]).await?;
    Ok(rows.iter().map(|row| (row.get("id"), row.get("log_id"), row.get("seq"))).collect())
}

/// What people are called.
pub(in crate::digest) async fn names(on: &impl GenericClient, people: &[Uuid]) -> Result<HashMap<Uuid, String>> {
    let rows = db::text(on, NAMES, &[&people]).await?;
    Ok(rows.iter().map(|row| (row.get("id"), row.get("name"))).collect())
}
