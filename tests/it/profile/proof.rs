//! The proof of the feed: whoever keeps the last profile of each person that came, and forgets who is removed, has,
//! wherever it catches up and nothing is under way, what `GetProfile` says of everybody in the account. However many
//! change, come and go at once, and however often its server is killed.

use std::collections::BTreeMap;

use futures_util::{future::join_all, stream};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use workcenter::{
    access::AccountRole,
    pb::{
        self, Address, DeletePictureRequest, Profile, Visibility, WatchProfilesRequest, profile_service_client,
        watch_profiles_response::Event,
    },
};

use super::{all, batch::batch, join, read, write};
use crate::{
    channel::Channel,
    harness::{Account, App, Person, START, by, reason},
    member::{members, remove},
    picture,
    process::program::{SERVER, Serving},
};

/// Those who change things at the same time.
const TASKS: usize = 8;

/// How much each of them does in a round.
const DEEDS: usize = 12;

/// Rounds: after each nothing is under way, and the copies are compared.
const ROUNDS: usize = 3;

/// Answers that a consumer hears of one server, at most, before the server is killed.
const LIFE: usize = 17;

/// The address of the one of those who change things that follows, too, and so does not leave.
const VIEWER: &str = "p1@example.com";

/// Somebody who follows a directory and keeps a copy.
struct Consumer {
    viewer: Person,
    account: Uuid,
    copy: BTreeMap<String, Profile>,
    position: String,
}

impl Consumer {
    fn new(viewer: &Person, account: &Account) -> Self {
        let (viewer, account) = (viewer.clone(), account.id);
        Self { viewer, account, copy: BTreeMap::new(), position: String::new() }
    }

    /// Follows from where it was, for so many answers or until it has caught up, if it is to stop there.
    async fn follow(&mut self, channel: Channel, answers: usize, until_caught_up: bool) {
        let message = WatchProfilesRequest { account_id: self.account.to_string(), after: self.position.clone() };
        let request = by(&self.viewer.token, message);
        let mut client = profile_service_client::ProfileServiceClient::new(channel);
        let mut stream = client.watch_profiles(request).await.unwrap().into_inner();
        for _ in 0..answers {
            let answer = stream.message().await.unwrap().unwrap();
            self.position = answer.position;
            match answer.event.unwrap() {
                Event::Profile(profile) => {
                    self.copy.insert(profile.user_id.clone(), profile);
                }
                Event::Removed(gone) => {
                    self.copy.remove(&gone.user_id);
                }
                Event::CaughtUp(_) if until_caught_up => return,
                Event::CaughtUp(_) => {}
            }
        }
    }

    /// Follows for one life after the other, each on a server of its own that is killed in the middle of it, until the
    /// others are done; then on the last one to where nothing more is to be told.
    async fn live(&mut self, app: &App, done: &CancellationToken) -> usize {
        let mut lives = 0;
        while !done.is_cancelled() {
            let server = Serving::start(SERVER, app, &[]).await;
            let answers = 1 + (lives * 7) % LIFE;
            done.run_until_cancelled(self.follow(server.channel(), answers, false)).await;
            // Dropping it is SIGKILL.
            drop(server);
            lives += 1;
        }
        self.follow(app.channel(), usize::MAX, true).await;
        lives
    }

    /// Compares the copy to what is said of everybody in the account when asked.
    async fn check(&self, app: &App, admin: &Person) {
        let ids: Vec<String> = members(app, admin, self.account).await.into_iter().map(|it| it.user_id).collect();
        let asked = batch(app, &self.viewer, &ids).await.unwrap();
        assert_eq!(asked.missing, Vec::<String>::new());
        let asked: BTreeMap<_, _> = asked.profiles.into_iter().map(|it| (it.user_id.clone(), it)).collect();
        assert_eq!(self.copy, asked, "for {}", self.viewer.email);
        for id in ids.iter().take(3) {
            assert_eq!(self.copy[id], read(app, &self.viewer, id).await.unwrap());
        }
    }
}

