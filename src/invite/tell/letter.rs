//! Writes the mails that tell an inviter how their invite has ended.
//!
//! What a stranger chose, their name, their reason, what their mail server says, is shown as text and cut where it is long.

use std::sync::LazyLock;

use jiff::Timestamp;
use serde::Serialize;

use crate::{
    invite::letter::{HEADING_NAME_CHARS_MAX, NAME_CHARS_MAX, Written, with_article},
    mail::{
        phrase,
        reader::Reader,
        template::{Error, Frame, Rendered, Template},
    },
};

/// Characters of a reason or of a mail server's words that are shown: those of the longest reason.
const QUOTE_CHARS_MAX: usize = 300;

/// Characters of an address that are shown: as many as an address may have.
const ADDRESS_CHARS_MAX: usize = 254;

static TEMPLATE: LazyLock<Template> = LazyLock::new(|| {
    Template::new(include_str!("letter.html"), include_str!("letter.txt"))
        .expect("both templates are part of the program, and the tests compile them")
});

/// How an invite has ended.
#[derive(Clone, Copy, Debug)]
pub(super) enum What<'a> {
    /// It was accepted.
    Accepted {
        /// By whom.
        name: &'a str,
    },
    /// It was declined.
    Declined {
        /// In their words; may be empty.
        reason: &'a str,
    },
    /// It reaches nobody.
    Undelivered {
        /// In the words of the mail server; may be empty.
        reply: &'a str,
    },
}

/// All that a mail tells.
#[derive(Clone, Debug)]
pub(super) struct Notice<'a> {
    /// How the invite has ended.
    pub what: What<'a>,
    /// The address that was invited.
    pub email: &'a str,
    /// The name of the account.
    pub account: &'a str,
    /// What the invited person is there, or would have been, in words: `member`.
    pub account_role: &'a str,
    /// When it ended.
    pub at: Timestamp,
    /// How the inviter reads times.
    pub reader: &'a Reader,
    /// Where the invite is seen.
    pub url: &'a str,
    /// Where notifications are set.
    pub preferences_url: &'a str,
}

/// What the templates are filled with.
#[derive(Serialize)]
struct Page<'a> {
    said: String,
    /// What introduces what is quoted.
    label: &'static str,
    quoted: String,
    advice: &'static str,
    at: String,
    url: &'a str,
}

/// Writes the mail.
///
/// # Errors
///
/// When a template asks for what it is not given, which is a defect.
pub(super) fn write(notice: &Notice<'_>) -> Result<Written, Error> {
    let account = phrase::clean(notice.account, NAME_CHARS_MAX);
    let email = phrase::clean(notice.email, ADDRESS_CHARS_MAX);
    let short = |it: &str| phrase::isolated(&phrase::clean(it, HEADING_NAME_CHARS_MAX));
    let (whom, into) = (short(notice.email), short(notice.account));
    let (to, role) = (phrase::isolated(&account), with_article(notice.account_role));
    let quoted = |it: &str| phrase::clean(it, QUOTE_CHARS_MAX);
    let (at, url) = (notice.reader.instant(notice.at), notice.url);

    let (heading, why, page) = match notice.what {
        What::Accepted { name } => {
            let full = phrase::isolated(&phrase::clean(name, NAME_CHARS_MAX));
            let said = format!("{full} ({email}) has joined {to} as {role}.");
            let page = Page { said, label: "", quoted: String::new(), advice: "", at, url };
            let why = "You get this because you asked to be told when the invite is accepted.";
            (format!("{} accepted your invite to {into}", short(name)), why, page)
        }
        What::Declined { reason } => {
            let said = format!("{email} was invited to join {to} as {role}, and does not want to.");
            let quoted = quoted(reason);
            let (label, advice) = match quoted.as_str() {
                "" => ("", "No reason was given."),
                _ => ("They write:", ""),
            };
            let page = Page { said, label, quoted, advice, at, url };
            (format!("{whom} declined your invite to {into}"), "You get this because you sent the invite.", page)
        }
        What::Undelivered { reply } => {
            let said = format!("{email} was invited to join {to} as {role}. {}", meaning(reply));
            let advice = "See whether the address is right. You can send the invite again, or invite another address.";
            let page = Page { said, label: "What came back:", quoted: quoted(reply), advice, at, url };
            let heading = format!("Your invite to {whom} could not be delivered");
            (heading, "You get this because you sent the invite.", page)
        }
    };
    let preferences_url = Some(notice.preferences_url);
    let frame = Frame { account: &account, heading: &heading, why, unsubscribe_url: None, preferences_url };
    let Rendered { html, text } = TEMPLATE.render(&frame, &page)?;
    Ok(Written { subject: heading, html, text })
}

