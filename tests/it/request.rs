//! Request ids: twins, borrowed ids, and transactions that fail.

use tonic::Code;
use uuid::Uuid;
use workcenter::{
    db::Db,
    error::{Error, Reason},
    ids,
    pb::CreateWorkCenterRequest,
    request::{self, Recall},
};

use crate::harness::{App, by, fields, reason};

/// Does what a creating call does, with `body` for its request and `answer` for its answer.
async fn call(db: Db, caller: Uuid, id: String, body: &'static [u8], answer: &'static [u8]) -> Recall {
    let mut client = db.client().await.unwrap();
    let tx = client.transaction().await.unwrap();
    let recalled = request::recall(&tx, caller, "Create", &id, body).await.unwrap();
    if let Recall::New(ticket) = recalled {
        request::remember(&tx, ticket, answer).await.unwrap();
    }
    tx.commit().await.unwrap();
    recalled
}

#[tokio::test]
async fn a_request_that_is_sent_again_is_answered_as_before() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let create = async |name: &str, request_id: &str| {
        let message = CreateWorkCenterRequest {
            account_id: account.id.to_string(),
            name: name.to_owned(),
            request_id: request_id.to_owned(),
            ..Default::default()
        };
        let created = app.workcenters().create_work_center(by(&account.admin.token, message)).await;
        created.map(|it| it.into_inner().workcenter.unwrap())
    };

    let id = ids::new().to_string();
    let first = create("Plans", &id).await.unwrap();
    assert_eq!(create("Plans", &id).await.unwrap(), first);
    assert_ne!(create("Plans", "").await.unwrap().workcenter_id, first.workcenter_id);

    let borrowed = create("Works", &id).await.unwrap_err();
    assert_eq!((borrowed.code(), reason(&borrowed)), (Code::AlreadyExists, "REQUEST_ID_REUSED".to_owned()));
    let bad = create("Plans", "once").await.unwrap_err();
    assert_eq!((bad.code(), fields(&bad)), (Code::InvalidArgument, vec!["request_id".to_owned()]));
}

#[tokio::test]
async fn a_twin_waits_for_the_first_and_gets_its_answer() {
    let app = App::start().await;
    let (caller, id) = (ids::new(), ids::new().to_string());
    let mut client = app.pool().client().await.unwrap();
    let tx = client.transaction().await.unwrap();
    let Recall::New(ticket) = request::recall(&tx, caller, "Create", &id, b"body").await.unwrap() else {
        panic!("a new request is known");
    };

    let twin = tokio::spawn(call(app.pool().clone(), caller, id, b"body", b"second"));
    waits(app.pool()).await;
    request::remember(&tx, ticket, b"first").await.unwrap();
    tx.commit().await.unwrap();

    assert_eq!(twin.await.unwrap(), Recall::Known(b"first".to_vec()));
}

#[tokio::test]
async fn a_twin_of_a_request_that_failed_goes_on_in_its_place() {
    let app = App::start().await;
    let (caller, id) = (ids::new(), ids::new().to_string());
    let mut client = app.pool().client().await.unwrap();
    let tx = client.transaction().await.unwrap();
    request::recall(&tx, caller, "Create", &id, b"body").await.unwrap();

    let twin = tokio::spawn(call(app.pool().clone(), caller, id.clone(), b"body", b"second"));
    waits(app.pool()).await;
    drop(tx);

    assert!(matches!(twin.await.unwrap(), Recall::New(Some(_))));
    assert_eq!(call(app.pool().clone(), caller, id, b"body", b"third").await, Recall::Known(b"second".to_vec()));
}

#[tokio::test]
async fn a_request_id_belongs_to_its_caller_and_to_one_request() {
    let app = App::start().await;
    let (ada, bob, id) = (ids::new(), ids::new(), ids::new().to_string());
    call(app.pool().clone(), ada, id.clone(), b"body", b"adas").await;
    let bobs = call(app.pool().clone(), bob, id.clone(), b"body", b"bobs").await;
    assert!(matches!(bobs, Recall::New(Some(_))));
    let none = call(app.pool().clone(), ada, String::new(), b"body", b"").await;
    assert_eq!(none, Recall::New(None));

    let mut client = app.pool().client().await.unwrap();
    for (method, body) in [("Create", b"other".as_slice()), ("Destroy", b"body")] {
        let tx = client.transaction().await.unwrap();
        let reused = request::recall(&tx, ada, method, &id, body).await;
        assert!(matches!(reused, Err(Error::Taken(Reason::RequestIdReused))));
    }
}

#[tokio::test]
async fn answers_are_kept_for_two_days() {
    let app = App::start().await;
    let (old, young) = (ids::new(), ids::new());
    for id in [old, young] {
        call(app.pool().clone(), Uuid::nil(), id.to_string(), b"body", b"answer").await;
    }
    let client = app.pool().client().await.unwrap();
    let age = "update request set created_at = now() - interval '49 hours' where request_id = $1";
    client.execute(age, &[&old]).await.unwrap();

    assert_eq!(request::sweep(&client).await.unwrap(), 1);
    let left: Uuid = client.query_one("select request_id from request", &[]).await.unwrap().get(0);
    assert_eq!(left, young);
}

/// Returns once some session of the database waits for a lock. Asks the database, which knows, and not the clock.
pub async fn waits(db: &Db) {
    let client = db.client().await.unwrap();
    let waiting = "select exists (select from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock')";
    while !client.query_one(waiting, &[]).await.unwrap().get::<_, bool>(0) {}
}
