//! The history of a profile on the wire, of `ProfileService`.

use super::{Line, store};
use crate::{
    access::{self, Action, Resource},
    auth::Caller,
    clock::Clock,
    db::Db,
    error::{Error, Result},
    ids,
    page::Page,
    pb::{self, ListProfileChangesRequest, ListProfileChangesResponse},
    secret::TokenKey,
};

/// Serves `ListProfileChanges`.
pub(in crate::profile) async fn list(
    db: &Db,
    clock: &Clock,
    key: &TokenKey,
    caller: &Caller,
    request: ListProfileChangesRequest,
) -> Result<ListProfileChangesResponse> {
    let client = db.client().await?;
    let me = access::may(&client, caller, Action::ListProfileChanges, Resource::Own).await?.person;
    let now = clock.now().await?;
    let whose: &[&[u8]] = &[b"ListProfileChanges", me.as_bytes()];
    let page = Page::read(key, request.page_size, &request.page_token, whose, now)?;
    let before = page.after.as_deref().map(|it| ids::parse("page_token", it)).transpose().map_err(Error::from)?;

    let mut lines = store::list(&client, me, before, page.fetch).await?;

    let next_page_token = page.cut(key, &mut lines, |it| it.id.to_string(), now);
    Ok(ListProfileChangesResponse { changes: lines.into_iter().map(Into::into).collect(), next_page_token })
}

impl From<Line> for pb::ProfileChange {
    fn from(line: Line) -> Self {
        Self {
            change_id: line.id.to_string(),
            actor_user_id: line.by.to_string(),
            field: line.field,
            old_value: line.old,
            new_value: line.new,
            change_time: Some(pb::time(line.at)),
        }
    }
}
