//! Calls of our own services, as our own tools make them.

use std::{error::Error as _, future::Future, io};

use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tonic::{
    Request, Response, Status,
    transport::{Channel, Endpoint, Uri},
};
use tonic_types::StatusExt;
use tower::service_fn;

use crate::{
    config::Target,
    error::{Error, Result, Violation, chain},
    secret::Secret,
};

/// The port of a URL that says none.
const HTTPS_PORT: u16 = 443;

/// A connection to `target`, which is made when it is first needed, under TLS where its URL says so.
///
/// # Errors
///
/// [`Error::Invalid`] for what is no URL, and for files that are of no use.
pub fn channel(target: &Target) -> Result<Channel> {
    let wrong = |rule: String| Error::from(Violation::new("target", rule));
    let endpoint = Endpoint::from_shared(target.target.clone()).map_err(|error| wrong(error.to_string()))?;
    if endpoint.uri().scheme_str() != Some("https") {
        return Ok(endpoint.connect_lazy());
    }
    let trust = target.trust()?;
    Ok(endpoint.connect_with_connector_lazy(service_fn(move |uri: Uri| {
        let trust = trust.clone();
        async move {
            // An address of IPv6 stands in brackets.
            let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
            let stream = TcpStream::connect((host, uri.port_u16().unwrap_or(HTTPS_PORT))).await?;
            Ok::<_, io::Error>(TokioIo::new(trust.wrap(host, stream).await?))
        }
    })))
}

/// A request that `token` stands for.
///
/// # Errors
///
/// When the token cannot be sent.
pub fn by<T>(token: &Secret, message: T) -> Result<Request<T>> {
    let mut request = Request::new(message);
    let bearer = format!("Bearer {}", token.expose()).parse().map_err(Error::internal)?;
    request.metadata_mut().insert("authorization", bearer);
    Ok(request)
}

/// The answer to a call, or an error that names the call.
///
/// # Errors
///
/// When the call is refused.
pub async fn answered<T>(call: &str, answer: impl Future<Output = Result<Response<T>, Status>>) -> Result<T> {
    answer.await.map(Response::into_inner).map_err(|status| failed(call, &status))
}

/// How the call named `call` was refused, with the reason and every field that is wrong.
pub fn failed(call: &str, status: &Status) -> Error {
    let details = status.get_error_details();
    let reason = details.error_info().map_or("", |it| &it.reason);
    let fields: Vec<String> = details
        .bad_request()
        .map(|it| it.field_violations.iter().map(|it| format!("; {} {}", it.field, it.description)).collect())
        .unwrap_or_default();
    let said = status.message();
    // Of a call that did not get through, what stopped it, unless that was said.
    let causes = status.source().map(chain).unwrap_or_default();
    let cause = causes.rsplit(": ").next().unwrap_or_default();
    let cause = if said.contains(cause) { String::new() } else { format!(": {cause}") };
    Error::internal(format!("{call}: {:?} {reason}: {said}{}{cause}", status.code(), fields.concat()))
}
