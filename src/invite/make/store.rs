//! Writing the invites that are made, and reading what that takes.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use uuid::Uuid;

use super::{DAY, Load};
use crate::{
    account::Account,
    db::{self, GenericClient, Transaction},
    error::{Error, Result},
    invite::{Invite, store::columns},
    outbox,
    secret::Hash,
    workcenter::Place,
};

/// Whoever makes invites to an account, or makes them live again, takes turns: they count what the account has.
const TAKE_TURN: &str = "select pg_advisory_xact_lock(hashtextextended('invites to ' || $1::uuid::text, 0))";

/// Counts no further than to what is too many.
const LOAD: &str = "
    select pending.count as pending, pending.over_at, today.count as today, today.first_at
    from (
        select count(*) as count, min(expires_at) as over_at from (
            select expires_at from invite
            where account_id = $1 and state = 'PENDING' and $2 < expires_at limit $4
        ) part
    ) pending, (
        select count(*) as count, min(created_at) as first_at from (
            select created_at from invite where account_id = $1 and $3 < created_at order by created_at limit $5
        ) part
    ) today";

/// The people among these addresses, and whether they belong to the account.
const PEOPLE: &str = "
    select person.email_key, person.id, member.user_id is not null as is_member
    from person left join member on member.account_id = $1 and member.user_id = person.id
    where person.email_key = any($2)";

const INSERT: &str = "
    insert into invite (account_id, inviter_id, id, email, email_key, account_role, message, state, token_hash,
        created_at, expires_at, mail_id, no_reminders, remind_at, notify_on_accept)
    select $1, $2, it.id, it.email, it.email_key, it.account_role, it.message, 'PENDING', it.token_hash, $3,
        it.expires_at, it.mail_id, it.no_reminders, it.remind_at, it.notify_on_accept
    from unnest($4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bytea[], $10::timestamptz[],
        $11::uuid[], $12::bool[], $13::timestamptz[], $14::bool[])
        as it (id, email, email_key, account_role, message, token_hash, expires_at, mail_id, no_reminders, remind_at,
            notify_on_accept)
    on conflict (account_id, email_key) where state = 'PENDING' do nothing
    returning id";

const INSERT_PLACES: &str = "
    insert into invite_workcenter (invite_id, workcenter_id, role)
    select it.* from unnest($1::uuid[], $2::uuid[], $3::text[]) as it (invite_id, workcenter_id, role)";

/// An invite that is made.
pub(super) struct New {
    /// The invite.
    pub invite: Invite,
    /// The hash of its token.
    pub token_hash: Hash,
    /// Its mail.
    pub mail: outbox::New,
}

/// Waits for whoever makes invites to the account, until the transaction ends.
pub(super) async fn take_turn(tx: &Transaction<'_>, account: Uuid) -> Result<()> {
    db::text(tx, TAKE_TURN, &[&account]).await?;
    Ok(())
}

/// How many invites the account has at `now`.
pub(super) async fn load(tx: &Transaction<'_>, account: &Account, now: Timestamp) -> Result<Load> {
    let &Account { id, pending_invites_max, daily_invites_max, .. } = account;
    let since = now.checked_sub(DAY).map_err(Error::internal)?;
    let rows = db::text(tx, LOAD, &[&id, &now, &since, &i64::from(pending_invites_max), &i64::from(daily_invites_max)])
        .await?;
    let count = |column| usize::try_from(rows[0].get::<_, i64>(column)).unwrap_or(usize::MAX);
    let most = |it: u32| usize::try_from(it).unwrap_or(usize::MAX);
    Ok(Load {
        pending: count("pending"),
        pending_max: most(pending_invites_max),
        over_at: rows[0].get("over_at"),
        today: count("today"),
        daily_max: most(daily_invites_max),
        first_at: rows[0].get("first_at"),
    })
}

/// The people among these addresses, and whether each belongs to the account.
pub(super) async fn people(
    on: &impl GenericClient,
    account: Uuid,
    keys: &[&str],
) -> Result<HashMap<String, (Uuid, bool)>> {
    let rows = db::text(on, PEOPLE, &[&account, &keys]).await?;
    Ok(rows.iter().map(|row| (row.get("email_key"), (row.get("id"), row.get("is_member")))).collect())
}

/// Makes invites, all to one account and from one person, but for those whose address has a live one; returns which.
pub(super) async fn insert(on: &impl GenericClient, new: &[New]) -> Result<HashSet<Uuid>> {
    fn column<'a, T>(new: &'a [New], of: impl Fn(&'a New) -> T) -> Vec<T> {
        new.iter().map(of).collect()
    }
    let Some(New { invite: first, .. }) = new.first() else { return Ok(HashSet::new()) };
    let rows = db::text(
        on,
        INSERT,
        &[
            &first.account,
            &first.inviter,
            &first.created_at,
            &column(new, |it| it.invite.id),
            &column(new, |it| it.invite.email.as_str()),
            &column(new, |it| it.invite.email_key.as_str()),
            &column(new, |it| it.invite.account_role.name()),
            &column(new, |it| it.invite.message.as_str()),
            &column(new, |it| it.token_hash.as_slice()),
            &column(new, |it| it.invite.expires_at),
            &column(new, |it| it.mail.id),
            &column(new, |it| it.invite.no_reminders),
            &column(new, |it| it.invite.remind_at()),
            &column(new, |it| it.invite.notify_on_accept),
        ],
    )
    .await?;
    let made: HashSet<Uuid> = rows.iter().map(|row| row.get("id")).collect();
    let invites = new.iter().map(|it| &it.invite).filter(|it| made.contains(&it.id));
    let places: Vec<(Uuid, Place)> =
        invites.flat_map(|invite| invite.places.iter().map(|place| (invite.id, *place))).collect();
    if !places.is_empty() {
        let of: Vec<Uuid> = places.iter().map(|(invite, _)| *invite).collect();
        let (ids, roles) = columns(places.iter().map(|(_, place)| place));
        db::text(on, INSERT_PLACES, &[&of, &ids, &roles]).await?;
    }
    Ok(made)
}
