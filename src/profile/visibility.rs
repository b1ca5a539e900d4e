//! Who sees what of a profile.

use crate::access::{AccountRole, Leave, Standing};

/// Who sees a field; and, of somebody who looks, the fields of which visibility they see. Ordered: who sees what is for
/// the later ones sees what is for those before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Visibility {
    /// All who may see the profile.
    Everyone,
    /// Members and administrators of an account that the person is in.
    AccountMembers,
    /// The person.
    OnlyMe,
}

impl Visibility {
    /// As the database has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Everyone => "EVERYONE_SHARING_A_WORKCENTER",
            Self::AccountMembers => "ACCOUNT_MEMBERS",
            Self::OnlyMe => "ONLY_ME",
        }
    }

    /// Reads what [`Self::name`] wrote.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Everyone, Self::AccountMembers, Self::OnlyMe].into_iter().find(|it| it.name() == name)
    }

    /// What of a profile they see who are this to its person. A guest of the account is no member of it.
    pub fn of(standing: &Standing) -> Self {
        if standing.account_role >= Some(AccountRole::Member) { Self::AccountMembers } else { Self::Everyone }
    }

    /// What of the profile of `user` they see who got leave to read it. A service that acts for nobody sees what the
    /// members of every account see.
    pub fn with(leave: &Leave, user: uuid::Uuid) -> Self {
        match leave.person {
            me if me.is_nil() => Self::AccountMembers,
            me if me == user => Self::OnlyMe,
            _ => Self::of(&leave.standing),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::ids;

    #[test]
    fn members_see_more_than_guests_and_the_person_sees_all() {
        let (me, user) = (ids::new(), ids::new());
        let leave = |person, account_role| Leave { person, standing: Standing { account_role, ..Standing::default() } };
        for (leave, sees) in [
            (leave(user, None), Visibility::OnlyMe),
            (leave(Uuid::nil(), None), Visibility::AccountMembers),
            (leave(me, Some(AccountRole::Administrator)), Visibility::AccountMembers),
            (leave(me, Some(AccountRole::Member)), Visibility::AccountMembers),
            (leave(me, Some(AccountRole::Guest)), Visibility::Everyone),
            (leave(me, None), Visibility::Everyone),
        ] {
            assert_eq!(Visibility::with(&leave, user), sees);
        }
    }

    #[test]
    fn every_visibility_is_read_as_it_was_written() {
        for it in [Visibility::Everyone, Visibility::AccountMembers, Visibility::OnlyMe] {
            assert_eq!(Visibility::named(it.name()), Some(it));
        }
        assert_eq!(Visibility::named(""), None);
    }
}
