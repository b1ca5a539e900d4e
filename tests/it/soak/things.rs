//! What is done about things: what WorkCenters hold, what is said of it, and jobs.

use futures_util::stream;
use tonic::Status;
use uuid::Uuid;
use workcenter::pb::{
    BulkCopyRequest, CommentSubject, CreateCommentRequest, CreateFolderRequest, CreatePostRequest, CreateTaskRequest,
    DeleteCommentRequest, DeleteDocumentRequest, DeleteFolderRequest, DeletePostRequest, DeleteTaskRequest,
    DownloadDocumentRequest, FinishTaskRequest, GetFolderRequest, GetWorkCenterRequest, JobScope, JobState,
    ListActivityRequest, ListCommentsRequest, ListContentsRequest, ListJobsRequest, ListTasksRequest,
    ListTemplateContentsRequest, ListWorkCentersRequest, PublishActivityRequest, Task, TaskPerson, WatchJobRequest,
    WatchJobsRequest, WatchProfilesRequest, activity_service_client::ActivityServiceClient, comment_subject::Subject,
    content_service_client::ContentServiceClient, job_service_client::JobServiceClient,
    profile_service_client::ProfileServiceClient, task_person, template_service_client::TemplateServiceClient,
    watch_profiles_response::Event, work_center_service_client::WorkCenterServiceClient,
};

use super::deeds::{Caller, of};
use crate::{
    bulk,
    content::{announced, messages, noise},
    harness::{Person, by},
    story::{mentioning, uploaded},
};

/// How much of a list is read.
const PAGE: i32 = 20;

impl Caller {
    fn contents(&self) -> ContentServiceClient<crate::channel::Channel> {
        ContentServiceClient::new(self.server.clone())
    }

    pub async fn browse(&mut self, who: &Person) -> Result<(), Status> {
        let mut workcenters = WorkCenterServiceClient::new(self.server.clone());
        let request = ListWorkCentersRequest { page_size: PAGE, ..Default::default() };
        self.answer(workcenters.list_work_centers(of(who, request))).await?;
        let workcenter_id = self.place().to_string();
        let request = GetWorkCenterRequest { workcenter_id: workcenter_id.clone() };
        self.answer(workcenters.get_work_center(of(who, request))).await?;
        let listed =
            ListContentsRequest { workcenter_id: workcenter_id.clone(), page_size: PAGE, ..Default::default() };
        self.answer(self.contents().list_contents(of(who, listed))).await?;
        let mut activity = ActivityServiceClient::new(self.server.clone());
        let listed = ListActivityRequest { workcenter_id, page_size: PAGE, ..Default::default() };
        self.answer(activity.list_activity(of(who, listed))).await?;
        let mut templates = TemplateServiceClient::new(self.server.clone());
        let template_id = self.world.template.to_string();
        let listed = ListTemplateContentsRequest { template_id, page_size: PAGE, ..Default::default() };
        self.answer(templates.list_template_contents(of(&self.world.account.admin, listed))).await.map(drop)
    }

    /// Makes a folder at the top of a WorkCenter, which is for its owner to do.
    async fn folder(&mut self, workcenter_id: String) -> Result<String, Status> {
        let name = Uuid::now_v7().to_string();
        let request = CreateFolderRequest { workcenter_id, name, ..Default::default() };
        Ok(self
            .answer(self.contents().create_folder(of(&self.world.account.admin, request)))
            .await?
            .folder
            .expect("it was made")
            .folder_id)
    }

    async fn remove(&self, folder_id: String) -> Result<(), Status> {
        let request = DeleteFolderRequest { folder_id, recursive: true, ..Default::default() };
        self.answer(self.contents().delete_folder(of(&self.world.account.admin, request))).await.map(drop)
    }

    pub async fn make_folder(&mut self, who: &Person) -> Result<(), Status> {
        let place = self.place().to_string();
        let folder_id = self.folder(place).await?;
        let request = GetFolderRequest { folder_id: folder_id.clone() };
        self.answer(self.contents().get_folder(of(who, request))).await?;
        self.remove(folder_id).await
    }

    pub async fn make_document(&mut self, who: &Person) -> Result<(), Status> {
        let bytes = noise(1_000 + self.roll(100_000));
        let mut metadata = announced(&bytes);
        metadata.workcenter_id = self.place().to_string();
        metadata.name = format!("{}.pdf", Uuid::now_v7());
        let messages = stream::iter(messages(metadata, &bytes, 1 << 15));
        let made = self.answer(self.contents().upload_document(of(who, messages))).await?;
        let document_id = made.document.expect("it was made").document_id;
        let request = DownloadDocumentRequest { document_id: document_id.clone(), ..Default::default() };
        let mut read = self.answer(self.contents().download_document(of(who, request))).await?;
        while read.message().await?.is_some() {}
        let request = DeleteDocumentRequest { document_id, ..Default::default() };
        self.answer(self.contents().delete_document(of(&self.world.account.admin, request))).await.map(drop)
    }

