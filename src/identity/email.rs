//! E-mail addresses: how they are read, and when two of them are the same.

use crate::error::Violation;

/// Characters of an address. Source: RFC 5321, section 4.5.3.1.3, less the angle brackets.
const ADDRESS_MAX: usize = 254;
/// Characters before the @. Source: RFC 5321, section 4.5.3.1.1.
const LOCAL_MAX: usize = 64;
/// Characters of one part of a domain. Source: RFC 1035, section 2.3.4.
const LABEL_MAX: usize = 63;

/// What may stand before the @ besides letters, digits and dots. Source: RFC 5322, section 3.2.3, `atext`.
const ATEXT: &str = "!#$%&'*+-/=?^_`{|}~";

/// An address that mail can be sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    /// As typed.
    pub address: String,
    /// As compared: two addresses with the same key are one person's.
    pub key: String,
}

impl Email {
    /// Reads the address in `field` of a request.
    ///
    /// The grammar of mail allows more: quotes before the @, numbers in brackets after it, hosts without a dot. Nobody
    /// has such an address at work, and each is a way to reach what is not meant to be reached.
    ///
    /// # Errors
    ///
    /// The violation to report, when `text` is not an address, or one of the kinds that are refused.
    pub fn parse(field: &str, text: &str) -> Result<Self, Violation> {
        let address = text.trim();
        if address.is_empty() {
            return Err(Violation::new(field, "is required"));
        }
        if ADDRESS_MAX < address.len() {
            return Err(Violation::new(field, format!("must have at most {ADDRESS_MAX} characters")));
        }
        let is_good = address.split_once('@').is_some_and(|(local, domain)| is_local(local) && is_domain(domain));
        if !is_good {
            return Err(Violation::new(field, "must be an e-mail address such as ada@example.com"));
        }
        Ok(Self { address: address.to_owned(), key: address.to_ascii_lowercase() })
    }

    /// What stands before the @.
    pub fn local(&self) -> &str {
        self.address.split_once('@').map_or("", |(local, _)| local)
    }
}

fn is_local(text: &str) -> bool {
    let is_atom =
        |it: &str| !it.is_empty() && it.chars().all(|char| char.is_ascii_alphanumeric() || ATEXT.contains(char));
    text.len() <= LOCAL_MAX && text.split('.').all(is_atom)
}

/// A name of at least two parts; the last one is not a number, as that of an IP address is.
fn is_domain(text: &str) -> bool {
    let is_label = |it: &str| {
        (1..=LABEL_MAX).contains(&it.len())
            && !it.starts_with('-')
            && !it.ends_with('-')
            && it.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let is_number = |it: &str| it.bytes().all(|byte| byte.is_ascii_digit());
    text.split('.').all(is_label) && text.rsplit_once('.').is_some_and(|(_, last)| !is_number(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_kept_as_typed_and_compared_in_lower_case() {
        let email = Email::parse("email", " Ada.Lovelace+work@Example.COM ").unwrap();
        assert_eq!(email.address, "Ada.Lovelace+work@Example.COM");
        assert_eq!(email.key, "ada.lovelace+work@example.com");
        assert_eq!(email.local(), "Ada.Lovelace+work");
    }

    #[test]
    fn what_no_colleague_has_is_refused() {
        let long_local = format!("{}@example.com", "a".repeat(LOCAL_MAX + 1));
        let long = format!("a@{}com", "example.".repeat(40));
        for bad in [
            "",
            "ada",
            "@example.com",
            "ada@",
            "ada@localhost",
            "ada@[127.0.0.1]",
            "ada@127.0.0.1",
            "\"ada\"@example.com",
            "a..b@example.com",
            ".a@example.com",
            "a.@example.com",
            "a b@example.com",
            "ada@exa mple.com",
            "ada@example..com",
            "ada@-example.com",
            "ada@example.com.",
            "ada@example.com\r\nBcc: bob@example.com",
            "ada@b@example.com",
            "žofie@example.com",
            "ada@exämple.com",
            "Ada <ada@example.com>",
            &long_local,
            &long,
        ] {
            assert_eq!(Email::parse("to.email", bad).map_err(|it| it.field), Err("to.email".to_owned()), "{bad:?}");
        }
    }
}
