//! Pictures on their way in and out: what comes whole is kept and shown, and what does not leaves the old one.

mod bare;
mod bombs;
mod corpus;
mod fuzzed;
pub mod refused;

use std::io::Cursor;

use futures_util::stream;
use image::{ImageFormat, Rgb, RgbImage};
use tonic::{Code, Request, Status};
use workcenter::{
    pb::{
        DeletePictureRequest, GetPictureRequest, GetProfileRequest, PictureCrop, PictureHeader, PictureMetadata,
        UploadPictureRequest, UploadPictureResponse, get_picture_response, upload_picture_request::Part,
    },
    secret::Digester,
};

use crate::{
    harness::{App, Person, by, fields, reason},
    identity::mails,
};

/// A picture of noise, which does not pack: a thousand pixels make two thousand bytes.
pub fn jpeg(width: u32, height: u32) -> Vec<u8> {
    let mut state = 1_u32;
    let picture = RgbImage::from_fn(width, height, |_, _| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let [_, red, green, blue] = state.to_be_bytes();
        Rgb([red, green, blue])
    });
    written(&picture, ImageFormat::Jpeg)
}

fn written(picture: &RgbImage, format: ImageFormat) -> Vec<u8> {
    let mut file = Vec::new();
    picture.write_to(&mut Cursor::new(&mut file), format).unwrap();
    file
}

/// What is said of `file` before it comes.
pub fn metadata(file: &[u8]) -> PictureMetadata {
    let mut digester = Digester::default();
    digester.update(file);
    let sha256 = digester.finish().to_vec().into();
    let content_type = "image/jpeg".to_owned();
    PictureMetadata { content_type, size_bytes: i64::try_from(file.len()).unwrap(), sha256, crop: None }
}

pub fn announced(metadata: PictureMetadata) -> UploadPictureRequest {
    UploadPictureRequest { part: Some(Part::Metadata(metadata)) }
}

fn chunk(bytes: &[u8]) -> UploadPictureRequest {
    UploadPictureRequest { part: Some(Part::Chunk(bytes.to_vec().into())) }
}

/// Every message of an upload of `file` in chunks of `size` bytes.
pub fn messages(file: &[u8], size: usize) -> Vec<UploadPictureRequest> {
    let mut messages = vec![announced(metadata(file))];
    messages.extend(file.chunks(size).map(chunk));
    messages
}

pub async fn upload(
    app: &App,
    token: &str,
    messages: Vec<UploadPictureRequest>,
) -> Result<UploadPictureResponse, Status> {
    Ok(app.profiles().upload_picture(by(token, stream::iter(messages))).await?.into_inner())
}

/// What comes when `caller` asks for the picture of `whom`.
pub async fn shown(app: &App, caller: &Person, request: GetPictureRequest) -> Result<(PictureHeader, Vec<u8>), Status> {
    let mut stream = app.profiles().get_picture(by(&caller.token, request)).await?.into_inner();
    let Some(get_picture_response::Part::Header(header)) = stream.message().await?.unwrap().part else {
        panic!("the header comes first");
    };
    let mut bytes = Vec::new();
    while let Some(message) = stream.message().await? {
        let Some(get_picture_response::Part::Chunk(chunk)) = message.part else { panic!("then come chunks") };
        bytes.extend_from_slice(&chunk);
    }
    assert_eq!(usize::try_from(header.size_bytes).unwrap(), bytes.len());
    Ok((header, bytes))
}

pub fn of(whom: &str, size_px: i32) -> GetPictureRequest {
    GetPictureRequest { user_id: whom.to_owned(), size_px, ..Default::default() }
}

/// The etag of the profile, and that of the picture.
pub async fn etags(app: &App, person: &Person) -> (String, Option<String>) {
    let me = GetProfileRequest { user_id: "me".to_owned() };
    let profile = app.profiles().get_profile(by(&person.token, me)).await.unwrap().into_inner().profile.unwrap();
    (profile.etag, profile.picture.map(|it| it.etag))
}

pub async fn ada() -> (App, Person) {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    (app, ada)
}

