//! What becomes of what was copied before, when a template is copied again.

use workcenter::pb::{JobState, TemplateMode, TemplateOptions};

use super::{ALL, Pattern, of, well};

/// Tables of jobs alone, and of requests.
fn is_of_jobs(line: &str) -> bool {
    ["job", "job_item", "job_turn", "template_run", "template_date", "request"]
        .contains(&line.split(':').next().unwrap())
}

pub async fn rest(pattern: &Pattern) -> Vec<String> {
    pattern.stage.app.everything().await.into_iter().filter(|it| !is_of_jobs(it)).collect()
}

#[tokio::test]
async fn a_second_run_does_nothing_and_writes_nothing_but_its_job() {
    let pattern = Pattern::set().await;
    pattern.applied(of(&ALL)).await;
    let before = rest(&pattern).await;
    let (job, ends) = pattern.applied(of(&ALL)).await;
    assert!(well(&job));
    assert_eq!((job.total_items, job.skipped_items), (14, 14));
    assert!(ends.iter().all(|it| it.ends_with(" SKIPPED IDENTICAL")), "{ends:#?}");
    assert_eq!(rest(&pattern).await, before);
}

#[tokio::test]
async fn what_has_changed_in_the_template_changes_where_nobody_has_touched_it() {
    let pattern = Pattern::set().await;
    pattern.applied(of(&ALL)).await;
    pattern
        .change(&format!(
            "update entry set name = 'drawings', name_key = 'drawings' where workcenter_id = '{0}' and name = 'plans';
            update entry set parent_id = null, description = 'Old.' where workcenter_id = '{0}' and name = 'roof.pdf';
            update entry_version set digest = repeat('z', 32)::bytea from entry
            where entry.id = entry_id and workcenter_id = '{0}' and name = 'start.pdf';
            update task set title = 'Dig deep', due_at = null where workcenter_id = '{0}' and title = 'Dig';
            update post set text = 'Mind the step.' where workcenter_id = '{0}';
            delete from task_dependency where task_id in (select id from task where workcenter_id = '{0}');
            update comment set text = 'Well put.' where task_id in (select id from task where workcenter_id = '{0}');",
            pattern.template
        ).replacen("update entry_version", "insert into blob (digest) values (repeat('z', 32)::bytea) on conflict do nothing; update entry_version", 1))
        .await;
    for (mode, done) in
        [(TemplateMode::ReportOnly, 0), (TemplateMode::AddMissing, 0), (TemplateMode::UpdateUnmodified, 7)]
    {
        let options = TemplateOptions { mode: mode.into(), ..of(&ALL).unwrap() };
        let (job, ends) = pattern.applied(Some(options)).await;
        assert!(well(&job), "{ends:#?}");
        assert_eq!(job.done_items, done, "{ends:#?}");
        let left = ends.iter().filter(|it| it.ends_with("SKIPPED TEMPLATE_CHANGED")).count();
        assert_eq!(i64::try_from(left).unwrap(), 7 - done, "{ends:#?}");
    }
    assert_eq!(pattern.dump(pattern.into).await, pattern.dump(pattern.template).await);
    assert_eq!(pattern.astray(pattern.into).await, 0);
    let (job, _) = pattern.applied(of(&ALL)).await;
    assert_eq!((job.done_items, job.skipped_items), (0, 14));
}

#[tokio::test]
async fn what_people_have_edited_moved_renamed_begun_or_deleted_stays_so() {
    let pattern = Pattern::set().await;
    pattern.applied(of(&ALL)).await;
    pattern
        .change(&format!(
            "update entry set name = 'mine', name_key = 'mine' where workcenter_id = '{0}' and name = 'plans';
            update entry set parent_id = null where workcenter_id = '{0}' and name = 'door.pdf';
            update entry set deleted_at = now(), deleted_by = created_by, purge_at = now() + interval '30 days'
            where workcenter_id = '{0}' and name = 'old';
            update task set status = 'IN_PROGRESS' where workcenter_id = '{0}' and title = 'Dig';
            update post set title = 'Hello' where workcenter_id = '{0}';
            delete from collaborator where workcenter_id = '{0}' and role <> 'OWNER';
            update workcenter set category = 'Mine' where id = '{0}';",
            pattern.into
        ))
        .await;
    pattern.change(&format!("update task set location = 'Here' where workcenter_id = '{}'", pattern.template)).await;
    let before = pattern.dump(pattern.into).await;
    let (job, ends) = pattern.applied(of(&ALL)).await;
    assert_eq!(job.state(), JobState::Succeeded, "{ends:#?}");
    for told in [
        "category SKIPPED LOCALLY_CHANGED",
        "Bob Builder SKIPPED LOCALLY_DELETED",
        "plans SKIPPED LOCALLY_CHANGED",
        "plans/old SKIPPED LOCALLY_DELETED",
        "plans/door.pdf SKIPPED LOCALLY_CHANGED",
        "plans/old/roof.pdf SKIPPED LOCALLY_DELETED",
        "start.pdf SKIPPED IDENTICAL",
        "Dig SKIPPED LOCALLY_CHANGED",
        "Build DONE",
        "Welcome SKIPPED LOCALLY_CHANGED",
    ] {
        assert!(ends.contains(&told.to_owned()), "{told} is not in {ends:#?}");
    }
    let after = pattern.dump(pattern.into).await;
    let apart = |one: &[String], other: &[String]| one.iter().filter(|it| !other.contains(it)).count();
    assert_eq!((apart(&before, &after), apart(&after, &before)), (1, 1), "{before:#?} {after:#?}");
    // What was deleted and comes back is what was copied.
    pattern
        .change(&format!(
            "update entry set deleted_at = null, deleted_by = null, purge_at = null where workcenter_id = '{}'",
            pattern.into
        ))
        .await;
    let (_, ends) = pattern.applied(of(&ALL)).await;
    assert!(ends.contains(&"plans/old/roof.pdf SKIPPED IDENTICAL".to_owned()), "{ends:#?}");
}
