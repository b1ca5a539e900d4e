//! The calls about preferences that are refused.

use tonic::Request;
use workcenter::{
    ids,
    pb::{
        AdministratorDigest, BatchUpdateWorkCenterPreferencesRequest, ClearSuppressedAddressRequest,
        ConfirmNotificationAddressRequest, Delivery, ExplainNotificationRequest, GetPreferencesRequest,
        ListAdministratorDigestsRequest, ListSuppressedAddressesRequest, ListWorkCenterPreferencesRequest, Preferences,
        PreviewDigestRequest, RemoveNotificationAddressRequest, RequestNotificationAddressRequest, ResubscribeRequest,
        SendTestDigestRequest, UnsubscribeRequest, UpdateAdministratorDigestRequest, UpdatePreferencesRequest,
        UpdateWorkCenterPreferenceRequest, WorkCenterDelivery,
    },
};

use super::{Answer, Person, Stage, by, nothing, text, until_another};
use crate::story::mask;

impl Stage {
    pub async fn preferences_of_a_service(&self) -> Answer {
        let key = self.app.key(&["act"]).await;
        self.app.preferences().get_preferences(by(&key, GetPreferencesRequest {})).await.map(nothing)
    }

    pub async fn prefer(&self, digest_time: &str, path: &str, etag: &str) -> Answer {
        let preferences = Some(Preferences { digest_time: text(digest_time), ..Default::default() });
        let message = UpdatePreferencesRequest { preferences, update_mask: Some(mask(&[path])), etag: text(etag) };
        self.app.preferences().update_preferences(by(&self.ada.token, message)).await.map(nothing)
    }

    pub async fn workcenter_preferences(&self, page_size: i32, page_token: &str) -> Answer {
        let message = ListWorkCenterPreferencesRequest { page_size, page_token: text(page_token) };
        self.app.preferences().list_work_center_preferences(by(&self.ada.token, message)).await.map(nothing)
    }

    async fn prefer_there(&self, who: &Person, delivery: Delivery) -> Answer {
        let (workcenter_id, delivery) = (self.pier().await.to_string(), delivery.into());
        let message = UpdateWorkCenterPreferenceRequest { workcenter_id, delivery };
        self.app.preferences().update_work_center_preference(by(&who.token, message)).await.map(nothing)
    }

    pub async fn prefer_of_many(&self, rows: &[WorkCenterDelivery], all: i32) -> Answer {
        let message = BatchUpdateWorkCenterPreferencesRequest { rows: rows.to_vec(), all };
        self.app.preferences().batch_update_work_center_preferences(by(&self.ada.token, message)).await.map(nothing)
    }

    pub async fn prefer_of_another(&self) -> Answer {
        let (workcenter_id, delivery) = (ids::new().to_string(), Delivery::Off.into());
        self.prefer_of_many(&[WorkCenterDelivery { workcenter_id, delivery }], 0).await
    }

    pub async fn prefer_nothing_there(&self) -> Answer {
        self.prefer_there(&self.ada, Delivery::Unspecified).await
    }

    pub async fn prefer_as_an_administrator(&self) -> Answer {
        self.prefer_there(&self.admin, Delivery::Off).await
    }

    pub async fn unsubscribe(&self, token: &str) -> Answer {
        let message = UnsubscribeRequest { token: text(token) };
        self.app.preferences().unsubscribe(Request::new(message)).await.map(nothing)
    }

    pub async fn resubscribe(&self, token: &str) -> Answer {
        let message = ResubscribeRequest { token: text(token) };
        self.app.preferences().resubscribe(Request::new(message)).await.map(nothing)
    }

    async fn suppressed(&self, who: &Person, page_size: i32, page_token: &str) -> Answer {
        let (account_id, page_token) = (self.account.to_string(), text(page_token));
        let message = ListSuppressedAddressesRequest { account_id, page_size, page_token };
        self.app.preferences().list_suppressed_addresses(by(&who.token, message)).await.map(nothing)
    }

    pub async fn suppressed_as_an_administrator(&self, page_size: i32, page_token: &str) -> Answer {
        self.suppressed(&self.admin, page_size, page_token).await
    }

    pub async fn suppressed_as_a_member(&self) -> Answer {
        self.suppressed(&self.ada, 0, "").await
    }

    pub async fn suppressed_as_a_stranger(&self) -> Answer {
        self.suppressed(&self.stranger, 0, "").await
    }

    async fn clear_by(&self, who: &Person, email: &str) -> Answer {
        let message = ClearSuppressedAddressRequest { account_id: self.account.to_string(), email: text(email) };
        self.app.preferences().clear_suppressed_address(by(&who.token, message)).await.map(nothing)
    }

    pub async fn clear_suppressed(&self, email: &str) -> Answer {
        self.clear_by(&self.admin, email).await
    }

    pub async fn clear_suppressed_while_deactivated(&self) -> Answer {
        self.while_deactivated(self.clear_suppressed("ada@example.com")).await
    }

    pub async fn clear_suppressed_as_a_member(&self) -> Answer {
        self.clear_by(&self.ada, "ada@example.com").await
    }

    pub async fn clear_suppressed_as_a_stranger(&self) -> Answer {
        self.clear_by(&self.stranger, "ada@example.com").await
    }

