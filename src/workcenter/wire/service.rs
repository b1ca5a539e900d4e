//! `WorkCenterService` on the wire: what is read of requests, and what is said in answers.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::{
    access::WorkCenterRole,
    error::{Result, Violation, Violations},
    ids, pb, profile, request,
    workcenter::{Collaborator, State, WorkCenter, name},
};

/// Reads the WorkCenter that is to be made.
pub fn new(asked: &pb::CreateWorkCenterRequest, now: Timestamp) -> Result<WorkCenter> {
    let mut violations = Violations::default();
    let account = violations.take(ids::parse("account_id", &asked.account_id)).unwrap_or_default();
    let name = violations.take(name("name", &asked.name)).unwrap_or_default();
    let time_zone = violations.take(profile::time_zone("time_zone", &asked.time_zone)).unwrap_or_default();
    violations.extend(request::fault(&asked.request_id));
    violations.none()?;
    Ok(WorkCenter {
        id: ids::new(),
        account,
        name,
        category: String::new(),
        time_zone,
        role: Some(WorkCenterRole::Owner),
        created_at: now,
        revision: 1,
        archived_at: None,
        purge_at: None,
        is_template: false,
        template_version: 0,
        made_by: None,
    })
}

/// The states that a list is to have, each once: those asked for, or that of active ones.
pub fn read_states(asked: &[i32], violations: &mut Violations) -> Vec<State> {
    let mut states = BTreeSet::new();
    for (number, state) in asked.iter().enumerate() {
        states.extend(match pb::WorkCenterState::try_from(*state) {
            Ok(pb::WorkCenterState::Active) => Some(State::Active),
            Ok(pb::WorkCenterState::Archived) => Some(State::Archived),
            Ok(pb::WorkCenterState::Deleted) => Some(State::Deleted),
            Ok(pb::WorkCenterState::Provisioning) => Some(State::Provisioning),
            Ok(pb::WorkCenterState::Unspecified) | Err(_) => {
                violations.add(format!("states[{number}]"), "must be ACTIVE, ARCHIVED, DELETED or PROVISIONING");
                None
            }
        });
    }
    if asked.is_empty() { vec![State::Active] } else { states.into_iter().collect() }
}

/// Reads a role in `field` of a request.
///
/// # Errors
///
/// The violation to report, when there is none.
pub fn read_role(field: &str, role: pb::WorkCenterRole) -> Result<WorkCenterRole, Violation> {
    match role {
        pb::WorkCenterRole::Owner => Ok(WorkCenterRole::Owner),
        pb::WorkCenterRole::Contributor => Ok(WorkCenterRole::Contributor),
        pb::WorkCenterRole::Reader => Ok(WorkCenterRole::Reader),
        pb::WorkCenterRole::Unspecified => Err(Violation::new(field, "must be OWNER, CONTRIBUTOR or READER")),
    }
}

impl From<WorkCenterRole> for pb::WorkCenterRole {
    fn from(role: WorkCenterRole) -> Self {
        match role {
            WorkCenterRole::Owner => Self::Owner,
            WorkCenterRole::Contributor => Self::Contributor,
            WorkCenterRole::Reader => Self::Reader,
        }
    }
}

impl From<State> for pb::WorkCenterState {
    fn from(state: State) -> Self {
        match state {
            State::Active => Self::Active,
            State::Archived => Self::Archived,
            State::Deleted => Self::Deleted,
            State::Provisioning => Self::Provisioning,
        }
    }
}

impl From<WorkCenter> for pb::WorkCenter {
    fn from(space: WorkCenter) -> Self {
        Self {
            workcenter_id: space.id.to_string(),
            account_id: space.account.to_string(),
            role: space.role.map_or(pb::WorkCenterRole::Unspecified, Into::into).into(),
            create_time: Some(pb::time(space.created_at)),
            state: pb::WorkCenterState::from(space.state()).into(),
            etag: space.etag(),
            archive_time: space.archived_at.map(pb::time),
            purge_time: space.purge_at.map(pb::time),
            name: space.name,
            category: space.category,
            time_zone: space.time_zone,
            is_template: space.is_template,
            template_version: space.template_version,
            provisioning_job_id: space.made_by.map(|it| it.to_string()).unwrap_or_default(),
        }
    }
}

impl From<Collaborator> for pb::Collaborator {
    fn from(person: Collaborator) -> Self {
        Self {
            user_id: person.user.to_string(),
            first_name: person.first_name,
            last_name: person.last_name,
            role: pb::WorkCenterRole::from(person.role).into(),
            create_time: Some(pb::time(person.created_at)),
        }
    }
}
