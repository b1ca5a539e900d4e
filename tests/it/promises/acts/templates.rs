//! The calls about templates that are refused.

use uuid::Uuid;
use workcenter::{
    content::ITEMS_MAX,
    ids,
    pb::{
        ApplyTemplateRequest, ArchiveWorkCenterRequest, CreateFromTemplateRequest, CreateTaskRequest,
        ListTemplateContentsRequest, MarkAsTemplateRequest, PublishTemplateRequest, Task, TemplateAnchor,
        TemplateDates, TemplateOptions, template_service_client::TemplateServiceClient,
    },
    template::TARGETS_MAX,
};

use super::{Answer, Stage, by, nothing, text};

use crate::channel::Channel;

/// More folders at the top of a WorkCenter than a job may have items.
const FOLDERS: &str = "
    insert into entry (id, account_id, workcenter_id, kind, name, name_key, created_by, created_at, updated_at)
    select gen_random_uuid(), account_id, id, 'FOLDER', number::text, number::text, created_by, created_at, created_at
    from workcenter cross join generate_series(0, $2::bigint) as number where id = $1";

const POSTS: &str = "
    insert into post (id, account_id, workcenter_id, text, author_id, created_at)
    select gen_random_uuid(), account_id, id, 'Hello', created_by, created_at
    from workcenter cross join generate_series(1, $2::bigint) as number where id = $1";

const SPACES: &str = "
    insert into workcenter (id, account_id, name, created_by, created_at, category)
    select gen_random_uuid(), account_id, number::text, created_by, created_at, 'Many'
    from workcenter cross join generate_series(0, $2::bigint) as number where id = $1";

impl Stage {
    fn templates(&self) -> TemplateServiceClient<Channel> {
        TemplateServiceClient::new(self.app.channel())
    }

    pub async fn mark(&self, workcenter_id: &str) -> Answer {
        let message = MarkAsTemplateRequest { workcenter_id: text(workcenter_id), unmark: false };
        self.templates().mark_as_template(by(&self.ada.token, message)).await.map(nothing)
    }

    pub async fn mark_what_is_not_there(&self) -> Answer {
        self.mark(&ids::new().to_string()).await
    }

    async fn bare(&self) -> Uuid {
        self.app.workcenter(&self.ada, self.account, "Bare").await
    }

    async fn archived(&self) -> Uuid {
        let space = self.bare().await;
        let message = ArchiveWorkCenterRequest { workcenter_id: space.to_string() };
        self.app.workcenters().archive_work_center(by(&self.ada.token, message)).await.unwrap();
        space
    }

    pub async fn mark_what_is_archived(&self) -> Answer {
        self.mark(&self.archived().await.to_string()).await
    }

    /// A WorkCenter of Ada's that is a template.
    async fn template(&self) -> Uuid {
        let space = self.bare().await;
        self.mark(&space.to_string()).await.unwrap();
        space
    }

    async fn create(&self, template: Uuid, name: &str, request_id: &str) -> Answer {
        let (template_id, name, request_id) = (template.to_string(), text(name), text(request_id));
        let message = CreateFromTemplateRequest { template_id, name, request_id, ..Default::default() };
        self.templates().create_from_template(by(&self.ada.token, message)).await.map(nothing)
    }

    pub async fn create_without_a_name(&self) -> Answer {
        self.create(self.template().await, "", "").await
    }

    pub async fn create_from_what_is_not_there(&self) -> Answer {
        self.create(ids::new(), "New", "").await
    }

    pub async fn create_from_what_is_none(&self) -> Answer {
        self.create(self.bare().await, "New", "").await
    }

    pub async fn create_two_by_one_request(&self) -> Answer {
        let (template, id) = (self.template().await, ids::new().to_string());
        self.create(template, "New", &id).await?;
        self.create(template, "Newer", &id).await
    }

    async fn contents_of(&self, template: Uuid, page_token: &str) -> Answer {
        let (template_id, page_token) = (template.to_string(), text(page_token));
        let message = ListTemplateContentsRequest { template_id, page_token, ..Default::default() };
        self.templates().list_template_contents(by(&self.ada.token, message)).await.map(nothing)
    }

    pub async fn contents_of_a_template(&self, page_token: &str) -> Answer {
        self.contents_of(self.template().await, page_token).await
    }

