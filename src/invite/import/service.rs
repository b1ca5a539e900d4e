//! `ImportInvites` on the wire: the file as it comes, and the job that comes of it, or its plan.

use std::{num::NonZeroU32, time::Duration};

use prost::Message;
use tonic::{Request, Response, Status, Streaming};
use uuid::Uuid;

use super::{FILE_BYTES_MAX, Row, sheet, store, work};
use crate::{
    access::{self, AccountRole, Action, Resource},
    account,
    auth::{self, Caller},
    clock::Clock,
    config,
    db::{Db, Transaction},
    error::{Error, Result, Violation, Violations},
    ids,
    invite::{
        batch::service::{read_account_role, read_existing, read_places},
        make::{Existing, make},
        offer,
    },
    job::{self, ItemKind, ItemState, Order, Outcome, Planned},
    pb::{self, ImportInvitesMetadata, JobItem, JobItemKind, JobItemState, import_invites_request::Part},
    request::{self, Recall},
    secret::{self, TokenKey},
    subscription::When,
    transfers::{Progress, Transfers},
    workcenter::Arrival,
};

/// Bytes of a chunk at most: what fits beside its frame into the largest message of this service.
const CHUNK_BYTES_MAX: usize = 1 << 20;

/// How long a file may take from its first message to its last: what it takes over a line of a hundred kilobits a second.
const WITHIN: Duration = Duration::from_mins(10);

/// Rows that a plan shows at most: what one page of a list has.
const SHOWN_MAX: usize = 200;

/// What comes of it: a job, or a plan.
type Answer = (Option<pb::Job>, Option<pb::BulkPlan>);

/// What is announced of a file.
struct Announced {
    account: Uuid,
    defaults: sheet::Defaults,
    existing: Existing,
    validate_only: bool,
    request_id: String,
    /// All of it as it came, for a request that comes again.
    body: Vec<u8>,
}

/// A file as it comes off the wire.
struct Incoming {
    stream: Streaming<pb::ImportInvitesRequest>,
    progress: Progress,
}

impl Incoming {
    async fn message(&mut self) -> Result<Option<Part>, Status> {
        match self.progress.wait(self.stream.message()).await?? {
            Some(pb::ImportInvitesRequest { part: Some(part) }) => {
                if let Part::Chunk(chunk) = &part {
                    self.progress.came(chunk.len());
                }
                Ok(Some(part))
            }
            Some(_) => Err(Error::from(Violation::new("part", "must be metadata or a chunk")).into()),
            None => Ok(None),
        }
    }

    /// Reads what is announced, which comes first.
    async fn announced(&mut self) -> Result<Announced, Status> {
        match self.message().await? {
            Some(Part::Metadata(metadata)) => Ok(read(&metadata)?),
            Some(Part::Chunk(_)) => Err(Error::from(Violation::new("metadata", "must be the first message")).into()),
            None => Err(Error::from(Violation::new("metadata", "is required")).into()),
        }
    }

    /// Reads the file.
    async fn file(&mut self) -> Result<Vec<u8>, Status> {
        let mut file = Vec::new();
        while let Some(part) = self.message().await? {
            let refused = match part {
                Part::Metadata(_) => Violation::new("metadata", "must be the first message alone"),
                Part::Chunk(chunk) if chunk.len() > CHUNK_BYTES_MAX => {
                    Violation::new("chunk", format!("must have at most {CHUNK_BYTES_MAX} bytes"))
                }
                Part::Chunk(chunk) if file.len() + chunk.len() > FILE_BYTES_MAX => {
                    Violation::new("file", format!("must have at most {FILE_BYTES_MAX} bytes"))
                }
                Part::Chunk(chunk) => {
                    file.extend_from_slice(&chunk);
                    continue;
                }
            };
            return Err(Error::from(refused).into());
        }
        Ok(file)
    }
}

fn read(asked: &ImportInvitesMetadata) -> Result<Announced> {
    let mut violations = Violations::default();
    let account = violations.take(ids::parse("metadata.account_id", &asked.account_id)).unwrap_or_default();
    let account_role = read_account_role(asked.account_role()).unwrap_or(AccountRole::Guest);
    let (places, unread) = read_places("metadata.workcenters", &asked.workcenters);
    violations.extend(unread);
    let places = offer::places("metadata.workcenters", places, &mut violations);
    let message = violations.take(offer::message("metadata.message", &asked.message)).unwrap_or_default();
    let span = asked.expires_in.as_ref().map(|it| (it.seconds, it.nanos));
    let good_for = span.and_then(|it| violations.take(account::invite_expiry("metadata.expires_in", it)));
    let existing = read_existing("metadata.on_existing", asked.on_existing, &mut violations);
    violations.extend(request::fault(&asked.request_id));
    violations.none()?;
    let (no_reminders, notify_on_accept) = (asked.no_reminders, asked.notify_me_on_accept);
    Ok(Announced {
        account,
        defaults: sheet::Defaults { account_role, places, message, good_for, no_reminders, notify_on_accept },
        existing,
        validate_only: asked.validate_only,
        request_id: asked.request_id.clone(),
        body: asked.encode_to_vec(),
    })
}

/// Takes files in.
pub(in crate::invite) struct Imports {
    db: Db,
    clock: Clock,
    key: TokenKey,
    spread: Duration,
    most: NonZeroU32,
    /// How long a file may be silent.
    silence: Duration,
    uploads: Transfers,
}

