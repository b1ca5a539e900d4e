//! The tables `invite` and `invite_workcenter`: written here and nowhere else.

use jiff::Timestamp;
use sea_query::{Expr, ExprTrait, Iden, Query};
use uuid::Uuid;

use super::{Invite, State, letters::Told, offer::Right};
use crate::{
    access::{AccountRole, WorkCenterRole},
    db::{self, GenericClient, Row},
    error::{Error, Reason, Result},
    secret::Hash,
    workcenter::Place,
};

#[derive(Iden)]
#[iden = "invite"]
enum Column {
    Table,
    Id,
    AccountId,
    Email,
    EmailKey,
    AccountRole,
    Message,
    InviterId,
    State,
    TokenHash,
    CreatedAt,
    ExpiresAt,
    EndedAt,
    EndReason,
    MailId,
    NoReminders,
    RemindAt,
    NotifyOnAccept,
}

/// Reads invites with what comes with them, as far as the rest of the statement says.
macro_rules! invites {
    ($rest:literal) => {
        concat!(
            "select invite.id, invite.account_id, account.name as account_name, invite.email, invite.email_key,
                invite.account_role, invite.message, invite.inviter_id, invite.state, invite.created_at,
                invite.expires_at, invite.ended_at, invite.end_reason, invite.turn, invite.resent_at,
                invite.no_reminders, invite.notify_on_accept,
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

const FIND_BY_ID: &str = invites!("where invite.id = $1");

const FIND: &str = invites!("where invite.token_hash = $1");

const LOCK_BY_TOKEN: &str = invites!("where invite.token_hash = $1 for update of invite");

const LOCK_BY_ID: &str = invites!("where invite.id = $1 for update of invite");

/// A box is an address, an inviter, or both; what is null is in no box. States are as they are at $4.
const LIST: &str = invites!(
    "where (invite.email_key = $1 or invite.inviter_id = $2)
        and case when invite.state = 'PENDING' and invite.expires_at <= $4 then 'EXPIRED' else invite.state end
            = any($3)
        and ($5::uuid is null or invite.id < $5)
    order by invite.id desc
    limit $6"
);

const INSERT_PLACES: &str = "
    insert into invite_workcenter (invite_id, workcenter_id, role)
    select $1, place.workcenter_id, place.role
    from unnest($2::uuid[], $3::text[]) as place (workcenter_id, role)";

/// What $1 is in the account $2 and in those of the WorkCenters $3 that are the account's.
const RIGHT: &str = "
    select workcenter.id, collaborator.role
    from workcenter
    left join collaborator on collaborator.workcenter_id = workcenter.id and collaborator.user_id = $1
    where workcenter.account_id = $2 and workcenter.id = any($3)";

/// Of the WorkCenters those that its reader would come into now.
const TOLD: &str = "
    select invite.id, invite.turn, invite.mail_id, invite.email, invite.account_role, invite.message,
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
    join account on account.id = invite.account_id
    join person inviter on inviter.id = invite.inviter_id
    left join profile on profile.user_id = invite.inviter_id
    where invite.id = any($1) and invite.state = 'PENDING' and $2 < invite.expires_at";

const RENEW: &str = "
    update invite set state = 'PENDING', ended_at = null, end_reason = '', token_hash = $2, turn = $3,
        resent_at = $4, expires_at = $5, mail_id = $6, remind_at = $7, notice_id = null
    where id = $1";

/// Makes an invite, whose mail is `mail`.
///
/// # Errors
///
/// [`Error::Taken`] while the address has a live one to the same account.
pub(super) async fn insert(on: &impl GenericClient, invite: &Invite, token_hash: &Hash, mail: Uuid) -> Result<()> {
    let insert = Query::insert()
        .into_table(Column::Table)
        .columns([
            Column::Id,
            Column::AccountId,
            Column::Email,
            Column::EmailKey,
            Column::AccountRole,
            Column::Message,
            Column::InviterId,
            Column::State,
            Column::TokenHash,
            Column::CreatedAt,
            Column::ExpiresAt,
            Column::MailId,
            Column::NoReminders,
            Column::RemindAt,
            Column::NotifyOnAccept,
        ])
        .values_panic([
            invite.id.into(),
            invite.account.into(),
            invite.email.clone().into(),
            invite.email_key.clone().into(),
            invite.account_role.name().into(),
            invite.message.clone().into(),
            invite.inviter.into(),
            invite.state.name().into(),
            token_hash.to_vec().into(),
            invite.created_at.into(),
            invite.expires_at.into(),
            mail.into(),
            invite.no_reminders.into(),
            invite.remind_at().into(),
            invite.notify_on_accept.into(),
        ])
        .take();
    match db::execute(on, &insert).await {
        Ok(_) => {}
        Err(error) if is_live(db::violated(&error)) => return Err(Error::Taken(Reason::InvitePending)),
        Err(error) => return Err(error.into()),
    }
    let (ids, roles): (Vec<_>, Vec<_>) = invite.places.iter().map(|it| (it.workcenter, it.role.name())).unzip();
    db::text(on, INSERT_PLACES, &[&invite.id, &ids, &roles]).await?;
    Ok(())
}

/// Writes down that an invite was sent again, by `mail`.
///
/// # Errors
///
/// [`Error::Taken`] while its address has another live one to the same account.
pub(super) async fn renew(on: &impl GenericClient, invite: &Invite, token_hash: &Hash, mail: Uuid) -> Result<()> {
    let Invite { id, turn, resent_at, expires_at, .. } = invite;
    let token_hash = token_hash.as_slice();
    let renewed: &[&(dyn db::ToSql + Sync)] =
        &[id, &token_hash, turn, resent_at, expires_at, &mail, &invite.remind_at()];
    match db::text(on, RENEW, renewed).await {
        Ok(_) => Ok(()),
        Err(error) if is_live(db::violated(&error)) => Err(Error::Taken(Reason::InvitePending)),
        Err(error) => Err(error.into()),
    }
}

/// Whether what was violated is that an address has one live invite to an account.
fn is_live(violated: Option<&str>) -> bool {
    violated == Some("invite_live")
}

/// Writes down that a live invite of an address to an account has run out, if it has.
pub(super) async fn expire(on: &impl GenericClient, account: Uuid, email_key: &str, now: Timestamp) -> Result<()> {
    let update = Query::update()
        .table(Column::Table)
        .value(Column::State, State::Expired.name())
        .value(Column::EndedAt, Expr::col(Column::ExpiresAt))
        .and_where(Expr::col(Column::AccountId).eq(account))
        .and_where(Expr::col(Column::EmailKey).eq(email_key))
        .and_where(Expr::col(Column::State).eq(State::Pending.name()))
        .and_where(Expr::col(Column::ExpiresAt).lte(now))
        .take();
    db::execute(on, &update).await?;
    Ok(())
}

/// Ends an invite as `state` says, for `reason`.
pub(super) async fn end(on: &impl GenericClient, id: Uuid, state: State, reason: &str, now: Timestamp) -> Result<()> {
    let update = Query::update()
        .table(Column::Table)
        .value(Column::State, state.name())
        .value(Column::EndedAt, now)
        .value(Column::EndReason, reason)
        .and_where(Expr::col(Column::Id).eq(id))
        .take();
    db::execute(on, &update).await?;
    Ok(())
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

/// The invites to `email_key` and those from `inviter` which at `now` are in one of `states`: the newest first, from
/// the one after `after`.
pub(super) async fn list(
    on: &impl GenericClient,
    (email_key, inviter): (Option<&str>, Option<Uuid>),
    states: &[State],
    after: Option<Uuid>,
    limit: i64,
    now: Timestamp,
) -> Result<Vec<Invite>> {
    let states: Vec<&str> = states.iter().map(|it| it.name()).collect();
    let rows = db::text(on, LIST, &[&email_key, &inviter, &states, &now, &after, &limit]).await?;
    Ok(rows.iter().map(invite).collect())
}

/// What `person`, whose role in `account` is given, is to `places`.
pub(super) async fn right(
    on: &impl GenericClient,
    person: Uuid,
    account: Uuid,
    account_role: Option<AccountRole>,
    places: &[Place],
) -> Result<Right> {
    let ids: Vec<Uuid> = places.iter().map(|it| it.workcenter).collect();
    let rows = db::text(on, RIGHT, &[&person, &account, &ids]).await?;
    let role = |row: &Row| row.get::<_, Option<&str>>("role").and_then(WorkCenterRole::named);
    Ok(Right { account_role, workcenters: rows.iter().map(|row| (row.get("id"), role(row))).collect() })
}

/// What the mails of those among `invites` that are pending at `now` tell.
pub(super) async fn told(on: &impl GenericClient, invites: &[Uuid], now: Timestamp) -> Result<Vec<Told>> {
    let told = |row: &Row| Told {
        invite: row.get("id"),
        turn: row.get("turn"),
        mail: row.get("mail_id"),
        is_reminder: row.get("is_reminder"),
        email: row.get("email"),
        inviter_name: row.get("inviter_name"),
        account_name: row.get("account_name"),
        zone: row.get("time_zone"),
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

fn invite(row: &Row) -> Invite {
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
        turn: row.get("turn"),
        resent_at: row.get("resent_at"),
        no_reminders: row.get("no_reminders"),
        notify_on_accept: row.get("notify_on_accept"),
    }
}
