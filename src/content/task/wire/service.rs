//! The messages of tasks: what is read of them field by field, and what tasks are written as.

use std::collections::HashSet;

use jiff::Timestamp;
use uuid::Uuid;

use super::super::{
    ATTACHMENTS_MAX, Attachment, Details, Named, PEOPLE_MAX, PRIORS_MAX, People, REMINDER_MINUTES_MAX, REMINDERS_MAX,
    Rule, Task, Who, status::Status,
};
use crate::{
    content::{Kind, text},
    error::{Violation, Violations},
    ids,
    pb::{self, task_attachment, task_person},
    subscription::schedule,
    workcenter::read_role,
};

/// What may be changed of a task.
pub const FIELDS: [&str; 14] = [
    "title",
    "group",
    "description",
    "location",
    "start_time",
    "due_time",
    "time_zone",
    "assignees",
    "assignee_rule",
    "approvers",
    "approver_rule",
    "prior_task_ids",
    "reminder_minutes",
    "attachments",
];

/// Whether a field of `sent` is not empty.
pub fn is_set(sent: &pb::Task, field: &str) -> bool {
    match field {
        "title" => !sent.title.is_empty(),
        "group" => !sent.group.is_empty(),
        "description" => !sent.description.is_empty(),
        "location" => !sent.location.is_empty(),
        "start_time" => sent.start_time.is_some(),
        "due_time" => sent.due_time.is_some(),
        "time_zone" => !sent.time_zone.is_empty(),
        "assignees" => !sent.assignees.is_empty(),
        "assignee_rule" => sent.assignee_rule != 0,
        "approvers" => !sent.approvers.is_empty(),
        "approver_rule" => sent.approver_rule != 0,
        "prior_task_ids" => !sent.prior_task_ids.is_empty(),
        "reminder_minutes" => !sent.reminder_minutes.is_empty(),
        _ => !sent.attachments.is_empty(),
    }
}

/// What was sent of some fields of a task.
pub struct Sent {
    fields: Vec<&'static str>,
    details: Details,
}

impl Sent {
    /// Reads these fields; notes all that is wrong with them.
    pub fn read(sent: &pb::Task, fields: Vec<&'static str>, violations: &mut Violations) -> Self {
        let mut new = Details::default();
        for field in &fields {
            let name = format!("task.{field}");
            let line =
                |text: &str, violations: &mut Violations| violations.take(text::line(&name, text)).unwrap_or_default();
            match *field {
                "title" => new.title = violations.take(text::title(&name, &sent.title)).unwrap_or_default(),
                "group" => new.group = line(&sent.group, violations),
                "description" => {
                    new.description = violations.take(text::lines(&name, &sent.description)).unwrap_or_default()
                }
                "location" => new.location = line(&sent.location, violations),
                "start_time" => {
                    new.starts_at = violations.take(instant(&name, sent.start_time.as_ref().map(pb::instant))).flatten()
                }
                "due_time" => {
                    new.due_at = violations.take(instant(&name, sent.due_time.as_ref().map(pb::instant))).flatten()
                }
                "time_zone" => new.zone = violations.take(zone(&name, &sent.time_zone)).unwrap_or_default(),
                "assignees" => new.assignees.named = people(&name, &sent.assignees, violations),
                "assignee_rule" => {
                    new.assignees.rule = violations.take(rule(&name, sent.assignee_rule)).unwrap_or_default()
                }
                "approvers" => new.approvers.named = people(&name, &sent.approvers, violations),
                "approver_rule" => {
                    new.approvers.rule = violations.take(rule(&name, sent.approver_rule)).unwrap_or_default()
                }
                "prior_task_ids" => {
                    new.priors = text::ids(&name, &sent.prior_task_ids, PRIORS_MAX, violations);
                    new.priors.sort_unstable();
                }
                "reminder_minutes" => new.reminders = reminders(&name, &sent.reminder_minutes, violations),
                _ => new.attachments = attachments(&name, &sent.attachments, violations),
            }
        }
        Self { fields, details: new }
    }

