//! Traces, told over OTLP to a collector: what a call took and what it waited for, and the same of what the daemon does.
//!
//! A call joins the trace of its caller, or begins one; whether it is told is the caller's decision then, and chance's
//! otherwise. The spans are calls, batches (of a job, of digests, of mails), and below each of these its statements. They have
//! names, ids, counts and codes, and of a statement its text without the values. Without a collector nothing is kept.
//!
//! Source of names: OpenTelemetry's semantic conventions 1.37, of RPC and of databases.

use std::time::Duration;

use opentelemetry::{
    Context, KeyValue, Value,
    trace::{
        SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags, TraceId, TraceState, Tracer as _,
        TracerProvider as _,
    },
};
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracer, SdkTracerProvider},
};
use tokio::task::spawn_blocking;
use tracing::{info, warn};

use crate::{
    config,
    error::{Error, Result, chain},
};

/// How long the collector may take for the spans that are left when the process ends: it is not worth holding up a rollout.
const CLOSE_MAX: Duration = Duration::from_secs(2);

/// How long it may take for some spans while the process goes on.
const EXPORT_MAX: Duration = Duration::from_secs(5);

/// Bytes of the text of a statement that are told: by then it is plain which it is.
const STATEMENT_BYTES_MAX: usize = 4_000;

tokio::task_local! {
    /// What is traced belongs here; nothing is traced outside.
    static SCOPE: Option<Scope>;
}

/// Where spans begin.
#[derive(Clone)]
struct Scope {
    tracer: SdkTracer,
    /// The span that they are part of.
    parent: Option<Context>,
}

/// What begins traces and tells of them. Cheap to clone; the default tells nobody.
#[derive(Clone, Debug, Default)]
pub struct Tracer(Option<(SdkTracerProvider, SdkTracer)>);

/// The span of a caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The trace that it is in: 32 hexadecimal digits.
    pub trace: String,
    /// The span: 16 hexadecimal digits.
    pub span: String,
    /// Whether the trace is told.
    pub is_told: bool,
}

/// Something that takes time, and is told. It ends when it is dropped.
pub struct Span {
    tracer: SdkTracer,
    context: Context,
}

impl Tracer {
    /// Tells the collector that `settings` name of what `program` does.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] when the address cannot be used. That nobody is there is said in the log, later.
    pub fn open(settings: &config::Traces, program: &'static str) -> Result<Self> {
        let Some(endpoint) = &settings.endpoint else { return Ok(Self::default()) };
        let exporter = SpanExporter::builder().with_tonic().with_endpoint(endpoint).with_timeout(EXPORT_MAX).build();
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter.map_err(Error::internal)?)
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(settings.share))))
            .with_resource(
                Resource::builder()
                    .with_service_name(program)
                    .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
                    .build(),
            )
            .build();
        info!(endpoint, share = settings.share, "traces are told");
        let tracer = provider.tracer(env!("CARGO_PKG_NAME"));
        Ok(Self(Some((provider, tracer))))
    }

    /// Tells what is left, for as long as that may take.
    pub async fn close(self) {
        let Some((provider, _)) = self.0 else { return };
        // It waits for a thread of its own.
        match spawn_blocking(move || provider.shutdown_with_timeout(CLOSE_MAX)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => warn!(error = chain(&error), "the last traces were not told"),
            Err(error) => warn!(error = chain(&error), "the last traces were not told"),
        }
    }

    /// Begins the span of a call to `method` of `service`; `None` where it is not told.
    pub fn call(&self, service: &str, method: &str, caller: Option<&Caller>) -> Option<Span> {
        let (_, tracer) = self.0.as_ref()?;
        let name = if method.is_empty() { "unknown".to_owned() } else { format!("{service}/{method}") };
        let attributes = [
            KeyValue::new("rpc.system", "grpc"),
            KeyValue::new("rpc.service", service.to_owned()),
            KeyValue::new("rpc.method", method.to_owned()),
        ];
        let parent = caller.and_then(Caller::context).unwrap_or_default();
        begin(tracer, name, SpanKind::Server, attributes, &parent)
    }

    /// Does `work` in which traces may begin, each with a [`part`].
    pub fn over<T>(&self, work: impl Future<Output = T>) -> impl Future<Output = T> {
        let scope = self.0.as_ref().map(|(_, tracer)| Scope { tracer: tracer.clone(), parent: None });
        SCOPE.scope(scope, work)
    }
}

