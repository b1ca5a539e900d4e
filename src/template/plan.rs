//! Planning the copying of a template: what there is to do, what is refused at once, and what would become of each thing now.

use std::collections::HashMap;

use uuid::Uuid;

use super::{
    TARGETS_MAX, cast,
    code::Code,
    dates,
    decide::{Adopted, Spot, Verdict},
    judge::{self, Copying, Judged, Spots},
    link,
    run::{Run, Thing},
    store,
};
use crate::{
    content::{
        ITEMS_MAX,
        imprint::{POSTS_MAX, TASKS_MAX},
    },
    db::GenericClient,
    error::{self, Error, Reason, Result},
    job::{ItemKind, Planned},
};

/// Things that one statement looks at.
const LOOKED_MAX: usize = 2_000;

/// What a template has of that which is to be copied, in order.
///
/// # Errors
///
/// [`Error::Refused`] for more than one job may have, and where there would be more tasks or posts than there may be.
pub(super) async fn things(on: &impl GenericClient, run: &Run, into: Uuid) -> Result<Vec<Thing>> {
    let most = i64::try_from(ITEMS_MAX + 1).map_err(Error::internal)?;
    let mut things = store::contents(on, run.template, &run.what, None, most).await?;
    cast::bring(&mut things, &cast::called(on, run, into, None).await?);
    if ITEMS_MAX < things.len() {
        return Err(Error::Refused(Reason::TooManyItems));
    }
    let of = |kind: ItemKind| things.iter().filter(|it| it.kind == kind).map(|it| it.id).collect::<Vec<_>>();
    let (tasks, posts) = store::counts(on, into).await?;
    for (kind, there, most) in [(ItemKind::Task, tasks, TASKS_MAX), (ItemKind::Post, posts, POSTS_MAX)] {
        let ids = of(kind);
        let known = link::store::known(on, (run.template, into), &ids).await?.len();
        let new = i64::try_from(ids.len() - known).map_err(Error::internal)?;
        if most < there + new {
            return Err(Error::Refused(Reason::LimitReached));
        }
    }
    Ok(things)
}

/// Keeps what is asked of a job that copies a template into a WorkCenter, with the dates of its tasks.
///
/// # Errors
///
/// As [`dates::of`].
pub(super) async fn keep(on: &impl GenericClient, job: Uuid, run: &Run, into: Uuid) -> Result<()> {
    store::insert(on, job, run).await?;
    dates::keep(on, job, (run.template, into), &run.timing).await
}

/// The items of a job that copies these.
pub(super) fn items(things: &[Thing]) -> Vec<Planned> {
    let item = |it: &Thing| Planned {
        id: it.id,
        kind: it.kind,
        depth: it.depth,
        parent: it.parent,
        workcenter: None,
        path: it.path.clone(),
        bytes: it.bytes,
        on_conflict: "",
        etag: String::new(),
        line: 0,
    };
    things.iter().map(item).collect()
}

/// What would become of each of these things now.
///
/// # Errors
///
/// What the database says.
pub(super) async fn preview(on: &impl GenericClient, run: &Run, into: Uuid, things: &[Thing]) -> Result<Vec<Judged>> {
    let dates = dates::of(on, run.template, &run.timing, into).await?;
    let copying = Copying { job: Uuid::nil(), run, into, dates: Some(&dates) };
    let mut spots = Spots::default();
    let mut all = Vec::with_capacity(things.len());
    for level in things.chunk_by(|one, other| one.depth == other.depth && one.kind == other.kind) {
        for some in level.chunks(LOOKED_MAX) {
            let named: Vec<(Uuid, Option<Uuid>)> = some.iter().map(|it| (it.id, it.parent)).collect();
            let judged = judge::judge(on, &copying, some[0].kind, &named, &mut spots).await?;
            all.extend(judged);
        }
        if level[0].kind == ItemKind::Collaborator {
            spots.company.expect(&all[all.len() - level.len()..]);
        }
        let links = targets(on, &copying, &all[all.len() - level.len()..]).await?;
        for it in &all[all.len() - level.len()..] {
            spots.know(it.id, spot(it, links.get(&it.id).copied()));
        }
    }
    Ok(all)
}

/// What is there of that which was copied before.
async fn targets(on: &impl GenericClient, copying: &Copying<'_>, judged: &[Judged]) -> Result<HashMap<Uuid, Uuid>> {
    let skipped = judged.iter().filter(|it| matches!(it.verdict, Verdict::Skip(_)));
    let ids: Vec<Uuid> = skipped.map(|it| it.id).collect();
    link::store::targets(on, copying.pair(), &ids).await
}

/// Where what belongs to a thing would go.
fn spot(judged: &Judged, link: Option<Uuid>) -> Spot {
    match judged.verdict {
        Verdict::Copy | Verdict::Invite | Verdict::Invited(_) => Spot::New,
        Verdict::Adopt(to, _) | Verdict::Version(to) | Verdict::Update(to) => Spot::At(Some(to)),
        Verdict::Skip(code) => link.map_or(Spot::Left(code), |it| Spot::At(Some(it))),
        Verdict::Fail(code) => Spot::Lost(code),
    }
}

/// The WorkCenters that a template is published to: id and name, no name for those that nobody may know of.
///
/// # Errors
///
/// [`Error::Refused`] for too many.
pub(super) async fn audience(
    on: &impl GenericClient,
    template: Uuid,
    named: &[Uuid],
    category: Option<&str>,
) -> Result<Vec<(Uuid, String)>> {
    let most = i64::try_from(TARGETS_MAX + 1).map_err(Error::internal)?;
    let found = store::targets(on, template, named, category, most).await?;
    if TARGETS_MAX < found.len() {
        return Err(Error::Refused(Reason::TooManyItems));
    }
    if category.is_some() {
        return Ok(found);
    }
    let name = |id: &Uuid| found.iter().find(|it| it.0 == *id).map(|it| it.1.clone()).unwrap_or_default();
    Ok(named.iter().map(|id| (*id, name(id))).collect())
}

/// The items of a job that publishes to these WorkCenters.
pub(super) fn places(audience: &[(Uuid, String)]) -> Vec<Planned> {
    let item = |(id, name): &(Uuid, String)| Planned {
        id: *id,
        kind: ItemKind::WorkCenter,
        depth: 0,
        parent: None,
        workcenter: None,
        path: name.clone(),
        bytes: 0,
        on_conflict: "",
        etag: String::new(),
        line: 0,
    };
    audience.iter().map(item).collect()
}

/// How many of these would end in each way: done, skipped, failed, and done with something to say.
pub(super) fn counts(judged: &[Judged]) -> [i64; 4] {
    let mut counts = [0; 4];
    for it in judged {
        let place = match it.verdict {
            Verdict::Skip(_) | Verdict::Adopt(_, Adopted::Same | Adopted::Kept) => 1,
            Verdict::Fail(_) => 2,
            _ => 0,
        };
        counts[place] += 1;
        counts[3] += i64::from(place == 0 && it.warning.is_some());
    }
    counts
}

/// That a call is refused because of this.
pub(super) fn refusal(code: Code, template: Uuid, into: Uuid) -> Error {
    let missing = |id: Uuid| Error::NotFound(error::Kind::WorkCenter, id.to_string());
    match code {
        Code::NotMarked => Error::Refused(Reason::TemplateNotMarked),
        Code::TargetArchived => Error::Refused(Reason::WorkcenterArchived),
        Code::TargetGone => missing(into),
        Code::NotFound => missing(template),
        _ => Error::Forbidden,
    }
}
