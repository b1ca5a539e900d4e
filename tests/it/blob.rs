//! The store of bytes: what nothing names goes after a day and not before, and what is named stays, whatever happens.

mod s3;

use std::{collections::BTreeSet, fs, path::PathBuf};

use futures_util::{StreamExt, stream};
use tonic::Code;
use uuid::Uuid;
use workcenter::{
    blob::{self, Blobs},
    daemon::Sweep,
    pb::{DeletePictureRequest, GetPictureRequest},
    secret,
};

use crate::{
    harness::{App, Person, by, reason},
    picture::{ada, etags, jpeg, messages, of, shown, upload},
    request::waits,
};

fn blobs(app: &App) -> &Blobs {
    &app.parts().blobs
}

fn folder(app: &App) -> PathBuf {
    app.parts().settings.blobs.blob_dir.clone()
}

/// The names of all that is in the folder of `app`.
pub fn files(app: &App) -> BTreeSet<String> {
    let shelves = fs::read_dir(folder(app)).unwrap().map(|it| it.unwrap().path());
    let on = |shelf: PathBuf| fs::read_dir(shelf).unwrap().map(|it| it.unwrap().path());
    let name = |it: PathBuf| it.strip_prefix(folder(app)).unwrap().to_str().unwrap().replace('/', "");
    shelves.flat_map(on).map(name).collect()
}

/// The names of all that the database knows of.
async fn rows(app: &App) -> BTreeSet<String> {
    let rows = app.client().await.query("select encode(digest, 'hex') from blob", &[]).await.unwrap();
    rows.iter().map(|it| it.get(0)).collect()
}

/// Lets `hours` pass by the real clock, as far as bytes go by it.
pub async fn pass(app: &App, hours: i32) {
    // In order, as all do who may wait for each other.
    let pass = format!(
        "with locked as (select digest from blob order by digest for update)
        update blob set loose_at = loose_at - interval '{hours} hours',
            doomed_until = doomed_until - interval '{hours} hours'
        from locked where locked.digest = blob.digest"
    );
    app.client().await.batch_execute(&pass).await.unwrap();
}

/// Collects all that there is to collect, and returns how much it was.
pub async fn collect(app: &App) -> u64 {
    let mut collected = 0;
    while let Some(batch) = blobs(app).collect().await.unwrap() {
        collected += batch;
    }
    collected
}

async fn set(app: &App, person: &Person, side: u32) -> String {
    upload(app, &person.token, messages(&jpeg(side, side), 64 << 10)).await.unwrap().picture.unwrap().etag
}

async fn delete(app: &App, person: &Person) {
    let request = by(&person.token, DeletePictureRequest { user_id: "me".to_owned() });
    app.profiles().delete_picture(request).await.unwrap();
}

async fn is_stored(app: &App, person: &Person) -> bool {
    !shown(app, person, of("me", 48)).await.unwrap().0.drawn
}

#[tokio::test]
async fn a_picture_that_was_replaced_goes_a_day_later_and_not_before() {
    let (app, ada) = ada().await;
    set(&app, &ada, 60).await;
    let old = files(&app);
    assert_eq!((old.len(), rows(&app).await), (4, old.clone()));
    // It has been there for long when it is replaced.
    pass(&app, 100).await;
    assert_eq!(collect(&app).await, 0);
    set(&app, &ada, 61).await;

    pass(&app, 23).await;
    assert_eq!(collect(&app).await, 0);
    assert_eq!(files(&app).len(), 8);
    pass(&app, 1).await;
    assert_eq!(collect(&app).await, 4);
    let new = files(&app);
    assert!(new.len() == 4 && new.is_disjoint(&old));
    assert_eq!(rows(&app).await, new);
    assert!(is_stored(&app, &ada).await);
    assert_eq!(collect(&app).await, 0);
}

#[tokio::test]
async fn bytes_that_two_share_stay_as_long_as_one_of_them_has_them() {
    let (app, ada) = ada().await;
    let bob = app.account("Sea Works").await.admin;
    assert_eq!(set(&app, &ada, 60).await, set(&app, &bob, 60).await);
    for (leaves, is_last) in [(&ada, false), (&bob, true)] {
        delete(&app, leaves).await;
        pass(&app, 24).await;
        assert_eq!(collect(&app).await, if is_last { 4 } else { 0 });
        assert_eq!(is_stored(&app, &bob).await, !is_last);
    }
    assert!(files(&app).is_empty() && rows(&app).await.is_empty());
}

