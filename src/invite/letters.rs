//! The mails of invites, written from what they offer at the moment they are sent.

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    TOKEN,
    letter::{self, Written},
    store, subject,
};
use crate::{
    access::{AccountRole, WorkCenterRole},
    db::GenericClient,
    error::{Error, Result},
    mail::reader::Reader,
    secret::TokenKey,
};

/// What the mail of an invite tells, and to whom.
#[derive(Clone, Debug)]
pub(super) struct Told {
    /// The invite.
    pub invite: Uuid,
    /// How often its token was made anew.
    pub turn: i64,
    /// The hash of its token.
    pub token_hash: Vec<u8>,
    /// Its mail, if that is known.
    pub mail: Option<Uuid>,
    /// Whether that reminds of it.
    pub is_reminder: bool,
    /// To whom.
    pub email: String,
    /// Who invites, by name.
    pub inviter_name: String,
    /// The account, by name.
    pub account_name: String,
    /// Their zone is the account's, and nothing else of them is known.
    pub reader: Reader,
    /// What they become in the account.
    pub account_role: AccountRole,
    /// The WorkCenters that come with it, by name, and as what.
    pub places: Vec<(String, WorkCenterRole)>,
    /// What the inviter has to say.
    pub message: String,
    /// Until when it can be accepted.
    pub expires_at: Timestamp,
}

/// The mail of an invite, or the one that tells its inviter how it ended.
#[derive(Clone, Debug)]
pub struct Letter {
    /// The invite.
    pub invite: Uuid,
    /// The only mail that it goes into; none for an invite of which any does.
    pub mail: Option<Uuid>,
    /// To whom.
    pub email: String,
    /// What it says.
    pub written: Written,
}

/// Writes the mails of those among `invites` that are pending at `now`.
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
    invites: &[Uuid],
    now: Timestamp,
) -> Result<Vec<Letter>> {
    if invites.is_empty() {
        return Ok(Vec::new());
    }
    let told = store::told(on, invites, now).await?;
    let letter = |it: Told| {
        let written = written(&it, key, app_url)?;
        Ok(Letter { invite: it.invite, mail: it.mail, email: it.email, written })
    };
    told.into_iter().map(letter).collect()
}

fn written(told: &Told, key: &TokenKey, app_url: &str) -> Result<Written> {
    let token = key.derive_again(TOKEN, &subject(told.invite, told.turn), &told.token_hash);
    let account_role = told.account_role.name().to_lowercase();
    let roles: Vec<String> = told.places.iter().map(|(_, role)| role.name().to_lowercase()).collect();
    let places = told.places.iter().zip(&roles);
    let grants: Vec<_> = places.map(|((workcenter, _), role)| letter::Grant { workcenter, role }).collect();
    let letter = letter::Invitation {
        is_reminder: told.is_reminder,
        inviter_name: &told.inviter_name,
        account: &told.account_name,
        account_role: &account_role,
        workcenters: &grants,
        message: &told.message,
        expires_at: told.expires_at,
        reader: &told.reader,
        accept_url: &format!("{}/invites/accept?token={}", app_url.trim_end_matches('/'), token.expose()),
    };
    letter::write(&letter).map_err(Error::internal)
}
