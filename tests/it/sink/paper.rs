//! What a sink shows of itself in TLS: a certificate, and the authority that vouches for it.

use std::sync::Arc;

use rcgen::{CertificateParams, date_time_ymd};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use workcenter::tls::{Authorities, Trust};

use crate::authority::{Authority, Issued};

/// A certificate with its key, made for the test.
#[derive(Clone)]
pub struct Paper {
    acceptor: TlsAcceptor,
    /// The certificate of the authority, in PEM.
    pub authority: String,
}

impl Paper {
    /// A sound one of 127.0.0.1, where sinks are.
    pub fn sound() -> Self {
        Self::made("127.0.0.1", |_| {})
    }

    /// One that is of somebody else.
    pub fn of_another() -> Self {
        Self::made("relay.example", |_| {})
    }

    /// One that is over.
    pub fn expired() -> Self {
        Self::made("127.0.0.1", |it| it.not_after = date_time_ymd(2020, 1, 1))
    }

    fn made(name: &str, flaw: impl FnOnce(&mut CertificateParams)) -> Self {
        let authority = Authority::new();
        let Issued { certificate, key } = authority.vouch_with(&[name], flaw);
        let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        Self { acceptor: TlsAcceptor::from(Arc::new(config)), authority: authority.pem }
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        self.acceptor.clone()
    }

    /// What a client has that trusts the authority.
    pub fn trust(&self) -> Trust {
        Trust::new(Some(&Authorities::from_pem(self.authority.as_bytes()).unwrap()), b"")
    }
}
