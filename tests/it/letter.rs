//! Letters: their bytes, read back by the sink, and what no letter may hold.

mod gate;

use std::time::{Duration, Instant};

use jiff::Timestamp;
use workcenter::mail::{Letter, Mailbox, Outcome, Post};

use crate::received::Received;
use crate::sink::Sink;

pub const SENDER: &str = "digest@work.example";
pub const ADA: &str = "ada@example.com";

/// A letter with a bit of everything.
pub fn letter() -> Letter {
    Letter {
        from: Mailbox { name: "WorkCenter".into(), address: SENDER.into() },
        to: Mailbox { name: "Ada Lovelace".into(), address: ADA.into() },
        subject: "3 news from Plans".into(),
        text: "Hello Ada,\n.\n..two dots\nbye\n".into(),
        html: "<!doctype html><p lang=\"en\">Hello Ada</p>\n".into(),
        message_id: "day.2026-03-01.7@work.example".into(),
        date: "2026-03-01T08:30:05Z".parse::<Timestamp>().unwrap(),
        headers: vec![
            ("List-Id", "Plänë <plans.work.example>".into()),
            ("List-Unsubscribe", "<https://work.example/u?t=abc>".into()),
            ("Auto-Submitted", "auto-generated".into()),
        ],
    }
}

/// Names and subjects that have been trouble to somebody.
pub const HOSTILE: [&str; 14] = [
    "Ada",
    "O'Neil, \"Bo\" <bo@evil.example>",
    "back\\slash (comment) ; a:b, c@d.e",
    "=?utf-8?q?Security_alert=0D=0ABcc:_x?=",
    "tail =?",
    "Zoë  two  spaces  née",
    "né  né é  plain",
    "日本語のとても長い名前がここに入りますので折り返しが必要になります",
    "مرحبا بالعالم",
    "👩‍👩‍👧‍👧 family 🇨🇭",
    "<script>alert(1)</script>",
    "100% {{ braces }} ${x} = =3D =\u{2028}",
    "a very long subject of plain words that does not fit into one line and so has to be folded twice or more",
    ".",
];

#[tokio::test]
async fn a_mail_arrives_as_it_was_made() {
    let sink = Sink::start(vec![]).await;
    let mime = letter().mime().unwrap();

    let mut session = Post::relay(sink.settings()).session().await.unwrap();
    let later = Instant::now() + Duration::from_secs(60);
    let outcome = session.send(SENDER, ADA, &mime, later).await;

    assert!(matches!(outcome, Outcome::Sent { .. }), "{outcome:?}");
    let mail = sink.wait_for(1).await.remove(0);
    assert_eq!((&*mail.from, &*mail.to), (SENDER, ADA));
    assert_eq!(mail.data, mime, "dots at the start of a line survive, nothing is added");
    assert_eq!(mail.text(), letter().text);
    assert_eq!(mail.html(), letter().html);
    assert_eq!(mail.message_id(), letter().message_id);
    let header = |name| mail.header(name).unwrap();
    assert_eq!(header("Date"), "Sun, 01 Mar 2026 08:30:05 +0000");
    assert_eq!(header("From"), "\"WorkCenter\" <digest@work.example>");
    assert_eq!(header("To"), "\"Ada Lovelace\" <ada@example.com>");
    assert_eq!(header("Subject"), "3 news from Plans");
    assert_eq!(header("List-Id"), "Plänë <plans.work.example>");
    assert_eq!(header("List-Unsubscribe"), "<https://work.example/u?t=abc>");
    assert_eq!(header("Auto-Submitted"), "auto-generated");
}

#[test]
fn a_letter_with_a_line_break_in_a_header_is_refused() {
    let name = |name: &str| Mailbox { name: name.into(), address: ADA.into() };
    let address = |address: &str| Mailbox { name: "Ada".into(), address: address.into() };
    let header = |value: &str| vec![("X-Note", value.to_owned())];
    let table = [
        ("Subject", Letter { subject: "Hi\r\nBcc: eve@evil.example".into(), ..letter() }),
        ("Subject", Letter { subject: "Hi é\nthere".into(), ..letter() }),
        ("Subject", Letter { subject: "bell \u{7}".into(), ..letter() }),
        ("Subject", Letter { subject: "next line \u{85}".into(), ..letter() }),
        ("Subject", Letter { subject: " ".repeat(1_000), ..letter() }),
        ("From", Letter { from: name("Ada\r\nBcc: eve@evil.example"), ..letter() }),
        ("To", Letter { to: name("Ada\r\nBcc: eve@evil.example"), ..letter() }),
        ("To", Letter { to: name("\0"), ..letter() }),
        ("To", Letter { to: address("ada@example.com\r\nBcc: eve@evil.example"), ..letter() }),
        ("To", Letter { to: address("ada@example.com> , <eve@evil.example"), ..letter() }),
        ("To", Letter { to: address("ädä@example.com"), ..letter() }),
        ("To", Letter { to: address(""), ..letter() }),
        ("Message-ID", Letter { message_id: "a b@c".into(), ..letter() }),
        ("Message-ID", Letter { message_id: "a@b>\r\nX: <c@d".into(), ..letter() }),
        ("Message-ID", Letter { message_id: format!("{}@c", "a".repeat(200)), ..letter() }),
        ("X-Note", Letter { headers: header("a\r\nb"), ..letter() }),
        ("X-Note", Letter { headers: header(&"x".repeat(1_000)), ..letter() }),
        ("X: y", Letter { headers: vec![("X: y", "z".into())], ..letter() }),
        ("List-Id", Letter { headers: vec![("List-Id", "a\nb <c.d>".into())], ..letter() }),
    ];
    for (field, letter) in table {
        assert_eq!(letter.mime().unwrap_err().field, field, "{letter:?}");
    }
}

#[test]
fn any_text_is_read_as_it_was_written() {
    for text in HOSTILE {
        let written = Letter {
            from: Mailbox { name: text.into(), address: SENDER.into() },
            to: Mailbox { name: text.into(), address: ADA.into() },
            subject: text.into(),
            text: format!("{text}\n--=_day202603017workexample--\n\n.\nFrom {text} \t\n{text}"),
            html: format!("<p>{}</p>", text.repeat(50)),
            headers: vec![("List-Id", format!("{text} <plans.work.example>"))],
            ..letter()
        };
        let mail = Received {
            from: SENDER.into(),
            to: ADA.into(),
            data: written.mime().unwrap(),
            data_at: 0,
            is_acknowledged: true,
        };
        assert_eq!(mail.header("Subject").unwrap(), text);
        assert_eq!(mail.text(), written.text);
        assert_eq!(mail.html(), written.html);
        let quoted = |name: &str| name.replace('"', "");
        for (header, rest) in
            [("From", "<digest@work.example>"), ("To", "<ada@example.com>"), ("List-Id", "<plans.work.example>")]
        {
            let expected = format!("{text} {rest}");
            assert_eq!(quoted(&mail.header(header).unwrap()), quoted(&expected));
        }
        let text = str::from_utf8(&mail.data).unwrap();
        let head = text.split("\r\n\r\n").next().unwrap();
        assert!(head.split("\r\n").all(|line| line.len() <= 76), "{head}");
    }
}
