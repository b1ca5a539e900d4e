//! Lists of what is in a place: folders first, then by name, and every page goes on where the last one ended.

use tonic::Code;
use workcenter::pb::ListContentsRequest;

use super::{Site, name, refusal, refused};
use crate::harness::{by, fields};

#[tokio::test]
async fn folders_come_first_then_names_whatever_their_case_and_pages_go_on_though_others_come_and_go() {
    let site = Site::open().await;
    for folder in ["zoo", "Alpha", "beta"] {
        site.folder("", folder).await.unwrap();
    }
    for document in ["b.pdf", "A.pdf", "c.pdf", "Zoo.pdf"] {
        site.upload("", document, document.as_bytes()).await.unwrap();
    }
    let all = ["Alpha", "beta", "zoo", "A.pdf", "b.pdf", "c.pdf", "Zoo.pdf"];
    assert_eq!(site.names("", false).await.unwrap(), all);

    let page = async |page_token: &str, page_size, deleted| {
        let (workcenter_id, page_token) = (site.pier.to_string(), page_token.to_owned());
        let request = ListContentsRequest { workcenter_id, deleted, page_size, page_token, ..Default::default() };
        let listed = site.app.contents().list_contents(by(&site.contributor.token, request)).await?.into_inner();
        let names: Vec<_> = listed.contents.into_iter().map(|it| name(it.content.unwrap())).collect();
        Ok((names, listed.next_page_token))
    };
    let (first, token) = page("", 2, false).await.unwrap();
    assert_eq!(first, ["Alpha", "beta"]);
    // What comes before the place is not seen, what comes after it is.
    site.folder("", "aa").await.unwrap();
    site.folder("", "zz").await.unwrap();
    let (second, token) = page(&token, 3, false).await.unwrap();
    assert_eq!(second, ["zoo", "zz", "A.pdf"]);
    let (third, end) = page(&token, 3, false).await.unwrap();
    assert_eq!((third, end.as_str()), (vec!["b.pdf".to_owned(), "c.pdf".to_owned(), "Zoo.pdf".to_owned()], ""));

    let other = refusal(page(&token, 3, true).await);
    assert_eq!(other, refused(Code::InvalidArgument, "PAGE_TOKEN_INVALID"));
    assert_eq!(fields(&page("", -1, false).await.unwrap_err()), ["page_size"]);
}

#[tokio::test]
async fn a_folder_is_listed_in_its_own_workcenter_alone() {
    let site = Site::open().await;
    let folder = site.folder("", "Plans").await.unwrap().folder_id;
    site.upload(&folder, "Plan.pdf", b"plan").await.unwrap();
    assert_eq!(site.names(&folder, false).await.unwrap(), ["Plan.pdf"]);

    let quay = site.app.workcenter(&site.owner, site.account.id, "Quay 2").await;
    let pier = site.pier;
    let elsewhere = Site { pier: quay, ..site };
    assert_eq!(refusal(elsewhere.names(&folder, false).await), refused(Code::NotFound, "FOLDER_NOT_FOUND"));
    assert_eq!(refusal(elsewhere.folder(&folder, "New").await), refused(Code::NotFound, "FOLDER_NOT_FOUND"));
    assert_eq!(elsewhere.names("", false).await.unwrap(), Vec::<String>::new());
    let site = Site { pier, ..elsewhere };
    assert_eq!(site.names("", false).await.unwrap(), ["Plans"]);
}
