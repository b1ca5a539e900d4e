//! What is in force, of all that is set.

use super::{Beat, Cadence, Delivery, Recipient, Source};

fn weekly(default: Delivery) -> Recipient {
    Recipient { frequency: Beat::Weekly, default, ..Recipient::new(uuid::Uuid::nil()) }
}

#[test]
fn the_nearest_choice_is_in_force_and_says_where_it_comes_from() {
    use Delivery::{Daily, Digest, Immediate, Inherit, Off, Weekly};
    use Source::{Account, Default, WorkCenter};
    let (at_once, daily, weekly_one) =
        (Cadence::Immediate, Cadence::Digest(Beat::Daily), Cadence::Digest(Beat::Weekly));
    // For the WorkCenter, by the person and by the account; what that comes to and why.
    let table = [
        (Inherit, Inherit, Immediate, at_once, Account),
        (Inherit, Inherit, Digest, weekly_one, Account),
        (Inherit, Inherit, Daily, daily, Account),
        (Inherit, Inherit, Weekly, weekly_one, Account),
        (Inherit, Inherit, Off, Cadence::Off, Account),
        (Inherit, Immediate, Off, at_once, Default),
        (Inherit, Digest, Immediate, weekly_one, Default),
        (Inherit, Daily, Off, daily, Default),
        (Inherit, Weekly, Daily, weekly_one, Default),
        (Inherit, Off, Immediate, Cadence::Off, Default),
        (Immediate, Inherit, Off, at_once, WorkCenter),
        (Digest, Inherit, Daily, weekly_one, WorkCenter),
        (Daily, Off, Off, daily, WorkCenter),
        (Weekly, Immediate, Daily, weekly_one, WorkCenter),
        (Off, Immediate, Immediate, Cadence::Off, WorkCenter),
    ];
    for (set, default, of_account, cadence, source) in table {
        let found = weekly(default).effective(set, of_account);
        assert_eq!(found, (cadence, source), "{set:?} {default:?} {of_account:?}");
    }
}

#[test]
fn nothing_is_in_force_for_who_has_switched_off() {
    for set in Delivery::ALL {
        for default in Delivery::ALL {
            let off = Recipient { enabled: false, ..weekly(default) };
            assert_eq!(off.effective(set, Delivery::Immediate), (Cadence::Off, Source::SwitchedOff));
        }
    }
}
