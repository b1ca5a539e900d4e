//! The calls about pictures, of `ProfileService`.

use std::{
    pin::{Pin, pin},
    sync::Arc,
    thread,
    time::Duration,
};

use async_stream::try_stream;
use bytes::Bytes;
use futures_util::{
    Stream,
    future::{Either, select},
};
use squares::{Cut, Fault, Format, PIXELS_MAX, SIDE_MAX, SIDES};
use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};
use tonic::{Request, Response, Status, Streaming};
use tracing::error;
use uuid::Uuid;

use super::{
    Kept, Picture, SIDE_USUAL, initials, store,
    upload::{CHUNK_BYTES_MAX, FILE_BYTES_MAX, File, Upload},
};
use crate::{
    access::{self, Action, Resource},
    auth,
    blob::{self, Blobs},
    clock::Clock,
    db::Db,
    error::{Error, Reason, Result, Violation},
    identity::{self, Event, EventKind},
    ids,
    pb::{self, get_picture_response::Part, upload_picture_request},
    profile::{self, Told},
    secret,
    transfers::{Progress, Transfers},
};

/// How long a file waits to be cut before its caller is told to come back.
const CUT_WAIT_MAX: Duration = Duration::from_secs(10);

/// How long an upload may take from its first message to its last, however busy it is.
const UPLOAD_WITHIN: Duration = Duration::from_secs(600);

/// When to come back if as many files as that wait.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// Bytes of a chunk of a picture that is read: few enough for the windows of any client.
const CHUNK_BYTES: usize = 64 << 10;

/// What pictures are called in the history of a profile.
const FIELD: &str = "picture";

/// A stream of the bytes of a picture.
pub(in crate::profile) type PictureStream = Pin<Box<dyn Stream<Item = Result<pb::GetPictureResponse, Status>> + Send>>;

/// Takes pictures in and gives them out.
pub struct Pictures {
    db: Db,
    clock: Clock,
    blobs: Blobs,
    /// How long an upload may be silent.
    silence: Duration,
    uploads: Transfers,
    /// One for each core: what is read there fills it.
    cutting: Arc<Semaphore>,
    /// The same for what is drawn, which takes moments and does not wait for what takes seconds.
    drawing: Arc<Semaphore>,
}

