//! What becomes of things of a template, by what is there: with a fixed number of statements for things of one kind.

use std::collections::HashMap;

use uuid::Uuid;

use super::{
    cast::{self, Called, Company},
    code::Code,
    dates::Set,
    decide::{self, Adopted, Site, Spot, Verdict},
    link,
    run::{Mode, Run},
    store::{self, Member, Todo},
};
use crate::{
    access::WorkCenterRole,
    content::imprint::{POSTS_MAX, TASKS_MAX},
    db::GenericClient,
    error::Result,
    job::ItemKind,
};

/// A job that copies a template into a WorkCenter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Copying<'a> {
    /// Nil for one that is only planned.
    pub job: Uuid,
    pub run: &'a Run,
    pub into: Uuid,
    /// The dates of tasks, where nothing is kept of them.
    pub dates: Option<&'a HashMap<Uuid, Set>>,
}

impl Copying<'_> {
    /// The two WorkCenters.
    pub fn pair(&self) -> (Uuid, Uuid) {
        (self.run.template, self.into)
    }

    fn is_planned(&self) -> bool {
        self.job.is_nil()
    }
}

/// What becomes of a thing.
#[derive(Debug)]
pub(super) struct Judged {
    pub id: Uuid,
    pub verdict: Verdict,
    /// What it is.
    pub source_hash: Vec<u8>,
    /// What it has led to before, be it there or not.
    pub led_to: Option<Uuid>,
    /// The folder, document, task or post that its copy is in, or about.
    pub place: Option<Uuid>,
    /// What there is to say of it when it is done.
    pub warning: Option<Code>,
    /// Of a task, its dates, and whom it means.
    pub todo: Option<Todo>,
    /// Of somebody, what they are to be.
    pub role: Option<WorkCenterRole>,
}

/// What became of what things belong to.
#[derive(Debug, Default)]
pub(super) struct Spots {
    known: HashMap<Uuid, Spot>,
    /// What is to be said where nothing was copied.
    else_known: HashMap<Uuid, Spot>,
    /// Of a plan, who would come or be invited.
    pub company: Company,
}

impl Spots {
    /// Notes what became of something.
    pub fn know(&mut self, id: Uuid, spot: Spot) {
        self.known.insert(id, spot);
    }

    /// Notes why something was not copied, if it was not.
    pub fn explain(&mut self, id: Uuid, spot: Spot) {
        self.else_known.insert(id, spot);
    }

    /// Finds out about those of these that nothing is known of.
    async fn resolve(&mut self, on: &impl GenericClient, copying: &Copying<'_>, ids: &[Uuid]) -> Result<()> {
        let ids: Vec<Uuid> = ids.iter().copied().filter(|it| !self.known.contains_key(it)).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let targets = link::store::targets(on, copying.pair(), &ids).await?;
        let gone = link::store::known(on, copying.pair(), &ids).await?;
        for id in ids {
            let spot = match (targets.get(&id), self.else_known.get(&id)) {
                (Some(target), _) => Spot::At(Some(*target)),
                _ if gone.contains(&id) => Spot::Left(Code::LocallyDeleted),
                (None, Some(spot)) => *spot,
                (None, None) => Spot::Lost(Code::TargetGone),
            };
            self.known.insert(id, spot);
        }
        Ok(())
    }

    fn of(&self, parent: Option<Uuid>) -> Spot {
        parent.map_or(Spot::At(None), |it| self.known.get(&it).copied().unwrap_or(Spot::Lost(Code::TargetGone)))
    }
}

fn place(spot: Spot) -> Option<Uuid> {
    if let Spot::At(place) = spot { place } else { None }
}

/// Says what becomes of these things of one kind, each with what it is about.
pub(super) async fn judge(
    on: &impl GenericClient,
    copying: &Copying<'_>,
    kind: ItemKind,
    things: &[(Uuid, Option<Uuid>)],
    spots: &mut Spots,
) -> Result<Vec<Judged>> {
    let ids: Vec<Uuid> = things.iter().map(|it| it.0).collect();
    let mut linked = link::store::look(on, copying.pair(), kind, &ids).await?;
    let mut judged = Vec::with_capacity(ids.len());
    for id in ids {
        let linked = linked.remove(&id).unwrap_or_default();
        let verdict = decide::step(copying.run.mode, &linked);
        let (source_hash, led_to) = (linked.source_now.unwrap_or_default(), linked.target);
        judged.push(Judged { id, verdict, source_hash, led_to, place: None, warning: None, todo: None, role: None });
    }
    match kind {
        ItemKind::Folder | ItemKind::Document => entries(on, copying, &mut judged, spots).await?,
        ItemKind::Task => tasks(on, copying, &mut judged, spots).await?,
        ItemKind::Comment => comments(on, copying, things, &mut judged, spots).await?,
        ItemKind::Collaborator => people(on, copying, &mut judged).await?,
        ItemKind::Setting => settings(on, copying, &mut judged).await?,
        _ => {}
    }
    if !copying.is_planned() {
        limit(on, copying, kind, &mut judged).await?;
    }
    Ok(judged)
}

