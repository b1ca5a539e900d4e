//! How fast mails go: limits that daemons share, domains that want less, and who goes first when there is little room.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Mutex,
};

use futures_util::future::{join, join_all};
use uuid::Uuid;
use workcenter::{
    config,
    daemon::Sweep,
    db::Db,
    ids,
    mail::{Letter, Mailbox, Post},
    outbox::{self, Delivered, Kind, Limits},
    secret,
    tally::Tally,
};

use super::terms;
use crate::{
    harness::{Account, App},
    letter::letter,
    sink::{Point, Sink, at},
};

/// A limit so low that what a test takes adds nothing to it: two mails after a rest, one of them for whoever waits for it.
const TWO: f64 = 0.0001;

/// Connections of a pool of a test's own.
const CONNECTIONS: usize = 8;

/// Where mails are put and delivered.
struct Stage {
    app: App,
    account: Account,
    sink: Sink,
    post: Post,
    addresses: Mutex<HashMap<Uuid, String>>,
    /// Which mails were written, as often as they were.
    written: Mutex<Vec<Uuid>>,
    tally: Tally,
}

impl Stage {
    async fn set() -> Self {
        let app = App::start().await;
        let account = app.account("Pier Works").await;
        let sink = Sink::start(Vec::new()).await;
        let post = Post::relay(sink.settings());
        Self {
            app,
            account,
            sink,
            post,
            addresses: Mutex::default(),
            written: Mutex::default(),
            tally: Tally::default(),
        }
    }

    /// Puts so many mails to people of `domain`.
    async fn put(&self, kind: Kind, count: usize, domain: &str) -> Vec<Uuid> {
        let now = self.app.now().await;
        let new = |_| outbox::New {
            id: ids::new(),
            account: self.account.id,
            user: None,
            kind,
            subject: ids::new(),
            key: secret::digest(&[ids::new().as_bytes()]),
            dated_at: now,
        };
        let mails: Vec<_> = (0..count).map(new).collect();
        outbox::put(&self.app.client().await, &mails).await.unwrap();
        let ids: Vec<Uuid> = mails.iter().map(|it| it.id).collect();
        let address = |id: &Uuid| (*id, format!("{}@{domain}", id.simple()));
        self.addresses.lock().unwrap().extend(ids.iter().map(address));
        ids
    }

    /// One turn of a daemon.
    async fn deliver(&self, limits: Limits) -> Delivered {
        self.deliver_on(self.app.pool(), limits).await
    }

    async fn deliver_on(&self, db: &Db, limits: Limits) -> Delivered {
        let write = |mails: Vec<outbox::Mail>| async move {
            self.written.lock().unwrap().extend(mails.iter().map(|it| it.id));
            let addresses = self.addresses.lock().unwrap();
            let letter = |it: &outbox::Mail| Letter {
                to: Mailbox { name: String::new(), address: addresses[&it.id].clone() },
                message_id: format!("{}@work.example", it.message_id),
                ..letter()
            };
            let letters = mails.iter().map(|it| (it.id, letter(it))).collect();
            Ok(outbox::Written { letters, ..Default::default() })
        };
        let terms = outbox::Terms { limits, tally: self.tally.clone(), ..terms() };
        outbox::deliver(db, &self.post, &terms, write).await.unwrap()
    }

    /// How many of `mails` have gone.
    async fn sent(&self, mails: &[Uuid]) -> i64 {
        let sent = "select count(*) from mail where id = any($1) and state = 'SENT'";
        self.app.client().await.query_one(sent, &[&mails]).await.unwrap().get(0)
    }

    async fn run(&self, statement: &str) {
        self.app.client().await.batch_execute(statement).await.unwrap();
    }

    /// The rate that was learned of `domain`.
    async fn learned(&self, domain: &str) -> Option<f64> {
        let learned = "select learned from mail_pace where domain = $1";
        self.app.client().await.query_opt(learned, &[&domain]).await.unwrap()?.get(0)
    }

    /// For how many seconds each of `mails` waits.
    async fn waits(&self, mails: &[Uuid]) -> Vec<f64> {
        let waits = "select extract(epoch from try_at - now())::float8 as wait from mail
            where id = any($1) and state = 'RETRY' and attempts = 0 order by try_at";
        let rows = self.app.client().await.query(waits, &[&mails]).await.unwrap();
        rows.iter().map(|it| it.get("wait")).collect()
    }

    /// What the database's clock shows, in seconds.
    async fn clock(&self) -> f64 {
        let clock = "select extract(epoch from clock_timestamp())::float8";
        self.app.client().await.query_one(clock, &[]).await.unwrap().get(0)
    }
}

fn overall(rate: f64) -> Limits {
    Limits { overall: Some(rate), ..Limits::default() }
}

fn each_domain(rate: f64) -> Limits {
    Limits { domain: Some(rate), ..Limits::default() }
}

