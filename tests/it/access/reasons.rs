//! That every reason there is has a test that meets it.

use std::collections::BTreeSet;

use workcenter::error::{self, Reason};

use crate::architecture::source::sources;

/// Those that no test meets, and why.
const NOT_MET: [(Reason, &str); 1] = [(Reason::Internal, "only a fault of ours has it")];

#[test]
fn every_reason_is_met_by_a_test_or_it_is_said_why_not() {
    let all: BTreeSet<_> =
        (1..=i32::from(u8::MAX)).filter_map(|it| Reason::try_from(it).ok()).map(error::reason).collect();
    let mut met = BTreeSet::new();
    for source in sources(&["tests/it"]).iter().filter(|it| it.path != "tests/it/access/reasons.rs") {
        met.extend(all.iter().filter(|reason| source.literals.iter().any(|it| it == *reason)));
        let named = |reason: &str| {
            let variant =
                reason.split('_').map(|it| format!("{}{}", &it[..1], it[1..].to_lowercase())).collect::<String>();
            source.paths.iter().any(|it| it.ends_with(&["Reason".to_owned(), variant.clone()]))
        };
        met.extend(all.iter().filter(|reason| named(reason)));
    }
    let not_met: BTreeSet<_> = NOT_MET.iter().map(|(reason, _)| error::reason(*reason)).collect();
    assert_eq!(all.difference(&met).copied().collect::<BTreeSet<_>>(), not_met);
}
