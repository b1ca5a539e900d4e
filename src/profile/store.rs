//! The table `profile`.

use std::{collections::HashMap, sync::LazyLock};

use jiff::Timestamp;
use sea_query::{Iden, Query};
use uuid::Uuid;

use super::{Field, Profile, Texts, Told, called, etag, history::store::noting, picture, visibility::Visibility};
use crate::{
    account,
    db::{self, Cells, GenericClient, Row, ToSql, Transaction},
    error::{Error, Kind, Result},
    ids,
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

/// See [`updating`].
static UPDATE: LazyLock<String> = LazyLock::new(|| updating(""));
static UPDATE_UNHELD: LazyLock<String> = LazyLock::new(|| updating("skip locked"));

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
    UpdatedAt,
}

/// The statement that writes changes: what a line of the history says of a field is what the field becomes. Profiles are held
/// first, and those that others hold are treated as `held` says.
///
/// Arrays stand in queries of their own, whose rows are guessed whatever they are: so the plan that is kept looks no worse than
/// a new one, and there is none to be made for each call.
fn updating(held: &str) -> String {
    let said = |it: Field| format!("max(new_value) filter (where field = '{}') as {}", it.path(), it.column());
    let value = |it: Field| format!("{0} = coalesce(said.{0}, profile.{0})", it.column());
    let said = Field::all().map(said).collect::<Vec<_>>().join(", ");
    let values = Field::all().map(value).collect::<Vec<_>>().join(", ");
    let (noting, announcing) = (noting("changed", "line"), account::announcing("changed"));
    format!(
        "with step as (
            select * from unnest((select $1::uuid[]), (select $2::bigint[]), (select $3::timestamptz[]),
                (select $4::text[]), (select $5::text[])) as it (user_id, revision, at, business, mobile)
        ), line as (
            select * from unnest((select $6::uuid[]), (select $7::uuid[]), (select $8::uuid[]), (select $9::text[]),
                (select $10::text[]), (select $11::text[])) as it (user_id, id, actor_id, field, old_value, new_value)
        ), said as (
            select user_id, {said} from line group by user_id
        ), held as (
            select profile.user_id from step join profile on profile.user_id = step.user_id
                and profile.revision = coalesce(step.revision, profile.revision)
            for no key update of profile {held}
        ), changed as (
            update profile set {values},
                business_phone_e164 = coalesce(step.business, profile.business_phone_e164),
                mobile_phone_e164 = coalesce(step.mobile, profile.mobile_phone_e164),
                revision = profile.revision + 1, updated_at = step.at
            from held join step using (user_id) join said using (user_id)
            where profile.user_id = held.user_id
            returning profile.user_id, profile.revision, profile.updated_at
        ), noted as ({noting}), announced as ({announcing})
        select user_id, revision from changed"
    )
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

/// Keeps others from changing the profile of a person until the transaction ends.
pub(super) async fn hold(tx: &Transaction<'_>, user: Uuid) -> Result<()> {
    db::text(tx, HOLD, &[&user]).await?;
    Ok(())
}

/// Finds the profile of a person and keeps others from changing it until the transaction ends. First it is held and then
/// read: who had to wait would see the picture of before beside the profile of now.
pub(super) async fn lock(tx: &Transaction<'_>, user: Uuid) -> Result<Profile> {
    hold(tx, user).await?;
    let rows = db::text(tx, FIND_HELD, &[&user]).await?;
    rows.first().map(profile).transpose()?.ok_or_else(|| missing(user))
}

/// The next revision of a profile.
pub(super) struct Step {
    /// Whose profile.
    pub user: Uuid,
    /// The revision that it follows; any if there is none.
    pub from: Option<i64>,
    /// What changes: a line for each field.
    pub told: Vec<Told>,
    /// The business phone and the mobile one in E.164, where they are others now.
    pub e164: Option<[String; 2]>,
    pub at: Timestamp,
}

/// What becomes of a change whose profile somebody holds.
#[derive(Clone, Copy)]
pub(super) enum Held {
    /// It waits.
    Wait,
    /// It is not written.
    Skip,
}

/// Writes changes, each of another profile, with the lines of their history, and has the directories told that the people
/// are in. It yields the new revisions: none of those profiles that are not at the revision to be followed any more.
///
/// # Errors
///
/// What the database says; then none is written.
pub(super) async fn update(on: &impl GenericClient, steps: &[&Step], held: Held) -> Result<HashMap<Uuid, i64>> {
    let e164 = |it: usize| column(steps, |step| step.e164.as_ref().map(|numbers| &numbers[it]));
    let (users, from, at) = (column(steps, |it| it.user), column(steps, |it| it.from), column(steps, |it| it.at));
    let (business, mobile) = (e164(0), e164(1));
    let lines: Vec<_> = steps.iter().flat_map(|step| step.told.iter().map(|told| (step.user, told))).collect();
    let (whose, ids) = (column(&lines, |it| it.0), column(&lines, |_| ids::new()));
    let (by, fields) = (column(&lines, |it| it.1.by), column(&lines, |it| it.1.field));
    let (old, new) = (column(&lines, |it| &it.1.old), column(&lines, |it| &it.1.new));
    let text = match held {
        Held::Wait => &*UPDATE,
        Held::Skip => &*UPDATE_UNHELD,
    };
    let values: [&(dyn ToSql + Sync); 11] =
        [&users, &from, &at, &business, &mobile, &whose, &ids, &by, &fields, &old, &new];
    let rows = db::text(on, text, &values).await?;
    Ok(rows.iter().map(|it| (it.get("user_id"), it.get("revision"))).collect())
}

fn column<'a, I, T>(of: &'a [I], value: impl Fn(&'a I) -> T) -> Vec<T> {
    of.iter().map(value).collect()
}

/// Notes that something of a profile has changed which stands elsewhere, as `told` says; returns the new etag.
pub(super) async fn touch(on: &impl GenericClient, user: Uuid, told: Told, now: Timestamp) -> Result<String> {
    let step = Step { user, from: None, told: vec![told], e164: None, at: now };
    let written = update(on, &[&step], Held::Wait).await?;
    written.get(&user).map(|it| etag(*it)).ok_or_else(|| missing(user))
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
