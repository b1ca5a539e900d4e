//! How gRPC is served under TLS, and how its certificate is replaced.

use std::{sync::Arc, time::Instant};

use rustls::version::TLS12;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::rustls::{self, ClientConfig, pki_types::CertificateDer, pki_types::pem::PemObject};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use workcenter::{
    client, config,
    pb::{JobScope, ListJobsRequest, job_service_client::JobServiceClient},
    tls::Look,
};

use super::{HANGS_AFTER, Secure, spoken};
use crate::{
    authority::{Authority, Issued},
    channel::Channel,
    harness::by,
};

fn mine(token: &str) -> tonic::Request<ListJobsRequest> {
    by(token, ListJobsRequest { scope: JobScope::Mine.into(), ..Default::default() })
}

fn der(issued: &Issued) -> Vec<u8> {
    CertificateDer::from_pem_slice(issued.certificate.as_bytes()).unwrap().to_vec()
}

#[tokio::test]
async fn calls_are_answered_under_tls_and_not_without() {
    let secure = Secure::start(false).await;
    let token = secure.app.account("Pier Works").await.admin.token;
    JobServiceClient::new(secure.channel()).list_jobs(mine(&token)).await.unwrap();

    let plain = Channel::to(&format!("http://{}", secure.address));
    JobServiceClient::new(plain).list_jobs(mine(&token)).await.unwrap_err();
    let right = secure.target();
    let named = format!("https://localhost:{}", secure.address.port());
    for wrong in [config::Target { target: named, ..right.clone() }, config::Target { ca_file: None, ..right }] {
        JobServiceClient::new(client::channel(&wrong).unwrap()).list_jobs(mine(&token)).await.unwrap_err();
    }
}

#[tokio::test]
async fn http_2_is_agreed_on_in_the_newest_version_that_both_know_and_in_none_that_is_old() {
    let secure = Secure::start(false).await;
    let usual = (*secure.trust(None).config()).clone();
    let stream = secure.connect(usual.clone()).await.unwrap();
    let (_, session) = stream.get_ref();
    assert_eq!(session.alpn_protocol(), Some(&b"h2"[..]));
    assert_eq!(session.protocol_version(), Some(rustls::ProtocolVersion::TLSv1_3));
    spoken(Ok(stream)).await.unwrap();

    let roots = {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(secure.authority.pem.as_bytes()).unwrap()).unwrap();
        roots
    };
    let older = ClientConfig::builder_with_provider(Arc::clone(usual.crypto_provider()))
        .with_protocol_versions(&[&TLS12])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    spoken(secure.connect(older).await).await.unwrap();

    let mut another = usual;
    another.alpn_protocols = vec![b"http/1.1".to_vec()];
    let refused = spoken(secure.connect(another).await).await.unwrap_err();
    assert!(refused.contains("NoApplicationProtocol"), "{refused}");

    // The greeting of a client that knows TLS 1.1 and nothing newer.
    let mut greeting = vec![0x16, 3, 1, 0, 69, 1, 0, 0, 65, 3, 2];
    greeting.extend([7; 32]);
    // No session, one cipher, no compression; then signatures, groups and points that the server knows.
    greeting.extend([0, 0, 2, 0xc0, 0x2b, 1, 0, 0, 22]);
    greeting.extend([0, 0x0d, 0, 4, 0, 2, 4, 3, 0, 0x0a, 0, 4, 0, 2, 0, 0x17, 0, 0x0b, 0, 2, 1, 0]);
    let mut old = TcpStream::connect(secure.address).await.unwrap();
    old.write_all(&greeting).await.unwrap();
    let mut said = Vec::new();
    old.read_to_end(&mut said).await.unwrap();
    assert_eq!((said[0], &said[5..]), (0x15, &[2, 70][..]), "a fatal alert that says protocol_version: {said:?}");
}

