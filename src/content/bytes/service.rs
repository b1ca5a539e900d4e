//! The bytes of documents on the wire: the calls of `ContentService` that are streams.

use std::{
    convert::Infallible,
    pin::{Pin, pin},
    time::Duration,
};

use async_stream::try_stream;
use futures_util::{
    Stream,
    future::{Either, join, select},
};
use jiff::Timestamp;
use prost::bytes::Bytes;
use tonic::{Request, Response, Status, Streaming};
use tracing::error;
use uuid::Uuid;

use super::{
    super::{
        Entry, Kind, Name, Place, Version,
        change::{Held, Wanted},
        description, folder, store,
        tell::{Deed, Word},
    },
    upload::{self, Upload},
};
use crate::{
    access::{self, Action, Leave, Resource},
    account,
    auth::{self, Caller},
    blob::{self, Blobs},
    clock::Clock,
    db::{Db, Transaction},
    error::{Error, Reason, Result, Violation, Violations},
    ids,
    pb::{self, UploadDocumentMetadata, download_document_response, upload_document_request},
    secret::{self, Hash},
    transfers::{Progress, Transfers},
};

/// How long an upload may take from its first message to its last, however busy it is: what a gigabyte takes over a line of
/// six hundred kilobits a second, and far less than the store keeps what nothing names.
const UPLOAD_WITHIN: Duration = Duration::from_hours(4);

/// Bytes that are read from the store at a time for a download: a moment's work for a store, and all that a download holds,
/// however slowly it is read.
const SLICE_BYTES: u64 = 256 << 10;

/// Bytes of a chunk of a download: few enough for the windows of any client.
const CHUNK_BYTES: usize = 64 << 10;

/// Characters of a content type at most: what the table checks, and twice what registered ones have.
const CONTENT_TYPE_MAX: usize = 255;

/// A stream of the bytes of a document.
pub(in crate::content) type DocumentStream =
    Pin<Box<dyn Stream<Item = Result<pb::DownloadDocumentResponse, Status>> + Send>>;

/// Takes bytes in and gives them out.
pub(in crate::content) struct Streams {
    db: Db,
    clock: Clock,
    blobs: Blobs,
    /// How long an upload may be silent.
    silence: Duration,
    window: Duration,
    uploads: Transfers,
    downloads: Transfers,
}

/// What an upload is to become.
enum Target {
    New { workcenter: Uuid, folder: Option<Uuid>, name: Name, description: String },
    Version { document: Uuid, etag: String },
}

/// What is announced of an upload.
struct Announced {
    target: Target,
    content_type: String,
    size: u64,
    digest: Hash,
}

/// Where an upload may go, which stays so until the transaction ends.
struct Admitted {
    leave: Leave,
    place: Place,
    /// The one that it is a version of.
    document: Option<Entry>,
}

/// What has come of an upload since the last one.
pub(in crate::content) enum Piece {
    Part(Vec<u8>),
    Last(Vec<u8>),
}

/// A message of an upload: what is announced of it, or some of it.
pub(in crate::content) enum Part<A> {
    Metadata(A),
    Chunk(Bytes),
}

/// An upload as it comes off the wire: messages, and what is in each.
pub(in crate::content) struct Incoming<M, A> {
    stream: Streaming<M>,
    part: fn(M) -> Option<Part<A>>,
    upload: Option<Upload>,
    progress: Progress,
}

impl<M, A> Incoming<M, A> {
    /// An upload that begins now, and may be silent for `silence`.
    pub(in crate::content) fn new(stream: Streaming<M>, part: fn(M) -> Option<Part<A>>, silence: Duration) -> Self {
        Self { stream, part, upload: None, progress: Progress::new(UPLOAD_WITHIN, silence) }
    }

    async fn message(&mut self) -> Result<Option<Part<A>>, Status> {
        let Some(message) = self.progress.wait(self.stream.message()).await?? else { return Ok(None) };
        let missing = || Error::from(Violation::new("part", "must be metadata or a chunk"));
        let part = (self.part)(message).ok_or_else(missing)?;
        if let Part::Chunk(chunk) = &part {
            self.progress.came(chunk.len());
        }
        Ok(Some(part))
    }

