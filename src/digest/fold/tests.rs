//! What becomes one line, and what is said of it.

use std::collections::HashSet;

use super::*;

/// A person of the tests, known by a number.
fn person(number: u128) -> (Uuid, &'static str) {
    let names = ["Ada Lovelace", "Grace Hopper", "Alan Turing", "Emmy Noether"];
    (Uuid::from_u128(number), names[usize::try_from(number).unwrap() % names.len()])
}

fn thing(kind: &str, id: &str) -> Thing {
    let url = format!("https://example.com/{kind}/{id}");
    Thing { kind: kind.into(), id: id.into(), title: format!("{kind} {id}"), url }
}

/// An event of `kind` that `who` did to the thing `id`; the sort of thing is the kind's first word.
fn event(seq: i64, kind: &str, who: u128, id: &str) -> Event {
    let (actor, name) = person(who);
    let sort = kind.split('.').next().unwrap();
    Event {
        seq,
        kind: kind.into(),
        actor,
        actor_name: name.into(),
        is_own: false,
        subject: thing(sort, id),
        parent: None,
        summary: String::new(),
        occurred_at: Timestamp::from_second(1_790_000_000 + seq).unwrap(),
        reason: None,
    }
}

fn within(place: &str, event: Event) -> Event {
    let parent = Some(Thing { title: place.into(), ..thing("folder", place) });
    Event { parent, ..event }
}

fn saying(summary: &str, event: Event) -> Event {
    Event { summary: summary.into(), ..event }
}

fn texts(events: &[Event]) -> Vec<String> {
    fold(events).iter().map(Line::text).collect()
}

#[test]
fn a_thousand_uploads_are_one_line_with_the_exact_count() {
    let upload = |seq| within("Plans", event(seq, "file.uploaded", 0, &format!("{seq}")));
    let lines = fold(&(1..=1_000).map(upload).collect::<Vec<_>>());

    assert_eq!(lines.len(), 1);
    let line = &lines[0];
    assert_eq!(line.text(), "Ada Lovelace uploaded 1,000 files to Plans");
    assert_eq!((line.events, line.things.len(), line.more_things), (1_000, 3, 997));
    assert_eq!(line.actors, [person(0).0]);
    assert_eq!(line.last_at.as_second() - line.first_at.as_second(), 999);
}

#[test]
fn files_join_by_who_brought_them_and_where() {
    let events = [
        within("Plans", event(1, "file.uploaded", 0, "a")),
        within("Plans", event(2, "file.uploaded", 1, "b")),
        within("Plans", event(3, "file.uploaded", 0, "c")),
        within("Photos", event(4, "file.uploaded", 0, "d")),
        event(5, "file.uploaded", 0, "e"),
        within("Plans", event(6, "file.deleted", 0, "a")),
    ];
    let said = [
        "Ada Lovelace uploaded 2 files to Plans",
        "Grace Hopper uploaded file b to Plans",
        "Ada Lovelace uploaded file d to Photos",
        "Ada Lovelace uploaded file e",
        "Ada Lovelace deleted 1 file from Plans",
    ];
    assert_eq!(texts(&events), said);
}

#[test]
fn a_place_is_named_only_when_it_is_the_place_of_all() {
    let events = [
        within("Plans", event(1, "file.moved", 0, "a")),
        within("Plans", event(2, "file.moved", 0, "b")),
        within("Plans", event(3, "file.copied", 0, "a")),
        within("Photos", event(4, "file.copied", 0, "b")),
    ];
    let said = ["Ada Lovelace moved 2 files to Plans", "Ada Lovelace copied 2 files"];
    assert_eq!(texts(&events), said);
}

#[test]
fn all_that_happens_to_one_thing_is_one_line_by_everybody_who_did_it() {
    let comment = |seq, who| event(seq, "file.commented", who, "a");
    let comments = [comment(1, 0), comment(2, 1), comment(3, 2), comment(4, 0)];
    assert_eq!(texts(&comments[..1]), ["Ada Lovelace commented on file a"]);
    assert_eq!(texts(&comments[..2]), ["Ada Lovelace and Grace Hopper made 2 comments on file a"]);
    assert_eq!(texts(&comments), ["Ada Lovelace and 2 others made 4 comments on file a"]);

    let mut mixed = comments.to_vec();
    mixed.push(event(5, "file.version_added", 1, "a"));
    mixed.push(event(6, "file.commented", 1, "b"));
    let said =
        ["file a: 4 comments and 1 new version by Ada Lovelace and 2 others", "Grace Hopper commented on file b"];
    assert_eq!(texts(&mixed), said);
    assert_eq!(fold(&mixed)[0].actors, [person(0).0, person(1).0, person(2).0]);
}

