//! The dates of the copies of tasks: computed once for a job, from what the template has when it begins.

mod store;

use std::collections::HashMap;

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use uuid::Uuid;

use super::{
    code::Code,
    date::{self, Anchor, Dates, Rule, Task, Working},
    run::Timing,
};
use crate::{
    db::GenericClient,
    error::{Error, Reason, Result},
    subscription::schedule::{self, Days},
    workcenter,
};

/// When the copy of a task begins and is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Set {
    pub starts_at: Option<Timestamp>,
    pub due_at: Option<Timestamp>,
    pub zone: String,
    /// What there is to say of it.
    pub code: Option<Code>,
}

/// Keeps the dates that a job gives to tasks.
///
/// # Errors
///
/// As [`of`].
pub(super) async fn keep(
    on: &impl GenericClient,
    job: Uuid,
    (template, into): (Uuid, Uuid),
    timing: &Timing,
) -> Result<()> {
    store::date(on, job, &of(on, template, timing, into).await?).await
}

/// When the copies of the tasks of a template begin and are to be done in a WorkCenter, by task; nothing where all stays.
///
/// # Errors
///
/// [`Error::Refused`] where dates must not be lost and would be, and where nothing is due that could be moved.
pub(super) async fn of(
    on: &impl GenericClient,
    template: Uuid,
    timing: &Timing,
    into: Uuid,
) -> Result<HashMap<Uuid, Set>> {
    if timing.anchor == "KEEP" {
        return Ok(HashMap::new());
    }
    let name = workcenter::zone(on, into).await?;
    let zone = schedule::zone(&name).unwrap_or(TimeZone::UTC);
    let rule = Rule { zone, ..rule(timing)? };
    let task = |(id, starts_at, due_at, zone): (Uuid, Option<Timestamp>, Option<Timestamp>, String)| Task {
        id,
        starts_at,
        due_at,
        zone: schedule::zone(&zone).unwrap_or(TimeZone::UTC),
    };
    let tasks: Vec<Task> = store::dated(on, template).await?.into_iter().map(task).collect();
    let refused = |_: date::Refusal| Error::Refused(Reason::DatesImpossible);
    let plan = date::plan(&tasks, &rule).map_err(refused)?;
    let set = |dates: Result<Dates, date::Trouble>| match dates {
        Ok(it) => {
            let is_said = !it.of_start.is_empty() || !it.of_due.is_empty();
            let code = is_said.then_some(Code::DateAdjusted);
            Set { starts_at: it.starts_at, due_at: it.due_at, zone: name.clone(), code }
        }
        Err(_) => Set { starts_at: None, due_at: None, zone: name.clone(), code: Some(Code::DateImpossible) },
    };
    Ok(plan.copies.into_iter().map(|(id, dates)| (id, set(dates))).collect())
}

/// The rule of it, in whatever zone.
fn rule(timing: &Timing) -> Result<Rule> {
    let day = |text: &str| text.parse::<Date>().map_err(Error::internal);
    let anchor = match timing.anchor.as_str() {
        "START" => Anchor::Start(day(&timing.date)?),
        "DUE" => Anchor::Due(day(&timing.date)?),
        _ => Anchor::None,
    };
    let working = match timing.working {
        None => None,
        Some(days) => {
            let holidays = timing.holidays.iter().map(|it| day(it)).collect::<Result<Vec<_>>>()?;
            Some(Working::new(Days::from_mask(days), holidays).map_err(Error::from)?)
        }
    };
    Ok(Rule { anchor, zone: TimeZone::UTC, working, is_strict: timing.is_strict })
}
