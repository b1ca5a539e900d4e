//! Many who each want one profile at the same time.

use futures_util::future::join_all;
use tonic::Code;
use uuid::Uuid;
use workcenter::{
    db,
    pb::{GetProfileRequest, profile_service_client::ProfileServiceClient},
};

use crate::{
    harness::{App, by},
    process::{
        program::{SERVER, Serving},
        running::page,
    },
    tap::Tap,
};

/// How many want one.
const MANY: usize = 60;

/// More than may have a part in shared connections at a time.
const CROWD: usize = 600;

/// A server whose statements are counted.
pub(super) async fn tapped(app: &App) -> (Tap, Serving) {
    let url = app.database().url.expose();
    let port = url.rsplit(':').next().and_then(|it| it.split('/').next()).unwrap();
    let tap = Tap::to(port.parse().unwrap()).await;
    let tapped = url.replace(&format!(":{port}/"), &format!(":{}/", tap.port()));
    let serving = Serving::on(SERVER, &tapped, &[("METRICS_LISTEN", "127.0.0.1:0")]).await;
    (tap, serving)
}

/// Waits until so many calls are under way.
pub(super) async fn open(serving: &Serving, calls: usize) {
    let open = format!("workcenter_calls_open {calls}");
    while !page(serving.metrics.as_ref().unwrap()).await.lines().any(|it| it == open) {}
}

#[tokio::test]
async fn many_who_want_a_profile_while_others_are_read_are_answered_by_a_few_statements_each_with_their_own() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let key = app.key(&["profiles.read"]).await;
    let mut people = Vec::new();
    for number in 0..5 {
        people.push(app.person(&account, &format!("one{number}@example.com"), "One", &number.to_string()).await.id);
    }
    let (tap, serving) = tapped(&app).await;
    let ask = async |user: Uuid| {
        let message = GetProfileRequest { user_id: user.to_string() };
        ProfileServiceClient::new(serving.channel()).get_profile(by(&key, message)).await
    };
    // Both connections know the statement, and who calls is known.
    join_all((0..20).map(|_| ask(people[0]))).await.into_iter().for_each(|it| _ = it.unwrap());

    let mut client = app.client().await;
    let held = client.transaction().await.unwrap();
    db::text(&held, "lock table profile in access exclusive mode", &[]).await.unwrap();
    let before = tap.statements();
    // Everybody wants somebody, and one of them somebody who is not there.
    let wanted = (0..MANY).map(|it| if it == MANY / 2 { Uuid::from_u128(7) } else { people[it % people.len()] });
    let wanted: Vec<Uuid> = wanted.collect();
    let all = join_all(wanted.iter().map(|user| ask(*user)));
    let release = async {
        open(&serving, MANY).await;
        held.commit().await.unwrap();
    };
    let (answers, ()) = tokio::join!(all, release);

    for (user, answer) in wanted.iter().zip(answers) {
        match answer {
            Ok(answer) => assert_eq!(answer.into_inner().profile.unwrap().user_id, user.to_string()),
            Err(status) => assert_eq!((status.code(), *user), (Code::NotFound, Uuid::from_u128(7))),
        }
    }
    // What the metrics asked is among these, and whoever had not come as far as to wait.
    let statements = tap.statements() - before;
    assert!(statements < MANY / 2, "{statements} statements");

    // More than there is room for on the connections that are shared, and in the pool.
    let crowd = join_all((0..CROWD).map(|it| ask(people[it % people.len()]))).await;
    assert_eq!(crowd.into_iter().filter(Result::is_err).count(), 0);
}

#[tokio::test]
async fn who_waits_for_a_read_that_fails_is_answered_and_who_goes_away_holds_nobody_up() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let key = app.key(&["profiles.read"]).await;
    let ask = async || {
        let message = GetProfileRequest { user_id: account.admin.id.to_string() };
        app.profiles().get_profile(by(&key, message)).await
    };
    ask().await.unwrap();
    let mut client = app.client().await;
    let held = client.transaction().await.unwrap();
    db::text(&held, "lock table profile in access exclusive mode", &[]).await.unwrap();
    let mut gone: Vec<_> = (0..MANY / 2).map(|_| Box::pin(ask())).collect();
    let all = join_all((0..MANY).map(|_| ask()));
    let ends = async {
        // Both reads stand before the table, and are ended there.
        let ended = "select count(pg_terminate_backend(pid)) from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock' and query like '%from profile%'";
        // Within a transaction what is there is seen once.
        let looking = app.client().await;
        let mut count = 0;
        while count < 2 {
            count += db::text(&looking, ended, &[]).await.unwrap()[0].get::<_, i64>(0);
        }
        held.commit().await.unwrap();
    };
    // They are polled once and dropped when the others are under way.
    gone.iter_mut().for_each(|it| _ = futures_util::FutureExt::now_or_never(it));
    let (answers, ()) = tokio::join!(all, ends);
    drop(gone);
    // Whoever was on a connection that was ended may come again.
    for status in answers.iter().filter_map(|it| it.as_ref().err()) {
        assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    }
    ask().await.unwrap();
}