#[tokio::test]
async fn another_certificate_is_shown_to_new_connections_and_old_ones_go_on() {
    let secure = Secure::start(false).await;
    let token = secure.app.account("Pier Works").await.admin.token;
    let first = secure.shown().await;
    let mut before = JobServiceClient::new(secure.channel());
    before.list_jobs(mine(&token)).await.unwrap();
    assert_eq!(secure.acceptor.look(), Look::Same);

    let long = secure.authority.vouch_with(&["127.0.0.1"], |it| it.not_after = rcgen::date_time_ymd(2031, 2, 3));
    secure.files.put(&long, &secure.authority.pem);
    assert_eq!(secure.shown().await, first, "nobody has looked");
    assert_eq!(secure.acceptor.look(), Look::Replaced);
    assert_eq!(secure.shown().await, der(&long));
    assert_eq!(secure.acceptor.expires_at(), 1_927_843_200);
    before.list_jobs(mine(&token)).await.unwrap();
    JobServiceClient::new(secure.channel()).list_jobs(mine(&token)).await.unwrap();
}

#[tokio::test]
async fn what_is_no_certificate_with_its_key_is_refused_once_and_the_old_one_stays() {
    let secure = Secure::start(true).await;
    let first = secure.shown().await;
    let (good, other) = (secure.authority.vouch(&["127.0.0.1"]), secure.authority.vouch(&["127.0.0.1"]));
    let authorities = &secure.authority.pem;
    for (certificate, key, authorities) in [
        (&good.certificate, &other.key, authorities),
        (&String::new(), &good.key, authorities),
        (&good.certificate, &good.certificate, authorities),
        (&good.certificate[..good.certificate.len() / 2].to_owned(), &good.key, authorities),
        (&good.certificate, &good.key, &good.key),
    ] {
        secure.files.put(&Issued { certificate: certificate.clone(), key: key.clone() }, authorities);
        // It could be half of what is to come.
        assert_eq!(secure.acceptor.look(), Look::Unsettled);
        assert_eq!(secure.acceptor.look(), Look::Refused);
        assert_eq!(secure.acceptor.look(), Look::Same);
        assert_eq!(secure.shown().await, first);
    }
    std::fs::remove_file(secure.files.path("..data")).unwrap();
    assert_eq!([secure.acceptor.look(), secure.acceptor.look()], [Look::Unsettled, Look::Refused]);

    secure.files.put(&good, &Authority::new().pem);
    assert_eq!(secure.acceptor.look(), Look::Replaced);
    assert_eq!(secure.shown().await, der(&good));
}

/// How many say nothing, and how many connections there may be.
fn crowd() -> (usize, u32) {
    #[expect(clippy::disallowed_methods, reason = "how long this test runs is not a setting of a program")]
    let is_full = std::env::var("TLS_FULL").is_ok();
    if is_full { (10_000, 1_000) } else { (200, 20) }
}

#[tokio::test]
async fn who_agrees_on_nothing_is_closed_in_time_and_holds_nobody_up() {
    let (many, most) = crowd();
    let secure = Secure::with(false, |it| it.connections_max = most.try_into().unwrap()).await;
    let mut silent = Vec::new();
    for number in 0..many {
        let mut stream = TcpStream::connect(secure.address).await.unwrap();
        if number % 2 == 0 {
            stream.write_all(&[0x16, 3, 1]).await.unwrap();
        }
        silent.push(stream);
    }
    let asked = async {
        for _ in 0..20 {
            HealthClient::new(secure.channel()).check(HealthCheckRequest::default()).await.unwrap();
        }
    };
    let began = Instant::now();
    timeout(HANGS_AFTER, asked).await.expect("those who say nothing are not waited for");
    println!("{many} who say nothing, {most} connections: twenty calls, each on its own, took {:?}", began.elapsed());

    for stream in &mut silent {
        let mut rest = Vec::new();
        let read = timeout(HANGS_AFTER, stream.read_to_end(&mut rest)).await.expect("it is closed");
        // By an end or by a reset: either is an end.
        drop(read);
    }
}
