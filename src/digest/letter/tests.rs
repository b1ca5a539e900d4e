//! What a mail says, in both forms, and how it behaves when there is too much or too odd to say.

use std::collections::BTreeSet;

use jiff::civil::date;
use uuid::Uuid;

use super::*;
use crate::digest::fold::{Event, Part, Quote, Reason, Thing, fold};

fn thing(title: &str, url: &str) -> Thing {
    Thing { kind: "file".into(), id: title.into(), title: title.into(), url: url.into() }
}

/// A file that Ada uploaded on a Monday morning.
fn upload(title: &str) -> Event {
    Event {
        seq: 1,
        kind: "file.uploaded".into(),
        actor: Uuid::from_u128(1),
        actor_name: "Ada Lovelace".into(),
        is_own: false,
        subject: thing(title, "https://example.com/file?id=1&tab=2"),
        parent: Some(thing("Plans", "https://example.com/folder/9")),
        summary: String::new(),
        occurred_at: "2026-11-23T08:14:00Z".parse().unwrap(),
        reason: None,
    }
}

/// As many lines, each of one event.
fn lines(count: usize) -> Vec<Line> {
    let one = fold(&[upload("a.pdf")]).remove(0);
    vec![one; count]
}

fn section<'a>(workcenter: &'a str, lines: &'a [Line]) -> Section<'a> {
    let url = Some("https://example.com/workcenter/4");
    Section { workcenter, url, because: Because::Collaborator, lines }
}

fn digest<'a>(kind: Kind, sections: Vec<Section<'a>>) -> Digest<'a> {
    Digest {
        kind,
        account: "Pier Works",
        recipient_name: "Grace Hopper",
        reader: Reader::new(Some("Europe/Berlin")),
        needs_you: Vec::new(),
        sections,
        covers_from: None,
        is_redacted: false,
        unsubscribe_url: "https://example.com/stop?token=a-b_c",
        preferences_url: "https://example.com/settings",
    }
}

const DAILY: Kind = Kind::Daily { date: date(2026, 11, 23) };

/// Writes `digest` and checks what holds for every mail.
fn written(digest: &Digest) -> Written {
    let mail = write(digest).unwrap();
    assert!(mail.subject.chars().count() <= 120 && !mail.subject.chars().any(char::is_control));
    assert!(mail.html.len() <= 90_000, "{} bytes", mail.html.len());
    assert_eq!(mail.html.matches("<h1>").count(), 1);
    assert_balanced(&mail.html);
    assert_eq!(links_of_html(&mail.html), links_of_text(&mail.text));
    assert!(!mail.text.contains("\n\n\n\n"), "{}", mail.text);
    mail
}

/// Checks that every element that is opened is closed, in order.
fn assert_balanced(html: &str) {
    let body = &html[html.find("<body>").unwrap()..];
    let mut open = Vec::new();
    for tag in body.split('<').skip(1).map(|it| it.split(['>', ' ']).next().unwrap()) {
        match tag.strip_prefix('/') {
            Some("html") => assert!(open.is_empty(), "{open:?}"),
            Some(closed) => assert_eq!(open.pop(), Some(closed)),
            None => open.push(tag),
        }
    }
}

fn links_of_html(html: &str) -> BTreeSet<String> {
    let hrefs = html.split("href=\"").skip(1).map(|it| it.split('"').next().unwrap());
    hrefs.map(|it| it.replace("&amp;", "&").replace("&#39;", "'")).collect()
}

fn links_of_text(text: &str) -> BTreeSet<String> {
    text.split_whitespace().filter(|it| it.starts_with("http")).map(String::from).collect()
}

/// How many lines a mail shows, and how many it says there are beyond these.
fn shown_and_more(text: &str) -> (usize, usize) {
    let shown = text.lines().filter(|it| it.starts_with("* ")).count();
    let more = text.lines().filter_map(|it| it.strip_prefix("and ")?.split_once(" more"));
    (shown, more.map(|(it, _)| it.replace(',', "").parse::<usize>().unwrap()).sum())
}

