//! Services that are known by the certificate of their connection: whoever shows one with a name that is bound to a key may
//! do what the key may, without it. What the key ends, ends for the certificate too.

mod store;

pub(super) use store::key;
pub use store::{bind, unbind};

use std::fmt;

use crate::error::Violation;

/// Characters of a name: those of the DNS have fewer, and so have SPIFFE's. Source: RFC 1035, section 2.3.4.
const NAME_MAX: usize = 255;

/// A name that a certificate may have, as certificates' own names are written: `DNS:reports.internal` or
/// `URI:spiffe://cluster/reports`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    /// Reads a name from `text`, which stands in `field`.
    ///
    /// # Errors
    ///
    /// The rule that is broken.
    pub fn parse(field: &str, text: &str) -> Result<Self, Violation> {
        let plain = text.len() <= NAME_MAX && text.bytes().all(|it| it.is_ascii_graphic());
        let name = match text.split_once(':') {
            Some(("DNS", name)) => Some((name, format!("DNS:{}", name.to_ascii_lowercase()))),
            Some(("URI", uri)) if uri.contains("://") => Some((uri, text.to_owned())),
            _ => None,
        };
        match name {
            // A certificate for many names is no one service's.
            Some((name, whole)) if plain && !name.is_empty() && !name.contains('*') => Ok(Self(whole)),
            _ => Err(Violation::new(field, "must look like DNS:reports.internal or URI:spiffe://cluster/reports")),
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_of_the_dns_or_a_uri() {
        for (text, is) in [
            ("DNS:Reports.Internal", Some("DNS:reports.internal")),
            ("URI:spiffe://cluster/ns/Jobs/sa/reports", Some("URI:spiffe://cluster/ns/Jobs/sa/reports")),
            ("reports.internal", None),
            ("DNS:", None),
            ("DNS:*.internal", None),
            ("DNS:a b", None),
            ("DNS:a\nDNS:b", None),
            ("URI:reports", None),
            ("IP:10.0.0.1", None),
            ("dns:reports.internal", None),
        ] {
            assert_eq!(Name::parse("san", text).ok().map(|it| it.to_string()).as_deref(), is, "{text}");
        }
    }
}
