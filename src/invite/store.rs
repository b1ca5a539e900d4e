//! The tables `invite` and `invite_workcenter`: written here and nowhere else.

use jiff::Timestamp;
use sea_query::{Expr, ExprTrait, Iden, Query, UpdateStatement};
use uuid::Uuid;

use super::{Invite, State, letters::Told};
use crate::{
    access::{AccountRole, WorkCenterRole},
    db::{self, GenericClient, Row},
    error::{Error, Reason, Result},
    mail::reader::Reader,
    secret::Hash,
    workcenter::Place,
};

#[derive(Iden)]
#[iden = "invite"]
enum Column {
    Table,
    Id,
    State,
    EndedAt,
    EndReason,
    AcceptedBy,
    Revision,
}

/// Reads invites with what comes with them, as far as the rest of the statement says.
macro_rules! invites {
    ($rest:literal) => {
        concat!(
            "select invite.id, invite.account_id, account.name as account_name, invite.email, invite.email_key,
                invite.account_role, invite.message, invite.inviter_id, invite.state, invite.created_at,
                invite.expires_at, invite.ended_at, invite.end_reason, invite.turn, invite.resent_at, invite.revision,
                invite.no_reminders, invite.notify_on_accept, invite.accepted_by,
                (select person.id from person where person.email_key = invite.email_key) as invited,
                array(select workcenter_id from invite_workcenter
                    where invite_id = invite.id order by workcenter_id) as workcenters,
                array(select role from invite_workcenter
                    where invite_id = invite.id order by workcenter_id) as roles
            from invite join account on account.id = invite.account_id ",
            $rest
        )
    };
}
pub(super) use invites;

const FIND_BY_ID: &str = invites!("where invite.id = $1");

const FIND: &str = invites!("where invite.token_hash = $1");

const LOCK_BY_TOKEN: &str = invites!("where invite.token_hash = $1 for update of invite");

const LOCK_BY_ID: &str = invites!("where invite.id = $1 for update of invite");

/// In the order of their ids, as everybody locks several.
const LOCK_LIVE: &str = invites!(
    "where invite.account_id = $1 and invite.email_key = any($2) and invite.state = 'PENDING'
    order by invite.id for update of invite"
);

/// The newest first, locked as they are found; whoever holds others of them has its turn, too.
const LOCK_FAILED: &str = invites!(
    "where invite.account_id = $1 and invite.state = 'DELIVERY_FAILED'
        and ($2::uuid is null or invite.inviter_id = $2) and ($3::uuid is null or invite.id < $3)
    order by invite.id desc limit $4 for update of invite"
);

const CHANGE: &str = "
    with gone as (
        delete from invite_workcenter where invite_id = $1 and workcenter_id <> all($5)
    ), placed as (
        insert into invite_workcenter (invite_id, workcenter_id, role)
        select $1, it.* from unnest($5::uuid[], $6::text[]) as it (workcenter_id, role)
        on conflict (invite_id, workcenter_id) do update set role = excluded.role
    )
    update invite set account_role = $2, message = $3, expires_at = $4, remind_at = $8, revision = $7 where id = $1";

/// What people are in those of the WorkCenters, each named beside its person, that are the account's. One that is being made is
/// there for who has it made alone.
const PLACES_OF: &str = "
    select it.user_id, workcenter.id, collaborator.role
    from unnest($2::uuid[], $3::uuid[]) as it (user_id, workcenter_id)
    join workcenter on workcenter.id = it.workcenter_id and workcenter.account_id = $1
        and (workcenter.provisioning_job_id is null or workcenter.created_by = it.user_id and workcenter.purge_at is null)
    left join collaborator on collaborator.workcenter_id = workcenter.id and collaborator.user_id = it.user_id";

const ACCOUNT_ROLES: &str = "select user_id, role from member where account_id = $1 and user_id = any($2)";

