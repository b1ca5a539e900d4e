//! What the database has of an event and a person. One statement, once it is known which log it is in; writes nothing.

use jiff::Timestamp;
use uuid::Uuid;

use super::{Asked, Event, Facts, Log, Mail, Settled, State, Subscribed};
use crate::{
    activity::Reason,
    db::{self, GenericClient, Row},
    error::{Error, Kind, Result},
    subscription::{self, Cadence, Cause, Delivery, OfAccount, Outcome, Recipient, Source, schedule::Beat},
};

/// What concerns a person is settled by its own row, unless they heard of the WorkCenter but as an administrator; everything
/// else by the ranges of their settlements in the account, which
/// the index of their slots finds. `offset 0`: whether the WorkCenter is large is asked of it alone.
const FIND: &str = "
    select activity.kind, activity.occurred_at, activity.actor_id, activity.audience = 'NAMED' as named,
        activity.retracted_at, head.floor, head.closed is not null as closed, head.due_at,
        subscription.delivery, subscription.cadence, subscription.administrator_from < $2 as as_administrator,
        subscription.start_seq, subscription.cursor, subscription.ended_at,
        coalesce(subscription.begun_at, collaborator.created_at) as begun_at, account.default_delivery as of_account,
        exists (select from workcenter where workcenter.id = head.log_id and large offset 0) as large,
        coalesce(recipient.notifications_enabled, true) as enabled,
        coalesce(recipient.default_delivery, 'INHERIT') as default_delivery,
        coalesce(recipient.digest_frequency, 'DAILY') as frequency,
        coalesce(recipient.addressed_items = 'WITH_DIGEST', false) as with_digest,
        coalesce(recipient.own_activity, false) as own_activity, addressee.reason, addressee.outcome,
        exists (select from addressee mine where mine.log_id = $1 and mine.seq = $2 and mine.user_id = $4) as mine,
        settled.cause, settled.settled_at, settled.from_seq, settled.to_seq, settled.own,
        mail.state, mail.attempts, mail.message_id, mail.created_at, mail.try_at, mail.ended_at as mail_ended_at,
        mail.reply, planned.next_at as digest_at, catch_up.next_at as catch_up_at,
        recipient.pause_from as away_at, back.next_at as back_at
    from activity_head head
    join account on account.id = head.account_id
    left join activity on activity.log_id = head.log_id and activity.seq = $2
    left join subscription on subscription.user_id = $3 and subscription.log_id = head.log_id
    left join collaborator on collaborator.workcenter_id = head.log_id and collaborator.user_id = $3
    left join recipient on recipient.user_id = $3
    left join addressee on addressee.log_id = head.log_id and addressee.seq = $2 and addressee.user_id = $3
        and (subscription.administrator_from < $2) is not true
    left join lateral (
        select cause, settled_at, mail_id, null::bigint as from_seq, null::bigint as to_seq,
            null::bigint as own
        from settlement where settlement.id = addressee.settlement_id
        union all
        select cause, settled_at, mail_id, range.from_seq, range.to_seq, range.own
        from settlement
        cross join lateral unnest(settlement.subscription_ids, settlement.from_seq, settlement.to_seq, settlement.own)
            as range(subscription_id, from_seq, to_seq, own)
        where addressee.user_id is null and settlement.account_id = head.account_id and settlement.user_id = $3
            and range.subscription_id = subscription.id and range.from_seq < $2 and $2 <= range.to_seq
        limit 1
    ) settled on true
    left join mail on mail.id = settled.mail_id
    left join digest_schedule planned on planned.account_id = head.account_id and planned.user_id = $3
        and planned.cadence = subscription.cadence
    left join digest_schedule catch_up on catch_up.account_id = head.account_id and catch_up.user_id = $3
        and catch_up.cadence = 'CATCHUP'
    left join digest_schedule back on back.account_id = head.account_id and back.user_id = $3
        and back.cadence = 'RETURN'
    where head.log_id = $1";

