//! The calls about WorkCenters that are refused.

use tonic::Status;
use uuid::Uuid;
use workcenter::{
    ids,
    pb::{
        AddCollaboratorRequest, ArchiveWorkCenterRequest, CreateWorkCenterRequest, DeleteWorkCenterRequest,
        GetWorkCenterRequest, ListCollaboratorsRequest, ListWorkCentersRequest, ReactivateWorkCenterRequest,
        RemoveCollaboratorRequest, UpdateCollaboratorRequest, UpdateWorkCenterRequest, WorkCenter, WorkCenterRole,
        WorkCenterState,
    },
};

use super::{Answer, Person, Stage, by, nothing, text};
use crate::{request::waits, story::mask, workcenter::provisioning};

impl Stage {
    /// A WorkCenter that Ada owns and Bob contributes to.
    pub(super) async fn pier(&self) -> Uuid {
        let id = self.app.workcenter(&self.ada, self.account, "Pier 4").await;
        self.app.collaborator(&self.ada, id, &self.bob).await;
        id
    }

    /// The same, when that has become of it. Who asks for it is an administrator, for whom a deleted one is there.
    pub(super) async fn pier_that_is(&self, state: WorkCenterState) -> Result<Uuid, Status> {
        let id = self.pier().await;
        match state {
            WorkCenterState::Archived => self.archive_as(&self.admin, id).await?,
            WorkCenterState::Deleted => self.delete_as(&self.admin, id).await?,
            _ => {}
        }
        Ok(id)
    }

    async fn create_as(&self, who: &Person, name: &str, request_id: &str) -> Answer {
        let (account_id, name, request_id) = (self.account.to_string(), text(name), text(request_id));
        let message = CreateWorkCenterRequest { account_id, name, request_id, ..Default::default() };
        self.app.workcenters().create_work_center(by(&who.token, message)).await.map(nothing)
    }

    pub async fn create_workcenter(&self, name: &str) -> Answer {
        self.create_as(&self.ada, name, "").await
    }

    pub async fn create_workcenter_as_a_guest(&self) -> Answer {
        self.create_as(&self.guest, "Mine", "").await
    }

    pub async fn create_workcenter_as_a_stranger(&self) -> Answer {
        self.create_as(&self.stranger, "Mine", "").await
    }

    pub async fn create_two_workcenters_by_one_request(&self) -> Answer {
        let id = ids::new().to_string();
        self.create_as(&self.ada, "Pier 5", &id).await?;
        self.create_as(&self.ada, "Pier 6", &id).await
    }

    pub async fn create_workcenter_while_one_is_taken_out(&self) -> Answer {
        let mut client = self.app.client().await;
        let tx = client.transaction().await.unwrap();
        tx.execute("delete from member where user_id = $1", &[&self.leaver.id]).await.unwrap();
        let out = async {
            waits(self.app.pool()).await;
            tx.commit().await.unwrap();
        };
        tokio::join!(self.create_as(&self.leaver, "Mine", ""), out).0
    }

    pub async fn create_workcenter_in_a_deactivated_account(&self) -> Answer {
        self.while_deactivated(self.create_workcenter("Pier 5")).await
    }

    async fn get_as(&self, who: &Person, workcenter_id: &str) -> Answer {
        let message = GetWorkCenterRequest { workcenter_id: text(workcenter_id) };
        self.app.workcenters().get_work_center(by(&who.token, message)).await.map(nothing)
    }

    pub async fn workcenter(&self, workcenter_id: &str) -> Answer {
        self.get_as(&self.ada, workcenter_id).await
    }

    pub async fn deleted_workcenter_as_its_owner(&self) -> Answer {
        let id = self.pier_that_is(WorkCenterState::Deleted).await?;
        self.get_as(&self.ada, &id.to_string()).await
    }

    pub async fn workcenters(&self, page_size: i32, page_token: &str) -> Answer {
        let message = ListWorkCentersRequest { page_size, page_token: text(page_token), ..Default::default() };
        self.app.workcenters().list_work_centers(by(&self.ada.token, message)).await.map(nothing)
    }

