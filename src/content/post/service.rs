//! The calls about posts, of `ContentService`.

use std::time::Duration;

use jiff::Timestamp;
use prost::Message;
use tonic::{Request, Response, Status};

use super::{
    Post,
    change::{Change, Wanted},
    store,
};
use crate::{
    access::{self, Action, Leave, Resource},
    account, activity, auth,
    clock::Clock,
    content::{
        mention,
        tell::{Word, thing},
        text,
    },
    db::Db,
    error::{Error, Reason, Result, Violations},
    ids, mask,
    page::Page,
    pb,
    request::{self, Recall},
    secret::TokenKey,
    workcenter,
};

/// Keeps posts.
pub(in crate::content) struct Posts {
    db: Db,
    clock: Clock,
    key: TokenKey,
    window: Duration,
}

impl Posts {
    /// Page tokens are sealed with `key`, and what happens becomes immediate mail `window` later.
    pub(in crate::content) fn new(db: Db, clock: Clock, key: TokenKey, window: Duration) -> Self {
        Self { db, clock, key, window }
    }

    fn word(&self, leave: &Leave, now: Timestamp) -> Word {
        Word { by: leave.person, now, window: self.window }
    }

    /// Serves `CreatePost`.
    pub(in crate::content) async fn create(
        &self,
        request: Request<pb::CreatePostRequest>,
    ) -> Result<Response<pb::CreatePostResponse>, Status> {
        let caller = auth::caller(&request)?;
        let asked = request.into_inner();
        let mut violations = Violations::default();
        let id = violations.take(ids::parse("workcenter_id", &asked.workcenter_id)).unwrap_or_default();
        let title = violations.take(text::line("title", &asked.title)).unwrap_or_default();
        let said = violations.take(text::said("text", &asked.text)).unwrap_or_default();
        let mentioned = text::mentioned("mentioned_user_ids", &asked.mentioned_user_ids, &mut violations);
        violations.extend(request::fault(&asked.request_id));
        violations.none()?;

        let now = self.clock.now().await?;
        let mut client = self.db.client().await?;
        let tx = client.transaction().await.map_err(Error::from)?;
        let leave = access::may(&tx, &caller, Action::CreatePost, Resource::WorkCenter(id)).await?;
        let path = Action::CreatePost.path();
        let ticket = match request::recall(&tx, leave.person, path, &asked.request_id, &asked.encode_to_vec()).await? {
            Recall::New(ticket) => ticket,
            Recall::Known(answer) => {
                let answer = pb::CreatePostResponse::decode(answer.as_slice()).map_err(Error::internal)?;
                return Ok(Response::new(answer));
            }
        };
        account::enter(&tx, leave.standing.account.unwrap_or_default()).await?;
        // Alone, so that they are counted.
        let space = workcenter::rearrange(&tx, id).await?;
        if store::is_full(&tx, id).await? {
            return Err(Error::Refused(Reason::LimitReached).into());
        }
        mention::check(&tx, id, "mentioned_user_ids", &mentioned).await?;
        let word = self.word(&leave, now);
        let post = Post {
            id: ids::new(),
            account: space.account,
            workcenter: id,
            title,
            text: said,
            mentioned,
            author: word.by,
            created_at: now,
            edited_at: None,
            original_at: None,
            revision: 1,
        };
        store::insert(&tx, &post).await?;
        let answer = pb::CreatePostResponse { post: Some(post.clone().into()) };
        request::remember(&tx, ticket, &answer.encode_to_vec()).await?;
        let parent = thing("workcenter", space.id, &space.name);
        let mut event = word.event("post.created", post.thing(), parent, text::excerpt(&post.text));
        event.event_id = post.event_id();
        event.addressees = mention::addressees(&post.mentioned, word.by);
        activity::publish(&tx, id, vec![event], now, self.window).await?;
        tx.commit().await.map_err(Error::from)?;

        Ok(Response::new(answer))
    }

    /// Serves `GetPost`.
    pub(in crate::content) async fn get(
        &self,
        request: Request<pb::GetPostRequest>,
    ) -> Result<Response<pb::GetPostResponse>, Status> {
        let caller = auth::caller(&request)?;
        let id = ids::parse("post_id", &request.into_inner().post_id).map_err(Error::from)?;

        let client = self.db.client().await?;
        let (_, post) = Wanted { action: Action::GetPost, id }.find(&client, &caller).await?;

        Ok(Response::new(pb::GetPostResponse { post: Some(post.into()) }))
    }

