//! `TemplateService` on the wire: what is asked for, and the job that comes of it, or its plan.

use jiff::Timestamp;
use prost::Message;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{
    dates, plan,
    run::{self, Run, Thing},
    store,
    wire::{plan::service as shown, service as read},
    work::allowed,
};
use crate::{
    access::{self, Action, Resource},
    account,
    auth::{self, Caller},
    clock::Clock,
    content::ITEMS_MAX,
    db::{Db, Transaction},
    error::{Error, Reason, Result, Violation, Violations},
    ids,
    job::{self, ItemKind, Order, Target},
    page::Page,
    pb::{
        self, ApplyTemplateRequest, ApplyTemplateResponse, CreateFromTemplateRequest, CreateFromTemplateResponse,
        JobItemKind, ListTemplateContentsRequest, ListTemplateContentsResponse, MarkAsTemplateRequest,
        MarkAsTemplateResponse, PublishTemplateRequest, PublishTemplateResponse, TemplatePlan, TemplateThing,
        template_service_server::TemplateService,
    },
    profile,
    request::{self, Recall},
    secret::TokenKey,
    workcenter,
};

/// What is never copied, as programs know it.
const NOT_CARRIED: [&str; 6] = ["activity", "approvals", "invites", "jobs", "preferences", "versions"];

/// Serves `TemplateService`.
pub struct Service {
    db: Db,
    clock: Clock,
    key: TokenKey,
}

/// What comes of a call: a job, or a plan.
type Answer = (Option<pb::Job>, Option<TemplatePlan>);

/// Where a template is copied to.
enum Into {
    One(Uuid),
    Many {
        named: Vec<Uuid>,
        category: Option<String>,
    },
    /// One that is made for it.
    New {
        name: String,
        time_zone: String,
    },
}

/// What all calls that start jobs have in common.
struct Asked<'a> {
    action: Action,
    run: Run,
    into: Into,
    validate_only: bool,
    request_id: &'a str,
}

impl Service {
    /// Makes the service.
    pub fn new(db: Db, clock: Clock, key: TokenKey) -> Self {
        Self { db, clock, key }
    }

    async fn mark(&self, caller: &Caller, id: Uuid, is_template: bool) -> Result<workcenter::WorkCenter> {
        let mut client = self.db.client().await?;
        let tx = client.transaction().await?;
        let leave = access::may(&tx, caller, Action::MarkAsTemplate, Resource::WorkCenter(id)).await?;
        account::enter(&tx, leave.standing.account.unwrap_or_default()).await?;
        let space = workcenter::mark_as_template(&tx, id, is_template).await?;
        tx.commit().await?;
        Ok(workcenter::WorkCenter { role: leave.standing.workcenter_role, ..space })
    }

    async fn start(&self, caller: &Caller, asked: &Asked<'_>, body: &[u8]) -> Result<Answer> {
        let mut client = self.db.client().await?;
        let tx = client.transaction().await?;
        let resource = match &asked.into {
            Into::One(into) => Resource::WorkCenter(*into),
            Into::Many { .. } | Into::New { .. } => Resource::WorkCenter(asked.run.template),
        };
        let leave = access::may(&tx, caller, asked.action, resource).await?;
        let person = leave.person;
        let ticket = match request::recall(&tx, person, asked.action.path(), asked.request_id, body).await? {
            Recall::New(ticket) => ticket,
            Recall::Known(answer) => {
                return Ok((Some(pb::Job::decode(answer.as_slice()).map_err(Error::internal)?), None));
            }
        };
        account::enter(&tx, leave.standing.account.unwrap_or_default()).await?;
        let started = match &asked.into {
            Into::One(into) => apply(&tx, person, asked, *into).await?,
            Into::Many { named, category } => publish(&tx, person, asked, named, category.as_deref()).await?,
            Into::New { name, time_zone } => {
                let now = self.clock.now().await?;
                create(&tx, person, asked, (name, time_zone), now).await?
            }
        };
        let job = match started {
            Started::Planned(plan) => return Ok((None, Some(plan))),
            Started::Job(job) => pb::Job::from(*job),
        };
        request::remember(&tx, ticket, &job.encode_to_vec()).await?;
        tx.commit().await?;

        Ok((Some(job), None))
    }
}

/// What a call has come to.
enum Started {
    Planned(TemplatePlan),
    Job(Box<job::Job>),
}

