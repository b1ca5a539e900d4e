//! Traces as a collector is told of them, by the programs as they are; and a collector that is of no use.

use std::{collections::HashMap, fmt::Write};

use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
    common::v1::{KeyValue, any_value::Value},
    trace::v1::{Span, span::SpanKind, status::StatusCode},
};
use tokio::{net::TcpListener, sync::mpsc};
use tonic::{Code, Request, Response, Status, transport::server::TcpIncoming};
use workcenter::pb::{BulkCopyRequest, GetJobRequest, GetProfileRequest, RequestPasswordResetRequest};

use super::program::{DAEMON, SERVER, Serving};
use crate::{
    bulk::{Stage, document, to},
    harness::{App, by},
    kept,
};

/// How a collector is to its callers.
#[derive(Clone, Copy)]
enum Mood {
    Takes,
    Refuses,
    NeverAnswers,
}

/// A collector on a port of its own.
struct Collector {
    url: String,
    told: mpsc::UnboundedReceiver<Told>,
}

/// A span, and the program that tells of it.
#[derive(Clone, Debug)]
struct Told {
    program: String,
    span: Span,
}

struct Ear {
    mood: Mood,
    tell: mpsc::UnboundedSender<Told>,
}

#[tonic::async_trait]
impl TraceService for Ear {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        match self.mood {
            Mood::Takes => {}
            Mood::Refuses => return Err(Status::unavailable("full")),
            Mood::NeverAnswers => std::future::pending().await,
        }
        let mut said = String::new();
        for of in request.into_inner().resource_spans {
            let resource = of.resource.unwrap().attributes;
            for span in of.scope_spans.into_iter().flat_map(|it| it.spans) {
                writeln!(said, "{span:?}").unwrap();
                let told = Told { program: text(&resource, "service.name"), span };
                // Who has heard enough has gone.
                let _ = self.tell.send(told);
            }
        }
        kept::whole("collector", "traces", said.as_bytes());
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Collector {
    async fn start(mood: Mood) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (tell, told) = mpsc::unbounded_channel();
        let server = tonic::transport::Server::builder().add_service(TraceServiceServer::new(Ear { mood, tell }));
        tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
        Self { url, told }
    }

    /// What a program has to be set to.
    fn settings(&self) -> [(&str, &str); 2] {
        [("OTEL_EXPORTER_OTLP_ENDPOINT", &self.url), ("OTEL_BSP_SCHEDULE_DELAY", "20")]
    }

    /// All that was told by now, of programs that have ended.
    fn all(&mut self) -> Vec<Told> {
        std::iter::from_fn(|| self.told.try_recv().ok()).collect()
    }

    /// Waits until one of these names is told.
    async fn tells(&mut self, name: &str) -> Told {
        loop {
            let told = self.told.recv().await.expect("the collector is there");
            if told.span.name == name {
                return told;
            }
        }
    }
}

fn text(attributes: &[KeyValue], key: &str) -> String {
    let found = attributes.iter().find(|it| it.key == key).and_then(|it| it.value.clone()?.value);
    match found {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        other => panic!("{key} is {other:?} in {attributes:?}"),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|it| format!("{it:02x}")).collect()
}

/// A trace, and a span in it.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

/// `message` from `token`, in a trace of which the flags say whether it is told.
fn traced<T>(token: &str, message: T, flags: &str) -> Request<T> {
    let mut request = by(token, message);
    let parent = format!("00-{TRACE}-{SPAN}-{flags}");
    request.metadata_mut().insert("traceparent", parent.parse().unwrap());
    request
}

#[tokio::test]
async fn a_call_is_a_span_of_its_callers_trace_with_its_statements_below_and_without_their_values() {
    use workcenter::pb::profile_service_client::ProfileServiceClient;
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let mut collector = Collector::start(Mood::Takes).await;
    let serving = Serving::start(SERVER, &app, &collector.settings()).await;
    let mut profiles = ProfileServiceClient::new(serving.channel());
    let user_id = account.admin.id.to_string();
    let message = || GetProfileRequest { user_id: user_id.clone() };
    profiles.get_profile(traced(&account.admin.token, message(), "01")).await.unwrap();
    // Their caller tells nobody of these.
    profiles.get_profile(traced(&account.admin.token, message(), "00")).await.unwrap();
    serving.terminate().await;
    assert_eq!(serving.end().await.0, Some(0));

    let told = collector.all();
    let (calls, statements): (Vec<_>, Vec<_>) = told.iter().partition(|it| it.span.kind() == SpanKind::Server);
    let [call] = calls[..] else { panic!("{told:#?}") };
    let Span { name, attributes, status, .. } = &call.span;
    assert_eq!(
        (call.program.as_str(), name.as_str()),
        ("workcenter-server", "workcenter.v1.ProfileService/GetProfile")
    );
    assert_eq!((hexadecimal(&call.span.trace_id), hexadecimal(&call.span.parent_span_id)), (TRACE.into(), SPAN.into()));
    let said = ["rpc.system", "rpc.service", "rpc.method", "rpc.grpc.status_code", "workcenter.caller.kind"];
    let expected = ["grpc", "workcenter.v1.ProfileService", "GetProfile", "0", "PERSON"];
    assert_eq!(said.map(|it| text(attributes, it)), expected);
    assert_eq!(status.as_ref().map_or(StatusCode::Unset, |it| it.code()), StatusCode::Unset);

    assert!(!statements.is_empty());
    for Told { span, .. } in statements {
        assert_eq!((hexadecimal(&span.trace_id), span.kind()), (TRACE.to_owned(), SpanKind::Client), "{span:?}");
        assert_eq!(span.parent_span_id, call.span.span_id, "{span:?}");
        assert_eq!(text(&span.attributes, "db.system.name"), "postgresql");
        let query = text(&span.attributes, "db.query.text");
        assert!(query.contains('$') && !query.contains(&user_id) && !query.contains('\n'), "{query}");
        assert!(call.span.start_time_unix_nano <= span.start_time_unix_nano, "{span:?}");
        assert!(span.end_time_unix_nano <= call.span.end_time_unix_nano, "{span:?}");
    }
}