    /// Reads what is announced, which comes first.
    pub(in crate::content) async fn announced(&mut self) -> Result<A, Status> {
        match self.message().await? {
            Some(Part::Metadata(metadata)) => Ok(metadata),
            Some(Part::Chunk(_)) => Err(Error::from(Violation::new("metadata", "must be the first message")).into()),
            None => Err(Error::from(Violation::new("metadata", "is required")).into()),
        }
    }

    /// Takes in what was announced, and looks meanwhile whether it may come: what lies unread for long ends the connection.
    /// Gives the first of it, or what was `asked` when that is an answer by itself.
    pub(in crate::content) async fn begin<T>(
        &mut self,
        (size, digest): (u64, Option<Hash>),
        asked: impl Future<Output = Result<Option<T>, Status>>,
    ) -> Result<Result<Piece, T>, Status> {
        self.upload = Some(Upload::new(size, digest));
        match select(pin!(asked), pin!(self.piece())).await {
            Either::Left((asked, first)) => match asked? {
                Some(answer) => Ok(Err(answer)),
                None => first.await.map(Ok),
            },
            // Who may not is told that, and not what was wrong with the bytes.
            Either::Right((first, asked)) => match asked.await? {
                Some(answer) => Ok(Err(answer)),
                None => first.map(Ok),
            },
        }
    }

    /// Reads until a part is full, or all of it is there.
    async fn piece(&mut self) -> Result<Piece, Status> {
        loop {
            let message = self.message().await?;
            let upload =
                self.upload.as_mut().ok_or_else(|| Error::internal("nothing was announced, or all has come"))?;
            match message {
                Some(Part::Chunk(chunk)) => {
                    if let Some(part) = upload.take(&chunk).map_err(Error::from)? {
                        return Ok(Piece::Part(part));
                    }
                }
                Some(Part::Metadata(_)) => {
                    return Err(Error::from(Violation::new("metadata", "must be the first message alone")).into());
                }
                None => {
                    let upload = self.upload.take().ok_or_else(|| Error::internal("it has ended before"))?;
                    return Ok(Piece::Last(upload.end().map_err(Error::from)?));
                }
            }
        }
    }
}

impl Streams {
    /// Streams of bytes that are in `blobs`; an upload may be silent for `silence`.
    pub(in crate::content) fn new(db: Db, clock: Clock, blobs: Blobs, silence: Duration, window: Duration) -> Self {
        Self { db, clock, blobs, silence, window, uploads: Transfers::up(), downloads: Transfers::down() }
    }

    fn word(&self, leave: &Leave, now: Timestamp) -> Word {
        Word { by: leave.person, now, window: self.window }
    }

    /// Serves `UploadDocument`. Rights and places are looked at twice: before the bytes come, lest they come for nothing, and
    /// when they are there.
    pub(in crate::content) async fn upload(
        &self,
        request: Request<Streaming<pb::UploadDocumentRequest>>,
    ) -> Result<Response<pb::UploadDocumentResponse>, Status> {
        let caller = auth::caller(&request)?;
        let _place = self.uploads.place(caller.id().unwrap_or_default())?;
        let mut incoming = Incoming::new(request.into_inner(), in_message, self.silence);
        let announced = read(incoming.announced().await?)?;

        let asked = async {
            let mut client = self.db.client().await?;
            let tx = client.transaction().await.map_err(Error::from)?;
            admit(&tx, &caller, &announced.target).await?;
            Ok(None::<Infallible>)
        };
        let Ok(first) = incoming.begin((announced.size, Some(announced.digest)), asked).await?;
        keep(&self.blobs, &mut incoming, announced.digest, first).await?;
        let document = self.name(&caller, announced).await?;

        Ok(Response::new(pb::UploadDocumentResponse { document: Some(document.into()) }))
    }

