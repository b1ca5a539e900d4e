//! TLS to a relay: whom its certificate must be vouched for by. That nobody looks cannot be chosen.

use std::io;
use std::sync::{Arc, LazyLock};

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tracing::warn;

use super::wire::Stream;
use crate::config::Authorities;

/// Whom the machine trusts. Read once, and only where it is asked for.
static MACHINE: LazyLock<TlsConnector> = LazyLock::new(|| {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (trusted, _ignored) = roots.add_parsable_certificates(found.certs);
    if trusted == 0 {
        warn!(errors = ?found.errors, "this machine trusts nobody: no relay can be spoken to under TLS");
    }
    connector(roots)
});

/// How relays are spoken to under TLS. Cheap to clone.
#[derive(Clone, Default)]
pub struct Tls(Option<TlsConnector>);

impl Tls {
    /// Trusts `authorities` and nobody else, or whom the machine trusts.
    pub fn new(authorities: Option<&Authorities>) -> Self {
        Self(authorities.map(|it| connector(it.roots().clone())))
    }

    /// Returns the connection `stream` under TLS, if its other end is `host`.
    pub(in crate::mail) async fn wrap(&self, host: &str, stream: Box<dyn Stream>) -> io::Result<Box<dyn Stream>> {
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        let connector = self.0.as_ref().unwrap_or_else(|| &MACHINE);
        Ok(Box::new(connector.connect(name, stream).await?))
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "authorities of its own" } else { "authorities of the machine" })
    }
}

fn connector(roots: RootCertStore) -> TlsConnector {
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider is compiled with ciphers for TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}
