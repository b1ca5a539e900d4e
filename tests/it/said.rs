//! What people say: posts, and comments of documents, tasks and posts.

mod comment;
mod post;

use tonic::Status;
use workcenter::pb::{
    Comment, CommentSubject, CreateCommentRequest, CreatePostRequest, DeleteCommentRequest, DeletePostRequest,
    GetPostRequest, ListCommentsRequest, Post, Task, UpdateCommentRequest, UpdatePostRequest, comment_subject::Subject,
};

use crate::{
    content::Site,
    harness::{Person, by},
    story::mask,
};

impl Site {
    pub fn of_document(&self, id: &str) -> CommentSubject {
        CommentSubject { subject: Some(Subject::DocumentId(id.to_owned())) }
    }

    pub fn of_task(&self, task: &Task) -> CommentSubject {
        CommentSubject { subject: Some(Subject::TaskId(task.task_id.clone())) }
    }

    pub fn of_post(&self, post: &Post) -> CommentSubject {
        CommentSubject { subject: Some(Subject::PostId(post.post_id.clone())) }
    }

    /// `who` says something of it.
    pub async fn comment(&self, who: &Person, subject: CommentSubject, text: &str) -> Result<Comment, Status> {
        self.comment_to(who, subject, text, &[]).await
    }

    /// The same, and mentions these people.
    pub async fn comment_to(
        &self,
        who: &Person,
        subject: CommentSubject,
        text: &str,
        people: &[&Person],
    ) -> Result<Comment, Status> {
        let mentioned_user_ids = people.iter().map(|it| it.id.to_string()).collect();
        let (subject, text) = (Some(subject), text.to_owned());
        let message = CreateCommentRequest { subject, text, mentioned_user_ids, request_id: String::new() };
        Ok(self.app.contents().create_comment(by(&who.token, message)).await?.into_inner().comment.unwrap())
    }

    /// All that is said of it, oldest first.
    pub async fn comments(&self, subject: CommentSubject) -> Result<Vec<Comment>, Status> {
        let message = ListCommentsRequest { subject: Some(subject), page_size: 200, ..Default::default() };
        Ok(self.app.contents().list_comments(by(&self.owner.token, message)).await?.into_inner().comments)
    }

    pub async fn recomment(
        &self,
        who: &Person,
        comment: Comment,
        paths: &[&str],
        etag: &str,
    ) -> Result<Comment, Status> {
        let (update_mask, etag) = (Some(mask(paths)), etag.to_owned());
        let message = UpdateCommentRequest { comment: Some(comment), update_mask, etag };
        Ok(self.app.contents().update_comment(by(&who.token, message)).await?.into_inner().comment.unwrap())
    }

    pub async fn uncomment(&self, who: &Person, comment: &Comment) -> Result<(), Status> {
        let message = DeleteCommentRequest { comment_id: comment.comment_id.clone(), etag: String::new() };
        self.app.contents().delete_comment(by(&who.token, message)).await.map(drop)
    }

    /// `who` tells the WorkCenter something.
    pub async fn post(&self, who: &Person, text: &str) -> Result<Post, Status> {
        self.post_to(who, text, &[]).await
    }

    /// The same, and mentions these people.
    pub async fn post_to(&self, who: &Person, text: &str, people: &[&Person]) -> Result<Post, Status> {
        let mentioned_user_ids = people.iter().map(|it| it.id.to_string()).collect();
        let (workcenter_id, text) = (self.pier.to_string(), text.to_owned());
        let message = CreatePostRequest { workcenter_id, text, mentioned_user_ids, ..Default::default() };
        Ok(self.app.contents().create_post(by(&who.token, message)).await?.into_inner().post.unwrap())
    }

    pub async fn read_post(&self, post: &Post) -> Result<Post, Status> {
        let message = GetPostRequest { post_id: post.post_id.clone() };
        Ok(self.app.contents().get_post(by(&self.owner.token, message)).await?.into_inner().post.unwrap())
    }

    pub async fn repost(&self, who: &Person, post: Post, paths: &[&str], etag: &str) -> Result<Post, Status> {
        let (update_mask, etag) = (Some(mask(paths)), etag.to_owned());
        let message = UpdatePostRequest { post: Some(post), update_mask, etag };
        Ok(self.app.contents().update_post(by(&who.token, message)).await?.into_inner().post.unwrap())
    }

    pub async fn unpost(&self, who: &Person, post: &Post) -> Result<(), Status> {
        let message = DeletePostRequest { post_id: post.post_id.clone(), etag: String::new() };
        self.app.contents().delete_post(by(&who.token, message)).await.map(drop)
    }

    /// The events of the WorkCenter that were taken back, by their kinds.
    pub async fn taken_back(&self) -> Vec<String> {
        let taken = "select kind from activity where retracted_at is not null order by seq";
        self.app.client().await.query(taken, &[]).await.unwrap().iter().map(|it| it.get(0)).collect()
    }

    /// Who is told besides of events of this kind, in the order of these.
    pub async fn addressed(&self, kind: &str) -> Vec<uuid::Uuid> {
        let addressed =
            "select user_id from addressee join activity using (log_id, seq) where kind = $1 order by seq, user_id";
        self.app.client().await.query(addressed, &[&kind]).await.unwrap().iter().map(|it| it.get(0)).collect()
    }
}
