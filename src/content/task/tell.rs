//! The word of what was done to a task: to all collaborators, and to those whom it concerns.

use std::collections::{BTreeSet, HashMap};

use jiff::{Timestamp, tz::TimeZone};
use uuid::Uuid;

use super::{
    Details, Found, Status, Task,
    status::Step,
    store::{self, APPROVER, ASSIGNEE},
};
use crate::{
    activity::{self, ADDRESSEES_MAX, Audience, Reason, Thing},
    content::tell::{Word, thing},
    db::Transaction,
    error::Result,
    subscription::schedule,
    workcenter::WorkCenter,
};

/// Whom an event concerns besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum To {
    /// Nobody in particular.
    All,
    /// Those who are to do it, among all.
    Assignees,
    /// Those alone who are to do it now and were not before.
    NewAssignees,
    /// Those alone who are to approve it.
    Approvers,
    /// Those alone who are to approve it now and were not before.
    NewApprovers,
}

/// What there is to tell of a task.
pub(super) struct News {
    /// What it is in.
    parent: Thing,
    /// The collaborators whom it concerned before, each for a part.
    before: BTreeSet<(&'static str, Uuid)>,
    events: Vec<(&'static str, To, String)>,
    /// Whether those are to be told who waited for it.
    frees: bool,
}

impl News {
    /// Of a task that concerned some before.
    pub async fn begin(tx: &Transaction<'_>, space: &WorkCenter, found: &Found) -> Result<Self> {
        let concerned = store::concerned(tx, &[found.task.id]).await?;
        let before = concerned.into_iter().map(|(_, part, user)| (part, user)).collect();
        Ok(Self { before, ..Self::of_new(space, found) })
    }

    /// Of one that concerned nobody before.
    pub fn of_new(space: &WorkCenter, found: &Found) -> Self {
        Self { parent: found.place(space), before: BTreeSet::new(), events: Vec::new(), frees: false }
    }

    /// That this was done, as all may hear.
    pub fn plain(&mut self, kind: &'static str, summary: String) {
        self.events.push((kind, To::All, summary));
    }

    /// That it was assigned.
    pub fn assigned(&mut self) {
        self.events.push(("task.assigned", To::NewAssignees, String::new()));
    }

    /// That something else was decided of it.
    pub fn changed(&mut self, old: &Task, task: &Task) {
        let (was, is) = (&old.details, &task.details);
        let dates = |it: &Details| (it.starts_at, it.due_at, it.zone.clone());
        if dates(was) != dates(is) {
            self.plain("task.dates_changed", said_of_dates(is));
        }
        let rest = |it: &Details| Details { starts_at: None, due_at: None, zone: String::new(), ..it.clone() };
        if rest(was) != rest(is) {
            let summary = if was.title == is.title { String::new() } else { format!("It was called {}.", was.title) };
            self.plain("task.edited", summary);
        }
        if was.assignees != is.assignees {
            self.assigned();
        }
        if old.status == Status::Finished && was.approvers != is.approvers {
            self.events.push(("task.approval_requested", To::NewApprovers, String::new()));
        }
    }

    /// That it has come on by `step`.
    pub fn stepped(&mut self, task: &Task, step: Option<Step>, said: String) {
        let event = |kind, to| (kind, to, String::new());
        match step {
            None => {}
            Some(Step::Start) => self.plain("task.status_changed", "It is in progress.".to_owned()),
            Some(Step::Finish) => self.plain("task.finished", String::new()),
            Some(Step::FinishLast) => {
                self.plain("task.finished", String::new());
                self.events.push(event("task.approval_requested", To::Approvers));
            }
            Some(Step::FinishAll) => self.plain("task.completed", String::new()),
            Some(Step::Approve) => self.plain("task.approved", String::new()),
            Some(Step::ApproveLast) => {
                // Where nobody is to approve any more, nobody has.
                if !task.details.approvers.named.is_empty() {
                    self.plain("task.approved", String::new());
                }
                self.plain("task.completed", String::new());
            }
            Some(Step::Decline) => self.events.push(("task.approval_declined", To::Assignees, said)),
            Some(Step::Reopen) => self.plain("task.reopened", String::new()),
        }
        self.frees |= matches!(step, Some(Step::FinishAll | Step::ApproveLast));
    }

    /// Tells it. The last thing that a transaction does.
    ///
    /// # Errors
    ///
    /// As [`activity::publish`].
    pub async fn tell(self, tx: &Transaction<'_>, task: &Task, word: &Word) -> Result<()> {
        let freed = if self.frees { store::freed(tx, task.id).await? } else { Vec::new() };
        let ids: Vec<Uuid> = freed.iter().map(|it| it.0).chain([task.id]).collect();
        let mut concerned: HashMap<(Uuid, &str), Vec<Uuid>> = HashMap::new();
        for (id, part, user) in store::concerned(tx, &ids).await? {
            concerned.entry((id, part)).or_default().push(user);
        }
        let of = |id: Uuid, part: &'static str, is_new: bool| -> Vec<Uuid> {
            let all = concerned.get(&(id, part)).map_or(&[] as &[Uuid], Vec::as_slice).iter().copied();
            // Nobody is told of their own doing.
            all.filter(|it| *it != word.by && !(is_new && self.before.contains(&(part, *it)))).collect()
        };
        let subject = thing("task", task.id, &task.details.title);
        let mut events = Vec::new();
        for (kind, to, summary) in &self.events {
            let (part, is_new, is_named) = match to {
                To::All => ("", false, false),
                To::Assignees => (ASSIGNEE, false, false),
                To::NewAssignees => (ASSIGNEE, true, true),
                To::Approvers => (APPROVER, false, true),
                To::NewApprovers => (APPROVER, true, true),
            };
            let users = of(task.id, part, is_new);
            let reason = if part == APPROVER { Reason::Approval } else { Reason::Assignment };
            let event = word.event(kind, subject.clone(), self.parent.clone(), summary.clone());
            events.extend(addressed(event, &users, reason, is_named));
        }
        for (id, title) in &freed {
            let event = word.event("task.unblocked", thing("task", *id, title), self.parent.clone(), String::new());
            events.extend(addressed(event, &of(*id, ASSIGNEE, false), Reason::Assignment, true));
        }
        activity::publish(tx, task.workcenter, events, word.now, word.window).await?;
        Ok(())
    }
}

impl Found {
    /// What it is in, as events have it: its document, or the WorkCenter.
    pub fn place(&self, space: &WorkCenter) -> Thing {
        match self.task.document {
            Some(id) => thing("file", id, &self.document_name),
            None => thing("workcenter", space.id, &space.name),
        }
    }

