//! The table `test_digest`. The times that limits are about are the database's real ones.

use std::{collections::HashMap, time::Duration};

use jiff::Timestamp;
use uuid::Uuid;

use super::Asked;
use crate::{
    db::{self, GenericClient, Row},
    error::Result,
    subscription::schedule::Beat,
};

/// How long what was asked for is kept: longer than its mail is tried.
const KEPT_FOR: Duration = Duration::from_hours(7 * 24);

/// Holds the person, so that of two who ask at once the second counts the first.
const HOLD: &str = "select id from person where id = $1 for no key update";

/// How long until one more may be asked for: until the oldest of the last `$2` is out of the span.
const WAIT_LEFT: &str = "
    select extract(epoch from asked_at + make_interval(secs => $3::float8) - clock_timestamp())::float8 as left
    from test_digest
    where user_id = $1 and asked_at > clock_timestamp() - make_interval(secs => $3::float8)
    order by asked_at desc offset $2::bigint - 1 limit 1";

const INSERT: &str = "
    insert into test_digest (id, account_id, user_id, cadence, shown_at, asked_at)
    values ($1, $2, $3, $4, $5, clock_timestamp())";

/// Of those who are still in the account.
const ASKED: &str = "
    select test_digest.id, account_id, user_id, cadence, shown_at
    from test_digest join member using (account_id, user_id)
    where test_digest.id = any($1)";

const SWEEP: &str = "
    with gone as (
        delete from test_digest where id = any(array(
            select id from test_digest where asked_at < now() - make_interval(secs => $1::float8)
            limit $2 for update skip locked)) returning 1
    )
    select count(*) as count from gone";

/// How long `user`, who is held until the transaction ends, has to wait after `most` within `span`; `None` when they need not.
pub(super) async fn wait_left(
    on: &impl GenericClient,
    user: Uuid,
    most: i64,
    span: Duration,
) -> Result<Option<Duration>> {
    db::text(on, HOLD, &[&user]).await?;
    let rows = db::text(on, WAIT_LEFT, &[&user, &most, &span.as_secs_f64()]).await?;
    Ok(rows.first().map(|row| Duration::from_secs_f64(row.get::<_, f64>("left").clamp(1.0, span.as_secs_f64()))))
}

pub(super) async fn insert(on: &impl GenericClient, id: Uuid, asked: &Asked, at: Timestamp) -> Result<()> {
    db::text(on, INSERT, &[&id, &asked.account, &asked.user, &asked.beat.name(), &at]).await?;
    Ok(())
}

pub(super) async fn asked(on: &impl GenericClient, ids: &[Uuid]) -> Result<HashMap<Uuid, Asked>> {
    let rows = db::text(on, ASKED, &[&ids]).await?;
    let asked = |row: &Row| Asked {
        account: row.get("account_id"),
        user: row.get("user_id"),
        beat: Beat::named(row.get("cadence")).expect("the table checks `cadence`"),
        at: Some(row.get("shown_at")),
    };
    Ok(rows.iter().map(|row| (row.get("id"), asked(row))).collect())
}

/// Removes what was asked for long ago, some at a time; returns how many there were.
///
/// # Errors
///
/// What the database says.
pub async fn sweep(on: &impl GenericClient) -> Result<u64> {
    let rows = db::text(on, SWEEP, &[&KEPT_FOR.as_secs_f64(), &db::SWEPT_MAX]).await?;
    Ok(rows[0].get::<_, i64>("count").unsigned_abs())
}
