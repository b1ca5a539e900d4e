//! The calls about logs that are refused.

use workcenter::pb::{ListActivityRequest, PublishActivityRequest, RetractActivityRequest};

use super::{Answer, Person, Stage, by, nothing, text};

impl Stage {
    async fn publish_by(&self, token: &str) -> Answer {
        self.app.activity().publish_activity(by(token, PublishActivityRequest::default())).await.map(nothing)
    }

    pub async fn publish_nothing(&self) -> Answer {
        self.publish_by(&self.app.key(&["activity.publish"]).await).await
    }

    pub async fn publish_as_a_person(&self) -> Answer {
        self.publish_by(&self.admin.token).await
    }

    async fn retract_by(&self, token: &str) -> Answer {
        self.app.activity().retract_activity(by(token, RetractActivityRequest::default())).await.map(nothing)
    }

    pub async fn retract_nothing(&self) -> Answer {
        self.retract_by(&self.app.key(&["activity.publish"]).await).await
    }

    pub async fn retract_as_a_person(&self) -> Answer {
        self.retract_by(&self.admin.token).await
    }

    async fn activity_as(&self, who: &Person, page_size: i32, page_token: &str) -> Answer {
        let workcenter_id = self.pier().await.to_string();
        let message = ListActivityRequest { workcenter_id, page_size, page_token: text(page_token) };
        self.app.activity().list_activity(by(&who.token, message)).await.map(nothing)
    }

    pub async fn activity(&self, page_size: i32, page_token: &str) -> Answer {
        self.activity_as(&self.ada, page_size, page_token).await
    }

    pub async fn activity_as_a_stranger(&self) -> Answer {
        self.activity_as(&self.stranger, 0, "").await
    }
}
