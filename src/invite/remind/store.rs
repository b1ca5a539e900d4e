//! What the table `invite` has of reminders.

use jiff::Timestamp;

use super::{Before, Due, Seen};
use crate::{
    access::{AccountRole, WorkCenterRole},
    db::{self, GenericClient, Row},
    error::Result,
    invite::rights::Right,
    workcenter::Place,
};

/// What others have locked is theirs: it is being answered, or another daemon looks at it, or its account is being
/// changed. An inviter who is disabled offers nothing, nor does anybody of a deactivated account. A mail that was
/// withdrawn is not in the way.
const DUE: &str = "
    select invite.id, invite.account_id, invite.account_role, invite.turn, invite.expires_at, invite.remind_at,
        coalesce(invite.resent_at[cardinality(invite.resent_at)], invite.created_at) as sent_at,
        (select person.id from person where person.email_key = invite.email_key) as invited,
        (select mail.state from mail where mail.id = invite.mail_id and not mail.withdrawn) as mail_state,
        case when account.deactivated_at is null then (
            select member.role from member join person on person.id = member.user_id and person.disabled_at is null
            where member.account_id = invite.account_id and member.user_id = invite.inviter_id
        ) end as inviter_role,
        array(select workcenter_id from invite_workcenter
            where invite_id = invite.id order by workcenter_id) as workcenters,
        array(select role from invite_workcenter
            where invite_id = invite.id order by workcenter_id) as roles,
        array(select collaborator.role from invite_workcenter place
            left join collaborator on collaborator.workcenter_id = place.workcenter_id
                and collaborator.user_id = invite.inviter_id
            where place.invite_id = invite.id order by place.workcenter_id) as inviter_roles
    from invite join account on account.id = invite.account_id
    where invite.state = 'PENDING' and invite.remind_at <= $1
    order by invite.remind_at
    limit $2
    for update of invite skip locked for share of account skip locked";

const SEEN: &str = "
    update invite set remind_at = it.remind_at, mail_id = coalesce(it.mail_id, invite.mail_id),
        reminder_id = coalesce(it.mail_id, invite.reminder_id)
    from unnest($1::uuid[], $2::timestamptz[], $3::uuid[]) as it (id, remind_at, mail_id)
    where invite.id = it.id";

/// At most `most` pending invites of whose reminder it is time at `now`, locked; those that wait for the longest first.
pub(super) async fn due(on: &impl GenericClient, now: Timestamp, most: i64) -> Result<Vec<Due>> {
    Ok(db::text(on, DUE, &[&now, &most]).await?.iter().map(invite).collect())
}

/// Writes down what became of invites that were due.
pub(super) async fn seen(on: &impl GenericClient, seen: &[Seen]) -> Result<()> {
    let ids: Vec<_> = seen.iter().map(|it| it.id).collect();
    let next: Vec<_> = seen.iter().map(|it| it.remind_at).collect();
    let mails: Vec<_> = seen.iter().map(|it| it.mail).collect();
    db::text(on, SEEN, &[&ids, &next, &mails]).await?;
    Ok(())
}

fn invite(row: &Row) -> Due {
    let workcenters: Vec<uuid::Uuid> = row.get("workcenters");
    let inviter_roles: Vec<Option<&str>> = row.get("inviter_roles");
    let theirs = inviter_roles.into_iter().map(|it| it.and_then(WorkCenterRole::named));
    let role = |name: &str| WorkCenterRole::named(name).expect("the table checks `role`");
    let roles = row.get::<_, Vec<&str>>("roles").into_iter().map(role);
    Due {
        id: row.get("id"),
        account: row.get("account_id"),
        account_role: AccountRole::named(row.get("account_role")).expect("the table checks `account_role`"),
        invited: row.get("invited"),
        turn: row.get("turn"),
        sent_at: row.get("sent_at"),
        expires_at: row.get("expires_at"),
        remind_at: row.get("remind_at"),
        mail: match row.get("mail_state") {
            // One that nobody knows of is not in the way.
            Some("SENT") | None => Before::Sent,
            Some("FAILED" | "SUPPRESSED") => Before::Lost,
            Some(_) => Before::Waits,
        },
        places: workcenters.iter().zip(roles).map(|(id, role)| Place { workcenter: *id, role }).collect(),
        right: Right {
            account_role: row.get::<_, Option<&str>>("inviter_role").and_then(AccountRole::named),
            workcenters: workcenters.iter().copied().zip(theirs).collect(),
        },
    }
}
