//! Bulk jobs on the wire: what is asked for, and the job that comes of it, or its plan.

use std::collections::HashSet;

use prost::Message;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{
    ROOTS_MAX, SHOWN_MAX,
    decide::Task,
    plan::{self, Extent, Plan, Root},
    policy::Policy,
};
use crate::{
    access::{self, Action, Resource},
    auth::{self, Caller},
    clock::Clock,
    content::{Kind, Name},
    db::{Db, GenericClient},
    error::{Error, Result, Violations},
    ids,
    job::{self, ItemState, Order, Outcome, Planned, Target},
    pb::{
        self, BulkCopyRequest, BulkCopyResponse, BulkDeleteRequest, BulkDeleteResponse, BulkItem, BulkMoveRequest,
        BulkMoveResponse, BulkPlan, BulkRestoreRequest, BulkRestoreResponse, BulkTarget, JobItem, JobItemKind,
        JobItemState, OnConflict, OnError, bulk_item,
    },
    request::{self, Recall},
};

/// What all four calls have in common.
struct Asked<'a> {
    kind: job::Kind,
    action: Action,
    items: &'a [BulkItem],
    target: Option<&'a BulkTarget>,
    on_conflict: i32,
    on_folder_conflict: i32,
    on_error: i32,
    validate_only: bool,
    request_id: &'a str,
    includes_versions: bool,
    skips_identical: bool,
    includes_comments: bool,
    is_recursive: bool,
    /// What of folders is copied.
    extent: Extent,
    name_filter: &'a str,
}

/// What comes of it: a job, or a plan.
type Answer = (Option<pb::Job>, Option<BulkPlan>);

/// Answers the calls that start bulk jobs.
pub struct Bulk {
    db: Db,
    clock: Clock,
}

impl Bulk {
    /// Makes what answers them.
    pub fn new(db: Db, clock: Clock) -> Self {
        Self { db, clock }
    }

    /// Copies.
    pub async fn copy(&self, request: Request<BulkCopyRequest>) -> Result<Response<BulkCopyResponse>, Status> {
        let caller = auth::caller(&request)?;
        let request = request.into_inner();
        let asked = Asked {
            kind: job::Kind::BulkCopy,
            action: Action::BulkCopy,
            items: &request.items,
            target: request.target.as_ref(),
            on_conflict: request.on_conflict,
            on_folder_conflict: request.on_folder_conflict,
            on_error: request.on_error,
            validate_only: request.validate_only,
            request_id: &request.request_id,
            includes_versions: request.include_versions,
            skips_identical: request.skip_identical,
            includes_comments: request.include_comments,
            is_recursive: false,
            extent: Extent {
                excludes_children: request.exclude_children,
                structure_only: request.structure_only,
                pattern: None,
            },
            name_filter: &request.name_filter,
        };
        let (job, plan) = self.start(&caller, &asked, &request.encode_to_vec()).await?;
        Ok(Response::new(BulkCopyResponse { job, plan }))
    }

    /// Moves.
    pub async fn transfer(&self, request: Request<BulkMoveRequest>) -> Result<Response<BulkMoveResponse>, Status> {
        let caller = auth::caller(&request)?;
        let request = request.into_inner();
        let asked = Asked {
            kind: job::Kind::BulkMove,
            action: Action::BulkMove,
            items: &request.items,
            target: request.target.as_ref(),
            on_conflict: request.on_conflict,
            on_folder_conflict: request.on_folder_conflict,
            on_error: request.on_error,
            validate_only: request.validate_only,
            request_id: &request.request_id,
            includes_versions: false,
            skips_identical: request.skip_identical,
            includes_comments: false,
            is_recursive: false,
            extent: Extent::default(),
            name_filter: "",
        };
        let (job, plan) = self.start(&caller, &asked, &request.encode_to_vec()).await?;
        Ok(Response::new(BulkMoveResponse { job, plan }))
    }

    /// Deletes.
    pub async fn delete(&self, request: Request<BulkDeleteRequest>) -> Result<Response<BulkDeleteResponse>, Status> {
        let caller = auth::caller(&request)?;
        let request = request.into_inner();
        let asked = Asked {
            kind: job::Kind::BulkDelete,
            action: Action::BulkDelete,
            items: &request.items,
            target: None,
            on_conflict: 0,
            on_folder_conflict: 0,
            on_error: request.on_error,
            validate_only: request.validate_only,
            request_id: &request.request_id,
            includes_versions: false,
            skips_identical: false,
            includes_comments: false,
            is_recursive: request.recursive,
            extent: Extent::default(),
            name_filter: "",
        };
        let (job, plan) = self.start(&caller, &asked, &request.encode_to_vec()).await?;
        Ok(Response::new(BulkDeleteResponse { job, plan }))
    }