#[test]
fn what_is_due_joins_within_a_day() {
    let due = |seq, id| event(seq, "task.overdue", 0, id);
    let tomorrow = Event { occurred_at: "2026-11-23T00:00:00Z".parse().unwrap(), ..due(3, "c") };
    let events = [due(1, "a"), due(2, "b"), tomorrow];
    assert_eq!(texts(&events), ["2 tasks are overdue", "task c is overdue"]);
    assert_eq!(fold(&events)[0].things.len(), 2);
}

#[test]
fn what_was_deleted_is_counted_and_never_named() {
    let kinds = rule::RULES.iter().filter(|it| it.many.contains(" deleted {count}"));
    let kinds: Vec<_> = kinds.filter(|it| it.by != By::Thing).map(|it| it.kind).collect();
    assert_eq!(kinds, ["file.deleted", "folder.deleted", "task.deleted", "post.deleted"]);
    for kind in kinds {
        let events = ["a", "b"].map(|id| saying("a secret", event(1, kind, 0, id)));
        let lines = fold(&events);
        assert_eq!(lines.len(), 1);
        assert!(lines[0].text().starts_with("Ada Lovelace deleted 2 "), "{}", lines[0].text());
        assert!(lines[0].things.is_empty() && lines[0].quote.is_none());
    }
}

#[test]
fn a_kind_nobody_knows_is_told_by_its_sentence_or_else_by_its_name() {
    let crane = |seq, summary| saying(summary, event(seq, "crane.load_tested", 0, "c1"));
    assert_eq!(texts(&[crane(1, "")]), ["Ada Lovelace: crane load tested, crane c1"]);
    let twice = [crane(1, ""), crane(2, "")];
    assert_eq!(texts(&twice), ["Ada Lovelace: crane load tested, crane c1 (2 times)"]);

    let told = [crane(1, "Crane 1 failed."), crane(2, "Crane 1\r\npassed.")];
    let lines = fold(&told);
    assert_eq!(texts(&told), ["Crane 1 passed. (2 times)"]);
    assert_eq!(lines[0].things, [thing("crane", "c1")]);
    assert_eq!(lines[0].quote, None);

    let apart = [crane(1, ""), event(2, "crane.load_tested", 0, "c2"), crane(3, "")];
    assert_eq!(fold(&apart).len(), 2);
}

#[test]
fn a_bulk_process_is_told_by_its_own_sentence() {
    let summary = "Ada Lovelace copied 1,000 files to Plans: a.pdf, b.pdf and 998 more";
    let events = [
        saying(summary, event(1, "files.bulk_copied", 0, "job-1")),
        within("Plans", event(2, "files.bulk_moved", 0, "job-2")),
    ];
    assert_eq!(texts(&events), [summary, "Ada Lovelace moved files in bulk to Plans"]);
}

#[test]
fn what_is_addressed_stays_a_line_of_its_own_and_says_so() {
    let addressed = |seq, kind, reason| Event { reason: Some(reason), ..event(seq, kind, 0, "a") };
    let events = [
        event(1, "task.commented", 1, "a"),
        saying("@Grace?", addressed(2, "task.commented", Reason::Mention)),
        addressed(3, "mention", Reason::Mention),
        addressed(4, "task.assigned", Reason::Assignment),
        addressed(5, "task.approval_requested", Reason::Approval),
        addressed(6, "task.unassigned", Reason::Assignment),
        event(7, "task.commented", 1, "a"),
    ];
    let said = [
        "Grace Hopper made 2 comments on task a",
        "Ada Lovelace mentioned you in a comment on task a",
        "Ada Lovelace mentioned you in mention a",
        "Ada Lovelace assigned task a to you",
        "Ada Lovelace asks for your approval of task a",
        "Ada Lovelace changed who task a is assigned to",
    ];
    assert_eq!(texts(&events), said);
    let lines = fold(&events);
    assert!(lines[1..].iter().all(|it| it.reason.is_some() && it.events == 1));
    assert_eq!(lines[1].quote.as_ref().unwrap().words, "@Grace?");
}

#[test]
fn the_latest_words_go_below_where_they_say_more() {
    let events = [
        saying("First.", event(1, "file.commented", 0, "a")),
        saying("  Second,\nlonger.  ", event(2, "file.commented", 1, "a")),
        saying(" ", event(3, "file.commented", 1, "a")),
        saying("Uploaded.", event(4, "file.uploaded", 0, "b")),
    ];
    let lines = fold(&events);
    let quote = lines[0].quote.as_ref().unwrap();
    assert_eq!((quote.words.as_str(), quote.is_latest_of_several), ("Second, longer.", true));
    assert_eq!(lines[1].quote, None);
}

