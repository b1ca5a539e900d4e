//! The work of jobs that copy templates: a batch of things of one kind at a time, by what is there when its turn comes.

use std::{collections::HashMap, num::NonZeroU32, time::Duration};

use uuid::Uuid;

use super::{
    code::Code,
    decide::{Adopted, Spot, Verdict},
    judge::{self, Copying, Judged, Spots},
    link::{self, New},
    people, publish,
    run::Run,
    store::{self, Standing},
};
use crate::{
    account,
    completion::{self, Words},
    content::imprint::{self, Assigned, Deed, Pair},
    db::Transaction,
    error::{Error, Reason, Result},
    ids,
    job::{self, Batch, Ended, Item, ItemKind, ItemState, Job, Leftover, Outcome, State},
    secret::TokenKey,
    subscription::When,
    workcenter,
};

/// What does the work of jobs that copy templates, at one instant.
#[derive(Clone, Debug)]
pub struct Work {
    /// The time of the product's clock.
    pub when: When,
    /// How much later immediate mail goes out.
    pub window: Duration,
    /// Collaborators that a WorkCenter has at most before it is large.
    pub most: NonZeroU32,
    /// What the tokens of invites are made with.
    pub key: TokenKey,
}

impl Work {
    /// Copies these things, or begins with one of these WorkCenters.
    ///
    /// # Errors
    ///
    /// What the database says.
    pub async fn batch(&self, tx: &Transaction<'_>, batch: &Batch) -> Result<Vec<Outcome>> {
        let run = store::find(tx, batch.job).await?;
        if batch.kind == job::Kind::PublishTemplate {
            return publish::begin(tx, batch, &run).await;
        }
        let into = batch.order.target.as_ref().map(|it| it.workcenter).unwrap_or_default();
        let items = &batch.items;
        let kind = items.first().map_or(ItemKind::Setting, |it| it.kind);
        if kind == ItemKind::Collaborator {
            people::hold(tx, batch.account, &run, items).await?;
        }
        if let Err(code) = enter(tx, batch.job, (batch.initiator, batch.account), &run, into).await? {
            let failed = |it: &Item| Outcome::none(it.id, ItemState::Failed, code.name(), code.text());
            return Ok(items.iter().map(failed).collect());
        }
        let copying = Copying { job: batch.job, run: &run, into, dates: None };
        let mut spots = Spots::default();
        let things: Vec<(Uuid, Option<Uuid>)> = items.iter().map(|it| (it.id, about(it, &mut spots))).collect();
        let mut judged = judge::judge(tx, &copying, kind, &things, &mut spots).await?;
        self.invite(tx, &copying, (batch.initiator, batch.account), &mut judged).await?;
        let deed = Deed { into, by: batch.initiator, now: self.when.now };
        let made = self.apply(tx, &copying, kind, &deed, &judged).await?;
        let outcome = |(item, judged): (&Item, &Judged)| outcome(item, judged, &made);
        Ok(items.iter().zip(&judged).map(outcome).collect())
    }

