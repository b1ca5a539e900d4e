//! Comments: of documents, tasks and posts alike.

use tonic::Code;
use workcenter::pb::{
    ArchiveWorkCenterRequest, Comment, CommentSubject, CreateCommentRequest, ListCommentsRequest,
    RemoveCollaboratorRequest,
};

use crate::{
    content::{Site, refusal, refused},
    harness::{by, fields},
    task::called,
};

impl Site {
    /// A document, a task and a post.
    async fn subjects(&self) -> [CommentSubject; 3] {
        let plan = self.upload("", "Plan.pdf", b"plan").await.unwrap().document_id;
        let task = self.task(called("Paint")).await;
        let post = self.post(&self.contributor, "Hello").await.unwrap();
        [self.of_document(&plan), self.of_task(&task), self.of_post(&post)]
    }
}

#[tokio::test]
async fn comments_of_each_kind_of_thing_come_oldest_first_page_by_page() {
    let site = Site::open().await;
    let bob = &site.contributor;
    let subjects = site.subjects().await;
    for subject in &subjects {
        for text in ["a", "b", "c"] {
            site.comment(bob, subject.clone(), text).await.unwrap();
        }
        let page = async |page_token: &str| {
            let message =
                ListCommentsRequest { subject: Some(subject.clone()), page_size: 2, page_token: page_token.to_owned() };
            let listed = site.app.contents().list_comments(by(&bob.token, message)).await.unwrap().into_inner();
            (listed.comments.into_iter().map(|it| it.text).collect::<Vec<_>>(), listed.next_page_token)
        };
        let (first, token) = page("").await;
        site.comment(bob, subject.clone(), "d").await.unwrap();
        let (second, end) = page(&token).await;
        assert_eq!((first, second, end.as_str()), (vec!["a".into(), "b".into()], vec!["c".to_owned(), "d".into()], ""));
    }
    let kinds: Vec<String> = site.events().await.into_iter().map(|it| it.kind).collect();
    for kind in ["file.commented", "task.commented", "post.commented"] {
        assert_eq!(kinds.iter().filter(|it| *it == kind).count(), 4, "{kind}");
    }
    let nothing = site.comments(CommentSubject::default()).await.unwrap_err();
    assert_eq!(fields(&nothing), ["subject"]);
}

#[tokio::test]
async fn a_comment_is_made_once_and_its_author_alone_changes_it() {
    let site = Site::open().await;
    let (ada, bob) = (&site.owner, &site.contributor);
    let other = site.app.person(&site.account, "carl@example.com", "Carl", "").await;
    site.app.collaborator(ada, site.pier, &other).await;
    for subject in site.subjects().await {
        let message = CreateCommentRequest {
            subject: Some(subject.clone()),
            text: "Look at this.".to_owned(),
            mentioned_user_ids: vec![ada.id.to_string()],
            request_id: uuid::Uuid::now_v7().to_string(),
        };
        let make = async || {
            let made = site.app.contents().create_comment(by(&bob.token, message.clone())).await.unwrap();
            made.into_inner().comment.unwrap()
        };
        let made = make().await;
        assert_eq!((make().await, made.subject.clone()), (made.clone(), Some(subject.clone())));
        assert_eq!(site.comments(subject.clone()).await.unwrap(), std::slice::from_ref(&made));

        let text = "Look at that.".to_owned();
        let later =
            Comment { text, mentioned_user_ids: vec![ada.id.to_string(), other.id.to_string()], ..made.clone() };
        for who in [ada, &other, &site.account.admin] {
            let denied = refused(Code::PermissionDenied, "NOT_ALLOWED");
            assert_eq!(refusal(site.recomment(who, later.clone(), &["text"], "").await), denied);
        }
        let edited = site.recomment(bob, later.clone(), &[], &made.etag).await.unwrap();
        assert_eq!((edited.text.as_str(), edited.create_time), ("Look at that.", made.create_time));
        assert!(edited.edit_time.is_some());
        let stale = site.recomment(bob, made.clone(), &["text"], &made.etag).await;
        assert_eq!(refusal(stale), refused(Code::Aborted, "ETAG_MISMATCH"));
        assert_eq!(site.comments(subject.clone()).await.unwrap(), [edited.clone()]);

        let denied = refused(Code::PermissionDenied, "NOT_ALLOWED");
        assert_eq!(refusal(site.uncomment(&other, &made).await), denied);
        site.uncomment(bob, &made).await.unwrap();
        assert_eq!(site.comments(subject).await.unwrap(), []);
    }
    // Who is mentioned later is told alone; nobody is told twice, and nobody of what was deleted.
    assert_eq!(site.addressed("mention").await, [other.id; 3]);
    assert_eq!(site.taken_back().await, ["file.commented", "task.commented", "post.commented"]);
}

#[tokio::test]
async fn only_who_collaborates_is_mentioned_and_who_has_left_changes_nothing() {
    let site = Site::open().await;
    let (ada, bob) = (&site.owner, &site.contributor);
    let stranger = site.app.person(&site.account, "sam@example.com", "Sam", "").await;
    let [of_plan, ..] = site.subjects().await;
    let status = site.comment_to(bob, of_plan.clone(), "Look", &[ada, &stranger]).await.unwrap_err();
    assert_eq!(fields(&status), ["mentioned_user_ids[1]"]);
    let made = site.comment(bob, of_plan.clone(), "Look").await.unwrap();
    let (workcenter_id, user_id) = (site.pier.to_string(), bob.id.to_string());
    let leave = RemoveCollaboratorRequest { workcenter_id, user_id };
    site.app.workcenters().remove_collaborator(by(&bob.token, leave)).await.unwrap();
    let gone = refused(Code::NotFound, "COMMENT_NOT_FOUND");
    assert_eq!(refusal(site.recomment(bob, made.clone(), &["text"], "").await), gone);
    assert_eq!(refusal(site.uncomment(bob, &made).await), gone);
    assert_eq!(site.comments(of_plan).await.unwrap(), [made]);
}

#[tokio::test]
async fn in_an_archived_workcenter_everything_is_read_and_nothing_is_said() {
    let site = Site::open().await;
    let (ada, bob) = (&site.owner, &site.contributor);
    let subjects = site.subjects().await;
    let made = site.comment(bob, subjects[0].clone(), "Look").await.unwrap();
    let archive = ArchiveWorkCenterRequest { workcenter_id: site.pier.to_string() };
    site.app.workcenters().archive_work_center(by(&ada.token, archive)).await.unwrap();
    let archived = || refused(Code::FailedPrecondition, "WORKCENTER_ARCHIVED");
    for subject in subjects {
        assert!(site.comments(subject.clone()).await.is_ok());
        assert_eq!(refusal(site.comment(bob, subject, "Hello").await), archived());
    }
    assert_eq!(
        refusal(site.recomment(bob, Comment { text: "No".into(), ..made.clone() }, &["text"], "").await),
        archived()
    );
    assert_eq!(refusal(site.uncomment(bob, &made).await), archived());
    assert_eq!(refusal(site.post(bob, "Hello").await), archived());
    assert_eq!(refusal(site.task_by(bob, called("Paint"), "").await), archived());
}
