//! What a sink shows of itself in TLS: a certificate, and the authority that vouches for it.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use workcenter::tls::{Authorities, Trust};

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
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let vouches = authority.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(authority, key);

        let mut own = CertificateParams::new(vec![name.to_owned()]).unwrap();
        flaw(&mut own);
        let key = KeyPair::generate().unwrap();
        let certificate = own.signed_by(&key, &issuer).unwrap().der().clone();
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key.serialize_der().try_into().unwrap())
            .unwrap();
        Self { acceptor: TlsAcceptor::from(Arc::new(config)), authority: vouches }
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        self.acceptor.clone()
    }

    /// What a client has that trusts the authority.
    pub fn trust(&self) -> Trust {
        Trust::new(Some(&Authorities::from_pem(self.authority.as_bytes()).unwrap()), b"")
    }
}
