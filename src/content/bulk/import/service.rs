//! Imports on the wire: an archive comes, its directory is read, and a job comes of it.

use std::{sync::Arc, time::Duration};

use prost::Message;
use tokio::sync::Semaphore;
use tonic::{Request, Response, Status, Streaming};
use uuid::Uuid;

use super::{
    archive::{Archive, Trouble},
    directory::{Entry, Fault},
    plan::{Plan, Planner},
    store,
};
use crate::{
    access::{self, Action, Leave, Resource},
    account,
    auth::{self, Caller},
    blob::{self, Blobs},
    content::{
        DOCUMENT_BYTES_MAX, ITEMS_MAX, Kind, Place,
        bulk::{policy::Policy, service},
        bytes::{self as upload, Incoming, Part},
        store as contents,
    },
    db::{Db, Transaction},
    error::{Error, Reason, Result, Violation, Violations},
    ids,
    job::{self, Order, Target},
    pb::{
        self, ImportDocumentsMetadata, ImportDocumentsRequest, ImportDocumentsResponse, OnError,
        import_documents_request,
    },
    request::{self, Recall},
    secret::{self, Hash},
    transfers::Transfers,
};

/// Directories that are read at a time: what becomes of the largest takes a hundred megabytes.
const PLANS_MAX: usize = 2;

/// Takes archives in.
pub(in crate::content) struct Import {
    db: Db,
    blobs: Blobs,
    /// How long an upload may be silent.
    silence: Duration,
    uploads: Transfers,
    plans: Arc<Semaphore>,
}

/// What is announced of an archive.
struct Announced {
    order: Order,
    policies: [&'static str; 2],
    target: Target,
    size: u64,
    digest: Option<Hash>,
    request_id: String,
    /// All of this, by which another request is told apart.
    body: Vec<u8>,
}

/// What is known of who imports, and of the request.
enum Admitted {
    /// They may, to this place.
    Now { leave: Leave, place: Place, ticket: Option<request::Ticket> },
    /// It was answered before.
    Before(pb::Job),
}

impl Import {
    /// Archives are kept in `blobs`; an upload may be silent for `silence`.
    pub(in crate::content) fn new(db: Db, blobs: Blobs, silence: Duration) -> Self {
        Self { db, blobs, silence, uploads: Transfers::up(), plans: Arc::new(Semaphore::new(PLANS_MAX)) }
    }

    /// Serves `ImportDocuments`. Rights and places are looked at before the archive comes, lest it come for nothing, and when it
    /// is there.
    pub(in crate::content) async fn documents(
        &self,
        request: Request<Streaming<ImportDocumentsRequest>>,
    ) -> Result<Response<ImportDocumentsResponse>, Status> {
        let caller = auth::caller(&request)?;
        let _place = self.uploads.place(caller.id().unwrap_or_default())?;
        let mut incoming = Incoming::new(request.into_inner(), in_message, self.silence);
        let announced = read(incoming.announced().await?)?;

        let asked = async {
            let mut client = self.db.client().await?;
            let tx = client.transaction().await.map_err(Error::from)?;
            match admit(&tx, &caller, &announced).await? {
                Admitted::Before(job) => Ok(Some(job)),
                Admitted::Now { .. } => Ok(None),
            }
        };
        let first = match incoming.begin((announced.size, announced.digest), asked).await? {
            Ok(first) => first,
            Err(job) => return Ok(Response::new(ImportDocumentsResponse { job: Some(job) })),
        };
        let name = secret::digest(&[b"archive", ids::new().as_bytes()]);
        upload::keep(&self.blobs, &mut incoming, name, first).await?;
        match self.start(&caller, &announced, &name).await {
            Ok((job, true)) => Ok(Response::new(ImportDocumentsResponse { job: Some(job) })),
            answered => {
                self.blobs.release(&name).await;
                Ok(Response::new(ImportDocumentsResponse { job: Some(answered?.0) }))
            }
        }
    }

    /// Starts the job of an archive that was stored under `name`. False when there is one already.
    async fn start(&self, caller: &Caller, announced: &Announced, name: &Hash) -> Result<(pb::Job, bool)> {
        let _plan = self.plans.acquire().await.map_err(Error::internal)?;
        let plan = self.plan(announced, name).await?;
        let mut client = self.db.client().await?;
        let tx = client.transaction().await?;
        let (leave, place, ticket) = match admit(&tx, caller, announced).await? {
            Admitted::Before(job) => return Ok((job, false)),
            Admitted::Now { leave, place, ticket } => (leave, place, ticket),
        };
        let path = match place.id() {
            Some(folder) => {
                let found = contents::find(&tx, folder).await?.ok_or_else(|| Kind::Folder.missing(folder))?;
                [found.path, vec![found.entry.name.text().to_owned()]].concat().join("/")
            }
            None => String::new(),
        };
        let roots = plan.items.iter().filter(|it| it.depth == 0).count();
        let order = Order {
            roots: i64::try_from(roots).map_err(Error::internal)?,
            target: Some(Target { path, ..announced.target.clone() }),
            ..announced.order.clone()
        };
        let new = job::New {
            account: leave.standing.account.unwrap_or_default(),
            kind: job::Kind::ImportDocuments,
            initiator: leave.person,
            request_id: &announced.request_id,
            order: &order,
        };
        let job = job::start(&tx, &new, &plan.items).await?;
        blob::hold(&tx, &[*name]).await?;
        store::insert(&tx, job.id, (name, announced.size), &plan.leaves).await?;
        let job = pb::Job::from(job);
        request::remember(&tx, ticket, &job.encode_to_vec()).await?;
        tx.commit().await?;
        Ok((job, true))
    }