    /// Brings back.
    pub async fn restore(&self, request: Request<BulkRestoreRequest>) -> Result<Response<BulkRestoreResponse>, Status> {
        let caller = auth::caller(&request)?;
        let request = request.into_inner();
        let asked = Asked {
            kind: job::Kind::BulkRestore,
            action: Action::BulkRestore,
            items: &request.items,
            target: request.fallback.as_ref(),
            on_conflict: request.on_conflict,
            on_folder_conflict: request.on_folder_conflict,
            on_error: request.on_error,
            validate_only: request.validate_only,
            request_id: &request.request_id,
            includes_versions: false,
            skips_identical: false,
            includes_comments: false,
            is_recursive: false,
            extent: Extent::default(),
            name_filter: "",
        };
        let (job, plan) = self.start(&caller, &asked, &request.encode_to_vec()).await?;
        Ok(Response::new(BulkRestoreResponse { job, plan }))
    }

    async fn start(&self, caller: &Caller, asked: &Asked<'_>, body: &[u8]) -> Result<Answer> {
        let (mut order, roots, extent) = order(asked)?;
        let now = self.clock.now().await?;

        let mut client = self.db.client().await?;
        let tx = client.transaction().await?;
        let resource = match (asked.action, &order.target) {
            (Action::BulkCopy | Action::BulkMove, Some(target)) => Resource::WorkCenter(target.workcenter),
            _ => Resource::Own,
        };
        let person = access::may(&tx, caller, asked.action, resource).await?.person;
        let path = asked.action.path();
        let ticket = match request::recall(&tx, person, path, asked.request_id, body).await? {
            Recall::New(ticket) => ticket,
            Recall::Known(answer) => {
                let job = pb::Job::decode(answer.as_slice()).map_err(Error::internal)?;
                return Ok((Some(job), None));
            }
        };
        let plan = plan::plan(&tx, asked.kind, person, &order, (&roots, &extent), now).await?;
        if let Some(target) = &mut order.target {
            target.path.clone_from(&plan.target_path);
        }
        if asked.validate_only {
            let task = Task { kind: asked.kind, account: plan.account, order: &order, now };
            return Ok((None, Some(shown(&tx, plan, &task).await?)));
        }
        let Plan { items, account, .. } = plan;
        let new =
            job::New { account, kind: asked.kind, initiator: person, request_id: asked.request_id, order: &order };
        let job: pb::Job = job::start(&tx, &new, &items).await?.into();
        request::remember(&tx, ticket, &job.encode_to_vec()).await?;
        tx.commit().await?;

        Ok((Some(job), None))
    }
}

/// What would become of the items of `plan`.
async fn shown(on: &impl GenericClient, plan: Plan, task: &Task<'_>) -> Result<BulkPlan> {
    let items = plan.items.clone();
    let outcomes = plan.outcomes(on, task).await?;
    let [done_items, skipped_items, failed_items, warned_items] = plan::counts(&outcomes);
    let shown = items.iter().zip(&outcomes).take(SHOWN_MAX).map(|(item, outcome)| line(item, outcome));
    Ok(BulkPlan {
        total_items: i64::try_from(items.len()).map_err(Error::internal)?,
        total_bytes: items.iter().map(|it| it.bytes).sum(),
        done_items,
        skipped_items,
        failed_items,
        warned_items,
        items: shown.collect(),
    })
}

fn line(item: &Planned, outcome: &Outcome) -> JobItem {
    // What would be made has no id that lasts.
    let target = outcome.target.filter(|it| *it == item.id || outcome.action != "COPY");
    JobItem {
        item_id: item.id.to_string(),
        kind: JobItemKind::from(item.kind).into(),
        state: JobItemState::from(outcome.state).into(),
        path: item.path.clone(),
        size_bytes: item.bytes,
        action: outcome.action.to_owned(),
        code: outcome.code.clone().into_owned(),
        text: outcome.text.clone().into_owned(),
        retryable: false,
        target_id: target.map(|it| it.to_string()).unwrap_or_default(),
        target_path: if outcome.state == ItemState::Done { outcome.target_path.clone() } else { String::new() },
        attempts: 0,
        line: item.line,
        column: outcome.column.clone().into_owned(),
    }
}

/// A pattern of the database for one in which `*` stands for any letters, and `?` for one.
fn pattern(text: &str) -> String {
    let mut pattern = String::new();
    for letter in text.chars() {
        match letter {
            '*' => pattern.push('%'),
            '?' => pattern.push('_'),
            '%' | '_' | '\\' => pattern.extend(['\\', letter]),
            other => pattern.push(other),
        }
    }
    pattern
}

