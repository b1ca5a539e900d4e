//! A large template and many WorkCenters, while workers die: everything is there once, and again there is nothing to do.

use std::time::Instant;

use uuid::Uuid;
use workcenter::{
    audit,
    pb::{GetJobRequest, Job, JobState, PublishTemplateRequest},
};

use super::{ALL, Pattern, of};
use crate::{
    bulk::{engine::dropped_after, model::setting},
    dice::Dice,
    harness::by,
};

/// How much there is, into how many WorkCenters it goes, and how many workers die.
struct Size {
    folders: i64,
    documents: i64,
    tasks: i64,
    posts: i64,
    people: i64,
    spaces: i64,
    deaths: usize,
}

const SHORT: Size = Size { folders: 10, documents: 40, tasks: 20, posts: 5, people: 4, spaces: 3, deaths: 8 };

const FULL: Size =
    Size { folders: 500, documents: 2_000, tasks: 1_000, posts: 200, people: 50, spaces: 100, deaths: 20 };

/// Folders in each other by tens, documents in them, tasks each after the one before, of documents and with others attached,
/// and posts with comments.
const FILL: &str = "
    insert into blob (digest) values (repeat('x', 32)::bytea) on conflict do nothing;
    insert into entry (id, account_id, workcenter_id, parent_id, kind, name, name_key, created_by, created_at, updated_at)
    select md5('{0} folder ' || n)::uuid, account_id, id, case when n >= 10 then md5('{0} folder ' || n / 10)::uuid end,
        'FOLDER', 'f' || n, 'f' || n, created_by, created_at, created_at
    from workcenter cross join generate_series(1, {1}) n where id = '{0}' order by n;
    insert into entry (id, account_id, workcenter_id, parent_id, kind, name, name_key, version, created_by, created_at,
        updated_at)
    select md5('{0} document ' || n)::uuid, account_id, id, md5('{0} folder ' || 1 + n % {1})::uuid, 'DOCUMENT', 'd' || n,
        'd' || n, 1, created_by, created_at, created_at
    from workcenter cross join generate_series(1, {2}) n where id = '{0}';
    insert into entry_version (entry_id, number, account_id, digest, size_bytes, created_by, created_at)
    select id, 1, account_id, repeat('x', 32)::bytea, 10, created_by, created_at
    from entry where workcenter_id = '{0}' and kind = 'DOCUMENT' and name like 'd%' and name not like '%.pdf';
    insert into task (id, account_id, workcenter_id, document_id, title, status, assignee_rule, approver_rule, created_by,
        created_at, updated_at)
    select md5('{0} task ' || n)::uuid, account_id, id, case n % 3 when 0 then md5('{0} document ' || n)::uuid end, 't' || n,
        'NEW', 'ANY', 'ALL', created_by, created_at, created_at
    from workcenter cross join generate_series(1, {3}) n where id = '{0}';
    insert into task_dependency (task_id, prior_id)
    select md5('{0} task ' || n)::uuid, md5('{0} task ' || n - 1)::uuid from generate_series(2, {3}) n;
    insert into task_attachment (task_id, seq, other_id)
    select md5('{0} task ' || n)::uuid, 1, md5('{0} task ' || n % {3} + 1)::uuid from generate_series(1, {3}, 2) n;
    insert into post (id, account_id, workcenter_id, title, text, author_id, created_at)
    select md5('{0} post ' || n)::uuid, account_id, id, 'p' || n, 'Hello', created_by, created_at
    from workcenter cross join generate_series(1, {4}) n where id = '{0}';
    insert into comment (id, account_id, post_id, text, author_id, created_at)
    select gen_random_uuid(), account_id, id, 'Well ' || title, author_id, created_at
    from post where workcenter_id = '{0}';";

async fn seen(pattern: &Pattern, job: &Job) -> Job {
    let request = by(&pattern.stage.account.admin.token, GetJobRequest { job_id: job.job_id.clone() });
    pattern.stage.app.jobs().get_job(request).await.unwrap().into_inner().job.unwrap()
}

/// Publishes, with workers that die; returns the job, and how many have.
async fn published(pattern: &Pattern, spaces: &[Uuid], dice: &mut Dice, deaths: usize) -> (Job, usize) {
    let request = PublishTemplateRequest {
        template_id: pattern.template.to_string(),
        target_workcenter_ids: spaces.iter().map(ToString::to_string).collect(),
        options: of(&ALL),
        ..Default::default()
    };
    let answer = pattern.templates().publish_template(by(&pattern.stage.account.admin.token, request)).await.unwrap();
    let job = answer.into_inner().job.unwrap();
    let other = pattern.stage.app.daemon(None);
    let mut died = 0;
    while died < deaths && seen(pattern, &job).await.finish_time.is_none() {
        let polls = usize::try_from(1 + dice.roll(80)).unwrap();
        if !dropped_after(polls, other.work()).await {
            died += 1;
            let expire = "update job set lease_until = now() - interval '1 second'
                where lease_until is not null and lease_until <> 'infinity'";
            pattern.change(expire).await;
        }
    }
    while pattern.stage.daemon.work().await.unwrap() {}
    (seen(pattern, &job).await, died)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_template_is_everywhere_once_however_often_workers_die_and_again_changes_nothing() {
    let seed = setting("TEMPLATES_SEED").unwrap_or(20_270_302);
    let size = if setting("TEMPLATES_FULL").is_some() { FULL } else { SHORT };
    let mut dice = Dice(seed);
    let pattern = Pattern::set().await;
    let fill = [size.folders, size.documents, size.tasks, size.posts]
        .iter()
        .enumerate()
        .fold(FILL.replace("{0}", &pattern.template.to_string()), |text, (place, number)| {
            text.replace(&format!("{{{}}}", place + 1), &number.to_string())
        });
    pattern.change(&fill).await;
    for number in 0..size.people {
        let email = format!("person{number}@example.com");
        let person = pattern.stage.app.person(&pattern.stage.account, &email, "Per", "Son").await;
        pattern.stage.app.collaborator(&pattern.stage.owner, pattern.template, &person).await;
    }
    let mut spaces = Vec::new();
    for number in 0..size.spaces {
        spaces.push(pattern.stage.space(&format!("Pier {number}")).await);
    }
    let begun = Instant::now();
    let (job, died) = published(&pattern, &spaces, &mut dice, size.deaths).await;
    let took = begun.elapsed();
    assert_eq!((job.state(), job.done_items), (JobState::Succeeded, size.spaces), "{job:?}");
    assert!(died > 3, "{died}");
    let whole = pattern.dump(pattern.template).await;
    for space in &spaces {
        assert_eq!(pattern.dump(*space).await, whole);
        assert_eq!(pattern.astray(*space).await, 0);
    }
    let begun = Instant::now();
    let (job, _) = published(&pattern, &spaces, &mut dice, 0).await;
    assert_eq!((job.state(), job.skipped_items), (JobState::Succeeded, size.spaces), "{job:?}");
    for space in &spaces {
        assert_eq!(pattern.dump(*space).await, whole);
    }
    assert_eq!(audit::run(pattern.stage.app.pool(), pattern.stage.app.now().await).await.unwrap(), []);
    println!(
        "seed {seed}: {} things into {} WorkCenters, {died} deaths, {took:?}; again {:?}",
        whole.len(),
        size.spaces,
        begun.elapsed()
    );
}