    pub async fn prefer_as_a_stranger(&self) -> Answer {
        self.prefer_there(&self.stranger, Delivery::Off).await
    }

    async fn preview(&self, who: &Person, cadence: Delivery) -> Answer {
        let (account_id, cadence) = (self.account.to_string(), cadence.into());
        let message = PreviewDigestRequest { account_id, cadence, at: None };
        self.app.preferences().preview_digest(by(&who.token, message)).await.map(nothing)
    }

    pub async fn preview_at_once(&self) -> Answer {
        self.preview(&self.ada, Delivery::Immediate).await
    }

    pub async fn preview_as_a_stranger(&self) -> Answer {
        self.preview(&self.stranger, Delivery::Daily).await
    }

    async fn test(&self, who: &Person, cadence: Delivery) -> Answer {
        let (account_id, cadence) = (self.account.to_string(), cadence.into());
        let message = SendTestDigestRequest { account_id, cadence, at: None };
        self.app.preferences().send_test_digest(by(&who.token, message)).await.map(nothing)
    }

    pub async fn test_at_once(&self) -> Answer {
        self.test(&self.ada, Delivery::Immediate).await
    }

    pub async fn test_as_a_stranger(&self) -> Answer {
        self.test(&self.stranger, Delivery::Daily).await
    }

    pub async fn test_in_a_deactivated_account(&self) -> Answer {
        self.while_deactivated(self.test(&self.ada, Delivery::Daily)).await
    }

    pub async fn tests_without_end(&self) -> Answer {
        until_another(|| self.test(&self.ada, Delivery::Weekly)).await
    }

    async fn explain(&self, who: &Person, user_id: &str, seq: i64) -> Answer {
        let (user_id, workcenter_id) = (text(user_id), self.pier().await.to_string());
        let message = ExplainNotificationRequest { user_id, workcenter_id, seq, ..Default::default() };
        self.app.preferences().explain_notification(by(&who.token, message)).await.map(nothing)
    }

    pub async fn explain_nothing(&self) -> Answer {
        self.explain(&self.ada, "somebody", 0).await
    }

    pub async fn explain_to_a_colleague(&self) -> Answer {
        self.explain(&self.bob, &self.ada.id.to_string(), 1).await
    }

    pub async fn ask_for_second_address(&self, email: &str) -> Answer {
        let message = RequestNotificationAddressRequest { email: text(email) };
        self.app.preferences().request_notification_address(by(&self.bob.token, message)).await.map(nothing)
    }

    pub async fn second_addresses_without_end(&self) -> Answer {
        until_another(|| self.ask_for_second_address("bob@example.org")).await
    }

    pub async fn confirm_second_address(&self, token: &str) -> Answer {
        let message = ConfirmNotificationAddressRequest { token: text(token) };
        self.app.preferences().confirm_notification_address(Request::new(message)).await.map(nothing)
    }

    pub async fn remove_address_of_a_service(&self) -> Answer {
        let key = self.app.key(&["act"]).await;
        let message = RemoveNotificationAddressRequest {};
        self.app.preferences().remove_notification_address(by(&key, message)).await.map(nothing)
    }

    pub async fn explain_the_own_log_of_a_colleague(&self) -> Answer {
        let (user_id, account_id) = (self.ada.id.to_string(), self.account.to_string());
        let message = ExplainNotificationRequest { user_id, account_id, seq: 1, ..Default::default() };
        self.app.preferences().explain_notification(by(&self.bob.token, message)).await.map(nothing)
    }

    pub async fn administrator_digests(&self, page_size: i32, page_token: &str) -> Answer {
        let message = ListAdministratorDigestsRequest { page_size, page_token: text(page_token) };
        self.app.preferences().list_administrator_digests(by(&self.admin.token, message)).await.map(nothing)
    }

    async fn administer_by(&self, who: &Person, delivery: Delivery, path: &str, etag: &str) -> Answer {
        let digest = Some(AdministratorDigest {
            account_id: self.account.to_string(),
            delivery: delivery.into(),
            excluded_workcenter_ids: vec![ids::new().to_string()],
            ..Default::default()
        });
        let (update_mask, etag) = (Some(mask(&[path])), text(etag));
        let message = UpdateAdministratorDigestRequest { digest, update_mask, etag };
        self.app.preferences().update_administrator_digest(by(&who.token, message)).await.map(nothing)
    }

    pub async fn administer(&self, delivery: Delivery, path: &str, etag: &str) -> Answer {
        self.administer_by(&self.admin, delivery, path, etag).await
    }

    pub async fn administer_as_a_member(&self) -> Answer {
        self.administer_by(&self.ada, Delivery::Daily, "delivery", "").await
    }

    pub async fn administer_as_a_stranger(&self) -> Answer {
        self.administer_by(&self.stranger, Delivery::Daily, "delivery", "").await
    }

    pub async fn administer_while_deactivated(&self) -> Answer {
        self.while_deactivated(self.administer(Delivery::Daily, "delivery", "")).await
    }

    pub async fn explain_what_never_happened(&self) -> Answer {
        self.explain(&self.ada, "me", 1_000).await
    }
}
