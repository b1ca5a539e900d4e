//! The table `mail_pace`. All times are the database's real ones, so that daemons agree.

use std::{collections::BTreeMap, time::Duration};

use super::{Asked, BURST, Given, LINE_MAX, OVERALL, ROUNDING, USUAL};
use crate::{
    db::{self, GenericClient, Row},
    error::Result,
};

/// For how long what nobody uses any more is kept, in seconds. After an hour without a complaint a relay is trusted again.
const KEPT_FOR: f64 = 3600.0;

/// How many buckets those who watch are shown.
const SHOWN_MAX: i64 = 50;

/// Gives each domain what it asks for and has room for, all at once. The rows are locked in the order of the domains, those
/// that there are before those that are new, so that daemons wait for each other in that order. One that two make at the same
/// time is made by one of them: the other has to come again. Where nothing limits any more, nothing is said.
///
/// `used` and `line` are seconds from now. There is room for as many mails as the rate makes in what is left of the burst.
const TAKE: &str = "
    with asked as (
        select * from unnest($1::text[], $2::bigint[], $3::bigint[]) as it(domain, urgent, usual)
    ), held as (
        select mail_pace.domain, urgent, usual, least(learned, $4::float8) as rate,
            greatest(extract(epoch from used_until - now())::float8, 0) as used,
            greatest(extract(epoch from line_until - now())::float8, 0) as line
        from mail_pace join asked on asked.domain = mail_pace.domain
        order by mail_pace.domain for update of mail_pace
    ), bucket as (
        select *, $5::float8 * greatest(1, 1 / rate) as burst, false as is_new from held where rate is not null
        union all
        select *, $4::float8, 0, 0, $5::float8 * greatest(1, 1 / $4::float8), true from asked
        where $4::float8 is not null and domain not in (select domain from held)
    ), urgent as (
        select *, least(urgent, greatest(floor(rate * (burst - used) + $7::float8), 0)) as urgent_now from bucket
    ), given as (
        select *, least(usual, greatest(floor(rate * (burst * $6::float8 - used) + $7::float8) - urgent_now, 0)) as usual_now
        from urgent
    ), spent as (
        select *, used + (urgent_now + usual_now) / rate as used_now from given
    ), lined as (
        select *, greatest(line, used_now - burst * $6::float8) as usual_after, used_now - burst as urgent_after from spent
    ), told as (
        select *, now() + make_interval(secs => used_now) as used_until,
            now() + make_interval(secs => least(case when usual_now < usual then usual_after + (usual - usual_now) / rate
                else line end, $8::float8)) as line_until
        from lined
    ), kept as (
        update mail_pace set used_until = told.used_until, line_until = told.line_until
        from told where not is_new and mail_pace.domain = told.domain
    ), made as (
        insert into mail_pace (domain, used_until, line_until)
        select domain, used_until, line_until from told where is_new order by domain
        on conflict (domain) do nothing returning domain
    )
    select domain, rate, urgent_after, usual_after, case when is_ours then urgent_now else 0 end::bigint as urgent,
        case when is_ours then usual_now else 0 end::bigint as usual
    from (select *, not is_new or domain in (select domain from made) as is_ours from told) it";

/// In the order of the domains, as everybody locks several.
const MAKE: &str = "
    insert into mail_pace (domain, used_until) select it, now() from unnest($1::text[]) as it order by it
    on conflict (domain) do nothing";

const GIVE_BACK: &str = "
    update mail_pace set used_until = used_until - make_interval(secs => $2::float8 / least(learned, $3::float8))
    where domain = $1 and least(learned, $3::float8) is not null";

const HOLD: &str = "
    select domain, learned, extract(epoch from now() - slowed_at)::float8 as slowed_for
    from mail_pace where domain = any($1) order by domain for update";

const LEARN: &str = "
    update mail_pace set learned = it.learned, slowed_at = case when it.slowed then now() else slowed_at end
    from unnest($1::text[], $2::float8[], $3::bool[]) as it(domain, learned, slowed)
    where mail_pace.domain = it.domain";

const SWEEP: &str = "
    with old as (
        select domain from mail_pace
        where greatest(used_until, line_until, slowed_at) < now() - make_interval(secs => $1::float8)
        order by domain limit $2 for update skip locked
    ), removed as (
        delete from mail_pace using old where mail_pace.domain = old.domain returning 1
    )
    select count(*) from removed";

