//! Who is calling: what the credentials of a call look like, and the caller that they stand for.
//!
//! The layer of the server that looks credentials up puts the [`Caller`] into the request; services take it from there.

use std::{
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
};

use http::{
    HeaderMap,
    header::{AUTHORIZATION, USER_AGENT},
};
use tonic::Request;
use uuid::Uuid;

use crate::{
    error::{Error, Reason, Result},
    secret::Secret,
};

/// The key of the metadata with the person a service acts for.
pub const ON_BEHALF_OF: &str = "x-on-behalf-of";

/// The key of the metadata with where a person calls from, of whom a service says it.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// Characters of what a program calls itself that are kept: the longest of browsers have fewer.
const AGENT_MAX: usize = 200;

/// Lets a service act for any person.
pub const SCOPE_ACT: &str = "act";
/// Lets a service publish activity.
pub const SCOPE_PUBLISH: &str = "activity.publish";
/// Lets a service see the jobs of any account.
pub const SCOPE_JOBS: &str = "jobs.read";
/// Lets a service read the profiles of everybody, as members of their accounts see them.
pub const SCOPE_PROFILES: &str = "profiles.read";
/// Lets a service make accounts.
pub const SCOPE_ACCOUNTS: &str = "accounts.create";
/// Every scope there is.
pub const SCOPES: [&str; 5] = [SCOPE_ACT, SCOPE_PUBLISH, SCOPE_JOBS, SCOPE_PROFILES, SCOPE_ACCOUNTS];

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

/// Where a call comes from, as the server found it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source(IpAddr);

impl Source {
    /// Where `caller` calls from over a connection with `peer`.
    ///
    /// A service knows better where the people are for whom it calls: the last address it names is the one that it saw
    /// itself. What anybody else says of it counts for nothing.
    pub fn of(caller: &Caller, headers: &HeaderMap, peer: IpAddr) -> Self {
        let named = headers.get_all(FORWARDED_FOR).iter().next_back().and_then(|it| it.to_str().ok());
        let named = named.and_then(|it| it.rsplit(',').next()).and_then(|it| it.trim().parse().ok());
        let named = named.filter(|_| matches!(caller, Caller::Service { .. }));
        Self(named.unwrap_or(peer).to_canonical())
    }
}

/// Where a call comes from, as far as it is known: what people are shown of their sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The IP address.
    pub address: Option<IpAddr>,
    /// What the program called itself, cut to 200 characters; empty when it said nothing.
    pub agent: String,
}

impl Origin {
    /// The IP address; empty when it is not known.
    pub fn source(&self) -> String {
        self.address.map(|it| it.to_string()).unwrap_or_default()
    }

    /// The network that is one place: of IPv4 the address, of IPv6 the 64 bits in front, for whoever has one of these
    /// addresses has all of them. Empty when it is not known.
    pub fn network(&self) -> String {
        match self.address {
            Some(IpAddr::V6(it)) => {
                let network = it.to_bits() >> 64 << 64;
                format!("{}/64", Ipv6Addr::from_bits(network))
            }
            _ => self.source(),
        }
    }
}

/// Where a request comes from.
///
/// # Errors
///
/// [`Error::Internal`] when the request did not come through the layer that finds it out.
pub fn origin<T>(request: &Request<T>) -> Result<Origin> {
    let source = request.extensions().get::<Source>();
    let source = source.ok_or_else(|| Error::internal("a request reached a service without its source"))?;
    let agent = request.metadata().get(USER_AGENT.as_str()).and_then(|it| it.to_str().ok()).unwrap_or_default();
    Ok(Origin { address: Some(source.0), agent: agent.chars().take(AGENT_MAX).collect() })
}

/// For whom the certificate is that a connection was opened with, as `DNS:name` and `URI:uri`; empty where there was none.
/// Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Names(pub Arc<[String]>);

/// The names that a request came with, as the server found them out.
pub fn names<T>(request: &Request<T>) -> Names {
    request.extensions().get().cloned().unwrap_or_default()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_service_says_where_somebody_else_calls_from() {
        let peer: IpAddr = "10.0.0.9".parse().unwrap();
        let service = Caller::Service { key_id: Uuid::nil(), scopes: Vec::new(), acts_for: None };
        for (caller, said, source) in [
            (&service, "198.51.100.7", "198.51.100.7"),
            (&service, "203.0.113.1, 198.51.100.7", "198.51.100.7"),
            (&service, "::ffff:198.51.100.7", "198.51.100.7"),
            (&service, "a place", "10.0.0.9"),
            (&Caller::Anonymous, "198.51.100.7", "10.0.0.9"),
        ] {
            let headers = HeaderMap::from_iter([(FORWARDED_FOR.parse().unwrap(), said.parse().unwrap())]);
            assert_eq!(Source::of(caller, &headers, peer).0.to_string(), source, "{said}");
        }
        assert_eq!(Source::of(&service, &HeaderMap::new(), peer), Source(peer));
    }

    #[test]
    fn a_network_is_an_address_or_the_front_half_of_one() {
        let network = |text: &str| Origin { address: text.parse().ok(), agent: String::new() }.network();
        assert_eq!(network("198.51.100.7"), "198.51.100.7");
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_eq!(network("nowhere"), "");
    }
}
