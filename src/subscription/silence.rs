//! Links that switch mails off and on again: what they are about, how they are sealed, and what they do.
//!
//! What a link has switched off is remembered in the rows, with what was set before, until the person chooses for
//! themselves. So the link that undoes it says no more than the first one, however many WorkCenters there are.

use std::collections::HashMap;

use uuid::Uuid;

use super::{
    AddressedItems, Cadence, Delivery, Recipient, When, administrator,
    recipient::{change, follow},
    store,
};
use crate::{db::Transaction, error::Result, secret::TokenKey};

/// What a link switches off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One WorkCenter.
    WorkCenter(Uuid),
    /// What is in the person's own log of the account.
    Own(Uuid),
    /// Every WorkCenter of the account that comes in a digest.
    Digests,
    /// Every WorkCenter of the account.
    Account,
    /// Mails about what concerns the person alone: it comes with the digest from then on.
    Addressed,
}

impl Scope {
    /// The log, when it is about one.
    fn log(self) -> Option<Uuid> {
        match self {
            Self::WorkCenter(log) | Self::Own(log) => Some(log),
            Self::Digests | Self::Account | Self::Addressed => None,
        }
    }

    /// What the rows say has switched them off; `None` where it is no subscription that is.
    fn name(self) -> Option<&'static str> {
        match self {
            Self::WorkCenter(_) => Some("WORKCENTER"),
            Self::Own(_) => Some("OWN"),
            Self::Digests => Some("DIGESTS"),
            Self::Account => Some("ACCOUNT"),
            Self::Addressed => None,
        }
    }
}

/// What a link does. One that does the one is not good for the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// Switches off: it is in the mail.
    Off,
    /// Undoes that: it is on the page that says that it is done.
    On,
}

impl Switch {
    /// What its token is sealed for.
    fn purpose(self) -> &'static str {
        match self {
            Self::Off => "unsubscribe",
            Self::On => "resubscribe",
        }
    }
}

/// Whose mails a link is about, and which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Whom the mail was for.
    pub user: Uuid,
    /// Of which account it was.
    pub account: Uuid,
    /// Which mails.
    pub scope: Scope,
}

impl Link {
    /// The token of this link that does `turn`. It says what it is about to anybody who reads it, and does nothing else.
    pub fn seal(self, key: &TokenKey, switch: Switch) -> String {
        let (kind, log) = match self.scope {
            Scope::WorkCenter(log) => (b'w', log),
            Scope::Own(log) => (b'o', log),
            Scope::Digests => (b'd', Uuid::nil()),
            Scope::Account => (b'e', Uuid::nil()),
            Scope::Addressed => (b'a', Uuid::nil()),
        };
        let ids = [self.user, self.account, log].map(Uuid::into_bytes).concat();
        key.seal(switch.purpose(), &[[kind].as_slice(), &ids].concat())
    }

    /// The link of a token that does `turn`; `None` when it is not one of ours.
    pub fn open(key: &TokenKey, switch: Switch, token: &str) -> Option<Self> {
        let content = key.open(switch.purpose(), token)?;
        let (kind, ids) = content.split_first()?;
        let id = |at: usize| Uuid::from_slice(ids.get(at..at + 16)?).ok();
        let scope = match kind {
            b'w' => Scope::WorkCenter(id(32)?),
            b'o' => Scope::Own(id(32)?),
            b'd' => Scope::Digests,
            b'e' => Scope::Account,
            b'a' => Scope::Addressed,
            _ => return None,
        };
        Some(Self { user: id(0)?, account: id(16)?, scope })
    }
}