/// How fast mails go since a relay asked for less.
#[derive(Clone, Debug, PartialEq)]
pub struct Pace {
    /// What addresses end in; empty for all mails.
    pub domain: String,
    /// Mails a second.
    pub rate: f64,
}

/// Gives each domain what it asks for and has room for.
pub(super) async fn take(
    on: &impl GenericClient,
    limit: Option<f64>,
    asked: &BTreeMap<&str, Asked>,
) -> Result<BTreeMap<String, Given>> {
    let domains: Vec<&str> = asked.keys().copied().collect();
    let urgent: Vec<i64> = asked.values().map(|it| it.urgent).collect();
    let usual: Vec<i64> = asked.values().map(|it| it.usual).collect();
    let line = LINE_MAX.as_secs_f64();
    let rows = db::text(on, TAKE, &[&domains, &urgent, &usual, &limit, &BURST, &USUAL, &ROUNDING, &line]).await?;
    let given = |row: &Row| Given {
        asked: Asked { urgent: row.get("urgent"), usual: row.get("usual") },
        rate: row.get("rate"),
        urgent_after: row.get("urgent_after"),
        usual_after: row.get("usual_after"),
        waiting: Asked::default(),
    };
    Ok(rows.iter().map(|row| (row.get("domain"), given(row))).collect())
}

/// Makes the buckets of `domains` that there are not.
pub(in crate::outbox) async fn make(on: &impl GenericClient, domains: &[&str]) -> Result<()> {
    if !domains.is_empty() {
        db::text(on, MAKE, &[&domains]).await?;
    }
    Ok(())
}

/// Gives back what so many mails had been given overall that did not go.
pub(in crate::outbox) async fn give_back(on: &impl GenericClient, limit: Option<f64>, mails: usize) -> Result<()> {
    db::text(on, GIVE_BACK, &[&OVERALL, &(mails as f64), &limit]).await?;
    Ok(())
}

/// What is known of a domain.
pub(super) struct Known {
    pub domain: String,
    pub learned: Option<f64>,
    /// How long ago its relay was heeded, if it was.
    pub slowed_for: Option<Duration>,
}

/// What is known of `domains`, which nobody else changes until the transaction ends.
pub(super) async fn hold(on: &impl GenericClient, domains: &[&str]) -> Result<Vec<Known>> {
    let known = |row: &Row| Known {
        domain: row.get("domain"),
        learned: row.get("learned"),
        slowed_for: row.get::<_, Option<f64>>("slowed_for").map(|it| Duration::from_secs_f64(it.max(0.0))),
    };
    Ok(db::text(on, HOLD, &[&domains]).await?.iter().map(known).collect())
}

/// What was learned of a domain.
pub(super) struct Lesson {
    pub domain: String,
    pub learned: Option<f64>,
    /// Whether its relay was heeded just now.
    pub slowed: bool,
}

/// Records what was learned.
pub(super) async fn learn(on: &impl GenericClient, lessons: &[Lesson]) -> Result<()> {
    let domains: Vec<&str> = lessons.iter().map(|it| it.domain.as_str()).collect();
    let learned: Vec<Option<f64>> = lessons.iter().map(|it| it.learned).collect();
    let slowed: Vec<bool> = lessons.iter().map(|it| it.slowed).collect();
    db::text(on, LEARN, &[&domains, &learned, &slowed]).await?;
    Ok(())
}

/// What relays were found to take that asked for less: of all mails, and of the slowest domains.
///
/// # Errors
///
/// What the database says.
pub async fn paces(on: &impl GenericClient) -> Result<Vec<Pace>> {
    let rates = "select domain, learned as rate from mail_pace where learned is not null
        order by domain = '' desc, learned limit $1";
    let rows = db::text(on, rates, &[&SHOWN_MAX]).await?;
    Ok(rows.iter().map(|row| Pace { domain: row.get("domain"), rate: row.get("rate") }).collect())
}

/// Removes buckets that nobody has used for a while; returns how many.
///
/// # Errors
///
/// What the database says.
pub async fn sweep(on: &impl GenericClient) -> Result<u64> {
    Ok(db::text(on, SWEEP, &[&KEPT_FOR, &db::SWEPT_MAX]).await?[0].get::<_, i64>("count").unsigned_abs())
}