    /// Makes a document of what is stored, or a version of one.
    async fn name(&self, caller: &Caller, announced: Announced) -> Result<Entry> {
        let now = self.clock.now().await?;
        let mut client = self.db.client().await?;
        let tx = client.transaction().await?;
        let Admitted { leave, place, document } = admit(&tx, caller, &announced.target).await?;
        let word = self.word(&leave, now);
        let version = |number| Version {
            number,
            digest: announced.digest,
            // At most a gigabyte.
            size_bytes: i64::try_from(announced.size).unwrap_or(i64::MAX),
            content_type: announced.content_type.clone(),
            created_by: word.by,
            created_at: word.now,
        };
        blob::hold(&tx, &[announced.digest]).await?;
        let (deed, document) = match (document, announced.target) {
            (Some(entry), _) => {
                let newest = version(entry.version.as_ref().map_or(0, |it| it.number) + 1);
                store::insert_version(&tx, &entry, &newest).await?;
                let document = Entry { version: Some(newest), ..entry }.changed(word.now);
                store::update(&tx, &document).await?;
                (Deed::Versioned, document)
            }
            (None, Target::New { name, description, .. }) => {
                let account = leave.standing.account.unwrap_or_default();
                let new = Entry::new(account, &place, name, word.by, word.now);
                let document = Entry { description, version: Some(version(1)), ..new };
                store::insert(&tx, &document).await?;
                (Deed::Made, document)
            }
            (None, Target::Version { .. }) => {
                return Err(Error::internal("a version was admitted without its document"));
            }
        };
        word.tell(&tx, deed, &document, &place, String::new()).await?;
        tx.commit().await?;
        Ok(document)
    }

    /// Serves `DownloadDocument`.
    pub(in crate::content) async fn download(
        &self,
        request: Request<pb::DownloadDocumentRequest>,
    ) -> Result<Response<DocumentStream>, Status> {
        let caller = auth::caller(&request)?;
        let place = self.downloads.place(caller.id().unwrap_or_default())?;
        let asked = request.into_inner();
        let mut violations = Violations::default();
        let id = violations.take(ids::parse("document_id", &asked.document_id)).unwrap_or_default();
        for (field, number) in [("version", asked.version), ("offset", asked.offset), ("limit", asked.limit)] {
            if number < 0 {
                violations.add(field, "must not be negative");
            }
        }
        violations.none()?;

        let client = self.db.client().await?;
        let wanted = Wanted::new(Action::DownloadDocument, Kind::Document, id);
        let (_, found) = wanted.find(&client, &caller).await?;
        let version = match asked.version {
            0 => found.entry.version,
            number => store::version(&client, id, number).await?,
        };
        let version = version.ok_or_else(|| Kind::Document.missing(id))?;
        drop(client);
        if asked.offset > version.size_bytes {
            return Err(Error::Beyond(Reason::RangeNotSatisfiable).into());
        }
        let end = match asked.limit {
            0 => version.size_bytes,
            limit => version.size_bytes.min(asked.offset.saturating_add(limit)),
        };
        let (mut at, end) = (asked.offset.unsigned_abs(), end.unsigned_abs());

        let (blobs, digest) = (self.blobs.clone(), version.digest);
        Ok(Response::new(Box::pin(try_stream! {
            let _place = place;
            yield part(download_document_response::Part::Version(version.into()));
            while at < end {
                let to = end.min(at + SLICE_BYTES);
                let mut slice = blobs.read(&digest, at..to).await?.ok_or_else(|| lost(id, &digest))?;
                while !slice.is_empty() {
                    let chunk = slice.split_to(slice.len().min(CHUNK_BYTES));
                    yield part(download_document_response::Part::Chunk(chunk));
                }
                at = to;
            }
        })))
    }
}

fn in_message(message: pb::UploadDocumentRequest) -> Option<Part<UploadDocumentMetadata>> {
    Some(match message.part? {
        upload_document_request::Part::Metadata(it) => Part::Metadata(it),
        upload_document_request::Part::Chunk(it) => Part::Chunk(it),
    })
}

/// Stores under `name` what comes, from its `first` piece on. Whatever is wrong with it, nothing of it is left.
pub(in crate::content) async fn keep<M, A>(
    blobs: &Blobs,
    incoming: &mut Incoming<M, A>,
    name: Hash,
    first: Piece,
) -> Result<(), Status> {
    let mut storing = blobs.receive(name).await?;
    match pieces(&mut storing, incoming, first).await {
        Ok(last) => Ok(storing.finish(last).await?),
        Err(status) => {
            storing.discard().await;
            Err(status)
        }
    }
}

