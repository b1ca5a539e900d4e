//! Hashes passwords, a few at a time, off the threads that serve calls.
//!
//! Argon2id with 19 MiB, two passes, one lane, into a PHC string that says so: what was hashed otherwise can still be
//! verified, and is hashed anew when its owner comes by. Source: OWASP Password Storage Cheat Sheet, 2025.
//!
//! The memory of a hash is kept and used again, which saves a quarter of the time; there are never more pieces of it than
//! hashes at work.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::phc::{Output, ParamsString, PasswordHash, Salt},
};
use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};
use tracing::error;

use super::Secret;
use crate::error::{Error, Reason, Result};

/// The bytes of a salt. Source: RFC 9106, section 3.1.
const SALT_BYTES: usize = 16;

/// The bytes of a hash. Source: RFC 9106, section 4.
const HASH_BYTES: usize = 32;

/// How long a password waits for its turn to be hashed before the caller is told to come back.
const HASH_WAIT_MAX: Duration = Duration::from_secs(2);

/// How many passwords wait at a time: at 50 ms each this is what fits into the wait.
const HASH_QUEUE_MAX: usize = 32;

/// How many of these may be other work than hashing: whoever has passwords judged without end, which anybody may, keeps
/// nobody from signing in.
const BESIDE_MAX: usize = HASH_QUEUE_MAX / 4;

/// The most memory, in KiB, that a stored hash may ask for: nobody who writes into the table gets to fill ours.
const STORED_KIB_MAX: u32 = 128 << 10;

/// The most passes that a stored hash may ask for, for the same reason.
const STORED_PASSES_MAX: u32 = 10;

/// Hashes passwords. Cheap to clone.
#[derive(Clone)]
pub struct Hasher {
    permits: Arc<Semaphore>,
    queue: Arc<Semaphore>,
    beside: Arc<Semaphore>,
    desk: Arc<Desk>,
}

/// What hashes work with.
#[derive(Default)]
struct Desk {
    /// Memory that no hash is using.
    memory: Mutex<Vec<Vec<Block>>>,
    /// How many were made.
    made: AtomicU64,
}

impl Default for Hasher {
    /// One core is left to everybody else.
    fn default() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self {
            permits: Arc::new(Semaphore::new((cores - 1).max(1))),
            queue: Arc::new(Semaphore::new(HASH_QUEUE_MAX)),
            beside: Arc::new(Semaphore::new(BESIDE_MAX)),
            desk: Arc::default(),
        }
    }
}

impl Hasher {
    /// Hashes `password` with a new salt, to a PHC string.
    ///
    /// # Errors
    ///
    /// [`Error::Exhausted`] when too many are waiting.
    pub async fn hash(&self, password: &Secret) -> Result<String> {
        let password = password.normal();
        self.run(move |desk| {
            let mut salt = [0; SALT_BYTES];
            getrandom::fill(&mut salt).map_err(Error::internal)?;
            desk.phc(&password, &salt)
        })
        .await
    }

    /// Whether `password` is the one that `phc` was made from.
    ///
    /// Without a `phc` the answer is no, after as much work: who has an account is nobody's business. The same goes for
    /// one that cannot be read or asks for more than is given, which the log tells.
    ///
    /// # Errors
    ///
    /// [`Error::Exhausted`] when too many are waiting.
    pub async fn verify(&self, password: &Secret, phc: Option<String>) -> Result<bool> {
        let password = password.normal();
        self.run(move |desk| desk.is_of(&password, phc.as_deref())).await
    }

    /// Whether `password` is one of those that `phcs` were made from. All are looked at, one after the other.
    ///
    /// # Errors
    ///
    /// [`Error::Exhausted`] when too many are waiting.
    pub async fn verify_any(&self, password: &Secret, phcs: Vec<String>) -> Result<bool> {
        let password = password.normal();
        self.run(move |desk| {
            let mut is_any = false;
            for phc in phcs {
                is_any |= desk.is_of(&password, Some(&phc))?;
            }
            Ok(is_any)
        })
        .await
    }

