//! That every reason there is has a test that meets it.

use std::collections::BTreeSet;

use workcenter::error::{self, Reason};

use crate::architecture::source::sources;

#[test]
fn every_reason_is_met_by_a_test() {
    let all: BTreeSet<_> =
        (1..=i32::from(u8::MAX)).filter_map(|it| Reason::try_from(it).ok()).map(error::reason).collect();
    let mut met = BTreeSet::new();
    for source in sources(&["tests/it"]).iter().filter(|it| it.path != "tests/it/access/reasons.rs") {
        met.extend(all.iter().copied().filter(|reason| source.literals.iter().any(|it| it == reason)));
        let named = source.paths.iter().filter(|it| it.len() == 2 && it[0] == "Reason");
        met.extend(
            named.filter_map(|path| all.iter().copied().find(|it| it.replace('_', "").eq_ignore_ascii_case(&path[1]))),
        );
    }
    assert_eq!(all.difference(&met).collect::<Vec<_>>(), Vec::<&&str>::new());
}