/// Stores each piece while the next one comes; gives the last.
async fn pieces<M, A>(
    storing: &mut blob::Incoming,
    incoming: &mut Incoming<M, A>,
    first: Piece,
) -> Result<Vec<u8>, Status> {
    let mut piece = first;
    loop {
        match piece {
            Piece::Part(part) => {
                let (stored, next) = join(storing.take(part), incoming.piece()).await;
                piece = next?;
                stored?;
            }
            Piece::Last(last) => return Ok(last),
        }
    }
}

/// Looks whether `caller` may upload what they have announced, and whether it has a place.
async fn admit(tx: &Transaction<'_>, caller: &Caller, target: &Target) -> Result<Admitted> {
    match target {
        Target::Version { document, etag } => {
            let wanted = Wanted::new(Action::UploadDocument, Kind::Document, *document);
            let Held { leave, entry, place } = wanted.hold(tx, caller).await?.at(etag)?;
            Ok(Admitted { leave, place, document: Some(entry) })
        }
        Target::New { workcenter, folder, name, .. } => {
            let space = Resource::WorkCenter(*workcenter);
            let leave = access::may(tx, caller, Action::UploadDocument, space).await?;
            account::enter(tx, leave.standing.account.unwrap_or_default()).await?;
            let place = Place::enter(tx, *workcenter, *folder).await?;
            place.free(tx, name).await?;
            Ok(Admitted { leave, place, document: None })
        }
    }
}

/// Reads what is announced; notes all that is wrong with it.
fn read(metadata: UploadDocumentMetadata) -> Result<Announced> {
    let UploadDocumentMetadata { document_id, workcenter_id, parent_folder_id, etag, .. } = &metadata;
    let mut violations = Violations::default();
    let size = violations.take(upload::size("metadata.size_bytes", metadata.size_bytes));
    let digest = violations.take(upload::digest("metadata.sha256", &metadata.sha256));
    let is_sound = metadata.content_type.chars().count() <= CONTENT_TYPE_MAX
        && metadata.content_type.bytes().all(|it| matches!(it, b' '..=b'~'));
    if !is_sound {
        let rule = format!("must have at most {CONTENT_TYPE_MAX} characters of ASCII");
        violations.add("metadata.content_type", rule);
    }
    let target = if document_id.is_empty() {
        let workcenter = violations.take(ids::parse("metadata.workcenter_id", workcenter_id));
        let folder = violations.take(folder::folder("metadata.parent_folder_id", parent_folder_id));
        let name = violations.take(Name::parse("metadata.name", &metadata.name));
        let description = violations.take(description("metadata.description", &metadata.description));
        if !etag.is_empty() {
            violations.add("metadata.etag", "must be empty without a document");
        }
        let whole = workcenter.zip(folder).zip(name).zip(description);
        whole.map(|(((workcenter, folder), name), description)| Target::New { workcenter, folder, name, description })
    } else {
        let place = [
            ("workcenter_id", workcenter_id),
            ("parent_folder_id", parent_folder_id),
            ("name", &metadata.name),
            ("description", &metadata.description),
        ];
        for (field, _) in place.into_iter().filter(|(_, text)| !text.is_empty()) {
            violations.add(format!("metadata.{field}"), "must be empty with a document");
        }
        let document = violations.take(ids::parse("metadata.document_id", document_id));
        document.map(|document| Target::Version { document, etag: etag.clone() })
    };
    violations.none()?;
    match (target, size, digest) {
        (Some(target), Some(size), Some(digest)) => {
            Ok(Announced { target, content_type: metadata.content_type, size, digest })
        }
        _ => Err(Error::internal("what is missing was noted")),
    }
}

fn part(part: download_document_response::Part) -> pb::DownloadDocumentResponse {
    pb::DownloadDocumentResponse { part: Some(part) }
}

/// That the store does not have what a version names, or not all of it.
fn lost(document: Uuid, digest: &Hash) -> Error {
    error!(%document, digest = secret::hex(digest), "the store has lost a document");
    Error::internal("the store has lost a document")
}

impl From<Version> for pb::DocumentVersion {
    fn from(version: Version) -> Self {
        Self {
            number: version.number,
            size_bytes: version.size_bytes,
            sha256: secret::hex(&version.digest),
            content_type: version.content_type,
            created_by_user_id: version.created_by.to_string(),
            create_time: Some(pb::time(version.created_at)),
        }
    }
}