    /// Does what was decided; returns what each copy is.
    async fn apply(
        &self,
        tx: &Transaction<'_>,
        copying: &Copying<'_>,
        kind: ItemKind,
        deed: &Deed,
        judged: &[Judged],
    ) -> Result<HashMap<Uuid, Uuid>> {
        let (mut copies, mut edits, mut versions, mut new) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for it in judged {
            let (to, is_copy) = match it.verdict {
                Verdict::Fail(_) | Verdict::Skip(_) => continue,
                Verdict::Copy if kind == ItemKind::Collaborator => (it.id, true),
                Verdict::Copy if kind == ItemKind::Setting => (copying.into, true),
                Verdict::Copy => (ids::new(), true),
                Verdict::Update(to) | Verdict::Version(to) => (to, true),
                Verdict::Adopt(to, _) | Verdict::Invited(to) => (to, false),
                // Who is invited when the WorkCenter is open has led to nothing yet.
                Verdict::Invite => (Uuid::nil(), false),
            };
            let pair = Pair { of: it.id, to, place: it.place };
            match it.verdict {
                Verdict::Copy => copies.push(pair),
                Verdict::Update(_) => edits.push(pair),
                Verdict::Version(_) => versions.push(pair),
                _ => {}
            }
            new.push(New { source: it.id, target: to, source_hash: it.source_hash.clone(), is_copy });
        }
        match kind {
            ItemKind::Folder | ItemKind::Document => entries(tx, deed, &copies, &edits, &versions).await?,
            ItemKind::Task => tasks(tx, deed, judged, &copies, &edits).await?,
            ItemKind::Post => {
                some(&copies, async || imprint::copy_posts(tx, deed, &copies).await).await?;
                some(&edits, async || imprint::edit_posts(tx, deed, &edits).await).await?;
            }
            ItemKind::Comment => {
                some(&copies, async || imprint::copy_comments(tx, deed, &copies).await).await?;
                some(&edits, async || imprint::edit_comments(tx, deed, &edits).await).await?;
            }
            ItemKind::Setting if copies.len() + edits.len() > 0 => {
                let (category, _) = store::categories(tx, copying.run.template, copying.into).await?;
                workcenter::file(tx, copying.into, &category).await?;
            }
            _ => {}
        }
        if kind == ItemKind::Collaborator {
            self.seat(tx, copying, deed.by, judged).await?;
        }
        if !new.is_empty() {
            link::store::put(tx, copying.pair(), kind, &new).await?;
        }
        Ok(new.into_iter().map(|it| (it.source, it.target)).collect())
    }

    /// Opens a WorkCenter that a job has made, or gives it up.
    async fn finish(&self, tx: &Transaction<'_>, job: &Job, run: &Run, into: Uuid) -> Result<()> {
        if !is_well(job.state) {
            return workcenter::abandon(tx, into, job.id, self.when.now).await;
        }
        match self.open(tx, job, run, into).await {
            Ok(()) => Ok(()),
            // Nobody gets it any more.
            Err(Error::Refused(_) | Error::NotFound(..)) => workcenter::abandon(tx, into, job.id, self.when.now).await,
            Err(other) => Err(other),
        }
    }

    /// Ties the copies of tasks to what comes before them and what is attached to them.
    ///
    /// # Errors
    ///
    /// What the database says.
    pub async fn sweep(&self, tx: &Transaction<'_>, job: &Job, these: &[Leftover]) -> Result<()> {
        let run = store::find(tx, job.id).await?;
        let Some(into) = target(job) else { return Ok(()) };
        let initiator = job.initiator.unwrap_or_default();
        if enter(tx, job.id, (initiator, job.account), &run, into).await?.is_err() {
            return Ok(());
        }
        let pair = (run.template, into);
        let sources: Vec<Uuid> = these.iter().map(|it| it.item).collect();
        let loose = link::store::loose(tx, pair, &sources).await?;
        if loose.is_empty() {
            return Ok(());
        }
        let named: Vec<Uuid> = loose.iter().flat_map(|it| it.2.iter().copied()).collect();
        let links: Vec<(Uuid, Uuid)> = link::store::targets(tx, pair, &named).await?.into_iter().collect();
        let tasks: Vec<(Uuid, Uuid)> = loose.iter().map(|it| (it.0, it.1)).collect();
        imprint::tie_tasks(tx, into, &tasks, &links).await?;
        link::store::tied(tx, pair, &tasks.iter().map(|it| it.0).collect::<Vec<_>>()).await
    }

