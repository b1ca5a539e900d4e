//! `ExplainNotification` on the wire.

use uuid::Uuid;

use super::{Asked, Event, Log, Mail, Settled, State, Told, Why};
use crate::{
    activity::Reason,
    auth::Caller,
    error::{Error, Result, Violations},
    ids,
    pb::{self, NotificationOutcome},
    preference::choice::cadence,
    subscription::Cause,
};

/// Of whom and what `caller` asks.
pub(in crate::preference) fn asked(caller: &Caller, request: &pb::ExplainNotificationRequest) -> Result<Asked> {
    let me = caller.person().unwrap_or(Uuid::nil());
    let mut violations = Violations::default();
    let user = violations.take(ids::person("user_id", &request.user_id, me));
    let mut id = |field, sent| violations.take(ids::parse(field, sent));
    let log = match request.account_id.as_str() {
        "" => id("workcenter_id", &request.workcenter_id).map(Log::WorkCenter),
        account => id("account_id", account).map(Log::Own),
    };
    if !request.account_id.is_empty() && !request.workcenter_id.is_empty() {
        violations.add("workcenter_id", "must be left out when account_id is set");
    }
    if request.seq < 1 {
        violations.add("seq", "must be the number of an event");
    }
    violations.none()?;
    let (user, log) = user.zip(log).ok_or_else(|| Error::internal("both were checked"))?;
    Ok(Asked { user, log, seq: request.seq })
}

/// What is told, with Message-IDs of `domain`.
pub(in crate::preference) fn answer(told: Told, domain: &str) -> pb::ExplainNotificationResponse {
    let (kind, occurred_at) = told.event.map(|Event { kind, occurred_at, .. }| (kind, occurred_at)).unzip();
    let live = told.subscribed.filter(|it| it.ended_at.is_none());
    pb::ExplainNotificationResponse {
        outcome: outcome(told.why).into(),
        explanation: told.says,
        kind: kind.unwrap_or_default(),
        occur_time: occurred_at.map(pb::time),
        reason: told.reason.map(reason).unwrap_or_default().into(),
        subscribed: told.was_subscribed,
        subscribe_time: told.subscribed.and_then(|it| it.begun_at).map(pb::time),
        end_time: told.subscribed.and_then(|it| it.ended_at).map(pb::time),
        effective_delivery: live.map(|it| cadence(it.cadence)).unwrap_or_default().into(),
        source: live.map(|it| pb::DeliverySource::from(it.source)).unwrap_or_default().into(),
        expect_time: told.expected_at.map(pb::time),
        settlement: told.settled.map(settlement),
        mail: told.mail.map(|it| mail(it, domain)),
    }
}

fn outcome(why: Why) -> NotificationOutcome {
    match why {
        Why::WillBeSent => NotificationOutcome::WillBeSent,
        Why::WaitsForDigest => NotificationOutcome::WaitsForDigest,
        Why::WaitsForReturn => NotificationOutcome::WaitsForReturn,
        Why::InOutbox => NotificationOutcome::InOutbox,
        Why::Sent => NotificationOutcome::Sent,
        Why::Unknown => NotificationOutcome::DeliveryUnknown,
        Why::Failed => NotificationOutcome::DeliveryFailed,
        Why::LeftOut => NotificationOutcome::LeftOutAtSend,
        Why::Suppressed => NotificationOutcome::Suppressed,
        Why::Off => NotificationOutcome::NotificationsOff,
        Why::Own => NotificationOutcome::Own,
        Why::Hidden => NotificationOutcome::Hidden,
        Why::Retracted => NotificationOutcome::Retracted,
        Why::NotSubscribed => NotificationOutcome::NotSubscribed,
        Why::BeforeJoining => NotificationOutcome::BeforeJoining,
        Why::AfterLeaving => NotificationOutcome::AfterLeaving,
        Why::Confidential => NotificationOutcome::Confidential,
    }
}

fn reason(reason: Reason) -> pb::AddresseeReason {
    match reason {
        Reason::Notice => pb::AddresseeReason::Notice,
        Reason::Mention => pb::AddresseeReason::Mention,
        Reason::Assignment => pb::AddresseeReason::Assignment,
        Reason::Approval => pb::AddresseeReason::Approval,
    }
}

fn settlement(settled: Settled) -> pb::NotificationSettlement {
    let cause = match settled.cause {
        Cause::Immediate => pb::SettlementCause::Immediate,
        Cause::Daily => pb::SettlementCause::Daily,
        Cause::Weekly => pb::SettlementCause::Weekly,
        Cause::CatchUp => pb::SettlementCause::CatchUp,
        Cause::Returned => pb::SettlementCause::Returned,
        Cause::Suppressed => pb::SettlementCause::Suppressed,
        Cause::Resumed => pb::SettlementCause::Resumed,
        Cause::Left => pb::SettlementCause::Left,
    };
    let (first_seq, last_seq) = settled.range.map(|(from, to)| (from + 1, to)).unwrap_or_default();
    pb::NotificationSettlement { cause: cause.into(), settle_time: Some(pb::time(settled.at)), first_seq, last_seq }
}

fn mail(mail: Mail, domain: &str) -> pb::NotificationMail {
    let state = match mail.state {
        State::Pending => pb::MailState::Pending,
        State::Sending => pb::MailState::Sending,
        State::Retry => pb::MailState::Retry,
        State::Unknown => pb::MailState::Unknown,
        State::Sent => pb::MailState::Sent,
        State::Failed => pb::MailState::Failed,
        State::Suppressed => pb::MailState::Suppressed,
    };
    let waits = matches!(mail.state, State::Pending | State::Retry | State::Unknown);
    pb::NotificationMail {
        state: state.into(),
        attempts: mail.attempts,
        message_id: format!("{}@{domain}", mail.message_id),
        create_time: Some(pb::time(mail.created_at)),
        sent_time: mail.ended_at.filter(|_| mail.state == State::Sent).map(pb::time),
        retry_time: waits.then(|| pb::time(mail.try_at)),
        reply: mail.reply,
    }
}