/// All there is of what is asked, for `caller`.
///
/// # Errors
///
/// [`Error::NotFound`] when there is no such WorkCenter, or nothing in the person's own log.
pub(in crate::preference) async fn find(on: &impl GenericClient, asked: &Asked, caller: Uuid) -> Result<Facts> {
    let log = match asked.log {
        Log::WorkCenter(id) => Some(id),
        Log::Own(account) => subscription::find_own(on, &[(account, asked.user)]).await?.into_values().next(),
    };
    let rows = db::text(on, FIND, &[&log, &asked.seq, &asked.user, &caller]).await?;
    let missing = || match asked.log {
        Log::WorkCenter(id) => Error::NotFound(Kind::WorkCenter, id.to_string()),
        Log::Own(_) => Error::NotFound(Kind::Event, asked.seq.to_string()),
    };
    let row = rows.first().ok_or_else(missing)?;
    let reason = row.get::<_, Option<&str>>("reason").and_then(Reason::named);
    let outcome = row.get::<_, Option<&str>>("outcome").and_then(Outcome::named);
    Ok(Facts {
        asked: *asked,
        event: event(row),
        floor: row.get("floor"),
        closed: row.get("closed"),
        subscribed: subscribed(row, asked.user),
        concern: reason.map(|it| (it, outcome)),
        concerns_caller: row.get("mine"),
        with_digest: row.get("with_digest"),
        own_activity: row.get("own_activity"),
        settled: settled(row),
        mail: mail(row),
        immediate_at: row.get("due_at"),
        digest_at: row.get("digest_at"),
        catch_up_at: row.get("catch_up_at"),
        away: row.get::<_, Option<_>>("away_at").zip(row.get("back_at")),
    })
}

fn event(row: &Row) -> Option<Event> {
    Some(Event {
        kind: row.get::<_, Option<String>>("kind")?,
        occurred_at: row.get("occurred_at"),
        actor: row.get("actor_id"),
        named: row.get("named"),
        retracted_at: row.get("retracted_at"),
    })
}

fn subscribed(row: &Row, user: Uuid) -> Option<Subscribed> {
    let delivery = |column| row.get::<_, Option<&str>>(column).and_then(Delivery::named);
    let recipient = Recipient {
        enabled: row.get("enabled"),
        frequency: Beat::named(row.get("frequency"))?,
        default: delivery("default_delivery")?,
        ..Recipient::new(user)
    };
    let as_administrator = row.get::<_, Option<_>>("as_administrator").unwrap_or_default();
    let source = match as_administrator && recipient.enabled {
        true => Source::Administrator,
        false => {
            let of_account = OfAccount { default: delivery("of_account")?, large: row.get("large") };
            recipient.effective(delivery("delivery")?, of_account).1
        }
    };
    Some(Subscribed {
        // Kept in step with what is set.
        cadence: Cadence::named(row.get("cadence"))?,
        source,
        as_administrator,
        start: row.get("start_seq"),
        cursor: row.get("cursor"),
        begun_at: row.get("begun_at"),
        ended_at: row.get("ended_at"),
    })
}

fn settled(row: &Row) -> Option<Settled> {
    let (from, to): (Option<i64>, Option<i64>) = (row.get("from_seq"), row.get("to_seq"));
    Some(Settled {
        cause: Cause::named(row.get::<_, Option<&str>>("cause")?)?,
        at: row.get::<_, Timestamp>("settled_at"),
        range: from.zip(to),
        own_apart: row.get::<_, Option<i64>>("own").is_some_and(|it| it > 0),
    })
}

fn mail(row: &Row) -> Option<Mail> {
    let state = match row.get::<_, Option<&str>>("state")? {
        "SENDING" => State::Sending,
        "RETRY" => State::Retry,
        "UNKNOWN" => State::Unknown,
        "SENT" => State::Sent,
        "FAILED" => State::Failed,
        "SUPPRESSED" => State::Suppressed,
        _ => State::Pending,
    };
    Some(Mail {
        state,
        attempts: row.get("attempts"),
        message_id: row.get("message_id"),
        created_at: row.get("created_at"),
        try_at: row.get("try_at"),
        ended_at: row.get("mail_ended_at"),
        reply: row.get("reply"),
    })
}