#[tokio::test]
async fn an_upload_that_stops_half_way_leaves_nothing_for_ever() {
    let app = App::start().await;
    // Stored, and never named.
    blobs(&app).put(vec!["one".into(), "two".into(), "one".into()]).await.unwrap();
    // Announced, and never stored.
    let announced = "insert into blob (digest, loose_at) values (decode(repeat('ab', 32), 'hex'), now())";
    app.client().await.batch_execute(announced).await.unwrap();
    assert_eq!((files(&app).len(), collect(&app).await), (2, 0));
    pass(&app, 24).await;
    assert_eq!(collect(&app).await, 3);
    assert!(files(&app).is_empty() && rows(&app).await.is_empty());
}

#[tokio::test]
async fn a_collector_that_dies_between_its_steps_does_no_harm() {
    for steps in [1, 2] {
        let (app, ada) = ada().await;
        set(&app, &ada, 60).await;
        delete(&app, &ada).await;
        pass(&app, 24).await;
        let doomed = blobs(&app).doom().await.unwrap().unwrap();
        if steps == 2 {
            blobs(&app).remove(&doomed).await.unwrap();
        }
        // Nobody else takes it, and nobody stores it, before the time of who died is up.
        assert_eq!(collect(&app).await, 0);
        let status = upload(&app, &ada.token, messages(&jpeg(60, 60), 1000)).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::Unavailable, "STORE_UNAVAILABLE"));
        pass(&app, 1).await;

        if steps == 1 {
            assert_eq!(collect(&app).await, 4);
            assert!(files(&app).is_empty());
        }
        set(&app, &ada, 60).await;
        // Who was only slow, and not dead, forgets nothing that is in use now.
        assert_eq!(blobs(&app).forget(doomed).await.unwrap(), 0);
        assert_eq!(rows(&app).await, files(&app));
        pass(&app, 24).await;
        assert_eq!(collect(&app).await, 0);
        assert!(is_stored(&app, &ada).await);
    }
}

#[tokio::test]
async fn what_went_before_it_was_named_cannot_be_named() {
    let app = App::start().await;
    let stored = blobs(&app).put(vec!["one".into(), "two".into()]).await.unwrap();
    let held = async || {
        let mut client = app.client().await;
        let tx = client.transaction().await.unwrap();
        blob::hold(&tx, &stored).await.map_err(|it| it.reason())
    };
    assert_eq!(held().await, Ok(()));
    pass(&app, 24).await;
    let doomed = blobs(&app).doom().await.unwrap().unwrap();
    assert_eq!(held().await, Err(workcenter::error::Reason::StoreUnavailable));
    blobs(&app).remove(&doomed).await.unwrap();
    assert_eq!(blobs(&app).forget(doomed).await.unwrap(), 2);
    assert_eq!(held().await, Err(workcenter::error::Reason::StoreUnavailable));
}

#[tokio::test]
async fn what_is_held_is_not_doomed() {
    let app = App::start().await;
    let stored = blobs(&app).put(vec!["one".into()]).await.unwrap();
    pass(&app, 24).await;
    let mut client = app.client().await;
    let tx = client.transaction().await.unwrap();
    blob::hold(&tx, &stored).await.unwrap();
    assert_eq!(collect(&app).await, 0);
    tx.commit().await.unwrap();
    assert_eq!(collect(&app).await, 1);
}

