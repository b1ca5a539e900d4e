//! The calls about posts and comments that are refused.

use tonic::Status;
use uuid::Uuid;
use workcenter::{
    ids,
    pb::{
        Comment, CommentSubject, CreateCommentRequest, CreatePostRequest, DeleteCommentRequest, DeletePostRequest,
        GetPostRequest, ListCommentsRequest, ListPostsRequest, Post, UpdateCommentRequest, UpdatePostRequest,
        comment_subject::Subject,
    },
};

use super::{Answer, Person, Stage, by, nothing, text};
use crate::story::mask;

/// As many posts as a WorkCenter may have.
const POSTS: &str = "
    insert into post (id, account_id, workcenter_id, text, author_id, created_at)
    select gen_random_uuid(), account_id, id, 'Hello', created_by, created_at
    from workcenter cross join generate_series(1, 10000) where id = $1";

/// As many comments as a post may have.
const COMMENTS: &str = "
    insert into comment (id, account_id, post_id, text, author_id, created_at)
    select gen_random_uuid(), account_id, id, 'Hello', author_id, created_at
    from post cross join generate_series(1, 10000) where id = $1";

impl Stage {
    async fn make_post(&self, pier: Uuid, said: &str, mentioned: &[&Person], request_id: &str) -> Result<Post, Status> {
        let message = CreatePostRequest {
            workcenter_id: pier.to_string(),
            title: text(""),
            text: text(said),
            mentioned_user_ids: mentioned.iter().map(|it| it.id.to_string()).collect(),
            request_id: text(request_id),
        };
        Ok(self.app.contents().create_post(by(&self.ada.token, message)).await?.into_inner().post.unwrap())
    }

    /// A post of Ada's.
    async fn hello(&self) -> Result<Post, Status> {
        self.make_post(self.pier().await, "Hello", &[], "").await
    }

    pub async fn post_for_a_stranger(&self) -> Answer {
        self.make_post(self.pier().await, "Hello", &[&self.stranger], "").await.map(drop)
    }

    pub async fn make_two_posts_by_one_request(&self) -> Answer {
        let (pier, id) = (self.pier().await, ids::new().to_string());
        self.make_post(pier, "Hello", &[], &id).await?;
        self.make_post(pier, "Good day", &[], &id).await.map(drop)
    }

    pub async fn make_too_many_posts(&self) -> Answer {
        let pier = self.pier().await;
        self.app.client().await.execute(POSTS, &[&pier]).await.unwrap();
        self.make_post(pier, "Hello", &[], "").await.map(drop)
    }

    pub async fn post_as_a_stranger(&self) -> Answer {
        let message = GetPostRequest { post_id: self.hello().await?.post_id };
        self.app.contents().get_post(by(&self.stranger.token, message)).await.map(nothing)
    }

    pub async fn posts(&self, page_token: &str) -> Answer {
        let (workcenter_id, page_token) = (self.pier().await.to_string(), text(page_token));
        let message = ListPostsRequest { workcenter_id, page_token, ..Default::default() };
        self.app.contents().list_posts(by(&self.ada.token, message)).await.map(nothing)
    }

    async fn update_post(&self, who: &Person, path: &str, etag: &str) -> Answer {
        let post = Some(Post { text: text("Good day"), ..self.hello().await? });
        let message = UpdatePostRequest { post, update_mask: Some(mask(&[path])), etag: text(etag) };
        self.app.contents().update_post(by(&who.token, message)).await.map(nothing)
    }

    pub async fn change_the_post_of_another(&self) -> Answer {
        self.update_post(&self.bob, "text", "").await
    }

    pub async fn change_a_post(&self, path: &str, etag: &str) -> Answer {
        self.update_post(&self.ada, path, etag).await
    }

    async fn delete_post(&self, who: &Person, etag: &str) -> Answer {
        let message = DeletePostRequest { post_id: self.hello().await?.post_id, etag: text(etag) };
        self.app.contents().delete_post(by(&who.token, message)).await.map(nothing)
    }

    pub async fn delete_the_post_of_another(&self) -> Answer {
        self.delete_post(&self.bob, "").await
    }

    pub async fn delete_a_post_of_another_state(&self) -> Answer {
        self.delete_post(&self.ada, "\"0\"").await
    }

    async fn make_comment(&self, post: &Post, said: &str, mentioned: &[&Person], id: &str) -> Result<Comment, Status> {
        let message = CreateCommentRequest {
            subject: of(post),
            text: text(said),
            mentioned_user_ids: mentioned.iter().map(|it| it.id.to_string()).collect(),
            request_id: text(id),
        };
        Ok(self.app.contents().create_comment(by(&self.ada.token, message)).await?.into_inner().comment.unwrap())
    }

    /// What Ada has said of a post.
    async fn answer(&self) -> Result<Comment, Status> {
        self.make_comment(&self.hello().await?, "Hello you", &[], "").await
    }

    pub async fn comment_for_a_stranger(&self) -> Answer {
        self.make_comment(&self.hello().await?, "Hello you", &[&self.stranger], "").await.map(drop)
    }

    pub async fn make_two_comments_by_one_request(&self) -> Answer {
        let (post, id) = (self.hello().await?, ids::new().to_string());
        self.make_comment(&post, "Hello you", &[], &id).await?;
        self.make_comment(&post, "Good day", &[], &id).await.map(drop)
    }

    pub async fn make_too_many_comments(&self) -> Answer {
        let post = self.hello().await?;
        let id: Uuid = post.post_id.parse().unwrap();
        self.app.client().await.execute(COMMENTS, &[&id]).await.unwrap();
        self.make_comment(&post, "Hello you", &[], "").await.map(drop)
    }

    pub async fn comments(&self, page_token: &str) -> Answer {
        let (subject, page_token) = (of(&self.hello().await?), text(page_token));
        let message = ListCommentsRequest { subject, page_token, ..Default::default() };
        self.app.contents().list_comments(by(&self.ada.token, message)).await.map(nothing)
    }

    async fn update_comment(&self, who: &Person, comment: Comment, path: &str, etag: &str) -> Answer {
        let comment = Some(Comment { text: text("Good day"), ..comment });
        let message = UpdateCommentRequest { comment, update_mask: Some(mask(&[path])), etag: text(etag) };
        self.app.contents().update_comment(by(&who.token, message)).await.map(nothing)
    }

    pub async fn change_the_comment_of_another(&self) -> Answer {
        self.update_comment(&self.bob, self.answer().await?, "text", "").await
    }

    pub async fn change_a_comment_that_is_not_there(&self) -> Answer {
        let comment = Comment { comment_id: ids::new().to_string(), ..Default::default() };
        self.update_comment(&self.ada, comment, "text", "").await
    }

    pub async fn change_a_comment(&self, path: &str, etag: &str) -> Answer {
        self.update_comment(&self.ada, self.answer().await?, path, etag).await
    }

    async fn delete_comment(&self, who: &Person, etag: &str) -> Answer {
        let message = DeleteCommentRequest { comment_id: self.answer().await?.comment_id, etag: text(etag) };
        self.app.contents().delete_comment(by(&who.token, message)).await.map(nothing)
    }

    pub async fn delete_the_comment_of_another(&self) -> Answer {
        self.delete_comment(&self.bob, "").await
    }

    pub async fn delete_a_comment_of_another_state(&self) -> Answer {
        self.delete_comment(&self.ada, "\"0\"").await
    }
}

fn of(post: &Post) -> Option<CommentSubject> {
    Some(CommentSubject { subject: Some(Subject::PostId(post.post_id.clone())) })
}
