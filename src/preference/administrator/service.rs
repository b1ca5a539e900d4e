//! Digests of administrators on the wire: read from requests and shown in answers.

use uuid::Uuid;

use super::{Change, PATHS, categories, delivery};
use crate::{
    error::{Result, Violations},
    ids, mask, pb,
    preference::choice::{cadence, next_digest},
    subscription::{
        Cadence, Next, Recipient,
        administrator::{Choice, EXCLUDED_MAX, Overview},
    },
};

/// For which account a request sets what; everything that is wrong with it is said at once.
pub(in crate::preference) fn asked(request: pb::UpdateAdministratorDigestRequest) -> Result<(Uuid, Change)> {
    let sent = request.digest.unwrap_or_default();
    let paths = request.update_mask.unwrap_or_default().paths;
    let mut violations = Violations::default();
    let account = violations.take(ids::parse("digest.account_id", &sent.account_id)).unwrap_or_default();
    let is_set = |path: &str| match path {
        "delivery" => sent.delivery != 0,
        "categories" => !sent.categories.is_empty(),
        _ => !sent.excluded_workcenter_ids.is_empty(),
    };
    let mut change = Change::default();
    for path in mask::fields(&paths, &PATHS, is_set, &mut violations) {
        match path {
            "delivery" => {
                let known = pb::Delivery::try_from(sent.delivery).ok().and_then(|it| it.try_into().ok());
                change.delivery = violations.take(delivery(known));
            }
            "categories" => change.categories = categories(&sent.categories, &mut violations),
            _ => change.excluded = excluded(&sent.excluded_workcenter_ids, &mut violations),
        }
    }
    violations.none()?;
    Ok((account, change))
}

fn excluded(sent: &[String], violations: &mut Violations) -> Option<Vec<Uuid>> {
    let field = "digest.excluded_workcenter_ids";
    if EXCLUDED_MAX < sent.len() {
        violations.add(field, format!("must be at most {EXCLUDED_MAX}"));
        return None;
    }
    let ids = sent.iter().enumerate().filter_map(|(at, it)| violations.take(ids::parse(&format!("{field}[{at}]"), it)));
    Some(ids.collect())
}

pub(in crate::preference) fn etag(choice: &Choice) -> String {
    format!("\"{}\"", choice.revision)
}

/// The digest as its administrator is shown it, who gets all of `next`.
pub(in crate::preference) fn shown(it: Overview, recipient: &Recipient, next: &[Next]) -> pb::AdministratorDigest {
    let effective = recipient.administers(it.choice.delivery);
    let is_its = |next: &&Next| next.account == it.account && Cadence::Digest(next.beat) == effective;
    let next = next.iter().find(is_its).filter(|_| it.workcenters > 0);
    pb::AdministratorDigest {
        account_id: it.account.to_string(),
        etag: etag(&it.choice),
        account_name: it.account_name,
        delivery: pb::Delivery::from(it.choice.delivery).into(),
        effective_delivery: cadence(effective).into(),
        categories: it.choice.categories,
        excluded_workcenter_ids: it.choice.excluded.iter().map(ToString::to_string).collect(),
        workcenter_count: it.workcenters,
        next_digest: next.map(next_digest),
    }
}
