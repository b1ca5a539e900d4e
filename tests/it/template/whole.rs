//! What is copied into a WorkCenter that is there.

use tonic::Code;
use workcenter::pb::{
    CreatePostRequest, JobState, ListTemplateContentsRequest, TemplateAnchor, TemplateDates, TemplateOptions,
    TemplatePart, TemplateRoleBinding, TemplateSubstitution, WorkCenterRole,
};

use super::{ALL, Pattern, of, well};
use crate::harness::{by, fields, reason};

#[tokio::test]
async fn all_that_a_template_has_is_there_afterwards_and_names_nothing_of_it() {
    let pattern = Pattern::set().await;
    let plan = pattern.planned(of(&ALL)).await;
    let (job, ends) = pattern.applied(of(&ALL)).await;
    assert!(well(&job), "{job:?} {ends:#?}");
    assert_eq!(pattern.dump(pattern.into).await, pattern.dump(pattern.template).await);
    assert_eq!(pattern.astray(pattern.into).await, 0);
    // The owner is there already. All else is as it was said to be.
    assert_eq!((job.total_items, job.done_items, job.skipped_items), (14, 13, 1));
    assert_eq!((plan.total_items, plan.done_items, plan.skipped_items, plan.failed_items), (14, 13, 1, 0));
    let planned = plan.items.iter().map(|it| it.item.clone().unwrap());
    let done = pattern.stage.items(&job).await;
    for (planned, done) in planned.zip(done) {
        let told = (planned.item_id, planned.path, planned.state, planned.action, planned.code);
        assert_eq!(told, (done.item_id, done.path, done.state, done.action, done.code));
    }
}

#[tokio::test]
async fn a_job_tells_a_workcenter_once_and_nobody_of_each_thing() {
    let pattern = Pattern::set().await;
    let told = async || -> Vec<String> {
        let kinds = "select kind from activity where log_id = $1 order by seq";
        let rows = pattern.stage.app.client().await.query(kinds, &[&pattern.into]).await.unwrap();
        rows.iter().map(|it| it.get(0)).collect()
    };
    let before = told().await.len();
    pattern.applied(of(&ALL)).await;
    assert_eq!(told().await[before..], ["collaborator.added", "template.applied"]);
}

#[tokio::test]
async fn only_what_is_asked_for_is_copied() {
    let pattern = Pattern::set().await;
    pattern.applied(None).await;
    let whole = pattern.dump(pattern.template).await;
    let none = |it: &&String| !["category", "collaborator", "comment"].iter().any(|kind| it.starts_with(kind));
    // Whoever does not collaborate is assigned to nothing.
    let expected: Vec<String> =
        whole.iter().filter(none).map(|it| it.replace("ASSIGNEE bob@example.com, ", "")).collect();
    let there = pattern.dump(pattern.into).await;
    assert_eq!(there.iter().filter(none).cloned().collect::<Vec<_>>(), expected);
    assert!(there.iter().any(|it| it == "category "));

    let request = |parts: &[TemplatePart]| pattern.applying(of(parts));
    let parts = [TemplatePart::Documents, TemplatePart::Documents, TemplatePart::Unspecified];
    let refused =
        pattern.templates().apply_template(by(&pattern.stage.owner.token, request(&parts))).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert_eq!(fields(&refused), ["options.parts[1]", "options.parts[2]", "options.parts"]);
}

#[tokio::test]
async fn who_is_named_by_tasks_is_somebody_who_is_there() {
    let pattern = Pattern::set().await;
    let carl = pattern.stage.app.person(&pattern.stage.account, "carl@example.com", "Carl", "Carpenter").await;
    let dora = pattern.stage.app.person(&pattern.stage.account, "dora@example.com", "Dora", "Digger").await;
    let people = async || -> String {
        let people = pattern.dump(pattern.into).await.into_iter().find(|it| it.starts_with("task Dig")).unwrap();
        people.split('|').find(|it| it.starts_with("ASSIGNEE")).unwrap_or_default().to_owned()
    };
    let (job, ends) = pattern.applied(None).await;
    assert_eq!(job.state(), JobState::SucceededWithWarnings);
    assert!(ends.contains(&"Dig DONE ASSIGNEE_DROPPED".to_owned()), "{ends:#?}");
    assert_eq!(people().await, "ASSIGNEE OWNER");

    // From here on others are meant: in another WorkCenter.
    let pattern = Pattern { into: pattern.stage.space("Pier 8").await, ..pattern };
    let people = async || -> String {
        let people = pattern.dump(pattern.into).await.into_iter().find(|it| it.starts_with("task Dig")).unwrap();
        people.split('|').find(|it| it.starts_with("ASSIGNEE")).unwrap_or_default().to_owned()
    };
    pattern.collaborator(pattern.into, &carl, WorkCenterRole::Contributor).await;
    pattern.collaborator(pattern.into, &dora, WorkCenterRole::Reader).await;
    let options = TemplateOptions {
        role_bindings: vec![TemplateRoleBinding { role: WorkCenterRole::Owner.into(), user_id: dora.id.to_string() }],
        user_substitutions: vec![TemplateSubstitution {
            from_user_id: pattern.bob.id.to_string(),
            to_user_id: carl.id.to_string(),
        }],
        ..Default::default()
    };
    let (job, _) = pattern.applied(Some(options)).await;
    assert!(well(&job));
    assert_eq!(people().await, "ASSIGNEE carl@example.com, ASSIGNEE dora@example.com");
}

