//! What a certificate says of itself: for whom it is, and until when.

use tokio_rustls::rustls::pki_types::CertificateDer;
use x509_cert::{
    Certificate,
    der::Decode,
    ext::pkix::{SubjectAltName, name::GeneralName},
};

/// Names of a certificate that are looked at: those of services have one or two.
const NAMES_MAX: usize = 20;

/// For whom the certificate is, by its alternative names: `DNS:reports.internal`, in small letters, and
/// `URI:spiffe://cluster/reports`. Other kinds of names, and its subject, count for nothing.
pub(super) fn of(certificate: &CertificateDer<'_>) -> Vec<String> {
    let Ok(certificate) = Certificate::from_der(certificate) else { return Vec::new() };
    let Ok(Some((_critical, names))) = certificate.tbs_certificate.get::<SubjectAltName>() else { return Vec::new() };
    let named = names.0.iter().filter_map(|it| match it {
        GeneralName::DnsName(name) => Some(format!("DNS:{}", name.as_str().to_ascii_lowercase())),
        GeneralName::UniformResourceIdentifier(name) => Some(format!("URI:{name}")),
        _ => None,
    });
    // What is not plain is no name, and might be taken for several.
    named.filter(|it| it.bytes().all(|it| it.is_ascii_graphic())).take(NAMES_MAX).collect()
}

/// When the certificate runs out, in seconds since the epoch.
pub(super) fn expires_at(certificate: &CertificateDer<'_>) -> Option<i64> {
    let certificate = Certificate::from_der(certificate).ok()?;
    let until = certificate.tbs_certificate.validity.not_after.to_unix_duration();
    i64::try_from(until.as_secs()).ok()
}