    pub async fn contents_of_what_is_not_there(&self) -> Answer {
        self.contents_of(ids::new(), "").await
    }

    async fn apply(&self, template: Uuid, target: Uuid, request_id: &str) -> Answer {
        let (template_id, target_workcenter_id) = (template.to_string(), target.to_string());
        let request_id = text(request_id);
        let message = ApplyTemplateRequest { template_id, target_workcenter_id, request_id, ..Default::default() };
        self.templates().apply_template(by(&self.ada.token, message)).await.map(nothing)
    }

    pub async fn apply_to_itself(&self) -> Answer {
        let template = self.template().await;
        self.apply(template, template, "").await
    }

    pub async fn apply_what_is_not_there(&self) -> Answer {
        self.apply(ids::new(), self.bare().await, "").await
    }

    pub async fn apply_what_is_none(&self) -> Answer {
        self.apply(self.bare().await, self.bare().await, "").await
    }

    pub async fn apply_where_it_is_archived(&self) -> Answer {
        self.apply(self.template().await, self.archived().await, "").await
    }

    pub async fn apply_too_much(&self) -> Answer {
        let (template, most) = (self.template().await, i64::try_from(ITEMS_MAX).unwrap());
        self.app.client().await.execute(FOLDERS, &[&template, &most]).await.unwrap();
        self.apply(template, self.bare().await, "").await
    }

    pub async fn apply_too_many_posts(&self) -> Answer {
        let (template, target) = (self.template().await, self.bare().await);
        for (space, posts) in [(template, 6_000_i64), (target, 6_000)] {
            self.app.client().await.execute(POSTS, &[&space, &posts]).await.unwrap();
        }
        self.apply(template, target, "").await
    }

    pub async fn apply_where_dates_would_be_lost(&self) -> Answer {
        let template = self.template().await;
        let due_time = Some(prost_types::Timestamp { seconds: 1_804_000_000, nanos: 0 });
        let task = Some(Task { title: text("Paint"), due_time, ..Default::default() });
        let message = CreateTaskRequest { workcenter_id: template.to_string(), task, ..Default::default() };
        self.app.contents().create_task(by(&self.ada.token, message)).await?;
        let anchor = TemplateAnchor::None.into();
        let dates = Some(TemplateDates { anchor, strict: true, ..Default::default() });
        let options = Some(TemplateOptions { dates, ..Default::default() });
        let (template_id, target_workcenter_id) = (template.to_string(), self.bare().await.to_string());
        let message = ApplyTemplateRequest { template_id, target_workcenter_id, options, ..Default::default() };
        self.templates().apply_template(by(&self.ada.token, message)).await.map(nothing)
    }

    pub async fn apply_twice_by_one_request(&self) -> Answer {
        let (template, id) = (self.template().await, ids::new().to_string());
        self.apply(template, self.bare().await, &id).await?;
        self.apply(template, self.bare().await, &id).await
    }

    async fn publish_by_admin(&self, template: Uuid, named: &[Uuid], category: &str, request_id: &str) -> Answer {
        let message = PublishTemplateRequest {
            template_id: template.to_string(),
            target_workcenter_ids: named.iter().map(ToString::to_string).collect(),
            target_category: text(category),
            request_id: text(request_id),
            ..Default::default()
        };
        self.templates().publish_template(by(&self.admin.token, message)).await.map(nothing)
    }

    pub async fn publish_to_nobody(&self) -> Answer {
        self.publish_by_admin(self.template().await, &[], "", "").await
    }

    pub async fn publish_what_is_not_there(&self) -> Answer {
        self.publish_by_admin(ids::new(), &[self.bare().await], "", "").await
    }

    pub async fn publish_what_is_none(&self) -> Answer {
        self.publish_by_admin(self.bare().await, &[self.bare().await], "", "").await
    }

    pub async fn publish_to_too_many(&self) -> Answer {
        let (template, most) = (self.template().await, i64::try_from(TARGETS_MAX).unwrap());
        self.app.client().await.execute(SPACES, &[&template, &most]).await.unwrap();
        self.publish_by_admin(template, &[], "Many", "").await
    }

    pub async fn publish_twice_by_one_request(&self) -> Answer {
        let (template, id) = (self.template().await, ids::new().to_string());
        self.publish_by_admin(template, &[self.bare().await], "", &id).await?;
        self.publish_by_admin(template, &[self.bare().await], "", &id).await
    }
}