/// Reads what is asked for.
fn order(asked: &Asked<'_>) -> Result<(Order, Vec<Root>, Extent)> {
    let mut violations = Violations::default();
    let document = policy("on_conflict", asked.on_conflict, Kind::Document, asked.kind, &mut violations);
    let folder = policy("on_folder_conflict", asked.on_folder_conflict, Kind::Folder, asked.kind, &mut violations);
    let roots = roots(asked, [document, folder], &mut violations);
    let target = target(asked, &mut violations);
    if OnError::try_from(asked.on_error).is_err() {
        violations.add("on_error", "must be an OnError");
    }
    let filter = Some(asked.name_filter).filter(|it| !it.is_empty());
    let filter = filter.and_then(|it| violations.take(Name::parse("name_filter", it)));
    let extent = Extent { pattern: filter.map(|it| pattern(&it.key())), ..asked.extent.clone() };
    violations.extend(request::fault(asked.request_id));
    violations.none()?;
    let goes = asked.kind != job::Kind::BulkDelete;
    let name =
        |policy: Option<Policy>| if goes { policy.unwrap_or(Policy::Fail).name().to_owned() } else { String::new() };
    let order = Order {
        roots: i64::try_from(roots.len()).map_err(Error::internal)?,
        target,
        on_conflict: name(document),
        on_folder_conflict: name(folder),
        includes_versions: asked.includes_versions,
        skips_identical: asked.skips_identical,
        includes_comments: asked.includes_comments,
        is_recursive: asked.is_recursive,
        stops_on_failure: asked.on_error == OnError::Stop as i32,
    };
    Ok((order, roots, extent))
}

/// The policy that a field asks for; none when it says nothing.
pub(super) fn policy(
    field: &str,
    number: i32,
    kind: Kind,
    what: job::Kind,
    violations: &mut Violations,
) -> Option<Policy> {
    let policy = match OnConflict::try_from(number) {
        Ok(OnConflict::Unspecified) => return None,
        Ok(OnConflict::Fail) => Policy::Fail,
        Ok(OnConflict::Skip) => Policy::Skip,
        Ok(OnConflict::Rename) => Policy::Rename,
        Ok(OnConflict::NewVersion) => Policy::NewVersion,
        Ok(OnConflict::Replace) => Policy::Replace,
        Ok(OnConflict::Merge) => Policy::Merge,
        Err(_) => {
            violations.add(field, "must be an OnConflict");
            return None;
        }
    };
    if what == job::Kind::BulkDelete {
        violations.add(field, "must be empty where things are deleted");
    } else if !policy.suits(kind, what) {
        violations.add(field, "must be one that is for these things");
    }
    Some(policy)
}

fn roots(asked: &Asked<'_>, defaults: [Option<Policy>; 2], violations: &mut Violations) -> Vec<Root> {
    if asked.items.is_empty() || ROOTS_MAX < asked.items.len() {
        violations.add("items", format!("must be 1 to {ROOTS_MAX}"));
    }
    let mut roots = Vec::new();
    let mut seen = HashSet::new();
    for (index, item) in asked.items.iter().enumerate().take(ROOTS_MAX) {
        let (field, kind, text) = match &item.item {
            Some(bulk_item::Item::FolderId(id)) => ("folder_id", Kind::Folder, id),
            Some(bulk_item::Item::DocumentId(id)) => ("document_id", Kind::Document, id),
            None => {
                violations.add(format!("items[{index}]"), "must be a folder or a document");
                continue;
            }
        };
        let Some(id) = violations.take(ids::parse(&format!("items[{index}].{field}"), text)) else { continue };
        if !seen.insert(id) {
            violations.add(format!("items[{index}].{field}"), "must not be named twice");
        }
        let mut own = |field: &str, number, kind| {
            policy(&format!("items[{index}].{field}"), number, kind, asked.kind, violations)
        };
        let document = own("on_conflict", item.on_conflict, Kind::Document);
        let folder = own("on_folder_conflict", item.on_folder_conflict, Kind::Folder);
        let or = |policy: Option<Policy>, default: Option<Policy>| policy.or(default).unwrap_or(Policy::Fail);
        let (on_conflict, on_folder_conflict) = (or(document, defaults[0]), or(folder, defaults[1]));
        if asked.extent.structure_only && kind == Kind::Document {
            violations.add(format!("items[{index}].document_id"), "must be a folder where only folders are copied");
        }
        roots.push(Root { id, kind, on_conflict, on_folder_conflict, etag: item.etag.clone() });
    }
    roots
}

fn target(asked: &Asked<'_>, violations: &mut Violations) -> Option<Target> {
    let name = if asked.kind == job::Kind::BulkRestore { "fallback" } else { "target" };
    let Some(sent) = asked.target else {
        if matches!(asked.kind, job::Kind::BulkCopy | job::Kind::BulkMove) {
            violations.add(name, "is required");
        }
        return None;
    };
    let workcenter = violations.take(ids::parse(&format!("{name}.workcenter_id"), &sent.workcenter_id));
    let folder: Option<Uuid> = match sent.folder_id.as_str() {
        "" => None,
        text => violations.take(ids::parse(&format!("{name}.folder_id"), text)),
    };
    Some(Target { workcenter: workcenter?, folder, path: String::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_stands_for_itself_but_for_stars_and_question_marks() {
        assert_eq!(pattern("*.pdf"), "%.pdf");
        assert_eq!(pattern("100%_a?\\"), "100\\%\\_a_\\\\");
    }
}