    /// Serves `ListPosts`.
    pub(in crate::content) async fn list(
        &self,
        request: Request<pb::ListPostsRequest>,
    ) -> Result<Response<pb::ListPostsResponse>, Status> {
        let caller = auth::caller(&request)?;
        let asked = request.into_inner();
        let now = self.clock.now().await?;
        let mut violations = Violations::default();
        let id = violations.take(ids::parse("workcenter_id", &asked.workcenter_id)).unwrap_or_default();
        let list: &[&[u8]] = &[b"ListPosts", id.as_bytes()];
        let page = violations.take(Page::read(&self.key, asked.page_size, &asked.page_token, list, now));
        violations.none()?;
        let page = page.ok_or_else(|| Error::internal("a page was neither read nor refused"))?;

        let client = self.db.client().await?;
        access::may(&client, &caller, Action::ListPosts, Resource::WorkCenter(id)).await?;
        let before = page.after.as_deref().and_then(|it| it.parse().ok());
        let mut posts = store::list(&client, id, before, page.fetch).await?;
        let next_page_token = page.cut(&self.key, &mut posts, |last| last.id.to_string(), now);

        let posts = posts.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::ListPostsResponse { posts, next_page_token }))
    }

    /// Serves `UpdatePost`.
    pub(in crate::content) async fn update(
        &self,
        request: Request<pb::UpdatePostRequest>,
    ) -> Result<Response<pb::UpdatePostResponse>, Status> {
        let caller = auth::caller(&request)?;
        let asked = request.into_inner();
        let sent = asked.post.unwrap_or_default();
        let paths = asked.update_mask.unwrap_or_default().paths;
        let mut violations = Violations::default();
        let id = violations.take(ids::parse("post.post_id", &sent.post_id)).unwrap_or_default();
        let is_set = |field: &str| match field {
            "title" => !sent.title.is_empty(),
            "text" => !sent.text.is_empty(),
            _ => !sent.mentioned_user_ids.is_empty(),
        };
        let fields = mask::fields(&paths, &["title", "text", "mentioned_user_ids"], is_set, &mut violations);
        let mut change = Change::default();
        if fields.contains(&"title") {
            change.title = violations.take(text::line("post.title", &sent.title));
        }
        if fields.contains(&"text") {
            change.text = violations.take(text::said("post.text", &sent.text));
        }
        if fields.contains(&"mentioned_user_ids") {
            let field = "post.mentioned_user_ids";
            change.mentioned = Some(text::mentioned(field, &sent.mentioned_user_ids, &mut violations));
        }
        violations.none()?;

        let now = self.clock.now().await?;
        let mut client = self.db.client().await?;
        let tx = client.transaction().await.map_err(Error::from)?;
        let held = Wanted { action: Action::UpdatePost, id }.hold(&tx, &caller).await?.at(&asked.etag)?;
        let word = self.word(&held.leave, now);
        let post = held.change(&tx, change, &word).await?;
        tx.commit().await.map_err(Error::from)?;

        Ok(Response::new(pb::UpdatePostResponse { post: Some(post.into()) }))
    }

    /// Serves `DeletePost`.
    pub(in crate::content) async fn delete(
        &self,
        request: Request<pb::DeletePostRequest>,
    ) -> Result<Response<pb::DeletePostResponse>, Status> {
        let caller = auth::caller(&request)?;
        let asked = request.into_inner();
        let id = ids::parse("post_id", &asked.post_id).map_err(Error::from)?;

        let now = self.clock.now().await?;
        let mut client = self.db.client().await?;
        let tx = client.transaction().await.map_err(Error::from)?;
        let held = Wanted { action: Action::DeletePost, id }.hold(&tx, &caller).await?.at(&asked.etag)?;
        let word = self.word(&held.leave, now);
        held.delete(&tx, &word).await?;
        tx.commit().await.map_err(Error::from)?;

        Ok(Response::new(pb::DeletePostResponse {}))
    }
}

impl From<Post> for pb::Post {
    fn from(post: Post) -> Self {
        Self {
            post_id: post.id.to_string(),
            workcenter_id: post.workcenter.to_string(),
            etag: post.etag(),
            title: post.title,
            text: post.text,
            mentioned_user_ids: post.mentioned.iter().map(ToString::to_string).collect(),
            author_user_id: post.author.to_string(),
            create_time: Some(pb::time(post.created_at)),
            update_time: Some(pb::time(post.edited_at.unwrap_or(post.created_at))),
            edit_time: post.edited_at.map(pb::time),
            original_time: post.original_at.map(pb::time),
        }
    }
}
