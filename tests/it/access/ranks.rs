//! That nobody makes themselves or anybody else more than they are, and what a guest is not whatever they own.

use tonic::{Code, Response, Status};
use uuid::Uuid;
use workcenter::pb::{
    AccountRole, AddCollaboratorRequest, CreateInviteRequest, CreateWorkCenterRequest, InviteOutcome,
    InvitedWorkCenter, ListMembersRequest, UpdateCollaboratorRequest, UpdateMemberRequest, WatchProfilesRequest,
    WorkCenterRole,
};

use super::{cast::Cast, refusal, refused};
use crate::{
    harness::{Person, by},
    request::waits,
};

type Answer = Result<(), Status>;

fn nothing<T>(_: Response<T>) {}

impl Cast {
    /// `who` makes themselves something else in a WorkCenter.
    async fn become_of(&self, who: &Person, workcenter: Uuid, role: WorkCenterRole) -> Answer {
        let (workcenter_id, user_id) = (workcenter.to_string(), "me".to_owned());
        let asked = UpdateCollaboratorRequest { workcenter_id, user_id, role: role.into() };
        self.app.workcenters().update_collaborator(by(&who.token, asked)).await.map(nothing)
    }

    /// `who` makes themselves something else in the account.
    async fn become_in(&self, who: &Person, role: AccountRole) -> Answer {
        let (account_id, user_id) = (self.account.id.to_string(), "me".to_owned());
        let asked = UpdateMemberRequest { account_id, user_id, role: role.into() };
        self.app.accounts().update_member(by(&who.token, asked)).await.map(nothing)
    }

    async fn add(&self, who: &Person, workcenter: Uuid, user: &Person, role: WorkCenterRole) -> Answer {
        let (workcenter_id, user_id) = (workcenter.to_string(), user.id.to_string());
        let asked = AddCollaboratorRequest { workcenter_id, user_id, role: role.into() };
        self.app.workcenters().add_collaborator(by(&who.token, asked)).await.map(nothing)
    }

    async fn invite(
        &self,
        who: &Person,
        email: &str,
        account_role: AccountRole,
        workcenter: Option<Uuid>,
    ) -> Result<InviteOutcome, Status> {
        let role = WorkCenterRole::Reader.into();
        let place = |id: Uuid| InvitedWorkCenter { workcenter_id: id.to_string(), role };
        let asked = CreateInviteRequest {
            email: email.to_owned(),
            account_id: self.account.id.to_string(),
            account_role: account_role.into(),
            workcenters: workcenter.into_iter().map(place).collect(),
            ..Default::default()
        };
        Ok(self.app.invites().create_invite(by(&who.token, asked)).await?.into_inner().outcome())
    }

    /// What `who` is in the account.
    async fn role(&self, who: &Person) -> AccountRole {
        let asked =
            ListMembersRequest { account_id: self.account.id.to_string(), page_size: 200, ..Default::default() };
        let admin = &self.account.admin.token;
        let members = self.app.accounts().list_members(by(admin, asked)).await.unwrap().into_inner().members;
        members.iter().find(|it| it.user_id == who.id.to_string()).unwrap().role()
    }
}

