//! Folders: their names, where they are, and that they go and come back with all that is in them.

use tonic::Code;
use workcenter::{content::DEPTH_MAX, ids, pb::CreateFolderRequest};

use super::{Site, refusal, refused};
use crate::harness::{by, fields};

#[tokio::test]
async fn a_folder_has_one_name_in_its_place_whatever_the_case_and_the_form_of_its_letters() {
    let site = Site::open().await;
    let plans = site.folder("", "Pl\u{e4}ne").await.unwrap();
    assert_eq!((plans.name.as_str(), plans.parent_folder_id.as_str()), ("Pl\u{e4}ne", ""));
    for taken in ["Pl\u{e4}ne", "PL\u{c4}NE", "pla\u{308}ne"] {
        let refusal = refusal(site.folder("", taken).await);
        assert_eq!(refusal, refused(Code::AlreadyExists, "NAME_TAKEN"), "{taken}");
    }
    // A document is called otherwise, too, and somewhere else everything may be called so.
    let document = site.upload("", "pl\u{e4}NE", b"plan").await;
    assert_eq!(refusal(document), refused(Code::AlreadyExists, "NAME_TAKEN"));
    let inner = site.folder(&plans.folder_id, "Pl\u{e4}ne").await.unwrap();
    assert_eq!(site.path(&inner.folder_id).await.unwrap(), ["Pl\u{e4}ne"]);

    // Another case of its own name is another name of it.
    let renamed = site.rename(&plans.folder_id, "PLA\u{308}NE", &plans.etag).await.unwrap();
    assert_eq!(
        (renamed.name.as_str(), site.path(&inner.folder_id).await.unwrap()),
        ("PL\u{c4}NE", vec!["PL\u{c4}NE".into()])
    );
    assert_eq!(
        refusal(site.rename(&plans.folder_id, "Works", &plans.etag).await),
        refused(Code::Aborted, "ETAG_MISMATCH")
    );
    let works = site.folder("", "Works").await.unwrap();
    let refusal = refusal(site.rename(&works.folder_id, "pl\u{e4}ne", "").await);
    assert_eq!(refusal, refused(Code::AlreadyExists, "NAME_TAKEN"));
}

#[tokio::test]
async fn a_name_that_no_file_system_takes_back_is_refused_and_nothing_else() {
    let site = Site::open().await;
    let hostile = [
        "",
        " ",
        ".",
        "..",
        "../etc",
        "a/b",
        "a\\b",
        "nul\0",
        "two\nlines",
        " before",
        "after ",
        "pdf.\u{202e}exe",
        &"n".repeat(256),
    ];
    for name in hostile {
        let status = site.folder("", name).await.unwrap_err();
        assert_eq!((status.code(), fields(&status)), (Code::InvalidArgument, vec!["name".to_owned()]), "{name:?}");
    }
    let taken = ["'; drop table entry; --", "%00", "CON", "...", "👷🏽‍♀️", &"é".repeat(255)];
    for name in taken {
        assert_eq!(site.folder("", name).await.unwrap().name, name);
    }
    assert_eq!(site.names("", false).await.unwrap().len(), taken.len());
}

#[tokio::test]
async fn a_request_that_is_sent_again_makes_one_folder() {
    let site = Site::open().await;
    let request = CreateFolderRequest {
        workcenter_id: site.pier.to_string(),
        name: "Plans".to_owned(),
        request_id: ids::new().to_string(),
        ..Default::default()
    };
    let send = async |request: &CreateFolderRequest| {
        let made = site.app.contents().create_folder(by(&site.owner.token, request.clone())).await;
        made.map(|it| it.into_inner().folder.unwrap())
    };
    let made = send(&request).await.unwrap();
    assert_eq!(send(&request).await.unwrap(), made);
    let other = CreateFolderRequest { name: "Works".to_owned(), ..request };
    assert_eq!(refusal(send(&other).await), refused(Code::AlreadyExists, "REQUEST_ID_REUSED"));
}

