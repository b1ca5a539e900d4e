//! The calls about preferences that are refused.

use workcenter::{
    ids,
    pb::{
        BatchUpdateWorkCenterPreferencesRequest, Delivery, GetPreferencesRequest, ListWorkCenterPreferencesRequest,
        Preferences, UpdatePreferencesRequest, UpdateWorkCenterPreferenceRequest, WorkCenterDelivery,
    },
};

use super::{Answer, Person, Stage, by, nothing, text};
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

    pub async fn prefer_as_a_stranger(&self) -> Answer {
        self.prefer_there(&self.stranger, Delivery::Off).await
    }
}
