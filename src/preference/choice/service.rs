//! What people choose, on the wire: read from requests and shown in answers.

use std::collections::{HashMap, HashSet};

use jiff::{Timestamp, civil::Weekday, tz::TimeZone};
use uuid::Uuid;

use super::{Away, Change, PATHS};
use crate::{
    error::{Error, Reason, Result, Violation, Violations},
    identity::Second,
    ids, mask, pb,
    subscription::{AddressedItems, Cadence, Delivery, Next, Placed, Recipient, Source, schedule, schedule::Beat},
};

/// The days of a week as the wire has them, Monday first.
const WEEK: [(pb::Weekday, Weekday); 7] = [
    (pb::Weekday::Monday, Weekday::Monday),
    (pb::Weekday::Tuesday, Weekday::Tuesday),
    (pb::Weekday::Wednesday, Weekday::Wednesday),
    (pb::Weekday::Thursday, Weekday::Thursday),
    (pb::Weekday::Friday, Weekday::Friday),
    (pb::Weekday::Saturday, Weekday::Saturday),
    (pb::Weekday::Sunday, Weekday::Sunday),
];

/// Rows of a batch, as of all batches: what somebody has on one screen, however many WorkCenters they are in.
const ROWS_MAX: usize = 1_000;

/// What a batch sets.
pub(in crate::preference) enum Batch {
    /// This, for every WorkCenter.
    All(Delivery),
    /// For each of these WorkCenters its own.
    Each(Vec<(Uuid, Delivery)>),
}

/// What a batch asks for; everything that is wrong with it is said at once.
pub(in crate::preference) fn batch(request: &pb::BatchUpdateWorkCenterPreferencesRequest) -> Result<Batch> {
    let mut violations = Violations::default();
    if request.all != 0 {
        if !request.rows.is_empty() {
            violations.add("rows", "must be empty when all are set");
        }
        let delivery = violations.take(delivery("all", request.all));
        violations.none()?;
        return delivery.map(Batch::All).ok_or_else(|| Error::internal("it was checked"));
    }
    if !(1..=ROWS_MAX).contains(&request.rows.len()) {
        violations.add("rows", format!("must be 1 to {ROWS_MAX}, or all must be set"));
    }
    let (mut rows, mut named) = (Vec::new(), HashSet::new());
    for (at, row) in request.rows.iter().enumerate().take(ROWS_MAX) {
        let id = violations.take(ids::parse(&format!("rows[{at}].workcenter_id"), &row.workcenter_id));
        let delivery = violations.take(delivery(&format!("rows[{at}].delivery"), row.delivery));
        if id.is_some_and(|it| !named.insert(it)) {
            violations.add(format!("rows[{at}].workcenter_id"), "must be in one row only");
        }
        rows.extend(id.zip(delivery));
    }
    violations.none()?;
    Ok(Batch::Each(rows))
}

/// What is set for the WorkCenters of `rows`, in their order.
pub(in crate::preference) fn in_order(rows: &[(Uuid, Delivery)], placed: Vec<Placed>) -> Result<Vec<Placed>> {
    let mut placed: HashMap<Uuid, Placed> = placed.into_iter().map(|it| (it.workcenter, it)).collect();
    let mut violations = Violations::default();
    let ordered = rows.iter().enumerate().filter_map(|(at, (id, _))| {
        let field = format!("rows[{at}].workcenter_id");
        let missing = || Violation::new(field, "must be a WorkCenter that you collaborate in");
        violations.take(placed.remove(id).ok_or_else(|| missing().because(Reason::WorkcenterNotFound)))
    });
    let ordered = ordered.collect();
    violations.none()?;
    Ok(ordered)
}

