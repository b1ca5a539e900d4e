//! Every call there is, made by somebody who may, so that it does what it is for: what any of them costs is asked here.

mod ready;

use std::time::Duration;

use futures_util::stream;
use prost::Message;
use tokio::net::TcpListener;
use tonic::{Request, Status};
use workcenter::{
    access::Action,
    config, ids, pb,
    server::{self, Parts},
};

use crate::{
    access::{
        cast::Cast,
        raw,
        table::{Answer, Told},
        things::Things,
    },
    channel::Channel,
    harness::{App, Person, by},
    tap::{self, Tap},
};

/// How many connections such a server may have: who makes one call after the other needs one, and a daemon some more.
const CONNECTIONS: usize = 8;

/// A server beside that of an application, whose clock is the database's, as in production, and of whose connections it is
/// heard what goes over them.
pub struct Served {
    pub parts: Parts,
    pub tap: Tap,
    channel: Channel,
}

impl Served {
    /// One on the database of `app`.
    pub async fn beside(app: &App) -> Self {
        let (tap, through) = tap::lead(app.database().url.expose()).await;
        let settings = config::Shared { dev: false, ..app.parts().settings.clone() };
        let database = config::Database { pool: CONNECTIONS, ..through(app.database().clone()) };
        let parts = Parts::open(&database, &settings).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let pictures = config::Pictures { upload_silence: Duration::from_secs(5) };
        tokio::spawn(server::serve(listener, parts.clone(), &pictures, Box::pin(std::future::pending())));
        Self { parts, tap, channel: Channel::to(&url) }
    }

    /// Makes a call here, by somebody who is known already.
    pub async fn call(&self, ready: Ready) -> Result<(), Status> {
        ready.call(self.channel.clone()).await
    }

    /// Has whoever is to make a call be known, and whatever was prepared for it.
    pub async fn greet(&self, ready: &Ready) {
        let (action, token) = (Action::GetPasswordPolicy, ready.token.clone());
        self.call(Ready::new(action, &token, &pb::GetPasswordPolicyRequest {})).await.unwrap();
    }
}

/// The people of the table in the order in which they are asked to make a call: the owner has something of everything.
const CALLERS: [usize; 7] = [5, 6, 4, 3, 2, 1, 0];

/// A call that can be made.
pub struct Ready {
    action: Action,
    /// Of whoever makes it; empty for nobody.
    token: String,
    messages: Vec<Vec<u8>>,
}

impl Ready {
    /// A call of one message.
    pub fn new(action: Action, token: &str, message: &impl Message) -> Self {
        Self { action, token: token.to_owned(), messages: vec![message.encode_to_vec()] }
    }

    fn stream(action: Action, token: &str, messages: &[impl Message]) -> Self {
        let messages = messages.iter().map(Message::encode_to_vec).collect();
        Self { action, token: token.to_owned(), messages }
    }

    /// What the things say, by whoever the table says may.
    fn usual(cast: &Cast, things: &Things, action: Action) -> Self {
        Self { action, token: whoever_may(cast, action), messages: vec![things.request(action)] }
    }

    /// Makes it, and waits for all that is answered; of what never ends, for the first word.
    async fn call(self, channel: Channel) -> Result<(), Status> {
        let path = format!("/workcenter.v1.{}", self.action.path());
        let messages = stream::iter(self.messages);
        let request = if self.token.is_empty() { Request::new(messages) } else { by(&self.token, messages) };
        let mut answers = raw::talk(channel, &path, request).await?;
        while answers.message().await?.is_some() && !is_endless(self.action) {}
        Ok(())
    }
}

/// Whether an answer goes on until somebody goes away.
fn is_endless(action: Action) -> bool {
    use Action::{WatchAccountJobs, WatchJob, WatchOwnJobs, WatchProfiles};

    matches!(action, WatchProfiles | WatchJob | WatchOwnJobs | WatchAccountJobs)
}

/// The token of somebody who may.
fn whoever_may(cast: &Cast, action: Action) -> String {
    let told = Told::of(action);
    for answer in [Answer::Done, Answer::LetIn] {
        if let Some(person) = CALLERS.into_iter().find(|it| told.people[*it] == answer) {
            return cast.people[person].token.clone();
        }
    }
    let key = told.keys.iter().position(|(_, answer)| *answer == Answer::Done).expect("somebody may");
    cast.keys[key].clone()
}

/// Somebody of the account whom nothing is known of yet, signed in.
async fn newcomer(cast: &Cast) -> Person {
    cast.app.person(&cast.account, &format!("{}@example.com", ids::new().simple()), "New", "").await
}

/// What `action` is done to: of what ends a WorkCenter or copies all of it, a small one; else `large`.
pub async fn things(cast: &Cast, large: uuid::Uuid, action: Action) -> Things {
    use Action::{
        ApplyTemplate, ArchiveWorkCenter, CreateFromTemplate, DeleteWorkCenter, PublishTemplate, ReactivateWorkCenter,
    };

    match action {
        ArchiveWorkCenter | ReactivateWorkCenter | DeleteWorkCenter | CreateFromTemplate | ApplyTemplate
        | PublishTemplate => cast.things_in(cast.workcenter().await).await,
        _ => cast.things_in(large).await,
    }
}

/// Makes `action` ready: what has to be there before it is there then.
pub async fn ready(cast: &Cast, things: &Things, action: Action) -> Ready {
    for before in ready::before(action) {
        Ready::usual(cast, things, *before).call(cast.app.channel()).await.unwrap();
    }
    ready::unusual(cast, things, action).await.unwrap_or_else(|| Ready::usual(cast, things, action))
}

/// What has to be undone after `action`, so that the next call finds what it needs.
pub async fn after(cast: &Cast, action: Action) {
    if action == Action::DeactivateAccount {
        let active = pb::ReactivateAccountRequest { account_id: cast.account.id.to_string() };
        cast.app.accounts().reactivate_account(by(&cast.account.admin.token, active)).await.unwrap();
    }
}
