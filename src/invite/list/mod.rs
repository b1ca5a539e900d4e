//! Lists of invites: whose they are, and in which states.

pub(super) mod service;
mod store;

use uuid::Uuid;

use super::State;

/// Whose invites a list has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Box {
    /// Those to the address with this key.
    to: Option<String>,
    /// Those from this person, too.
    from: Option<Uuid>,
    /// Those to this account, too.
    of: Option<Uuid>,
}

/// A state as it is written, and whether an invite in it has to have run out; `None` where that is no matter.
type Written = (State, Option<bool>);

/// How invites are written that are in one of `states` as they are read: what is pending and has run out is read as such.
fn written(states: &[State]) -> Vec<Written> {
    let of = |state: &State| match state {
        State::Pending => vec![(State::Pending, Some(false))],
        State::Expired => vec![(State::Expired, None), (State::Pending, Some(true))],
        other => vec![(*other, None)],
    };
    states.iter().flat_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_as_run_out_is_written_in_two_ways_and_all_else_in_one() {
        let read = [State::Accepted, State::Expired, State::Pending];
        let expected = [
            (State::Accepted, None),
            (State::Expired, None),
            (State::Pending, Some(true)),
            (State::Pending, Some(false)),
        ];
        assert_eq!(written(&read), expected);
    }
}