/// Those of these that are to be there, and are not, or were something else.
fn open(judged: &[Judged]) -> Vec<Uuid> {
    let is_open = |it: &&Judged| matches!(it.verdict, Verdict::Copy | Verdict::Update(_));
    judged.iter().filter(is_open).map(|it| it.id).collect()
}

async fn entries(
    on: &impl GenericClient,
    copying: &Copying<'_>,
    judged: &mut [Judged],
    spots: &mut Spots,
) -> Result<()> {
    let sources = store::entries(on, &open(judged)).await?;
    let parents: Vec<Uuid> = sources.values().filter_map(|it| it.parent).collect();
    spots.resolve(on, copying, &parents).await?;
    let slots: Vec<store::Slot> = sources
        .values()
        .filter_map(|it| if let Spot::At(place) = spots.of(it.parent) { Some((place, it.key.clone())) } else { None })
        .collect();
    let folders: Vec<Uuid> = slots.iter().filter_map(|it| it.0).collect();
    let chains = store::chains(on, &folders).await?;
    let holders = store::holders(on, copying.into, &slots).await?;
    for it in judged {
        let Some(source) = sources.get(&it.id) else { continue };
        let spot = spots.of(source.parent);
        it.place = place(spot);
        let chain = it.place.and_then(|it| chains.get(&it)).map_or(&[] as &[Uuid], Vec::as_slice);
        let is_found = matches!(spot, Spot::At(_));
        let holder = holders.get(&(it.place, source.key.clone())).filter(|_| is_found);
        let site = Site { chain, holder };
        let verdict = it.verdict.clone();
        it.verdict = decide::entry(verdict, spot, source.digest.as_deref(), copying.run.new_versions, &site);
    }
    Ok(())
}

async fn tasks(on: &impl GenericClient, copying: &Copying<'_>, judged: &mut [Judged], spots: &mut Spots) -> Result<()> {
    let ids = open(judged);
    let mut todos = store::tasks(on, copying.job, &ids).await?;
    let mut people = cast::named(on, &ids).await?;
    let meant = cast::ids(&copying.run.cast, people.values().flatten());
    let mut company = cast::company(on, copying.pair(), &copying.run.cast, &meant).await?;
    company.join(&spots.company);
    let named: Vec<Uuid> = todos.values().flat_map(|it| it.attached.iter().copied().chain(it.document)).collect();
    spots.resolve(on, copying, &named).await?;
    for it in judged {
        let Some(mut todo) = todos.remove(&it.id) else { continue };
        if let Some(set) = copying.dates.and_then(|dates| dates.get(&it.id)) {
            (todo.starts_at, todo.due_at, todo.zone) = (set.starts_at, set.due_at, set.zone.clone());
            todo.date_code = set.code.map_or("", Code::name).to_owned();
        }
        if Code::named(&todo.date_code) == Some(Code::DateImpossible) {
            it.verdict = Verdict::Fail(Code::DateImpossible);
            continue;
        }
        it.place = todo.document.and_then(|document| place(spots.of(Some(document))));
        let is_lost = |id: &Uuid| !matches!(spots.of(Some(*id)), Spot::At(_) | Spot::New);
        todo.meant = cast::meant(&copying.run.cast, &people.remove(&it.id).unwrap_or_default(), &company);
        it.warning = if let Some(code) = cast::warning(&todo.meant) {
            Some(code)
        } else if todo.attached.iter().chain(&todo.document).any(is_lost) {
            Some(Code::LinkUnresolved)
        } else {
            Code::named(&todo.date_code)
        };
        it.todo = Some(todo);
    }
    Ok(())
}

