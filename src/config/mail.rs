//! The settings of outgoing mail: the relays, how they are reached and signed in to, and the key that mail is signed with.

use std::{fs, net::IpAddr, num::NonZeroU32, path::PathBuf, str::FromStr};

use clap::Args;

use super::form::{authorities, host_name};
use crate::{
    secret::{Secret, SigningKey},
    tls::Authorities,
};

// How mail leaves.
#[derive(Args, Clone, Debug)]
#[allow(missing_docs, reason = "a doc comment would replace the program's description in --help")]
pub struct Mail {
    /// Relay, as in `smtps://user:password@relay.example`; without it mails become files in --mail-dir
    ///
    /// `smtps://` is TLS from the first byte (port 465), `smtp+starttls://` is TLS after STARTTLS, which the relay must know
    /// (port 587), `smtp://` is no TLS, for a relay in a network of one's own (port 25). Several are parted by
    /// commas, the preferred one first: one that cannot be reached leaves its mail to the next. In user and password what
    /// is neither a letter nor a digit is written as in a URL: `%40` for `@`.
    #[arg(long, env = "SMTP_URL", hide_env_values = true, value_name = "URL", value_delimiter = ',')]
    pub smtp_url: Vec<Relay>,

    /// Who signs in to the relays whose URL does not say
    #[arg(long, env = "SMTP_USER", value_name = "NAME")]
    pub smtp_user: Option<String>,

    /// With what, where the URL does not say; not over a connection without TLS, unless the relay is on this machine
    #[arg(long, env = "SMTP_PASSWORD", hide_env_values = true, value_name = "PASSWORD")]
    pub smtp_password: Option<Secret>,

    /// File with the authorities that relays' certificates are vouched for by, in PEM; those that the machine trusts unless set
    #[arg(long, env = "SMTP_CA_FILE", value_name = "PATH", value_parser = authorities)]
    pub smtp_ca_file: Option<Authorities>,

    /// Folder for mails as .eml files when there is no relay
    #[arg(long, env = "MAIL_DIR", default_value = "mail", value_name = "PATH")]
    pub mail_dir: PathBuf,

    /// Sessions to the relay at a time
    #[arg(long, env = "MAIL_SESSIONS", default_value = "4", value_name = "N")]
    pub mail_sessions: NonZeroU32,

    /// Mails a second that may go to the relays, of all daemons together; 0 for as many as they take
    #[arg(long, env = "MAILS_PER_SECOND", default_value = "0", value_name = "N")]
    pub mails_per_second: u32,

    /// Mails a second that may go to one domain, of all daemons together; 0 for as many as the relays take
    #[arg(long, env = "DOMAIN_MAILS_PER_SECOND", default_value = "0", value_name = "N")]
    pub domain_mails_per_second: u32,

    /// File with the key that mail is signed with by DKIM, in PEM: Ed25519, or RSA of 2048 bits or more; unsigned unless set
    #[arg(long, env = "DKIM_KEY_FILE", value_name = "PATH", value_parser = key, requires = "dkim_selector")]
    pub dkim_key_file: Option<SigningKey>,

    /// Under which name below `_domainkey` the DNS has the public half of that key
    #[arg(long, env = "DKIM_SELECTOR", value_name = "NAME", value_parser = host_name, requires = "dkim_key_file")]
    pub dkim_selector: Option<String>,

    /// Domain that signs; that of --mail-from unless set
    #[arg(long, env = "DKIM_DOMAIN", value_name = "DOMAIN", value_parser = host_name, requires = "dkim_key_file")]
    pub dkim_domain: Option<String>,
}

impl Mail {
    /// The relays in order of preference, each with what is said for all.
    pub fn relays(&self) -> Vec<Relay> {
        let whole = |relay: &Relay| Relay {
            user: relay.user.clone().or_else(|| self.smtp_user.clone()),
            password: relay.password.clone().or_else(|| self.smtp_password.clone()),
            ..relay.clone()
        };
        self.smtp_url.iter().map(whole).collect()
    }

