//! The directory of an account on the wire, of `ProfileService`.

use std::pin::Pin;

use futures_util::{Stream, StreamExt};
use tonic::{Request, Response, Status};

use super::{
    Watch, opened, sealed,
    watch::{Wanted, Word},
};
use crate::{
    access::{self, Action, Resource},
    auth,
    db::Db,
    error::Error,
    ids,
    pb::{self, watch_profiles_response::Event},
    profile::service::shown,
    secret::TokenKey,
};

/// A stream of the profiles of a directory.
pub(in crate::profile) type DirectoryStream =
    Pin<Box<dyn Stream<Item = Result<pb::WatchProfilesResponse, Status>> + Send>>;

/// Serves `WatchProfiles`.
pub(in crate::profile) async fn follow(
    db: &Db,
    key: TokenKey,
    watch: Watch,
    request: Request<pb::WatchProfilesRequest>,
) -> Result<Response<DirectoryStream>, Status> {
    let caller = auth::caller(&request)?;
    let names = auth::names(&request);
    let (metadata, _, message) = request.into_parts();
    let account = ids::parse("account_id", &message.account_id).map_err(Error::from)?;
    let client = db.client().await?;
    access::may(&client, &caller, Action::WatchProfiles, Resource::Account(account)).await?;
    drop(client);
    let after = opened(&key, account, &message.after).map_err(Error::from)?;

    let words = watch.follow(Wanted { account, credentials: metadata.into_headers(), names, after });

    Ok(Response::new(Box::pin(words.map(move |word| {
        let (seq, word) = word?;
        let event = match word {
            Word::Profile(profile, sight) => Event::Profile(shown(&profile, sight)),
            Word::Gone(user) => Event::Removed(pb::Removed { user_id: user.to_string() }),
            Word::CaughtUp => Event::CaughtUp(pb::CaughtUp {}),
        };
        Ok(pb::WatchProfilesResponse { position: sealed(&key, account, seq), event: Some(event) })
    }))))
}
