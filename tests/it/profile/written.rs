//! Many who each change their profile at the same time.

use std::pin::pin;

use futures_util::future::{Either, join, join_all, select};
use tonic::{Code, Status};
use uuid::Uuid;
use workcenter::{
    db,
    pb::{Profile, UpdateProfileRequest, profile_service_client::ProfileServiceClient},
};

use super::{
    first_name, mask, read,
    together::{open, tapped},
};
use crate::{
    channel::Channel,
    harness::{App, Person, by},
};

/// How many change theirs.
const MANY: usize = 30;

async fn people(app: &App, count: usize) -> Vec<Person> {
    let account = app.account("Pier Works").await;
    let mut people = Vec::new();
    for number in 0..count {
        people.push(app.person(&account, &format!("one{number}@example.com"), "One", &number.to_string()).await);
    }
    people
}

/// Gives `who` a job, if their profile is still the one that is `seen`.
async fn employ(channel: Channel, who: &Person, job: &str, seen: &str) -> Result<Profile, Status> {
    let profile = Some(Profile { job_title: job.to_owned(), ..Profile::default() });
    let message = UpdateProfileRequest { profile, update_mask: mask(&["job_title"]), etag: seen.to_owned() };
    let answer = ProfileServiceClient::new(channel).update_profile(by(&who.token, message)).await?;
    Ok(answer.into_inner().profile.unwrap())
}

/// What the history says became of the fields of a person, the oldest first.
async fn noted(app: &App, whom: Uuid) -> Vec<(String, String, String)> {
    let lines = "select field, old_value, new_value from profile_change where user_id = $1 order by id";
    let rows = db::text(&app.client().await, lines, &[&whom]).await.unwrap();
    rows.iter().map(|it| (it.get(0), it.get(1), it.get(2))).collect()
}

fn line(field: &str, old: &str, new: &str) -> (String, String, String) {
    (field.to_owned(), old.to_owned(), new.to_owned())
}

/// In how many transactions people became what the job begins with.
async fn writes(app: &App, job: &str) -> i64 {
    let writes = "select count(distinct xmin::text) from profile_change where starts_with(new_value, $1)";
    app.client().await.query_one(writes, &[&job]).await.unwrap().get(0)
}

#[tokio::test]
async fn many_who_change_their_profiles_are_answered_by_a_few_statements_each_with_their_own() {
    let app = App::start().await;
    let people = people(&app, MANY).await;
    let (_tap, serving) = tapped(&app).await;
    // Who calls is known.
    join_all(people.iter().map(|it| employ(serving.channel(), it, "Welder", "")))
        .await
        .into_iter()
        .for_each(|it| _ = it.unwrap());

    let mut client = app.client().await;
    let held = client.transaction().await.unwrap();
    db::text(&held, "lock table profile_change in exclusive mode", &[]).await.unwrap();
    let jobs = (0..MANY).map(|it| format!("Engineer {it}")).collect::<Vec<_>>();
    let changes = join_all(people.iter().zip(&jobs).map(|(who, job)| employ(serving.channel(), who, job, "")));
    // Somebody changes two things at once.
    let mut profiles = ProfileServiceClient::new(serving.channel());
    let other = UpdateProfileRequest { profile: Some(first_name("Uno")), update_mask: None, etag: String::new() };
    let all = join(changes, profiles.update_profile(by(&people[MANY - 1].token, other)));
    let release = async {
        open(&serving, MANY + 1).await;
        held.commit().await.unwrap();
    };
    let ((changed, other), ()) = tokio::join!(all, release);

    other.unwrap();
    for ((who, job), answer) in people.iter().zip(&jobs).zip(changed) {
        let answer = answer.unwrap();
        assert_eq!((answer.user_id, answer.job_title.as_str()), (who.id.to_string(), job.as_str()));
        let mut lines = vec![line("job_title", "", "Welder"), line("job_title", "Welder", job)];
        let found = read(&app, who, "me").await.unwrap();
        assert_eq!((&found.job_title, found.last_name), (job, answer.last_name));
        let mut noted = noted(&app, who.id).await;
        if who.id == people[MANY - 1].id {
            assert_eq!(found.first_name, "Uno");
            lines.push(line("first_name", "One", "Uno"));
            lines.sort();
            noted.sort();
        }
        assert_eq!((noted, found.etag.as_str()), (lines.clone(), format!("\"{}\"", lines.len() + 1).as_str()));
    }
    let told = "select count(distinct user_id) from directory_due";
    assert!(app.client().await.query_one(told, &[]).await.unwrap().get::<_, i64>(0) >= MANY as i64);
    // Whoever had not come as far as to wait is among these.
    assert!(writes(&app, "Engineer").await < MANY as i64 / 2);
}

