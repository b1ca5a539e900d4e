//! Those who watch: streams on a few connections, each of which says when it has heard something.

use std::{
    fs,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use http::uri::PathAndQuery;
use prost::Message as _;
use tokio::sync::mpsc;
use tonic::{
    Request, Streaming,
    client::Grpc,
    metadata::AsciiMetadataValue,
    transport::{Channel, Endpoint},
};
use uuid::Uuid;
use workcenter::pb;

use crate::{Result, raw::Raw, stage::Stage};

/// Streams of one connection: fewer than a server allows.
const STREAMS: usize = 100;

/// Streams that are opened at a time.
const AT_ONCE: usize = 64;

/// How long all are silent before it is looked how large the server is.
const SETTLE: Duration = Duration::from_secs(1);

/// How long a move may take to be seen before that is a failure.
const SEEN_WITHIN: Duration = Duration::from_secs(30);

/// Bytes of a page of memory.
const PAGE: u64 = 4_096;

/// Watchers that are open.
pub struct Crowd {
    heard: mpsc::UnboundedReceiver<Instant>,
    /// By how much the server has grown for each.
    pub bytes: u64,
}

/// Memory that a process has at hand, in bytes. Source: proc(5), `statm`.
fn resident(pid: u32) -> Result<u64> {
    let pages = fs::read_to_string(format!("/proc/{pid}/statm"))?;
    Ok(pages.split(' ').nth(1).ok_or("no figure")?.parse::<u64>()? * PAGE)
}

async fn open(channel: Channel, key: AsciiMetadataValue, job: Uuid) -> Result<Streaming<Bytes>> {
    let message = pb::WatchJobRequest { job_id: job.to_string(), after_revision: 0 }.encode_to_vec();
    let mut request = Request::new(Bytes::from(message));
    request.metadata_mut().insert("authorization", key);
    let path = PathAndQuery::from_static("/workcenter.v1.JobService/WatchJob");
    let mut client = Grpc::new(channel);
    client.ready().await?;
    let mut stream = client.server_streaming(request, path, Raw).await?.into_inner();
    // What the job is now.
    stream.message().await?.ok_or("a stream has ended")?;
    Ok(stream)
}

impl Crowd {
    /// Has `count` watch the jobs of `stage`, by turns.
    pub async fn gather(stage: &Stage, count: usize) -> Result<Self> {
        let key: AsciiMetadataValue = format!("Bearer {}", stage.key).parse()?;
        let endpoint = Endpoint::from_shared(stage.address.clone())?.tcp_nodelay(true);
        // Whatever the server makes once is not counted.
        drop(open(endpoint.connect().await?, key.clone(), stage.jobs[0]).await?);
        tokio::time::sleep(SETTLE).await;
        let before = resident(stage.pid)?;
        let mut channels = Vec::new();
        for _ in 0..count.div_ceil(STREAMS) {
            channels.push(endpoint.connect().await?);
        }
        let opening = (0..count)
            .map(|number| open(channels[number / STREAMS].clone(), key.clone(), stage.jobs[number % stage.jobs.len()]));
        let streams: Vec<_> = stream::iter(opening).buffer_unordered(AT_ONCE).try_collect().await?;
        tokio::time::sleep(SETTLE).await;
        let bytes = resident(stage.pid)?.saturating_sub(before) / count as u64;
        let (tell, heard) = mpsc::unbounded_channel();
        for mut stream in streams {
            let tell = tell.clone();
            tokio::spawn(async move {
                while let Ok(Some(message)) = stream.message().await {
                    // A heartbeat has nothing in it.
                    if !message.is_empty() && tell.send(Instant::now()).is_err() {
                        return;
                    }
                }
            });
        }
        Ok(Self { heard, bytes })
    }

    /// How long after `committed` the next `count` watchers have heard something.
    pub async fn seen(&mut self, count: usize, committed: Instant) -> Result<Vec<Duration>> {
        let mut took = Vec::with_capacity(count);
        while took.len() < count {
            let at = tokio::time::timeout(SEEN_WITHIN, self.heard.recv()).await?.ok_or("nobody watches any more")?;
            took.push(at.saturating_duration_since(committed));
        }
        Ok(took)
    }
}