#[tokio::test]
async fn two_daemons_together_begin_no_more_than_the_limit_lets() {
    const RATE: f64 = 20.0;
    // Two seconds' worth are there after a rest, less what is for whoever waits.
    const RESTED: f64 = 30.0;
    for limits in [overall(RATE), each_domain(RATE)] {
        let stage = Stage::set().await;
        let mails = stage.put(Kind::Digest, 400, "example.com").await;
        let began = stage.clock().await;
        join(stage.deliver(limits), stage.deliver(limits)).await;
        let most = RESTED + RATE * (stage.clock().await - began);
        let sent = stage.sent(&mails).await as f64;
        assert!((RESTED..=most).contains(&sent), "{limits:?}: {sent} have gone, {most} may");
        assert_eq!(stage.sink.mails().len() as f64, sent);
    }
}

#[tokio::test]
async fn what_finds_no_room_overall_is_left_alone_and_what_does_not_go_makes_room_again() {
    let stage = Stage::set().await;
    let mails = stage.put(Kind::Digest, 5, "example.com").await;
    stage.run("insert into suppressed_address (email_key, reason) select lower(replace(id::text, '-', '')) || '@example.com', ''
        from (select id from mail order by try_at, id limit 2) it").await;
    // The first two take the only place there is and do not go; the next one has it.
    while stage.deliver(overall(TWO)).await != Delivered::default() {}
    assert_eq!(stage.sent(&mails).await, 1);
    let untouched = "select count(*) from mail where state = 'PENDING' and attempts = 0";
    let untouched: i64 = stage.app.client().await.query_one(untouched, &[]).await.unwrap().get(0);
    assert_eq!((untouched, stage.written.lock().unwrap().len()), (2, 3));
}

#[tokio::test]
async fn an_invite_goes_although_digests_have_used_the_limit_up() {
    for limits in [overall(TWO), each_domain(TWO)] {
        let stage = Stage::set().await;
        let digests = stage.put(Kind::Digest, 5, "example.com").await;
        stage.deliver(limits).await;
        assert_eq!(stage.sent(&digests).await, 1, "{limits:?}");
        let invites = stage.put(Kind::Invite, 2, "example.com").await;
        stage.run("update mail set try_at = now() where ended_at is null").await;
        stage.deliver(limits).await;
        assert_eq!((stage.sent(&digests).await, stage.sent(&invites).await), (1, 1), "{limits:?}");
    }
}

#[tokio::test]
async fn invites_take_the_room_that_there_is_before_digests_do() {
    for limits in [overall(TWO), each_domain(TWO)] {
        let stage = Stage::set().await;
        let digests = stage.put(Kind::Digest, 5, "example.com").await;
        let invites = stage.put(Kind::Invite, 2, "example.com").await;
        stage.deliver(limits).await;
        assert_eq!((stage.sent(&digests).await, stage.sent(&invites).await), (0, 2), "{limits:?}");
    }
}

#[tokio::test]
async fn a_slow_domain_holds_up_no_other_and_its_mails_stand_in_line_without_being_written_again() {
    let stage = Stage::set().await;
    stage.run("insert into mail_pace (domain, used_until, learned) values ('slow.example', now() + interval '1 hour', 0.1)").await;
    let slow = stage.put(Kind::Digest, 4, "Slow.Example").await;
    let fast = stage.put(Kind::Digest, 40, "fast.example").await;
    stage.deliver(Limits::default()).await;
    assert_eq!((stage.sent(&slow).await, stage.sent(&fast).await), (0, 40));
    assert_eq!(stage.tally.read().mails[&("later", "DIGEST")], 4);
    // It is written anew when the line is longer than ten minutes.
    let waits = stage.waits(&slow).await;
    assert!(waits.len() == 4 && waits.iter().all(|it| (500.0..=600.0).contains(it)), "{waits:?}");

    stage.run("update mail_pace set used_until = now(), line_until = now() + interval '100 seconds'").await;
    stage.run("update mail set try_at = now() where ended_at is null").await;
    stage.deliver(Limits::default()).await;
    assert_eq!(stage.sent(&slow).await, 1, "there is room for one, whoever stands in line");
    let waits = stage.waits(&slow).await;
    // They are told some time after their places were given.
    let mut apart = waits.windows(2).map(|it| it[1] - it[0]);
    assert!(waits.len() == 3 && apart.all(|it| (5.0..15.0).contains(&it)), "each has its own place: {waits:?}");
    assert!(waits[0] > 90.0, "behind those that stand in line already: {waits:?}");
    let written = stage.written.lock().unwrap().len();
    stage.deliver(Limits::default()).await;
    assert_eq!(stage.written.lock().unwrap().len(), written, "before it is their turn");
}

#[tokio::test]
async fn a_domain_that_answers_450_is_slowed_down_and_recovers_and_the_others_go_on() {
    let stage = Stage::set().await;
    let odd = stage.put(Kind::Digest, 1, "slow.example").await;
    let name = format!("{}@slow.example", odd[0].simple());
    stage.sink.behave(vec![at(Point::Rcpt).to(&name).reply("450 4.2.1 later")]);
    let fast = stage.put(Kind::Digest, 20, "fast.example").await;
    stage.deliver(Limits::default()).await;
    assert_eq!(stage.sent(&fast).await, 20, "in the same turn");
    assert_eq!(stage.learned("slow.example").await, Some(5.0));
    let counts = stage.tally.read().mails.into_iter().collect::<Vec<_>>();
    assert_eq!(counts, [(("retried", "DIGEST"), 1), (("sent", "DIGEST"), 20)]);
    assert_eq!(stage.learned("fast.example").await, None);

    let again = "update mail set try_at = now() where ended_at is null";
    stage.run(again).await;
    stage.deliver(Limits::default()).await;
    assert_eq!(stage.learned("slow.example").await, Some(5.0), "what comes within seconds was on its way before");
    stage.run(&format!("update mail_pace set slowed_at = now() - interval '6 seconds'; {again}")).await;
    stage.deliver(Limits::default()).await;
    assert_eq!(stage.learned("slow.example").await, Some(2.5));

    stage.sink.behave(Vec::new());
    let rested = "update mail_pace set used_until = now() - interval '9 seconds'";
    stage.run(&format!("{rested}; {again}")).await;
    stage.put(Kind::Digest, 2, "slow.example").await;
    stage.deliver(Limits::default()).await;
    assert_eq!(stage.learned("slow.example").await, Some(2.53));
    stage.deliver(each_domain(2.0)).await;
    stage.put(Kind::Digest, 1, "slow.example").await;
    stage.run(rested).await;
    stage.deliver(each_domain(2.0)).await;
    assert_eq!(stage.learned("slow.example").await, None, "it takes what the settings let");
}

#[tokio::test]
async fn a_relay_that_answers_421_before_it_knows_of_a_recipient_has_less_of_all_mail() {
    for point in [Point::Greeting, Point::Mail] {
        let stage = Stage::set().await;
        let mails = stage.put(Kind::Digest, 3, "example.com").await;
        stage.sink.behave(vec![at(point).reply("421 4.3.2 too much")]);
        stage.deliver(overall(8.0)).await;
        assert_eq!(stage.learned("").await, Some(4.0), "{point:?}");
        assert_eq!(stage.learned("example.com").await, None, "{point:?}");
        stage.sink.behave(Vec::new());
        stage.run("update mail set try_at = now() where ended_at is null").await;
        stage.deliver(overall(8.0)).await;
        assert_eq!(stage.sent(&mails).await, 3, "{point:?}");
        assert_eq!(stage.learned("").await, Some(4.03), "{point:?}");
    }
}

/// The statements that name the table of limits, on whichever connection of `db` they were prepared.
async fn asked_of_limits(db: &Db) -> BTreeSet<String> {
    let mut asked = BTreeSet::new();
    // All of them at once, so that none is asked twice.
    for client in join_all((0..CONNECTIONS).map(|_| db.client())).await {
        let named = "select statement from pg_prepared_statements where statement like '%mail_pace%'";
        let rows = client.unwrap().query(named, &[]).await.unwrap();
        asked.extend(rows.iter().map(|it| it.get::<_, String>("statement")).filter(|it| !it.contains("pg_prepared")));
    }
    asked
}

#[tokio::test]
async fn what_is_not_limited_is_asked_nothing_more_and_a_limit_is_asked_with_one_statement() {
    let stage = Stage::set().await;
    let url = stage.app.database().url.clone();
    let db = Db::new(&config::Database { url, authorities: None, pool: CONNECTIONS }).unwrap();
    let put = async || {
        for number in 0..3 {
            stage.put(Kind::Digest, 1, &format!("d{number}.example")).await;
        }
    };
    put().await;
    assert_eq!(stage.deliver_on(&db, Limits::default()).await.sent, 3);
    // What claims, and what asks which addresses do not exist.
    assert_eq!(asked_of_limits(&db).await.len(), 2);
    put().await;
    assert_eq!(stage.deliver_on(&db, each_domain(1000.0)).await.sent, 3);
    assert_eq!(asked_of_limits(&db).await.len(), 3);
    let rows: i64 = stage.app.client().await.query_one("select count(*) from mail_pace", &[]).await.unwrap().get(0);
    assert_eq!(rows, 3);
}

#[tokio::test]
async fn what_was_learned_is_forgotten_after_an_hour_without_a_complaint() {
    let stage = Stage::set().await;
    stage
        .run(
            "insert into mail_pace (domain, used_until, learned, slowed_at) values
        ('old.example', now() - interval '61 minutes', 2, now() - interval '61 minutes'),
        ('used.example', now() - interval '59 minutes', 2, now() - interval '61 minutes')",
        )
        .await;
    stage.app.daemon(None).step(Sweep::Housekeeping, stage.app.now().await).await.unwrap();
    let kept = outbox::paces(&stage.app.client().await).await.unwrap();
    assert_eq!(kept.iter().map(|it| it.domain.as_str()).collect::<Vec<_>>(), ["used.example"]);
}
