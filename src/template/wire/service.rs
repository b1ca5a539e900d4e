//! Reads what is asked of a template, with all that is wrong with it.

use std::collections::HashSet;

use jiff::civil::{
    Date,
    Weekday::{Friday, Monday, Thursday, Tuesday, Wednesday},
};
use uuid::Uuid;

use crate::{
    access::WorkCenterRole,
    error::Violations,
    ids,
    job::ItemKind,
    pb::{
        self, PublishTemplateRequest, TemplateAnchor, TemplateDates, TemplateMode, TemplateOptions, TemplatePart,
        Weekday,
    },
    subscription::schedule::Days,
    template::{
        CAST_MAX, TARGETS_MAX,
        cast::Cast,
        date::{DATES, HOLIDAYS_MAX},
        run::{Mode, Run, Timing},
    },
    workcenter::{self, read_role},
};

/// What is copied unless somebody says otherwise.
const USUAL: [ItemKind; 4] = [ItemKind::Folder, ItemKind::Document, ItemKind::Task, ItemKind::Post];

/// The same into a WorkCenter that is made for it.
const ALL_BUT_PEOPLE: [ItemKind; 6] =
    [ItemKind::Folder, ItemKind::Document, ItemKind::Task, ItemKind::Post, ItemKind::Comment, ItemKind::Setting];

/// Reads how a template is to be copied, into a WorkCenter that it `creates` or not.
pub(in crate::template) fn options(
    template_id: &str,
    options: Option<&TemplateOptions>,
    creates: bool,
    violations: &mut Violations,
) -> Run {
    let usual = TemplateOptions::default();
    let options = options.unwrap_or(&usual);
    let template = violations.take(ids::parse("template_id", template_id)).unwrap_or_default();
    let usual: &[ItemKind] = if creates { &ALL_BUT_PEOPLE } else { &USUAL };
    let what = if options.parts.is_empty() { usual.into() } else { parts(&options.parts, violations) };
    let mode = match TemplateMode::try_from(options.mode) {
        Ok(TemplateMode::AddMissing) => Mode::AddMissing,
        Ok(TemplateMode::ReportOnly) => Mode::ReportOnly,
        Ok(TemplateMode::Unspecified | TemplateMode::UpdateUnmodified) => Mode::UpdateUnmodified,
        Err(_unknown) => {
            violations.add("options.mode", "must be a TemplateMode");
            Mode::default()
        }
    };
    let new_versions = options.new_versions;
    let timing = options.dates.as_ref().map(|it| timing(it, violations)).unwrap_or_default();
    Run { template, what, mode, new_versions, creates, cast: cast(options, violations), timing }
}

fn parts(sent: &[i32], violations: &mut Violations) -> Vec<ItemKind> {
    let mut what = Vec::new();
    for (index, number) in sent.iter().enumerate() {
        let kind = match TemplatePart::try_from(*number) {
            Ok(TemplatePart::Folders) => ItemKind::Folder,
            Ok(TemplatePart::Documents) => ItemKind::Document,
            Ok(TemplatePart::Tasks) => ItemKind::Task,
            Ok(TemplatePart::Posts) => ItemKind::Post,
            Ok(TemplatePart::Comments) => ItemKind::Comment,
            Ok(TemplatePart::Collaborators) => ItemKind::Collaborator,
            Ok(TemplatePart::Settings) => ItemKind::Setting,
            Ok(TemplatePart::Unspecified) | Err(_) => {
                violations.add(format!("options.parts[{index}]"), "must be a TemplatePart");
                continue;
            }
        };
        if what.contains(&kind) {
            violations.add(format!("options.parts[{index}]"), "must not be named twice");
        }
        what.push(kind);
    }
    if what.contains(&ItemKind::Document) && !what.contains(&ItemKind::Folder) {
        violations.add("options.parts", "must have folders where there are documents");
    }
    what
}

fn cast(options: &TemplateOptions, violations: &mut Violations) -> Cast {
    let mut cast = Cast { newcomers: newcomers(options, violations), ..Cast::default() };
    if CAST_MAX < options.role_bindings.len() + options.user_substitutions.len() {
        violations.add("options.role_bindings", format!("must be at most {CAST_MAX} with the substitutions"));
        return cast;
    }
    let mut seen = HashSet::new();
    for (index, sent) in options.role_bindings.iter().enumerate() {
        let field = format!("options.role_bindings[{index}]");
        let role = violations.take(read_role(&format!("{field}.role"), sent.role()));
        let user = violations.take(ids::parse(&format!("{field}.user_id"), &sent.user_id));
        let Some((role, user)) = role.zip(user) else { continue };
        if !seen.insert((role, user)) {
            violations.add(field, "must not be named twice");
        }
        cast.bound.push((role, user));
    }
    let mut replaced = HashSet::new();
    for (index, sent) in options.user_substitutions.iter().enumerate() {
        let field = format!("options.user_substitutions[{index}]");
        let from = violations.take(ids::parse(&format!("{field}.from_user_id"), &sent.from_user_id));
        let to = violations.take(ids::parse(&format!("{field}.to_user_id"), &sent.to_user_id));
        let Some((from, to)) = from.zip(to) else { continue };
        if !replaced.insert(from) {
            violations.add(format!("{field}.from_user_id"), "must not be named twice");
        }
        cast.replaced.push((from, to));
    }
    cast
}

