//! Posts: their author changes them, and those who may delete them.

use tonic::Code;
use workcenter::pb::{CreatePostRequest, ListPostsRequest, Post};

use crate::{
    content::{Site, refusal, refused},
    harness::{by, fields},
    story::Story,
};

#[tokio::test]
async fn a_post_is_as_it_was_written_once_and_its_author_alone_changes_it() {
    let site = Site::open().await;
    let (ada, bob) = (&site.owner, &site.contributor);
    let request_id = uuid::Uuid::now_v7().to_string();
    let message = CreatePostRequest {
        workcenter_id: site.pier.to_string(),
        title: " Crane ".to_owned(),
        text: "It comes on Monday.\n".to_owned(),
        mentioned_user_ids: vec![ada.id.to_string(), ada.id.to_string()],
        request_id,
    };
    let make = async || {
        site.app.contents().create_post(by(&bob.token, message.clone())).await.unwrap().into_inner().post.unwrap()
    };
    let made = make().await;
    assert_eq!(make().await, made);
    assert_eq!((made.title.as_str(), made.text.as_str()), ("Crane", "It comes on Monday."));
    assert_eq!((made.edit_time, made.update_time), (None, made.create_time));
    assert_eq!(made.mentioned_user_ids, [ada.id.to_string()]);
    assert_eq!(site.read_post(&made).await.unwrap(), made);

    site.app.clock_at("2027-01-04T08:00:00Z").await;
    let later = Post { text: "It comes on Tuesday.".to_owned(), ..made.clone() };
    let denied = || refused(Code::PermissionDenied, "NOT_ALLOWED");
    for who in [ada, &site.account.admin] {
        assert_eq!(refusal(site.repost(who, later.clone(), &["text"], "").await), denied());
    }
    let edited = site.repost(bob, later.clone(), &["text"], &made.etag).await.unwrap();
    assert_eq!((edited.title.as_str(), edited.text.as_str()), ("Crane", "It comes on Tuesday."));
    assert!(edited.edit_time.is_some() && edited.edit_time == edited.update_time);
    assert_eq!(site.repost(bob, edited.clone(), &["*"], "").await.unwrap(), edited);
    assert_eq!(refusal(site.repost(bob, later, &["text"], &made.etag).await), refused(Code::Aborted, "ETAG_MISMATCH"));
    let empty = Post { post_id: made.post_id, title: "t".repeat(256), ..Default::default() };
    assert_eq!(
        fields(&site.repost(bob, empty, &["title", "text"], "").await.unwrap_err()),
        ["post.title", "post.text"]
    );
}

#[tokio::test]
async fn posts_come_newest_first_page_by_page_though_others_come_and_go() {
    let site = Site::open().await;
    let bob = &site.contributor;
    let mut made = Vec::new();
    for text in ["a", "b", "c", "d"] {
        made.push(site.post(bob, text).await.unwrap());
    }
    let page = async |page_token: &str| {
        let (workcenter_id, page_token) = (site.pier.to_string(), page_token.to_owned());
        let message = ListPostsRequest { workcenter_id, page_token, page_size: 2 };
        let listed = site.app.contents().list_posts(by(&bob.token, message)).await.unwrap().into_inner();
        (listed.posts.into_iter().map(|it| it.text).collect::<Vec<_>>(), listed.next_page_token)
    };
    let (first, token) = page("").await;
    site.post(bob, "e").await.unwrap();
    site.unpost(bob, &made[1]).await.unwrap();
    let (second, end) = page(&token).await;
    assert_eq!((first, second, end.as_str()), (vec!["d".into(), "c".into()], vec!["a".to_owned()], ""));
}

#[tokio::test]
async fn its_author_owners_and_administrators_delete_a_post_and_what_is_said_of_it() {
    let site = Site::open().await;
    let (ada, bob, eve) = (&site.owner, &site.contributor, &site.reader().await);
    let other = site.app.person(&site.account, "carl@example.com", "Carl", "").await;
    site.app.collaborator(ada, site.pier, &other).await;
    for who in [bob, ada, &site.account.admin] {
        let post = site.post(bob, "Hello").await.unwrap();
        let comment = site.comment(ada, site.of_post(&post), "Hello you").await.unwrap();
        for stranger in [eve, &other] {
            assert_eq!(refusal(site.unpost(stranger, &post).await), refused(Code::PermissionDenied, "NOT_ALLOWED"));
        }
        site.unpost(who, &post).await.unwrap();
        assert_eq!(refusal(site.read_post(&post).await), refused(Code::NotFound, "POST_NOT_FOUND"));
        assert_eq!(refusal(site.comments(site.of_post(&post)).await), refused(Code::NotFound, "POST_NOT_FOUND"));
        assert_eq!(refusal(site.uncomment(ada, &comment).await), refused(Code::NotFound, "COMMENT_NOT_FOUND"));
    }
    assert_eq!(site.taken_back().await, ["post.created", "post.commented"].repeat(3));
    // A reader neither posts nor comments.
    let denied = refused(Code::PermissionDenied, "NOT_ALLOWED");
    assert_eq!(refusal(site.post(eve, "Hello").await), denied);
    let post = site.post(bob, "Hello").await.unwrap();
    assert_eq!(refusal(site.comment(eve, site.of_post(&post), "Hello you").await), denied);
}

#[tokio::test]
async fn a_post_is_told_to_all_and_what_was_deleted_before_is_told_to_nobody() {
    let Story { app, account, bob, ada, pier, key, sink, daemon } = Story::begin().await;
    let site = Site { app, account, owner: bob, contributor: ada, pier };
    let (bob, ada) = (&site.owner, &site.contributor);
    let gone = site.post(bob, "A slip of the pen").await.unwrap();
    site.unpost(bob, &gone).await.unwrap();
    let post = site.post_to(bob, "The crane comes on Monday.\nMind your heads.", &[ada]).await.unwrap();
    site.comment(bob, site.of_post(&post), "At eight.").await.unwrap();
    site.comment_to(ada, site.of_post(&post), "Fine.", &[bob]).await.unwrap();
    assert_eq!(
        (site.addressed("post.created").await, site.addressed("post.commented").await),
        (vec![ada.id], vec![bob.id])
    );

    let Site { app, account, owner: bob, contributor: ada, pier } = site;
    let story = Story { app, account, bob, ada, pier, key, sink, daemon };
    story.at("2026-11-20T14:00:00Z").await;
    let mails = story.mails();
    let text = |to: &str| mails.iter().find(|it| it.to.contains(to)).map(|it| it.text()).unwrap();
    let to_ada = text(&story.ada.email);
    let told = ["Bob Stephenson mentioned you in The crane comes on Monday.", "Mind your heads."];
    assert!(told.iter().all(|it| to_ada.contains(it)) && !to_ada.contains("A slip of the pen"), "{to_ada}");
    let to_bob = text(&story.bob.email);
    assert!(to_bob.contains("Ada Lovelace mentioned you in a comment on The crane comes on Monday."), "{to_bob}");
    assert_eq!(story.findings().await, []);
}
