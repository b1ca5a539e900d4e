//! What inviters are told of their invites by mail: that one was accepted, if they asked for that, that it was declined,
//! or that it reaches nobody.
//!
//! The mail is written from how the invite stands when it is sent: of one that was sent again meanwhile there is nothing
//! to tell.

mod letter;
mod store;

use jiff::Timestamp;
use uuid::Uuid;

use super::{Invite, Letter, State};
use crate::{
    access::AccountRole,
    db::{Connection, GenericClient, Transaction},
    error::{Error, Result},
    ids,
    mail::reader::Reader,
    outbox,
    secret::digest,
};

/// An invite that has ended, as far as its inviter is told of it.
struct Ended {
    id: Uuid,
    account: Uuid,
    inviter: Uuid,
    turn: i64,
    state: State,
}

/// What the mail to an inviter tells, and to whom.
struct Told {
    invite: Uuid,
    /// The only mail that it goes into.
    mail: Uuid,
    state: State,
    /// The address of the inviter.
    to: String,
    /// How they read times, in their zone or the account's.
    reader: Reader,
    account_name: String,
    account_role: AccountRole,
    /// The address that was invited.
    email: String,
    /// The name of whoever accepted; their address when they have none.
    name: String,
    at: Timestamp,
    /// Why it was declined, or what was said when it could not be delivered.
    reason: String,
}

/// Puts the mail into the outbox that tells the inviter how `invite` has ended: in the transaction that ends it.
///
/// # Errors
///
/// What the database says.
pub(super) async fn tell(tx: &Transaction<'_>, invite: &Invite, now: Timestamp) -> Result<()> {
    let Invite { id, account, inviter, turn, state, .. } = *invite;
    tell_all(tx, &[Ended { id, account, inviter, turn, state }], now).await
}

/// Ends pending invites whose mail reaches nobody, and tells their inviters; returns how many.
///
/// # Errors
///
/// What the database says.
pub async fn undelivered(client: &mut Connection, now: Timestamp) -> Result<usize> {
    let tx = client.transaction().await?;
    let ended = store::undelivered(&tx, now).await?;
    tell_all(&tx, &ended, now).await?;
    tx.commit().await?;
    Ok(ended.len())
}

async fn tell_all(tx: &Transaction<'_>, ended: &[Ended], now: Timestamp) -> Result<()> {
    let mails: Vec<_> = ended.iter().map(|it| it.mail(now)).collect();
    store::announce(tx, &mails).await?;
    outbox::put(tx, &mails).await
}

impl Ended {
    fn mail(&self, now: Timestamp) -> outbox::New {
        let turn = self.turn.to_be_bytes();
        let of: &[&[u8]] = &[b"invite-notice", self.id.as_bytes(), &turn, self.state.name().as_bytes()];
        outbox::New {
            id: ids::new(),
            account: self.account,
            user: Some(self.inviter),
            kind: outbox::Kind::InviteNotice,
            subject: self.id,
            key: digest(of),
            dated_at: now,
        }
    }
}

/// Writes the mails that tell inviters of `invites`: of those of which there is something to tell, to inviters who are
/// still there and have not turned everything off.
///
/// Links lead below `app_url`.
///
/// # Errors
///
/// What the database says.
pub async fn notices(on: &impl GenericClient, app_url: &str, invites: &[Uuid]) -> Result<Vec<Letter>> {
    if invites.is_empty() {
        return Ok(Vec::new());
    }
    let app_url = app_url.trim_end_matches('/');
    let mut letters = Vec::new();
    for told in store::told(on, invites).await? {
        let what = match told.state {
            State::Accepted => letter::What::Accepted { name: &told.name },
            State::Declined => letter::What::Declined { reason: &told.reason },
            State::DeliveryFailed => letter::What::Undelivered { reply: &told.reason },
            State::Pending | State::Revoked | State::Expired => continue,
        };
        let notice = letter::Notice {
            what,
            email: &told.email,
            account: &told.account_name,
            account_role: &told.account_role.name().to_lowercase(),
            at: told.at,
            reader: &told.reader,
            url: &format!("{app_url}/invites/{}", told.invite),
            preferences_url: &format!("{app_url}/preferences"),
        };
        let written = letter::write(&notice).map_err(Error::internal)?;
        letters.push(Letter { invite: told.invite, mail: Some(told.mail), email: told.to, written });
    }
    Ok(letters)
}