async fn comments(
    on: &impl GenericClient,
    copying: &Copying<'_>,
    things: &[(Uuid, Option<Uuid>)],
    judged: &mut [Judged],
    spots: &mut Spots,
) -> Result<()> {
    let subjects: Vec<Uuid> = things.iter().filter_map(|it| it.1).collect();
    spots.resolve(on, copying, &subjects).await?;
    for (it, (_, subject)) in judged.iter_mut().zip(things) {
        let spot = spots.of(*subject);
        it.place = place(spot);
        it.verdict = decide::within(it.verdict.clone(), spot);
    }
    Ok(())
}

/// Who is there already stays what they are, and what somebody is does not change by a template.
async fn people(on: &impl GenericClient, copying: &Copying<'_>, judged: &mut [Judged]) -> Result<()> {
    let ids: Vec<Uuid> = judged.iter().map(|it| it.id).collect();
    let called = cast::called(on, copying.run, copying.into, Some(&ids)).await?;
    let mut people = HashMap::new();
    if copying.run.what.contains(&ItemKind::Collaborator) {
        people = store::people(on, copying.run.template, copying.into, &ids).await?;
    }
    for it in judged {
        let (member, called) = (people.get(&it.id), called.get(&it.id));
        let is_there = member.is_some_and(|it| it.own.is_some()) || called.is_some_and(|it| it.is_there);
        it.role = member.map(|it| it.role).or(called.map(|it| it.role));
        it.verdict = match (member, called) {
            // They were invited, and that is all.
            _ if it.led_to.is_some_and(|to| to != it.id) && !is_there => Verdict::Skip(Code::Invited),
            _ if it.led_to.is_some_and(|to| to != it.id) => Verdict::Adopt(it.id, Adopted::Same),
            (Some(member), called) => carried(it, member, called),
            (None, Some(called)) => brought(it, called, copying.run.mode),
            (None, None) => Verdict::Skip(Code::NotFound),
        };
        // An invite offers what was asked for, be it made now or when the WorkCenter is open.
        if let Some(called) = called.filter(|_| it.verdict == Verdict::Invite) {
            it.role = Some(called.role);
        }
    }
    Ok(())
}

/// What becomes of somebody who comes with the template.
fn carried(it: &Judged, member: &Member, called: Option<&Called>) -> Verdict {
    match it.verdict {
        Verdict::Update(_) => Verdict::Skip(Code::TemplateChanged),
        Verdict::Copy if member.own == Some(member.role) => Verdict::Adopt(it.id, Adopted::Same),
        Verdict::Copy if member.own.is_some() => Verdict::Adopt(it.id, Adopted::Kept),
        Verdict::Copy if member.belongs => Verdict::Copy,
        Verdict::Copy if called.is_some() => Verdict::Invite,
        Verdict::Copy => Verdict::Skip(Code::NotAMember),
        ref verdict => verdict.clone(),
    }
}

/// What becomes of somebody who is brought in because a task means them.
fn brought(it: &Judged, called: &Called, mode: Mode) -> Verdict {
    if called.is_there {
        Verdict::Adopt(it.id, Adopted::Same)
    } else if it.led_to.is_some() {
        Verdict::Skip(Code::LocallyDeleted)
    } else if mode == Mode::ReportOnly {
        Verdict::Skip(Code::Missing)
    } else if called.belongs {
        Verdict::Copy
    } else {
        Verdict::Invite
    }
}

/// What people have set themselves stays.
async fn settings(on: &impl GenericClient, copying: &Copying<'_>, judged: &mut [Judged]) -> Result<()> {
    let (source, target) = store::categories(on, copying.run.template, copying.into).await?;
    for it in judged.iter_mut().filter(|it| it.verdict == Verdict::Copy) {
        it.verdict = if target.as_ref().is_none_or(|it| *it == source) {
            Verdict::Adopt(copying.into, Adopted::Same)
        } else if target.as_ref().is_some_and(String::is_empty) {
            Verdict::Copy
        } else {
            Verdict::Skip(Code::LocallyChanged)
        };
    }
    Ok(())
}

/// Lets no more in than there may be.
async fn limit(on: &impl GenericClient, copying: &Copying<'_>, kind: ItemKind, judged: &mut [Judged]) -> Result<()> {
    let room = match kind {
        ItemKind::Task => TASKS_MAX - store::counts(on, copying.into).await?.0,
        ItemKind::Post => POSTS_MAX - store::counts(on, copying.into).await?.1,
        _ => return Ok(()),
    };
    let room = usize::try_from(room).unwrap_or_default();
    for it in judged.iter_mut().filter(|it| it.verdict == Verdict::Copy).skip(room) {
        it.verdict = Verdict::Fail(Code::Limit);
    }
    Ok(())
}