    async fn rename_as(&self, who: &Person, id: Uuid, [name, path, etag]: [&str; 3]) -> Answer {
        let workcenter = Some(WorkCenter { workcenter_id: id.to_string(), name: text(name), ..Default::default() });
        let message = UpdateWorkCenterRequest { workcenter, update_mask: Some(mask(&[path])), etag: text(etag) };
        self.app.workcenters().update_work_center(by(&who.token, message)).await.map(nothing)
    }

    pub async fn rename_workcenter(&self, name: &str, path: &str, etag: &str) -> Answer {
        self.rename_as(&self.ada, self.pier().await, [name, path, etag]).await
    }

    pub async fn rename_workcenter_that_is(&self, state: WorkCenterState) -> Answer {
        self.rename_as(&self.admin, self.pier_that_is(state).await?, ["Pier 5", "name", ""]).await
    }

    pub async fn rename_what_is_being_made(&self) -> Answer {
        let mut client = self.app.client().await;
        let tx = client.transaction().await.unwrap();
        let new = provisioning::new(self.account, self.ada.id, ids::new());
        let id = workcenter::workcenter::provision(&tx, new, self.app.now().await).await.unwrap().id;
        tx.commit().await.unwrap();
        self.rename_as(&self.ada, id, ["Pier 5", "name", ""]).await
    }

    pub async fn rename_workcenter_as_a_contributor(&self) -> Answer {
        self.rename_as(&self.bob, self.pier().await, ["Mine", "name", ""]).await
    }

    pub async fn rename_workcenter_as_a_stranger(&self) -> Answer {
        self.rename_as(&self.stranger, self.pier().await, ["Mine", "name", ""]).await
    }

    pub(super) async fn archive_as(&self, who: &Person, id: Uuid) -> Answer {
        let message = ArchiveWorkCenterRequest { workcenter_id: id.to_string() };
        self.app.workcenters().archive_work_center(by(&who.token, message)).await.map(nothing)
    }

    pub async fn archive_what_is_deleted(&self) -> Answer {
        self.archive_as(&self.admin, self.pier_that_is(WorkCenterState::Deleted).await?).await
    }

    pub async fn archive_as_a_contributor(&self) -> Answer {
        self.archive_as(&self.bob, self.pier().await).await
    }

    pub async fn archive_as_a_stranger(&self) -> Answer {
        self.archive_as(&self.stranger, self.pier().await).await
    }

    async fn reactivate_as(&self, who: &Person, state: WorkCenterState) -> Answer {
        let message = ReactivateWorkCenterRequest { workcenter_id: self.pier_that_is(state).await?.to_string() };
        self.app.workcenters().reactivate_work_center(by(&who.token, message)).await.map(nothing)
    }

    pub async fn reactivate_what_is_deleted_as_its_owner(&self) -> Answer {
        self.reactivate_as(&self.ada, WorkCenterState::Deleted).await
    }

    pub async fn reactivate_as_a_contributor(&self) -> Answer {
        self.reactivate_as(&self.bob, WorkCenterState::Archived).await
    }

    async fn delete_as(&self, who: &Person, id: Uuid) -> Answer {
        let message = DeleteWorkCenterRequest { workcenter_id: id.to_string() };
        self.app.workcenters().delete_work_center(by(&who.token, message)).await.map(nothing)
    }

    pub async fn delete_as_its_owner(&self) -> Answer {
        self.delete_as(&self.ada, self.pier().await).await
    }

    pub async fn delete_as_a_stranger(&self) -> Answer {
        self.delete_as(&self.stranger, self.pier().await).await
    }

    async fn add_as(&self, who: &Person, id: Uuid, user_id: &str) -> Answer {
        let (workcenter_id, user_id, role) = (id.to_string(), text(user_id), WorkCenterRole::Reader.into());
        let message = AddCollaboratorRequest { workcenter_id, user_id, role };
        self.app.workcenters().add_collaborator(by(&who.token, message)).await.map(nothing)
    }

