//! The tables `mail` and `suppressed_address`. Every time in them is the database's real one.

use std::{collections::HashSet, time::Duration};

use uuid::Uuid;

use super::{Fate, Mail, New, Suppression, pause};
use crate::{
    db::{self, GenericClient, Row, Statement, Transaction},
    error::Result,
    secret,
};

const PUT: &str = "
    insert into mail (id, account_id, user_id, kind, subject_id, lane, state, message_id, dated_at, try_at)
    select it.id, it.account_id, it.user_id, it.kind, it.subject_id, it.lane, 'PENDING', it.message_id, it.dated_at,
        now()
    from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::uuid[], $6::bigint[], $7::text[],
        $8::timestamptz[])
        as it(id, account_id, user_id, kind, subject_id, lane, message_id, dated_at)";

/// What dead daemons left: before the relay heard of it, nothing has happened; afterwards nobody knows. What was withdrawn
/// meanwhile is not tried again.
const RECLAIM: &str = "
    update mail set lease_until = null, fence = fence + 1,
        unknowns = unknowns + (state = 'SENDING')::int,
        reply = case when state = 'SENDING' then 'the daemon that sent it was not heard of again' else reply end,
        ended_at = case when state = 'SENDING' and (withdrawn or unknowns >= $1) then now() end,
        state = case when state = 'CLAIMED' then 'PENDING' when withdrawn then 'SUPPRESSED'
            when unknowns >= $1 then 'FAILED' else 'UNKNOWN' end
    where id in (
        select id from mail where state in ('CLAIMED', 'SENDING') and lease_until < now() for update skip locked
    )";

/// Locked in the order of their ids, as whoever holds a person's mails locks them. What they are is asked of the locked rows:
/// asked of those that are updated, it would be looked up in the index of all that daemons have, and have had.
const BEGIN: &str = "
    with held as (
        select id, state, fence from mail where id = any($1) order by id for no key update
    )
    update mail set state = 'SENDING', attempts = attempts + 1,
        lease_until = now() + make_interval(secs => $3::float8)
    from held join unnest($1::uuid[], $2::bigint[]) as it(id, fence) using (id, fence)
    where mail.id = held.id and held.state = 'CLAIMED'
    returning mail.id";

/// Locked so that nobody holds them, and so that everything else about them can be written. In the order of their ids, as
/// whoever holds them does.
const SHIELD: &str = "
    with shielded as (
        select id from mail where id = any($1) order by id for key share
    )
    select count(*), set_config('idle_in_transaction_session_timeout', $2, true) from shielded";

/// Those that daemons have, which are few, of people whom the logs reach. In the order of their ids, as everybody locks them.
const OUTLAST: &str = "
    select count(*) as outlasted from (
        select id from mail
        where state in ('CLAIMED', 'SENDING') and exists (
            select from subscription
            where subscription.user_id = mail.user_id and subscription.log_id = any($1))
        order by id for update
    ) mail";

const RELEASE: &str = "
    update mail set state = 'RETRY', lease_until = null, reply = coalesce(nullif($4, ''), reply),
        try_at = now() + make_interval(secs => $3::float8)
    from unnest($1::uuid[], $2::bigint[]) as it(id, fence)
    where mail.id = it.id and mail.fence = it.fence and mail.state = 'CLAIMED'";

/// Up to a quarter is taken off the pause, so that mails which failed together do not come back together; not when `untried`
/// is 1: then it was not tried at all, and waits for that long. What was withdrawn while it was sent is not tried again. In
/// the order of their ids, as everybody locks several; and asked of the locked rows, as in [`BEGIN`].
const SETTLE: &str = "
    with held as (
        select id, state, fence from mail where id = any($1) order by id for no key update
    )
    update mail set state = case when withdrawn and it.state in ('RETRY', 'UNKNOWN') then 'SUPPRESSED' else it.state end,
        reply = it.reply, lease_until = null,
        unknowns = unknowns + (it.state = 'UNKNOWN')::int, attempts = attempts - it.untried,
        try_at = now() + make_interval(secs => it.pause * (1 - (1 - it.untried) * random() / 4)),
        ended_at = case when withdrawn or it.state in ('SENT', 'FAILED', 'SUPPRESSED') then now() end
    from held join unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::float8[], $6::bigint[])
        as it(id, fence, state, reply, pause, untried) using (id, fence)
    where mail.id = held.id and held.state = 'SENDING'";

