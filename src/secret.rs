//! Everything secret: passwords, tokens, keys. The only place that hashes and the only one that draws random numbers.

use std::{fmt, str::FromStr, sync::Arc, thread, time::Duration};

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};
use unicode_normalization::UnicodeNormalization;

use crate::error::{Error, Reason, Result};

/// The bytes of a token: 256 bits cannot be guessed.
const TOKEN_BYTES: usize = 32;

/// The bytes of a salt. Source: RFC 9106, section 3.1.
const SALT_BYTES: usize = 16;

/// How long a password waits for its turn to be hashed before the caller is told to come back.
const HASH_WAIT_MAX: Duration = Duration::from_secs(2);

/// How many passwords wait at a time: at 50 ms each this is what fits into the wait.
const HASH_QUEUE_MAX: usize = 32;

/// Text that must not be seen. It cannot be printed.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Shows the secret to the one who needs it.
    pub fn expose(&self) -> &str {
        &self.0
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

/// The key that tokens are derived from and signed with, so that they need not be stored.
#[derive(Clone)]
pub struct TokenKey(Arc<[u8]>);

impl TokenKey {
    /// Makes the token of `purpose` for `subject`: always the same, and nobody without the key can make it.
    pub fn derive(&self, purpose: &str, subject: &[u8]) -> Secret {
        Secret(BASE64_URL_SAFE_NO_PAD.encode(self.mac(purpose, subject).finalize().into_bytes()))
    }

    /// Wraps `content` so that [`Self::open`] can tell that it was made here, for `purpose`. It can be read by anyone.
    pub fn seal(&self, purpose: &str, content: &[u8]) -> String {
        let mac = self.mac(purpose, content).finalize().into_bytes();
        BASE64_URL_SAFE_NO_PAD.encode([mac.as_slice(), content].concat())
    }

    /// Gives back what was sealed for `purpose`; `None` for anything else. Takes the same time for every wrong seal.
    pub fn open(&self, purpose: &str, sealed: &str) -> Option<Vec<u8>> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (mac, content) = bytes.split_at_checked(size_of::<Hash>())?;
        self.mac(purpose, content).verify_slice(mac).ok()?;
        Some(content.to_vec())
    }

    fn mac(&self, purpose: &str, content: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        mac.update(purpose.as_bytes());
        mac.update(&[0]);
        mac.update(content);
        mac
    }
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
        bytes.map(Self).ok_or("must be 32 bytes or more in hexadecimal")
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Hashes passwords, a few at a time, off the threads that serve calls. Cheap to clone.
///
/// Argon2id with 19 MiB, two passes, one lane. Source: OWASP Password Storage Cheat Sheet, 2025.
#[derive(Clone)]
pub struct Hasher {
    permits: Arc<Semaphore>,
    queue: Arc<Semaphore>,
}

impl Default for Hasher {
    /// One core is left to everybody else.
    fn default() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self { permits: Arc::new(Semaphore::new((cores - 1).max(1))), queue: Arc::new(Semaphore::new(HASH_QUEUE_MAX)) }
    }
}

impl Hasher {
    /// Hashes `password` with a new salt, to a PHC string.
    ///
    /// # Errors
    ///
    /// [`Error::Exhausted`] when too many are waiting.
    pub async fn hash(&self, password: &Secret) -> Result<String> {
        let password = normal(password);
        self.run(move || {
            let mut salt = [0; SALT_BYTES];
            getrandom::fill(&mut salt).map_err(Error::internal)?;
            let hash = Argon2::default().hash_password_with_salt(password.as_bytes(), &salt);
            hash.map(|it| it.to_string()).map_err(Error::internal)
        })
        .await
    }

    /// Whether `password` is the one that `phc` was made from.
    ///
    /// Without a `phc` the answer is no, after as much work: who has an account is nobody's business.
    ///
    /// # Errors
    ///
    /// [`Error::Exhausted`] when too many are waiting.
    pub async fn verify(&self, password: &Secret, phc: Option<String>) -> Result<bool> {
        let password = normal(password);
        self.run(move || match phc {
            Some(phc) => Ok(Argon2::default().verify_password(password.as_bytes(), phc.as_str()).is_ok()),
            None => {
                let work = Argon2::default().hash_password_with_salt(password.as_bytes(), &[0; SALT_BYTES]);
                work.map(|_| false).map_err(Error::internal)
            }
        })
        .await
    }

    /// How many passwords are being hashed or wait for it.
    pub fn waiting(&self) -> usize {
        HASH_QUEUE_MAX - self.queue.available_permits()
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        let busy = || Error::Exhausted(Reason::Overloaded, HASH_WAIT_MAX);
        let place = Arc::clone(&self.queue).try_acquire_owned().map_err(|_full| busy())?;
        let permit = timeout(HASH_WAIT_MAX, Arc::clone(&self.permits).acquire_owned())
            .await
            .map_err(|_late| busy())?
            .map_err(Error::internal)?;
        // The permit goes with the work: a caller who hangs up does not stop it.
        spawn_blocking(move || {
            let _held = (permit, place);
            work()
        })
        .await
        .map_err(Error::internal)?
    }
}

/// The same password typed on another keyboard is the same password. Source: NIST SP 800-63B, NFKC before hashing.
fn normal(password: &Secret) -> String {
    password.expose().nfkc().collect()
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
    fn a_secret_is_not_printed() {
        let secret = Secret::from("hunter2".to_owned());
        assert_eq!(format!("{secret:?} {:?}", key(&"0a".repeat(32))), "*** ***");
    }

    #[test]
    fn digests_of_parts_depend_on_where_they_are_cut() {
        assert_ne!(digest(&[b"ab", b"c"]), digest(&[b"a", b"bc"]));
    }

    #[tokio::test]
    async fn a_password_is_known_again_however_it_was_typed() {
        let hasher = Hasher::default();
        let composed = Secret::from("caf\u{e9} au lait at nine".to_owned());
        let decomposed = Secret::from("cafe\u{301} au lait at nine".to_owned());
        let phc = hasher.hash(&composed).await.unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(hasher.verify(&decomposed, Some(phc.clone())).await.unwrap());
        assert!(!hasher.verify(&Secret::from("tea at nine".to_owned()), Some(phc)).await.unwrap());
        assert!(!hasher.verify(&composed, None).await.unwrap());
    }
}