/// What a mail server means by the code in its reply. Source: RFC 3463, section 3.
fn meaning(reply: &str) -> &'static str {
    // Before the words, which may be about anything.
    let code = reply.split_whitespace().take(2).find_map(|it| it.strip_prefix("5."));
    let Some((subject, detail)) = code.and_then(|it| it.split_once('.')) else {
        return "The mail about it reaches nobody.";
    };
    match (subject, detail) {
        ("1", "1" | "10") => "Its mail server says that there is no such address.",
        ("1", "2") => "There is no mail server for such an address.",
        ("1", "6") => "Its mail server says that whoever had the address has moved.",
        ("1", _) => "Its mail server does not take the address.",
        ("2", "1") => "Its mail server says that the mailbox is switched off.",
        ("2", "2") => "Its mail server says that the mailbox is full.",
        ("2", _) => "Its mail server says that the mailbox takes no mail.",
        ("7", _) => "Its mail server refuses the mail by its own rules.",
        _ => "Its mail server refuses the mail.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTICE: Notice = Notice {
        what: What::Accepted { name: "Grace Hopper" },
        email: "grace@example.com",
        account: "Pier Works",
        account_role: "member",
        at: Timestamp::UNIX_EPOCH,
        reader: &Reader::UNKNOWN,
        url: "https://app.example/invites/1",
        preferences_url: "https://app.example/preferences",
    };

    /// Writes the mail and checks what holds for every one.
    fn written(notice: &Notice) -> Written {
        let mail = write(notice).unwrap();
        assert!(mail.subject.chars().count() <= 120 && !mail.subject.chars().any(char::is_control));
        assert_eq!(mail.html.matches("href=").count(), 2);
        assert!(mail.text.contains("\n\nOpen the invite: https://app.example/invites/1\n"), "{}", mail.text);
        assert!(!mail.text.contains("\n\n\n\n"), "{}", mail.text);
        for form in [&mail.html, &mail.text] {
            assert!(form.contains("Thursday, 1 January 1970, 00:00 UTC"), "{form}");
            assert!(form.contains("Notification settings") && form.contains("https://app.example/preferences"));
        }
        mail
    }

    #[test]
    fn who_accepted_is_said_by_name_and_address() {
        let mail = written(&NOTICE);
        assert_eq!(mail.subject, "Grace Hopper accepted your invite to Pier Works");
        assert!(mail.text.contains("Grace Hopper (grace@example.com) has joined Pier Works as a member.\n\nOpen"));
        assert!(!mail.html.contains("class=\"q\""));
    }

    #[test]
    fn a_declined_invite_is_told_with_the_reason_or_that_there_is_none() {
        let mail = written(&Notice { what: What::Declined { reason: "I have left\nthe trade." }, ..NOTICE });
        assert_eq!(mail.subject, "grace@example.com declined your invite to Pier Works");
        assert!(mail.text.contains("as a member, and does not want to.\n\nThey write:\n\n> I have left the trade.\n"));
        assert!(mail.html.contains(r#"<div class="q"><bdi>I have left the trade.</bdi></div>"#));
        let mail = written(&Notice { what: What::Declined { reason: " " }, ..NOTICE });
        assert!(mail.text.contains("does not want to.\n\nNo reason was given.\n\nOpen"), "{}", mail.text);
    }

    #[test]
    fn an_invite_that_reaches_nobody_is_told_in_words_and_in_those_of_the_mail_server() {
        let reply = "550 5.1.1 <grace@example.com>: no such user";
        let mail = written(&Notice { what: What::Undelivered { reply }, ..NOTICE });
        assert_eq!(mail.subject, "Your invite to grace@example.com could not be delivered");
        let said = "Its mail server says that there is no such address.\n\nWhat came back:\n\n> 550 5.1.1 <grace@";
        assert!(mail.text.contains(said), "{}", mail.text);
        assert!(mail.html.contains("&lt;grace@example.com&gt;: no such user"));
    }

    #[test]
    fn the_code_of_a_reply_is_put_into_words_wherever_it_is() {
        for (reply, words) in [
            ("552 5.2.2 over quota", "mailbox is full"),
            ("5.7.1 blocked", "by its own rules"),
            ("554 5.6.0 odd", "refuses the mail."),
            ("550 see 5.1.1 in our manual", "reaches nobody"),
            ("gave up: 450 4.2.1 later", "reaches nobody"),
            ("the address does not exist", "reaches nobody"),
            ("", "reaches nobody"),
        ] {
            assert!(meaning(reply).contains(words), "{reply}: {}", meaning(reply));
        }
    }

    #[test]
    fn what_strangers_chose_stays_text_and_leaves_the_subject_its_sense() {
        let long = "<&'\">".repeat(10_000);
        for name in ["<script>alert(1)</script>", "a\r\nBcc: b@example.com", "עדה", &long] {
            for what in [What::Accepted { name }, What::Declined { reason: name }, What::Undelivered { reply: name }] {
                let mail = written(&Notice { what, account: name, ..NOTICE });
                assert!(!mail.html.contains("<script") && !mail.text.contains("\nBcc:"));
                assert!(mail.html.len() <= 20_000, "{}", mail.html.len());
            }
        }
        let email = format!("{}@example.com", "a".repeat(240));
        let mail = written(&Notice { what: What::Undelivered { reply: "" }, email: &email, ..NOTICE });
        assert!(mail.subject.ends_with("… could not be delivered") && mail.text.contains(&email));
    }
}
