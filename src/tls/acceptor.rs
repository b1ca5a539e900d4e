//! The side that is called: the certificate that callers are shown, and whom theirs must be vouched for by.
//!
//! The files are looked at again and again, by what is in them: Kubernetes puts a whole directory in the place of
//! another, which is no change of any file.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        server::{NoServerSessionStorage, WebPkiClientVerifier},
    },
    server::TlsStream,
};
use tracing::{info, warn};

use super::{Authorities, HTTP_2, Pair, VERSIONS, names, provider};

/// Where things stand, all in PEM.
#[derive(Clone, Debug)]
pub struct Files {
    /// The certificate, with those that vouch for it below it.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// Whom callers' certificates must be vouched for by; where there is none, nobody is asked for one.
    pub authorities: Option<PathBuf>,
}

/// What was in the files.
#[derive(PartialEq, Eq)]
struct Contents {
    certificate: Vec<u8>,
    key: Vec<u8>,
    authorities: Option<Vec<u8>>,
}

impl Files {
    fn read(&self) -> Result<Contents, String> {
        let read = |it: &Path| fs::read(it).map_err(|error| format!("{} cannot be read: {error}", it.display()));
        Ok(Contents {
            certificate: read(&self.certificate)?,
            key: read(&self.key)?,
            authorities: self.authorities.as_deref().map(read).transpose()?,
        })
    }
}

/// Lets callers in. Clones are the same.
#[derive(Clone)]
pub struct Acceptor {
    files: Arc<Files>,
    state: Arc<Mutex<State>>,
}

struct State {
    /// What is in use.
    contents: Contents,
    config: Arc<ServerConfig>,
    expires_at: i64,
    /// What was found last and is of no use, and whether that was said.
    doubted: Option<(Result<Contents, String>, bool)>,
}

/// What came of looking at the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// There is nothing new.
    Same,
    /// What is new is in use from now on, for new connections.
    Replaced,
    /// What is new is of no use, and may not be all of it yet.
    Unsettled,
    /// What is new is of no use and stays so: what was is in use still.
    Refused,
}

/// A connection on which both sides know each other, as far as they asked.
pub struct Secured<S> {
    /// What is said is read and written here.
    pub stream: TlsStream<S>,
    /// For whom the caller's certificate is, as `DNS:name` and `URI:uri`; empty when none was asked for.
    pub names: Vec<String>,
}

impl Acceptor {
    /// Reads the files.
    ///
    /// # Errors
    ///
    /// What is wrong with them, in one line, and nothing that is in them.
    pub fn open(files: Files) -> Result<Self, String> {
        let contents = files.read()?;
        let (config, expires_at) = made(&contents)?;
        let state = State { contents, config, expires_at, doubted: None };
        Ok(Self { files: Arc::new(files), state: Arc::new(Mutex::new(state)) })
    }

    /// Looks whether there is something new, and takes it into use. Reads files, so that nothing else should wait.
    ///
    /// What is of no use is refused when it is found a second time, for it may be looked at while it is being written.
    pub fn look(&self) -> Look {
        let found = self.files.read();
        let mut state = self.state();
        if found.as_ref().is_ok_and(|it| *it == state.contents) {
            state.doubted = None;
            return Look::Same;
        }
        let (is_known, was_said) = match &state.doubted {
            Some((doubted, was_said)) => (*doubted == found, *was_said),
            None => (false, false),
        };
        if is_known && was_said {
            return Look::Same;
        }
        let problem = match found.as_ref().map_err(Clone::clone).and_then(made) {
            Ok((config, expires_at)) => {
                info!(expires_at, "the certificate was replaced");
                (state.config, state.expires_at, state.doubted) = (config, expires_at, None);
                state.contents = found.expect("it was made something of");
                return Look::Replaced;
            }
            Err(problem) => problem,
        };
        if is_known {
            warn!(problem, "the new certificate is of no use, and the old one stays");
        }
        state.doubted = Some((found, is_known));
        if is_known { Look::Refused } else { Look::Unsettled }
    }

    /// When the certificate in use runs out, in seconds since the epoch.
    pub fn expires_at(&self) -> i64 {
        self.state().expires_at
    }

    /// Makes `stream` a connection under TLS.
    ///
    /// # Errors
    ///
    /// When the other end does not speak TLS, or not as it has to, or is nobody whom we let in.
    pub async fn accept<S>(&self, stream: S) -> io::Result<Secured<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let config = Arc::clone(&self.state().config);
        let stream = TlsAcceptor::from(config).accept(stream).await?;
        let (_, session) = stream.get_ref();
        let names = session.peer_certificates().and_then(|it| it.first()).map(names::of);
        Ok(Secured { names: names.unwrap_or_default(), stream })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing here panics half-way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How connections are taken with these contents, and when the certificate runs out.
fn made(contents: &Contents) -> Result<(Arc<ServerConfig>, i64), String> {
    let Contents { certificate, key, authorities } = contents;
    let Pair { chain, key, expires_at } = Pair::from_pem(certificate, key)?;
    let builder =
        ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions().expect(VERSIONS);
    let builder = match authorities {
        None => builder.with_no_client_auth(),
        Some(pem) => {
            let authorities =
                Authorities::from_pem(pem).map_err(|rule| format!("the authorities of callers {rule}"))?;
            let roots = Arc::new(authorities.roots().clone());
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider()).build();
            builder.with_client_cert_verifier(verifier.map_err(|error| error.to_string())?)
        }
    };
    let mut config = builder.with_single_cert(chain, key).map_err(|error| error.to_string())?;
    config.alpn_protocols = vec![HTTP_2.to_vec()];
    // A session that is resumed would be its caller's for longer than the certificate is good; and connections last.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok((Arc::new(config), expires_at))
}