    /// What `old` becomes.
    pub fn onto(self, old: &Details) -> Details {
        let Self { fields, details: new } = self;
        let mut all = old.clone();
        for field in fields {
            match field {
                "title" => all.title.clone_from(&new.title),
                "group" => all.group.clone_from(&new.group),
                "description" => all.description.clone_from(&new.description),
                "location" => all.location.clone_from(&new.location),
                "start_time" => all.starts_at = new.starts_at,
                "due_time" => all.due_at = new.due_at,
                "time_zone" => all.zone.clone_from(&new.zone),
                "assignees" => all.assignees.named = new.assignees.clone().after(&old.assignees).named,
                "assignee_rule" => all.assignees.rule = new.assignees.rule,
                "approvers" => all.approvers.named = new.approvers.clone().after(&old.approvers).named,
                "approver_rule" => all.approvers.rule = new.approvers.rule,
                "prior_task_ids" => all.priors.clone_from(&new.priors),
                "reminder_minutes" => all.reminders.clone_from(&new.reminders),
                _ => all.attachments.clone_from(&new.attachments),
            }
        }
        all
    }
}

/// Takes an instant that was sent, as the database keeps it: to the microsecond.
fn instant(field: &str, sent: Option<Option<Timestamp>>) -> Result<Option<Timestamp>, Violation> {
    let Some(sent) = sent else { return Ok(None) };
    let read = sent.and_then(|it| Timestamp::from_microsecond(it.as_microsecond()).ok());
    read.map(Some).ok_or_else(|| Violation::new(field, "must be an instant of the years 1 to 9999"))
}

fn zone(field: &str, sent: &str) -> Result<String, Violation> {
    let name = sent.trim();
    let found = || schedule::zone(name).and_then(|it| it.iana_name().map(str::to_owned));
    match name {
        "" => Ok(String::new()),
        _ => found().ok_or_else(|| Violation::new(field, "must be an IANA name such as America/New_York")),
    }
}

fn rule(field: &str, number: i32) -> Result<Rule, Violation> {
    match pb::TaskRule::try_from(number) {
        Ok(pb::TaskRule::Any) => Ok(Rule::Any),
        Ok(pb::TaskRule::All | pb::TaskRule::Unspecified) => Ok(Rule::All),
        Err(_) => Err(Violation::new(field, "must be a TaskRule")),
    }
}

fn people(field: &str, sent: &[pb::TaskPerson], violations: &mut Violations) -> Vec<Named> {
    if PEOPLE_MAX < sent.len() {
        violations.add(field, format!("must be at most {PEOPLE_MAX}"));
    }
    let mut seen = HashSet::new();
    let mut named = Vec::new();
    for (place, it) in sent.iter().take(PEOPLE_MAX).enumerate() {
        let field = format!("{field}[{place}]");
        let who = match &it.person {
            Some(task_person::Person::UserId(id)) => ids::parse(&format!("{field}.user_id"), id).map(Who::User),
            Some(task_person::Person::Role(role)) => {
                let role = pb::WorkCenterRole::try_from(*role).unwrap_or_default();
                read_role(&format!("{field}.role"), role).map(Who::Role)
            }
            None => Err(Violation::new(field, "must be a person or a role")),
        };
        let new = violations.take(who).filter(|it| seen.insert(*it));
        named.extend(new.map(|who| Named { who, done: None }));
    }
    named
}

fn reminders(field: &str, sent: &[i64], violations: &mut Violations) -> Vec<i64> {
    if REMINDERS_MAX < sent.len() {
        violations.add(field, format!("must be at most {REMINDERS_MAX}"));
    }
    if sent.iter().any(|it| !(0..=REMINDER_MINUTES_MAX).contains(it)) {
        violations.add(field, format!("must be 0 to {REMINDER_MINUTES_MAX} each"));
    }
    let mut minutes = sent.to_vec();
    minutes.sort_unstable();
    minutes.dedup();
    minutes
}

fn attachments(field: &str, sent: &[pb::TaskAttachment], violations: &mut Violations) -> Vec<Attachment> {
    if ATTACHMENTS_MAX < sent.len() {
        violations.add(field, format!("must be at most {ATTACHMENTS_MAX}"));
    }
    let mut seen = HashSet::new();
    let mut attached = Vec::new();
    for (place, it) in sent.iter().take(ATTACHMENTS_MAX).enumerate() {
        let name = |of: &str| format!("{field}[{place}].{of}");
        let read = match &it.attachment {
            Some(task_attachment::Attachment::DocumentId(id)) => {
                ids::parse(&name("document_id"), id).map(|id| Attachment::Content(Kind::Document, id))
            }
            Some(task_attachment::Attachment::FolderId(id)) => {
                ids::parse(&name("folder_id"), id).map(|id| Attachment::Content(Kind::Folder, id))
            }
            Some(task_attachment::Attachment::TaskId(id)) => ids::parse(&name("task_id"), id).map(Attachment::Task),
            None => Err(Violation::new(format!("{field}[{place}]"), "must be a document, a folder or a task")),
        };
        attached.extend(violations.take(read).filter(|it| seen.insert(*it)));
    }
    attached
}

