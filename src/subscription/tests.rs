//! What is in force, of all that is set.

use super::{Beat, Cadence, Delivery, OfAccount, Recipient, Source};

fn weekly(default: Delivery) -> Recipient {
    Recipient { frequency: Beat::Weekly, default, ..Recipient::new(uuid::Uuid::nil()) }
}

#[test]
fn the_nearest_choice_is_in_force_and_says_where_it_comes_from() {
    use Delivery::{Daily, Digest, Immediate, Inherit, Off, Weekly};
    use Source::{Account, Default, LargeWorkCenter, WorkCenter};
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
        let found = |large| weekly(default).effective(set, OfAccount { default: of_account, large });
        assert_eq!(found(false), (cadence, source), "{set:?} {default:?} {of_account:?}");
        // In a large WorkCenter nothing else is but what is at once by the account alone.
        let guarded = (cadence, source) == (at_once, Account);
        let in_large = if guarded { (daily, LargeWorkCenter) } else { (cadence, source) };
        assert_eq!(found(true), in_large, "{set:?} {default:?} {of_account:?}");
    }
}

#[test]
fn nothing_is_in_force_for_who_has_switched_off() {
    let at_once = OfAccount { default: Delivery::Immediate, large: true };
    for set in Delivery::ALL {
        for default in Delivery::ALL {
            let off = Recipient { enabled: false, ..weekly(default) };
            assert_eq!(off.effective(set, at_once), (Cadence::Off, Source::SwitchedOff));
        }
    }
}
