//! Writing the mails of settlements at the moment they are sent: with the access, the preferences and the retractions of
//! that moment. What a person may not see any more is left out; a mail of which nothing is left is not written.

use std::collections::HashMap;

use uuid::Uuid;

use super::material::{self, Material, Page};
use crate::{
    config,
    db::Db,
    error::Result,
    mail::{Letter, Mailbox},
    outbox::Mail,
    secret::TokenKey,
};

/// Whom mail comes from, by name.
const FROM: &str = "WorkCenter";

/// What every letter carries.
#[derive(Clone, Debug)]
pub struct Letterhead {
    /// The address that mail comes from; its domain names messages and lists.
    pub from: String,
    /// Where people use the product.
    pub app_url: String,
    /// Where one-click unsubscribe is reached.
    pub unsubscribe_url: String,
    /// The key of tokens.
    pub key: TokenKey,
}

impl Letterhead {
    /// As a program is set.
    pub fn of(settings: &config::Shared) -> Self {
        let config::Letters { mail_from, app_url, unsubscribe_url } = settings.letters.clone();
        Self { from: mail_from, app_url, unsubscribe_url, key: settings.key() }
    }

    /// The domain of the address that mail comes from.
    pub fn domain(&self) -> &str {
        self.from.split_once('@').map_or("", |(_, domain)| domain)
    }

    /// The sender.
    pub fn sender(&self) -> Mailbox {
        Mailbox { name: FROM.to_owned(), address: self.from.clone() }
    }
}

/// Writes `mails`, all of which tell settlements, by the id of the mail. Those with nothing left to say are missing.
///
/// The number of statements does not depend on how many mails there are.
///
/// # Errors
///
/// What the database says.
pub async fn letters(db: &Db, head: &Letterhead, mails: &[&Mail]) -> Result<HashMap<Uuid, Letter>> {
    if mails.is_empty() {
        return Ok(HashMap::new());
    }
    let client = db.client().await?;
    let tells = material::settled(&client, &mails.iter().map(|it| it.subject).collect::<Vec<_>>()).await?;
    let material = Material::gather(&client, &tells).await?;
    drop(client);

    let tells: HashMap<Uuid, _> = tells.into_iter().map(|it| (it.id, it)).collect();
    let mut letters = HashMap::new();
    for mail in mails {
        if let Some(tells) = tells.get(&mail.subject)
            && let Some(page) = material.write(tells, mail.dated_at, head)?
            && !page.is_empty
        {
            let events = ("X-WorkCenter-Tells", page.events.clone());
            let mut letter = letter(mail, page, head);
            letter.headers.push(events);
            letters.insert(mail.id, letter);
        }
    }
    Ok(letters)
}

/// The letter of `mail`, which is `page`.
pub(super) fn letter(mail: &Mail, page: Page, head: &Letterhead) -> Letter {
    Letter {
        from: head.sender(),
        to: page.to,
        subject: page.written.subject,
        text: page.written.text,
        html: page.written.html,
        message_id: format!("{}@{}", mail.message_id, head.domain()),
        date: mail.dated_at,
        headers: vec![
            ("List-Id", page.list),
            ("List-Unsubscribe", format!("<{}>", page.unsubscribe_url)),
            ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned()),
            ("Auto-Submitted", "auto-generated".to_owned()),
        ],
    }
}