async fn apply(tx: &Transaction<'_>, person: Uuid, asked: &Asked<'_>, into: Uuid) -> Result<Started> {
    let run = &asked.run;
    if into == run.template {
        return Err(Violation::new("target_workcenter_id", "must be another one than the template").into());
    }
    let standing = store::standing(tx, person, run.template, into).await?;
    let standing = standing.filter(|it| it.sees_template);
    let standing = standing.ok_or_else(|| plan::refusal(super::code::Code::NotFound, run.template, into))?;
    if !standing.is_template {
        return Err(Error::Refused(Reason::TemplateNotMarked));
    }
    allowed(&standing).map_err(|code| plan::refusal(code, run.template, into))?;
    let things = plan::things(tx, run, into).await?;
    if asked.validate_only {
        let judged = plan::preview(tx, run, into, &things).await?;
        let mut plan = TemplatePlan::default();
        shown::add(&mut plan, into, &things, &judged);
        return Ok(Started::Planned(plan));
    }
    let target = Some(Target { workcenter: into, folder: None, path: String::new() });
    let roots = i64::try_from(things.len()).map_err(Error::internal)?;
    let order = Order { roots, target, ..Order::default() };
    let new = job::New {
        account: standing.account,
        kind: job::Kind::ApplyTemplate,
        initiator: person,
        request_id: asked.request_id,
        order: &order,
    };
    let job = job::start(tx, &new, &plan::items(&things)).await?;
    plan::keep(tx, job.id, run, into).await?;
    Ok(Started::Job(Box::new(job)))
}

async fn publish(
    tx: &Transaction<'_>,
    person: Uuid,
    asked: &Asked<'_>,
    named: &[Uuid],
    category: Option<&str>,
) -> Result<Started> {
    let run = &asked.run;
    let standing = store::standing(tx, person, run.template, run.template).await?;
    let standing = standing.ok_or_else(|| plan::refusal(super::code::Code::NotFound, run.template, Uuid::nil()))?;
    if !standing.is_template {
        return Err(Error::Refused(Reason::TemplateNotMarked));
    }
    // What is refused for one is refused for all.
    dates::of(tx, run.template, &run.timing, run.template).await?;
    let audience = plan::audience(tx, run.template, named, category).await?;
    if asked.validate_only {
        return Ok(Started::Planned(many(tx, person, run, &audience).await?));
    }
    let roots = i64::try_from(audience.len()).map_err(Error::internal)?;
    let order = Order { roots, ..Order::default() };
    let new = job::New {
        account: standing.account,
        kind: job::Kind::PublishTemplate,
        initiator: person,
        request_id: asked.request_id,
        order: &order,
    };
    let job = job::start(tx, &new, &plan::places(&audience)).await?;
    store::insert(tx, job.id, run).await?;
    Ok(Started::Job(Box::new(job)))
}

/// Starts a job that makes a WorkCenter like a template.
async fn create(
    tx: &Transaction<'_>,
    person: Uuid,
    asked: &Asked<'_>,
    (name, time_zone): (&str, &str),
    now: Timestamp,
) -> Result<Started> {
    let run = &asked.run;
    let standing = store::standing(tx, person, run.template, Uuid::nil()).await?;
    let standing = standing.ok_or_else(|| plan::refusal(super::code::Code::NotFound, run.template, Uuid::nil()))?;
    if !standing.is_template {
        return Err(Error::Refused(Reason::TemplateNotMarked));
    }
    let things = plan::things(tx, run, Uuid::nil()).await?;
    let (category, _) = store::categories(tx, run.template, Uuid::nil()).await?;
    let category = if run.what.contains(&ItemKind::Setting) { category } else { String::new() };
    let (account, name, time_zone) = (standing.account, name.to_owned(), time_zone.to_owned());
    let new = |job| workcenter::New { account, by: person, name, category, time_zone, job };
    if asked.validate_only {
        // Without a commit nothing of it stays.
        let into = workcenter::provision(tx, new(ids::new()), now).await?.id;
        let judged = plan::preview(tx, run, into, &things).await?;
        let mut plan = TemplatePlan::default();
        shown::add(&mut plan, Uuid::nil(), &things, &judged);
        return Ok(Started::Planned(plan));
    }
    let roots = i64::try_from(things.len()).map_err(Error::internal)?;
    let order = Order { roots, ..Order::default() };
    let (kind, request_id) = (job::Kind::ApplyTemplate, asked.request_id);
    let starting = job::New { account, kind, initiator: person, request_id, order: &order };
    let job = job::start(tx, &starting, &plan::items(&things)).await?.id;
    let space = workcenter::provision(tx, new(job), now).await?;
    plan::keep(tx, job, run, space.id).await?;
    Ok(Started::Job(Box::new(job::aim(tx, job, space.id).await?)))
}

/// What would become of things in these WorkCenters; of those into which nothing can be copied, that.
async fn many(tx: &Transaction<'_>, person: Uuid, run: &Run, audience: &[(Uuid, String)]) -> Result<TemplatePlan> {
    let mut plan = TemplatePlan::default();
    let mut items = 0;
    for (into, name) in audience {
        let standing = store::standing(tx, person, run.template, *into).await?;
        if let Some(Err(code)) = standing.as_ref().map(allowed) {
            shown::refuse(&mut plan, *into, name, code);
            continue;
        }
        let things = plan::things(tx, run, *into).await?;
        items += things.len();
        if ITEMS_MAX < items {
            return Err(Error::Refused(Reason::TooManyItems));
        }
        let judged = plan::preview(tx, run, *into, &things).await?;
        shown::add(&mut plan, *into, &things, &judged);
    }
    Ok(plan)
}

