//! The table `session`.

use std::time::Duration;

use uuid::Uuid;

use super::{Listed, Open, PROLONGED_EVERY, Place, SESSION_IDLE, SESSION_MAX, Session};
use crate::{
    auth::Origin,
    db::{self, GenericClient, Transaction},
    error::Result,
    identity::SESSION_PREFIX,
    ids, notice,
    secret::{self, Hash},
};

/// How long a session that is over is kept: somebody may ask when it ended, and its place stays familiar as long.
const KEPT_FOR: Duration = Duration::from_hours(30 * 24);

const BEGIN: &str = "
    insert into session (id, user_id, token_hash, created_at, idle_until, ends_at, source, network, agent)
    values ($1, $2, $3, now(), now() + make_interval(secs => $4::float8), now() + make_interval(secs => $5::float8),
        $6, $7, $8)
    returning ends_at";

const OPEN: &str = "
    select session.id, user_id, last_used_at < now() - make_interval(secs => $3::float8)
        or idle_until < least(now() + make_interval(secs => $2::float8), ends_at) as is_worn
    from session join person on person.id = session.user_id
    where token_hash = $1 and ended_at is null and now() < idle_until and now() < ends_at and disabled_at is null";

const PROLONG: &str = "
    update session set last_used_at = now(), idle_until = least(now() + make_interval(secs => $2::float8), ends_at)
    where id = $1 and ended_at is null";

const END: &str = "update session set ended_at = now() where id = $1 and ended_at is null";

const END_ALL: &str = "
    update session set ended_at = now() where user_id = $1 and ended_at is null and id is distinct from $2
    returning id";

const LIST: &str = "
    select id, created_at, last_used_at, ends_at, source, agent from session
    where user_id = $1 and ended_at is null and now() < idle_until and now() < ends_at
        and ($2::timestamptz is null or (last_used_at, id) < ($2, $3))
    order by last_used_at desc, id desc
    limit $4";

const SWEEP: &str = "
    with over as (
        delete from session where id = any(array(
            select id from session
            where least(ended_at, idle_until, ends_at) < now() - make_interval(secs => $1::float8) limit $2))
        returning id
    )
    select count(*) from over";

/// Begins a session of a person, from `origin`.
///
/// # Errors
///
/// What the database says.
pub async fn begin_session(on: &impl GenericClient, user: Uuid, origin: &Origin) -> Result<Session> {
    let (id, token) = (ids::new(), secret::token(SESSION_PREFIX)?);
    let hash = secret::hash(token.expose());
    let (idle, max) = (SESSION_IDLE.as_secs_f64(), SESSION_MAX.as_secs_f64());
    let (source, network) = (origin.source(), origin.network());
    let rows =
        db::text(on, BEGIN, &[&id, &user, &hash.as_slice(), &idle, &max, &source, &network, &origin.agent]).await?;
    Ok(Session { token, id, ends_at: rows[0].get("ends_at") })
}

/// Finds the session whose token has this hash, while it is in force and its owner is not disabled.
pub(in crate::identity) async fn open(on: &impl GenericClient, token: &Hash) -> Result<Option<Open>> {
    let fresh = (SESSION_IDLE - PROLONGED_EVERY).as_secs_f64();
    let rows = db::text(on, OPEN, &[&token.as_slice(), &fresh, &PROLONGED_EVERY.as_secs_f64()]).await?;
    Ok(rows.first().map(|it| Open { id: it.get("id"), user: it.get("user_id"), is_worn: it.get("is_worn") }))
}

/// Lets a session that is used last longer, as long as it may.
pub(in crate::identity) async fn prolong(on: &impl GenericClient, id: Uuid) -> Result<()> {
    db::text(on, PROLONG, &[&id, &SESSION_IDLE.as_secs_f64()]).await?;
    Ok(())
}

/// Ends a session, and tells every server.
pub(in crate::identity) async fn end(tx: &Transaction<'_>, id: Uuid) -> Result<()> {
    db::text(tx, END, &[&id]).await?;
    notice::tell(tx, notice::SESSION, id).await?;
    Ok(())
}

/// Ends all sessions of a person but one, and tells every server; returns those that ended.
pub(in crate::identity) async fn end_all(tx: &Transaction<'_>, user: Uuid, but: Option<Uuid>) -> Result<Vec<Uuid>> {
    let rows = db::text(tx, END_ALL, &[&user, &but]).await?;
    let ended: Vec<Uuid> = rows.iter().map(|it| it.get("id")).collect();
    notice::tell_all(tx, notice::SESSION, &ended).await?;
    Ok(ended)
}

/// Ends the session `id` of a person, and tells every server; says whether it was there, and whether it had not ended.
pub(in crate::identity) async fn revoke(tx: &Transaction<'_>, user: Uuid, id: Uuid) -> Result<Option<bool>> {
    let find = "select ended_at is null as is_open from session where id = $1 and user_id = $2 for update";
    let rows = db::text(tx, find, &[&id, &user]).await?;
    let is_open = rows.first().map(|it| it.get("is_open"));
    if is_open == Some(true) {
        end(tx, id).await?;
    }
    Ok(is_open)
}

/// The sessions of a person that are in force, the one used last first, from the one after `after`.
pub(in crate::identity) async fn list(
    on: &impl GenericClient,
    user: Uuid,
    after: Option<Place>,
    limit: i64,
) -> Result<Vec<Listed>> {
    let (last_used_at, id) = after.map(|it| (it.last_used_at, it.id)).unzip();
    let rows = db::text(on, LIST, &[&user, &last_used_at, &id, &limit]).await?;
    let listed = rows.iter().map(|it| Listed {
        id: it.get("id"),
        created_at: it.get("created_at"),
        last_used_at: it.get("last_used_at"),
        ends_at: it.get("ends_at"),
        source: it.get("source"),
        agent: it.get("agent"),
    });
    Ok(listed.collect())
}

/// Removes sessions that have long been over, some at a time; returns how many.
pub(in crate::identity) async fn sweep(on: &impl GenericClient) -> Result<u64> {
    let rows = db::text(on, SWEEP, &[&KEPT_FOR.as_secs_f64(), &db::SWEPT_MAX]).await?;
    Ok(rows[0].get::<_, i64>("count").unsigned_abs())
}
