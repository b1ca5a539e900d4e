//! A PostgreSQL that one test alone uses: it may be stopped and started, and nobody else loses it.

use std::{path::PathBuf, process};

use tokio::process::Command;

use crate::architecture::source::root;

/// The server; it stops, and its data go, when dropped.
pub struct Cluster {
    name: &'static str,
    folder: PathBuf,
}

impl Cluster {
    /// Starts a new one.
    pub async fn start(name: &'static str) -> Self {
        let folder = std::env::temp_dir().join(format!("workcenter_test_{}_{name}", process::id()));
        let cluster = Self { name, folder };
        cluster.script("start").await;
        cluster
    }

    /// Has `bin/dev/postgres` do something with it: start, stop, or say its URL or where its programs are.
    pub async fn script(&self, verb: &str) -> String {
        let script = root().join("bin/dev/postgres");
        let mut command = Command::new(script);
        let output = command.args([verb, self.name]).env("WORKCENTER_DEV_DIR", &self.folder).output().await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let mut command = process::Command::new(root().join("bin/dev/postgres"));
        let _ = command.args(["stop", self.name]).env("WORKCENTER_DEV_DIR", &self.folder).status();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
