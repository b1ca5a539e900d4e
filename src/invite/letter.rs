//! Writes the mail that asks somebody to join an account.
//!
//! It goes to an address nobody has confirmed yet, so it tells who asks and to what, and nothing
//! of what is in there. A reminder says that it is one, and all the same. It has one link, and no way to unsubscribe: whoever does nothing is left
//! alone.

use std::sync::LazyLock;

use jiff::Timestamp;
use serde::Serialize;

use crate::mail::phrase;
use crate::mail::reader::Reader;
use crate::mail::template::{Error, Frame, Rendered, Template};

/// Characters of the name of a person, an account, a WorkCenter or a role that are shown.
pub(super) const NAME_CHARS_MAX: usize = 120;

/// Characters of the inviter's own words that are shown: a page of them.
const MESSAGE_CHARS_MAX: usize = 2_000;

/// WorkCenters that are named; more are counted.
const WORKCENTERS_MAX: usize = 20;

/// The same in a heading, which is the subject too: with two of them and the words between it has at most 120, beyond
/// which no list of mails shows it.
pub(super) const HEADING_NAME_CHARS_MAX: usize = 40;

static TEMPLATE: LazyLock<Template> = LazyLock::new(|| {
    Template::new(include_str!("letter.html"), include_str!("letter.txt"))
        .expect("both templates are part of the program, and the tests compile them")
});

/// All that the mail tells.
#[derive(Debug, Clone)]
pub struct Invitation<'a> {
    /// Whether a mail before has told it already.
    pub is_reminder: bool,
    /// The name of the person who invites.
    pub inviter_name: &'a str,
    /// The name of the account to join.
    pub account: &'a str,
    /// What the invited person would be there, in words: `member`.
    pub account_role: &'a str,
    /// The WorkCenters that come with it.
    pub workcenters: &'a [Grant<'a>],
    /// The inviter's own words; may be empty.
    pub message: &'a str,
    /// Until when it can be accepted.
    pub expires_at: Timestamp,
    /// How the invited person reads times, as far as it is known.
    pub reader: &'a Reader,
    /// Where it is accepted; the address carries the token.
    pub accept_url: &'a str,
}

/// A WorkCenter that comes with an invite.
#[derive(Debug, Clone, Copy)]
pub struct Grant<'a> {
    /// The name of the WorkCenter.
    pub workcenter: &'a str,
    /// What the invited person would be there, in words: `contributor`.
    pub role: &'a str,
}

/// A mail, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// One line of at most 120 characters, none of them a control character.
    pub subject: String,
    /// A whole HTML document.
    pub html: String,
    /// The same as plain text, with the same link.
    pub text: String,
}

/// What the templates are filled with.
#[derive(Serialize)]
struct Page<'a> {
    is_reminder: bool,
    inviter: String,
    account: String,
    role: String,
    grants: Vec<(String, String)>,
    more: usize,
    message: Vec<String>,
    until: String,
    accept_url: &'a str,
}

/// Writes the mail.
///
/// # Errors
///
/// When a template asks for what it is not given, which is a defect.
pub fn write(invitation: &Invitation) -> Result<Written, Error> {
    let name = |it: &str| phrase::isolated(&phrase::clean(it, NAME_CHARS_MAX));
    let (inviter, account) = (name(invitation.inviter_name), name(invitation.account));
    let opening = if invitation.is_reminder { "Reminder: " } else { "" };
    let short = |it: &str| phrase::isolated(&phrase::clean(it, HEADING_NAME_CHARS_MAX));
    let heading =
        format!("{opening}{} invites you to join {}", short(invitation.inviter_name), short(invitation.account));
    let shown = phrase::shown(invitation.workcenters.len(), WORKCENTERS_MAX);
    let page = Page {
        is_reminder: invitation.is_reminder,
        role: with_article(&name(invitation.account_role)),
        grants: invitation.workcenters[..shown]
            .iter()
            .map(|it| (name(it.workcenter), with_article(&name(it.role))))
            .collect(),
        more: invitation.workcenters.len() - shown,
        message: lines(invitation.message),
        until: invitation.reader.instant(invitation.expires_at),
        accept_url: invitation.accept_url,
        inviter,
        account,
    };
    let why = format!(
        "You get this because {} gave this address. If you did not expect it, ignore it: nothing \
         happens unless you accept.",
        page.inviter
    );
    let frame =
        Frame { account: &page.account, heading: &heading, why: &why, unsubscribe_url: None, preferences_url: None };
    let Rendered { html, text } = TEMPLATE.render(&frame, &page)?;
    Ok(Written { subject: heading, html, text })
}

/// The lines of a message that say something.
fn lines(message: &str) -> Vec<String> {
    let kept = phrase::clipped(message.to_owned(), MESSAGE_CHARS_MAX);
    kept.lines().map(|it| phrase::clean(it, MESSAGE_CHARS_MAX)).filter(|it| !it.is_empty()).collect()
}

/// Puts the article before a role: `a member`, `an owner`.
pub(super) fn with_article(role: &str) -> String {
    let article = if role.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {role}")
}

#[cfg(test)]
mod tests;
