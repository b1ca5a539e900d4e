//! Writes the mails about somebody's safety: what happened, when and from where, and what to do if it was not they.
//!
//! Each has one link. There is no way to unsubscribe: whoever takes over an account must not get to silence them.

use std::sync::LazyLock;

use jiff::Timestamp;
use serde::Serialize;

use super::EventKind;
use crate::mail::{
    phrase,
    reader::Reader,
    template::{Error, Frame, PRODUCT, Rendered, Template},
};

/// Characters of an address that are shown: as many as an address may have.
const ADDRESS_CHARS_MAX: usize = 254;

static TEMPLATE: LazyLock<Template> = LazyLock::new(|| {
    Template::new(include_str!("letter.html"), include_str!("letter.txt"))
        .expect("both templates are part of the program, and the tests compile them")
});

/// All that a mail tells.
#[derive(Clone, Debug)]
pub(super) struct Notice<'a> {
    /// What has happened.
    pub kind: EventKind,
    /// When.
    pub at: Timestamp,
    /// How the person reads times.
    pub reader: &'a Reader,
    /// The IP address it came from; may be empty.
    pub source: &'a str,
    /// The address that was asked for; may be empty.
    pub new_address: &'a str,
    /// Where the one link leads.
    pub url: &'a str,
}

/// A mail, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// One line.
    pub subject: String,
    /// A whole HTML document.
    pub html: String,
    /// The same as plain text, with the same link.
    pub text: String,
}

/// What the templates are filled with.
#[derive(Serialize)]
struct Page<'a> {
    said: &'a str,
    at: String,
    source: &'a str,
    new_address: String,
    label: &'a str,
    url: &'a str,
    otherwise: &'a str,
}

/// What is said of a kind of event.
struct Words {
    heading: &'static str,
    said: &'static str,
    label: &'static str,
    otherwise: &'static str,
}

/// Writes the mail; `None` for a kind that is not told by mail.
///
/// # Errors
///
/// When a template asks for what it is not given, which is a defect.
pub(super) fn write(notice: &Notice<'_>) -> Result<Option<Written>, Error> {
    let Some(Words { heading, said, label, otherwise }) = words(notice.kind) else { return Ok(None) };
    let page = Page {
        said,
        at: notice.reader.instant(notice.at),
        source: if notice.source.is_empty() { "not known" } else { notice.source },
        new_address: phrase::clean(notice.new_address, ADDRESS_CHARS_MAX),
        label,
        url: notice.url,
        otherwise,
    };
    let why =
        format!("You get this because it is about the safety of your account at {PRODUCT}. It cannot be turned off.");
    let frame = Frame { account: "", heading, why: &why, unsubscribe_url: None, preferences_url: None };
    let Rendered { html, text } = TEMPLATE.render(&frame, &page)?;
    Ok(Some(Written { subject: heading.to_owned(), html, text }))
}

fn words(kind: EventKind) -> Option<Words> {
    let words = match kind {
        EventKind::Guessing => Words {
            heading: "Somebody may be guessing your password",
            said: "Several wrong passwords were tried for your address. None of them was let in, and the next ones have \
                   to wait. Where you have signed in from before, you can go on as ever.",
            label: "Set a new password",
            otherwise: "If it was you, there is nothing to do. If it was not, a long password that you use nowhere else \
                        is enough; set a new one if yours is not.",
        },
        EventKind::PasswordChanged => Words {
            heading: "Your password was changed",
            said: "Whoever did it knew the one before. All other sessions were ended.",
            label: "Set a new password",
            otherwise: "If it was you, there is nothing to do. If it was not, set a new password at once and tell your \
                        administrator.",
        },
        EventKind::PasswordResetAsked => Words {
            heading: "Set a new password",
            said: "Somebody asked for a new password for your address. The link is good for 30 minutes, for one use, and \
                   until the next one is asked for.",
            label: "Set a new password",
            otherwise: "If it was not you, ignore this: your password stays what it is, and nobody has seen it.",
        },
        EventKind::PasswordReset => Words {
            heading: "Your password was set anew",
            said: "Whoever did it had the link that was mailed to you. All sessions were ended.",
            label: "Set a new password",
            otherwise: "If it was you, there is nothing to do. If it was not, somebody reads your mail: change the \
                        password of your mailbox, then the one here, and tell your administrator.",
        },
        EventKind::PictureRemoved => Words {
            heading: "Your picture was removed",
            said: "An administrator of your account removed it. Your initials are shown in its place.",
            label: "Open your profile",
            otherwise: "You can set another one at any time.",
        },
        EventKind::AddressChangeAsked
        | EventKind::AddressToConfirm
        | EventKind::AddressChanged
        | EventKind::SecondAddressToConfirm
        | EventKind::SecondAddressSet => return of_addresses(kind),
        EventKind::SignedIn
        | EventKind::SignInFailed
        | EventKind::Throttled
        | EventKind::PasswordRefused
        | EventKind::SessionRevoked
        | EventKind::Disabled
        | EventKind::Enabled => return None,
    };
    Some(words)
}