impl Caller {
    fn context(&self) -> Option<Context> {
        let (trace, span) = (TraceId::from_hex(&self.trace).ok()?, SpanId::from_hex(&self.span).ok()?);
        let flags = if self.is_told { TraceFlags::SAMPLED } else { TraceFlags::default() };
        let caller = SpanContext::new(trace, span, flags, true, TraceState::default());
        Some(Context::new().with_remote_span_context(caller))
    }
}

impl Span {
    /// The trace that it is in: 32 hexadecimal digits.
    pub fn trace(&self) -> String {
        self.context.span().span_context().trace_id().to_string()
    }

    /// Tells `value` of it.
    pub fn tell(&self, key: &'static str, value: impl Into<Value>) {
        self.context.span().set_attribute(KeyValue::new(key, value));
    }

    /// Tells that it failed, and why, by a code.
    pub fn fail(&self, code: &str) {
        self.context.span().set_status(Status::error(code.to_owned()));
    }

    fn scope(&self) -> Scope {
        Scope { tracer: self.tracer.clone(), parent: Some(self.context.clone()) }
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        // What is part of it may be under way for longer.
        self.context.span().end();
    }
}

/// Does `work` as a part of `span`, if there is one.
pub fn within<T>(span: Option<&Span>, work: impl Future<Output = T>) -> impl Future<Output = T> {
    SCOPE.scope(span.map(Span::scope), work)
}

/// As [`within`], for what does not wait.
pub fn enter<T>(span: Option<&Span>, work: impl FnOnce() -> T) -> T {
    match span {
        Some(span) => SCOPE.sync_scope(Some(span.scope()), work),
        None => work(),
    }
}

/// Does `work` as a span of its own, of which `tell` tells what there is to tell: part of what is under way, or the beginning
/// of a trace.
///
/// # Errors
///
/// Those of `work`.
pub async fn part<T, E>(
    name: &'static str,
    tell: impl FnOnce(&Span),
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let scope = SCOPE.try_with(Clone::clone).ok().flatten();
    let span = scope.and_then(|it| begin(&it.tracer, name, SpanKind::Internal, [], &it.parent.unwrap_or_default()));
    if let Some(span) = &span {
        tell(span);
    }
    let ended = within(span.as_ref(), work).await;
    if let (Some(span), Err(_)) = (&span, &ended) {
        span.fail("");
    }
    ended
}

/// Begins the span of a statement, where there is something that it is part of.
pub fn statement(text: &str) -> Option<Span> {
    SCOPE
        .try_with(|scope| {
            let Scope { tracer, parent } = scope.as_ref()?;
            let words: Vec<&str> = text.split_whitespace().collect();
            let operation = words.first().copied().unwrap_or_default().to_ascii_uppercase();
            let mut text = words.join(" ");
            text.truncate(text.floor_char_boundary(STATEMENT_BYTES_MAX));
            let attributes = [
                KeyValue::new("db.system.name", "postgresql"),
                KeyValue::new("db.operation.name", operation.clone()),
                KeyValue::new("db.query.text", text),
            ];
            begin(tracer, operation, SpanKind::Client, attributes, parent.as_ref()?)
        })
        .ok()
        .flatten()
}

fn begin(
    tracer: &SdkTracer,
    name: impl Into<std::borrow::Cow<'static, str>>,
    kind: SpanKind,
    attributes: impl IntoIterator<Item = KeyValue>,
    parent: &Context,
) -> Option<Span> {
    let builder = tracer.span_builder(name).with_kind(kind).with_attributes(attributes);
    let context = Context::new().with_span(tracer.build_with_context(builder, parent));
    let is_told = context.span().is_recording();
    is_told.then(|| Span { tracer: tracer.clone(), context })
}
