//! A job as a terminal shows it.

use workcenter::pb::BulkCopyRequest;

use super::program::{CTL, Ended, ended};
use crate::bulk::{Stage, document, folder, to};

/// Follows a job until it is over.
async fn watched(stage: &Stage, token: &str, job_id: &str) -> Ended {
    let settings = [("TOKEN", token)];
    ended(CTL, &settings, &["job", "watch", "--target", stage.app.url(), job_id]).await
}

fn last(lines: &str, count: usize) -> Vec<&str> {
    let lines: Vec<_> = lines.lines().collect();
    lines[lines.len() - count..].to_vec()
}

#[tokio::test]
async fn a_job_is_drawn_until_it_is_over() {
    let stage = Stage::set().await;
    let (from, into) = (stage.space("From").await, stage.space("Into").await);
    let mut paths = vec!["plans/".to_owned()];
    paths.extend((0..250).map(|it| format!("plans/{it}.pdf=a")));
    let paths: Vec<_> = paths.iter().map(String::as_str).collect();
    let things = stage.grow(from, &paths).await;
    let request =
        BulkCopyRequest { items: vec![folder(things["plans"])], target: to(into, None), ..Default::default() };
    let job = stage.copy(request).await.unwrap();

    let watch = watched(&stage, &stage.owner.token, &job.job_id);
    let (drawn, _) = tokio::join!(watch, stage.finished(&job));
    let all = "copy [##################] 251 of 251: 251 done, 0 skipped, 0 failed";
    assert_eq!((drawn.code, last(&drawn.out, 2), drawn.err.as_str()), (Some(0), vec![all, "SUCCEEDED"], ""));
}

#[tokio::test]
async fn a_job_that_failed_in_part_says_what_failed_first() {
    let stage = Stage::set().await;
    let (from, into) = (stage.space("From").await, stage.space("Into").await);
    let names: Vec<_> = (0..7).map(|it| format!("{it}.pdf=a")).collect();
    let things = stage.grow(from, &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    stage.grow(into, &names[1..].iter().map(String::as_str).collect::<Vec<_>>()).await;
    let items = things.values().map(|it| document(*it)).collect();
    let job = stage.copied(BulkCopyRequest { items, target: to(into, None), ..Default::default() }).await;

    let Ended { code, out, err } = watched(&stage, &stage.owner.token, &job.job_id).await;
    let drawn = "copy [##################]   7 of 7: 1 done, 0 skipped, 6 failed";
    let mut lines = vec![drawn.to_owned(), "PARTIALLY_FAILED".to_owned()];
    lines.extend((1..6).map(|it| format!("    NAME_CONFLICT: {it}.pdf")));
    lines.push("    and 1 more: ExportJobItems has all of them".to_owned());
    assert_eq!((code, out.lines().map(ToOwned::to_owned).collect::<Vec<_>>(), err.as_str()), (Some(1), lines, ""));
}

#[tokio::test]
async fn who_may_not_see_a_job_is_told_so_at_once() {
    let stage = Stage::set().await;
    let nothing = uuid::Uuid::nil().to_string();
    for (token, says) in [("nonsense", "Unauthenticated"), (stage.owner.token.as_str(), "NotFound JOB_NOT_FOUND")] {
        let Ended { code, out, err } = watched(&stage, token, &nothing).await;
        assert_eq!((code, out.as_str(), err.lines().count()), (Some(1), "", 1), "{err}");
        assert!(err.contains(says), "{err}");
    }
}
