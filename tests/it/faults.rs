//! What goes wrong around the programs while they are at work: they are restarted, their database goes and comes, its schema
//! is another version's, all is restored from a backup, and they run for long.

mod backup;
mod balanced;
mod outage;
mod rolling;
mod versions;

use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use workcenter::pb::{CreateFolderRequest, GetFolderRequest, content_service_client::ContentServiceClient};

use crate::harness::{Person, by};
use balanced::Balanced;

/// What the programs of these tests say: little, for nobody reads all of it, and a full pipe stops who writes.
const LOG: (&str, &str) = ("LOG", "error,workcenter::server=info,workcenter::server::call=off,workcenter::daemon=info");

/// Makes folders and looks at them until told to stop; returns the ids of those whose making was acknowledged.
///
/// Each is made with a `request_id`, so that it may be tried again.
async fn load(client: &Balanced, who: &Person, workcenter: Uuid, done: &CancellationToken) -> Vec<String> {
    let mut made = Vec::new();
    while !done.is_cancelled() {
        let request = CreateFolderRequest {
            workcenter_id: workcenter.to_string(),
            name: Uuid::now_v7().to_string(),
            request_id: Uuid::now_v7().to_string(),
            ..Default::default()
        };
        let answer = client.call(async |channel| {
            ContentServiceClient::new(channel).create_folder(by(&who.token, request.clone())).await
        });
        let folder_id = answer.await.unwrap().folder.unwrap().folder_id;
        let request = GetFolderRequest { folder_id: folder_id.clone() };
        let answer = client
            .call(async |channel| ContentServiceClient::new(channel).get_folder(by(&who.token, request.clone())).await);
        assert_eq!(answer.await.unwrap().folder.unwrap().folder_id, folder_id);
        made.push(folder_id);
    }
    made
}