/// Reads which statuses tasks are to have.
pub fn statuses(field: &str, sent: &[i32], violations: &mut Violations) -> Vec<Status> {
    let mut all = Vec::new();
    for (place, number) in sent.iter().enumerate() {
        match pb::TaskStatus::try_from(*number) {
            Ok(pb::TaskStatus::New) => all.push(Status::New),
            Ok(pb::TaskStatus::PendingPriorTask) => all.push(Status::Waiting),
            Ok(pb::TaskStatus::InProgress) => all.push(Status::InProgress),
            Ok(pb::TaskStatus::Finished) => all.push(Status::Finished),
            Ok(pb::TaskStatus::Completed) => all.push(Status::Completed),
            Ok(pb::TaskStatus::Unspecified) | Err(_) => {
                violations.add(format!("{field}[{place}]"), "must be a status of tasks");
                // One is enough to say so.
                break;
            }
        }
    }
    all
}

impl From<Status> for pb::TaskStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::New => Self::New,
            Status::Waiting => Self::PendingPriorTask,
            Status::InProgress => Self::InProgress,
            Status::Finished => Self::Finished,
            Status::Completed => Self::Completed,
        }
    }
}

impl From<Rule> for pb::TaskRule {
    fn from(rule: Rule) -> Self {
        match rule {
            Rule::Any => Self::Any,
            Rule::All => Self::All,
        }
    }
}

impl From<Named> for pb::TaskPerson {
    fn from(named: Named) -> Self {
        let person = match named.who {
            Who::User(id) => task_person::Person::UserId(id.to_string()),
            Who::Role(role) => task_person::Person::Role(pb::WorkCenterRole::from(role).into()),
        };
        let (at, by) = named.done.unzip();
        Self {
            person: Some(person),
            done_time: at.map(pb::time),
            done_by_user_id: by.map(|it| it.to_string()).unwrap_or_default(),
        }
    }
}

impl From<Attachment> for pb::TaskAttachment {
    fn from(attachment: Attachment) -> Self {
        let attachment = match attachment {
            Attachment::Content(Kind::Document, id) => task_attachment::Attachment::DocumentId(id.to_string()),
            Attachment::Content(Kind::Folder, id) => task_attachment::Attachment::FolderId(id.to_string()),
            Attachment::Task(id) => task_attachment::Attachment::TaskId(id.to_string()),
        };
        Self { attachment: Some(attachment) }
    }
}

impl From<Task> for pb::Task {
    fn from(task: Task) -> Self {
        let text = |id: Uuid| id.to_string();
        let people = |of: People| of.named.into_iter().map(Into::into).collect();
        let etag = task.etag();
        let Details { assignees, approvers, .. } = &task.details;
        let (assignee_rule, approver_rule) = (pb::TaskRule::from(assignees.rule), pb::TaskRule::from(approvers.rule));
        let details = task.details;
        Self {
            task_id: text(task.id),
            workcenter_id: text(task.workcenter),
            document_id: task.document.map(text).unwrap_or_default(),
            title: details.title,
            group: details.group,
            description: details.description,
            location: details.location,
            status: pb::TaskStatus::from(task.status).into(),
            start_time: details.starts_at.map(pb::time),
            due_time: details.due_at.map(pb::time),
            time_zone: details.zone,
            assignees: people(details.assignees),
            assignee_rule: assignee_rule.into(),
            approvers: people(details.approvers),
            approver_rule: approver_rule.into(),
            prior_task_ids: details.priors.into_iter().map(text).collect(),
            reminder_minutes: details.reminders,
            attachments: details.attachments.into_iter().map(Into::into).collect(),
            created_by_user_id: text(task.created_by),
            create_time: Some(pb::time(task.created_at)),
            update_time: Some(pb::time(task.updated_at)),
            etag,
            purge_time: task.deletion.map(|it| pb::time(it.purge_at)),
        }
    }
}
