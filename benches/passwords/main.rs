//! Hashes passwords, and prints how many in a second.
//!
//! ```text
//! passwords ours THREADS COUNT     our own hasher, one for each thread, as it serves calls
//! passwords bare THREADS COUNT     argon2 with the same parameters, each thread with memory that it uses again
//! ```

use std::{env, error::Error, thread, time::Instant};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use workcenter::secret::{Hasher, Secret};

/// What may go wrong: anything, and then there is no figure.
type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// What is hashed.
const PASSWORD: &str = "correct horse battery staple";

/// The bytes of a salt and of a hash, as ours has them.
const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;

fn ours(count: usize) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (hasher, password) = (Hasher::default(), Secret::from(PASSWORD.to_owned()));
    for _ in 0..count {
        runtime.block_on(hasher.hash(&password))?;
    }
    Ok(())
}

fn bare(count: usize) -> Result<()> {
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT);
    let mut memory = vec![Block::new(); Params::DEFAULT.block_count()];
    for number in 0..count {
        let mut salt = [0; SALT_BYTES];
        salt[..8].copy_from_slice(&number.to_le_bytes());
        let mut out = [0; HASH_BYTES];
        let hashed = argon2.hash_password_into_with_memory(PASSWORD.as_bytes(), &salt, &mut out, memory.as_mut_slice());
        hashed.map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn main() -> Result<()> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (how, threads, count): (fn(usize) -> Result<()>, usize, usize) = match words[..] {
        ["ours", threads, count] => (ours, threads.parse()?, count.parse()?),
        ["bare", threads, count] => (bare, threads.parse()?, count.parse()?),
        _ => return Err("what there is to do stands at the top of benches/passwords/main.rs".into()),
    };
    let began = Instant::now();
    let all: Vec<_> = (0..threads).map(|_| thread::spawn(move || how(count))).collect();
    for one in all {
        one.join().map_err(|_panic| "a thread panicked")??;
    }
    println!(r#"{{"per_s": {:.2}}}"#, (threads * count) as f64 / began.elapsed().as_secs_f64());
    Ok(())
}