/// Of the WorkCenters those that its reader would come into now.
const TOLD: &str = "
    select invite.id, invite.turn, invite.token_hash, invite.mail_id, invite.email, invite.account_role, invite.message,
        coalesce(invite.mail_id = invite.reminder_id, false) as is_reminder, invite.expires_at, account.name as account_name, account.time_zone,
        coalesce(nullif(btrim(concat_ws(' ', profile.first_name, profile.last_name)), ''),
            case coalesce(profile.email_visibility, 'EVERYONE_SHARING_A_WORKCENTER')
                when 'EVERYONE_SHARING_A_WORKCENTER' then split_part(inviter.email, '@', 1) else 'Somebody' end)
            as inviter_name,
        array(select workcenter.name from invite_workcenter
            join workcenter on workcenter.id = invite_workcenter.workcenter_id
                and workcenter.archived_at is null and workcenter.purge_at is null
            where invite_id = invite.id order by workcenter.name, workcenter.id) as names,
        array(select role from invite_workcenter
            join workcenter on workcenter.id = invite_workcenter.workcenter_id
                and workcenter.archived_at is null and workcenter.purge_at is null
            where invite_id = invite.id order by workcenter.name, workcenter.id) as roles
    from invite
    join account on account.id = invite.account_id and account.deactivated_at is null
    join person inviter on inviter.id = invite.inviter_id
    left join profile on profile.user_id = invite.inviter_id
    where invite.id = any($1) and invite.state = 'PENDING' and $2 < invite.expires_at";

const RENEW: &str = "
    update invite set state = 'PENDING', ended_at = null, end_reason = '', token_hash = it.token_hash, turn = it.turn,
        expires_at = it.expires_at, mail_id = it.mail_id, remind_at = it.remind_at, notice_id = null,
        revision = revision + 1,
        resent_at = (resent_at || $6::timestamptz)[greatest(1, cardinality(resent_at) + 2 - $7::bigint) :]
    from unnest($1::uuid[], $2::bytea[], $3::bigint[], $4::timestamptz[], $5::uuid[], $8::timestamptz[])
        as it (id, token_hash, turn, expires_at, mail_id, remind_at)
    where invite.id = it.id";

/// Locked in the order of their ids, as everybody locks several.
const EXPIRE: &str = "
    with late as (
        select id from invite
        where account_id = $1 and email_key = any($2) and state = 'PENDING' and expires_at <= $3
        order by id for update
    )
    update invite set state = 'EXPIRED', ended_at = expires_at, revision = revision + 1
    from late where invite.id = late.id";

/// Those that nobody is at work on.
const SWEEP: &str = "
    with late as (
        select id from invite where state = 'PENDING' and expires_at <= $1
        order by expires_at limit $2 for update skip locked
    ), over as (
        update invite set state = 'EXPIRED', ended_at = expires_at, revision = revision + 1
        from late where invite.id = late.id
        returning invite.id
    )
    select count(*) as count from over";

/// Places, as columns.
pub(super) fn columns<'a>(places: impl Iterator<Item = &'a Place>) -> (Vec<Uuid>, Vec<&'static str>) {
    places.map(|it| (it.workcenter, it.role.name())).unzip()
}

/// Writes what an invite offers as its next revision, and when its reader is reminded.
pub(super) async fn change(on: &impl GenericClient, invite: &Invite, remind_at: Option<Timestamp>) -> Result<()> {
    let Invite { id, account_role, message, expires_at, revision, .. } = invite;
    let (ids, roles) = columns(invite.places.iter());
    db::text(on, CHANGE, &[id, &account_role.name(), message, expires_at, &ids, &roles, revision, &remind_at]).await?;
    Ok(())
}

/// An invite that is sent again.
pub(super) struct Renewal {
    /// The invite.
    pub invite: Uuid,
    /// The hash of its new token.
    pub token_hash: Hash,
    /// How often its token was made anew.
    pub turn: i64,
    /// From when on it cannot be accepted.
    pub expires_at: Timestamp,
    /// Its new mail.
    pub mail: Uuid,
    /// When its reader is reminded.
    pub remind_at: Option<Timestamp>,
}

