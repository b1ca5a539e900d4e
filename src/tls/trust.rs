//! The side that calls: whom the certificate of the other side must be vouched for by, and what it is shown of us.

use std::{
    fmt, io,
    sync::{Arc, LazyLock, OnceLock},
};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{ClientConfig, RootCertStore, pki_types::ServerName},
};
use tracing::warn;

use super::{Authorities, Pair, VERSIONS, provider};

/// Whom the machine trusts. Read once, and only where it is asked for.
static MACHINE: LazyLock<RootCertStore> = LazyLock::new(|| {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (trusted, _ignored) = roots.add_parsable_certificates(found.certs);
    if trusted == 0 {
        warn!(errors = ?found.errors, "this machine trusts nobody: nobody can be spoken to under TLS");
    }
    roots
});

/// Who is spoken to under TLS, and as whom. Cheap to clone.
#[derive(Clone, Default)]
pub struct Trust {
    authorities: Option<Authorities>,
    own: Option<Pair>,
    protocol: &'static [u8],
    /// Made when it is first needed, so that who never speaks under TLS does not read what the machine trusts.
    config: Arc<OnceLock<Arc<ClientConfig>>>,
}

impl Trust {
    /// Trusts `authorities` and nobody else, or whom the machine trusts. `protocol` is what is spoken then, as ALPN names
    /// it; empty where it is not said.
    pub fn new(authorities: Option<&Authorities>, protocol: &'static [u8]) -> Self {
        Self { authorities: authorities.cloned(), protocol, ..Self::default() }
    }

    /// Trusts nobody, for who is not to speak under TLS.
    pub fn nobody() -> Self {
        Self::new(Some(&Authorities::none()), b"")
    }

    /// Shows `own` to whoever asks who is calling.
    pub fn showing(self, own: Option<Pair>) -> Self {
        Self { own, config: Arc::default(), ..self }
    }

    /// How connections are made.
    pub fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(self.config.get_or_init(|| Arc::new(self.made())))
    }

    fn made(&self) -> ClientConfig {
        let roots = self.authorities.as_ref().map_or_else(|| &*MACHINE, Authorities::roots);
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect(VERSIONS)
            .with_root_certificates(roots.clone());
        let mut config = match &self.own {
            None => builder.with_no_client_auth(),
            Some(Pair { chain, key, .. }) => {
                let shown = builder.with_client_auth_cert(chain.clone(), key.clone_key());
                shown.expect("a pair was found to be one when it was read")
            }
        };
        if !self.protocol.is_empty() {
            config.alpn_protocols = vec![self.protocol.to_vec()];
        }
        config
    }

    /// Returns the connection `stream` under TLS, if its other end is `host`.
    ///
    /// # Errors
    ///
    /// When the other end is somebody else, or does not speak TLS.
    pub async fn wrap<S>(&self, host: &str, stream: S) -> io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        TlsConnector::from(self.config()).connect(name, stream).await
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.authorities.is_some() { "authorities of its own" } else { "authorities of the machine" })
    }
}