#[tokio::test]
async fn a_picture_goes_up_in_chunks_of_any_size_and_comes_back_in_all_sizes() {
    let (app, ada) = ada().await;
    let file = jpeg(1700, 1600);
    assert!(3 << 20 < file.len(), "{}", file.len());
    let before = etags(&app, &ada).await;
    let mut kept = Vec::new();
    let small = jpeg(400, 300);
    for (file, size) in [(&small, small.len()), (&small, 1), (&file, 64 << 10), (&file, 1 << 20)] {
        let set = upload(&app, &ada.token, messages(file, size)).await.unwrap();
        assert_eq!(set.content_type, "image/jpeg");
        let picture = set.picture.unwrap();
        assert_eq!(picture.sizes_px, [512, 300, 128, 48]);
        assert_eq!(etags(&app, &ada).await, (set.profile_etag.clone(), Some(picture.etag.clone())));
        assert_ne!(set.profile_etag, before.0);
        kept.push(picture.etag);
    }
    assert!(kept[0] == kept[1] && kept[2] == kept[3], "the same file is the same picture: {kept:?}");
    let etag = kept.pop().unwrap();

    for (asked, side) in [(0, 300), (512, 512), (300, 300), (128, 128), (48, 48)] {
        let (header, bytes) = shown(&app, &ada, of("me", asked)).await.unwrap();
        let shown = image::load_from_memory(&bytes).unwrap();
        assert_eq!((shown.width(), shown.height()), (side, side));
        assert_eq!(header.size_px, i32::try_from(side).unwrap());
        assert_eq!((header.etag.as_str(), header.content_type.as_str()), (etag.as_str(), "image/jpeg"));
        assert!(!header.drawn && !header.not_modified);
    }
    let known = GetPictureRequest { if_none_match: etag, ..of("me", 512) };
    let (header, bytes) = shown(&app, &ada, known).await.unwrap();
    assert!(header.not_modified && bytes.is_empty());
    let status = shown(&app, &ada, of("me", 299)).await.unwrap_err();
    assert_eq!((status.code(), fields(&status)), (Code::InvalidArgument, vec!["size_px".to_owned()]));
}

#[tokio::test]
async fn whatever_fails_has_its_code_and_leaves_the_old_picture() {
    let (app, ada) = ada().await;
    let old = jpeg(64, 64);
    upload(&app, &ada.token, messages(&old, 1000)).await.unwrap();
    let before = (etags(&app, &ada).await, shown(&app, &ada, of("me", 300)).await.unwrap().1);

    let file = jpeg(300, 200);
    let half = messages(&file[..file.len() / 2], 1000).split_off(1);
    let claimed = |metadata| [vec![announced(metadata)], messages(&file, 1000).split_off(1)].concat();
    let good = metadata(&file);
    let wrong_hash = PictureMetadata { sha256: vec![7; 32].into(), ..good.clone() };
    let too_few = PictureMetadata { size_bytes: good.size_bytes - 1, ..good.clone() };
    let too_many = PictureMetadata { size_bytes: good.size_bytes + 1, ..good.clone() };
    let too_large = PictureMetadata { size_bytes: 11 << 20, ..good.clone() };
    let outside = PictureMetadata { crop: Some(PictureCrop { left: 200, top: 0, side: 200 }), ..good.clone() };
    let huge = vec![0_u8; 11 << 20];
    let text = b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec();
    let cut = file[..file.len() * 2 / 3].to_vec();
    let size = "PICTURE_SIZE_MISMATCH";
    for (what, messages, code, why) in [
        ("half", [vec![announced(good.clone())], half].concat(), Code::InvalidArgument, size),
        ("another hash", claimed(wrong_hash), Code::InvalidArgument, "PICTURE_CHECKSUM"),
        ("too few", claimed(too_few), Code::InvalidArgument, size),
        ("too many", claimed(too_many), Code::InvalidArgument, size),
        ("11 MiB", messages(&huge, 1 << 20), Code::InvalidArgument, "PICTURE_TOO_LARGE"),
        ("11 MiB that are said to be less", claimed(too_large), Code::InvalidArgument, "PICTURE_TOO_LARGE"),
        ("a drawing", messages(&text, 1000), Code::InvalidArgument, "PICTURE_UNSUPPORTED"),
        ("a file that ends early", messages(&cut, 1000), Code::InvalidArgument, "PICTURE_CORRUPT"),
        ("a crop beyond the edge", claimed(outside), Code::InvalidArgument, "FIELD_INVALID"),
        ("no metadata", vec![chunk(&file)], Code::InvalidArgument, "FIELD_INVALID"),
        ("nothing", vec![], Code::InvalidArgument, "FIELD_INVALID"),
        (
            "a chunk of more than 1 MiB",
            vec![announced(good), chunk(&huge[..1 + (1 << 20)])],
            Code::InvalidArgument,
            "FIELD_INVALID",
        ),
    ] {
        let status = upload(&app, &ada.token, messages).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (code, why), "{what}");
    }
    let key = app.key(&["activity.publish"]).await;
    for (token, code, why) in
        [("wcs_stranger", Code::Unauthenticated, "SESSION_INVALID"), (&key, Code::PermissionDenied, "NOT_ALLOWED")]
    {
        let status = upload(&app, token, messages(&file, 1000)).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (code, why));
    }
    let nobody = Request::new(stream::iter(messages(&file, 1000)));
    assert_eq!(reason(&app.profiles().upload_picture(nobody).await.unwrap_err()), "CALLER_UNKNOWN");

    let after = (etags(&app, &ada).await, shown(&app, &ada, of("me", 300)).await.unwrap().1);
    assert_eq!(before, after);
}

