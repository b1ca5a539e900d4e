//! That collaborators hear of what is done to folders and documents, in the log and in their digest, and of nothing that was not.

use workcenter::pb::{Document, ListActivityRequest, UpdateDocumentRequest};

use super::Site;
use crate::{
    harness::{by, reason},
    story::Story,
};

#[tokio::test]
async fn each_change_is_an_event_of_the_workcenter_and_a_line_of_the_mail() {
    let Story { app, account, bob, ada, pier, key, sink, daemon } = Story::begin().await;
    // Bob owns it, and Ada contributes to it.
    let site = Site { app, account, owner: bob, contributor: ada, pier };
    let folder = site.folder("", "Plans").await.unwrap().folder_id;
    site.rename(&folder, "Drawings", "").await.unwrap();
    let plan = site.upload(&folder, "Plan.pdf", b"one").await.unwrap().document_id;
    site.add(&plan, b"two", "").await.unwrap();
    let named = Document { document_id: plan.clone(), name: "Section.pdf".to_owned(), ..Default::default() };
    let request = UpdateDocumentRequest { document: Some(named), ..Default::default() };
    site.app.contents().update_document(by(&site.contributor.token, request)).await.unwrap();
    site.delete(&plan).await.unwrap();
    site.restore(&plan).await.unwrap();
    site.delete_folder(&folder, true).await.unwrap();
    site.restore_folder(&folder).await.unwrap();
    // What is refused is told to nobody.
    assert_eq!(reason(&site.folder("", "drawings").await.unwrap_err()), "NAME_TAKEN");
    assert_eq!(reason(&site.upload(&folder, "section.pdf", b"").await.unwrap_err()), "NAME_TAKEN");
    assert_eq!(reason(&site.rename(&folder, "New", "\"0\"").await.unwrap_err()), "ETAG_MISMATCH");

    let request = ListActivityRequest { workcenter_id: site.pier.to_string(), ..Default::default() };
    let listed = site.app.activity().list_activity(by(&site.owner.token, request)).await.unwrap().into_inner();
    let mut events: Vec<_> = listed.events.into_iter().filter(|it| !it.kind.starts_with("collaborator")).collect();
    events.sort_by_key(|it| it.seq);
    let kinds: Vec<_> = events.iter().map(|it| it.kind.as_str()).collect();
    let all = [
        "folder.created",
        "folder.renamed",
        "file.uploaded",
        "file.version_added",
        "file.details_changed",
        "file.deleted",
        "file.restored",
        "folder.deleted",
        "folder.restored",
    ];
    assert_eq!(kinds, all);
    let renamed = &events[4];
    let (subject, parent) = (renamed.subject.clone().unwrap(), renamed.parent.clone().unwrap());
    assert_eq!((subject.r#type.as_str(), subject.title.as_str(), subject.id), ("file", "Section.pdf", plan));
    assert_eq!((parent.r#type.as_str(), parent.title.as_str(), parent.id), ("folder", "Drawings", folder));
    assert_eq!(renamed.summary, "It was called Plan.pdf.");

    let Site { app, account, owner: bob, contributor: ada, pier } = site;
    let story = Story { app, account, bob, ada, pier, key, sink, daemon };
    story.at("2027-01-20T12:00:00Z").await;
    let mails = story.mails();
    let text = |to: &str| mails.iter().find(|it| it.to.contains(to)).map(|it| it.text()).unwrap();
    let to_bob = text(&story.bob.email);
    for line in ["Ada Lovelace uploaded Plan.pdf to Drawings", "Ada Lovelace deleted 1 file from Drawings"] {
        assert!(to_bob.contains(line), "{to_bob}");
    }
    let to_ada = text(&story.ada.email);
    assert!(to_ada.contains("Bob Stephenson restored the folder Drawings to Pier 4"), "{to_ada}");
    assert_eq!(story.findings().await, []);
}
