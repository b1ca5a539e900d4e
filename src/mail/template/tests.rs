//! What every letter may rely on: escaping, strictness, the frame and its colours.

use super::*;

/// A room's templates, as small as they get.
fn template() -> Template {
    let html = r#"<p title="{{ name }}">{{ name }}</p><a href="{{ url }}">there</a>"#;
    Template::new(html, "{{ name }}: {{ url }}").unwrap()
}

fn content(name: &str) -> serde_json::Value {
    serde_json::json!({ "name": name, "url": "https://example.com/a?b=1&c=2" })
}

const FRAME: Frame = Frame {
    account: "Pier Works",
    heading: "A heading",
    why: "You asked for it.",
    unsubscribe_url: Some("https://example.com/stop"),
    preferences_url: Some("https://example.com/settings"),
};

#[test]
fn values_are_escaped_in_html_and_left_alone_in_text() {
    let hostile = r#"<script>alert("it's & bad")</script>"#;
    let rendered = template().render(&FRAME, &content(hostile)).unwrap();

    let escaped = "&lt;script&gt;alert(&quot;it&#39;s &amp; bad&quot;)&lt;/script&gt;";
    assert!(rendered.html.contains(&format!(r#"<p title="{escaped}">{escaped}</p>"#)));
    assert!(rendered.html.contains(r#"<a href="https://example.com/a?b=1&amp;c=2">"#));
    assert!(rendered.text.contains(hostile));
    assert!(rendered.text.contains(": https://example.com/a?b=1&c=2"));
}

#[test]
fn the_frame_is_escaped_too() {
    let frame = Frame { account: "<b>", heading: "a < b", why: "\"&\"", ..FRAME };
    let html = template().render(&frame, &content("Ada")).unwrap().html;

    assert!(html.contains("<title>a &lt; b</title>") && html.contains("<h1>a &lt; b</h1>"));
    assert!(html.contains("<bdi>&lt;b&gt;</bdi>") && html.contains("<p>&quot;&amp;&quot;</p>"));
}

#[test]
fn a_name_that_was_not_handed_in_is_an_error() {
    for (html, text) in [("{{ nmae }}", ""), ("", "{{ nmae }}"), ("{{ name.first }}", "")] {
        let template = Template::new(html, text).unwrap();
        assert!(template.render(&FRAME, &content("Ada")).is_err());
    }
    assert!(Template::new("{% if %}", "").is_err());
}

#[test]
fn the_foot_says_why_and_leaves_out_links_that_are_not_given() {
    let both = template().render(&FRAME, &content("Ada")).unwrap();
    for form in [&both.html, &both.text] {
        assert!(form.contains("You asked for it."));
        assert!(form.contains("https://example.com/stop"));
        assert!(form.contains("https://example.com/settings"));
    }

    let frame = Frame { unsubscribe_url: None, preferences_url: None, ..FRAME };
    let neither = template().render(&frame, &content("Ada")).unwrap();
    for form in [&neither.html, &neither.text] {
        assert!(!form.contains("Unsubscribe") && !form.contains("Notification settings"));
    }
}

#[test]
fn a_letter_is_one_page_with_one_heading_and_nothing_from_elsewhere() {
    let html = template().render(&FRAME, &content("Ada")).unwrap().html;

    assert!(html.starts_with("<!DOCTYPE html>\n<html lang=\"en\" dir=\"ltr\">"), "{html:.80}");
    assert_eq!(html.matches("<h1>").count(), 1);
    assert_eq!(html.matches("<table").count(), html.matches("role=\"presentation\"").count());
    assert!(html.contains(r#"<meta name="color-scheme" content="light dark">"#));
    assert!(html.contains("prefers-color-scheme: dark"));
    for foreign in ["<img", "<link", "<script", "src=", "url(", "@import", "@font-face"] {
        assert!(!html.contains(foreign), "{foreign}");
    }
}

/// The colour that `property` has in the rule of `selector` in `styles`.
fn colour(styles: &str, selector: &str, property: &str) -> Option<u32> {
    styles.lines().rev().find_map(|line| {
        let (selectors, rule) = line.split_once(" { ")?;
        selectors.split(", ").find(|it| *it == selector)?;
        let mut declarations = rule.split("; ").filter_map(|it| it.split_once(": #"));
        let (_, value) = declarations.find(|(name, _)| *name == property)?;
        u32::from_str_radix(value.get(..6)?, 16).ok()
    })
}

/// How bright `colour` is, from 0 to 1.
///
/// Source: WCAG 2.2, "relative luminance".
fn luminance(colour: u32) -> f64 {
    let channel = |shift: u32| {
        let part = f64::from((colour >> shift) & 0xff) / 255.0;
        if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * channel(16) + 0.7152 * channel(8) + 0.0722 * channel(0)
}

#[test]
fn every_text_stands_out_from_its_ground_in_both_palettes() {
    let (light, dark) = include_str!("../frame.html").split_once("@media (prefers-color-scheme: dark)").unwrap();
    for (text, ground) in [
        ("body", "body"),
        ("body", ".body"),
        (".head", "body"),
        (".head b", "body"),
        (".foot", "body"),
        (".foot a", "body"),
        ("a", ".body"),
        ("h2 a", ".body"),
        (".m", ".body"),
        (".k", ".body"),
        (".q", ".body"),
        (".b", ".b"),
    ] {
        for (palette, styles) in [("light", light), ("dark", dark)] {
            let front = colour(styles, text, "color").unwrap();
            let back = colour(styles, ground, "background").unwrap();
            let (a, b) = (luminance(front), luminance(back));
            let contrast = (a.max(b) + 0.05) / (a.min(b) + 0.05);
            assert!(contrast >= 4.5, "{palette}: {text} on {ground} is {contrast:.2}");
        }
    }
}
