//! Uploads that go on after all has come that was announced, and files that are all names of columns.

use futures_util::{Stream, StreamExt, stream};
use tonic::{Code, Status};
use workcenter::pb::{
    self, content_service_client::ContentServiceClient, invite_service_client::InviteServiceClient,
    profile_service_client::ProfileServiceClient,
};

use super::{Siege, honest};
use crate::{
    access::cast::Cast,
    channel::Channel,
    content,
    harness::{by, fields},
    import,
};

/// By how much they may make memory grow, in mebibytes: what four uploads of ten megabytes hold, and as much again.
const GROWTH_MIB: u64 = 80;

/// Bytes of the chunks that come without end, and of what was announced.
const CHUNK_BYTES: usize = 64 << 10;
const ANNOUNCED: usize = 1_000_000;

/// `first`, and then `chunk` for as long as anybody takes it.
fn endless<M: Clone + Send>(first: M, chunk: M) -> impl Stream<Item = M> + Send {
    stream::iter([first]).chain(stream::repeat(chunk))
}

/// The code of a refusal, and the fields that it names.
fn told<T: std::fmt::Debug>(answer: Result<T, Status>) -> (Code, Vec<String>) {
    let status = answer.expect_err("it is refused");
    (status.code(), fields(&status))
}

fn bad(field: &str) -> (Code, Vec<String>) {
    (Code::InvalidArgument, vec![field.to_owned()])
}

async fn picture(channel: &Channel, token: &str) -> (Code, Vec<String>) {
    use pb::upload_picture_request::Part;
    let size_bytes = ANNOUNCED.try_into().unwrap();
    let metadata = pb::PictureMetadata { size_bytes, sha256: vec![0; 32].into(), ..Default::default() };
    let message = |it| pb::UploadPictureRequest { part: Some(it) };
    let messages = endless(message(Part::Metadata(metadata)), message(Part::Chunk(vec![7; CHUNK_BYTES].into())));
    told(ProfileServiceClient::new(channel.clone()).upload_picture(by(token, messages)).await)
}

async fn document(channel: &Channel, token: &str, workcenter_id: String) -> (Code, Vec<String>) {
    use pb::upload_document_request::Part;
    let announced = content::announced(&vec![7; ANNOUNCED]);
    let metadata = pb::UploadDocumentMetadata { workcenter_id, name: "Endless".to_owned(), ..announced };
    let message = |it| pb::UploadDocumentRequest { part: Some(it) };
    let messages = endless(message(Part::Metadata(metadata)), message(Part::Chunk(vec![7; CHUNK_BYTES].into())));
    told(ContentServiceClient::new(channel.clone()).upload_document(by(token, messages)).await)
}

async fn archive(channel: &Channel, token: &str, space: uuid::Uuid) -> (Code, Vec<String>) {
    let first = import::first(import::announced(space, &vec![7; ANNOUNCED]));
    let messages = endless(first, import::chunk(&[7; CHUNK_BYTES]));
    told(ContentServiceClient::new(channel.clone()).import_documents(by(token, messages)).await)
}

/// A file of invites of which `chunk` comes again and again.
async fn invites(channel: &Channel, token: &str, account_id: String, chunk: &[u8]) -> (Code, Vec<String>) {
    use pb::import_invites_request::Part;
    let metadata = pb::ImportInvitesMetadata { account_id, ..Default::default() };
    let message = |it| pb::ImportInvitesRequest { part: Some(it) };
    let messages = endless(message(Part::Metadata(metadata)), message(Part::Chunk(chunk.to_vec().into())));
    told(InviteServiceClient::new(channel.clone()).import_invites(by(token, messages)).await)
}

/// A file of invites that is nothing but commas, and as long as one may be.
async fn commas(channel: &Channel, token: &str, account_id: String) -> Status {
    use pb::import_invites_request::Part;
    let metadata = pb::ImportInvitesMetadata { account_id, validate_only: true, ..Default::default() };
    let message = |it| pb::ImportInvitesRequest { part: Some(it) };
    let chunks = vec![message(Part::Chunk(vec![b','; 1 << 20].into())); 5];
    let messages = stream::iter([message(Part::Metadata(metadata))]).chain(stream::iter(chunks));
    InviteServiceClient::new(channel.clone()).import_invites(by(token, messages)).await.unwrap_err()
}

#[tokio::test]
async fn an_upload_that_does_not_end_is_refused_when_more_has_come_than_was_announced() {
    let cast = Cast::assemble().await;
    let things = cast.things().await;
    let siege = Siege::server(&cast).await;
    let [.., contributor, owner, _] = &cast.people;
    let (channel, token) = (&siege.channel, &owner.token);
    let harm = async {
        tokio::join!(
            picture(channel, token),
            document(channel, token, things.workcenter.to_string()),
            archive(channel, token, things.workcenter),
            invites(channel, token, things.account.to_string(), &[b'x'; CHUNK_BYTES]),
        )
    };
    let (told, grown) = siege.grown(harm, honest(&siege, &contributor.token)).await;
    assert_eq!(told, (bad("chunk"), bad("chunk"), bad("chunk"), bad("file")));
    assert!(grown <= GROWTH_MIB, "{grown} MiB");
}

#[tokio::test]
async fn a_file_of_invites_with_five_million_columns_is_refused_before_they_are_read() {
    let cast = Cast::assemble().await;
    let things = cast.things().await;
    let siege = Siege::server(&cast).await;
    let [.., contributor, owner, _] = &cast.people;
    let harm = commas(&siege.channel, &owner.token, things.account.to_string());
    let (status, grown) = siege.grown(harm, honest(&siege, &contributor.token)).await;
    assert_eq!(told::<()>(Err(status)), bad("file"));
    assert!(grown <= GROWTH_MIB, "{grown} MiB");
}