impl Pictures {
    /// Pictures whose bytes are in `blobs`; an upload may be silent for `silence`.
    pub fn new(db: Db, clock: Clock, blobs: Blobs, silence: Duration) -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let permits = || Arc::new(Semaphore::new(cores));
        let (cutting, drawing) = (permits(), permits());
        Self { db, clock, blobs, silence, uploads: Transfers::up(), cutting, drawing }
    }

    /// Serves `UploadPicture`.
    pub(in crate::profile) async fn upload(
        &self,
        request: Request<Streaming<pb::UploadPictureRequest>>,
    ) -> Result<Response<pb::UploadPictureResponse>, Status> {
        let caller = auth::caller(&request)?;
        let _place = self.uploads.place(caller.id().unwrap_or_default())?;
        // The stream is read from the first moment: what lies unread for long ends the connection.
        let asked = async {
            let leave = access::may(&self.db.client().await?, &caller, Action::UploadPicture, Resource::Own).await;
            leave.map_err(Status::from)
        };
        let received = self.receive(request.into_inner());
        let (leave, file) = match select(pin!(asked), pin!(received)).await {
            Either::Left((leave, received)) => (leave?, received.await?),
            // Who may not is told that, and not what was wrong with the file.
            Either::Right((file, asked)) => (asked.await?, file?),
        };

        let (content_type, picture) = self.keep(file).await?;
        let profile_etag = self.set(leave.person, &picture).await?;

        let (picture, content_type) = (Some((&picture).into()), content_type.to_owned());
        Ok(Response::new(pb::UploadPictureResponse { picture, content_type, profile_etag }))
    }

    /// Reads a file off the wire.
    async fn receive(&self, mut stream: Streaming<pb::UploadPictureRequest>) -> Result<File, Status> {
        let mut upload = Upload::default();
        let mut progress = Progress::new(UPLOAD_WITHIN, self.silence);
        loop {
            match progress.wait(stream.message()).await?? {
                Some(message) => {
                    if let Some(upload_picture_request::Part::Chunk(chunk)) = &message.part {
                        progress.came(chunk.len());
                    }
                    upload.take(message.part)?;
                }
                None => return Ok(upload.end()?),
            }
        }
    }

    /// Cuts a file to squares and stores them; says what the file was.
    async fn keep(&self, file: File) -> Result<(&'static str, Picture)> {
        let cut = blocking(&self.cutting, move || squares::cut(&file.bytes, file.crop)).await?.map_err(fault)?;
        let Cut { format, content_type, squares } = cut;
        let (sides, bytes): (Vec<_>, Vec<_>) = squares.into_iter().map(|it| (it.side, it.bytes.into())).unzip();
        let digests = self.blobs.put(bytes).await?;
        let etag = digests.first().map(|it| secret::hex(it)).ok_or_else(|| Error::internal("a picture has squares"))?;
        let squares = sides.into_iter().zip(digests).map(|(side, digest)| Kept { side, digest }).collect();
        Ok((format.content_type(), Picture { etag, content_type: content_type.to_owned(), squares }))
    }

    /// Makes a picture that of `user`; returns the new etag of the profile.
    async fn set(&self, user: Uuid, picture: &Picture) -> Result<String> {
        let now = self.clock.now().await?;
        let mut client = self.db.client().await?;
        let tx = client.transaction().await?;
        let old = profile::store::lock(&tx, user).await?.picture.map(|it| it.etag()).unwrap_or_default();
        let told = Told { by: user, field: FIELD, old, new: picture.etag() };
        let etag = profile::store::touch(&tx, user, told, now).await?;
        blob::hold(&tx, &picture.squares.iter().map(|it| it.digest).collect::<Vec<_>>()).await?;
        store::set(&tx, user, picture, now).await?;
        tx.commit().await?;
        Ok(etag)
    }

    /// Serves `DeletePicture`.
    pub(in crate::profile) async fn delete(
        &self,
        request: Request<pb::DeletePictureRequest>,
    ) -> Result<Response<pb::DeletePictureResponse>, Status> {
        let (caller, origin) = (auth::caller(&request)?, auth::origin(&request)?);
        let me = caller.person().unwrap_or_default();
        let user = ids::person("user_id", &request.into_inner().user_id, me);
        let mut client = self.db.client().await?;
        let of = Resource::Person(*user.as_ref().unwrap_or(&me));
        let by = access::may(&client, &caller, Action::DeletePicture, of).await?.person;
        let user = user.map_err(Error::from)?;

        let now = self.clock.now().await?;
        let tx = client.transaction().await.map_err(Error::from)?;
        let profile = profile::store::lock(&tx, user).await?;
        let profile_etag = match &profile.picture {
            Some(old) => {
                let told = Told { by, field: FIELD, old: old.etag(), new: String::new() };
                // First, as when a picture is set: what pictures share is locked after the profile in both.
                let etag = profile::store::touch(&tx, user, told, now).await?;
                store::remove(&tx, user).await?;
                if by != user {
                    let event = Event::new(EventKind::PictureRemoved, Some(user), &origin).by(by);
                    identity::record(&tx, event, now).await?;
                }
                etag
            }
            None => profile.etag(),
        };
        tx.commit().await.map_err(Error::from)?;

        Ok(Response::new(pb::DeletePictureResponse { profile_etag }))
    }

    /// Serves `GetPicture`.
    pub(in crate::profile) async fn get(
        &self,
        request: Request<pb::GetPictureRequest>,
    ) -> Result<Response<PictureStream>, Status> {
        let caller = auth::caller(&request)?;
        let me = caller.person().unwrap_or_default();
        let pb::GetPictureRequest { user_id, size_px, if_none_match } = request.into_inner();
        let user = ids::person("user_id", &user_id, me);
        let client = self.db.client().await?;
        let of = Resource::Person(*user.as_ref().unwrap_or(&me));
        access::may(&client, &caller, Action::GetPicture, of).await?;
        let (user, side) = (user.map_err(Error::from)?, side(size_px).map_err(Error::from)?);

        let mut profile = profile::store::find(&client, user).await?;
        drop(client);
        let stored = match profile.picture.take() {
            Some(picture) => self.stored(picture, user, side, &if_none_match).await?,
            None => None,
        };
        let (header, mut rest) = match stored {
            Some(stored) => stored,
            None => self.drawn(&profile.initials().0, user, side, &if_none_match).await?,
        };

        Ok(Response::new(Box::pin(try_stream! {
            yield pb::GetPictureResponse { part: Some(Part::Header(header)) };
            while !rest.is_empty() {
                let chunk = rest.split_to(rest.len().min(CHUNK_BYTES));
                yield pb::GetPictureResponse { part: Some(Part::Chunk(chunk)) };
            }
        })))
    }

    /// A picture that was set, without its bytes for who has them; none when the store has lost it.
    async fn stored(
        &self,
        picture: Picture,
        user: Uuid,
        side: u32,
        has: &str,
    ) -> Result<Option<(pb::PictureHeader, Bytes)>> {
        let square = picture.squares.iter().find(|it| it.side == side);
        let square = square.ok_or_else(|| Error::internal("a picture lacks one of its sizes"))?;
        let etag = picture.etag();
        let bytes = if has == etag { Some(Bytes::new()) } else { self.blobs.get(&square.digest).await? };
        let Some(bytes) = bytes else {
            error!(%user, digest = secret::hex(&square.digest), "the store has lost a picture; it is drawn instead");
            return Ok(None);
        };
        Ok(Some((header(etag, picture.content_type, &bytes, side, false), bytes)))
    }

    /// A picture that is drawn for who has none, without its bytes for who has them.
    async fn drawn(&self, text: &str, user: Uuid, side: u32, has: &str) -> Result<(pb::PictureHeader, Bytes)> {
        let etag = initials::etag(text, user.into_bytes());
        let text = text.to_owned();
        let bytes = if has == etag {
            Bytes::new()
        } else {
            blocking(&self.drawing, move || initials::draw(&text, user.into_bytes(), side)).await?.into()
        };
        Ok((header(etag, "image/png".to_owned(), &bytes, side, true), bytes))
    }
}

