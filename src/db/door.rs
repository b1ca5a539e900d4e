//! How a connection is opened: there is one way for all, so that what is asked of TLS holds for every one.

use tokio_postgres::{Client, Config, Socket, config::SslMode, tls::MakeTlsConnect};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{CONNECT_MAX, DbError, SESSION};
use crate::{
    config,
    error::{Error, Result},
    tls::Trust,
};

/// What is spoken under TLS, as ALPN names it. Source: PostgreSQL 17, "Frontend/Backend Protocol", section "SSL Session
/// Encryption"; servers before it do not look.
const PROTOCOL: &[u8] = b"postgresql";

/// The far end of a connection, which must be polled for anything to happen.
pub type Wire = tokio_postgres::Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>;

/// Where connections are opened. Cheap to clone.
#[derive(Clone)]
pub struct Door {
    pub(super) config: Config,
    pub(super) tls: MakeRustlsConnect,
}

impl Door {
    /// The door to the database of `settings`.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] when the URL is none, or does not say enough.
    pub fn new(settings: &config::Database) -> Result<Self> {
        let mut config = settings.config().map_err(Error::internal)?;
        config.options(SESSION).connect_timeout(CONNECT_MAX);
        if config.get_application_name().is_none() {
            config.application_name("workcenter");
        }
        let trust = match config.get_ssl_mode() {
            SslMode::Disable => Trust::nobody(),
            _ => Trust::new(settings.authorities.as_ref(), PROTOCOL),
        };
        Ok(Self { config, tls: MakeRustlsConnect::new((*trust.config()).clone()) })
    }

    /// The same under another name in PostgreSQL's list of connections.
    pub fn named(mut self, name: &str) -> Self {
        self.config.application_name(name);
        self
    }

    /// The same with other settings of the session, as `options` of a connection has them.
    pub(super) fn with_session(mut self, options: &str) -> Self {
        self.config.options(options);
        self
    }

    /// Opens a connection outside of the pool.
    ///
    /// # Errors
    ///
    /// What the database says, or that it cannot be reached, or is somebody else.
    pub async fn open(&self) -> Result<(Client, Wire), DbError> {
        self.config.connect(self.tls.clone()).await
    }
}
