//! What administrators choose to hear of the WorkCenters that they do not collaborate in: which fields there are, and what each
//! may be. Pure.

mod service;

use std::collections::{BTreeSet, HashSet};

use uuid::Uuid;

pub(super) use service::{asked, etag, shown};

use crate::{
    error::{Reason, Result, Violation, Violations},
    subscription::{
        Delivery,
        administrator::{CATEGORIES_MAX, Choice},
    },
    workcenter,
};

/// The paths that a mask may name.
const PATHS: [&str; 3] = ["delivery", "categories", "excluded_workcenter_ids"];

/// What an administrator sets; `None` for what they leave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Change {
    /// With which digest.
    pub delivery: Option<Delivery>,
    /// Of which categories.
    pub categories: Option<Vec<String>>,
    /// Of which WorkCenters not, in the order in which they were sent.
    pub excluded: Option<Vec<Uuid>>,
}

impl Change {
    /// What `was` becomes. What is set is kept in one order, each once.
    pub(super) fn onto(self, was: Choice) -> Choice {
        let silenced = was.silenced && self.delivery.is_none();
        let once = |it: Vec<Uuid>| Vec::from_iter(BTreeSet::from_iter(it));
        Choice {
            delivery: self.delivery.unwrap_or(was.delivery),
            categories: self.categories.unwrap_or(was.categories),
            excluded: self.excluded.map_or(was.excluded, once),
            silenced,
            revision: was.revision,
        }
    }

    /// Refuses WorkCenters to leave out that are `strange` to the account, unless they were left out before: they are gone.
    ///
    /// # Errors
    ///
    /// [`crate::error::Error::Invalid`] with every one of them.
    pub(super) fn known(&self, strange: &[Uuid], before: &Choice) -> Result<()> {
        let strange: HashSet<&Uuid> = strange.iter().filter(|it| !before.excluded.contains(it)).collect();
        let sent = self.excluded.iter().flatten().enumerate().filter(|(_, it)| strange.contains(it));
        let mut violations = Violations::default();
        violations.extend(sent.map(|(at, _)| {
            let field = format!("digest.excluded_workcenter_ids[{at}]");
            Violation::new(field, "must be a WorkCenter of the account").because(Reason::WorkcenterNotFound)
        }));
        violations.none()
    }
}

/// Reads the delivery that was sent, which is `None` for what is none at all.
fn delivery(sent: Option<Delivery>) -> Result<Delivery, Violation> {
    let refused = || Violation::new("digest.delivery", "must be DIGEST, DAILY, WEEKLY or OFF");
    sent.filter(|it| !matches!(it, Delivery::Inherit | Delivery::Immediate)).ok_or_else(refused)
}

/// Reads the categories that were sent, as WorkCenters have them: each once, in order.
fn categories(sent: &[String], violations: &mut Violations) -> Option<Vec<String>> {
    let field = "digest.categories";
    if CATEGORIES_MAX < sent.len() {
        violations.add(field, format!("must be at most {CATEGORIES_MAX}"));
        return None;
    }
    let mut read = BTreeSet::new();
    for (at, it) in sent.iter().enumerate() {
        read.extend(violations.take(workcenter::category(&format!("{field}[{at}]"), it)));
    }
    Some(Vec::from_iter(read))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    const PIER: Uuid = Uuid::from_u128(1);
    const QUAY: Uuid = Uuid::from_u128(2);

    #[test]
    fn it_is_a_digest_or_nothing() {
        for read in [Delivery::Digest, Delivery::Daily, Delivery::Weekly, Delivery::Off] {
            assert_eq!(delivery(Some(read)), Ok(read));
        }
        for refused in [Some(Delivery::Immediate), Some(Delivery::Inherit), None] {
            assert_eq!(delivery(refused).unwrap_err().field, "digest.delivery", "{refused:?}");
        }
    }

    #[test]
    fn categories_are_read_as_workcenters_have_them() {
        let read = |sent: &[&str]| {
            let sent: Vec<String> = sent.iter().map(ToString::to_string).collect();
            let mut violations = Violations::default();
            let read = categories(&sent, &mut violations);
            violations.none().map(|()| read.unwrap_or_default())
        };
        assert_eq!(read(&[" Quay", "", "Harbour", "Quay"]).unwrap(), ["", "Harbour", "Quay"]);
        assert!(read(&["Quay"; CATEGORIES_MAX]).is_ok() && read(&["Quay"; CATEGORIES_MAX + 1]).is_err());
        let Err(Error::Invalid(violations)) = read(&["Quay", "two\nlines"]) else { panic!("it is refused") };
        assert_eq!(violations[0].field, "digest.categories[1]");
    }

    #[test]
    fn what_is_not_named_stays_and_what_a_link_has_done_until_a_delivery_is_chosen() {
        let was = Choice { categories: vec!["Quay".to_owned()], silenced: true, ..Choice::default() };
        let excluded = Change { excluded: Some(vec![QUAY, PIER, QUAY]), ..Change::default() };
        assert_eq!(excluded.onto(was.clone()), Choice { excluded: vec![PIER, QUAY], ..was.clone() });
        let off = Change { delivery: Some(Delivery::Off), ..Change::default() };
        assert_eq!(off.onto(was.clone()), Choice { silenced: false, ..was });
    }

    #[test]
    fn what_was_left_out_before_may_be_gone() {
        let before = Choice { excluded: vec![PIER], ..Choice::default() };
        let change = Change { excluded: Some(vec![PIER, QUAY]), ..Change::default() };
        assert!(change.known(&[PIER], &before).is_ok());
        let Err(Error::Invalid(violations)) = change.known(&[PIER, QUAY], &before) else { panic!("it is refused") };
        let found: Vec<_> = violations.iter().map(|it| (it.field.as_str(), it.reason)).collect();
        assert_eq!(found, [("digest.excluded_workcenter_ids[1]", Reason::WorkcenterNotFound)]);
    }
}