#[tokio::test]
async fn nobody_makes_themselves_or_others_more_than_they_are() {
    let cast = Cast::assemble().await;
    let pier = cast.things().await.workcenter;
    let [_, guest, member, reader, contributor, owner, _] = &cast.people;
    let before = cast.state().await;

    let (hidden, denied) =
        (refused(Code::NotFound, "WORKCENTER_NOT_FOUND"), refused(Code::PermissionDenied, "NOT_ALLOWED"));
    for role in [WorkCenterRole::Owner, WorkCenterRole::Contributor, WorkCenterRole::Reader] {
        for (who, told) in [(guest, &hidden), (member, &hidden), (reader, &denied), (contributor, &denied)] {
            assert_eq!(refusal(&cast.become_of(who, pier, role).await), *told, "{} becomes {role:?}", who.email);
            assert_eq!(refusal(&cast.add(who, pier, member, role).await), *told, "{} adds {role:?}", who.email);
        }
    }
    for role in [AccountRole::Administrator, AccountRole::Member, AccountRole::Guest] {
        for who in [guest, member, owner] {
            assert_eq!(refusal(&cast.become_in(who, role).await), denied, "{} becomes {role:?}", who.email);
        }
    }
    for (who, role, place, told) in [
        (guest, AccountRole::Guest, None, &denied),
        (member, AccountRole::Administrator, None, &denied),
        (owner, AccountRole::Administrator, Some(pier), &denied),
        (contributor, AccountRole::Guest, Some(pier), &denied),
        (reader, AccountRole::Guest, Some(pier), &denied),
        (member, AccountRole::Guest, Some(pier), &hidden),
    ] {
        let answer = cast.invite(who, "newcomer@example.com", role, place).await.map(|_| ());
        assert_eq!(refusal(&answer), *told, "{} invites as {role:?}", who.email);
    }
    assert_eq!(cast.state().await, before);
}

#[tokio::test]
async fn who_belongs_to_the_account_is_made_no_more_by_an_invite() {
    let cast = Cast::assemble().await;
    let pier = cast.things().await.workcenter;
    let [_, guest, _, _, _, owner, _] = &cast.people;
    let outcome = cast.invite(owner, &guest.email, AccountRole::Member, Some(pier)).await.unwrap();
    assert_eq!((outcome, cast.role(guest).await), (InviteOutcome::AddedExisting, AccountRole::Guest));
}

#[tokio::test]
async fn a_guest_who_owns_a_workcenter_decides_who_is_in_it_and_nothing_of_the_account() {
    let cast = Cast::assemble().await;
    let pier = cast.things().await.workcenter;
    let [_, guest, member, _, _, owner, _] = &cast.people;
    cast.add(owner, pier, guest, WorkCenterRole::Owner).await.unwrap();
    cast.add(guest, pier, member, WorkCenterRole::Owner).await.unwrap();

    let account_id = cast.account.id.to_string();
    let create =
        CreateWorkCenterRequest { account_id: account_id.clone(), name: "Mine".to_owned(), ..Default::default() };
    let list = ListMembersRequest { account_id: account_id.clone(), ..Default::default() };
    let watch = WatchProfilesRequest { account_id, after: String::new() };
    let answers = [
        cast.invite(guest, "newcomer@example.com", AccountRole::Guest, Some(pier)).await.map(|_| ()),
        cast.become_in(guest, AccountRole::Member).await,
        cast.app.workcenters().create_work_center(by(&guest.token, create)).await.map(nothing),
        cast.app.accounts().list_members(by(&guest.token, list)).await.map(nothing),
        cast.app.profiles().watch_profiles(by(&guest.token, watch)).await.map(nothing),
    ];
    for answer in answers {
        assert_eq!(refusal(&answer), refused(Code::PermissionDenied, "NOT_ALLOWED"));
    }
}

#[tokio::test]
async fn an_owner_who_is_made_less_at_the_same_time_does_not_make_themselves_an_owner_again() {
    let cast = Cast::assemble().await;
    let pier = cast.things().await.workcenter;
    let [_, _, member, _, _, owner, _] = &cast.people;
    cast.add(owner, pier, member, WorkCenterRole::Owner).await.unwrap();

    let mut client = cast.app.client().await;
    let tx = client.transaction().await.unwrap();
    let demote = "update collaborator set role = 'READER' where workcenter_id = $1 and user_id = $2";
    tx.execute(demote, &[&pier, &owner.id]).await.unwrap();
    let ends = async {
        waits(cast.app.pool()).await;
        tx.commit().await.unwrap();
    };
    let (answer, ()) = tokio::join!(cast.become_of(owner, pier, WorkCenterRole::Owner), ends);
    assert_eq!(refusal(&answer), refused(Code::PermissionDenied, "NOT_ALLOWED"));
}
