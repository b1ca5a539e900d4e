//! What people may offer: nothing above what they are themselves. It is looked at when an invite is made, changed or sent
//! again, and once more when it is accepted.

use std::collections::{BTreeSet, HashMap};

use uuid::Uuid;

use super::{Invite, store};
use crate::{
    access::{AccountRole, WorkCenterRole},
    db::GenericClient,
    error::{Error, Kind, Result},
    workcenter::Place,
};

/// What `people` are to `account` and to those of its WorkCenters that they would offer: `offered` has each beside its person.
/// Two statements for however many.
///
/// # Errors
///
/// What the database says.
pub(super) async fn rights(
    on: &impl GenericClient,
    account: Uuid,
    people: BTreeSet<Uuid>,
    offered: BTreeSet<(Uuid, Uuid)>,
) -> Result<HashMap<Uuid, Right>> {
    let roles = store::account_roles(on, account, &Vec::from_iter(people)).await?;
    let mut rights: HashMap<Uuid, Right> = HashMap::new();
    for (person, role) in roles {
        rights.entry(person).or_default().account_role = Some(role);
    }
    let (of, ids): (Vec<Uuid>, Vec<Uuid>) = offered.into_iter().unzip();
    for (person, workcenter, role) in store::places_of(on, account, &of, &ids).await? {
        rights.entry(person).or_default().workcenters.insert(workcenter, role);
    }
    Ok(rights)
}

/// What the inviters of invites to `account` are to what these offer.
///
/// # Errors
///
/// What the database says.
pub(super) async fn inviters(
    on: &impl GenericClient,
    account: Uuid,
    invites: &[Invite],
) -> Result<HashMap<Uuid, Right>> {
    let mut offered = BTreeSet::new();
    for invite in invites {
        offered.extend(invite.places.iter().map(|it| (invite.inviter, it.workcenter)));
    }
    rights(on, account, invites.iter().map(|it| it.inviter).collect(), offered).await
}

/// What the inviter of an invite is to what it offers.
///
/// # Errors
///
/// What the database says.
pub(super) async fn right(on: &impl GenericClient, invite: &Invite) -> Result<Right> {
    let mut rights = inviters(on, invite.account, std::slice::from_ref(invite)).await?;
    Ok(rights.remove(&invite.inviter).unwrap_or_default())
}

/// What somebody is to what they offer.
#[derive(Clone, Debug, Default)]
pub(super) struct Right {
    /// Their role in the account.
    pub account_role: Option<AccountRole>,
    /// The WorkCenters in question that are the account's, and their role in each.
    pub workcenters: HashMap<Uuid, Option<WorkCenterRole>>,
}

impl Right {
    /// Whether they may offer `role` in the account, and `places` with it: nothing above what they are themselves, and
    /// no WorkCenter that they neither own nor administer.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] for a WorkCenter that they may not know of, [`Error::Forbidden`] for all else.
    pub(super) fn covers(&self, role: AccountRole, places: &[Place]) -> Result<()> {
        let administers = self.account_role == Some(AccountRole::Administrator);
        // Guests invite nobody, not even guests.
        if self.account_role < Some(role.max(AccountRole::Member)) {
            return Err(Error::Forbidden);
        }
        for place in places {
            let missing = || Error::NotFound(Kind::WorkCenter, place.workcenter.to_string());
            match self.workcenters.get(&place.workcenter).ok_or_else(missing)? {
                Some(WorkCenterRole::Owner) => {}
                _ if administers => {}
                Some(_) => return Err(Error::Forbidden),
                None => return Err(missing()),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use AccountRole::{Administrator, Guest, Member};
    use WorkCenterRole::{Contributor, Owner, Reader};

    use super::*;

    fn place(number: u128) -> Place {
        Place { workcenter: Uuid::from_u128(number), role: Reader }
    }

    #[test]
    fn nobody_offers_more_than_they_are_and_guests_offer_nothing() {
        let right = |account_role| Right { account_role, ..Right::default() };
        for (own, offered, may) in [
            (Some(Administrator), Administrator, true),
            (Some(Administrator), Guest, true),
            (Some(Member), Member, true),
            (Some(Member), Administrator, false),
            (Some(Guest), Guest, false),
            (None, Guest, false),
        ] {
            assert_eq!(right(own).covers(offered, &[]).is_ok(), may, "{own:?} offers {offered:?}");
        }
    }

    #[test]
    fn a_workcenter_is_offered_by_its_owners_and_administrators_and_unknown_to_strangers() {
        let of = |account_role, role| Right {
            account_role: Some(account_role),
            workcenters: HashMap::from([(Uuid::from_u128(1), role)]),
        };
        assert!(of(Member, Some(Owner)).covers(Guest, &[place(1)]).is_ok());
        assert!(of(Administrator, None).covers(Guest, &[place(1)]).is_ok());
        assert!(matches!(of(Member, Some(Contributor)).covers(Guest, &[place(1)]), Err(Error::Forbidden)));
        assert!(matches!(of(Member, None).covers(Guest, &[place(1)]), Err(Error::NotFound(..))));
        assert!(matches!(of(Administrator, None).covers(Guest, &[place(2)]), Err(Error::NotFound(..))));
    }
}