#[tokio::test]
async fn a_call_outside_of_a_trace_begins_one_that_the_log_knows_and_only_a_fault_of_ours_is_one() {
    use workcenter::pb::job_service_client::JobServiceClient;
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let mut collector = Collector::start(Mood::Takes).await;
    let mut serving = Serving::start(SERVER, &app, &collector.settings()).await;
    let mut jobs = JobServiceClient::new(serving.channel());
    let message = GetJobRequest { job_id: uuid::Uuid::nil().to_string() };
    let status = jobs.get_job(by(&account.admin.token, message.clone())).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    let line = serving.says("called").await;
    let Told { span, .. } = collector.tells("workcenter.v1.JobService/GetJob").await;
    assert!(line.contains(&hexadecimal(&span.trace_id)), "{line} is not of {span:?}");
    assert!(span.parent_span_id.is_empty(), "{span:?}");
    assert_eq!(text(&span.attributes, "rpc.grpc.status_code"), "5");
    assert_eq!(span.status.unwrap_or_default().code(), StatusCode::Unset);

    app.client().await.batch_execute("alter table job rename to elsewhere").await.unwrap();
    let status = jobs.get_job(by(&account.admin.token, message)).await.unwrap_err();
    assert_eq!(status.code(), Code::Internal);
    let broken = collector.tells("SELECT").await.span.status.unwrap_or_default();
    let Told { span, .. } = collector.tells("workcenter.v1.JobService/GetJob").await;
    let status = span.status.unwrap();
    assert_eq!((status.code(), status.message.as_str()), (StatusCode::Error, "INTERNAL"));
    // Which one comes first is not said: that of the caller is well.
    let codes = HashMap::from([(StatusCode::Unset, ""), (StatusCode::Error, "42P01")]);
    assert_eq!(codes.get(&broken.code()).copied(), Some(broken.message.as_str()));
}

#[tokio::test]
async fn what_a_daemon_does_is_a_trace_for_each_batch_and_looking_for_work_is_none() {
    let stage = Stage::set().await;
    let mut collector = Collector::start(Mood::Takes).await;
    let (from, into) = (stage.space("From").await, stage.space("Into").await);
    let grown = stage.grow(from, &["one=x", "two=x"]).await;
    let items = grown.values().map(|it| document(*it)).collect();
    let job = stage.copy(BulkCopyRequest { items, target: to(into, None), ..Default::default() }).await.unwrap();
    let email = stage.account.admin.email.clone();
    stage.app.sessions().request_password_reset(RequestPasswordResetRequest { email }).await.unwrap();

    let daemon = Serving::start(DAEMON, &stage.app, &collector.settings()).await;
    let mut batches = HashMap::new();
    let mut parents = Vec::new();
    while batches.len() < 2 {
        let told = collector.told.recv().await.unwrap();
        if told.span.parent_span_id.is_empty() {
            batches.insert(told.span.name.clone(), told);
        } else {
            parents.push(told.span.parent_span_id);
        }
    }
    daemon.terminate().await;
    assert_eq!(daemon.end().await.0, Some(0));
    for told in collector.all() {
        assert!(["job batch", "mail batch"].contains(&&*told.span.name) || !told.span.parent_span_id.is_empty());
    }
    let [of_job, of_mails] = ["job batch", "mail batch"].map(|it| batches.remove(it).unwrap());
    assert_eq!(text(&of_job.span.attributes, "workcenter.job.id"), job.job_id);
    assert_eq!(text(&of_job.span.attributes, "workcenter.job.kind"), "BULK_COPY");
    assert_eq!(text(&of_mails.span.attributes, "workcenter.mails"), "1");
    for batch in [of_job, of_mails] {
        assert_eq!(batch.program, "workcenter-digestd");
        assert!(parents.contains(&batch.span.span_id), "{} has no statements", batch.span.name);
    }
}

#[tokio::test]
async fn a_collector_that_is_away_or_refuses_or_never_answers_is_nobodys_trouble() {
    use workcenter::pb::profile_service_client::ProfileServiceClient;
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let moods = [Mood::Refuses, Mood::NeverAnswers].map(Collector::start);
    let [refuses, hangs] = futures_util::future::join_all(moods).await.try_into().ok().unwrap();
    for url in [&*refuses.url, &*hangs.url, "http://127.0.0.1:1"] {
        let settings = [("OTEL_EXPORTER_OTLP_ENDPOINT", url), ("OTEL_BSP_SCHEDULE_DELAY", "20")];
        let serving = Serving::start(SERVER, &app, &settings).await;
        let mut profiles = ProfileServiceClient::new(serving.channel());
        for _ in 0..3 {
            let message = GetProfileRequest { user_id: account.admin.id.to_string() };
            profiles.get_profile(by(&account.admin.token, message)).await.unwrap();
        }
        serving.terminate().await;
        let (code, said) = serving.end().await;
        assert_eq!(code, Some(0), "{said:#?}");
        let complains = ["BatchSpanProcessor.ExportError", "the last traces were not told"];
        assert!(said.iter().any(|line| complains.iter().any(|it| line.contains(it))), "{said:#?}");
    }
}
