//! The table `profile`.

use std::collections::HashMap;

use jiff::Timestamp;
use sea_query::{Expr, ExprTrait, Iden, Query};
use uuid::Uuid;

use super::{
    Change, Field, Profile, Texts, Told, called, etag,
    history::store::{noted, noting},
    picture,
    visibility::Visibility,
};
use crate::{
    account,
    db::{self, Cells, GenericClient, Row, Statement, Transaction},
    error::{Error, Kind, Result},
};

/// Reads profiles with what other rooms know of their people: the address, the picture, and the zone of the account
/// joined first that has one. `$more` are columns to read besides, `$rest` is the rest of the statement. Of those who
/// have a zone of their own the account's is read only where it is asked for `to change` them.
macro_rules! profiles {
    ($more:literal, $rest:literal) => {
        $crate::profile::store::profiles!($more, "and profile.time_zone = ''", $rest)
    };
    (to change, $rest:literal) => {
        $crate::profile::store::profiles!("", "", $rest)
    };
    ($more:literal, $unless:literal, $rest:literal) => {
        concat!(
            "select profile.user_id, profile.first_name, profile.last_name, profile.initials, profile.job_title,
                profile.street, profile.city, profile.post_code, profile.state_province, profile.country,
                profile.business_phone, profile.extension, profile.mobile_phone, profile.time_zone, profile.locale,
                profile.time_format, profile.first_week_day, profile.job_title_visibility, profile.address_visibility,
                profile.email_visibility, profile.business_phone_visibility, profile.mobile_phone_visibility,
                profile.time_zone_visibility, profile.locale_visibility, profile.business_phone_e164,
                profile.mobile_phone_e164, profile.revision, profile.updated_at, person.email,
                theirs.time_zone as account_zone, picture.etag, picture.content_type, picture.sides, picture.digests",
            $more,
            "
            from profile
            join person on person.id = profile.user_id
            left join picture on picture.user_id = profile.user_id
            left join lateral (
                select account.time_zone from member join account on account.id = member.account_id
                where member.user_id = profile.user_id and account.time_zone <> '' ",
            $unless,
            "
                order by member.created_at, member.account_id
                limit 1
            ) as theirs on true ",
            $rest
        )
    };
}

pub(in crate::profile) use profiles;

/// Of one person: of several PostgreSQL expects ten, and plans anew each time lest it reads so many.
const FIND: &str = profiles!("", "where profile.user_id = $1");

/// The ids stand in a query of their own, whose rows are guessed whatever they are: so the plan that is kept looks no worse than
/// a new one, and there is none to be made for each call.
const FIND_ALL: &str = profiles!("", "where profile.user_id = any(array(select unnest($1::uuid[])))");

const HOLD: &str = "select from profile where user_id = $1 for update";

const FIND_HELD: &str = profiles!(to change, "where profile.user_id = $1");

const NAMES: &str = "
    select profile.user_id, first_name, last_name, email, email_visibility
    from profile join person on person.id = profile.user_id
    where profile.user_id = any($1)";

