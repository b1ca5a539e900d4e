//! `WorkCenterService` on the wire.

use std::{num::NonZeroU32, time::Duration};

use prost::Message;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{
    ADDED, Arrival, Change, Collaborator, Tie, WorkCenter, add, announce, archive, collaborator, read_role, store,
    wire::{new, read_states},
};
use crate::{
    access::{self, Action, Leave, Resource, WorkCenterRole},
    account, activity, auth,
    clock::Clock,
    db::{Db, Transaction},
    error::{Error, Kind, Reason, Result, Violations},
    ids,
    page::{self, Page},
    pb::{self, work_center_service_server::WorkCenterService},
    request::{self, Recall},
    secret::TokenKey,
    subscription::{self, When},
};

/// The service.
pub struct Service {
    db: Db,
    clock: Clock,
    key: TokenKey,
    spread: Duration,
    window: Duration,
    most: NonZeroU32,
}

impl Service {
    /// Makes the service: page tokens are sealed with `key`, digests spread over `spread`, and what happens becomes
    /// immediate mail `window` later. A WorkCenter with more than `most` collaborators is large.
    pub fn new(db: Db, clock: Clock, key: TokenKey, spread: Duration, window: Duration, most: NonZeroU32) -> Self {
        Self { db, clock, key, spread, window, most }
    }

    async fn when(&self) -> Result<When> {
        Ok(When { now: self.clock.now().await?, spread: self.spread })
    }
}

#[tonic::async_trait]
impl WorkCenterService for Service {
    async fn create_work_center(
        &self,
        request: Request<pb::CreateWorkCenterRequest>,
    ) -> Result<Response<pb::CreateWorkCenterResponse>, Status> {
        let caller = auth::caller(&request)?;
        let asked = request.into_inner();
        let when = self.when().await?;
        let space = new(&asked, when.now)?;

        let mut client = self.db.client().await?;
        let tx = client.transaction().await.map_err(Error::from)?;
        let account = Resource::Account(space.account);
        let leave = access::may(&tx, &caller, Action::CreateWorkCenter, account).await?;
        let body = asked.encode_to_vec();
        let path = Action::CreateWorkCenter.path();
        let ticket = match request::recall(&tx, leave.person, path, &asked.request_id, &body).await? {
            Recall::New(ticket) => ticket,
            Recall::Known(answer) => {
                let answer = pb::CreateWorkCenterResponse::decode(answer.as_slice()).map_err(Error::internal)?;
                return Ok(Response::new(answer));
            }
        };

        account::enter(&tx, space.account).await?;
        store::insert(&tx, &space, leave.person).await?;
        activity::open(&tx, space.id, space.account).await?;
        subscription::administrator::include(&tx, space.account, space.id, &[leave.person], &when).await?;
        // Somebody who is taken out of the account at this moment makes none: it would be nobody's.
        add(&tx, space.id, leave.person, WorkCenterRole::Owner, &Arrival { when, most: self.most }).await?;
        let answer = pb::CreateWorkCenterResponse { workcenter: Some(space.into()) };
        request::remember(&tx, ticket, &answer.encode_to_vec()).await?;
        tx.commit().await.map_err(Error::from)?;

        Ok(Response::new(answer))
    }

    async fn get_work_center(
        &self,
        request: Request<pb::GetWorkCenterRequest>,
    ) -> Result<Response<pb::GetWorkCenterResponse>, Status> {
        let caller = auth::caller(&request)?;
        let id = ids::parse("workcenter_id", &request.into_inner().workcenter_id).map_err(Error::from)?;

        let client = self.db.client().await?;
        let leave = access::may(&client, &caller, Action::GetWorkCenter, Resource::WorkCenter(id)).await?;
        let found = store::find(&client, id).await?;
        let space = found.ok_or_else(|| Error::NotFound(Kind::WorkCenter, id.to_string()))?;

        Ok(Response::new(pb::GetWorkCenterResponse { workcenter: Some(seen(space, &leave)) }))
    }

