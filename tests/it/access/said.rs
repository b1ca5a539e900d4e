//! Sound requests about tasks, and about what people say.

use prost::Message;
use workcenter::{access::Action, pb};

use super::things::Things;

impl Things {
    /// A sound request for `action` on the task.
    pub fn task_request(&self, action: Action) -> Vec<u8> {
        let (workcenter_id, task_id, etag) = (self.workcenter.to_string(), self.task.to_string(), String::new());
        let task = Some(pb::Task { task_id: task_id.clone(), title: "New".to_owned(), ..Default::default() });
        match action {
            Action::CreateTask => pb::CreateTaskRequest { workcenter_id, task, ..Default::default() }.encode_to_vec(),
            Action::GetTask => pb::GetTaskRequest { task_id }.encode_to_vec(),
            Action::ListTasks => pb::ListTasksRequest { workcenter_id, ..Default::default() }.encode_to_vec(),
            Action::UpdateTask => pb::UpdateTaskRequest { task, ..Default::default() }.encode_to_vec(),
            Action::StartTask => pb::StartTaskRequest { task_id, etag }.encode_to_vec(),
            Action::FinishTask => pb::FinishTaskRequest { task_id, etag }.encode_to_vec(),
            Action::ApproveTask => pb::ApproveTaskRequest { task_id, etag }.encode_to_vec(),
            Action::DeclineTask => pb::DeclineTaskRequest { task_id, ..Default::default() }.encode_to_vec(),
            Action::ReopenTask => pb::ReopenTaskRequest { task_id, etag }.encode_to_vec(),
            Action::DeleteTask => pb::DeleteTaskRequest { task_id, etag }.encode_to_vec(),
            Action::RestoreTask => pb::RestoreTaskRequest { task_id }.encode_to_vec(),
            _ => unreachable!("{action:?} is about something else"),
        }
    }

    /// The same on the post, and on comments of the document.
    pub fn said_request(&self, action: Action) -> Vec<u8> {
        let (workcenter_id, text, etag) = (self.workcenter.to_string(), "Hello".to_owned(), String::new());
        let (post_id, comment_id) = (self.post.to_string(), self.comment.to_string());
        let of = pb::comment_subject::Subject::DocumentId(self.document.to_string());
        let subject = Some(pb::CommentSubject { subject: Some(of) });
        match action {
            Action::CreatePost => pb::CreatePostRequest { workcenter_id, text, ..Default::default() }.encode_to_vec(),
            Action::GetPost => pb::GetPostRequest { post_id }.encode_to_vec(),
            Action::ListPosts => pb::ListPostsRequest { workcenter_id, ..Default::default() }.encode_to_vec(),
            Action::UpdatePost => {
                let post = Some(pb::Post { post_id, text, ..Default::default() });
                pb::UpdatePostRequest { post, ..Default::default() }.encode_to_vec()
            }
            Action::DeletePost => pb::DeletePostRequest { post_id, etag }.encode_to_vec(),
            Action::CreateComment => pb::CreateCommentRequest { subject, text, ..Default::default() }.encode_to_vec(),
            Action::ListComments => pb::ListCommentsRequest { subject, ..Default::default() }.encode_to_vec(),
            Action::UpdateComment => {
                let comment = Some(pb::Comment { comment_id, text, ..Default::default() });
                pb::UpdateCommentRequest { comment, ..Default::default() }.encode_to_vec()
            }
            Action::DeleteComment => pb::DeleteCommentRequest { comment_id, etag }.encode_to_vec(),
            _ => unreachable!("{action:?} is about something else"),
        }
    }
}