#[test]
fn a_renamed_thing_has_its_newest_title_whatever_the_order_given() {
    let old = event(1, "file.details_changed", 0, "a");
    let mut new = event(2, "file.details_changed", 0, "a");
    new.subject.title = "final.pdf".into();
    let said = ["Ada Lovelace changed the details of final.pdf 2 times"];
    assert_eq!(texts(&[old.clone(), new.clone()]), said);
    assert_eq!(texts(&[new, old]), said);
}

#[test]
fn names_are_cleaned_and_missing_ones_replaced() {
    let mut upload = event(1, "file.uploaded", 0, "a");
    upload.actor_name = " \u{202e}\r\n".into();
    upload.subject.title = String::new();
    assert_eq!(texts(&[upload.clone()]), ["Somebody uploaded untitled file"]);

    upload.actor_name = "עדה".into();
    upload.subject.title = "<b>\tplan</b>".into();
    assert_eq!(texts(&[upload.clone()]), ["\u{2068}עדה\u{2069} uploaded <b> plan</b>"]);

    upload.subject.title = "x".repeat(500);
    assert_eq!(fold(&[upload])[0].text().chars().count(), 5 + " uploaded ".len() + 120);
}

#[test]
fn four_things_are_all_named_and_five_are_three_and_two_more() {
    let lines = |count: usize| {
        let ids = ["a", "b", "c", "d", "e"];
        fold(&ids[..count].iter().map(|id| event(1, "file.uploaded", 0, id)).collect::<Vec<_>>())
    };
    let counts = |line: &Line| (line.things.len(), line.more_things);
    assert_eq!([2, 4, 5].map(|it| counts(&lines(it)[0])), [(2, 0), (4, 0), (3, 2)]);
}

#[test]
fn every_kind_is_told_in_whole_sentences_and_no_event_is_lost() {
    let mut kinds = HashSet::new();
    for rule in rule::RULES {
        assert!(kinds.insert(rule.kind), "{} has two rows", rule.kind);
        assert_eq!(rule.by == By::Thing, !rule.noun[0].is_empty(), "{}", rule.kind);
        let events = [0, 1, 2, 3, 4].map(|seq| {
            let id = if seq % 2 == 0 { "a" } else { "b" };
            within("Plans", event(seq, rule.kind, u128::try_from(seq).unwrap(), id))
        });
        for count in 1..=events.len() {
            let lines = fold(&events[..count]);
            assert_eq!(lines.iter().map(|it| it.events).sum::<u64>(), count as u64);
            for line in lines {
                let text = line.text();
                assert!(!text.contains(['{', '}', '[', ']']) && !text.contains("  "), "{text}");
                let begins = text.starts_with(|it: char| it.is_uppercase() || it.is_numeric());
                assert!(begins || matches!(line.says[0], Part::Thing(_)), "{text}");
            }
        }
    }
}

#[test]
fn nothing_folds_to_nothing() {
    assert!(fold(&[]).is_empty());
}

#[test]
fn the_reader_is_called_you_and_comes_first() {
    let own = |event: Event| Event { is_own: true, ..event };
    let one = |kind, who| event(1, kind, who, "1");
    assert_eq!(texts(&[own(within("Plans", one("file.uploaded", 0)))]), ["You uploaded file 1 to Plans"]);
    let by_two = [one("file.commented", 1), own(Event { seq: 2, ..one("file.commented", 0) })];
    assert_eq!(texts(&by_two), ["You and Grace Hopper made 2 comments on file 1"]);
    let by_three = [by_two[0].clone(), Event { seq: 3, ..one("file.commented", 2) }, by_two[1].clone()];
    assert_eq!(texts(&by_three), ["You and 2 others made 3 comments on file 1"]);
    let mixed = [one("task.edited", 1), own(Event { seq: 2, ..one("task.commented", 0) })];
    assert_eq!(texts(&mixed), ["task 1: 1 edit and 1 comment by you and Grace Hopper"]);
}

#[test]
fn what_the_reader_addressed_to_themselves_is_said_as_to_everybody() {
    for (kind, reason, said) in [
        ("task.assigned", Reason::Assignment, "You assigned task 1"),
        ("task.approval_requested", Reason::Approval, "You asked for approval of task 1"),
        ("file.commented", Reason::Mention, "You commented on file 1"),
    ] {
        let event = Event { is_own: true, reason: Some(reason), ..event(1, kind, 0, "1") };
        assert_eq!(texts(&[event]), [said]);
    }
}