/// Found by the indexes of what waits and of what daemons have. In the order of their ids, as everybody locks several.
const WITHDRAW: &str = "
    with held as (
        select id from mail
        where account_id = $1 and (lane in (0, 1) and state in ('PENDING', 'RETRY', 'UNKNOWN')
            or state in ('CLAIMED', 'SENDING'))
        order by id for no key update
    )
    update mail set withdrawn = true,
        state = case when state = 'SENDING' then state else 'SUPPRESSED' end,
        fence = case when state = 'SENDING' then fence else fence + 1 end,
        lease_until = case when state = 'SENDING' then lease_until end,
        ended_at = case when state = 'SENDING' then ended_at else now() end,
        reply = case when state = 'SENDING' then reply else $2 end
    from held where mail.id = held.id";

/// The refused addresses of an account: those of its people, the second ones too, and those it has invited who have not
/// come. Of each a page is cut by itself: so PostgreSQL goes along what was refused until the page is full where the account
/// is large, and looks up what the account has where it is small.
const SUPPRESSIONS: &str = "
    select email_key, reason, created_at from (
        (
            select email_key, reason, refused.created_at from suppressed_address refused
            join person using (email_key) join member on member.user_id = person.id
            where account_id = $1 and email_key > $2 order by email_key limit $3
        )
        union
        (
            select email_key, reason, created_at from suppressed_address refused
            where email_key > $2 and exists (
                select from second_address join member using (user_id)
                where second_address.email_key = refused.email_key and account_id = $1)
            order by email_key limit $3
        )
        union
        (
            select email_key, reason, created_at from suppressed_address refused
            where email_key > $2 and exists (
                select from invite
                where invite.email_key = refused.email_key and account_id = $1 and state in ('PENDING', 'DELIVERY_FAILED'))
            order by email_key limit $3
        )
    ) theirs
    order by email_key limit $3";

/// Whether it is one of the account, as above, is asked of this address alone.
const CLEAR_SUPPRESSION: &str = "
    with theirs as (
        select 1 from person join member on member.user_id = person.id where email_key = $2 and account_id = $1
        union all
        select 1 from second_address join member using (user_id) where email_key = $2 and account_id = $1
        union all
        select 1 from invite where email_key = $2 and account_id = $1 and state in ('PENDING', 'DELIVERY_FAILED')
    ), cleared as (
        delete from suppressed_address where email_key = $2 and exists (select from theirs)
    )
    select exists (select from theirs) as theirs";

/// What is asked for stands in queries of their own, as the ids of profiles do: so it is looked up, however much it is.
const KNOWN: &str = "
    select email_key as refused, null as slowed from suppressed_address
    where email_key = any(array(select unnest($1::text[])))
    union all
    select null, domain from mail_pace where domain = any(array(select unnest($2::text[]))) and learned is not null";

/// Puts mails into the outbox, in the transaction of what they tell.
///
/// # Errors
///
/// What the database says.
pub async fn put(on: &impl GenericClient, mails: &[New]) -> Result<()> {
    fn column<T>(mails: &[New], of: impl Fn(&New) -> T) -> Vec<T> {
        mails.iter().map(of).collect()
    }
    if mails.is_empty() {
        return Ok(());
    }
    db::text(
        on,
        PUT,
        &[
            &column(mails, |it| it.id),
            &column(mails, |it| it.account),
            &column(mails, |it| it.user),
            &column(mails, |it| it.kind.name()),
            &column(mails, |it| it.subject),
            &column(mails, |it| i64::from(!it.kind.transactional())),
            &column(mails, |it| secret::hex(&it.key[..16])),
            &column(mails, |it| it.dated_at),
        ],
    )
    .await?;
    Ok(())
}

