//! WorkCenters with so many people that mail at once of all that happens would be too much: whoever hears of one as its account
//! has it, hears daily where that is at once. What concerns the person alone comes as ever.
//!
//! The room of WorkCenters says which are large, when it brings people in; they stay so.

mod store;

pub(super) use store::{hearers, of_account};

use super::{Delivery, Source};

/// What an account has for those who have chosen nothing, where one of its logs is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfAccount {
    /// The default of the account.
    pub default: Delivery,
    /// Whether the log is that of a large WorkCenter.
    pub large: bool,
}

impl OfAccount {
    /// What is in force of it, and why.
    pub(super) fn delivery(self) -> (Delivery, Source) {
        match (self.default, self.large) {
            (Delivery::Immediate, true) => (Delivery::Daily, Source::LargeWorkCenter),
            (default, _) => (default, Source::Account),
        }
    }
}