/// The same, of kinds that are about addresses.
fn of_addresses(kind: EventKind) -> Option<Words> {
    let words = match kind {
        EventKind::AddressChangeAsked => Words {
            heading: "Somebody wants to change your address",
            said: "Whoever asked for it knew your password. The address changes when the link in a mail to the new one \
                   is followed within 24 hours; until then all stays as it is.",
            label: "Set a new password",
            otherwise: "If it was you, there is nothing to do. If it was not, set a new password at once: that also \
                        stops the change.",
        },
        EventKind::AddressToConfirm => Words {
            heading: "Confirm your new address",
            said: "Somebody wants to sign in with this address and to get mail at it. The link is good for 24 hours, for \
                   one use, and until another address is asked for.",
            label: "Confirm the address",
            otherwise: "If it was not you, ignore this: nothing happens unless the link is followed.",
        },
        EventKind::AddressChanged => Words {
            heading: "Your address was changed",
            said: "From now on you sign in with the new address and get mail there. This is the last mail to the one \
                   before.",
            label: "Open your profile",
            otherwise: "If it was you, there is nothing to do. If it was not, tell your administrator at once.",
        },
        EventKind::SecondAddressToConfirm => Words {
            heading: "Confirm your address for notifications",
            said: "Somebody wants to get mail of what happens in their WorkCenters at this address. The link is good for \
                   24 hours, for one use, and until another address is asked for.",
            label: "Confirm the address",
            otherwise: "If it was not you, ignore this: nothing happens unless the link is followed.",
        },
        EventKind::SecondAddressSet => Words {
            heading: "Your notifications go to another address",
            said: "From now on mail of what happens in your WorkCenters goes to a second address, which was confirmed. You \
                   sign in with this one as before, and mail about invites and your safety still comes here.",
            label: "Open your preferences",
            otherwise: "If it was you, there is nothing to do. If it was not, remove that address from your preferences and \
                        set a new password at once.",
        },
        _ => return None,
    };
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOBODY: &Reader = &Reader::UNKNOWN;

    fn notice(kind: EventKind) -> Notice<'static> {
        Notice {
            kind,
            at: Timestamp::UNIX_EPOCH,
            reader: NOBODY,
            source: "198.51.100.7",
            new_address: "",
            url: "https://app.example/x?token=a-b_c",
        }
    }

    #[test]
    fn every_kind_that_is_mailed_says_when_and_from_where_with_one_link() {
        for kind in EventKind::ALL {
            let written = write(&notice(kind)).unwrap();
            assert_eq!(written.is_some(), kind.is_mailed(), "{kind:?}");
            let Some(Written { subject, html, text }) = written else { continue };
            assert!(subject.chars().count() <= 60 && html.contains(&format!("<h1>{subject}</h1>")), "{subject}");
            assert_eq!(html.matches("href=").count(), 1);
            assert!(html.contains(r#"href="https://app.example/x?token=a-b_c""#));
            assert!(text.contains(": https://app.example/x?token=a-b_c\n"), "{text}");
            for form in [&html, &text] {
                assert!(
                    form.contains("Thursday, 1 January 1970, 00:00 UTC") && form.contains("198.51.100.7"),
                    "{form}"
                );
                assert!(!form.to_lowercase().contains("unsubscribe"));
            }
        }
    }

    #[test]
    fn times_are_those_of_the_person_and_an_unknown_place_is_said_to_be() {
        let reader = &Reader::of(Some("Asia/Tokyo"), "en-US", "");
        let written = write(&Notice { reader, source: "", ..notice(EventKind::PasswordChanged) }).unwrap().unwrap();
        assert!(written.text.contains("- When: Thursday, January 1, 1970, 9:00 AM JST\n- From where: not known\n"));
    }

    #[test]
    fn a_new_address_is_text_whatever_is_in_it() {
        let new_address = "a<b>&'c@example.com";
        let written = write(&Notice { new_address, ..notice(EventKind::AddressChangeAsked) }).unwrap().unwrap();
        assert!(written.text.contains("- The new address: a<b>&'c@example.com\n"), "{}", written.text);
        assert!(!written.html.contains("<b>&'"));
    }
}