#[tokio::test]
async fn what_lies_in_the_store_and_is_known_to_nobody_is_found_and_goes() {
    let (app, ada) = ada().await;
    set(&app, &ada, 60).await;
    blobs(&app).put(vec!["left behind".into()]).await.unwrap();
    // As after a database was taken back to an older state.
    let forget = "delete from blob where loose_at is not null and not exists (
        select from picture_square where picture_square.digest = blob.digest)";
    app.client().await.batch_execute(forget).await.unwrap();
    fs::write(folder(&app).join("README"), "not ours").unwrap();
    fs::create_dir_all(folder(&app).join("ab")).unwrap();
    fs::write(folder(&app).join("ab/notes"), "not ours either").unwrap();

    let mut adopted = 0;
    for shelf in 0..=255 {
        adopted += blobs(&app).adopt(shelf).await.unwrap();
    }
    assert_eq!((adopted, collect(&app).await), (1, 0));
    pass(&app, 24).await;
    assert_eq!(collect(&app).await, 1);
    assert!(is_stored(&app, &ada).await && folder(&app).join("ab/notes").exists());
}

#[tokio::test]
async fn the_daemon_collects_when_it_keeps_house() {
    let (app, ada) = ada().await;
    set(&app, &ada, 60).await;
    delete(&app, &ada).await;
    pass(&app, 24).await;
    app.daemon(None).step(Sweep::Housekeeping, app.now().await).await.unwrap();
    assert!(files(&app).is_empty() && rows(&app).await.is_empty());
}

#[tokio::test]
async fn a_picture_whose_bytes_are_lost_is_drawn_and_known_as_such() {
    let (app, ada) = ada().await;
    let (drawn, drawn_bytes) = shown(&app, &ada, of("me", 128)).await.unwrap();
    let set = set(&app, &ada, 60).await;
    fs::remove_dir_all(folder(&app)).unwrap();

    let (header, bytes) = shown(&app, &ada, of("me", 128)).await.unwrap();
    assert_eq!((&header, &bytes), (&drawn, &drawn_bytes));
    let known = |etag: &str| GetPictureRequest { if_none_match: etag.to_owned(), ..of("me", 128) };
    // Who has the drawn one keeps it, and who has the one that was set has what nobody else can give.
    let (header, _) = shown(&app, &ada, known(&drawn.etag)).await.unwrap();
    assert!(header.not_modified && header.drawn);
    let (header, _) = shown(&app, &ada, known(&set)).await.unwrap();
    assert!(header.not_modified && !header.drawn && header.etag == set);
    // Set once more, it is there again.
    fs::create_dir_all(folder(&app)).unwrap();
    assert_eq!(self::set(&app, &ada, 60).await, set);
    assert!(is_stored(&app, &ada).await);
}

#[tokio::test]
async fn pictures_of_the_version_before_are_kept_and_let_go_like_others() {
    let (app, ada) = ada().await;
    let bob = app.account("Sea Works").await.admin;
    set(&app, &bob, 60).await;
    // As that version writes it: nothing is announced or held.
    let client = app.client().await;
    let copy = "insert into picture (user_id, etag, content_type, sides, digests, created_at)
        select $1, etag, content_type, sides, digests, created_at from picture where user_id = $2";
    client.execute(copy, &[&ada.id, &bob.id]).await.unwrap();
    delete(&app, &bob).await;
    pass(&app, 24).await;
    assert_eq!(collect(&app).await, 0);
    assert!(is_stored(&app, &ada).await);
    let strange = "update picture set digests = array_fill(decode(repeat('cd', 32), 'hex'), array[4])";
    client.batch_execute(strange).await.unwrap();
    assert!(rows(&app).await.contains(&"cd".repeat(32)));
    pass(&app, 24).await;
    assert_eq!(collect(&app).await, 4);
    let named = client.batch_execute("delete from blob").await.unwrap_err();
    assert!(named.to_string().contains("db error"), "what is named cannot go: {named}");
}

#[tokio::test]
async fn pictures_that_were_there_before_there_was_a_table_of_bytes_are_in_it_after_the_migration() {
    let (app, ada) = ada().await;
    let bob = app.account("Sea Works").await.admin;
    set(&app, &ada, 60).await;
    set(&app, &bob, 60).await;
    set(&app, &ada, 61).await;
    let squares = "select count(*), count(distinct digest) from picture_square";
    let client = app.client().await;
    let undo = "drop trigger picture_squares_follow on picture; drop table picture_square; drop table blob cascade;
        drop function picture_squares_follow; drop function picture_square_lets_go";
    client.batch_execute(undo).await.unwrap();
    let migration = crate::architecture::source::root().join("migrations/V10__blob.sql");
    client.batch_execute(&fs::read_to_string(migration).unwrap()).await.unwrap();

    let row = client.query_one(squares, &[]).await.unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (8, 8));
    assert_eq!(rows(&app).await, files(&app));
    delete(&app, &bob).await;
    pass(&app, 24).await;
    assert_eq!(collect(&app).await, 4);
    assert!(is_stored(&app, &ada).await);
}