#[tokio::test]
async fn what_somebody_has_written_who_does_not_collaborate_is_said_by_who_copies() {
    let pattern = Pattern::set().await;
    let (workcenter_id, text) = (pattern.template.to_string(), "By Bob.".to_owned());
    let request = CreatePostRequest { workcenter_id, text, ..Default::default() };
    pattern.stage.contents().create_post(by(&pattern.bob.token, request)).await.unwrap();
    pattern.stage.app.clock_at("2027-04-02T12:00:00Z").await;
    pattern.applied(None).await;
    let posts = "select text, email, post.created_at::text, original_at::text
        from post join person on person.id = author_id where workcenter_id = $1 order by post.id";
    let posts = pattern.stage.app.client().await.query(posts, &[&pattern.into]).await.unwrap();
    let posts: Vec<[String; 4]> = posts.iter().map(|row| [0, 1, 2, 3].map(|it| row.get(it))).collect();
    let (old, new) = ("2027-03-02 12:00:00+00", "2027-04-02 12:00:00+00");
    assert_eq!(posts, [["Mind the gap.", "owner@example.com", new, old], ["By Bob.", "owner@example.com", new, old]]);
}

#[tokio::test]
async fn the_dates_of_tasks_move_with_their_anchor_and_a_plan_shows_them() {
    let pattern = Pattern::set().await;
    pattern.change(&format!("update workcenter set time_zone = 'Europe/Zurich' where id = '{}'", pattern.into)).await;
    let dates =
        TemplateDates { anchor: TemplateAnchor::Start.into(), date: "2027-06-07".to_owned(), ..Default::default() };
    let options = TemplateOptions { dates: Some(dates), ..of(&[TemplatePart::Tasks]).unwrap() };
    let plan = pattern.planned(Some(options.clone())).await;
    let (job, ends) = pattern.applied(Some(options)).await;
    assert_eq!(job.done_items, 2, "{ends:#?}");
    let set = "select starts_at, due_at, time_zone from task where workcenter_id = $1 and title = 'Dig'";
    let row = pattern.stage.app.client().await.query_one(set, &[&pattern.into]).await.unwrap();
    let [start, due] = [row.get::<_, jiff::Timestamp>(0), row.get(1)];
    let zone = jiff::tz::TimeZone::get("Europe/Zurich").unwrap();
    assert_eq!(zone.to_datetime(start).date().to_string(), "2027-06-07");
    assert_eq!(zone.to_datetime(due).date().to_string(), "2027-06-08");
    assert_eq!(row.get::<_, &str>(2), "Europe/Zurich");
    let refused = async |pattern: &Pattern, dates| {
        let options = TemplateOptions { dates: Some(dates), ..Default::default() };
        reason(&pattern.apply(Some(options)).await.unwrap_err())
    };
    let anchor = TemplateAnchor::None.into();
    let strict = TemplateDates { anchor, strict: true, ..Default::default() };
    assert_eq!(refused(&pattern, strict).await, "DATES_IMPOSSIBLE");
    let other = Pattern { template: pattern.stage.space("No pattern").await, ..pattern };
    assert_eq!(refused(&other, TemplateDates::default()).await, "TEMPLATE_NOT_MARKED");
    let shown = plan.items.iter().find(|it| it.item.as_ref().unwrap().path == "Dig").unwrap();
    assert_eq!(shown.start_time.as_ref().unwrap().seconds, start.as_second());
    assert_eq!(shown.due_time.as_ref().unwrap().seconds, due.as_second());
}

#[tokio::test]
async fn what_has_the_name_already_decides_what_becomes_of_a_copy() {
    let pattern = Pattern::set().await;
    pattern.stage.grow(pattern.into, &["Plans/", "Plans/door.pdf=x", "start.pdf=d"]).await;
    let parts = [TemplatePart::Folders, TemplatePart::Documents];
    let (job, ends) = pattern.applied(of(&parts)).await;
    assert_eq!(job.state(), JobState::PartiallyFailed);
    let ends: Vec<&str> = ends.iter().map(String::as_str).collect();
    assert_eq!(
        ends,
        [
            "plans DONE",
            "plans/old DONE",
            "plans/door.pdf FAILED NAME_CONFLICT",
            "plans/old/roof.pdf DONE",
            "start.pdf SKIPPED IDENTICAL"
        ]
    );
    let options = TemplateOptions { new_versions: true, ..of(&parts).unwrap() };
    let (job, _) = pattern.applied(Some(options)).await;
    assert!(well(&job));
    let there = ["Plans/", "Plans/door.pdf=x+b", "Plans/old/", "Plans/old/roof.pdf=c", "start.pdf=d"];
    assert_eq!(pattern.stage.listing(pattern.into).await, there);
}

#[tokio::test]
async fn the_contents_of_a_template_are_listed_page_by_page_as_they_are_copied() {
    let pattern = Pattern::set().await;
    let (mut page_token, mut paths) = (String::new(), Vec::new());
    loop {
        let (template_id, page_size) = (pattern.template.to_string(), 4);
        let request = ListTemplateContentsRequest { template_id, page_size, page_token };
        let answer = pattern.templates().list_template_contents(by(&pattern.bob.token, request)).await.unwrap();
        let answer = answer.into_inner();
        paths.extend(answer.things.into_iter().map(|it| it.path));
        page_token = answer.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    let job = pattern.apply(of(&ALL)).await.unwrap();
    assert_eq!(paths, pattern.stage.items(&job).await.into_iter().map(|it| it.path).collect::<Vec<_>>());
}
