//! Finding a task for somebody, and changing it.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::{
    Attachment, Details, Found, Status, Task, Who,
    deed::{Actor, Deed},
    missing, store,
    tell::News,
};
use crate::{
    access::{self, Action, Leave, Resource},
    account,
    auth::Caller,
    content::{Deletion, Kind, tell::Word},
    db::{GenericClient, Transaction},
    error::{Error, Reason, Result, Violations},
    ids,
    workcenter::{self, WorkCenter},
};

/// What is wanted of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// By which call.
    pub action: Action,
    /// Which one.
    pub id: Uuid,
    /// Whether it may be deleted itself.
    pub deleted: bool,
}

impl Wanted {
    /// That `action` wants the task, which is there.
    pub fn new(action: Action, id: Uuid) -> Self {
        Self { action, id, deleted: false }
    }

    /// Finds it, if `caller` may have it.
    ///
    /// # Errors
    ///
    /// As [`access::may`].
    pub async fn find(self, on: &impl GenericClient, caller: &Caller) -> Result<(Leave, Found)> {
        let found = self.look(on, caller).await?;
        let workcenter = found.as_ref().map_or(Uuid::nil(), |it| it.task.workcenter);
        let is_theirs = found.as_ref().is_some_and(|it| self.is_theirs(it));
        let leave = access::may(on, caller, self.action, Resource::Task { id: self.id, workcenter, is_theirs }).await?;
        Ok((leave, found.ok_or_else(|| missing(self.id))?))
    }

    /// Finds it to change it, and keeps others from doing so until the transaction ends. Alone in its WorkCenter is who changes
    /// tasks; who says something of one is not.
    ///
    /// # Errors
    ///
    /// As [`access::may`]; [`Error::Refused`] when its account or WorkCenter is not active, or when what it belongs to is
    /// deleted.
    pub async fn hold(self, tx: &Transaction<'_>, caller: &Caller) -> Result<Held> {
        let (leave, before) = self.find(tx, caller).await?;
        account::enter(tx, before.task.account).await?;
        let space = match self.action {
            Action::CreateComment => workcenter::fill(tx, before.task.workcenter).await?,
            _ => workcenter::rearrange(tx, before.task.workcenter).await?,
        };
        store::lock(tx, self.id).await?;
        let found = self.look(tx, caller).await?.ok_or_else(|| missing(self.id))?;
        if found.task.workcenter != space.id || self.is_theirs(&found) != self.is_theirs(&before) {
            return Err(Error::Conflict(Reason::WriteConflict));
        }
        if found.is_hidden {
            return Err(Error::Refused(Reason::ParentGone));
        }
        Ok(Held { leave, space, found })
    }

    async fn look(self, on: &impl GenericClient, caller: &Caller) -> Result<Option<Found>> {
        let found = store::find(on, self.id, caller.person().unwrap_or_default()).await?;
        Ok(found.filter(|it| self.deleted || it.is_there()))
    }

    /// Whether the task names the caller for this.
    fn is_theirs(self, found: &Found) -> bool {
        match self.action {
            Action::StartTask | Action::FinishTask => found.is_assignee,
            Action::ApproveTask | Action::DeclineTask => found.is_approver,
            _ => false,
        }
    }
}

/// A task that nobody else changes until the transaction ends.
pub struct Held {
    /// What the caller is to it.
    pub leave: Leave,
    /// What it is in.
    pub space: WorkCenter,
    /// The task.
    pub found: Found,
}

impl Held {
    /// Refuses an etag that is not the current one; an empty one means that the caller does not mind.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`].
    pub fn at(self, etag: &str) -> Result<Self> {
        match etag.is_empty() || etag == self.found.task.etag() {
            true => Ok(self),
            false => Err(Error::Conflict(Reason::EtagMismatch)),
        }
    }

    /// Changes what is decided of it. A change of nothing is a read.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for what does not go together or is not there, [`Error::Refused`] when it would come before itself.
    pub(super) async fn change(self, tx: &Transaction<'_>, details: Details, word: &Word) -> Result<Task> {
        let old = self.found.task.clone();
        if details == old.details {
            return Ok(old);
        }
        check(tx, &self.space, &old.details, &details).await?;
        if !details.priors.is_empty() && store::is_cycle(tx, old.id, &details.priors).await? {
            return Err(Error::Refused(Reason::Cycle));
        }
        let mut news = News::begin(tx, &self.space, &self.found).await?;
        let (task, step) = Task { details, ..old.clone() }.changed(word.now).settled();
        store::update(tx, &old, &task).await?;
        news.changed(&old, &task);
        news.stepped(&task, step, String::new());
        let task = reread(tx, task.id).await?;
        news.tell(tx, &task, word).await?;
        Ok(task)
    }

    /// Does something to it, of which `said` says more.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] when that cannot be done now.
    pub(super) async fn act(self, tx: &Transaction<'_>, deed: Deed, said: String, word: &Word) -> Result<Task> {
        let old = self.found.task.clone();
        let by = Actor { user: word.by, role: self.leave.standing.workcenter_role };
        let (task, Some(step)) = old.clone().after(deed, by, word.now)? else { return Ok(old) };
        let mut news = News::begin(tx, &self.space, &self.found).await?;
        let task = task.changed(word.now);
        store::update(tx, &old, &task).await?;
        news.stepped(&task, Some(step), said);
        let task = reread(tx, task.id).await?;
        news.tell(tx, &task, word).await?;
        Ok(task)
    }

