//! What is left of what was deleted thirty days ago: nothing, of bytes neither, and of the rest everything.

use workcenter::{
    content,
    daemon::Sweep,
    pb::{DeleteWorkCenterRequest, UploadDocumentMetadata},
};

use super::{Site, noise};
use crate::{
    blob::{collect, files, pass},
    harness::by,
};

impl Site {
    /// How many entries there are, and versions.
    async fn rows(&self) -> (i64, i64) {
        let count = "select (select count(*) from entry), (select count(*) from entry_version)";
        let row = self.app.client().await.query_one(count, &[]).await.unwrap();
        (row.get(0), row.get(1))
    }

    /// One turn of housekeeping at `instant`.
    async fn keep_house(&self, instant: &str) {
        self.app.clock_at(instant).await;
        self.app.daemon(None).step(Sweep::Housekeeping, self.app.now().await).await.unwrap();
    }
}

#[tokio::test]
async fn the_bytes_of_a_document_stay_while_any_version_names_them_and_go_with_the_last() {
    let site = Site::open().await;
    let plan = site.upload("", "Plan.pdf", b"one").await.unwrap().document_id;
    site.add(&plan, b"two", "").await.unwrap();
    let copy = site.upload("", "Copy.pdf", b"one").await.unwrap().document_id;
    pass(&site.app, 1_000).await;
    assert_eq!((collect(&site.app).await, files(&site.app).len()), (0, 2));

    site.delete(&plan).await.unwrap();
    site.keep_house("2026-12-20T11:59:59Z").await;
    assert_eq!(site.rows().await, (2, 3));
    site.keep_house("2026-12-20T12:00:00Z").await;
    assert_eq!((site.rows().await, site.names("", true).await.unwrap()), ((1, 1), Vec::new()));
    pass(&site.app, 23).await;
    assert_eq!((collect(&site.app).await, files(&site.app).len()), (0, 2));
    pass(&site.app, 1).await;
    // What was the first version is another document still.
    assert_eq!((collect(&site.app).await, files(&site.app).len()), (1, 1));
    assert_eq!(site.download(&copy, 0, 0, 0).await.unwrap().1, b"one");

    site.delete(&copy).await.unwrap();
    site.keep_house("2027-01-20T12:00:00Z").await;
    pass(&site.app, 24).await;
    assert_eq!((collect(&site.app).await, files(&site.app).len(), site.rows().await), (1, 0, (0, 0)));
}

#[tokio::test]
async fn a_daemon_that_knows_of_pictures_alone_does_not_doom_what_a_version_names() {
    let site = Site::open().await;
    site.upload("", "Plan.pdf", b"plan").await.unwrap();
    let doom = "update blob set doomed_until = now() + interval '60 s' where doomed_until is null returning digest";
    assert_eq!(site.app.client().await.query(doom, &[]).await.unwrap().len(), 0);
}

#[tokio::test]
async fn bytes_that_came_and_were_named_by_nothing_go_a_day_later() {
    let site = Site::open().await;
    let folder = site.folder("", "Plans").await.unwrap().folder_id;
    let bytes = noise(6 << 20);
    let metadata = UploadDocumentMetadata { name: "Plan.pdf".to_owned(), ..site.document(&folder, "", &bytes) };
    let mut storing = site.app.parts().blobs.receive(digest(&metadata.sha256)).await.unwrap();
    storing.take(bytes[..5 << 20].to_vec()).await.unwrap();
    storing.finish(bytes[5 << 20..].to_vec()).await.unwrap();
    assert_eq!((collect(&site.app).await, files(&site.app).len()), (0, 1));
    pass(&site.app, 24).await;
    assert_eq!((collect(&site.app).await, files(&site.app).len()), (1, 0));
}

fn digest(digits: &str) -> [u8; 32] {
    let byte = |at: usize| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap();
    std::array::from_fn(byte)
}

#[tokio::test]
async fn a_folder_is_purged_with_all_that_is_in_it_and_what_is_beside_it_stays() {
    let site = Site::open().await;
    let outer = site.folder("", "Outer").await.unwrap().folder_id;
    let mut inner = outer.clone();
    for level in 0..3 {
        inner = site.folder(&inner, "Inner").await.unwrap().folder_id;
        let plan = site.upload(&inner, "Plan.pdf", b"plan").await.unwrap().document_id;
        site.add(&plan, b"new", "").await.unwrap();
        if level == 1 {
            site.delete(&plan).await.unwrap();
        }
    }
    let beside = site.folder("", "Beside").await.unwrap().folder_id;
    site.upload(&beside, "Plan.pdf", b"plan").await.unwrap();
    site.delete_folder(&outer, true).await.unwrap();
    assert_eq!(site.rows().await, (9, 7));

    site.app.clock_at("2027-01-20T12:00:00Z").await;
    // One turn removes what it takes a moment to remove; whoever is stopped goes on where they were.
    let now = site.app.now().await;
    assert!(content::purge(&mut site.app.client().await, now).await.unwrap());
    assert_eq!(site.rows().await, (9, 1));
    let (one, other) = (site.keep_house("2027-01-20T12:00:00Z"), site.keep_house("2027-01-20T12:00:00Z"));
    tokio::join!(one, other);
    site.keep_house("2027-01-20T12:00:01Z").await;
    assert_eq!(site.rows().await, (2, 1));
    assert_eq!(site.names(&beside, false).await.unwrap(), ["Plan.pdf"]);
}

#[tokio::test]
async fn what_a_workcenter_holds_is_purged_before_it_and_that_of_others_is_not() {
    let site = Site::open().await;
    let folder = site.folder("", "Plans").await.unwrap().folder_id;
    site.upload(&folder, "Plan.pdf", b"plan").await.unwrap();
    let gone = site.upload("", "Gone.pdf", b"gone").await.unwrap().document_id;
    site.delete(&gone).await.unwrap();
    let quay = site.app.workcenter(&site.owner, site.account.id, "Quay 2").await;
    let delete = DeleteWorkCenterRequest { workcenter_id: site.pier.to_string() };
    site.app.workcenters().delete_work_center(by(&site.account.admin.token, delete)).await.unwrap();
    let site = Site { pier: quay, ..site };
    site.folder("", "Plans").await.unwrap();

    site.keep_house("2027-01-20T12:00:00Z").await;
    assert_eq!((site.rows().await, site.names("", false).await.unwrap()), ((1, 0), vec!["Plans".to_owned()]));
    let left = site.app.client().await.query("select name from workcenter", &[]).await.unwrap();
    assert_eq!(left.iter().map(|it| it.get::<_, String>(0)).collect::<Vec<_>>(), ["Quay 2"]);
}