    /// Whether `phc` was made otherwise than [`Self::hash`] makes them.
    pub fn is_outdated(phc: &str) -> bool {
        let params = PasswordHash::new(phc).ok().filter(|it| it.version == Some(Version::V0x13.into()));
        let params = params.filter(|it| it.algorithm == Algorithm::Argon2id.ident());
        let params = params.and_then(|it| Params::try_from(&it).ok());
        let now = Params::DEFAULT;
        let costs = |it: &Params| (it.m_cost(), it.t_cost(), it.p_cost());
        params.is_none_or(|it| costs(&it) != costs(&now))
    }

    /// How many passwords are being hashed or wait for it.
    pub fn waiting(&self) -> usize {
        HASH_QUEUE_MAX - self.queue.available_permits()
    }

    /// How many hashes were made so far.
    pub fn made(&self) -> u64 {
        self.desk.made.load(Ordering::Relaxed)
    }

    /// Does other work about passwords that takes a while, in turn with the hashes.
    ///
    /// # Errors
    ///
    /// [`Error::Exhausted`] when too many are waiting, or too much of such work is.
    pub async fn beside<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let place = Arc::clone(&self.beside).try_acquire_owned().map_err(|_full| busy())?;
        self.run(move |_| {
            let _held = place;
            Ok(work())
        })
        .await
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce(&Desk) -> Result<T> + Send + 'static) -> Result<T> {
        let place = Arc::clone(&self.queue).try_acquire_owned().map_err(|_full| busy())?;
        let permit = timeout(HASH_WAIT_MAX, Arc::clone(&self.permits).acquire_owned())
            .await
            .map_err(|_late| busy())?
            .map_err(Error::internal)?;
        let desk = Arc::clone(&self.desk);
        // The permit goes with the work: a caller who hangs up does not stop it.
        spawn_blocking(move || {
            let _held = (permit, place);
            work(&desk)
        })
        .await
        .map_err(Error::internal)?
    }
}

fn busy() -> Error {
    Error::Exhausted(Reason::Overloaded, HASH_WAIT_MAX)
}

impl Desk {
    fn phc(&self, password: &Secret, salt: &[u8]) -> Result<String> {
        let params = Params::DEFAULT;
        let mut out = [0; HASH_BYTES];
        self.fill(password, salt, &params, &mut out)?;
        let phc = PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(&params).map_err(Error::internal)?,
            salt: Some(Salt::new(salt).map_err(Error::internal)?),
            hash: Some(Output::new(&out).map_err(Error::internal)?),
        };
        Ok(phc.to_string())
    }

    fn is_of(&self, password: &Secret, phc: Option<&str>) -> Result<bool> {
        let stored = phc.and_then(|it| {
            let read = stored(it);
            if read.is_none() {
                error!("a stored password is no hash of Argon2id within bounds");
            }
            read
        });
        let Some((params, salt, hash)) = stored else {
            self.fill(password, &[0; SALT_BYTES], &Params::DEFAULT, &mut [0; HASH_BYTES])?;
            return Ok(false);
        };
        let mut out = vec![0; hash.len()];
        self.fill(password, &salt, &params, &mut out)?;
        // Outputs are compared in constant time.
        Ok(Output::new(&out).map_err(Error::internal)? == hash)
    }

    /// Computes one hash into `out`.
    fn fill(&self, password: &Secret, salt: &[u8], params: &Params, out: &mut [u8]) -> Result<()> {
        self.made.fetch_add(1, Ordering::Relaxed);
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
        let usual = params.block_count() == Params::DEFAULT.block_count();
        let mut memory = if usual { self.memory().pop() } else { None };
        let blocks = memory.get_or_insert_with(|| vec![Block::new(); params.block_count()]);
        let filled =
            argon2.hash_password_into_with_memory(password.expose().as_bytes(), salt, out, blocks.as_mut_slice());
        if usual {
            self.memory().extend(memory);
        }
        filled.map_err(Error::internal)
    }

    fn memory(&self) -> std::sync::MutexGuard<'_, Vec<Vec<Block>>> {
        // Nothing here panics half-way.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a PHC string asks for, when that is Argon2id and within bounds.