/// What a request sets; everything that is wrong with it is said at once, here or when it meets what was.
pub(in crate::preference) fn change(request: &pb::UpdatePreferencesRequest, now: Timestamp) -> Result<Change> {
    let sent = request.preferences.clone().unwrap_or_default();
    let mut violations = Violations::default();
    let is_set = |path: &str| match path {
        "notifications_enabled" => sent.notifications_enabled,
        "digest_frequency" => sent.digest_frequency != 0,
        "digest_time" => !sent.digest_time.is_empty(),
        "weekly_day" => sent.weekly_day != 0,
        "daily_days" => !sent.daily_days.is_empty(),
        "default_delivery" => sent.default_delivery != 0,
        "pause" => sent.pause.is_some(),
        "own_activity" => sent.own_activity,
        "redact_content" => sent.redact_content,
        _ => sent.addressed_items != 0,
    };
    let paths = request.update_mask.as_ref().map(|it| it.paths.as_slice()).unwrap_or_default();
    let mut change = Change::default();
    for path in mask::fields(paths, &PATHS, is_set, &mut violations) {
        match path {
            "notifications_enabled" => change.enabled = Some(sent.notifications_enabled),
            "digest_frequency" => change.frequency = violations.take(frequency(sent.digest_frequency)),
            "digest_time" => change.time = Some(sent.digest_time.clone()),
            "weekly_day" => change.weekday = violations.take(weekday("preferences.weekly_day", sent.weekly_day)),
            "daily_days" => {
                let days = sent.daily_days.iter().map(|it| weekday("preferences.daily_days", *it));
                change.days = violations.take(days.collect());
            }
            "default_delivery" => {
                change.default = violations.take(delivery("preferences.default_delivery", sent.default_delivery));
            }
            "redact_content" => change.redact_content = Some(sent.redact_content),
            "own_activity" => change.own_activity = Some(sent.own_activity),
            "pause" => change.pause = violations.take(sent.pause.as_ref().map(away).transpose()),
            _ => change.addressed = violations.take(addressed(sent.addressed_items)),
        }
    }
    // What needs no past is checked with the rest, so that all of it is said at once.
    if let Err(Error::Invalid(more)) = change.clone().onto(Recipient::new(Uuid::nil()), now) {
        violations.extend(more);
    }
    violations.none()?;
    Ok(change)
}

fn frequency(sent: i32) -> Result<Beat, Violation> {
    match pb::DigestFrequency::try_from(sent) {
        Ok(pb::DigestFrequency::Daily) => Ok(Beat::Daily),
        Ok(pb::DigestFrequency::Weekly) => Ok(Beat::Weekly),
        _ => Err(Violation::new("preferences.digest_frequency", "must be daily or weekly")),
    }
}

fn weekday(field: &str, sent: i32) -> Result<Weekday, Violation> {
    let found = WEEK.into_iter().find(|(wire, _)| i32::from(*wire) == sent);
    found.map(|(_, day)| day).ok_or_else(|| Violation::new(field, "must be a day of the week"))
}

pub(in crate::preference) fn delivery(field: &str, sent: i32) -> Result<Delivery, Violation> {
    let known = pb::Delivery::try_from(sent).ok().and_then(|it| it.try_into().ok());
    known.ok_or_else(|| Violation::new(field, "must be one of the deliveries"))
}

fn addressed(sent: i32) -> Result<AddressedItems, Violation> {
    match pb::AddressedItems::try_from(sent) {
        Ok(pb::AddressedItems::Immediate) => Ok(AddressedItems::Immediate),
        Ok(pb::AddressedItems::WithDigest) => Ok(AddressedItems::WithDigest),
        _ => Err(Violation::new("preferences.addressed_items", "must be immediate or with the digest")),
    }
}

fn away(sent: &pb::Pause) -> Result<Away, Violation> {
    let refused = |name: &str| Violation::new(format!("preferences.pause.{name}"), "must be an instant");
    let from = sent.from.as_ref().map(|it| pb::instant(it).ok_or_else(|| refused("from")));
    let to = sent.to.as_ref().map(|it| pb::instant(it).ok_or_else(|| refused("to")));
    Ok(Away { from: from.transpose()?, to: to.transpose()? })
}

pub(in crate::preference) fn etag(recipient: &Recipient) -> String {
    format!("\"{}\"", recipient.revision)
}