/// Reads what those become who are brought in, if they are.
fn newcomers(options: &TemplateOptions, violations: &mut Violations) -> Option<WorkCenterRole> {
    let field = "options.missing_assignee_role";
    match (options.invite_missing_assignees, options.missing_assignee_role()) {
        (false, _) if options.missing_assignee_role != 0 => {
            violations.add(field, "must not be given where nobody is brought in");
            None
        }
        (false, _) => None,
        // An unknown number reads as none.
        (true, pb::WorkCenterRole::Unspecified) if options.missing_assignee_role == 0 => {
            Some(WorkCenterRole::Contributor)
        }
        (true, role) => violations.take(read_role(field, role)),
    }
}

/// Reads where the dates of tasks come from.
fn timing(sent: &TemplateDates, violations: &mut Violations) -> Timing {
    let (anchor, is_anchored) = match TemplateAnchor::try_from(sent.anchor) {
        Ok(TemplateAnchor::Unspecified | TemplateAnchor::Keep) => ("KEEP", false),
        Ok(TemplateAnchor::None) => ("NONE", false),
        Ok(TemplateAnchor::Start) => ("START", true),
        Ok(TemplateAnchor::Due) => ("DUE", true),
        Err(_unknown) => {
            violations.add("options.dates.anchor", "must be a TemplateAnchor");
            ("KEEP", false)
        }
    };
    let mut day = |field: String, text: &str| {
        let date = text.parse::<Date>().ok().filter(|it| (DATES.0..=DATES.1).contains(it) && it.to_string() == text);
        if date.is_none() {
            violations.add(field, "must be a date like 2027-03-31, from 1970 on");
        }
    };
    if is_anchored {
        day("options.dates.date".to_owned(), &sent.date);
    }
    for (index, text) in sent.holidays.iter().enumerate().take(HOLIDAYS_MAX) {
        day(format!("options.dates.holidays[{index}]"), text);
    }
    if !is_anchored && !sent.date.is_empty() {
        violations.add("options.dates.date", "must not be given without START or DUE");
    }
    if HOLIDAYS_MAX < sent.holidays.len() {
        violations.add("options.dates.holidays", format!("must be at most {HOLIDAYS_MAX}"));
    }
    let has_days_off = !sent.working_days.is_empty() || !sent.holidays.is_empty();
    if has_days_off && !sent.skip_non_working {
        violations.add("options.dates.skip_non_working", "must be set where there are days on which nobody works");
    }
    let mut mask = 0_i64;
    for (index, number) in sent.working_days.iter().enumerate() {
        match Weekday::try_from(*number) {
            Ok(Weekday::Unspecified) | Err(_) => {
                violations.add(format!("options.dates.working_days[{index}]"), "must be a Weekday");
            }
            // Monday is the first of them, and the lowest bit.
            Ok(day) => mask |= 1 << (day as i32 - 1),
        }
    }
    let usual = || Days::of([Monday, Tuesday, Wednesday, Thursday, Friday]).unwrap_or_default().mask();
    let working = sent.skip_non_working.then(|| if mask == 0 { usual() } else { mask });
    let (anchor, date, holidays) = (anchor.to_owned(), sent.date.clone(), sent.holidays.clone());
    Timing { anchor, date, working, holidays, is_strict: sent.strict }
}

/// Reads the WorkCenters that a template is to be published to: those that are named, or a category.
pub(in crate::template) fn targets(
    asked: &PublishTemplateRequest,
    template: Uuid,
    violations: &mut Violations,
) -> (Vec<Uuid>, Option<String>) {
    let sent = &asked.target_workcenter_ids;
    let category = violations.take(workcenter::category("target_category", &asked.target_category));
    let category = category.filter(|it| !it.is_empty());
    if sent.is_empty() == category.is_none() {
        violations.add("target_workcenter_ids", "must be given, or a category, and not both");
    }
    if TARGETS_MAX < sent.len() {
        violations.add("target_workcenter_ids", format!("must be at most {TARGETS_MAX}"));
        return (Vec::new(), category);
    }
    let (mut named, mut seen) = (Vec::new(), HashSet::new());
    for (index, text) in sent.iter().enumerate() {
        let field = format!("target_workcenter_ids[{index}]");
        let Some(id) = violations.take(ids::parse(&field, text)) else { continue };
        if id == template {
            violations.add(field, "must be another one than the template");
        } else if !seen.insert(id) {
            violations.add(field, "must not be named twice");
        }
        named.push(id);
    }
    (named, category)
}
