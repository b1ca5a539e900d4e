//! The table `throttle`.

use std::time::Duration;

use super::{Bucket, Count};
use crate::{
    db::{self, GenericClient, Row, Transaction},
    error::Result,
    secret::digest,
};

/// How long anything is remembered after the last wait was over.
const KEPT_FOR: Duration = Duration::from_hours(24);

const WAIT_LEFT: &str = "
    select max(extract(epoch from blocked_until - now()))::float8 as seconds
    from throttle join unnest($1::text[], $2::bytea[], $3::bytea[]) as it (kind, subject, network)
        using (kind, subject, network)
    where now() < blocked_until";

/// $4 has the wait in seconds for every number of attempts; the last one holds for all above. After $5 seconds without
/// one the count begins anew.
macro_rules! count {
    ($only:literal) => {
        concat!(
            "insert into throttle as known (kind, subject, network, count, blocked_until)
            values ($1, $2, $3, 1, now() + ($4::bigint[])[1] * interval '1 second')
            on conflict on constraint throttle_key do update set
                (count, blocked_until) = (
                    select next.count,
                        now() + ($4::bigint[])[least(next.count, cardinality($4::bigint[]))] * interval '1 second'
                    from (select case when known.blocked_until < now() - $5::bigint * interval '1 second'
                        then 1 else known.count + 1 end) as next (count)
                ) ",
            $only,
            " returning count, now() < blocked_until as is_blocked"
        )
    };
}

const COUNT: &str = count!("");

/// The same for what is not heard at all while it has to wait.
const ADMIT: &str = count!("where known.blocked_until <= now()");

const CLEAR: &str = "delete from throttle where kind = $1 and subject = $2 and network = $3";

const FORGIVE: &str = "
    delete from throttle where kind = any($1) and subject = $2";

/// The table of programs before this, whose wrong passwords are known to nobody any more, with it.
const SWEEP: &str = "
    with calm as (
        delete from throttle where ctid = any(array(
            select ctid from throttle where blocked_until < now() - make_interval(secs => $1::float8) limit $2))
        returning kind
    ), before as (
        delete from sign_in_throttle where email_key = any(array(
            select email_key from sign_in_throttle
            where blocked_until < now() - make_interval(secs => $1::float8) limit $2))
        returning email_key
    )
    select (select count(*) from calm) + (select count(*) from before) as count";

/// How long the next attempt has to wait that is counted in all of `buckets`; `None` when it need not.
pub(in crate::identity) async fn wait_left(on: &impl GenericClient, buckets: &[Bucket]) -> Result<Option<Duration>> {
    let kinds: Vec<&str> = buckets.iter().map(|it| it.count.name()).collect();
    let subjects: Vec<&[u8]> = buckets.iter().map(|it| it.subject.as_slice()).collect();
    let networks: Vec<&[u8]> = buckets.iter().map(|it| it.network.as_slice()).collect();
    let rows = db::text(on, WAIT_LEFT, &[&kinds, &subjects, &networks]).await?;
    let seconds: Option<f64> = rows[0].get("seconds");
    Ok(seconds.map(|it| Duration::from_secs_f64(it.max(0.0).ceil())))
}

/// Counts an attempt; says whether the next one has to wait.
pub(in crate::identity) async fn count(tx: &Transaction<'_>, bucket: &Bucket) -> Result<bool> {
    let rows = run(tx, COUNT, bucket).await?;
    Ok(rows[0].get("is_blocked"))
}

/// Counts an attempt that need not wait; otherwise says for how long it has to. Of several at once one is counted first.
pub(in crate::identity) async fn admit(tx: &Transaction<'_>, bucket: &Bucket) -> Result<Option<Duration>> {
    if run(tx, ADMIT, bucket).await?.is_empty() {
        return wait_left(tx, std::slice::from_ref(bucket)).await;
    }
    Ok(None)
}

async fn run(tx: &Transaction<'_>, statement: &str, bucket: &Bucket) -> Result<Vec<Row>> {
    let Bucket { count, subject, network } = bucket;
    let forgotten = count.terms().forgotten;
    Ok(db::text(tx, statement, &[&count.name(), &subject.as_slice(), network, &count.waits(), &forgotten]).await?)
}

/// Forgets what was counted in a bucket.
pub(in crate::identity) async fn clear(on: &impl GenericClient, bucket: &Bucket) -> Result<()> {
    db::text(on, CLEAR, &[&bucket.count.name(), &bucket.subject.as_slice(), &bucket.network]).await?;
    Ok(())
}

/// Forgets all of `counts` that are about `subject`, from whatever network.
pub(in crate::identity) async fn forgive(on: &impl GenericClient, counts: &[Count], subject: &[u8]) -> Result<()> {
    let kinds: Vec<&str> = counts.iter().map(|it| it.name()).collect();
    db::text(on, FORGIVE, &[&kinds, &digest(&[subject]).as_slice()]).await?;
    Ok(())
}

/// Removes what was counted long ago, some at a time; returns how much.
pub(in crate::identity) async fn sweep(on: &impl GenericClient) -> Result<u64> {
    let rows = db::text(on, SWEEP, &[&KEPT_FOR.as_secs_f64(), &db::SWEPT_MAX]).await?;
    Ok(rows[0].get::<_, i64>("count").unsigned_abs())
}
