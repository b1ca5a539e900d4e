//! What names and figures look like in a letter.

use super::*;

#[test]
fn a_name_becomes_one_line_without_what_would_break_out_of_it() {
    for (given, kept) in [
        ("  Ada \t\r\n Lovelace ", "Ada Lovelace"),
        ("Bcc: x\r\nSubject: y", "Bcc: x Subject: y"),
        ("a\u{0}b\u{7f}c\u{85}d\u{2028}e", "a b c d e"),
        ("evil\u{202e}fdp.exe", "evilfdp.exe"),
        ("\u{2067}עדה\u{2069}", "עדה"),
        ("👩‍🚀 Ada", "👩‍🚀 Ada"),
        ("", ""),
        (" \n ", ""),
    ] {
        assert_eq!(clean(given, 40), kept);
    }
}

#[test]
fn a_name_that_is_too_long_ends_in_an_ellipsis_at_exactly_the_limit() {
    assert_eq!(clean("abcde", 5), "abcde");
    assert_eq!(clean("abcde   ", 5), "abcde");
    assert_eq!(clean("abcdef", 5), "abcd…");
    assert_eq!(clean("abc def", 5), "abc…");
    assert_eq!(clean("a👩‍🚀b", 4), "a👩…", "the joiner does not stay behind alone");
    assert_eq!(clean(&"x".repeat(10_000), 120).chars().count(), 120);
}

#[test]
fn only_names_that_run_from_right_to_left_are_isolated() {
    assert_eq!(isolated("Ada"), "Ada");
    assert_eq!(isolated("עדה"), "\u{2068}עדה\u{2069}");
    assert_eq!(isolated("plan ليلى"), "\u{2068}plan ليلى\u{2069}");
}

#[test]
fn only_addresses_of_the_web_become_links() {
    assert_eq!(link("https://example.com/a?b=c&d"), Some("https://example.com/a?b=c&d"));
    assert_eq!(link("http://example.com"), Some("http://example.com"));
    let long = format!("https://example.com/{}", "x".repeat(2_000));
    let swollen = format!("https://example.com/?{}", "&".repeat(400));
    for refused in ["javascript:alert(1)", "", "/wc/1", "https://a b", "https://a\nb", &long, &swollen] {
        assert_eq!(link(refused), None, "{refused:.30}");
    }
}

#[test]
fn one_more_than_the_cap_is_shown_and_two_more_are_not() {
    let counts = [0, 1, 19, 20, 21, 22, 5_000];
    assert_eq!(counts.map(|it| shown(it, 20)), [0, 1, 19, 20, 21, 20, 20]);
}

#[test]
fn figures_are_grouped_and_agree_with_their_noun() {
    assert_eq!([0, 999, 1_000, 1_234_567].map(figure), ["0", "999", "1,000", "1,234,567"]);
    assert_eq!(counted(1, "file", "files"), "1 file");
    assert_eq!(counted(0, "file", "files"), "0 files");
    let items = ["a", "b", "c"].map(String::from);
    assert_eq!([1, 2, 3].map(|it| listed(&items[..it])), ["a", "a and b", "a, b and c"]);
}