#[tonic::async_trait]
impl TemplateService for Service {
    async fn mark_as_template(
        &self,
        request: Request<MarkAsTemplateRequest>,
    ) -> Result<Response<MarkAsTemplateResponse>, Status> {
        let caller = auth::caller(&request)?;
        let request = request.into_inner();
        let id = ids::parse("workcenter_id", &request.workcenter_id).map_err(Error::from)?;

        let space = self.mark(&caller, id, !request.unmark).await?;

        Ok(Response::new(MarkAsTemplateResponse { workcenter: Some(space.into()) }))
    }

    async fn create_from_template(
        &self,
        request: Request<CreateFromTemplateRequest>,
    ) -> Result<Response<CreateFromTemplateResponse>, Status> {
        let caller = auth::caller(&request)?;
        let request = request.into_inner();
        let mut violations = Violations::default();
        let run = read::options(&request.template_id, request.options.as_ref(), true, &mut violations);
        let name = violations.take(workcenter::name("name", &request.name)).unwrap_or_default();
        let time_zone = violations.take(profile::time_zone("time_zone", &request.time_zone)).unwrap_or_default();
        violations.extend(request::fault(&request.request_id));
        violations.none()?;
        let asked = Asked {
            action: Action::CreateFromTemplate,
            run,
            into: Into::New { name, time_zone },
            validate_only: request.validate_only,
            request_id: &request.request_id,
        };
        let (job, plan) = self.start(&caller, &asked, &request.encode_to_vec()).await?;
        Ok(Response::new(CreateFromTemplateResponse { job, plan }))
    }

    async fn list_template_contents(
        &self,
        request: Request<ListTemplateContentsRequest>,
    ) -> Result<Response<ListTemplateContentsResponse>, Status> {
        let caller = auth::caller(&request)?;
        let request = request.into_inner();
        let now = self.clock.now().await?;
        let mut violations = Violations::default();
        let template = violations.take(ids::parse("template_id", &request.template_id)).unwrap_or_default();
        let by = caller.id().unwrap_or_default();
        let list: [&[u8]; 3] = [b"ListTemplateContents", template.as_bytes(), by.as_bytes()];
        let page = violations.take(Page::read(&self.key, request.page_size, &request.page_token, &list, now));
        violations.none()?;
        let page = page.ok_or_else(|| Error::internal("a violation was not noted"))?;
        let after = page.after.as_deref().map(|it| run::after(it).ok_or_else(|| Error::internal("a key is none")));
        let after = after.transpose()?;

        let client = self.db.client().await?;
        access::may(&client, &caller, Action::ListTemplateContents, Resource::WorkCenter(template)).await?;
        let mut things = store::contents(&client, template, &ItemKind::ALL, after.as_ref(), page.fetch).await?;

        let next_page_token = page.cut(&self.key, &mut things, Thing::key, now);
        let thing = |it: Thing| TemplateThing {
            id: it.id.to_string(),
            kind: JobItemKind::from(it.kind).into(),
            path: it.path,
            size_bytes: it.bytes,
        };
        let not_carried = NOT_CARRIED.map(ToOwned::to_owned).into();
        let things = things.into_iter().map(thing).collect();
        Ok(Response::new(ListTemplateContentsResponse { things, next_page_token, not_carried }))
    }

    async fn apply_template(
        &self,
        request: Request<ApplyTemplateRequest>,
    ) -> Result<Response<ApplyTemplateResponse>, Status> {
        let caller = auth::caller(&request)?;
        let request = request.into_inner();
        let mut violations = Violations::default();
        let run = read::options(&request.template_id, request.options.as_ref(), false, &mut violations);
        let into = violations.take(ids::parse("target_workcenter_id", &request.target_workcenter_id));
        violations.extend(request::fault(&request.request_id));
        violations.none()?;
        let asked = Asked {
            action: Action::ApplyTemplate,
            run,
            into: Into::One(into.unwrap_or_default()),
            validate_only: request.validate_only,
            request_id: &request.request_id,
        };
        let (job, plan) = self.start(&caller, &asked, &request.encode_to_vec()).await?;
        Ok(Response::new(ApplyTemplateResponse { job, plan }))
    }

    async fn publish_template(
        &self,
        request: Request<PublishTemplateRequest>,
    ) -> Result<Response<PublishTemplateResponse>, Status> {
        let caller = auth::caller(&request)?;
        let request = request.into_inner();
        let mut violations = Violations::default();
        let run = read::options(&request.template_id, request.options.as_ref(), false, &mut violations);
        let (named, category) = read::targets(&request, run.template, &mut violations);
        violations.extend(request::fault(&request.request_id));
        violations.none()?;
        let asked = Asked {
            action: Action::PublishTemplate,
            run,
            into: Into::Many { named, category },
            validate_only: request.validate_only,
            request_id: &request.request_id,
        };
        let (job, plan) = self.start(&caller, &asked, &request.encode_to_vec()).await?;
        Ok(Response::new(PublishTemplateResponse { job, plan }))
    }
}
