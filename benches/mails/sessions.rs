//! Sessions of lettre, as plain as they get: each mail is there already, and nothing is written down.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use lettre::{
    address::Envelope,
    transport::smtp::{client::AsyncSmtpConnection, extension::ClientId},
};
use tokio::{net::TcpStream, task::JoinSet};

use crate::{Result, cpu_us};

/// Sends `mail` so many times in so many sessions.
pub async fn turn(port: u16, sessions: usize, count: usize, mail: Vec<u8>) -> Result<()> {
    let (mail, sent) = (Arc::new(mail), Arc::new(AtomicUsize::new(0)));
    let (began, cpu) = (Instant::now(), cpu_us()?);
    let mut running = JoinSet::new();
    for _ in 0..sessions {
        let (mail, sent) = (Arc::clone(&mail), Arc::clone(&sent));
        running.spawn(session(port, count, mail, sent));
    }
    while let Some(ended) = running.join_next().await {
        ended??;
    }
    let (took, cpu) = (began.elapsed().as_secs_f64(), cpu_us()? - cpu);
    let count = count as f64;
    println!(r#"{{"mails_per_s": {:.1}, "cpu_us": {:.1}}}"#, count / took, cpu / count);
    Ok(())
}

/// Sends one mail after another until there are enough.
async fn session(port: u16, count: usize, mail: Arc<Vec<u8>>, sent: Arc<AtomicUsize>) -> Result<()> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    let hello = ClientId::Domain("localhost".to_owned());
    let mut connection = AsyncSmtpConnection::connect_with_transport(Box::new(stream), &hello).await?;
    let envelope = Envelope::new(Some("notifications@workcenter.example".parse()?), vec!["one1@example.com".parse()?])?;
    while sent.fetch_add(1, Ordering::Relaxed) < count {
        connection.send(&envelope, &mail).await?;
    }
    connection.quit().await?;
    Ok(())
}
