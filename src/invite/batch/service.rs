//! Rows of offers on the wire, and what came of each.

use super::{ROWS_MAX, Row, rows};
use crate::{
    access::AccountRole,
    account,
    error::{Error, Result, VIOLATIONS_MAX, Violation, Violations},
    identity::Email,
    ids,
    invite::{
        change::Sent,
        make::{Existing, Made},
        offer::{self, Offer},
    },
    pb,
    workcenter::{Place, read_role},
};

/// Reads one row; everything that is wrong with it is said at once.
pub(in crate::invite) fn read_offer(asked: &pb::InviteRow) -> Result<Offer> {
    let mut violations = Violations::default();
    let email = violations.take(Email::parse("email", &asked.email));
    let account_role = read_account_role(asked.account_role()).unwrap_or(AccountRole::Guest);
    let (places, unread) = read_places("workcenters", &asked.workcenters);
    violations.extend(unread);
    let places = offer::places("workcenters", places, &mut violations);
    let message = violations.take(offer::message("message", &asked.message)).unwrap_or_default();
    let span = asked.expires_in.as_ref().map(|it| (it.seconds, it.nanos));
    let good_for = span.and_then(|it| violations.take(account::invite_expiry("expires_in", it)));
    violations.none()?;
    let email = email.ok_or_else(|| Error::internal("an address was neither read nor refused"))?;
    let (no_reminders, notify_on_accept) = (asked.no_reminders, asked.notify_me_on_accept);
    Ok(Offer { email, account_role, places, message, good_for, no_reminders, notify_on_accept })
}

/// Reads a role; `None` where there is none.
pub(in crate::invite) fn read_account_role(role: pb::AccountRole) -> Option<AccountRole> {
    match role {
        pb::AccountRole::Administrator => Some(AccountRole::Administrator),
        pb::AccountRole::Member => Some(AccountRole::Member),
        pb::AccountRole::Guest => Some(AccountRole::Guest),
        pb::AccountRole::Unspecified => None,
    }
}

/// Reads the places in `field` of a request: those that can be read, and what is wrong with the others.
pub(in crate::invite) fn read_places(field: &str, asked: &[pb::InvitedWorkCenter]) -> (Vec<Place>, Vec<Violation>) {
    let (mut places, mut violations) = (Vec::with_capacity(asked.len()), Vec::new());
    for (number, it) in asked.iter().enumerate() {
        let workcenter = ids::parse(&format!("{field}[{number}].workcenter_id"), &it.workcenter_id);
        let role = read_role(&format!("{field}[{number}].role"), it.role());
        match (workcenter, role) {
            (Ok(workcenter), Ok(role)) => places.push(Place { workcenter, role }),
            (workcenter, role) => violations.extend(workcenter.err().into_iter().chain(role.err())),
        }
    }
    (places, violations)
}

/// Reads in `field` of a request what becomes of those that have a live invite.
pub(in crate::invite) fn read_existing(field: &str, number: i32, violations: &mut Violations) -> Existing {
    match pb::OnExisting::try_from(number) {
        Ok(pb::OnExisting::Unspecified | pb::OnExisting::Fail) => Existing::Fail,
        Ok(pb::OnExisting::Skip) => Existing::Skip,
        Ok(pb::OnExisting::Resend) => Existing::Resend,
        Err(_) => {
            violations.add(field, "must be FAIL, SKIP or RESEND");
            Existing::Fail
        }
    }
}

/// Reads what an invite is to become.
pub(in crate::invite) fn read_change(sent: &pb::Invite) -> Sent {
    let (places, unread) = read_places("invite.workcenters", &sent.workcenters);
    Sent {
        account_role: read_account_role(sent.account_role()),
        places,
        unread,
        message: sent.message.clone(),
        expires_at: sent.expire_time.as_ref().and_then(pb::instant),
    }
}

/// The row that a call for one is.
pub(in crate::invite) fn row(asked: pb::CreateInviteRequest) -> pb::InviteRow {
    let pb::CreateInviteRequest { email, account_role, workcenters, message, expires_in, .. } = asked;
    let (no_reminders, notify_me_on_accept) = (asked.no_reminders, asked.notify_me_on_accept);
    pb::InviteRow { email, account_role, workcenters, message, expires_in, no_reminders, notify_me_on_accept }
}

/// The rows of a call, and what becomes of those that have a live invite; notes what is wrong with all of them.
pub(in crate::invite) fn read(
    asked: &pb::BatchCreateInvitesRequest,
    violations: &mut Violations,
) -> (Vec<pb::InviteResult>, Vec<(usize, Offer)>, Existing) {
    if asked.rows.is_empty() || ROWS_MAX < asked.rows.len() {
        violations.add("rows", format!("must be 1 to {ROWS_MAX}"));
    }
    let existing = read_existing("on_existing", asked.on_existing, violations);
    let mut results = Vec::with_capacity(asked.rows.len());
    let mut offers = Vec::with_capacity(asked.rows.len());
    for (number, row) in rows(asked.rows.iter().take(ROWS_MAX).map(read_offer).collect()).into_iter().enumerate() {
        let mut result = pb::InviteResult::default();
        match row {
            Row::Good(offer) => offers.push((number, offer)),
            Row::Bad(error) => result = refused(&error),
            Row::Duplicate(of) => {
                result.set_outcome(pb::InviteOutcome::Duplicate);
                result.duplicate_of = i32::try_from(of).unwrap_or(i32::MAX);
            }
        }
        results.push(result);
    }
    (results, offers, existing)
}

/// What came of one row, whose invite the caller may read when `sees` says so.
pub(in crate::invite) fn result(
    made: &Result<Made>,
    sees: impl Fn(&crate::invite::Invite) -> bool,
) -> pb::InviteResult {
    let (outcome, invite) = match made {
        Err(error) => return refused(error),
        Ok(Made::Invited(it)) => (pb::InviteOutcome::Created, Some(it)),
        Ok(Made::Resent(it)) => (pb::InviteOutcome::Resent, Some(it)),
        Ok(Made::Skipped(it)) => (pb::InviteOutcome::Skipped, Some(it).filter(|it| sees(it))),
        Ok(Made::Added(_)) => (pb::InviteOutcome::AddedExisting, None),
    };
    let invite_id = invite.map(|it| it.id.to_string()).unwrap_or_default();
    pb::InviteResult { outcome: outcome.into(), invite_id, ..Default::default() }
}

/// That nothing was done, and why.
pub(in crate::invite) fn refused(error: &Error) -> pb::InviteResult {
    let violations = match error {
        Error::Invalid(violations) => violations.as_slice(),
        _ => &[],
    };
    let violation = |it: &Violation| pb::InviteFieldViolation { field: it.field.clone(), description: it.rule.clone() };
    let retry_delay = match error {
        Error::Exhausted(_, after) => Some(pb::span(*after)),
        _ => None,
    };
    let refusal = pb::InviteRefusal {
        reason: error.reason().into(),
        message: error.to_string(),
        violations: violations.iter().take(VIOLATIONS_MAX).map(violation).collect(),
        retry_delay,
    };
    let outcome = pb::InviteOutcome::Refused.into();
    pb::InviteResult { outcome, refusal: Some(refusal), ..Default::default() }
}
