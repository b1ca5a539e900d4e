//! The settings of TLS on the side that is called.

use std::path::PathBuf;

use clap::Args;

use crate::tls::{Acceptor, Files};

// Without them gRPC is served without TLS, for a network of one's own or behind what ends TLS.
#[derive(Args, Clone, Debug, Default)]
#[allow(missing_docs, reason = "a doc comment would replace the program's description in --help")]
pub struct Tls {
    /// File with the certificate that gRPC is served with under TLS, and those that vouch for it below it, in PEM; no TLS unless set
    #[arg(long, env = "TLS_CERT_FILE", value_name = "PATH", requires = "tls_key_file")]
    pub tls_cert_file: Option<PathBuf>,

    /// File with its key, in PEM. All of these files are looked at again every few seconds
    #[arg(long, env = "TLS_KEY_FILE", value_name = "PATH", requires = "tls_cert_file")]
    pub tls_key_file: Option<PathBuf>,

    /// File with the authorities that callers' certificates must be vouched for by, in PEM; nobody is asked for one unless set
    #[arg(long, env = "TLS_CLIENT_CA_FILE", value_name = "PATH", requires = "tls_cert_file")]
    pub tls_client_ca_file: Option<PathBuf>,
}

impl Tls {
    /// What lets callers in under TLS, where there is TLS.
    ///
    /// # Errors
    ///
    /// What is wrong with the files, in one line.
    pub fn acceptor(&self) -> Result<Option<Acceptor>, String> {
        let Some((certificate, key)) = self.tls_cert_file.clone().zip(self.tls_key_file.clone()) else {
            return Ok(None);
        };
        Acceptor::open(Files { certificate, key, authorities: self.tls_client_ca_file.clone() }).map(Some)
    }

    /// Says which of the files is of no use.
    pub(super) fn check(&self) -> Result<(), String> {
        let problem = |it| format!("TLS_CERT_FILE (--tls-cert-file): {it}");
        self.acceptor().map(|_| ()).map_err(problem)
    }
}