    /// Says which settings do not fit each other.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        for relay in self.relays() {
            match (&relay.user, &relay.password) {
                (Some(_), None) => {
                    return Err("SMTP_PASSWORD (--smtp-password): is required, for a relay is given a user");
                }
                (None, Some(_)) => return Err("SMTP_USER (--smtp-user): is required, for a relay is given a password"),
                (Some(_), Some(_)) if relay.encryption == Encryption::None && !relay.is_on_this_machine() => {
                    return Err(
                        "SMTP_URL (--smtp-url): must begin with smtps:// or smtp+starttls:// where a password goes",
                    );
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// How what is said to a relay is kept from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// Not at all.
    None,
    /// TLS once the relay has agreed to it.
    StartTls,
    /// TLS from the first byte.
    Implicit,
}

/// An SMTP relay.
#[derive(Clone, Debug)]
pub struct Relay {
    /// Name or address.
    pub host: String,
    /// That of the scheme when the URL has none.
    pub port: u16,
    /// What the scheme says.
    pub encryption: Encryption,
    /// Who signs in.
    pub user: Option<String>,
    /// With what.
    pub password: Option<Secret>,
}

impl Relay {
    /// User and password; none where nobody signs in.
    pub fn login(&self) -> Option<(&str, &Secret)> {
        self.user.as_deref().zip(self.password.as_ref())
    }

    /// Whether what is said to it stays on this machine.
    fn is_on_this_machine(&self) -> bool {
        self.host.eq_ignore_ascii_case("localhost") || self.host.parse().is_ok_and(|it: IpAddr| it.is_loopback())
    }
}

impl FromStr for Relay {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "must look like smtps://user:password@host:465, smtp+starttls://host:587 or smtp://host:25";
        let (scheme, rest) = text.split_once("://").ok_or(FORM)?;
        let (encryption, usual) = match scheme {
            "smtp" => (Encryption::None, 25),
            "smtp+starttls" => (Encryption::StartTls, 587),
            "smtps" => (Encryption::Implicit, 465),
            _ => return Err(FORM),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (login, place) = match rest.rsplit_once('@') {
            Some((login, place)) => (Some(login), place),
            None => (None, rest),
        };
        let (host, port) = parted(place).ok_or(FORM)?;
        let (user, password) =
            match login.map(|it| it.split_once(':').map_or((it, None), |(user, it)| (user, Some(it)))) {
                Some((user, password)) => (Some(user), password),
                None => (None, None),
            };
        let plain = |it: &str| decoded(it).filter(|it| !it.is_empty() && !it.contains('\0')).ok_or(FORM);
        Ok(Self {
            host: host.to_owned(),
            port: port.map_or(Ok(usual), str::parse).map_err(|_not_a_port| FORM)?,
            encryption,
            user: user.map(plain).transpose()?,
            password: password.map(plain).transpose()?.map(Secret::from),
        })
    }
}

/// Parts a host from its port. An address of IPv6 stands in brackets.
fn parted(place: &str) -> Option<(&str, Option<&str>)> {
    if let Some((host, rest)) = place.strip_prefix('[').and_then(|it| it.split_once(']')) {
        host.parse::<IpAddr>().ok()?;
        return if rest.is_empty() { Some((host, None)) } else { Some((host, Some(rest.strip_prefix(':')?))) };
    }
    let (host, port) = place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port)));
    let is_plain = |it: char| it.is_ascii_alphanumeric() || ".-_".contains(it);
    (!host.is_empty() && host.chars().all(is_plain)).then_some((host, port))
}

/// Reads a part of a URL in which `%40` stands for `@`.
///
/// Source: RFC 3986, section 2.1.
fn decoded(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        // A sign would pass for a digit.
        digits.bytes().all(|it| it.is_ascii_hexdigit()).then_some(())?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

fn key(path: &str) -> Result<SigningKey, String> {
    let pem = fs::read(path).map_err(|error| format!("must be a file that can be read: {error}"))?;
    Ok(SigningKey::from_pem(&pem)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relay(url: &str) -> Relay {
        url.parse().unwrap()
    }

    #[test]
    fn the_scheme_says_how_a_relay_is_spoken_to_and_where() {
        for (url, encryption, host, port) in [
            ("smtp://relay.example", Encryption::None, "relay.example", 25),
            ("smtp+starttls://relay.example/", Encryption::StartTls, "relay.example", 587),
            ("smtps://relay.example", Encryption::Implicit, "relay.example", 465),
            ("smtps://10.0.0.1:2465/", Encryption::Implicit, "10.0.0.1", 2465),
            ("smtp://[::1]", Encryption::None, "::1", 25),
            ("smtp://[2001:db8::2]:2525", Encryption::None, "2001:db8::2", 2525),
        ] {
            let relay = relay(url);
            assert_eq!((relay.encryption, relay.host.as_str(), relay.port), (encryption, host, port), "{url}");
            assert!(relay.login().is_none(), "{url}");
        }
    }

    #[test]
    fn user_and_password_are_read_as_in_a_url_and_the_password_is_not_shown() {
        let relay = relay("smtps://ada%40work.example:p%3A%2C%2f%C3%A9+x@relay.example");
        let (user, password) = relay.login().unwrap();
        assert_eq!((user, password.expose()), ("ada@work.example", "p:,/é+x"));
        assert!(!format!("{relay:?}").contains("p:"));
    }

    #[test]
    fn what_is_no_relay_is_refused() {
        for url in [
            "",
            "relay.example",
            "http://relay.example",
            "smtp:/relay.example",
            "smtp://",
            "smtp://relay.example:",
            "smtp://relay.example:port",
            "smtp://relay.example:65536",
            "smtp://a b",
            "smtp://a\r\nb",
            "smtp://@relay.example",
            "smtps://:p@relay.example",
            "smtps://u:@relay.example",
            "smtps://u:%4@relay.example",
            "smtps://u:%+4@relay.example",
            "smtps://u:%ff@relay.example",
            "smtps://u%00:p@relay.example",
            "smtp://[::1",
            "smtp://[relay]",
            "smtp://[::1]25",
            "smtp://relay.example/path",
        ] {
            assert!(url.parse::<Relay>().is_err(), "{url}");
        }
    }

    #[test]
    fn only_loopback_is_this_machine() {
        for url in
            ["smtp://localhost", "smtp://LOCALHOST:25", "smtp://127.0.0.1", "smtp://127.8.8.8", "smtp://[::1]:25"]
        {
            assert!(relay(url).is_on_this_machine(), "{url}");
        }
        for url in ["smtp://localhost.example", "smtp://10.0.0.1", "smtp://[2001:db8::2]", "smtp://127.0.0.1.example"] {
            assert!(!relay(url).is_on_this_machine(), "{url}");
        }
    }
}
