//! What the table `invite` has of what inviters are told.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::{Ended, Told};
use crate::{
    access::AccountRole,
    db::{self, GenericClient, Row},
    error::Result,
    invite::State,
    mail::reader::Reader,
    outbox,
};

/// Looks at failed mails alone, of which there are few, and never at one that was followed by another or withdrawn. In the
/// order of ids, so that daemons do not block each other.
const UNDELIVERED: &str = "
    with lost as (
        select invite.id, mail.reply
        from mail join invite on invite.id = mail.subject_id and invite.mail_id = mail.id
        where mail.kind = 'INVITE' and mail.state in ('FAILED', 'SUPPRESSED') and not mail.withdrawn
            and now() - make_interval(secs => $2::float8) < mail.ended_at
            and invite.state = 'PENDING' and $1 < invite.expires_at
        order by invite.id for update of invite
    )
    update invite set state = 'DELIVERY_FAILED', ended_at = $1, end_reason = lost.reply, revision = revision + 1
    from lost where invite.id = lost.id
    returning invite.id, invite.account_id, invite.inviter_id, invite.turn, invite.state";

/// How far back mails are looked at that nobody gets: longer than any daemon is away.
const UNDELIVERED_WITHIN: Duration = Duration::from_hours(14 * 24);

const ANNOUNCE: &str = "
    update invite set notice_id = it.notice_id
    from unnest($1::uuid[], $2::uuid[]) as it (id, notice_id)
    where invite.id = it.id";

/// Whoever turned everything off, is disabled or has left the account is told nothing, and of a deactivated one nobody is.
const TOLD: &str = "
    select invite.id, invite.notice_id, invite.state, invite.email, invite.account_role, invite.ended_at,
        invite.end_reason, account.name as account_name, inviter.email as inviter_email,
        coalesce(nullif(profile.time_zone, ''), account.time_zone) as time_zone,
        coalesce(profile.locale, '') as locale, coalesce(profile.time_format, '') as time_format,
        coalesce(nullif(btrim(concat_ws(' ', theirs.first_name, theirs.last_name)), ''), invite.email) as name
    from invite
    join account on account.id = invite.account_id and account.deactivated_at is null
    join person inviter on inviter.id = invite.inviter_id and inviter.disabled_at is null
    join member on member.account_id = invite.account_id and member.user_id = invite.inviter_id
    left join profile on profile.user_id = invite.inviter_id
    left join recipient on recipient.user_id = invite.inviter_id
    left join person invited on invited.email_key = invite.email_key
    left join profile theirs on theirs.user_id = coalesce(invite.accepted_by, invited.id)
    where invite.id = any($1) and invite.notice_id is not null and invite.ended_at is not null
        and coalesce(recipient.notifications_enabled, true)";

/// Ends pending invites whose mail reaches nobody.
pub(super) async fn undelivered(on: &impl GenericClient, now: Timestamp) -> Result<Vec<Ended>> {
    let ended = |row: &Row| Ended {
        id: row.get("id"),
        account: row.get("account_id"),
        inviter: row.get("inviter_id"),
        turn: row.get("turn"),
        state: state(row),
    };
    Ok(db::text(on, UNDELIVERED, &[&now, &UNDELIVERED_WITHIN.as_secs_f64()]).await?.iter().map(ended).collect())
}

/// Writes down by which mails the inviters of what they tell are told.
pub(super) async fn announce(on: &impl GenericClient, mails: &[outbox::New]) -> Result<()> {
    let (invites, ids): (Vec<Uuid>, Vec<Uuid>) = mails.iter().map(|it| (it.subject, it.id)).unzip();
    db::text(on, ANNOUNCE, &[&invites, &ids]).await?;
    Ok(())
}

/// What the inviters of those among `invites` are told that have ended.
pub(super) async fn told(on: &impl GenericClient, invites: &[Uuid]) -> Result<Vec<Told>> {
    let told = |row: &Row| Told {
        invite: row.get("id"),
        mail: row.get("notice_id"),
        state: state(row),
        to: row.get("inviter_email"),
        reader: Reader::of(row.get("time_zone"), row.get("locale"), row.get("time_format")),
        account_name: row.get("account_name"),
        account_role: AccountRole::named(row.get("account_role")).expect("the table checks `account_role`"),
        email: row.get("email"),
        name: row.get("name"),
        at: row.get("ended_at"),
        reason: row.get("end_reason"),
    };
    Ok(db::text(on, TOLD, &[&invites]).await?.iter().map(told).collect())
}

fn state(row: &Row) -> State {
    State::named(row.get("state")).expect("the table checks `state`")
}
