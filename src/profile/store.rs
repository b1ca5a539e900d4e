//! The table `profile`.

use jiff::Timestamp;
use sea_query::{Expr, ExprTrait, Iden, Query};
use uuid::Uuid;

use super::{Change, Field, Profile, Texts, Told, called, etag, picture};
use crate::{
    db::{self, GenericClient, Row, Transaction},
    error::{Error, Kind, Result},
};

/// A profile with what other rooms know of the person: the address, and the zone of the account joined first that
/// has one.
const FIND: &str = "
    select profile.user_id, profile.first_name, profile.last_name, profile.initials, profile.job_title,
        profile.street, profile.city, profile.post_code, profile.state_province, profile.country,
        profile.business_phone, profile.extension, profile.mobile_phone, profile.time_zone, profile.locale,
        profile.revision, profile.updated_at, person.email, theirs.time_zone as account_zone,
        picture.etag, picture.content_type, picture.sides, picture.digests
    from profile
    join person on person.id = profile.user_id
    left join picture on picture.user_id = profile.user_id
    left join lateral (
        select account.time_zone from member join account on account.id = member.account_id
        where member.user_id = profile.user_id and account.time_zone <> ''
        order by member.created_at, member.account_id
        limit 1
    ) as theirs on true
    where profile.user_id = $1";

const NAME: &str = "
    select first_name, last_name, email from profile join person on person.id = profile.user_id
    where profile.user_id = $1";

#[derive(Clone, Copy, Iden)]
enum Column {
    #[iden = "profile"]
    Table,
    UserId,
    FirstName,
    LastName,
    TimeZone,
    Revision,
    UpdatedAt,
}

/// The column of a field: the last part of its path.
fn column(field: Field) -> &'static str {
    let path = field.path();
    path.rsplit_once('.').map_or(path, |(_, last)| last)
}

/// Makes the profile of a new person. Names and zone are as [`Field::checked`] gives them.
///
/// # Errors
///
/// What the database says.
pub async fn insert(
    on: &impl GenericClient,
    user: Uuid,
    first_name: &str,
    last_name: &str,
    time_zone: &str,
    now: Timestamp,
) -> Result<()> {
    let insert = Query::insert()
        .into_table(Column::Table)
        .columns([Column::UserId, Column::FirstName, Column::LastName, Column::TimeZone, Column::UpdatedAt])
        .values_panic([user.into(), first_name.into(), last_name.into(), time_zone.into(), now.into()])
        .take();
    db::execute(on, &insert).await?;
    Ok(())
}

/// Finds the profile of a person.
pub(super) async fn find(on: &impl GenericClient, user: Uuid) -> Result<Profile> {
    let rows = db::text(on, FIND, &[&user]).await?;
    rows.first().map(profile).transpose()?.ok_or_else(|| missing(user))
}

/// Finds the profile of a person and keeps others from changing it until the transaction ends.
pub(super) async fn lock(tx: &Transaction<'_>, user: Uuid) -> Result<Profile> {
    let rows = db::text(tx, &format!("{FIND} for update of profile"), &[&user]).await?;
    rows.first().map(profile).transpose()?.ok_or_else(|| missing(user))
}

/// Writes a change; returns the new revision.
pub(super) async fn update(tx: &Transaction<'_>, user: Uuid, change: &Change, now: Timestamp) -> Result<i64> {
    let update = Query::update()
        .table(Column::Table)
        .values(change.0.iter().map(|(field, text)| (column(*field), text.into())))
        .value(Column::Revision, Expr::col(Column::Revision).add(1_i64))
        .value(Column::UpdatedAt, now)
        .and_where(Expr::col(Column::UserId).eq(user))
        .returning(Query::returning().column(Column::Revision))
        .take();
    let row = db::row(tx, &update).await?;
    row.map(|it| it.get("revision")).ok_or_else(|| missing(user))
}

/// Notes that something of a profile has changed which stands elsewhere, as `told` says; returns the new etag.
pub(super) async fn touch(tx: &Transaction<'_>, user: Uuid, told: &Told<'_>, now: Timestamp) -> Result<String> {
    let _ = told;
    Ok(etag(update(tx, user, &Change::default(), now).await?))
}

/// What others call a person.
///
/// # Errors
///
/// [`Error::NotFound`] when there is no such person.
pub async fn name(on: &impl GenericClient, user: Uuid) -> Result<String> {
    let rows = db::text(on, NAME, &[&user]).await?;
    let name = rows.first().map(|it| called(it.get("first_name"), it.get("last_name"), it.get("email")));
    name.ok_or_else(|| missing(user))
}

fn missing(user: Uuid) -> Error {
    Error::NotFound(Kind::User, user.to_string())
}

fn profile(row: &Row) -> Result<Profile> {
    let mut texts = Texts::default();
    for field in Field::ALL {
        texts[field] = row.get(column(field));
    }
    Ok(Profile {
        user: row.get("user_id"),
        texts,
        email: row.get("email"),
        account_zone: row.get("account_zone"),
        picture: picture::store::of(row)?,
        revision: row.get("revision"),
        updated_at: row.get("updated_at"),
    })
}
