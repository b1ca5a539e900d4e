//! A relay that takes its time for each reply, as one does that is far away.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    time::sleep,
};

use crate::Result;

/// Prints its port, then serves until it is ended.
pub async fn serve(wait: Duration) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?.port());
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(session(stream, wait));
    }
}

/// Takes every mail, with only the commands that it takes to send one.
async fn session(stream: TcpStream, wait: Duration) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut line = Vec::new();
    let mut reply = "220 slow ESMTP\r\n";
    loop {
        sleep(wait).await;
        stream.write_all(reply.as_bytes()).await?;
        line.clear();
        if stream.read_until(b'\n', &mut line).await? == 0 {
            return Ok(());
        }
        reply = match line.split(|it| it.is_ascii_whitespace()).next() {
            Some(b"DATA") => {
                sleep(wait).await;
                stream.write_all(b"354 go on\r\n").await?;
                while line != b".\r\n" {
                    line.clear();
                    if stream.read_until(b'\n', &mut line).await? == 0 {
                        return Ok(());
                    }
                }
                "250 2.0.0 taken\r\n"
            }
            _ => "250 2.0.0 fine\r\n",
        };
    }
}