#[test]
fn a_mail_of_one_line_is_that_line_and_no_digest() {
    let seven: Vec<_> = (0..7).map(|it| upload(&format!("{it}.pdf"))).collect();
    let lines = fold(&seven);
    for kind in [Kind::Immediate, DAILY, Kind::Catchup] {
        let mail = written(&digest(kind, vec![section("Plans for Pier 4", &lines)]));
        assert_eq!(mail.subject, "[Plans for Pier 4] Ada Lovelace uploaded 7 files to Plans");
        assert!(mail.html.contains("<h1>Ada Lovelace uploaded 7 files to Plans</h1>"));
        assert!(!mail.html.contains("<h2>") && !mail.text.contains("Hello"));
        for form in [&mail.html, &mail.text] {
            assert!(form.contains("0.pdf") && form.contains("and 4 more"));
            assert!(form.contains("Monday, 23 November 2026, 09:14 CET"));
        }
    }
}

#[test]
fn the_subject_says_how_much_there_is_and_where() {
    let weekly = Kind::Weekly { from: date(2026, 11, 16), to: date(2026, 11, 22) };
    let (two, five) = (lines(2), lines(5));
    let one = || vec![section("Plans for Pier 4", &five)];
    let three = || vec![section("A", &five), section("B", &two), section("C", &five)];
    for (kind, sections, subject) in [
        (Kind::Immediate, one(), "[Plans for Pier 4] 5 updates"),
        (DAILY, one(), "Your daily digest: 5 updates in Plans for Pier 4"),
        (DAILY, three(), "Your daily digest: 12 updates in 3 WorkCenters"),
        (weekly, three(), "Your weekly digest: 12 updates in 3 WorkCenters"),
        (Kind::Catchup, three(), "Catching up: 12 updates in 3 WorkCenters"),
        (Kind::Returned, three(), "While you were away: 12 updates in 3 WorkCenters"),
        (DAILY, vec![], "Your daily digest: nothing new"),
    ] {
        assert_eq!(written(&digest(kind, sections)).subject, subject);
    }

    let mail = written(&digest(weekly, three()));
    let period = "Monday, 16 November 2026 to Sunday, 22 November 2026";
    assert!(mail.html.contains(period) && mail.text.contains(period));
    assert!(mail.text.contains("Hello Grace Hopper, here is what happened: 12 updates"));
}

#[test]
fn what_needs_the_recipient_comes_first_and_says_why() {
    let addressed = [Reason::Mention, Reason::Assignment, Reason::Approval]
        .map(|reason| Event { reason: Some(reason), ..upload("a.pdf") });
    let (needing, two) = (fold(&addressed), lines(2));
    let administrator = Section { because: Because::Administrator, ..section("Harbour", &two) };
    let own = Section { because: Because::Yourself, url: None, ..section("My processes", &two) };
    let mail = written(&Digest {
        needs_you: vec![section("Plans for Pier 4", &needing)],
        ..digest(DAILY, vec![own, administrator, section("Photos", &two)])
    });

    assert_eq!(mail.subject, "Your daily digest: 9 updates in 3 WorkCenters");
    let order = |form: &str, parts: [&str; 7]| {
        let places = parts.map(|it| form.find(it).unwrap_or_else(|| panic!("{it} in {form}")));
        assert!(places.is_sorted(), "{places:?}");
    };
    let [mention, assignment, approval] = ["mentioned you", "assigned to you", "asks for your approval"];
    let text = ["NEEDS YOU", mention, assignment, approval, "\nPhotos", "\nHarbour", "\nMy pro"];
    order(&mail.text, text);
    let html = ["Needs you</h2>", mention, assignment, approval, "Photos", "Harbour", "My pro"];
    order(&mail.html, html);
    assert!(mail.text.contains("[mentioned you · Plans for Pier 4] Ada Lovelace uploaded a.pdf"));
    assert!(mail.html.contains("as administrator") && mail.text.contains("(as administrator)"));
}

#[test]
fn a_section_has_twenty_lines_and_the_exact_rest() {
    for (count, shown, more) in [(2, 2, 0), (20, 20, 0), (21, 21, 0), (22, 20, 2), (33, 20, 13), (1_234, 20, 1_214)] {
        let lines = lines(count);
        let mail = written(&digest(DAILY, vec![section("A", &lines)]));
        assert_eq!(shown_and_more(&mail.text), (shown, more));
        assert_eq!(mail.html.matches("class=\"i\"").count(), shown);
        assert!(!mail.html.contains("and 1 more"));
        let figure = phrase::figure(more as u64);
        assert_eq!(mail.html.contains(&format!(">and {figure} more<")), more > 0);
        assert!(mail.subject.contains(&phrase::figure(count as u64)));
    }
}

