//! A key that signs what others verify with its public half.

use std::{fmt, sync::Arc};

use tokio_rustls::rustls::{
    SignatureAlgorithm, SignatureScheme,
    crypto::aws_lc_rs::sign::any_supported_type,
    pki_types::{PrivateKeyDer, pem::PemObject},
    sign,
};

use crate::error::{Error, Result};

/// How long an RSA key is at least, in bytes: shorter ones are not trusted any more.
///
/// Source: RFC 8301, section 3.2.
const RSA_BYTES_MIN: usize = 2048 / 8;

const NO_KEY: &str = "must have a private key in PEM: Ed25519, or RSA of 2048 bits or more";

/// What a key signs by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// Ed25519 of the bytes themselves.
    Ed25519,
    /// RSA, as PKCS #1 has it, of the SHA-256 of the bytes.
    RsaSha256,
}

impl Algorithm {
    fn scheme(self) -> SignatureScheme {
        match self {
            Self::Ed25519 => SignatureScheme::ED25519,
            Self::RsaSha256 => SignatureScheme::RSA_PKCS1_SHA256,
        }
    }
}

/// A private key. It cannot be printed; clones are the same key.
#[derive(Clone)]
pub struct SigningKey {
    key: Arc<dyn sign::SigningKey>,
    algorithm: Algorithm,
}

impl SigningKey {
    /// Reads a key in PEM, as `openssl genpkey` writes it.
    ///
    /// # Errors
    ///
    /// The rule that is broken, and nothing of what was read.
    pub fn from_pem(pem: &[u8]) -> Result<Self, &'static str> {
        let der = PrivateKeyDer::from_pem_slice(pem).map_err(|_unlike_pem| NO_KEY)?;
        let key = any_supported_type(&der).map_err(|_unlike_a_key| NO_KEY)?;
        let algorithm = match key.algorithm() {
            SignatureAlgorithm::ED25519 => Algorithm::Ed25519,
            SignatureAlgorithm::RSA => Algorithm::RsaSha256,
            _ => return Err(NO_KEY),
        };
        let key = Self { key, algorithm };
        // Of RSA, a signature is as long as its key.
        let length = key.sign(b"").map_err(|_unable| NO_KEY)?.len();
        match algorithm {
            Algorithm::RsaSha256 if length < RSA_BYTES_MIN => Err(NO_KEY),
            _ => Ok(key),
        }
    }

    /// What the key signs by.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Signs `bytes`; the same bytes always get the same signature.
    ///
    /// # Errors
    ///
    /// When there is no memory for it, or no randomness to hide an RSA key behind while it is used.
    pub fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>> {
        let signer = self.key.choose_scheme(&[self.algorithm.scheme()]);
        let signer = signer.ok_or_else(|| Error::internal("the key does not sign by its own algorithm"))?;
        signer.sign(bytes).map_err(Error::internal)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, ***", self.algorithm)
    }
}