    pub async fn add(&self, user_id: &str) -> Answer {
        self.add_as(&self.ada, self.pier().await, user_id).await
    }

    pub async fn add_bob_again(&self) -> Answer {
        self.add(&self.bob.id.to_string()).await
    }

    pub async fn add_a_stranger(&self) -> Answer {
        self.add(&self.stranger.id.to_string()).await
    }

    pub async fn add_to_one_that_is(&self, state: WorkCenterState) -> Answer {
        self.add_as(&self.admin, self.pier_that_is(state).await?, &self.guest.id.to_string()).await
    }

    pub async fn add_as_a_contributor(&self) -> Answer {
        self.add_as(&self.bob, self.pier().await, &self.guest.id.to_string()).await
    }

    pub async fn add_oneself_as_a_stranger(&self) -> Answer {
        self.add_as(&self.stranger, self.pier().await, "me").await
    }

    async fn change_as(&self, who: &Person, id: Uuid, user_id: &str, role: WorkCenterRole) -> Answer {
        let (workcenter_id, user_id) = (id.to_string(), text(user_id));
        let message = UpdateCollaboratorRequest { workcenter_id, user_id, role: role.into() };
        self.app.workcenters().update_collaborator(by(&who.token, message)).await.map(nothing)
    }

    /// Of the only owner.
    pub async fn be_of_a_workcenter(&self, role: WorkCenterRole) -> Answer {
        self.change_as(&self.ada, self.pier().await, "me", role).await
    }

    pub async fn make_the_guest_a_reader(&self) -> Answer {
        self.change_as(&self.ada, self.pier().await, &self.guest.id.to_string(), WorkCenterRole::Reader).await
    }

    pub async fn make_bob_a_reader_of_one_that_is(&self, state: WorkCenterState) -> Answer {
        let id = self.pier_that_is(state).await?;
        self.change_as(&self.admin, id, &self.bob.id.to_string(), WorkCenterRole::Reader).await
    }

    pub async fn become_its_owner_as_a_contributor(&self) -> Answer {
        self.change_as(&self.bob, self.pier().await, "me", WorkCenterRole::Owner).await
    }

    pub async fn become_its_owner_as_a_stranger(&self) -> Answer {
        self.change_as(&self.stranger, self.pier().await, "me", WorkCenterRole::Owner).await
    }

    async fn remove_as(&self, who: &Person, user_id: &str) -> Answer {
        let message =
            RemoveCollaboratorRequest { workcenter_id: self.pier().await.to_string(), user_id: text(user_id) };
        self.app.workcenters().remove_collaborator(by(&who.token, message)).await.map(nothing)
    }

    pub async fn remove_collaborator(&self, user_id: &str) -> Answer {
        self.remove_as(&self.ada, user_id).await
    }

    pub async fn remove_the_guest(&self) -> Answer {
        self.remove_as(&self.ada, &self.guest.id.to_string()).await
    }

    pub async fn remove_ada_as_a_contributor(&self) -> Answer {
        self.remove_as(&self.bob, &self.ada.id.to_string()).await
    }

    pub async fn remove_ada_as_a_stranger(&self) -> Answer {
        self.remove_as(&self.stranger, &self.ada.id.to_string()).await
    }

    async fn list_as(&self, who: &Person, page_size: i32, page_token: &str) -> Answer {
        let (workcenter_id, page_token) = (self.pier().await.to_string(), text(page_token));
        let message = ListCollaboratorsRequest { workcenter_id, page_size, page_token };
        self.app.workcenters().list_collaborators(by(&who.token, message)).await.map(nothing)
    }

    pub async fn collaborators(&self, page_size: i32, page_token: &str) -> Answer {
        self.list_as(&self.ada, page_size, page_token).await
    }

    pub async fn collaborators_as_a_stranger(&self) -> Answer {
        self.list_as(&self.stranger, 0, "").await
    }
}