    /// The task itself, as events have it.
    pub fn thing(&self) -> Thing {
        thing("task", self.task.id, &self.task.details.title)
    }
}

/// The event with those whom it concerns; nothing where it is for them alone and there is nobody. Whoever would be too many to
/// be named hears of it with all.
fn addressed(event: activity::New, users: &[Uuid], reason: Reason, is_named: bool) -> Option<activity::New> {
    if users.is_empty() && is_named {
        return None;
    }
    if users.len() > ADDRESSEES_MAX {
        return Some(event);
    }
    let audience = if is_named { Audience::Named } else { Audience::Everyone };
    Some(activity::New { audience, addressees: users.iter().map(|it| (*it, reason)).collect(), ..event })
}

/// When it is to be done, by the clock that it is meant by.
fn said_of_dates(details: &Details) -> String {
    let zone = schedule::zone(&details.zone).unwrap_or(TimeZone::UTC);
    let name = if details.zone.is_empty() { "UTC" } else { &details.zone };
    let clock = |at: Timestamp| at.to_zoned(zone.clone()).strftime("%-d %B %Y, %H:%M").to_string();
    match (details.starts_at, details.due_at) {
        (None, None) => "It has no dates.".to_owned(),
        (Some(start), None) => format!("It starts on {} ({name}).", clock(start)),
        (None, Some(due)) => format!("It is due on {} ({name}).", clock(due)),
        (Some(start), Some(due)) => format!("It starts on {} and is due on {} ({name}).", clock(start), clock(due)),
    }
}
