//! Callers who mean harm by what they ask for, at the programs as they run in production. How they harm connections is in
//! `peers` and `front`. `ABUSE_FULL=1` has them try as much as is promised, which takes minutes.

mod anatomy;
mod lists;
mod pages;
mod uploads;
mod wide;

use tokio::{
    sync::oneshot::{self, error::TryRecvError},
    task::JoinHandle,
};
use workcenter::pb::{self, profile_service_client::ProfileServiceClient};

use crate::{
    access::cast::Cast,
    channel::Channel,
    harness::by,
    process::program::{SERVER, Serving},
};

fn full() -> bool {
    #[expect(clippy::disallowed_methods, reason = "how long these tests run is not a setting of a program")]
    std::env::var("ABUSE_FULL").is_ok()
}

/// A program that somebody wants to harm.
pub struct Siege {
    pub channel: Channel,
    pid: u32,
    /// Reads the log to its end, for nobody may make the program wait until it is read. Has the program with it.
    log: JoinHandle<(Option<i32>, Vec<String>)>,
}

impl Siege {
    pub fn of(serving: Serving) -> Self {
        Self { channel: serving.channel(), pid: serving.pid(), log: tokio::spawn(serving.end()) }
    }

    /// The server, in front of the people and things of `cast`.
    pub async fn server(cast: &Cast) -> Self {
        Self::of(Serving::start(SERVER, &cast.app, &[]).await)
    }

    /// Does `harm` while `work` goes on, again and again until then; returns by how many mebibytes memory grew meanwhile at
    /// most.
    pub async fn grown<T>(&self, harm: impl Future<Output = T>, mut work: impl AsyncFnMut()) -> (T, u64) {
        // Whatever is made once is there.
        work().await;
        // Source: proc(5), on clear_refs.
        std::fs::write(format!("/proc/{}/clear_refs", self.pid), "5").unwrap();
        let before = self.memory("VmRSS");
        let (done, mut is_done) = oneshot::channel::<()>();
        let harm = async {
            let told = harm.await;
            drop(done);
            told
        };
        let work = async {
            while is_done.try_recv() == Err(TryRecvError::Empty) {
                work().await;
            }
        };
        let (told, ()) = tokio::join!(harm, work);
        // What the program has still to do is part of it.
        assert!(!self.log.is_finished(), "the program has ended");
        (told, self.memory("VmHWM").saturating_sub(before))
    }

    /// What the program has in memory, in mebibytes.
    fn memory(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid)).unwrap();
        let line = status.lines().find_map(|it| it.strip_prefix(name)?.strip_prefix(':')).unwrap();
        line.split_whitespace().next().unwrap().parse::<u64>().unwrap() >> 10
    }
}

impl Drop for Siege {
    fn drop(&mut self) {
        self.log.abort();
    }
}

/// One call of somebody who means no harm, over a connection of their own. It is answered, whatever others do.
pub fn honest(siege: &Siege, token: &str) -> impl AsyncFnMut() {
    let mut client = ProfileServiceClient::new(siege.channel.clone());
    let token = token.to_owned();
    async move || {
        let me = pb::GetProfileRequest { user_id: "me".to_owned() };
        client.get_profile(by(&token, me)).await.expect("whoever means no harm is answered");
    }
}
