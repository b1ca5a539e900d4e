//! Update masks: which fields of a message a call changes.

use crate::error::{Reason, Violation, Violations};

/// Characters of an unknown path that are repeated to the caller: details of errors travel in a header.
const PATH_SHOWN_MAX: usize = 60;

/// Those of the fields `all` that a mask of these `paths` names, in their own order; `*` names every one. Without paths
/// they are those that are set. Notes every path that is none of them.
pub fn fields(
    paths: &[String],
    all: &[&'static str],
    is_set: impl Fn(&str) -> bool,
    violations: &mut Violations,
) -> Vec<&'static str> {
    let unknown = paths.iter().filter(|it| *it != "*" && !all.contains(&it.as_str()));
    violations.extend(unknown.map(|it| {
        let shown: String = it.chars().take(PATH_SHOWN_MAX).collect();
        let rule = format!("`{shown}` is not a field that can be set");
        Violation::new("update_mask", rule).because(Reason::MaskPathUnknown)
    }));
    let is_named = |field: &str| paths.iter().any(|it| it == "*" || it == field);
    all.iter().copied().filter(|it| if paths.is_empty() { is_set(it) } else { is_named(it) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    const ALL: [&str; 3] = ["name", "category", "zone"];

    fn named(paths: &[&str]) -> Result<Vec<&'static str>, Error> {
        let paths: Vec<String> = paths.iter().map(ToString::to_string).collect();
        let mut violations = Violations::default();
        let named = fields(&paths, &ALL, |it| it == "zone", &mut violations);
        violations.none().map(|()| named)
    }

    #[test]
    fn a_mask_names_fields_that_can_be_set_and_none_is_what_is_set() {
        assert_eq!(named(&["category", "name"]).unwrap(), ["name", "category"]);
        assert_eq!(named(&["*"]).unwrap(), ALL);
        assert_eq!(named(&["zone", "*"]).unwrap(), ALL);
        assert_eq!(named(&[]).unwrap(), ["zone"]);
    }

    #[test]
    fn every_path_that_cannot_be_set_is_named_and_no_longer_than_needs_be() {
        let long = "p".repeat(10_000);
        let Err(Error::Invalid(violations)) = named(&["etag", "name", &long]) else { panic!("it is refused") };
        assert_eq!(violations.len(), 2);
        assert!(violations.iter().all(|it| it.field == "update_mask" && it.reason == Reason::MaskPathUnknown));
        assert!(violations[0].rule.contains("`etag`") && violations[1].rule.len() < 2 * PATH_SHOWN_MAX);
    }
}