/// Writes down that invites were sent again at `now`; of each the last `times` are kept. Their addresses have no other live
/// ones to the same account.
pub(super) async fn renew(on: &impl GenericClient, renewals: &[Renewal], times: usize, now: Timestamp) -> Result<()> {
    fn column<'a, T>(renewals: &'a [Renewal], of: impl Fn(&'a Renewal) -> T) -> Vec<T> {
        renewals.iter().map(of).collect()
    }
    if renewals.is_empty() {
        return Ok(());
    }
    let times = i64::try_from(times).unwrap_or(i64::MAX);
    let renewed = db::text(
        on,
        RENEW,
        &[
            &column(renewals, |it| it.invite),
            &column(renewals, |it| it.token_hash.as_slice()),
            &column(renewals, |it| it.turn),
            &column(renewals, |it| it.expires_at),
            &column(renewals, |it| it.mail),
            &now,
            &times,
            &column(renewals, |it| it.remind_at),
        ],
    )
    .await;
    match renewed {
        Ok(_) => Ok(()),
        // By who does not take turns.
        Err(error) if db::violated(&error) == Some("invite_live") => Err(Error::Taken(Reason::InvitePending)),
        Err(error) => Err(error.into()),
    }
}

/// Writes down which live invites of these addresses to an account have run out.
pub(super) async fn expire(on: &impl GenericClient, account: Uuid, keys: &[&str], now: Timestamp) -> Result<()> {
    db::text(on, EXPIRE, &[&account, &keys, &now]).await?;
    Ok(())
}

/// Writes down which invites have run out at `now`, some of them at a time; returns how many.
///
/// # Errors
///
/// What the database says.
pub async fn sweep(on: &impl GenericClient, now: Timestamp) -> Result<u64> {
    Ok(db::text(on, SWEEP, &[&now, &db::SWEPT_MAX]).await?[0].get::<_, i64>("count").unsigned_abs())
}

/// Ends an invite as `state` says, for `reason`.
pub(super) async fn end(on: &impl GenericClient, id: Uuid, state: State, reason: &str, now: Timestamp) -> Result<()> {
    db::execute(on, &ended(id, state, reason, now)).await?;
    Ok(())
}

/// Ends an invite that `user` has accepted.
pub(super) async fn accept(on: &impl GenericClient, id: Uuid, user: Uuid, now: Timestamp) -> Result<()> {
    db::execute(on, ended(id, State::Accepted, "", now).value(Column::AcceptedBy, user)).await?;
    Ok(())
}

fn ended(id: Uuid, state: State, reason: &str, now: Timestamp) -> UpdateStatement {
    Query::update()
        .table(Column::Table)
        .value(Column::State, state.name())
        .value(Column::EndedAt, now)
        .value(Column::EndReason, reason)
        .value(Column::Revision, Expr::col(Column::Revision).add(1_i64))
        .and_where(Expr::col(Column::Id).eq(id))
        .take()
}

/// The invite `id`.
pub(super) async fn find_by_id(on: &impl GenericClient, id: Uuid) -> Result<Option<Invite>> {
    Ok(db::text(on, FIND_BY_ID, &[&id]).await?.first().map(invite))
}

/// The invite with this token.
pub(super) async fn find(on: &impl GenericClient, token_hash: &Hash) -> Result<Option<Invite>> {
    Ok(db::text(on, FIND, &[&token_hash.as_slice()]).await?.first().map(invite))
}

/// The invite with this token, which nobody else answers until the transaction ends.
pub(super) async fn lock_by_token(on: &impl GenericClient, token_hash: &Hash) -> Result<Option<Invite>> {
    Ok(db::text(on, LOCK_BY_TOKEN, &[&token_hash.as_slice()]).await?.first().map(invite))
}

/// The invite `id`, which nobody else answers until the transaction ends.
pub(super) async fn lock_by_id(on: &impl GenericClient, id: Uuid) -> Result<Option<Invite>> {
    Ok(db::text(on, LOCK_BY_ID, &[&id]).await?.first().map(invite))
}

/// The live invites of these addresses to an account, which nobody else answers until the transaction ends.
pub(super) async fn lock_live(on: &impl GenericClient, account: Uuid, keys: &[&str]) -> Result<Vec<Invite>> {
    Ok(db::text(on, LOCK_LIVE, &[&account, &keys]).await?.iter().map(invite).collect())
}