#[tokio::test]
async fn a_hundred_folders_are_in_each_other_and_no_more() {
    let site = Site::open().await;
    let mut deepest = String::new();
    for level in 1..=DEPTH_MAX {
        deepest = site.folder(&deepest, &level.to_string()).await.unwrap().folder_id;
    }
    assert_eq!(site.path(&deepest).await.unwrap().len(), DEPTH_MAX - 1);
    assert_eq!(refusal(site.folder(&deepest, "101").await), refused(Code::FailedPrecondition, "TOO_DEEP"));
    let document = site.upload(&deepest, "Plan.pdf", b"plan").await.unwrap();
    assert_eq!(site.read(&document.document_id).await.unwrap().1.len(), DEPTH_MAX);
}

#[tokio::test]
async fn a_folder_goes_with_all_that_is_in_it_and_comes_back_with_what_was_there() {
    let site = Site::open().await;
    let outer = site.folder("", "Outer").await.unwrap().folder_id;
    let inner = site.folder(&outer, "Inner").await.unwrap().folder_id;
    let plan = site.upload(&inner, "Plan.pdf", b"plan").await.unwrap().document_id;
    let draft = site.upload(&inner, "Draft.pdf", b"draft").await.unwrap().document_id;
    site.delete(&draft).await.unwrap();

    assert_eq!(refusal(site.delete_folder(&outer, false).await), refused(Code::FailedPrecondition, "NOT_EMPTY"));
    let deleted = site.delete_folder(&outer, true).await.unwrap();
    assert_eq!(deleted.purge_time.unwrap().seconds - deleted.update_time.unwrap().seconds, 30 * 24 * 3600);
    for gone in [&outer, &inner] {
        assert_eq!(refusal(site.path(gone).await), refused(Code::NotFound, "FOLDER_NOT_FOUND"));
        assert_eq!(refusal(site.names(gone, false).await), refused(Code::NotFound, "FOLDER_NOT_FOUND"));
        assert_eq!(refusal(site.folder(gone, "New").await), refused(Code::NotFound, "FOLDER_NOT_FOUND"));
        assert_eq!(refusal(site.delete_folder(gone, true).await), refused(Code::NotFound, "FOLDER_NOT_FOUND"));
        assert_eq!(refusal(site.upload(gone, "New", b"").await), refused(Code::NotFound, "FOLDER_NOT_FOUND"));
    }
    for gone in [&plan, &draft] {
        assert_eq!(refusal(site.read(gone).await), refused(Code::NotFound, "DOCUMENT_NOT_FOUND"));
        assert_eq!(refusal(site.download(gone, 0, 0, 0).await), refused(Code::NotFound, "DOCUMENT_NOT_FOUND"));
        assert_eq!(refusal(site.add(gone, b"new", "").await), refused(Code::NotFound, "DOCUMENT_NOT_FOUND"));
    }
    // What was deleted in it before does not come back alone.
    assert_eq!(refusal(site.restore(&draft).await), refused(Code::FailedPrecondition, "PARENT_GONE"));
    assert_eq!(site.names("", true).await.unwrap(), ["Outer"]);

    // Its name is free meanwhile, and has to be again.
    let other = site.folder("", "OUTER").await.unwrap();
    assert_eq!(refusal(site.restore_folder(&outer).await), refused(Code::AlreadyExists, "NAME_TAKEN"));
    site.rename(&other.folder_id, "Other", "").await.unwrap();
    let restored = site.restore_folder(&outer).await.unwrap();
    assert_eq!((restored.purge_time, site.restore_folder(&outer).await.unwrap()), (None, restored.clone()));
    assert_eq!(site.names(&inner, false).await.unwrap(), ["Plan.pdf"]);
    assert_eq!(site.names(&inner, true).await.unwrap(), ["Draft.pdf"]);
    site.restore(&draft).await.unwrap();
    assert_eq!(site.download(&draft, 0, 0, 0).await.unwrap().1, b"draft");
}