/// Uploads, removes and uploads again while days pass and bytes are collected all the time.
#[tokio::test]
async fn whoever_has_a_picture_in_the_end_can_see_it_however_much_was_collected_meanwhile() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let mut people = Vec::new();
    for number in 0..32 {
        people.push(app.person(&account, &format!("p{number}@example.com"), "P", "Q").await);
    }
    // Few pictures among many people, so that they share bytes and let go of them.
    let pictures = [24, 25, 26].map(|side| messages(&jpeg(side, side), 64 << 10));
    let lives = people.iter().enumerate().map(|(number, person)| {
        let (app, pictures) = (&app, &pictures);
        async move {
            for turn in 0..2 {
                let set = upload(app, &person.token, pictures[(number + turn) % 3].clone()).await;
                // Who cannot is told so, and may try again.
                let told = set.as_ref().err().map(reason);
                assert!(told.is_none_or(|it| ["STORE_UNAVAILABLE", "OVERLOADED"].contains(&it.as_str())), "{set:?}");
                if turn == 0 {
                    delete(app, person).await;
                }
            }
        }
    });
    // No more at a time than the server takes.
    let living = stream::iter(lives).buffer_unordered(16).collect::<()>();
    let collecting = async {
        loop {
            pass(&app, 24).await;
            collect(&app).await;
        }
    };
    tokio::select! {
        () = living => {}
        () = collecting => {}
    }
    collect(&app).await;
    // Busy as it was, all may have been told to try again; one that nobody has had yet is not being removed.
    upload(&app, &people[0].token, messages(&jpeg(27, 27), 64 << 10)).await.unwrap();

    let mut have = 0;
    for person in &people {
        let has = etags(&app, person).await.1.is_some();
        assert_eq!(is_stored(&app, person).await, has, "{}", person.email);
        have += usize::from(has);
    }
    assert!(have > 0, "nobody got a picture");
}

#[tokio::test]
async fn who_forgets_bytes_waits_for_nobody_who_waits_for_them() {
    let app = App::start().await;
    let mut client = app.client().await;
    // The last comes first in the table.
    let [first, last] = [vec![1_u8; 32], vec![2_u8; 32]];
    let insert = "insert into blob (digest, loose_at) values ($1, now() - interval '2 days')";
    for digest in [&last, &first] {
        client.execute(insert, &[digest]).await.unwrap();
    }
    let doomed = blobs(&app).doom().await.unwrap().unwrap();

    let tx = client.transaction().await.unwrap();
    let lock = "select from blob where digest = $1 for update nowait";
    tx.query_one(lock, &[&first]).await.unwrap();
    let theirs = blobs(&app).clone();
    let forgetting = tokio::spawn(async move { theirs.forget(doomed).await });
    waits(app.pool()).await;
    tx.query_one(lock, &[&last]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(forgetting.await.unwrap().unwrap(), 2);
}

#[tokio::test]
async fn what_is_left_long_after_its_day_is_found_by_the_audit() {
    let app = App::start().await;
    let stored = blobs(&app).put(vec!["one".into()]).await.unwrap();
    let findings = async || workcenter::audit::run(app.pool(), app.now().await).await.unwrap();
    pass(&app, 7 * 24 - 1).await;
    assert_eq!(findings().await, []);
    pass(&app, 2).await;
    let found = findings().await;
    assert_eq!(found.iter().map(|it| it.code).collect::<Vec<_>>(), ["BLOB_LEFT"]);
    assert!(found[0].text.contains(&secret::hex(&stored[0])), "{}", found[0].text);
    assert_eq!(found[0].subject, Uuid::from_slice(&stored[0][..16]).unwrap());
}