/// Takes back what dead daemons had claimed.
pub(super) async fn reclaim(on: &impl GenericClient, unknowns_max: i64) -> Result<()> {
    db::text(on, RECLAIM, &[&unknowns_max]).await?;
    Ok(())
}

/// Lets nobody [`hold`] these mails until the transaction ends, which may take as long as the lease.
pub(super) async fn shield(tx: &Transaction<'_>, mails: &[Mail], lease: Duration) -> Result<()> {
    let ids: Vec<Uuid> = mails.iter().map(|it| it.id).collect();
    db::text(tx, SHIELD, &[&ids, &lease.as_millis().to_string()]).await?;
    Ok(())
}

/// Decides to send: from here on a daemon that dies leaves a mail of which nobody knows. Gives back those still ours.
pub(super) async fn begin(on: &impl GenericClient, mails: Vec<Mail>, lease: Duration) -> Result<Vec<Mail>> {
    let (ids, fences): (Vec<Uuid>, Vec<i64>) = mails.iter().map(|it| (it.id, it.fence)).collect();
    let begun = db::text(on, BEGIN, &[&ids, &fences, &lease.as_secs_f64()]).await?;
    let begun: Vec<Uuid> = begun.iter().map(|row| row.get("id")).collect();
    let ours = mails.into_iter().filter(|it| begun.contains(&it.id));
    Ok(ours.map(|it| Mail { attempts: it.attempts + 1, ..it }).collect())
}

/// Gives mails back that have not begun.
pub(super) async fn release(on: &impl GenericClient, mails: &[Mail], pause: Duration, reply: &str) -> Result<()> {
    let (ids, fences): (Vec<Uuid>, Vec<i64>) = mails.iter().map(|it| (it.id, it.fence)).collect();
    db::text(on, RELEASE, &[&ids, &fences, &pause.as_secs_f64(), &reply]).await?;
    Ok(())
}

/// Records what became of mails, of those that are still ours.
pub(super) async fn settle(on: &impl GenericClient, fates: &[(&Mail, &Fate)]) -> Result<()> {
    let column = |of: fn(&Mail) -> i64| fates.iter().map(|(mail, _)| of(mail)).collect::<Vec<_>>();
    let ids: Vec<Uuid> = fates.iter().map(|(mail, _)| mail.id).collect();
    let (states, replies): (Vec<&str>, Vec<&str>) = fates.iter().map(|(_, fate)| row(fate)).unzip();
    let paused = |fate: &Fate| if let Fate::Later(pause, _) = fate { Some(*pause) } else { None };
    let pause = |(mail, fate): &(&Mail, &Fate)| paused(fate).unwrap_or_else(|| pause(mail.attempts)).as_secs_f64();
    let pauses: Vec<f64> = fates.iter().map(pause).collect();
    let untried: Vec<i64> = fates.iter().map(|(_, fate)| i64::from(paused(fate).is_some())).collect();
    db::text(on, SETTLE, &[&ids, &column(|it| it.fence), &states, &replies, &pauses, &untried]).await?;
    Ok(())
}

/// The state of a mail with this fate, and what is said of it.
fn row(fate: &Fate) -> (&'static str, &str) {
    match fate {
        Fate::Later(_, why) => ("RETRY", why),
        Fate::Sent(reply) => ("SENT", reply),
        Fate::Retry(reply) => ("RETRY", reply),
        Fate::Failed(reply) => ("FAILED", reply),
        Fate::Suppressed(reply) => ("SUPPRESSED", reply),
        Fate::Unknown(reply) => ("UNKNOWN", reply),
    }
}

/// Holds all mails of `users` that have not gone, until the transaction ends: none of them begins before, so whatever
/// begins later is written with what the transaction decided. Waits for those that are about to begin, until the relay
/// hears them or will not: what takes a few commands of SMTP. So when the transaction has ended, all that was decided
/// before it is with the relay.
///
/// # Errors
///
/// What the database says.
pub async fn hold(on: &impl GenericClient, users: &[Uuid]) -> Result<()> {
    db::run(on, &held(users)).await?;
    Ok(())
}