#[derive(Clone, Copy, Iden)]
enum Column {
    #[iden = "profile"]
    Table,
    UserId,
    FirstName,
    LastName,
    TimeZone,
    #[iden = "business_phone_e164"]
    BusinessPhoneE164,
    #[iden = "mobile_phone_e164"]
    MobilePhoneE164,
    Revision,
    UpdatedAt,
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

/// Finds the profiles of these people, of those that there are, in no order.
pub(super) async fn list(on: &impl GenericClient, users: &[Uuid]) -> Result<Vec<Profile>> {
    db::text(on, FIND_ALL, &[&users]).await?.iter().map(profile).collect()
}

/// Finds the profile of a person and keeps others from changing it until the transaction ends. First it is held and then
/// read: who had to wait would see the picture of before beside the profile of now.
pub(super) async fn lock(tx: &Transaction<'_>, user: Uuid) -> Result<Profile> {
    db::text(tx, HOLD, &[&user]).await?;
    let rows = db::text(tx, FIND_HELD, &[&user]).await?;
    rows.first().map(profile).transpose()?.ok_or_else(|| missing(user))
}

/// Writes a change, with the numbers of the phones where they are others now, as the next revision; with it goes into the
/// history what `told` says, and the directories that the person is in are told. It yields the new revision. Where the
/// profile is not at the revision `from` any more it does nothing, and yields nothing.
pub(super) fn update<'a>(
    user: Uuid,
    from: Option<i64>,
    (change, e164): (&Change, Option<&[String; 2]>),
    told: &'a [Told<'_>],
    now: Timestamp,
) -> Statement<'a> {
    let phones = e164.into_iter().flat_map(|[business, mobile]| {
        [(Column::BusinessPhoneE164, business.into()), (Column::MobilePhoneE164, mobile.into())]
    });
    let update = Query::update()
        .table(Column::Table)
        .values(change.0.iter().map(|(field, text)| (field.column(), text.into())))
        .values(phones)
        .value(Column::Revision, Expr::col(Column::Revision).add(1_i64))
        .value(Column::UpdatedAt, now)
        .and_where(Expr::col(Column::UserId).eq(user))
        .and_where_option(from.map(|it| Expr::col(Column::Revision).eq(it)))
        .returning(Query::returning().columns([Column::UserId, Column::Revision]))
        .take();
    let update = db::later(&update).within(|update, values| {
        let (noting, announcing) = (noting("changed", values), account::announcing("changed"));
        format!(
            "with changed as ({update}), noted as ({noting}), announced as ({announcing}) select revision from changed"
        )
    });
    noted(update, told, now)
}

/// Notes that something of a profile has changed which stands elsewhere, as `told` says; returns the new etag.
pub(super) async fn touch(on: &impl GenericClient, user: Uuid, told: &Told<'_>, now: Timestamp) -> Result<String> {
    let update = update(user, None, (&Change::default(), None), std::slice::from_ref(told), now);
    let rows = db::found(on, &update).await?;
    rows.first().map(|it| etag(it.get("revision"))).ok_or_else(|| missing(user))
}

/// What others call people, whoever they are: an address that not all may see does not come into it.
///
/// # Errors
///
/// [`Error::NotFound`] when there is no such person.
pub async fn names(on: &impl GenericClient, users: &[Uuid]) -> Result<HashMap<Uuid, String>> {
    let rows = db::text(on, NAMES, &[&users]).await?;
    let name = |it: &Row| {
        let is_public = Visibility::named(it.get("email_visibility")) == Some(Visibility::Everyone);
        called(it.get("first_name"), it.get("last_name"), if is_public { it.get("email") } else { "" })
    };
    let names: HashMap<Uuid, String> = rows.iter().map(|row| (row.get("user_id"), name(row))).collect();
    match users.iter().find(|it| !names.contains_key(it)) {
        Some(&user) => Err(missing(user)),
        None => Ok(names),
    }
}

pub(super) fn missing(user: Uuid) -> Error {
    Error::NotFound(Kind::User, user.to_string())
}

/// The profile in a row of [`profiles`], column after column: a hundred rows looked through for thirty names each cost more
/// than to read them.
pub(super) fn profile(row: &Row) -> Result<Profile> {
    let mut cells = Cells::new(row);
    let user = cells.next("user_id");
    let mut texts = Texts::default();
    for field in Field::all() {
        texts[field] = cells.next(field.column());
    }
    Ok(Profile {
        user,
        texts,
        e164: [cells.next("business_phone_e164"), cells.next("mobile_phone_e164")],
        revision: cells.next("revision"),
        updated_at: cells.next("updated_at"),
        email: cells.next("email"),
        account_zone: cells.next("account_zone"),
        picture: picture::store::of(&mut cells)?,
    })
}