#[tokio::test]
async fn an_upload_that_falls_silent_ends_with_its_deadline_and_leaves_the_old_picture() {
    let (app, ada) = ada().await;
    upload(&app, &ada.token, messages(&jpeg(64, 64), 1000)).await.unwrap();
    let before = etags(&app, &ada).await;
    let file = jpeg(300, 200);
    let begun: Vec<_> = messages(&file, 1000).into_iter().take(3).collect();
    for silent in [Vec::new(), begun] {
        use futures_util::StreamExt;
        let never_ends = stream::iter(silent).chain(stream::pending());
        let status = app.profiles().upload_picture(by(&ada.token, never_ends)).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::DeadlineExceeded, "DEADLINE"));
    }
    assert_eq!(before, etags(&app, &ada).await);
}

#[tokio::test]
async fn who_has_set_no_picture_is_drawn_and_drawn_anew_with_other_initials() {
    let (app, ada) = ada().await;
    let (drawn, bytes) = shown(&app, &ada, of("me", 128)).await.unwrap();
    assert!(drawn.drawn);
    assert_eq!(drawn.content_type, "image/png");
    assert_eq!(image::load_from_memory(&bytes).unwrap().width(), 128);
    let known = GetPictureRequest { if_none_match: drawn.etag.clone(), ..of("me", 48) };
    assert!(shown(&app, &ada, known).await.unwrap().0.not_modified);

    let profile = Some(workcenter::pb::Profile { initials: "XY".to_owned(), ..Default::default() });
    let update = workcenter::pb::UpdateProfileRequest { profile, ..Default::default() };
    app.profiles().update_profile(by(&ada.token, update)).await.unwrap();
    let (other, _) = shown(&app, &ada, of("me", 128)).await.unwrap();
    assert_ne!(other.etag, drawn.etag);
}

#[tokio::test]
async fn a_picture_is_removed_by_its_owner_or_an_administrator_and_one_is_drawn_then() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    let bob = app.person(&account, "bob@example.com", "Bob", "Bricker").await;
    let id = ada.id.to_string();
    let delete = async |by_whom: &Person| {
        let request = by(&by_whom.token, DeletePictureRequest { user_id: id.clone() });
        app.profiles().delete_picture(request).await.map(|it| it.into_inner().profile_etag)
    };
    for remover in [&ada, &account.admin] {
        upload(&app, &ada.token, messages(&jpeg(64, 64), 1000)).await.unwrap();
        assert!(!shown(&app, &bob, of(&id, 48)).await.unwrap().0.drawn);
        let status = delete(&bob).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::PermissionDenied, "NOT_ALLOWED"));
        let etag = delete(remover).await.unwrap();
        assert_eq!(etags(&app, &ada).await, (etag.clone(), None));
        assert!(shown(&app, &bob, of(&id, 48)).await.unwrap().0.drawn);
        // There is none any more, and that changes nothing.
        assert_eq!(delete(remover).await.unwrap(), etag);
    }
    // Of what somebody else did, once, the owner is told and the trail knows.
    let mails = mails(&app).await;
    let told: Vec<_> = mails.iter().map(|(kind, to, _)| (kind.as_str(), to.as_str())).collect();
    assert_eq!(told, [("PICTURE_REMOVED", "ada@example.com")]);
    let trail = "select count(*) from security_event where kind = 'PICTURE_REMOVED' and user_id = $1 and actor_id = $2";
    let trail = app.client().await.query_one(trail, &[&ada.id, &account.admin.id]).await.unwrap();
    assert_eq!(trail.get::<_, i64>(0), 1);
}

#[tokio::test]
async fn a_picture_is_set_by_its_owner_alone_for_an_upload_names_nobody() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let bob = app.person(&account, "bob@example.com", "Bob", "Bricker").await;
    // All that an upload says: a field more is one here.
    let file = jpeg(64, 64);
    let PictureMetadata { content_type: _, size_bytes: _, sha256: _, crop: _ } = metadata(&file);
    let before = etags(&app, &bob).await;
    upload(&app, &account.admin.token, messages(&file, 1000)).await.unwrap();
    assert_eq!(etags(&app, &bob).await, before);
    assert!(etags(&app, &account.admin).await.1.is_some());
}