#[test]
fn a_mail_has_two_hundred_lines_at_most_and_nobody_is_pushed_out() {
    let plain = Line { says: vec![Part::Words("Something happened".into())], ..lines(1).remove(0) };
    let thirty = vec![plain; 30];
    let names: Vec<_> = (0..12).map(|it| format!("WorkCenter {it}")).collect();
    let sections = |count| names[..count].iter().map(|it| section(it, &thirty)).collect();

    let mail = written(&digest(DAILY, sections(10)));
    assert_eq!(shown_and_more(&mail.text), (200, 100));
    let mail = written(&digest(DAILY, sections(12)));
    assert_eq!(shown_and_more(&mail.text), (192, 168));
    assert!(names.iter().all(|it| mail.text.contains(it) && mail.html.contains(it)));
}

#[test]
fn five_thousand_long_lines_stay_within_the_bound_and_are_all_counted() {
    let long = "<&'\"> ".repeat(400);
    let url = format!("https://example.com/?{}", "a=b&".repeat(300));
    let files = ["a", "b", "c", "d"].map(|id| Event {
        actor_name: long.clone(),
        subject: Thing { id: id.into(), ..thing(&long, &url) },
        parent: Some(thing(&long, &url)),
        ..upload("")
    });
    let line = fold(&files).remove(0);
    let quote = Some(Quote { words: "&".repeat(300), is_latest_of_several: true });
    let all = vec![Line { quote, ..line }; 5_000];

    for lines_each in [3, 5_000] {
        let each = all.chunks(lines_each).map(|it| Section { url: Some(&url), ..section(&long[..300], it) });
        let (sections, needs_you): (Vec<_>, Vec<_>) = (each.clone().collect(), each.collect());
        for digest in [digest(DAILY, sections.clone()), Digest { needs_you: sections, ..digest(DAILY, needs_you) }] {
            let total = 5_000 * if digest.needs_you.is_empty() { 1 } else { 2 };
            let mail = written(&digest);
            let (shown, more) = shown_and_more(&mail.text);
            assert!(shown > 0 && shown + more == total, "{shown} and {more} of {total}");
        }
    }
}

#[test]
fn the_bound_is_used_and_not_only_kept() {
    let names: Vec<_> = (0..8).map(|it| format!("WorkCenter {it}")).collect();
    let wordy = fold(&[upload(&"a long title ".repeat(40))]).remove(0);
    let many = vec![Line { says: [wordy.says.clone(), wordy.says].concat(), ..wordy }; 20];
    let mail = written(&digest(DAILY, names.iter().map(|it| section(it, &many)).collect()));
    let (shown, more) = shown_and_more(&mail.text);
    assert!(shown + more == 160 && more > 0, "{shown} and {more}");
    assert!(mail.html.len() > 80_000, "{} bytes", mail.html.len());
}

#[test]
fn hostile_names_stay_names() {
    let word = "Kraftfahrzeughaftpflichtversicherungsfall";
    for name in ["<script>alert(1)</script>", "\"><img src=x>", "a\r\nBcc: b@example.com", word] {
        let event = Event {
            actor_name: name.into(),
            subject: thing(name, "https://example.com/1"),
            parent: Some(thing(name, "https://example.com/2")),
            summary: name.into(),
            ..upload("")
        };
        let (two, one) = (fold(&[event.clone(), Event { parent: None, ..event.clone() }]), fold(&[event]));
        for lines in [&two, &one] {
            let mail =
                written(&Digest { account: name, recipient_name: name, ..digest(DAILY, vec![section(name, lines)]) });
            assert!(!mail.html.contains("<script") && !mail.html.contains("<img"));
            assert!(!mail.text.contains("\nBcc:"));
        }
    }
}

#[test]
fn a_name_written_from_right_to_left_is_set_apart_in_both_forms() {
    let lines = fold(&[
        Event { actor_name: "عمر الخيام".into(), ..upload("👩‍🚀.pdf") },
        Event { seq: 2, actor: Uuid::from_u128(2), ..upload("b.pdf") },
    ]);
    let mail = written(&digest(DAILY, vec![section("ليلى", &lines)]));
    assert!(mail.html.contains("<bdi>عمر الخيام</bdi> uploaded "));
    assert!(mail.text.contains("\u{2068}عمر الخيام\u{2069} uploaded 👩‍🚀.pdf"));
    assert!(mail.subject.ends_with("in \u{2068}ليلى\u{2069}"));
}