fn stored(phc: &str) -> Option<(Params, Vec<u8>, Output)> {
    let phc = PasswordHash::new(phc).ok()?;
    let params = Params::try_from(&phc).ok()?;
    let is_ours = phc.algorithm == Algorithm::Argon2id.ident() && phc.version == Some(Version::V0x13.into());
    let is_bounded = params.m_cost() <= STORED_KIB_MAX && params.t_cost() <= STORED_PASSES_MAX;
    (is_ours && is_bounded).then_some(())?;
    Some((params, phc.salt?.to_vec(), phc.hash?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::from(text.to_owned())
    }

    #[tokio::test]
    async fn a_password_is_known_again_however_it_was_typed() {
        let hasher = Hasher::default();
        let composed = secret("caf\u{e9} au lait at nine");
        let decomposed = secret("cafe\u{301} au lait at nine");
        let phc = hasher.hash(&composed).await.unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(!Hasher::is_outdated(&phc));
        assert!(hasher.verify(&decomposed, Some(phc.clone())).await.unwrap());
        assert!(!hasher.verify(&secret("tea at nine"), Some(phc.clone())).await.unwrap());
        assert!(!hasher.verify(&composed, None).await.unwrap());
        assert_eq!(hasher.made(), 4);
        assert!(hasher.verify_any(&composed, vec![hasher.hash(&secret("other")).await.unwrap(), phc]).await.unwrap());
    }

    #[tokio::test]
    async fn what_others_have_hashed_is_verified_and_outdated() {
        // Of `password` with the salt `somesalt`; made by the reference implementation.
        let phc = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
        let hasher = Hasher::default();
        assert!(hasher.verify(&secret("password"), Some(phc.to_owned())).await.unwrap());
        assert!(!hasher.verify(&secret("passwort"), Some(phc.to_owned())).await.unwrap());
        assert!(Hasher::is_outdated(phc));
    }

    #[tokio::test]
    async fn a_stored_hash_that_asks_for_too_much_is_not_computed() {
        let hasher = Hasher::default();
        for asks in ["m=131073,t=1,p=1", "m=1024,t=11,p=1"] {
            let phc = format!("$argon2id$v=19${asks}$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4");
            assert!(stored(&phc).is_none(), "{asks}");
            assert!(!hasher.verify(&secret("password"), Some(phc)).await.unwrap());
        }
        assert!(!hasher.verify(&secret("password"), Some("nonsense".to_owned())).await.unwrap());
        assert_eq!(hasher.made(), 3, "each costs what any other does");
    }

    #[tokio::test]
    async fn whoever_has_passwords_judged_without_end_keeps_nobody_from_signing_in() {
        let hasher = Hasher::default();
        let (open, gate) = std::sync::mpsc::channel::<()>();
        let gate = Arc::new(Mutex::new(gate));
        let judges: Vec<_> = (0..BESIDE_MAX)
            .map(|_| {
                let (hasher, gate) = (hasher.clone(), Arc::clone(&gate));
                tokio::spawn(async move { hasher.beside(move || gate.lock().unwrap().recv().unwrap_err()).await })
            })
            .collect();
        while hasher.waiting() < BESIDE_MAX {
            tokio::task::yield_now().await;
        }
        assert!(matches!(hasher.beside(|| ()).await, Err(Error::Exhausted(Reason::Overloaded, _))));
        let sign_in = hasher.clone();
        let sign_in = tokio::spawn(async move { sign_in.verify(&secret("password"), None).await });
        while hasher.waiting() == BESIDE_MAX {
            tokio::task::yield_now().await;
        }
        drop(open);
        assert!(!sign_in.await.unwrap().unwrap());
        for judge in judges {
            judge.await.unwrap().unwrap();
        }
        hasher.beside(|| ()).await.unwrap();
    }

    #[tokio::test]
    async fn there_is_no_more_memory_than_hashes_at_work() {
        let hasher = Hasher::default();
        for _ in 0..3 {
            hasher.verify(&secret("password"), None).await.unwrap();
        }
        assert_eq!(hasher.desk.memory().len(), 1);
    }
}