    /// Deletes it; nobody waits for it then.
    ///
    /// # Errors
    ///
    /// What the database says.
    pub(super) async fn delete(self, tx: &Transaction<'_>, word: &Word) -> Result<Task> {
        let old = &self.found.task;
        let deletion = Some(Deletion::new(word.by, word.now)?);
        let task = Task { deletion, ..old.clone() }.changed(word.now);
        store::update(tx, old, &task).await?;
        let mut news = News::of_new(&self.space, &self.found);
        news.plain("task.deleted", String::new());
        news.tell(tx, &task, word).await?;
        Ok(task)
    }

    /// Brings it back.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when it is time to purge it.
    pub(super) async fn restore(self, tx: &Transaction<'_>, word: &Word) -> Result<Task> {
        let old = &self.found.task;
        match old.deletion {
            None => return Ok(self.found.task),
            Some(deletion) if deletion.purge_at <= word.now => return Err(missing(old.id)),
            Some(_) => {}
        }
        let task = Task { deletion: None, ..old.clone() }.changed(word.now);
        store::update(tx, old, &task).await?;
        let mut news = News::of_new(&self.space, &self.found);
        news.plain("task.restored", String::new());
        let task = reread(tx, task.id).await?;
        news.tell(tx, &task, word).await?;
        Ok(task)
    }
}

/// Makes a task in `space`, which the caller has alone, of a document in it or of none.
///
/// # Errors
///
/// [`Error::Invalid`] for what does not go together or is not there, [`Error::Refused`] when there are as many as there may be.
pub(super) async fn create(
    tx: &Transaction<'_>,
    space: &WorkCenter,
    document: Option<Uuid>,
    details: Details,
    word: &Word,
) -> Result<(Task, News)> {
    if store::is_full(tx, space.id).await? {
        return Err(Error::Refused(Reason::LimitReached));
    }
    let contents = document.map(|id| (Kind::Document, id));
    if let Some(id) = document
        && !store::strange(tx, space.id, &[], &[], contents.as_slice()).await?.contents.is_empty()
    {
        return Err(Kind::Document.missing(id));
    }
    check(tx, space, &Details::default(), &details).await?;
    let task = Task {
        id: ids::new(),
        account: space.account,
        workcenter: space.id,
        document,
        details,
        status: Status::New,
        created_by: word.by,
        created_at: word.now,
        updated_at: word.now,
        revision: 1,
        deletion: None,
    };
    store::insert(tx, &task).await?;
    let found = store::find(tx, task.id, word.by).await?.ok_or_else(|| missing(task.id))?;
    let mut news = News::of_new(space, &found);
    news.plain("task.created", String::new());
    news.assigned();
    Ok((found.task, news))
}

/// The task as it is now that it is written: whether it waits is seen when it is read.
async fn reread(tx: &Transaction<'_>, id: Uuid) -> Result<Task> {
    Ok(store::find(tx, id, Uuid::nil()).await?.ok_or_else(|| missing(id))?.task)
}

/// Refuses what does not go together, and what `details` name that `old` did not and that is not there in the WorkCenter.
async fn check(on: &impl GenericClient, space: &WorkCenter, old: &Details, details: &Details) -> Result<()> {
    let mut violations = Violations::default();
    if details.starts_at.zip(details.due_at).is_some_and(|(start, due)| due < start) {
        violations.add("task.due_time", "must not be before start_time");
    }
    let users = |of: &Details| {
        let all = of.assignees.named.iter().chain(&of.approvers.named);
        all.filter_map(|it| if let Who::User(id) = it.who { Some(id) } else { None }).collect::<HashSet<Uuid>>()
    };
    let tasks = |of: &Details| {
        let attached =
            of.attachments.iter().filter_map(|it| if let Attachment::Task(id) = it { Some(id) } else { None });
        attached.chain(&of.priors).copied().collect::<HashSet<Uuid>>()
    };
    let contents = |of: &Details| {
        let content = |it: &Attachment| if let Attachment::Content(kind, id) = *it { Some((id, kind)) } else { None };
        of.attachments.iter().filter_map(content).collect::<HashMap<Uuid, Kind>>()
    };
    let (before, now) = (contents(old), contents(details));
    let users: Vec<Uuid> = users(details).difference(&users(old)).copied().collect();
    let tasks: Vec<Uuid> = tasks(details).difference(&tasks(old)).copied().collect();
    let new: Vec<(Kind, Uuid)> =
        now.iter().filter(|it| before.get(it.0) != Some(it.1)).map(|(id, kind)| (*kind, *id)).collect();
    if !(users.is_empty() && tasks.is_empty() && new.is_empty()) {
        let strange = store::strange(on, space.id, &users, &tasks, &new).await?;
        strangers(details, &strange, &mut violations);
    }
    violations.none()
}

/// Notes each field that names what is not there.
fn strangers(details: &Details, strange: &store::Strange, violations: &mut Violations) {
    for (field, people) in [("assignees", &details.assignees), ("approvers", &details.approvers)] {
        for (place, named) in people.named.iter().enumerate() {
            if matches!(named.who, Who::User(id) if strange.users.contains(&id)) {
                violations.add(format!("task.{field}[{place}].user_id"), "must be a collaborator of the WorkCenter");
            }
        }
    }
    for id in details.priors.iter().filter(|it| strange.tasks.contains(it)) {
        violations.add("task.prior_task_ids", format!("must be tasks of the WorkCenter, and {id} is none"));
    }
    for (place, attachment) in details.attachments.iter().enumerate() {
        let is_strange = match attachment {
            Attachment::Content(_, id) => strange.contents.contains(id),
            Attachment::Task(id) => strange.tasks.contains(id),
        };
        if is_strange {
            violations.add(format!("task.attachments[{place}]"), "must be there in the WorkCenter");
        }
    }
}
