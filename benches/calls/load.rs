//! Makes calls, so many at once, without a pause between them, and notes how long each took.

use std::{
    cell::{Cell, RefCell},
    fs,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::future::try_join_all;
use http::uri::PathAndQuery;
use prost::Message as _;
use tonic::{
    Request,
    client::Grpc,
    metadata::AsciiMetadataValue,
    transport::{Channel, Endpoint},
};
use workcenter::pb;

use crate::{Call, Result, cpu, raw::Raw};

/// Connections that calls are spread over.
const CONNECTIONS: usize = 8;

/// How long calls are made before they are counted.
const WARM_UP: Duration = Duration::from_millis(200);

/// Profiles of a batch.
const BATCH: usize = 100;

/// WorkCenters of a page.
const PAGE: i32 = 20;

/// A turn of calls.
#[derive(Clone, Copy)]
pub struct Turn {
    pub call: Call,
    /// Calls that are under way at a time.
    pub at_once: usize,
    /// How long they are counted.
    pub time: Duration,
    /// Who answers, and PostgreSQL.
    pub pids: [u32; 2],
}

/// Somebody who calls.
struct Person {
    id: String,
    session: AsciiMetadataValue,
    who: AsciiMetadataValue,
}

/// Those who call.
struct People {
    service: AsciiMetadataValue,
    people: Vec<Person>,
    /// Calls that were made.
    made: Cell<usize>,
}

impl People {
    fn read(file: &str) -> Result<Self> {
        let text = fs::read_to_string(file)?;
        let mut lines = text.lines();
        let bearer = |token: &str| format!("Bearer {token}").parse::<AsciiMetadataValue>();
        let service = bearer(lines.next().ok_or("no key")?)?;
        let person = |line: &str| {
            let (id, token) = line.split_once(' ').ok_or("no token")?;
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(Person {
                id: id.to_owned(),
                session: bearer(token)?,
                who: id.parse()?,
            })
        };
        let people = lines.map(person).collect::<Result<Vec<_>>>()?;
        Ok(Self { service, people, made: Cell::new(0) })
    }

    /// The next request of this kind: each is about somebody else, in an order that is the same for everybody.
    fn request(&self, call: Call) -> Request<Bytes> {
        let number = self.made.replace(self.made.get() + 1);
        let person = &self.people[number % self.people.len()];
        let (message, token) = match call {
            Call::Get => (pb::GetProfileRequest { user_id: person.id.clone() }.encode_to_vec(), &self.service),
            Call::Update => {
                let job_title = format!("Site engineer {number} {}", std::process::id());
                let profile = pb::Profile { user_id: person.id.clone(), job_title, ..pb::Profile::default() };
                let update_mask = Some(prost_types::FieldMask { paths: vec!["job_title".to_owned()] });
                let wanted = pb::UpdateProfileRequest { profile: Some(profile), update_mask, etag: String::new() };
                (wanted.encode_to_vec(), &person.session)
            }
            Call::Batch => {
                let those = (0..BATCH).map(|it| &self.people[(number * BATCH + it) % self.people.len()]);
                let user_ids = those.map(|it| it.id.clone()).collect();
                (pb::BatchGetProfilesRequest { user_ids }.encode_to_vec(), &self.service)
            }
            Call::List => {
                let wanted = pb::ListWorkCenterPreferencesRequest { page_size: PAGE, page_token: String::new() };
                (wanted.encode_to_vec(), &person.session)
            }
        };
        let mut request = Request::new(Bytes::from(message));
        request.metadata_mut().insert("authorization", token.clone());
        request.metadata_mut().insert("x-user", person.who.clone());
        request
    }
}

/// Makes one call, and returns what came of it.
async fn ask(client: &mut Grpc<Channel>, people: &People, call: Call) -> Result<Bytes> {
    client.ready().await?;
    let path = PathAndQuery::from_static(call.path());
    Ok(client.unary(people.request(call), path, Raw).await?.into_inner())
}

/// Fails unless the answer has as much in it as was asked for.
fn look(call: Call, answer: Bytes) -> Result<()> {
    let (found, wanted) = match call {
        Call::Get => (pb::GetProfileResponse::decode(answer)?.profile.into_iter().collect(), 1),
        Call::Update => (pb::UpdateProfileResponse::decode(answer)?.profile.into_iter().collect(), 1),
        Call::Batch => (pb::BatchGetProfilesResponse::decode(answer)?.profiles, BATCH),
        Call::List => {
            let listed = pb::ListWorkCenterPreferencesResponse::decode(answer)?.preferences;
            let is_named = listed.iter().all(|it| !it.workcenter_name.is_empty());
            return if is_named && listed.len() == PAGE as usize { Ok(()) } else { Err("not all are listed".into()) };
        }
    };
    let is_filled = |it: &pb::Profile| it.first_name == "Person" && it.job_title.starts_with("Site engineer");
    if found.len() == wanted && found.iter().all(is_filled) { Ok(()) } else { Err("not what was asked for".into()) }
}

/// Takes a turn at who answers at `address`, and prints what came of it; `file` has who calls.
pub async fn turn(address: &str, turn: Turn, file: &str) -> Result<()> {
    let people = People::read(file)?;
    let mut channels = Vec::new();
    for _ in 0..CONNECTIONS.min(turn.at_once) {
        channels.push(Endpoint::from_shared(address.to_owned())?.tcp_nodelay(true).connect().await?);
    }
    look(turn.call, ask(&mut Grpc::new(channels[0].clone()), &people, turn.call).await?)?;

    let began = Instant::now();
    let (counted, over) = (began + WARM_UP, began + WARM_UP + turn.time);
    let took = RefCell::new(Vec::new());
    let caller = async |number: usize| {
        let mut client = Grpc::new(channels[number % channels.len()].clone());
        loop {
            let asked = Instant::now();
            if asked >= over {
                return Ok::<(), Box<dyn std::error::Error + Send + Sync>>(());
            }
            ask(&mut client, &people, turn.call).await?;
            let answered = Instant::now();
            if counted <= answered && answered < over {
                took.borrow_mut().push(answered - asked);
            }
        }
    };
    let [server, postgres] = turn.pids;
    let used = || Ok::<_, Box<dyn std::error::Error + Send + Sync>>([cpu::of(server)?, cpu::of_all(postgres)?]);
    let watched = async {
        tokio::time::sleep_until(counted.into()).await;
        let before = used()?;
        tokio::time::sleep_until(over.into()).await;
        let after = used()?;
        Ok([after[0] - before[0], after[1] - before[1]])
    };
    let (cpu, _) = tokio::try_join!(watched, try_join_all((0..turn.at_once).map(caller)))?;

    let mut took = took.into_inner();
    took.sort_unstable();
    let at = |share: usize| took[(took.len() - 1) * share / 100].as_secs_f64() * 1e3;
    let calls = took.len() as f64;
    println!(
        concat!(
            r#"{{"per_s": {:.1}, "p50_ms": {:.3}, "p99_ms": {:.3}, "#,
            r#""server_us": {:.1}, "postgres_us": {:.1}, "peak_kib": {}}}"#
        ),
        calls / turn.time.as_secs_f64(),
        at(50),
        at(99),
        cpu[0] / calls,
        cpu[1] / calls,
        cpu::peak_kib(server)?,
    );
    Ok(())
}