    /// Reads the directory of an archive, and plans what becomes of it.
    async fn plan(&self, announced: &Announced, name: &Hash) -> Result<Plan> {
        let mut archive = Archive::new(&self.blobs, *name, announced.size);
        planned(&mut archive, announced).await.map_err(|trouble| match trouble {
            Trouble::Whole(fault) => refusal(fault).into(),
            Trouble::Item(_) => Error::internal("the store has lost an archive"),
            Trouble::Other(error) => error,
        })
    }
}

async fn planned(archive: &mut Archive<'_>, announced: &Announced) -> Result<Plan, Trouble> {
    let extent = archive.directory().await?;
    let mut planner = Planner::new(&announced.order, announced.policies, announced.size, &extent);
    let mut at = extent.start;
    for _ in 0..extent.entries {
        let (entry, length): (Entry, u64) = archive.entry(at, extent.end).await?;
        planner.add(&entry)?;
        at += length;
    }
    Ok(planner.end()?)
}

/// How a whole archive is refused.
fn refusal(fault: Fault) -> Violation {
    let (rule, reason) = match fault {
        Fault::Unreadable => ("must be all of a .zip archive".to_owned(), Reason::ArchiveUnreadable),
        Fault::TooMany => (format!("must have at most {ITEMS_MAX} folders and documents"), Reason::TooManyItems),
        Fault::Ratio => {
            ("must not have far more bytes in it than the archive has itself".to_owned(), Reason::ArchiveRatio)
        }
    };
    Violation::new("chunk", rule).because(reason)
}

/// Looks whether `caller` may import to the place they have announced, and whether they have asked before.
async fn admit(tx: &Transaction<'_>, caller: &Caller, announced: &Announced) -> Result<Admitted> {
    let Target { workcenter, folder, .. } = announced.target;
    let action = Action::ImportDocuments;
    let leave = access::may(tx, caller, action, Resource::WorkCenter(workcenter)).await?;
    let known = request::recall(tx, leave.person, action.path(), &announced.request_id, &announced.body).await?;
    let ticket = match known {
        Recall::New(ticket) => ticket,
        Recall::Known(answer) => {
            return Ok(Admitted::Before(pb::Job::decode(answer.as_slice()).map_err(Error::internal)?));
        }
    };
    account::enter(tx, leave.standing.account.unwrap_or_default()).await?;
    let place = Place::enter(tx, workcenter, folder).await?;
    Ok(Admitted::Now { leave, place, ticket })
}

/// Reads what is announced; notes all that is wrong with it.
fn read(metadata: ImportDocumentsMetadata) -> Result<Announced> {
    let what = job::Kind::ImportDocuments;
    let mut violations = Violations::default();
    let mut policy = |field: &str, number, kind| {
        service::policy(&format!("metadata.{field}"), number, kind, what, &mut violations)
            .unwrap_or(Policy::Fail)
            .name()
    };
    let on_conflict = policy("on_conflict", metadata.on_conflict, Kind::Document);
    let on_folder_conflict = policy("on_folder_conflict", metadata.on_folder_conflict, Kind::Folder);
    if OnError::try_from(metadata.on_error).is_err() {
        violations.add("metadata.on_error", "must be an OnError");
    }
    let target = target(metadata.target.as_ref(), &mut violations);
    let size = violations.take(upload::size("metadata.size_bytes", metadata.size_bytes)).filter(|it| *it > 0);
    if metadata.size_bytes == 0 {
        violations.add("metadata.size_bytes", format!("must be 1 to {DOCUMENT_BYTES_MAX}"));
    }
    let digest = Some(metadata.sha256.as_str()).filter(|it| !it.is_empty());
    let digest = digest.and_then(|it| violations.take(upload::digest("metadata.sha256", it)));
    let fault = request::fault(&metadata.request_id);
    violations.extend(fault.map(|it| Violation { field: "metadata.request_id".to_owned(), ..it }));
    violations.none()?;
    let (Some(target), Some(size)) = (target, size) else {
        return Err(Error::internal("what is missing was noted"));
    };
    let order = Order {
        target: Some(target.clone()),
        on_conflict: on_conflict.to_owned(),
        on_folder_conflict: on_folder_conflict.to_owned(),
        stops_on_failure: metadata.on_error == OnError::Stop as i32,
        ..Order::default()
    };
    let (body, request_id) = (metadata.encode_to_vec(), metadata.request_id);
    Ok(Announced { order, policies: [on_conflict, on_folder_conflict], target, size, digest, request_id, body })
}

fn target(sent: Option<&pb::BulkTarget>, violations: &mut Violations) -> Option<Target> {
    let Some(sent) = sent else {
        violations.add("metadata.target", "is required");
        return None;
    };
    let workcenter = violations.take(ids::parse("metadata.target.workcenter_id", &sent.workcenter_id));
    let folder: Option<Uuid> = match sent.folder_id.as_str() {
        "" => None,
        text => violations.take(ids::parse("metadata.target.folder_id", text)),
    };
    Some(Target { workcenter: workcenter?, folder, path: String::new() })
}

fn in_message(message: ImportDocumentsRequest) -> Option<Part<ImportDocumentsMetadata>> {
    Some(match message.part? {
        import_documents_request::Part::Metadata(it) => Part::Metadata(it),
        import_documents_request::Part::Chunk(it) => Part::Chunk(it),
    })
}