impl Imports {
    /// Takes files that may be silent for `silence`.
    pub(in crate::invite) fn new(
        db: Db,
        clock: Clock,
        key: TokenKey,
        settings: &config::Shared,
        silence: Duration,
    ) -> Self {
        let (spread, most) = (settings.digest_spread, settings.large_workcenter);
        Self { db, clock, key, spread, most, silence, uploads: Transfers::up() }
    }

    /// Serves `ImportInvites`. Rights are looked at twice: before the file comes, lest it comes for nothing, and when it is
    /// there.
    pub(in crate::invite) async fn import(
        &self,
        request: Request<Streaming<pb::ImportInvitesRequest>>,
    ) -> Result<Response<pb::ImportInvitesResponse>, Status> {
        let caller = auth::caller(&request)?;
        let _place = self.uploads.place(caller.id().unwrap_or_default())?;
        let progress = Progress::new(WITHIN, self.silence);
        let mut incoming = Incoming { stream: request.into_inner(), progress };
        let announced = incoming.announced().await?;
        let resource = Resource::Account(announced.account);
        access::may(&self.db.client().await?, &caller, Action::ImportInvites, resource).await?;
        let file = incoming.file().await?;
        let (job, plan) = self.start(&caller, &announced, &file).await?;

        Ok(Response::new(pb::ImportInvitesResponse { job, plan }))
    }

    /// Starts a job over the rows of `file`, or says what would come of it.
    async fn start(&self, caller: &Caller, announced: &Announced, file: &[u8]) -> Result<Answer> {
        let rows = sheet::read(file, &announced.defaults)?;
        let arrival = Arrival { when: When { now: self.clock.now().await?, spread: self.spread }, most: self.most };
        let mut client = self.db.client().await?;
        let tx = client.transaction().await?;
        let resource = Resource::Account(announced.account);
        let person = access::may(&tx, caller, Action::ImportInvites, resource).await?.person;
        if announced.validate_only {
            // Without a commit nothing of it stays.
            return Ok((None, Some(plan(&tx, &self.key, announced, rows, person, &arrival).await?)));
        }
        let body = [announced.body.as_slice(), &secret::digest(&[file])].concat();
        let path = Action::ImportInvites.path();
        let ticket = match request::recall(&tx, person, path, &announced.request_id, &body).await? {
            Recall::New(ticket) => ticket,
            Recall::Known(answer) => {
                return Ok((Some(pb::Job::decode(answer.as_slice()).map_err(Error::internal)?), None));
            }
        };
        account::enter(&tx, announced.account).await?;
        let rows: Vec<(Uuid, Row)> = rows.into_iter().map(|row| (ids::new(), row)).collect();
        let items: Vec<Planned> = rows.iter().map(|(id, row)| item(*id, row)).collect();
        let roots = i64::try_from(items.len()).map_err(Error::internal)?;
        let on_conflict = announced.existing.name().to_owned();
        let order = Order { roots, on_conflict, ..Order::default() };
        let Announced { account, request_id, .. } = announced;
        let kind = job::Kind::ImportInvites;
        let new = job::New { account: *account, kind, initiator: person, request_id, order: &order };
        let job = job::start(&tx, &new, &items).await?;
        store::insert(&tx, job.id, &rows).await?;
        let job: pb::Job = job.into();
        request::remember(&tx, ticket, &job.encode_to_vec()).await?;
        tx.commit().await?;

        Ok((Some(job), None))
    }
}

fn item(id: Uuid, row: &Row) -> Planned {
    Planned {
        id,
        kind: ItemKind::Invite,
        depth: 0,
        parent: None,
        workcenter: None,
        path: row.name.clone(),
        bytes: 0,
        on_conflict: "",
        etag: String::new(),
        line: row.line,
    }
}

/// What would become of `rows` now.
async fn plan(
    tx: &Transaction<'_>,
    key: &TokenKey,
    announced: &Announced,
    rows: Vec<Row>,
    person: Uuid,
    arrival: &Arrival,
) -> Result<pb::BulkPlan> {
    let offers = rows.iter().filter_map(|it| it.offer.as_ref().ok()).cloned().collect();
    let made = make(tx, key, announced.account, offers, announced.existing, person, arrival).await?;
    let mut made = made.into_iter();
    let mut plan = pb::BulkPlan { total_items: i64::try_from(rows.len()).unwrap_or(i64::MAX), ..Default::default() };
    for row in rows {
        let outcome = match &row.offer {
            Err(fault) => work::faulty(Uuid::nil(), fault.clone()),
            Ok(_) => {
                let made = made.next().ok_or_else(|| Error::internal("nothing came of an offer"))?;
                work::outcome(Uuid::nil(), &made)?
            }
        };
        match outcome.state {
            ItemState::Done => plan.done_items += 1,
            ItemState::Skipped => plan.skipped_items += 1,
            _ => plan.failed_items += 1,
        }
        if outcome.state != ItemState::Done && plan.items.len() < SHOWN_MAX {
            plan.items.push(line(row, outcome));
        }
    }
    Ok(plan)
}

fn line(row: Row, outcome: Outcome) -> JobItem {
    JobItem {
        kind: JobItemKind::Invite.into(),
        state: JobItemState::from(outcome.state).into(),
        path: row.name,
        code: outcome.code.into_owned(),
        text: outcome.text.into_owned(),
        line: row.line,
        column: outcome.column.into_owned(),
        ..JobItem::default()
    }
}
