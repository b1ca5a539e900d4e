//! A folder that mail is put into, for a look at it during development.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use tokio::fs;

use super::dialogue::{Outcome, late};

/// The folder, and what tells its drafts apart.
pub(in crate::mail) struct Folder {
    path: PathBuf,
    // Tells apart the temporary files of two mails with one id.
    written: AtomicU64,
}

impl Folder {
    pub(in crate::mail) fn new(path: PathBuf) -> Self {
        Self { path, written: AtomicU64::new(0) }
    }

    pub(in crate::mail) async fn send(&self, mime: &[u8], before: Instant) -> Outcome {
        let Some(id) = message_id(mime) else {
            let reply = "the mail has no Message-ID to name its file by".to_owned();
            return Outcome::Refused { reply, address: false };
        };
        if before <= Instant::now() {
            return late();
        }
        let name = format!("{id}.eml");
        match self.put(&name, mime).await {
            Ok(()) => Outcome::Sent { reply: format!("written to {name}") },
            Err(error) => Outcome::Retry { reply: format!("write {name}: {error}"), slow_down: false, named: true },
        }
    }

    /// Writes under another name first: whoever watches the folder never sees half a mail.
    async fn put(&self, name: &str, mime: &[u8]) -> io::Result<()> {
        fs::create_dir_all(&self.path).await?;
        let turn = self.written.fetch_add(1, Ordering::Relaxed);
        let draft = self.path.join(format!(".{name}.{}.{turn}", std::process::id()));
        fs::write(&draft, mime).await?;
        fs::rename(&draft, self.path.join(name)).await
    }
}

/// Reads the message id of a mail, with `_` for what does not belong in a file name.
fn message_id(mime: &[u8]) -> Option<String> {
    let head = str::from_utf8(mime).ok()?.split("\r\n\r\n").next()?;
    let id = head.split("\r\n").find_map(|line| line.strip_prefix("Message-ID: <"))?;
    let safe = |it: char| if it.is_ascii_alphanumeric() || "@.-_".contains(it) { it } else { '_' };
    Some(id.strip_suffix('>')?.chars().map(safe).collect())
}
