//! An authority that vouches for the certificates of a test, and files to put them into.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU64, Ordering},
};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType};
use workcenter::{config::Tls, tls::Authorities};

/// An authority.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its own certificate, in PEM.
    pub pem: String,
}

/// A certificate and its key, in PEM.
#[derive(Clone)]
pub struct Issued {
    pub certificate: String,
    pub key: String,
}

impl Authority {
    pub fn new() -> Self {
        let mut own = CertificateParams::new(Vec::new()).unwrap();
        own.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Whoever vouches is looked for by name.
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = format!("authority {}", COUNT.fetch_add(1, Ordering::Relaxed));
        own.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let pem = own.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(own, key), pem }
    }

    /// Vouches for whoever has `names`: names of the DNS, addresses, and what has a `://`.
    pub fn vouch(&self, names: &[&str]) -> Issued {
        self.vouch_with(names, |_| {})
    }

    /// As [`Self::vouch`], for a certificate with a flaw.
    pub fn vouch_with(&self, names: &[&str], flaw: impl FnOnce(&mut CertificateParams)) -> Issued {
        let (uris, hosts): (Vec<&str>, Vec<&str>) = names.iter().partition(|it| it.contains("://"));
        let hosts: Vec<_> = hosts.into_iter().map(str::to_owned).collect();
        let mut own = CertificateParams::new(hosts).unwrap();
        own.subject_alt_names.extend(uris.into_iter().map(|it| SanType::URI(it.try_into().unwrap())));
        flaw(&mut own);
        let key = KeyPair::generate().unwrap();
        Issued { certificate: own.signed_by(&key, &self.issuer).unwrap().pem(), key: key.serialize_pem() }
    }

    pub fn authorities(&self) -> Authorities {
        Authorities::from_pem(self.pem.as_bytes()).unwrap()
    }
}

/// A folder as Kubernetes makes it of a Secret: the files are links into a directory that is itself a link, and another
/// directory is put in its place at once. It is gone in the end.
pub struct Mounted {
    folder: PathBuf,
    turn: AtomicU64,
}

impl Mounted {
    pub fn new(issued: &Issued, authorities: &str) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = format!("tls-{}-{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let mounted = Self { folder: Path::new(env!("CARGO_TARGET_TMPDIR")).join(name), turn: AtomicU64::new(0) };
        fs::create_dir_all(&mounted.folder).unwrap();
        mounted.put(issued, authorities);
        for file in ["tls.crt", "tls.key", "ca.crt"] {
            symlink(Path::new("..data").join(file), mounted.folder.join(file)).unwrap();
        }
        mounted
    }

    /// Puts other contents there.
    pub fn put(&self, issued: &Issued, authorities: &str) {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed).to_string();
        let data = self.folder.join(&turn);
        fs::create_dir(&data).unwrap();
        for (file, text) in [("tls.crt", &*issued.certificate), ("tls.key", &*issued.key), ("ca.crt", authorities)] {
            fs::write(data.join(file), text).unwrap();
        }
        symlink(&turn, self.folder.join("..next")).unwrap();
        fs::rename(self.folder.join("..next"), self.folder.join("..data")).unwrap();
    }

    pub fn path(&self, file: &str) -> PathBuf {
        self.folder.join(file)
    }

    /// The same as text.
    pub fn text(&self, file: &str) -> String {
        self.path(file).to_str().unwrap().to_owned()
    }

    /// The settings of a server whose callers are asked for no certificate, or for one.
    pub fn settings(&self, asks: bool) -> Tls {
        Tls {
            tls_cert_file: Some(self.path("tls.crt")),
            tls_key_file: Some(self.path("tls.key")),
            tls_client_ca_file: asks.then(|| self.path("ca.crt")),
        }
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.folder).unwrap();
    }
}
