//! Several at once: one of them has the name, versions are counted, and folders do not go from under what is put into them.

use futures_util::future::join_all;
use tonic::Code;

use super::{Site, refusal, refused};

#[tokio::test]
async fn of_sixteen_who_make_the_same_name_at_once_one_has_it() {
    let site = Site::open().await;
    let names = ["Plans", "plans", "PLANS", "pLANS"];
    let made = join_all((0..16).map(|it| site.folder("", names[it % names.len()]))).await;
    let (made, taken): (Vec<_>, Vec<_>) = made.into_iter().partition(Result::is_ok);
    assert_eq!((made.len(), taken.len()), (1, 15));
    for other in taken {
        assert_eq!(refusal(other), refused(Code::AlreadyExists, "NAME_TAKEN"));
    }
    assert_eq!(site.names("", false).await.unwrap().len(), 1);
}

#[tokio::test]
async fn two_versions_at_once_are_two_versions_and_of_one_state_there_is_one() {
    let site = Site::open().await;
    let plan = site.upload("", "Plan.pdf", b"plan").await.unwrap();
    let id = &plan.document_id;
    let (one, other) = tokio::join!(site.add(id, b"one", ""), site.add(id, b"other", ""));
    let mut numbers = [one, other].map(|it| it.unwrap().version.unwrap().number);
    numbers.sort_unstable();
    assert_eq!(numbers, [2, 3]);

    let etag = site.read(id).await.unwrap().0.etag;
    let (one, other) = tokio::join!(site.add(id, b"one", &etag), site.add(id, b"other", &etag));
    let (made, stale) = if one.is_ok() { (one, other) } else { (other, one) };
    assert_eq!(made.unwrap().version.unwrap().number, 4);
    assert_eq!(refusal(stale), refused(Code::Aborted, "ETAG_MISMATCH"));
    assert_eq!(site.read(id).await.unwrap().0.version.unwrap().number, 4);
}

#[tokio::test]
async fn what_is_put_into_a_folder_while_it_is_deleted_is_there_when_that_is_said_and_else_is_not() {
    let site = Site::open().await;
    for round in 0..8 {
        let folder = site.folder("", &format!("Folder {round}")).await.unwrap().folder_id;
        let inner = site.folder(&folder, "Inner").await.unwrap().folder_id;
        let (made, deleted) = tokio::join!(site.folder(&inner, "New"), site.delete_folder(&inner, false));
        match (&made, &deleted) {
            // Whoever was first is what counts: a folder that something is in does not go, and in one that has gone nothing is.
            (Ok(_), Err(_)) => assert_eq!(refusal(deleted), refused(Code::FailedPrecondition, "NOT_EMPTY")),
            (Err(_), Ok(_)) => assert_eq!(refusal(made), refused(Code::NotFound, "FOLDER_NOT_FOUND")),
            _ => panic!("{made:?} {deleted:?}"),
        }
    }
}
