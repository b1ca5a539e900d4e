//! The mails of events, written from what is the case at the moment they are sent.

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    EventKind,
    letter::{self, Notice, Written},
    store,
};
use crate::{
    db::GenericClient,
    error::{Error, Result},
    identity::{address, reset, second},
    mail::reader::Reader,
    secret::TokenKey,
};

/// What the mail of an event tells, and to whom.
pub(super) struct Told {
    pub event: Uuid,
    pub kind: EventKind,
    pub source: String,
    pub at: Timestamp,
    /// Where the mail goes, when that is not the present address.
    pub address: String,
    /// The person's present address.
    pub present: String,
    /// How the person reads times, in their zone or that of the account they came into first.
    pub reader: Reader,
    /// The reset it is about, while it is good, and the hash of its token.
    pub reset: Option<(Uuid, Vec<u8>)>,
    /// The change of address it is about, while it is good, and the hash of its token.
    pub change: Option<(Uuid, Vec<u8>)>,
    /// The address of that change.
    pub new_address: Option<String>,
    /// The second address that is asked for, while that is good, what its token is made from, and the hash of that.
    pub second: Option<(String, Uuid, Vec<u8>)>,
}

/// Writes the mails of `events`: each event with the address and the letter. One whose link is not good any more has
/// none.
///
/// The letter has the token, in a link below `app_url`; this is the only place where it is seen.
///
/// # Errors
///
/// What the database says.
pub async fn letters(
    on: &impl GenericClient,
    key: &TokenKey,
    app_url: &str,
    events: &[Uuid],
) -> Result<Vec<(Uuid, String, Written)>> {
    if events.is_empty() {
        return Ok(Vec::new());
    }
    let told = store::told(on, events).await?;
    let mut letters = Vec::with_capacity(told.len());
    for it in told {
        let event = it.event;
        letters.extend(written(it, key, app_url)?.map(|(to, letter)| (event, to, letter)));
    }
    Ok(letters)
}

/// The address that an event is told to, and the letter; `None` when there is nothing left to say.
fn written(told: Told, key: &TokenKey, app_url: &str) -> Result<Option<(String, Written)>> {
    let app_url = app_url.trim_end_matches('/');
    let (path, to) = match told.kind {
        EventKind::PasswordResetAsked => {
            let Some((reset, kept)) = told.reset else { return Ok(None) };
            (format!("password/reset?token={}", reset::token_again(key, reset, &kept).expose()), told.present)
        }
        EventKind::AddressToConfirm => {
            let (Some((change, kept)), Some(to)) = (told.change, told.new_address.clone()) else { return Ok(None) };
            (format!("email/confirm?token={}", address::token_again(key, change, &kept).expose()), to)
        }
        EventKind::SecondAddressToConfirm => {
            let Some((to, asked, kept)) = told.second else { return Ok(None) };
            (format!("notifications/confirm?token={}", second::token_again(key, asked, &kept).expose()), to)
        }
        EventKind::SecondAddressSet => ("preferences".to_owned(), told.present),
        kind => {
            let is_profile = matches!(kind, EventKind::AddressChanged | EventKind::PictureRemoved);
            let path = if is_profile { "profile" } else { "password/forgotten" };
            (path.to_owned(), if told.address.is_empty() { told.present } else { told.address })
        }
    };
    let shows_new = told.kind == EventKind::AddressChangeAsked;
    let notice = Notice {
        kind: told.kind,
        at: told.at,
        reader: &told.reader,
        source: &told.source,
        new_address: told.new_address.as_deref().filter(|_| shows_new).unwrap_or_default(),
        url: &format!("{app_url}/{path}"),
    };
    Ok(letter::write(&notice).map_err(Error::internal)?.map(|letter| (to, letter)))
}
