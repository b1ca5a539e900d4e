//! TLS: whom we believe, and how we show who we are. Nothing outside of this knows how that is done.
//!
//! [`Trust`] is the side that calls: relays, PostgreSQL, servers of ours. [`Acceptor`] is the side that is called, whose
//! files may be replaced while it is in use. That nobody looks at a certificate cannot be chosen on either side.

mod acceptor;
mod names;
mod paper;
mod trust;

use std::sync::Arc;

use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};

pub use acceptor::{Acceptor, Files, Look, Secured};
pub use paper::{Authorities, Pair};
pub use trust::Trust;

/// What our services speak under TLS, as ALPN names it.
pub const HTTP_2: &[u8] = b"h2";

/// Why every choice of versions can be made.
const VERSIONS: &str = "the provider is compiled with ciphers for TLS 1.2 and 1.3";

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}
