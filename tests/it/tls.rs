//! TLS on either side of the programs: how gRPC is served under it, who is known by a certificate, how PostgreSQL is
//! reached, and what the operator's tool makes of it.

mod callers;
mod database;
mod programs;
mod served;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{TlsConnector, client::TlsStream, rustls};
use tokio_util::sync::{CancellationToken, DropGuard};
use workcenter::{
    client, config,
    server::{self, Parts},
    tls::{Acceptor, HTTP_2, Pair, Trust},
};

use crate::{
    authority::{Authority, Issued, Mounted},
    channel::Channel,
    harness::App,
};

/// How long anything may take before the test says that it hangs.
const HANGS_AFTER: Duration = Duration::from_secs(30);

/// A server under TLS, with an application behind it.
struct Secure {
    app: App,
    authority: Authority,
    files: Mounted,
    acceptor: Acceptor,
    address: SocketAddr,
    _stop: DropGuard,
}

impl Secure {
    /// Serves, and asks callers for a certificate or not.
    async fn start(asks: bool) -> Self {
        Self::with(asks, |_| {}).await
    }

    /// Serves with these settings for calls.
    async fn with(asks: bool, change: impl FnOnce(&mut config::Calls)) -> Self {
        let (app, authority) = (App::start().await, Authority::new());
        let files = Mounted::new(&authority.vouch(&["127.0.0.1"]), &authority.pem);
        let acceptor = files.settings(asks).acceptor().unwrap().unwrap();
        let stop = CancellationToken::new();
        let mut parts = Parts { draining: CancellationToken::new(), ..app.parts().clone() };
        parts.tls = Some(acceptor.clone());
        change(&mut parts.settings.calls);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let pictures = config::Pictures { upload_silence: Duration::from_millis(500) };
        tokio::spawn(server::serve(listener, parts, &pictures, Box::pin(stop.clone().cancelled_owned())));
        Self { app, authority, files, acceptor, address, _stop: stop.drop_guard() }
    }

    /// Where it is, and who vouches for it.
    fn target(&self) -> config::Target {
        let target = format!("https://{}", self.address);
        config::Target { target, ca_file: Some(self.authority.authorities()), cert_file: None, key_file: None }
    }

    /// A client that trusts the authority and shows nothing.
    fn channel(&self) -> Channel {
        client::channel(&self.target()).unwrap().into()
    }

    /// A client that shows `own`.
    fn channel_showing(&self, own: &Issued) -> Channel {
        let shown = Mounted::new(own, &self.authority.pem);
        let (cert_file, key_file) = (Some(shown.path("tls.crt")), Some(shown.path("tls.key")));
        client::channel(&config::Target { cert_file, key_file, ..self.target() }).unwrap().into()
    }

    /// How a client trusts the authority that shows `own`.
    fn trust(&self, own: Option<&Issued>) -> Trust {
        let pair = own.map(|it| Pair::from_pem(it.certificate.as_bytes(), it.key.as_bytes()).unwrap());
        Trust::new(Some(&self.authority.authorities()), HTTP_2).showing(pair)
    }

    /// A connection, and what was agreed on.
    async fn connect(&self, config: ClientConfig) -> std::io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let name = ServerName::try_from("127.0.0.1").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }

    /// The certificate that a new connection is shown.
    async fn shown(&self) -> Vec<u8> {
        let stream = self.connect((*self.trust(None).config()).clone()).await.unwrap();
        stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
    }
}

/// What comes of a connection on which the client begins to speak: what is wrong, or nothing.
async fn spoken(stream: std::io::Result<TlsStream<TcpStream>>) -> Result<(), String> {
    let speak = async {
        let mut stream = stream?;
        stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await?;
        stream.read_u8().await
    };
    speak.await.map(|_| ()).map_err(|error| error.to_string())
}