#[test]
fn an_address_that_is_none_of_the_web_is_no_link() {
    let event = Event { subject: thing("a.pdf", "javascript:alert(1)"), ..upload("") };
    let lines = fold(&[event.clone(), Event { parent: None, ..event }]);
    let bad = Section { url: Some("data:text/html,x"), ..section("A", &lines) };
    let mail = written(&digest(DAILY, vec![bad]));
    for form in [&mail.html, &mail.text] {
        assert!(form.contains("a.pdf") && !form.contains("javascript:") && !form.contains("data:"));
    }
}

#[test]
fn a_digest_that_stands_for_several_says_since_when() {
    let lines = lines(2);
    let covers_from = Some("2026-07-20T05:00:00Z".parse().unwrap());
    let mail = written(&Digest { covers_from, ..digest(DAILY, vec![section("A", &lines)]) });
    let said = "This digest covers everything since Monday, 20 July 2026, 07:00 CEST.";
    assert!(mail.html.contains(said) && mail.text.contains(said));
}

#[test]
fn the_foot_says_why_the_mail_came() {
    let two = lines(2);
    let here = || vec![section("Plans for Pier 4", &two)];
    let addressed = Digest { needs_you: here(), ..digest(Kind::Immediate, vec![]) };
    for (digest, why) in [
        (digest(Kind::Immediate, here()), "your notifications in Plans for Pier 4 are immediate."),
        (addressed, "somebody in Pier Works addressed it to you."),
        (digest(DAILY, here()), "you have a daily digest of Pier Works."),
        (digest(Kind::Catchup, here()), "changed from digests to immediate mail."),
        (digest(Kind::Returned, here()), "your notifications were paused."),
    ] {
        let mail = written(&digest);
        assert!(mail.html.contains(why) && mail.text.contains(why), "{}", mail.text);
    }
}

#[test]
fn a_long_subject_is_cut_where_nobody_would_see_it() {
    let lines = fold(&[upload(&"x".repeat(300))]);
    let name = "A WorkCenter with a name that is a good deal longer than it needs to be";
    let subject = written(&digest(Kind::Immediate, vec![section(name, &lines)])).subject;
    assert_eq!(subject.chars().count(), 120);
    assert!(subject.starts_with("[A WorkCenter with a name that is a good deal long…] Ada "));
}

#[test]
fn a_redacted_mail_says_how_much_and_where_and_nothing_else() {
    let secret = Event { summary: "Sold for a million".into(), reason: Some(Reason::Mention), ..upload("Offer.pdf") };
    let (one, five, two) = (fold(&[secret]), lines(5), lines(2));
    let [here, there] = ["https://example.com/workcenters/1", "https://example.com/workcenters/2"];
    let at = |url, lines| Section { url: Some(url), ..section("Quay", lines) };
    for (kind, needs_you, sections, subject) in [
        (Kind::Immediate, vec![], vec![at(here, &five)], "5 updates in a WorkCenter"),
        (Kind::Immediate, vec![at(here, &one)], vec![], "1 update in a WorkCenter"),
        (Kind::Immediate, vec![at(here, &one)], vec![at(here, &five)], "6 updates in a WorkCenter"),
        (Kind::Catchup, vec![], vec![at(here, &five)], "5 updates in a WorkCenter"),
        (
            DAILY,
            vec![at(here, &one), at(here, &one)],
            vec![at(here, &five), at(there, &two)],
            "Your daily digest: 9 updates in 2 WorkCenters",
        ),
    ] {
        let mail = written(&Digest { is_redacted: true, needs_you, ..digest(kind, sections) });
        assert_eq!(mail.subject, subject);
        assert!(mail.text.contains(here) && mail.html.contains(here), "{}", mail.text);
        for name in ["Quay", "Plans", "Ada", "Offer", "a.pdf", "million", "mentioned", "file?id"] {
            let forms = [&mail.subject, &mail.html, &mail.text];
            assert!(forms.iter().all(|it| !it.contains(name)), "{name} in {}", mail.text);
        }
        let needing = mail.text.contains("[a WorkCenter] 2 updates");
        assert_eq!(needing, subject.contains("9 updates"), "{}", mail.text);
    }
}