    /// Tells the collaborators, and who started the jobs, that they are over; and has those go on that wait for them.
    ///
    /// # Errors
    ///
    /// What the database says.
    pub async fn end(&self, tx: &Transaction<'_>, ended: &[Ended]) -> Result<()> {
        let (mut names, mut words) = (HashMap::new(), Words::new());
        for Ended { job, .. } in ended {
            let run = store::find(tx, job.id).await?;
            let initiator = job.initiator.unwrap_or_default();
            let into = target(job).unwrap_or_default();
            let seen = store::standing(tx, initiator, run.template, into).await?;
            let name = seen.map(|it| it.template_name).unwrap_or_default();
            if let Some(parent) = job.bulk.as_ref().and_then(|it| it.parent) {
                job::settle(tx, parent, publish::outcome(job, into)).await?;
            }
            if run.creates {
                self.finish(tx, job, &run, into).await?;
            }
            let is_heard = !run.creates || is_well(job.state);
            if job.kind == job::Kind::ApplyTemplate && 0 < job.done && is_heard {
                let event = completion::event(job, "template.applied", name.clone(), &self.when);
                words.entry(into).or_default().push(event);
            }
            names.insert(job.id, name);
        }
        // Who started the whole is told of the whole.
        let is_part = |it: &Ended| it.job.bulk.as_ref().is_some_and(|it| it.parent.is_some());
        let whole: Vec<Ended> = ended.iter().filter(|it| !is_part(it)).cloned().collect();
        let title = |job: &Job| {
            let verb = if job.kind == job::Kind::PublishTemplate { "Publishing" } else { "Applying" };
            format!("{verb} the template {}", names.get(&job.id).map_or("", String::as_str))
        };
        completion::tell(tx, &whole, title, words, &self.when, self.window).await
    }
}

/// Runs something unless there is nothing to do.
async fn some<T>(these: &[T], deed: impl AsyncFnOnce() -> Result<()>) -> Result<()> {
    if these.is_empty() { Ok(()) } else { deed().await }
}

fn target(job: &Job) -> Option<Uuid> {
    job.bulk.as_ref()?.order.target.as_ref().map(|it| it.workcenter)
}

/// What an item belongs to, of which it is noted how it stands.
fn about(item: &Item, spots: &mut Spots) -> Option<Uuid> {
    let above = item.above.as_ref()?;
    let code = Code::named(&above.code).unwrap_or(Code::TargetGone);
    match above.state {
        ItemState::Skipped => spots.explain(above.id, Spot::Left(code)),
        _ => spots.explain(above.id, Spot::Lost(code)),
    }
    Some(above.id)
}

/// Has the WorkCenter alone, if who started the job may still copy the template there.
async fn enter(
    tx: &Transaction<'_>,
    job: Uuid,
    (initiator, account): (Uuid, Uuid),
    run: &Run,
    into: Uuid,
) -> Result<Result<(), Code>> {
    let entered = match account::enter(tx, account).await {
        Ok(()) if run.creates => workcenter::fill_by(tx, into, job).await.map(drop),
        Ok(()) => workcenter::rearrange(tx, into).await.map(drop),
        Err(error) => Err(error),
    };
    match entered {
        Ok(()) => {}
        Err(Error::Refused(Reason::WorkcenterArchived | Reason::AccountDeactivated)) => {
            return Ok(Err(Code::TargetArchived));
        }
        Err(Error::Refused(_) | Error::NotFound(..)) => return Ok(Err(Code::TargetGone)),
        Err(other) => return Err(other),
    }
    let standing = store::standing(tx, initiator, run.template, into).await?;
    Ok(standing.map_or(Err(Code::NotFound), |it| allowed(&it)))
}

/// Whether somebody may copy a template into a WorkCenter.
pub(super) fn allowed(standing: &Standing) -> Result<(), Code> {
    if !standing.is_there {
        Err(Code::TargetGone)
    } else if standing.is_archived {
        Err(Code::TargetArchived)
    } else if standing.sees_template && (standing.administers || standing.owns) {
        Ok(())
    } else {
        Err(Code::PermissionDenied)
    }
}