/// The same for the end of a transaction, which comes as soon as they are held.
pub fn held(users: &[Uuid]) -> Statement<'static> {
    Statement::new("select id from mail where user_id = any($1) and ended_at is null order by id for update")
        .with(users.to_vec())
}

/// Waits for those mails of people whom `logs` reach that are about to begin, as [`hold`] does, and holds nothing: what was
/// committed before is heeded by every mail that begins after. It costs what daemons have in hand, however many the logs reach.
///
/// # Errors
///
/// What the database says.
pub async fn outlast(on: &impl GenericClient, logs: &[Uuid]) -> Result<()> {
    db::text(on, OUTLAST, &[&logs]).await?;
    Ok(())
}

/// Has those mails of `user` tried at once that wait to be tried again, and holds all of theirs as [`held`] does.
pub fn hasten(user: Uuid) -> [Statement<'static>; 2] {
    let hasten = "update mail set try_at = least(try_at, now())
        where user_id = $1 and ended_at is null and state = 'RETRY'";
    [held(&[user]), Statement::new(hasten).with(user)]
}

/// Ends all mails of `account` that have not begun, and lets those that have go this once, for the reason `why`.
///
/// # Errors
///
/// What the database says.
pub async fn withdraw(on: &impl GenericClient, account: Uuid, why: &str) -> Result<()> {
    db::text(on, WITHDRAW, &[&account, &why]).await?;
    Ok(())
}

/// How many mails have not ended.
///
/// # Errors
///
/// What the database says.
pub async fn waiting(on: &impl GenericClient) -> Result<i64> {
    let count = "select count(*) as waiting from mail where ended_at is null";
    Ok(db::text(on, count, &[]).await?[0].get("waiting"))
}

/// What is known of where mails are to go.
pub(super) struct Known {
    /// The addresses that the relay has said do not exist.
    pub refused: HashSet<String>,
    /// The domains of which the relay has asked for less.
    pub slowed: HashSet<String>,
}

/// What is known of `addresses` and of `domains`.
pub(super) async fn known(on: &impl GenericClient, addresses: &[String], domains: &[String]) -> Result<Known> {
    let rows = db::text(on, KNOWN, &[&addresses, &domains]).await?;
    let column = |name| rows.iter().filter_map(|row| row.get(name)).collect();
    Ok(Known { refused: column("refused"), slowed: column("slowed") })
}

/// The addresses of the people of `account`, and of those it has invited, of which the relay has said that they do not
/// exist: after the address `after`, `fetch` at most.
///
/// # Errors
///
/// What the database says.
pub async fn suppressions(
    on: &impl GenericClient,
    account: Uuid,
    after: Option<&str>,
    fetch: i64,
) -> Result<Vec<Suppression>> {
    // None of them is empty.
    let rows = db::text(on, SUPPRESSIONS, &[&account, &after.unwrap_or_default(), &fetch]).await?;
    let suppression = |row: &Row| Suppression {
        email: row.get("email_key"),
        reason: row.get("reason"),
        since: row.get("created_at"),
    };
    Ok(rows.iter().map(suppression).collect())
}

/// Lets mail go to the address with this key again, if it is one of `account`; returns whether it is.
///
/// # Errors
///
/// What the database says.
pub async fn clear_suppression(on: &impl GenericClient, account: Uuid, email_key: &str) -> Result<bool> {
    Ok(db::text(on, CLEAR_SUPPRESSION, &[&account, &email_key]).await?[0].get("theirs"))
}

/// Notes that an address does not exist.
pub(super) async fn suppress(on: &impl GenericClient, address: &str, reason: &str) -> Result<()> {
    let insert = "insert into suppressed_address (email_key, reason) values ($1, $2) on conflict do nothing";
    db::text(on, insert, &[&address, &reason]).await?;
    Ok(())
}
