//! Who is calling: what the credentials of a call look like, and the caller that they stand for.
//!
//! The layer of the server that looks credentials up puts the [`Caller`] into the request; services take it from there.

use http::{HeaderMap, header::AUTHORIZATION};
use tonic::Request;
use uuid::Uuid;

use crate::{
    error::{Error, Reason, Result},
    secret::Secret,
};

/// The key of the metadata with the person a service acts for.
pub const ON_BEHALF_OF: &str = "x-on-behalf-of";

/// Lets a service act for any person.
pub const SCOPE_ACT: &str = "act";
/// Lets a service publish activity.
pub const SCOPE_PUBLISH: &str = "activity.publish";
/// Lets a service see the jobs of any account.
pub const SCOPE_JOBS: &str = "jobs.read";
/// Lets a service read the profiles of everybody, as members of their accounts see them.
pub const SCOPE_PROFILES: &str = "profiles.read";
/// Every scope there is.
pub const SCOPES: [&str; 4] = [SCOPE_ACT, SCOPE_PUBLISH, SCOPE_JOBS, SCOPE_PROFILES];

/// Who is calling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Nobody said who they are.
    Anonymous,
    /// A person, signed in.
    Person {
        /// The person.
        user_id: Uuid,
        /// Their session.
        session_id: Uuid,
    },
    /// Another service of the company.
    Service {
        /// Its key.
        key_id: Uuid,
        /// What the key may be used for.
        scopes: Vec<String>,
        /// The person it acts for.
        acts_for: Option<Uuid>,
    },
}

impl Caller {
    /// The person who is calling, or for whom a service calls.
    pub fn person(&self) -> Option<Uuid> {
        match self {
            Self::Anonymous => None,
            Self::Person { user_id, .. } => Some(*user_id),
            Self::Service { acts_for, .. } => *acts_for,
        }
    }

    /// Whose request ids these are: the person's, or the key's.
    pub fn id(&self) -> Option<Uuid> {
        match self {
            Self::Service { key_id, acts_for: None, .. } => Some(*key_id),
            other => other.person(),
        }
    }

    /// Whether this is a service whose key has `scope`.
    pub fn has(&self, scope: &str) -> bool {
        matches!(self, Self::Service { scopes, .. } if scopes.iter().any(|it| it == scope))
    }
}

/// The caller of a request, as the server found it out.
///
/// # Errors
///
/// [`Error::Internal`] when the request did not come through the layer that does.
pub fn caller<T>(request: &Request<T>) -> Result<Caller> {
    let caller = request.extensions().get::<Caller>().cloned();
    caller.ok_or_else(|| Error::internal("a request reached a service without its caller"))
}

/// The token or key that a call carries.
///
/// # Errors
///
/// [`Error::Unauthenticated`] when `authorization` is there and is no bearer token.
pub fn bearer(headers: &HeaderMap) -> Result<Option<Secret>> {
    let Some(value) = headers.get(AUTHORIZATION) else { return Ok(None) };
    let token = value.to_str().ok().and_then(|it| it.split_once(' '));
    match token {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() => {
            Ok(Some(Secret::from(token.to_owned())))
        }
        _ => Err(Error::Unauthenticated(Reason::SessionInvalid)),
    }
}
