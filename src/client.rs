//! Calls of our own services, as our own tools make them.

use std::future::Future;

use tonic::{Request, Response, Status};
use tonic_types::StatusExt;

use crate::{
    error::{Error, Result},
    secret::Secret,
};

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
    Error::internal(format!("{call}: {:?} {reason}: {}{}", status.code(), status.message(), fields.concat()))
}
