//! The table `security_event`.

use std::time::Duration;

use jiff::Timestamp;
use sea_query::{Iden, Query};
use uuid::Uuid;

use super::{Event, EventKind, letters::Told};
use crate::{
    db::{self, GenericClient, Row},
    error::Result,
    mail::reader::Reader,
};

/// How long an event is kept: half a year, for a break-in is often found out late.
const KEPT_FOR: Duration = Duration::from_hours(180 * 24);

/// An event with all that its mail tells. Links are there for as long as they are good; that to an address which has
/// become somebody's is not.
const TOLD: &str = "
    select event.id, event.kind, event.source, event.created_at, event.address, person.email,
        coalesce(nullif(profile.time_zone, ''), theirs.time_zone) as time_zone,
        coalesce(profile.locale, '') as locale, coalesce(profile.time_format, '') as time_format,
        reset.id as reset_id, reset.token_hash as reset_hash, change.id as change_id, change.token_hash as change_hash,
        change.email as new_address, second.asked_email, second.asked_id, second.token_hash as asked_hash
    from security_event event
    join person on person.id = event.user_id
    left join profile on profile.user_id = person.id
    left join lateral (
        select account.time_zone from member join account on account.id = member.account_id
        where member.user_id = person.id and account.time_zone <> ''
        order by member.created_at, member.account_id
        limit 1
    ) as theirs on true
    left join password_reset reset on reset.user_id = person.id and reset.id = event.subject_id
        and now() < reset.expires_at
    left join address_change change on change.user_id = person.id and change.id = event.subject_id
        and now() < change.expires_at
        and not exists (select from person taken where taken.email_key = change.email_key)
    left join second_address second on second.user_id = person.id and second.asked_id = event.subject_id
        and now() < second.expires_at
        and not exists (select from person taken where taken.email_key = second.asked_key)
    where event.id = any($1)";

const SWEEP: &str = "
    with old as (
        delete from security_event where id = any(array(
            select id from security_event where created_at < now() - make_interval(secs => $1::float8) limit $2))
        returning id
    )
    select count(*) from old";

#[derive(Clone, Copy, Iden)]
#[iden = "security_event"]
enum Column {
    Table,
    Id,
    UserId,
    Kind,
    ActorId,
    Source,
    SubjectId,
    Address,
    CreatedAt,
}

/// Writes an event down.
pub(super) async fn insert(on: &impl GenericClient, id: Uuid, event: &Event, now: Timestamp) -> Result<()> {
    let insert = Query::insert()
        .into_table(Column::Table)
        .columns([
            Column::Id,
            Column::UserId,
            Column::Kind,
            Column::ActorId,
            Column::Source,
            Column::SubjectId,
            Column::Address,
            Column::CreatedAt,
        ])
        .values_panic([
            id.into(),
            event.user.into(),
            event.kind.name().into(),
            event.actor.into(),
            (&event.source).into(),
            event.subject.into(),
            (&event.address).into(),
            now.into(),
        ])
        .take();
    db::execute(on, &insert).await?;
    Ok(())
}

/// What the mails of `events` tell.
pub(super) async fn told(on: &impl GenericClient, events: &[Uuid]) -> Result<Vec<Told>> {
    let rows = db::text(on, TOLD, &[&events]).await?;
    let told = rows.iter().filter_map(|row| {
        Some(Told {
            event: row.get("id"),
            kind: EventKind::named(row.get("kind"))?,
            source: row.get("source"),
            at: row.get("created_at"),
            address: row.get("address"),
            present: row.get("email"),
            reader: Reader::of(row.get("time_zone"), row.get("locale"), row.get("time_format")),
            reset: link(row, "reset_id", "reset_hash"),
            change: link(row, "change_id", "change_hash"),
            new_address: row.get("new_address"),
            second: link(row, "asked_id", "asked_hash")
                .and_then(|(id, hash)| Some((row.get::<_, Option<String>>("asked_email")?, id, hash))),
        })
    });
    Ok(told.collect())
}

/// What the token of a link is made from, and its hash, where there is one.
fn link(row: &Row, id: &str, hash: &str) -> Option<(Uuid, Vec<u8>)> {
    Option::zip(row.get(id), row.get(hash))
}

/// Removes events of long ago, some at a time; returns how many.
pub(in crate::identity) async fn sweep(on: &impl GenericClient) -> Result<u64> {
    let rows = db::text(on, SWEEP, &[&KEPT_FOR.as_secs_f64(), &db::SWEPT_MAX]).await?;
    Ok(rows[0].get::<_, i64>("count").unsigned_abs())
}
