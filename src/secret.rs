//! Everything secret: passwords, tokens, keys. The only place that hashes and the only one that draws random numbers.

mod hasher;
mod signing;

use std::{fmt, str::FromStr, sync::Arc};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;

pub use hasher::Hasher;
pub use signing::{Algorithm, SigningKey};

use crate::error::{Error, Result};

/// The bytes of a token: 256 bits cannot be guessed.
const TOKEN_BYTES: usize = 32;

/// Text that must not be seen. It cannot be printed.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Shows the secret to the one who needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The same as it is compared and hashed: a password typed on another keyboard is the same password.
    ///
    /// Source: NIST SP 800-63B, NFKC before hashing.
    pub fn normal(&self) -> Self {
        Self(self.0.nfkc().collect())
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl FromStr for Secret {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// SHA-256 of something secret: all that is kept of a token or key.
pub type Hash = [u8; 32];

/// Hashes a token or a key. One round is enough: they are random, not chosen.
pub fn hash(token: &str) -> Hash {
    Sha256::digest(token.as_bytes()).into()
}

/// Takes the SHA-256 of bytes that come piece by piece.
#[derive(Default)]
pub struct Digester(Sha256);

impl Digester {
    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all of them.
    pub fn finish(self) -> Hash {
        self.0.finalize().into()
    }
}

/// A digest of any bytes, for telling requests apart and for names of messages.
pub fn digest(parts: &[&[u8]]) -> Hash {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    digest.finalize().into()
}

/// Draws a new token: `prefix`, then 256 bits in base64url.
///
/// # Errors
///
/// [`Error::Internal`] when the system has no random numbers.
pub fn token(prefix: &str) -> Result<Secret> {
    let mut bytes = [0; TOKEN_BYTES];
    getrandom::fill(&mut bytes).map_err(Error::internal)?;
    Ok(Secret(format!("{prefix}{}", BASE64_URL_SAFE_NO_PAD.encode(bytes))))
}

/// The key that tokens are derived from and signed with, so that they need not be stored. With it go those that were the
/// key before: they make nothing any more, and what they have made is still read.
#[derive(Clone)]
pub struct TokenKey {
    key: Arc<[u8]>,
    old: Arc<[Arc<[u8]>]>,
}

impl TokenKey {
    /// The same key, that also reads what `old` ones have made.
    pub fn reading(self, old: &OldKeys) -> Self {
        Self { old: old.0.iter().map(|it| Arc::clone(&it.key)).collect(), ..self }
    }

    /// Makes the token of `purpose` for `subject`: always the same, and nobody without the key can make it.
    pub fn derive(&self, purpose: &str, subject: &[u8]) -> Secret {
        derived(&self.key, purpose, subject)
    }

    /// Makes the token of `purpose` for `subject` again, of which `kept` is the hash: with the key that has made it. With
    /// the present one when none of those that are left has.
    pub fn derive_again(&self, purpose: &str, subject: &[u8], kept: &[u8]) -> Secret {
        let mut tokens = self.keys().map(|key| derived(key, purpose, subject));
        tokens.find(|it| hash(it.expose()) == kept).unwrap_or_else(|| self.derive(purpose, subject))
    }

    /// Wraps `content` so that [`Self::open`] can tell that it was made here, for `purpose`. It can be read by anyone.
    pub fn seal(&self, purpose: &str, content: &[u8]) -> String {
        let mac = mac(&self.key, purpose, content).finalize().into_bytes();
        BASE64_URL_SAFE_NO_PAD.encode([mac.as_slice(), content].concat())
    }

    /// Gives back what was sealed for `purpose`, with this key or an old one; `None` for anything else. Takes the same time
    /// for every wrong seal.
    pub fn open(&self, purpose: &str, sealed: &str) -> Option<Vec<u8>> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (seal, content) = bytes.split_at_checked(size_of::<Hash>())?;
        self.keys().any(|key| mac(key, purpose, content).verify_slice(seal).is_ok()).then(|| content.to_vec())
    }

    fn keys(&self) -> impl Iterator<Item = &[u8]> {
        std::iter::once(&self.key).chain(self.old.iter()).map(AsRef::as_ref)
    }
}

fn derived(key: &[u8], purpose: &str, subject: &[u8]) -> Secret {
    Secret(BASE64_URL_SAFE_NO_PAD.encode(mac(key, purpose, subject).finalize().into_bytes()))
}

fn mac(key: &[u8], purpose: &str, content: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(purpose.as_bytes());
    mac.update(&[0]);
    mac.update(content);
    mac
}

impl FromStr for TokenKey {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.as_bytes();
        let pairs = digits.chunks_exact(2);
        if digits.len() < 2 * TOKEN_BYTES || !pairs.remainder().is_empty() {
            return Err("must be 32 bytes or more in hexadecimal");
        }
        let bytes = pairs.map(|pair| {
            let digit = |it: u8| char::from(it).to_digit(16).and_then(|it| u8::try_from(it).ok());
            Some(digit(pair[0])? << 4 | digit(pair[1])?)
        });
        let bytes: Option<Arc<[u8]>> = bytes.collect();
        let key = bytes.ok_or("must be 32 bytes or more in hexadecimal")?;
        Ok(Self { key, old: Arc::default() })
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Keys that were the key of tokens before.
#[derive(Clone, Debug, Default)]
pub struct OldKeys(Vec<TokenKey>);

impl FromStr for OldKeys {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let keys = text.split(',').map(str::trim).filter(|it| !it.is_empty()).map(str::parse);
        let keys: Option<_> = keys.map(|it: Result<_, &str>| it.ok()).collect();
        keys.map(Self).ok_or("must be keys of 32 bytes or more in hexadecimal, with commas between them")
    }
}

/// The digits of bytes: hexadecimal, in small letters.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|it| format!("{it:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> TokenKey {
        text.parse().unwrap()
    }

    #[test]
    fn a_key_is_32_bytes_in_hexadecimal_or_refused() {
        assert!("00".repeat(32).parse::<TokenKey>().is_ok());
        assert!("00".repeat(31).parse::<TokenKey>().is_err());
        assert!(format!("{}0", "00".repeat(32)).parse::<TokenKey>().is_err());
        assert!("zz".repeat(32).parse::<TokenKey>().is_err());
    }

    #[test]
    fn what_is_sealed_opens_with_its_own_key_and_purpose_alone() {
        let ours = key(&"0a".repeat(32));
        let sealed = ours.seal("unsubscribe", b"all");
        assert_eq!(ours.open("unsubscribe", &sealed).as_deref(), Some(b"all".as_slice()));
        assert_eq!(ours.open("page", &sealed), None);
        assert_eq!(key(&"0b".repeat(32)).open("unsubscribe", &sealed), None);
        assert_eq!(ours.open("unsubscribe", &sealed[1..]), None);
        assert_eq!(ours.open("unsubscribe", ""), None);
    }

    #[test]
    fn what_an_old_key_has_made_is_read_and_made_again_and_nothing_new_is_made_with_it() {
        let (old, new) = (key(&"0a".repeat(32)), "0b".repeat(32));
        let both = key(&new).reading(&format!("{}, {}", "0c".repeat(32), "0a".repeat(32)).parse().unwrap());
        let sealed = old.seal("unsubscribe", b"all");
        assert_eq!(both.open("unsubscribe", &sealed).as_deref(), Some(b"all".as_slice()));
        assert_eq!(both.open("page", &sealed), None);
        assert_eq!(both.seal("unsubscribe", b"all"), key(&new).seal("unsubscribe", b"all"));

        let token = old.derive("invite", b"1");
        assert_eq!(both.derive_again("invite", b"1", &hash(token.expose())).expose(), token.expose());
        let present = both.derive("invite", b"1");
        assert_ne!(present.expose(), token.expose());
        for kept in [hash(present.expose()), hash("of a key that is gone")] {
            assert_eq!(both.derive_again("invite", b"1", &kept).expose(), present.expose());
        }
    }

    #[test]
    fn old_keys_are_keys_with_commas_between_or_none() {
        assert_eq!("".parse::<OldKeys>().unwrap().0.len(), 0);
        assert_eq!("0a".repeat(32).parse::<OldKeys>().unwrap().0.len(), 1);
        assert!(format!("{},0a", "0a".repeat(32)).parse::<OldKeys>().is_err());
    }

    #[test]
    fn a_secret_is_not_printed() {
        let secret = Secret::from("hunter2".to_owned());
        assert_eq!(format!("{secret:?} {:?}", key(&"0a".repeat(32))), "*** ***");
    }

    #[test]
    fn digests_of_parts_depend_on_where_they_are_cut() {
        assert_ne!(digest(&[b"ab", b"c"]), digest(&[b"a", b"bc"]));
    }
}
