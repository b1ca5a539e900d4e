//! The calls about accounts that are refused.

use workcenter::{
    auth::SCOPE_ACCOUNTS,
    ids,
    pb::{
        Account, AccountRole, CreateAccountRequest, DeactivateAccountRequest, GetAccountRequest, ListMembersRequest,
        ReactivateAccountRequest, RemoveMemberRequest, UpdateAccountRequest, UpdateMemberRequest,
    },
};

use super::{Answer, Person, Stage, by, nothing, text};
use crate::story::mask;

impl Stage {
    async fn found_account(&self, key: &str, name: &str, administrator: &str, request_id: &str) -> Answer {
        let (name, administrator_user_id, request_id) = (text(name), text(administrator), text(request_id));
        let message = CreateAccountRequest { name, administrator_user_id, request_id, ..Default::default() };
        self.app.accounts().create_account(by(key, message)).await.map(nothing)
    }

    pub async fn create_account(&self, administrator: &str) -> Answer {
        self.found_account(&self.app.key(&[SCOPE_ACCOUNTS]).await, "Quay Works", administrator, "").await
    }

    pub async fn create_account_for_nobody(&self) -> Answer {
        self.create_account(&ids::new().to_string()).await
    }

    pub async fn create_account_as_somebody(&self) -> Answer {
        self.found_account(&self.admin.token, "Quay Works", &self.ada.id.to_string(), "").await
    }

    pub async fn create_two_accounts_by_one_request(&self) -> Answer {
        let (key, ada, id) = (self.app.key(&[SCOPE_ACCOUNTS]).await, self.ada.id.to_string(), ids::new().to_string());
        self.found_account(&key, "Quay Works", &ada, &id).await?;
        self.found_account(&key, "Dock Works", &ada, &id).await
    }

    pub async fn account(&self, account_id: &str) -> Answer {
        let message = GetAccountRequest { account_id: text(account_id) };
        self.app.accounts().get_account(by(&self.ada.token, message)).await.map(nothing)
    }

    pub async fn account_of_nobody(&self) -> Answer {
        self.account(&ids::new().to_string()).await
    }

    async fn rename(&self, who: &Person, name: &str, path: &str, etag: &str) -> Answer {
        let account = Some(Account { account_id: self.account.to_string(), name: text(name), ..Default::default() });
        let message = UpdateAccountRequest { account, update_mask: Some(mask(&[path])), etag: text(etag) };
        self.app.accounts().update_account(by(&who.token, message)).await.map(nothing)
    }

    pub async fn rename_account(&self, name: &str, path: &str, etag: &str) -> Answer {
        self.rename(&self.admin, name, path, etag).await
    }

    pub async fn rename_account_as_a_member(&self) -> Answer {
        self.rename(&self.ada, "Mine", "name", "").await
    }

    pub async fn rename_account_as_a_stranger(&self) -> Answer {
        self.rename(&self.stranger, "Mine", "name", "").await
    }

    async fn deactivate_as(&self, who: &Person) -> Answer {
        let message = DeactivateAccountRequest { account_id: self.account.to_string() };
        self.app.accounts().deactivate_account(by(&who.token, message)).await.map(nothing)
    }

    async fn reactivate_account_as(&self, who: &Person) -> Answer {
        let message = ReactivateAccountRequest { account_id: self.account.to_string() };
        self.app.accounts().reactivate_account(by(&who.token, message)).await.map(nothing)
    }

    /// What somebody is told while the account is deactivated.
    pub(super) async fn while_deactivated(&self, call: impl Future<Output = Answer>) -> Answer {
        self.deactivate_as(&self.admin).await?;
        let answer = call.await;
        self.reactivate_account_as(&self.admin).await?;
        answer
    }

    pub async fn rename_account_that_is_deactivated(&self) -> Answer {
        self.while_deactivated(self.rename_account("Dock Works", "name", "")).await
    }

    pub async fn deactivate_as_a_member(&self) -> Answer {
        self.deactivate_as(&self.ada).await
    }

    pub async fn deactivate_as_a_stranger(&self) -> Answer {
        self.deactivate_as(&self.stranger).await
    }

    pub async fn reactivate_account_as_a_member(&self) -> Answer {
        self.reactivate_account_as(&self.ada).await
    }

    pub async fn reactivate_account_as_a_stranger(&self) -> Answer {
        self.reactivate_account_as(&self.stranger).await
    }

    async fn list(&self, who: &Person, page_size: i32, page_token: &str) -> Answer {
        let (account_id, page_token) = (self.account.to_string(), text(page_token));
        let message = ListMembersRequest { account_id, page_size, page_token, ..Default::default() };
        self.app.accounts().list_members(by(&who.token, message)).await.map(nothing)
    }

    pub async fn members(&self, page_size: i32, page_token: &str) -> Answer {
        self.list(&self.ada, page_size, page_token).await
    }

    pub async fn members_as_a_guest(&self) -> Answer {
        self.list(&self.guest, 0, "").await
    }

    pub async fn members_as_a_stranger(&self) -> Answer {
        self.list(&self.stranger, 0, "").await
    }

    async fn make(&self, who: &Person, user_id: &str, role: AccountRole) -> Answer {
        let (account_id, user_id) = (self.account.to_string(), text(user_id));
        let message = UpdateMemberRequest { account_id, user_id, role: role.into() };
        self.app.accounts().update_member(by(&who.token, message)).await.map(nothing)
    }

    /// Of the only administrator.
    pub async fn make_oneself(&self, role: AccountRole) -> Answer {
        self.make(&self.admin, "me", role).await
    }

    pub async fn make_a_stranger_a_member(&self) -> Answer {
        self.make(&self.admin, &self.stranger.id.to_string(), AccountRole::Member).await
    }

    pub async fn make_bob_a_guest_of_a_deactivated_account(&self) -> Answer {
        self.while_deactivated(self.make(&self.admin, &self.bob.id.to_string(), AccountRole::Guest)).await
    }

    pub async fn become_an_administrator_as_a_member(&self) -> Answer {
        self.make(&self.ada, "me", AccountRole::Administrator).await
    }

    pub async fn become_a_member_as_a_stranger(&self) -> Answer {
        self.make(&self.stranger, "me", AccountRole::Member).await
    }

    async fn take_out(&self, who: &Person, user_id: &str) -> Answer {
        let message = RemoveMemberRequest { account_id: self.account.to_string(), user_id: text(user_id) };
        self.app.accounts().remove_member(by(&who.token, message)).await.map(nothing)
    }

    pub async fn remove_member(&self, user_id: &str) -> Answer {
        self.take_out(&self.admin, user_id).await
    }

    pub async fn remove_a_stranger(&self) -> Answer {
        self.remove_member(&self.stranger.id.to_string()).await
    }

    pub async fn remove_bob_as_a_member(&self) -> Answer {
        self.take_out(&self.ada, &self.bob.id.to_string()).await
    }

    pub async fn leave_as_a_stranger(&self) -> Answer {
        self.take_out(&self.stranger, "me").await
    }
}