/// Switches off what `link` is about. Doing it twice is doing it once.
///
/// # Errors
///
/// What the database says.
pub async fn silence(tx: &Transaction<'_>, link: Link, when: &When) -> Result<()> {
    let recipient = store::lock_recipient(tx, link.user).await?;
    let Some(by) = link.scope.name() else {
        if recipient.addressed == AddressedItems::WithDigest {
            return Ok(());
        }
        let silenced = Recipient { addressed: AddressedItems::WithDigest, addressed_silenced: true, ..recipient };
        return store::update_recipient(tx, &silenced).await;
    };
    let mut held =
        store::lock_live(tx, &[link.user], link.scope.log().as_ref().map(std::slice::from_ref), Some(link.account))
            .await?;
    let mut administers: Vec<_> = held.extract_if(.., |it| it.administrator.is_some()).collect();
    held.retain(|it| it.delivery != Delivery::Off);
    held.retain(|it| link.scope != Scope::Digests || matches!(it.cadence, Cadence::Digest(_)));
    held.iter_mut().for_each(|it| it.delivery = Delivery::Off);
    store::silence(tx, &held.iter().map(|it| it.id).collect::<Vec<_>>(), by).await?;
    if link.scope.log().is_none() {
        administrator::silence(tx, link.account, link.user, by).await?;
        administers.iter_mut().for_each(|it| it.administrator = Some(Delivery::Off));
        held.append(&mut administers);
    }
    follow(tx, &[recipient], &held, Vec::new(), when).await
}

/// Undoes what a link of the same scope has done: each WorkCenter as it was set before, from what happens now on. What the
/// person has chosen since stays. Doing it twice is doing it once. Returns whether any of what `link` is about comes now.
///
/// # Errors
///
/// What the database says.
pub async fn hear_again(tx: &Transaction<'_>, link: Link, when: &When) -> Result<bool> {
    let Some(by) = link.scope.name() else {
        let undo = |was: Recipient| match was.addressed_silenced {
            true => Ok(Recipient { addressed: AddressedItems::Immediate, addressed_silenced: false, ..was }),
            false => Ok(was),
        };
        let recipient = change(tx, link.user, undo, when).await?;
        return Ok(recipient.enabled && recipient.addressed == AddressedItems::Immediate);
    };
    let recipient = store::lock_recipient(tx, link.user).await?;
    let mut held =
        store::lock_live(tx, &[link.user], link.scope.log().as_ref().map(std::slice::from_ref), Some(link.account))
            .await?;
    let ids: Vec<Uuid> = held.iter().map(|it| it.id).collect();
    let back: HashMap<Uuid, Delivery> = store::unsilence(tx, &ids, by).await?.into_iter().collect();
    let administers = match link.scope.log() {
        None => administrator::unsilence(tx, link.account, &recipient, by, when).await?,
        Some(_) => None,
    };
    for it in &mut held {
        it.delivery = back.get(&it.id).copied().unwrap_or(it.delivery);
        it.administrator = it.administrator.map(|was| administers.unwrap_or(was));
    }
    let comes = held.iter().any(|it| match it.effective(&recipient) {
        Cadence::Off => false,
        Cadence::Digest(_) => link.scope.log().is_none() || it.administrator.is_none(),
        Cadence::Immediate => link.scope != Scope::Digests || back.contains_key(&it.id),
    });
    let comes = comes || administers.is_some_and(|it| recipient.administers(it) != Cadence::Off);
    follow(tx, &[recipient], &held, Vec::new(), when).await?;
    Ok(comes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_does_what_it_was_made_for_and_nothing_else() {
        let key: TokenKey = "0a".repeat(32).parse().unwrap();
        let [user, account, log] = [1, 2, 3].map(Uuid::from_u128);
        for scope in [Scope::WorkCenter(log), Scope::Own(log), Scope::Digests, Scope::Account, Scope::Addressed] {
            let link = Link { user, account, scope };
            for (switch, other) in [(Switch::Off, Switch::On), (Switch::On, Switch::Off)] {
                let token = link.seal(&key, switch);
                assert_eq!(Link::open(&key, switch, &token), Some(link));
                assert_eq!(Link::open(&key, other, &token), None);
            }
        }
    }

    #[test]
    fn the_links_of_mails_that_were_sent_long_ago_are_still_read() {
        let key: TokenKey = "0a".repeat(32).parse().unwrap();
        let token = "UppnKkVO-E1B3vpFwnqp4MQGo97Esgf4KYTayeoHW1J3AAAAAAAAAA\
                     AAAAAAAAAAAQAAAAAAAAAAAAAAAAAAAAIAAAAAAAAAAAAAAAAAAAAD";
        let [user, account, log] = [1, 2, 3].map(Uuid::from_u128);
        let link = Link { user, account, scope: Scope::WorkCenter(log) };
        assert_eq!(Link::open(&key, Switch::Off, token), Some(link));
    }
}