/// Invites to an account that could not be delivered, only those from `inviter` if there is one: the newest first, from the
/// one after `after`. Nobody else changes them until the transaction ends.
pub(super) async fn lock_failed(
    on: &impl GenericClient,
    account: Uuid,
    inviter: Option<Uuid>,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Invite>> {
    Ok(db::text(on, LOCK_FAILED, &[&account, &inviter, &after, &limit]).await?.iter().map(invite).collect())
}

/// What people are in an account, those who belong to it.
pub(super) async fn account_roles(
    on: &impl GenericClient,
    account: Uuid,
    people: &[Uuid],
) -> Result<Vec<(Uuid, AccountRole)>> {
    let rows = db::text(on, ACCOUNT_ROLES, &[&account, &people]).await?;
    let role = |row: &Row| AccountRole::named(row.get("role")).expect("the table checks `role`");
    Ok(rows.iter().map(|row| (row.get("user_id"), role(row))).collect())
}

/// What each person is in the WorkCenter named beside them, as far as it is the account's.
pub(super) async fn places_of(
    on: &impl GenericClient,
    account: Uuid,
    people: &[Uuid],
    ids: &[Uuid],
) -> Result<Vec<(Uuid, Uuid, Option<WorkCenterRole>)>> {
    let rows = db::text(on, PLACES_OF, &[&account, &people, &ids]).await?;
    let role = |row: &Row| row.get::<_, Option<&str>>("role").and_then(WorkCenterRole::named);
    Ok(rows.iter().map(|row| (row.get("user_id"), row.get("id"), role(row))).collect())
}

/// What the mails of those among `invites` that are pending at `now` tell.
pub(super) async fn told(on: &impl GenericClient, invites: &[Uuid], now: Timestamp) -> Result<Vec<Told>> {
    let told = |row: &Row| Told {
        invite: row.get("id"),
        turn: row.get("turn"),
        token_hash: row.get("token_hash"),
        mail: row.get("mail_id"),
        is_reminder: row.get("is_reminder"),
        email: row.get("email"),
        inviter_name: row.get("inviter_name"),
        account_name: row.get("account_name"),
        reader: Reader::new(row.get("time_zone")),
        account_role: account_role(row),
        places: row.get::<_, Vec<String>>("names").into_iter().zip(roles(row)).collect(),
        message: row.get("message"),
        expires_at: row.get("expires_at"),
    };
    Ok(db::text(on, TOLD, &[&invites, &now]).await?.iter().map(told).collect())
}

fn account_role(row: &Row) -> AccountRole {
    AccountRole::named(row.get("account_role")).expect("the table checks `account_role`")
}

fn roles(row: &Row) -> Vec<WorkCenterRole> {
    let roles: Vec<&str> = row.get("roles");
    roles.into_iter().map(|it| WorkCenterRole::named(it).expect("the table checks `role`")).collect()
}

/// Reads an invite as `invites!` selects it.
pub(super) fn invite(row: &Row) -> Invite {
    let places = row.get::<_, Vec<Uuid>>("workcenters").into_iter().zip(roles(row));
    Invite {
        id: row.get("id"),
        account: row.get("account_id"),
        account_name: row.get("account_name"),
        email: row.get("email"),
        email_key: row.get("email_key"),
        account_role: account_role(row),
        places: places.map(|(workcenter, role)| Place { workcenter, role }).collect(),
        message: row.get("message"),
        inviter: row.get("inviter_id"),
        state: State::named(row.get("state")).expect("the table checks `state`"),
        created_at: row.get("created_at"),
        expires_at: row.get("expires_at"),
        ended_at: row.get("ended_at"),
        end_reason: row.get("end_reason"),
        invited: row.get("invited"),
        accepted_by: row.get("accepted_by"),
        turn: row.get("turn"),
        resent_at: row.get("resent_at"),
        revision: row.get("revision"),
        no_reminders: row.get("no_reminders"),
        notify_on_accept: row.get("notify_on_accept"),
    }
}
