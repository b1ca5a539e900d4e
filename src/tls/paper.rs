//! What stands in the files: authorities, and certificates with their keys.

use std::fmt;

use tokio_rustls::rustls::{
    RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    sign::CertifiedKey,
};

use super::{names, provider};

/// Whom certificates must be vouched for by.
#[derive(Clone, Debug)]
pub struct Authorities(RootCertStore);

impl Authorities {
    /// Reads the authorities that stand one below the other in PEM.
    ///
    /// # Errors
    ///
    /// The rule that is broken: there must be one, and each must be readable.
    pub fn from_pem(pem: &[u8]) -> Result<Self, &'static str> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|_unlike_pem| "must have nothing but certificates in PEM")?;
            roots.add(certificate).map_err(|_unlike_one| "must have certificates of authorities only")?;
        }
        if roots.is_empty() { Err("must have at least one certificate, in PEM") } else { Ok(Self(roots)) }
    }

    /// None at all.
    pub(super) fn none() -> Self {
        Self(RootCertStore::empty())
    }

    /// The same as TLS wants them.
    pub(super) fn roots(&self) -> &RootCertStore {
        &self.0
    }
}

/// A certificate with those that vouch for it, and its key, which cannot be printed.
pub struct Pair {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
    /// When the certificate runs out, in seconds since the epoch.
    pub(super) expires_at: i64,
}

impl Pair {
    /// Reads a certificate, those that vouch for it below it, and the key of the first; all in PEM.
    ///
    /// # Errors
    ///
    /// The rule that is broken, and nothing of what was read.
    pub fn from_pem(certificate: &[u8], key: &[u8]) -> Result<Self, &'static str> {
        const NO_CERTIFICATE: &str = "the certificate must be one in PEM, with those that vouch for it below it";
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificate).collect();
        let chain = chain.map_err(|_unlike_pem| NO_CERTIFICATE)?;
        let first = chain.first().ok_or(NO_CERTIFICATE)?;
        let expires_at = names::expires_at(first).ok_or(NO_CERTIFICATE)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_unlike_pem| "the key must be a private key in PEM")?;
        CertifiedKey::from_der(chain.clone(), key.clone_key(), &provider())
            .map_err(|_of_another| "the key must be the certificate's own")?;
        Ok(Self { chain, key, expires_at })
    }
}

impl Clone for Pair {
    fn clone(&self) -> Self {
        Self { chain: self.chain.clone(), key: self.key.clone_key(), expires_at: self.expires_at }
    }
}

impl fmt::Debug for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a certificate until {}, ***", self.expires_at)
    }
}