/// One of many things that change what others see, told apart by `number`.
async fn deed(app: &App, people: &[Person], [account, other]: [&Account; 2], number: usize) {
    let person = &people[number % people.len()];
    let text = format!("number {number}");
    match number % 7 {
        0 | 1 => {
            let sent = Profile { first_name: text.clone(), job_title: text, ..Profile::default() };
            write(app, person, sent, &[]).await.unwrap();
        }
        2 => {
            let address = Address { city: text, country: "NZ".to_owned(), ..Address::default() };
            let sent =
                Profile { address: Some(address), mobile_phone: "021 555 0101".to_owned(), ..Profile::default() };
            write(app, person, sent, &["address", "mobile_phone"]).await.unwrap();
        }
        3 => {
            let levels = [Visibility::EveryoneSharingAWorkcenter, Visibility::AccountMembers, Visibility::OnlyMe];
            let sent = Profile { visibility: Some(all(levels[number / 7 % 3])), ..Profile::default() };
            write(app, person, sent, &["visibility"]).await.unwrap();
        }
        4 if number.is_multiple_of(2) => {
            let side = 40 + u32::try_from(number).unwrap();
            let messages = picture::messages(&picture::jpeg(side, side), 1 << 20);
            app.profiles().upload_picture(by(&person.token, stream::iter(messages))).await.unwrap();
        }
        4 => {
            let message = DeletePictureRequest { user_id: "me".to_owned() };
            app.profiles().delete_picture(by(&person.token, message)).await.unwrap();
        }
        5 => {
            app.person(account, &format!("{number}@example.com"), "New", &text).await;
        }
        _ => match number / 7 % 5 {
            0 => join(app, other.id, person.id, AccountRole::Member, START).await,
            1 => leave(app, account, person).await,
            2 => join(app, account.id, person.id, AccountRole::Member, START).await,
            3 => leave(app, other, person).await,
            _ => {
                let time_zone = ["Asia/Tokyo", "Europe/Zurich"][number / 35 % 2].to_owned();
                let sent = pb::Account { account_id: account.id.to_string(), time_zone, ..Default::default() };
                let message = pb::UpdateAccountRequest { account: Some(sent), ..Default::default() };
                app.accounts().update_account(by(&account.admin.token, message)).await.unwrap();
            }
        },
    }
}

/// Takes somebody out of an account, if they are in it and do not follow it.
async fn leave(app: &App, account: &Account, person: &Person) {
    if person.email == VIEWER {
        return;
    }
    if let Err(status) = remove(app, &account.admin, account.id, &person.id.to_string()).await {
        assert_eq!(reason(&status), "USER_NOT_FOUND");
    }
}

#[tokio::test]
async fn a_copy_of_a_directory_is_what_it_is_a_copy_of() {
    let app = App::start().await;
    let accounts = [&app.account("Pier Works").await, &app.account("Dock Works").await];
    let mut people = Vec::new();
    for number in 0..6 {
        people.push(app.person(accounts[0], &format!("p{number}@example.com"), "Person", "").await);
    }
    let service = Person { token: app.key(&["profiles.read"]).await, ..people[0].clone() };
    let mut consumers = [
        Consumer::new(&people[1], accounts[0]),
        Consumer::new(&service, accounts[0]),
        Consumer::new(&accounts[1].admin, accounts[1]),
    ];

    let mut lives = 0;
    for round in 0..ROUNDS {
        let done = CancellationToken::new();
        let working = async {
            let task = async |task: usize| {
                for step in 0..DEEDS {
                    // Neighbours are at the same people at the same time.
                    deed(&app, &people, accounts, (round * DEEDS + step) * TASKS + task).await;
                }
            };
            join_all((0..TASKS).map(task)).await;
            done.cancel();
        };
        let following = join_all(consumers.iter_mut().map(|it| it.live(&app, &done)));
        let ((), lived) = tokio::join!(working, following);
        lives += lived.into_iter().sum::<usize>();
        for it in &consumers {
            it.check(&app, &accounts[usize::from(it.account == accounts[1].id)].admin).await;
        }
    }
    assert!(lives >= consumers.len() * ROUNDS, "{lives} servers were killed");
}