    pub async fn do_task(&mut self, who: &Person) -> Result<(), Status> {
        let workcenter_id = self.place().to_string();
        let person = Some(task_person::Person::UserId(who.id.to_string()));
        let assignees = vec![TaskPerson { person, ..Default::default() }];
        let task = Some(Task { title: "Look at the door".to_owned(), assignees, ..Default::default() });
        let request = CreateTaskRequest { workcenter_id: workcenter_id.clone(), task, ..Default::default() };
        let made = self.answer(self.contents().create_task(of(who, request))).await?;
        let task_id = made.task.expect("it was made").task_id;
        let listed = ListTasksRequest { workcenter_id, page_size: PAGE, ..Default::default() };
        self.answer(self.contents().list_tasks(of(who, listed))).await?;
        let request = FinishTaskRequest { task_id: task_id.clone(), ..Default::default() };
        self.answer(self.contents().finish_task(of(who, request))).await?;
        let request = DeleteTaskRequest { task_id, ..Default::default() };
        self.answer(self.contents().delete_task(of(&self.world.account.admin, request))).await.map(drop)
    }

    pub async fn talk(&mut self, who: &Person) -> Result<(), Status> {
        let (workcenter_id, text) = (self.place().to_string(), "It comes on Monday.".to_owned());
        let request = CreatePostRequest { workcenter_id, text, ..Default::default() };
        let made = self.answer(self.contents().create_post(of(who, request))).await?;
        let post_id = made.post.expect("it was made").post_id;
        let subject = Some(CommentSubject { subject: Some(Subject::PostId(post_id.clone())) });
        let one = self.anybody().id.to_string();
        let (text, mentioned_user_ids) = ("Have you seen it?".to_owned(), vec![one]);
        let request = CreateCommentRequest { subject: subject.clone(), text, mentioned_user_ids, ..Default::default() };
        let said = self.answer(self.contents().create_comment(of(who, request))).await?;
        let comment_id = said.comment.expect("it was made").comment_id;
        let listed = ListCommentsRequest { subject, page_size: PAGE, ..Default::default() };
        self.answer(self.contents().list_comments(of(who, listed))).await?;
        let request = DeleteCommentRequest { comment_id, ..Default::default() };
        self.answer(self.contents().delete_comment(of(who, request))).await?;
        let request = DeletePostRequest { post_id, ..Default::default() };
        self.answer(self.contents().delete_post(of(who, request))).await.map(drop)
    }

    pub async fn publish(&mut self, who: &Person) -> Result<(), Status> {
        let world = self.world.clone();
        let mut events = Vec::new();
        for number in 0..=self.roll(3) {
            let event = uploaded(self.place(), who, &format!("Sheet {number}.pdf"));
            let one = self.anybody();
            events.push(if self.roll(10) == 0 { mentioning(event, &[&one]) } else { event });
        }
        let mut activity = ActivityServiceClient::new(self.server.clone());
        self.answer(activity.publish_activity(by(&world.key, PublishActivityRequest { events }))).await.map(drop)
    }

    /// Watches the directory until all is told, and one's own jobs, and goes.
    pub async fn watch(&mut self, who: &Person) -> Result<(), Status> {
        let account_id = self.world.account.id.to_string();
        let request = WatchProfilesRequest { account_id, ..Default::default() };
        let mut profiles = ProfileServiceClient::new(self.server.clone());
        let mut told = self.answer(profiles.watch_profiles(of(who, request))).await?;
        while let Some(word) = told.message().await? {
            if matches!(word.event, Some(Event::CaughtUp(_))) {
                break;
            }
        }
        let place = if self.roll(2) == 0 { self.server.clone() } else { self.daemon.clone() };
        let request = WatchJobsRequest { scope: JobScope::Mine.into(), ..Default::default() };
        self.answer(JobServiceClient::new(place).watch_jobs(of(who, request))).await.map(drop)
    }

    pub async fn list_jobs(&mut self, who: &Person) -> Result<(), Status> {
        let mut jobs = JobServiceClient::new(self.daemon.clone());
        let request = ListJobsRequest { scope: JobScope::Mine.into(), page_size: PAGE, ..Default::default() };
        self.answer(jobs.list_jobs(of(who, request))).await.map(drop)
    }

    /// Copies the model into a folder of its own, watches how that goes, and throws it away. An owner does, for it makes folders.
    pub async fn copy(&mut self) -> Result<(), Status> {
        let (place, who) = (self.place(), &self.world.account.admin.clone());
        let folder_id = self.folder(place.to_string()).await?;
        let target = bulk::to(place, folder_id.parse().ok());
        let request = BulkCopyRequest { items: vec![self.world.model()], target, ..Default::default() };
        let begun = self.answer(self.contents().bulk_copy(of(who, request))).await?;
        let job_id = begun.job.expect("it has begun").job_id;
        let request = WatchJobRequest { job_id, ..Default::default() };
        let mut jobs = JobServiceClient::new(self.server.clone());
        let mut words = self.answer(jobs.watch_job(of(who, request))).await?;
        let mut last = JobState::Unspecified;
        while let Some(word) = words.message().await? {
            last = word.job.map_or(last, |it| it.state());
        }
        if last != JobState::Succeeded {
            return Err(Status::internal(format!("the copy ended {last:?}")));
        }
        self.remove(folder_id).await
    }
}