pub(in crate::preference) fn preferences(
    it: &Recipient,
    next: &[Next],
    second: Second,
    now: Timestamp,
) -> pb::Preferences {
    let day = |day: Weekday| WEEK.into_iter().find(|(_, ours)| *ours == day).map(|(wire, _)| wire.into());
    let frequency = match it.frequency {
        Beat::Daily => pb::DigestFrequency::Daily,
        Beat::Weekly => pb::DigestFrequency::Weekly,
    };
    let addressed = match it.addressed {
        AddressedItems::Immediate => pb::AddressedItems::Immediate,
        AddressedItems::WithDigest => pb::AddressedItems::WithDigest,
    };
    let pause = it.pause.filter(|it| now < it.to);
    pb::Preferences {
        notifications_enabled: it.enabled,
        digest_frequency: frequency.into(),
        digest_time: format!("{:02}:{:02}", it.minute / 60, it.minute % 60),
        weekly_day: day(it.weekday).unwrap_or_default(),
        daily_days: WEEK.into_iter().filter(|(_, day)| it.days.includes(*day)).map(|(wire, _)| wire.into()).collect(),
        default_delivery: pb::Delivery::from(it.default).into(),
        addressed_items: addressed.into(),
        etag: etag(it),
        next_digests: next.iter().map(next_digest).collect(),
        pause: pause.map(|it| pb::Pause { from: Some(pb::time(it.from)), to: Some(pb::time(it.to)) }),
        own_activity: it.own_activity,
        redact_content: it.redact_content,
        notification_email: second.email,
        notification_email_suppressed: second.is_suppressed,
        pending_notification_email: second.pending,
    }
}

pub(in crate::preference) fn next_digest(next: &Next) -> pb::NextDigest {
    let zone = schedule::zone(&next.zone).unwrap_or(TimeZone::UTC);
    pb::NextDigest {
        account_id: next.account.to_string(),
        cadence: cadence(Cadence::Digest(next.beat)).into(),
        next_digest_at: Some(pb::time(next.at)),
        next_digest_local: next.at.to_zoned(zone).to_string(),
    }
}

pub(in crate::preference) fn preference(recipient: &Recipient, placed: Placed) -> pb::WorkCenterPreference {
    let (effective, source) = recipient.effective(placed.delivery, placed.of_account);
    pb::WorkCenterPreference {
        workcenter_id: placed.workcenter.to_string(),
        workcenter_name: placed.name,
        delivery: pb::Delivery::from(placed.delivery).into(),
        effective_delivery: cadence(effective).into(),
        source: pb::DeliverySource::from(source).into(),
    }
}

impl From<Source> for pb::DeliverySource {
    fn from(source: Source) -> Self {
        match source {
            Source::WorkCenter => Self::Workcenter,
            Source::Default => Self::Default,
            Source::Account => Self::Account,
            Source::LargeWorkCenter => Self::LargeWorkcenter,
            Source::SwitchedOff => Self::SwitchedOff,
            Source::Administrator => Self::Administrator,
        }
    }
}

impl From<Delivery> for pb::Delivery {
    fn from(delivery: Delivery) -> Self {
        match delivery {
            Delivery::Inherit => Self::Inherit,
            Delivery::Immediate => Self::Immediate,
            Delivery::Digest => Self::Digest,
            Delivery::Daily => Self::Daily,
            Delivery::Weekly => Self::Weekly,
            Delivery::Off => Self::Off,
        }
    }
}

/// Nothing is said by one that is not set.
impl TryFrom<pb::Delivery> for Delivery {
    type Error = ();

    fn try_from(delivery: pb::Delivery) -> Result<Self, ()> {
        match delivery {
            pb::Delivery::Unspecified => Err(()),
            pb::Delivery::Inherit => Ok(Self::Inherit),
            pb::Delivery::Immediate => Ok(Self::Immediate),
            pb::Delivery::Digest => Ok(Self::Digest),
            pb::Delivery::Daily => Ok(Self::Daily),
            pb::Delivery::Weekly => Ok(Self::Weekly),
            pb::Delivery::Off => Ok(Self::Off),
        }
    }
}

pub(in crate::preference) fn cadence(cadence: Cadence) -> pb::Delivery {
    match cadence {
        Cadence::Immediate => pb::Delivery::Immediate,
        Cadence::Digest(Beat::Daily) => pb::Delivery::Daily,
        Cadence::Digest(Beat::Weekly) => pb::Delivery::Weekly,
        Cadence::Off => pb::Delivery::Off,
    }
}