    async fn list_work_centers(
        &self,
        request: Request<pb::ListWorkCentersRequest>,
    ) -> Result<Response<pb::ListWorkCentersResponse>, Status> {
        let caller = auth::caller(&request)?;
        let asked = request.into_inner();
        let now = self.clock.now().await?;
        let person = caller.person().unwrap_or_default();
        let mut violations = Violations::default();
        let states = read_states(&asked.states, &mut violations);
        let names: Vec<&str> = states.iter().map(|it| it.name()).collect();
        let names = names.join(" ");
        let only: &[u8] = if asked.templates_only { b"templates" } else { b"" };
        let list: &[&[u8]] =
            &[b"ListWorkCenters", person.as_bytes(), asked.account_id.as_bytes(), names.as_bytes(), only];
        let account = match asked.account_id.as_str() {
            "" => None,
            id => violations.take(ids::parse("account_id", id)),
        };
        let page = violations.take(Page::read(&self.key, asked.page_size, &asked.page_token, list, now));
        violations.none()?;
        let page = page.ok_or_else(|| Error::internal("a page was neither read nor refused"))?;

        let client = self.db.client().await?;
        let leave = access::may(&client, &caller, Action::ListWorkCenters, Resource::Own).await?;
        let after = page.after.as_deref().and_then(after_name);
        let wanted = store::Wanted { account, states, templates_only: asked.templates_only };
        let mut spaces = store::list(&client, leave.person, &wanted, after, page.fetch).await?;
        let next_page_token = page.cut(&self.key, &mut spaces, |last| format!("{} {}", last.id, last.name), now);

        let workcenters = spaces.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::ListWorkCentersResponse { workcenters, next_page_token }))
    }

    async fn update_work_center(
        &self,
        request: Request<pb::UpdateWorkCenterRequest>,
    ) -> Result<Response<pb::UpdateWorkCenterResponse>, Status> {
        let caller = auth::caller(&request)?;
        let asked = request.into_inner();
        let sent = asked.workcenter.unwrap_or_default();
        let paths = asked.update_mask.unwrap_or_default().paths;
        let mut violations = Violations::default();
        let id = violations.take(ids::parse("workcenter.workcenter_id", &sent.workcenter_id)).unwrap_or_default();
        let change = Change::checked([&sent.name, &sent.category, &sent.time_zone], &paths, &mut violations);
        violations.none()?;
        let when = self.when().await?;

        let mut client = self.db.client().await?;
        let tx = client.transaction().await.map_err(Error::from)?;
        let leave = access::may(&tx, &caller, Action::UpdateWorkCenter, Resource::WorkCenter(id)).await?;
        enter(&tx, &leave).await?;
        let space = archive::locked(&tx, id).await?.active()?;
        if !asked.etag.is_empty() && asked.etag != space.etag() {
            return Err(Error::Conflict(Reason::EtagMismatch).into());
        }
        let changed = change.onto(space.clone());
        // A change of nothing is a read.
        let space = if changed == space { space } else { archive::refile(&tx, &space, changed, &when).await? };
        tx.commit().await.map_err(Error::from)?;

        Ok(Response::new(pb::UpdateWorkCenterResponse { workcenter: Some(seen(space, &leave)) }))
    }

    async fn archive_work_center(
        &self,
        request: Request<pb::ArchiveWorkCenterRequest>,
    ) -> Result<Response<pb::ArchiveWorkCenterResponse>, Status> {
        let caller = auth::caller(&request)?;
        let id = ids::parse("workcenter_id", &request.into_inner().workcenter_id).map_err(Error::from)?;

        let now = self.clock.now().await?;
        let mut client = self.db.client().await?;
        let tx = client.transaction().await.map_err(Error::from)?;
        let leave = access::may(&tx, &caller, Action::ArchiveWorkCenter, Resource::WorkCenter(id)).await?;
        enter(&tx, &leave).await?;
        let space = archive::archive(&tx, id, now).await?;
        tx.commit().await.map_err(Error::from)?;

        Ok(Response::new(pb::ArchiveWorkCenterResponse { workcenter: Some(seen(space, &leave)) }))
    }

    async fn reactivate_work_center(
        &self,
        request: Request<pb::ReactivateWorkCenterRequest>,
    ) -> Result<Response<pb::ReactivateWorkCenterResponse>, Status> {
        let caller = auth::caller(&request)?;
        let id = ids::parse("workcenter_id", &request.into_inner().workcenter_id).map_err(Error::from)?;

        let when = self.when().await?;
        let mut client = self.db.client().await?;
        let tx = client.transaction().await.map_err(Error::from)?;
        let leave = access::may(&tx, &caller, Action::ReactivateWorkCenter, Resource::WorkCenter(id)).await?;
        enter(&tx, &leave).await?;
        let space = archive::reactivate(&tx, id, &when).await?;
        // Of a deleted one that comes back, a caller who collaborates in it is something again.
        let role = store::role(&tx, id, leave.person).await?;
        tx.commit().await.map_err(Error::from)?;

        let space = WorkCenter { role, ..space };
        Ok(Response::new(pb::ReactivateWorkCenterResponse { workcenter: Some(space.into()) }))
    }

    async fn delete_work_center(
        &self,
        request: Request<pb::DeleteWorkCenterRequest>,
    ) -> Result<Response<pb::DeleteWorkCenterResponse>, Status> {
        let caller = auth::caller(&request)?;
        let id = ids::parse("workcenter_id", &request.into_inner().workcenter_id).map_err(Error::from)?;

        let now = self.clock.now().await?;
        let mut client = self.db.client().await?;
        let tx = client.transaction().await.map_err(Error::from)?;
        let leave = access::may(&tx, &caller, Action::DeleteWorkCenter, Resource::WorkCenter(id)).await?;
        enter(&tx, &leave).await?;
        let space = archive::delete(&tx, id, now).await?;
        tx.commit().await.map_err(Error::from)?;

        Ok(Response::new(pb::DeleteWorkCenterResponse { workcenter: Some(space.into()) }))
    }

    async fn add_collaborator(
        &self,
        request: Request<pb::AddCollaboratorRequest>,
    ) -> Result<Response<pb::AddCollaboratorResponse>, Status> {
        let caller = auth::caller(&request)?;
        let asked = request.into_inner();
        let mut violations = Violations::default();
        let id = violations.take(ids::parse("workcenter_id", &asked.workcenter_id)).unwrap_or_default();
        let user = violations
            .take(ids::person("user_id", &asked.user_id, caller.person().unwrap_or_default()))
            .unwrap_or_default();
        let role = violations.take(read_role("role", asked.role()));
        violations.none()?;
        let role = role.ok_or_else(|| Error::internal("a role was neither read nor refused"))?;

        let when = self.when().await?;
        let mut client = self.db.client().await?;
        let tx = client.transaction().await.map_err(Error::from)?;
        let leave = access::may(&tx, &caller, Action::AddCollaborator, Resource::WorkCenter(id)).await?;
        enter(&tx, &leave).await?;
        add(&tx, id, user, role, &Arrival { when, most: self.most }).await?;
        let added = store::collaborator(&tx, id, user).await?;
        announce(&tx, ADDED, &[Tie { workcenter: id, user }], leave.person, when.now, self.window).await?;
        tx.commit().await.map_err(Error::from)?;

        Ok(Response::new(pb::AddCollaboratorResponse { collaborator: added.map(Into::into) }))
    }

    async fn update_collaborator(
        &self,
        request: Request<pb::UpdateCollaboratorRequest>,
    ) -> Result<Response<pb::UpdateCollaboratorResponse>, Status> {
        let caller = auth::caller(&request)?;
        let asked = request.into_inner();
        let mut violations = Violations::default();
        let id = violations.take(ids::parse("workcenter_id", &asked.workcenter_id)).unwrap_or_default();
        let user = violations
            .take(ids::person("user_id", &asked.user_id, caller.person().unwrap_or_default()))
            .unwrap_or_default();
        let role = violations.take(read_role("role", asked.role()));
        violations.none()?;
        let role = role.ok_or_else(|| Error::internal("a role was neither read nor refused"))?;

        let when = self.when().await?;
        let mut client = self.db.client().await?;
        let tx = client.transaction().await.map_err(Error::from)?;
        // First, so that no owner acts who was made something else while they waited; the account before all else.
        let entered = account::enter_by(&tx, id).await;
        collaborator::hold(&tx, id).await?;
        let leave = access::may(&tx, &caller, Action::UpdateCollaborator, Resource::WorkCenter(id)).await?;
        entered?;
        let tie = Tie { workcenter: id, user };
        collaborator::change(&tx, tie, role, leave.person, &when, self.window).await?;
        let changed = store::collaborator(&tx, id, user).await?;
        tx.commit().await.map_err(Error::from)?;

        Ok(Response::new(pb::UpdateCollaboratorResponse { collaborator: changed.map(Into::into) }))
    }

    async fn remove_collaborator(
        &self,
        request: Request<pb::RemoveCollaboratorRequest>,
    ) -> Result<Response<pb::RemoveCollaboratorResponse>, Status> {
        let caller = auth::caller(&request)?;
        let asked = request.into_inner();
        let mut violations = Violations::default();
        let id = violations.take(ids::parse("workcenter_id", &asked.workcenter_id)).unwrap_or_default();
        let user = violations
            .take(ids::person("user_id", &asked.user_id, caller.person().unwrap_or_default()))
            .unwrap_or_default();
        violations.none()?;

        let when = self.when().await?;
        let mut client = self.db.client().await?;
        let tx = client.transaction().await.map_err(Error::from)?;
        let place = Resource::Place { workcenter: id, of: user };
        let leave = access::may(&tx, &caller, Action::RemoveCollaborator, place).await?;
        collaborator::remove(&tx, Tie { workcenter: id, user }, leave.person, &when, self.window).await?;
        tx.commit().await.map_err(Error::from)?;

        Ok(Response::new(pb::RemoveCollaboratorResponse {}))
    }

    async fn list_collaborators(
        &self,
        request: Request<pb::ListCollaboratorsRequest>,
    ) -> Result<Response<pb::ListCollaboratorsResponse>, Status> {
        let caller = auth::caller(&request)?;
        let asked = request.into_inner();
        let now = self.clock.now().await?;
        let mut violations = Violations::default();
        let id = violations.take(ids::parse("workcenter_id", &asked.workcenter_id)).unwrap_or_default();
        let list: &[&[u8]] = &[b"ListCollaborators", id.as_bytes()];
        let page = violations.take(Page::read(&self.key, asked.page_size, &asked.page_token, list, now));
        violations.none()?;
        let page = page.ok_or_else(|| Error::internal("a page was neither read nor refused"))?;

        let client = self.db.client().await?;
        access::may(&client, &caller, Action::ListCollaborators, Resource::WorkCenter(id)).await?;
        let after = page.after.as_deref().and_then(page::came);
        let mut people = store::collaborators(&client, id, after, page.fetch).await?;
        let came = |last: &Collaborator| page::coming(last.created_at, last.user);
        let next_page_token = page.cut(&self.key, &mut people, came, now);

        let collaborators = people.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::ListCollaboratorsResponse { collaborators, next_page_token }))
    }
}

/// Keeps the account from being deactivated to which the WorkCenter belongs that `leave` is for.
async fn enter(tx: &Transaction<'_>, leave: &Leave) -> Result<()> {
    account::enter(tx, leave.standing.account.unwrap_or_default()).await
}

/// A WorkCenter as one sees it who has `leave` for it.
fn seen(space: WorkCenter, leave: &Leave) -> pb::WorkCenter {
    WorkCenter { role: leave.standing.workcenter_role, ..space }.into()
}

/// Where a page of WorkCenters ended.
fn after_name(place: &str) -> Option<(&str, Uuid)> {
    let (id, name) = place.split_once(' ')?;
    Some((name, id.parse().ok()?))
}
