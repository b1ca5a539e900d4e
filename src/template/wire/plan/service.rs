//! Writes plans: how many things would end in which way, and the first of them one by one.

use uuid::Uuid;

use crate::{
    content::imprint::{Part, Who},
    job::ItemState,
    pb::{
        self, JobItem, JobItemKind, JobItemState, TemplatePlan, TemplatePlanItem, TemplatePlanPerson,
        template_plan_person::Person,
    },
    template::{SHOWN_MAX, cast::Meant, code::Code, judge::Judged, plan, run::Thing, work::verdict},
};

fn show(plan: &mut TemplatePlan, item: TemplatePlanItem) {
    if plan.items.len() < SHOWN_MAX {
        plan.items.push(item);
    }
}

/// Adds to a plan a WorkCenter into which nothing can be copied.
pub(in crate::template) fn refuse(plan: &mut TemplatePlan, into: Uuid, name: &str, code: Code) {
    let item = JobItem {
        item_id: into.to_string(),
        kind: JobItemKind::WorkCenter.into(),
        state: JobItemState::Failed.into(),
        path: name.to_owned(),
        code: code.name().to_owned(),
        text: code.text().to_owned(),
        ..JobItem::default()
    };
    plan.total_items += 1;
    plan.failed_items += 1;
    show(plan, TemplatePlanItem { workcenter_id: into.to_string(), item: Some(item), ..Default::default() });
}

/// Adds to a plan what would become of these things.
pub(in crate::template) fn add(plan: &mut TemplatePlan, into: Uuid, things: &[Thing], judged: &[Judged]) {
    let [done, skipped, failed, warned] = plan::counts(judged);
    plan.total_items += i64::try_from(things.len()).unwrap_or(i64::MAX);
    plan.done_items += done;
    plan.skipped_items += skipped;
    plan.failed_items += failed;
    plan.warned_items += warned;
    for (thing, judged) in things.iter().zip(judged) {
        show(plan, line(into, thing, judged));
    }
}

fn line(into: Uuid, thing: &Thing, judged: &Judged) -> TemplatePlanItem {
    let (state, action, code) = verdict(thing.kind, judged);
    let (code, text) = code.map_or(("", ""), |it| (it.name(), it.text()));
    let item = JobItem {
        item_id: thing.id.to_string(),
        kind: JobItemKind::from(thing.kind).into(),
        state: JobItemState::from(state).into(),
        path: thing.path.clone(),
        size_bytes: thing.bytes,
        action: action.to_owned(),
        code: code.to_owned(),
        text: text.to_owned(),
        ..JobItem::default()
    };
    let todo = judged.todo.as_ref().filter(|_| state == ItemState::Done);
    TemplatePlanItem {
        workcenter_id: if into.is_nil() { String::new() } else { into.to_string() },
        item: Some(item),
        start_time: todo.and_then(|it| it.starts_at).map(pb::time),
        due_time: todo.and_then(|it| it.due_at).map(pb::time),
        role: judged.role.map_or(0, |it| pb::WorkCenterRole::from(it).into()),
        people: todo.map(|it| it.meant.iter().map(person).collect()).unwrap_or_default(),
    }
}

fn person(meant: &Meant) -> TemplatePlanPerson {
    let person = match meant.who {
        Who::User(id) => Person::UserId(id.to_string()),
        Who::Role(role) => Person::Role(pb::WorkCenterRole::from(role).into()),
    };
    let (code, text) = meant.code.map_or(("", ""), |it| (it.name(), it.text()));
    TemplatePlanPerson {
        person: Some(person),
        approves: meant.part == Part::Approver,
        code: code.to_owned(),
        text: text.to_owned(),
    }
}