/// Runs work that fills a core, when there is a permit. A caller who hangs up does not stop it, so the permit goes with
/// it.
async fn blocking<T: Send + 'static>(permits: &Arc<Semaphore>, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let permit = timeout(CUT_WAIT_MAX, Arc::clone(permits).acquire_owned()).await;
    let permit = permit.map_err(|_elapsed| full())?.map_err(Error::internal)?;
    let done = spawn_blocking(move || {
        let _held = permit;
        work()
    });
    done.await.map_err(Error::internal)
}

fn full() -> Error {
    Error::Exhausted(Reason::Overloaded, RETRY_AFTER)
}

fn header(etag: String, content_type: String, bytes: &Bytes, side: u32, drawn: bool) -> pb::PictureHeader {
    pb::PictureHeader {
        etag,
        content_type,
        size_bytes: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
        size_px: i32::try_from(side).unwrap_or(i32::MAX),
        // A picture has bytes.
        not_modified: bytes.is_empty(),
        drawn,
    }
}

/// What a file of a picture may be.
pub(in crate::profile) fn constraints() -> pb::PictureConstraints {
    // None of these is near the end of its type.
    let number = |it: usize| i64::try_from(it).unwrap_or(i64::MAX);
    pb::PictureConstraints {
        content_types: Format::ALL.into_iter().map(|it| it.content_type().to_owned()).collect(),
        size_bytes_max: number(FILE_BYTES_MAX),
        chunk_bytes_max: number(CHUNK_BYTES_MAX),
        side_px_max: i32::try_from(SIDE_MAX).unwrap_or(i32::MAX),
        pixels_max: i64::try_from(PIXELS_MAX).unwrap_or(i64::MAX),
        sizes_px: SIDES.into_iter().filter_map(|it| i32::try_from(it).ok()).collect(),
    }
}

/// Reads the size that is asked for.
fn side(size_px: i32) -> Result<u32, Violation> {
    match u32::try_from(size_px) {
        Ok(0) => Ok(SIDE_USUAL),
        Ok(side) if SIDES.contains(&side) => Ok(side),
        _ => Err(Violation::new("size_px", format!("must be one of {SIDES:?}, or 0 for {SIDE_USUAL}"))),
    }
}

/// What a file that is no picture of ours is to its caller.
fn fault(fault: Fault) -> Error {
    let reason = match fault {
        Fault::TooLarge | Fault::TooSlow => Reason::PictureTooLarge,
        Fault::Unsupported => Reason::PictureUnsupported,
        Fault::Corrupt => Reason::PictureCorrupt,
        Fault::CropOutside => return Violation::new("metadata.crop", "must lie within the picture").into(),
    };
    Violation::new("chunk", fault.to_string()).because(reason).into()
}

impl Picture {
    /// The etag as the wire has it.
    fn etag(&self) -> String {
        format!("\"{}\"", self.etag)
    }
}

impl From<&Picture> for pb::Picture {
    fn from(picture: &Picture) -> Self {
        let sizes_px = picture.squares.iter().filter_map(|it| i32::try_from(it.side).ok()).collect();
        Self { etag: picture.etag(), sizes_px }
    }
}