async fn entries(tx: &Transaction<'_>, deed: &Deed, copies: &[Pair], edits: &[Pair], versions: &[Pair]) -> Result<()> {
    some(edits, async || imprint::edit_entries(tx, deed, edits).await).await?;
    some(copies, async || imprint::copy_entries(tx, deed, copies).await).await?;
    some(versions, async || imprint::append(tx, deed, versions).await).await
}

async fn tasks(tx: &Transaction<'_>, deed: &Deed, judged: &[Judged], copies: &[Pair], edits: &[Pair]) -> Result<()> {
    let todos: HashMap<Uuid, &store::Todo> = judged.iter().filter_map(|it| Some((it.id, it.todo.as_ref()?))).collect();
    let assigned = |pairs: &[Pair]| -> Vec<Assigned> {
        let assigned = pairs.iter().filter_map(|pair| {
            let todo = todos.get(&pair.of)?;
            let (starts_at, due_at, zone) = (todo.starts_at, todo.due_at, todo.zone.clone());
            let people = todo.meant.iter().filter(|it| it.is_named()).map(|it| (it.part, it.who)).collect();
            Some(Assigned { pair: *pair, starts_at, due_at, zone, people })
        });
        assigned.collect()
    };
    let (copies, edits) = (assigned(copies), assigned(edits));
    some(&copies, async || imprint::copy_tasks(tx, deed, &copies).await).await?;
    some(&edits, async || imprint::edit_tasks(tx, deed, &edits).await).await
}

/// What is written down of an item.
fn outcome(item: &Item, judged: &Judged, made: &HashMap<Uuid, Uuid>) -> Outcome {
    let target = made.get(&item.id).copied().filter(|it| !it.is_nil());
    let (state, action, code) = verdict(item.kind, judged);
    let (code, text) = code.map_or(("", ""), |it| (it.name(), it.text()));
    let is_changed = state == ItemState::Done;
    let has_path = is_changed && matches!(item.kind, ItemKind::Folder | ItemKind::Document);
    // What else it names is tied to it when all tasks are there.
    let ties = judged.todo.as_ref().is_some_and(|it| it.has_ties) || matches!(judged.verdict, Verdict::Update(_));
    let leftover = target.filter(|_| item.kind == ItemKind::Task && is_changed && ties);
    let target_path = if has_path { item.path.clone() } else { String::new() };
    Outcome { action, target, target_path, leftover, ..Outcome::none(item.id, state, code, text) }
}

/// How an item stands after that, what was done, and what there is to say.
pub(super) fn verdict(kind: ItemKind, judged: &Judged) -> (ItemState, &'static str, Option<Code>) {
    let copied = match kind {
        ItemKind::Collaborator => "ADD",
        ItemKind::Setting => "UPDATE",
        _ => "COPY",
    };
    match judged.verdict {
        Verdict::Fail(code) => (ItemState::Failed, "", Some(code)),
        Verdict::Skip(code) => (ItemState::Skipped, "", Some(code)),
        Verdict::Adopt(_, Adopted::Same) => (ItemState::Skipped, "", Some(Code::Identical)),
        Verdict::Adopt(_, Adopted::Kept) => (ItemState::Skipped, "", Some(Code::RoleKept)),
        Verdict::Adopt(_, Adopted::Merged) => (ItemState::Done, "MERGE", None),
        Verdict::Invite | Verdict::Invited(_) => (ItemState::Done, "INVITE", None),
        Verdict::Copy => (ItemState::Done, copied, judged.warning),
        Verdict::Version(_) => (ItemState::Done, "NEW_VERSION", judged.warning),
        Verdict::Update(_) => (ItemState::Done, "UPDATE", judged.warning),
    }
}

/// Whether a job has done all that it was to do.
pub(super) fn is_well(state: State) -> bool {
    matches!(state, State::Succeeded | State::SucceededWithWarnings)
}