#[tokio::test]
async fn nobody_waits_for_whoever_holds_the_profile_of_another() {
    let app = App::start().await;
    let people = people(&app, MANY).await;
    let (ada, others) = people.split_first().unwrap();
    let (_tap, serving) = tapped(&app).await;
    let (mut client, mut another) = (app.client().await, app.client().await);
    let holder = client.transaction().await.unwrap();
    holder.execute("select from profile where user_id = $1 for update", &[&ada.id]).await.unwrap();
    let table = another.transaction().await.unwrap();
    db::text(&table, "lock table profile_change in exclusive mode", &[]).await.unwrap();

    // One of hers is begun first and by itself, and the other comes with theirs.
    let mut profiles = ProfileServiceClient::new(serving.channel());
    let last_name = Profile { last_name: "Lovelace".to_owned(), ..Profile::default() };
    let named = UpdateProfileRequest { profile: Some(last_name), update_mask: None, etag: String::new() };
    let named = profiles.update_profile(by(&ada.token, named));
    let hers = pin!(join(employ(serving.channel(), ada, "Engineer", ""), named));
    let theirs = join_all(others.iter().map(|who| employ(serving.channel(), who, "Welder", "")));
    let release = async {
        open(&serving, MANY + 1).await;
        table.commit().await.unwrap();
    };
    let Either::Right(((theirs, ()), hers)) = select(hers, pin!(join(theirs, release))).await else {
        panic!("hers did not wait for who holds her profile");
    };
    for answer in theirs {
        assert_eq!(answer.unwrap().job_title, "Welder");
    }
    // Nobody came to do it alone, as they would after waiting for long.
    assert!(writes(&app, "Welder").await < MANY as i64 / 2);

    holder.commit().await.unwrap();
    let (job, name) = hers.await;
    assert_eq!(job.unwrap().job_title, "Engineer");
    assert_eq!(name.unwrap().into_inner().profile.unwrap().last_name, "Lovelace");
    let found = read(&app, ada, "me").await.unwrap();
    assert_eq!((found.job_title.as_str(), found.last_name.as_str()), ("Engineer", "Lovelace"));
}

#[tokio::test]
async fn what_was_written_is_said_to_be_when_the_word_of_it_is_lost() {
    let app = App::start().await;
    let people = people(&app, 3).await;
    let (tap, serving) = tapped(&app).await;
    let mut seen = Vec::new();
    for who in &people {
        seen.push(employ(serving.channel(), who, "Welder", "").await.unwrap().etag);
    }
    let mut client = app.client().await;
    let held = client.transaction().await.unwrap();
    db::text(&held, "lock table profile_change in exclusive mode", &[]).await.unwrap();
    let change = async |number: usize| employ(serving.channel(), &people[number], "Engineer", &seen[number]).await;

    let first = async {
        let change = change(0).await;
        (change, ())
    };
    let rest = async {
        open(&serving, 1).await;
        join(change(1), change(2)).await
    };
    let looking = async {
        open(&serving, 3).await;
        // The first has its turn, and ends there; then come the others.
        let on_the_table = "select pid from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock' and query like 'with step as %'";
        let client = app.client().await;
        let writer = async |but: i32| loop {
            let rows = db::text(&client, on_the_table, &[]).await.unwrap();
            if let Some(pid) = rows.iter().map(|it| it.get::<_, i32>(0)).find(|it| *it != but) {
                return pid;
            }
        };
        let first = writer(0).await;
        db::text(&client, "select pg_terminate_backend($1)", &[&first]).await.unwrap();
        writer(first).await;
        tap.lose("SELECT 2");
        held.commit().await.unwrap();
    };
    let ((first, ()), rest, ()) = tokio::join!(first, rest, looking);

    assert_eq!(first.unwrap_err().code(), Code::Unavailable);
    for (answer, (who, seen)) in [rest.0, rest.1].into_iter().zip(people.iter().zip(&seen).skip(1)) {
        let answer = answer.unwrap();
        assert_eq!((answer.job_title.as_str(), answer.etag == *seen), ("Engineer", false));
        assert_eq!(answer.etag, read(&app, who, "me").await.unwrap().etag);
        let lines = [line("job_title", "", "Welder"), line("job_title", "Welder", "Engineer")];
        assert_eq!(noted(&app, who.id).await, lines);
    }
}
