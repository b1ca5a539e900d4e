//! What a digest would tell, shown without sending or marking anything; and the same by mail, to whoever asked.
//!
//! It is planned and written by what plans and writes the daemon's own: there is no second way to the words.

mod store;

use std::{collections::HashMap, time::Duration};

use jiff::Timestamp;
use uuid::Uuid;

pub use store::sweep;

use super::{
    batch::Batch,
    letters::{Letterhead, letter},
    material::{Material, Page, Tells},
    plan::Waiting,
};
use crate::{
    db::{Db, GenericClient, Transaction},
    error::{Error, Kind, Reason, Result},
    ids,
    mail::Letter,
    outbox::{self, Mail},
    secret::digest,
    subscription::{self, Turn, When, schedule::Beat},
};

/// Test digests that a person may ask for within [`TESTS_WITHIN`]: enough to try each cadence and to look twice, and too few to
/// fill a mailbox.
pub const TESTS_MAX: i64 = 5;

/// The span in which test digests are counted, by the real clock.
pub const TESTS_WITHIN: Duration = Duration::from_hours(1);

/// Before the subject of a test digest.
const TEST: &str = "Test: ";

/// Which digest is to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Whose WorkCenters it tells of.
    pub account: Uuid,
    /// Whom it is for.
    pub user: Uuid,
    /// Daily or weekly.
    pub beat: Beat,
    /// When it would be composed; `None` for when it goes next.
    pub at: Option<Timestamp>,
}

/// What a digest would say.
#[derive(Clone, Debug)]
pub struct Preview {
    /// When it would be composed.
    pub at: Timestamp,
    /// Whether there is nothing to tell, so that nothing would be sent.
    pub is_empty: bool,
    /// The subject.
    pub subject: String,
    /// The HTML document.
    pub html: String,
    /// The same as plain text.
    pub text: String,
    /// Since when it tells, for one that stands for several.
    pub covers_from: Option<Timestamp>,
}

/// Shows the digest that is asked for, as the daemon would write it with what is there now.
///
/// # Errors
///
/// [`Error::NotFound`] when there is no such account.
pub async fn preview(on: &impl GenericClient, head: &Letterhead, asked: &Asked, when: &When) -> Result<Preview> {
    let found = page(on, head, asked, when).await?;
    let (page, at) = found.ok_or_else(|| Error::NotFound(Kind::Account, asked.account.to_string()))?;
    let Page { written, is_empty, covers_from, .. } = page;
    Ok(Preview { at, is_empty, subject: written.subject, html: written.html, text: written.text, covers_from })
}

/// The digest that is asked for, written, and when it would be composed.
async fn page(
    on: &impl GenericClient,
    head: &Letterhead,
    asked: &Asked,
    when: &When,
) -> Result<Option<(Page, Timestamp)>> {
    let &Asked { account, user, beat, at } = asked;
    let Some((due, at)) = subscription::imagine(on, account, user, beat, at, when).await? else { return Ok(None) };
    let mut batch = Batch::default();
    Waiting::read(on, account, &[user], Turn::Digest(beat)).await?.plan(&due, Turn::Digest(beat), &mut batch);
    let tells: Vec<Tells> = batch.settlements.iter().map(|it| Tells::of(it, at)).collect();
    let material = Material::gather(on, &tells).await?;
    let Some(tells) = tells.first() else { return Ok(None) };
    let page = material.write(tells, due.at, head)?;
    Ok(page.map(|page| (Page { is_empty: page.is_empty || batch.mails.is_empty(), ..page }, at)))
}

/// Puts the digest that is asked for into the outbox as a test, which settles nothing: it says what a daemon finds when it
/// writes it.
///
/// # Errors
///
/// [`Error::Exhausted`] when the person has asked for [`TESTS_MAX`] within [`TESTS_WITHIN`].
pub async fn send_test(tx: &Transaction<'_>, asked: &Asked, at: Timestamp, now: Timestamp) -> Result<()> {
    if let Some(left) = store::wait_left(tx, asked.user, TESTS_MAX, TESTS_WITHIN).await? {
        return Err(Error::Exhausted(Reason::TestDigestThrottled, left));
    }
    let id = ids::new();
    store::insert(tx, id, asked, at).await?;
    let mail = outbox::New {
        id: ids::new(),
        account: asked.account,
        user: Some(asked.user),
        kind: outbox::Kind::Test,
        subject: id,
        key: digest(&[b"TEST", id.as_bytes()]),
        dated_at: now,
    };
    outbox::put(tx, &[mail]).await
}

/// Writes `mails`, all of which are test digests, by the id of the mail. Missing are those to people who have left the account.
/// One after the other: nobody asks for many.
///
/// # Errors
///
/// What the database says.
pub async fn tests(db: &Db, head: &Letterhead, mails: &[&Mail], when: &When) -> Result<HashMap<Uuid, Letter>> {
    let mut letters = HashMap::new();
    if mails.is_empty() {
        return Ok(letters);
    }
    let client = db.client().await?;
    let asked = store::asked(&client, &mails.iter().map(|it| it.subject).collect::<Vec<_>>()).await?;
    for mail in mails {
        if let Some(asked) = asked.get(&mail.subject)
            && let Some((page, _)) = page(&client, head, asked, when).await?
        {
            let mut letter = letter(mail, page, head);
            letter.subject.insert_str(0, TEST);
            letters.insert(mail.id, letter);
        }
    }
    Ok(letters)
}
