//! Reminding of invites that nobody answers: three and seven days after one was sent, and a day before it runs out.
//!
//! When that is next stands in the row, and a daemon looks through those that are due. A reminder takes the place of the
//! mail before it, so it goes, or does not, as that one would.

mod store;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::rights::Right;
use crate::{access::AccountRole, db::Connection, error::Result, ids, outbox, secret, workcenter::Place};

/// How long after an invite was sent its reader is reminded: when the mail has gone down in the box, and when a week is
/// over.
const AFTER: [SignedDuration; 2] = [SignedDuration::from_hours(3 * 24), SignedDuration::from_hours(7 * 24)];

/// How long before it runs out its reader is reminded for the last time, and how far mails of an invite are apart at
/// least: whoever reads their mail once a day finds one.
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// For how long a reminder waits whose invite has a mail on its way: as long as the longest pause of the outbox.
const PAUSE: SignedDuration = SignedDuration::from_hours(1);

/// Invites that one transaction looks at: their rows are locked meanwhile, and whoever answers one waits.
const BATCH: i64 = 100;

/// An invite of whose reminder it is time, locked.
struct Due {
    id: Uuid,
    account: Uuid,
    account_role: AccountRole,
    /// The person whose address it is, if there is one.
    invited: Option<Uuid>,
    turn: i64,
    sent_at: Timestamp,
    expires_at: Timestamp,
    /// When it was to be looked at.
    remind_at: Timestamp,
    mail: Before,
    /// The WorkCenters that come with it.
    places: Vec<Place>,
    /// What its inviter is to all of that now.
    right: Right,
}

/// What became of the mail before a reminder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    Sent,
    Waits,
    /// It reaches nobody, which ends the invite.
    Lost,
}

/// What is to be done about an invite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Step {
    reminds: bool,
    /// When to look at it again.
    next: Option<Timestamp>,
}

/// What a look at an invite leaves in its row.
struct Seen {
    id: Uuid,
    remind_at: Option<Timestamp>,
    /// The reminder, if there is one.
    mail: Option<Uuid>,
}

/// Puts the reminders of a batch of invites into the outbox that are due at `now`, and returns how many; `None` when
/// there was nothing to look at, or other daemons have it all.
///
/// # Errors
///
/// What the database says.
pub async fn remind(client: &mut Connection, now: Timestamp) -> Result<Option<usize>> {
    let tx = client.transaction().await?;
    let due = store::due(&tx, now, BATCH).await?;
    if due.is_empty() {
        return Ok(None);
    }
    let mut mails = Vec::new();
    let mut seen = Vec::with_capacity(due.len());
    for it in &due {
        let Step { reminds, next } = it.step(now);
        let mail = reminds.then(|| it.mail(now));
        seen.push(Seen { id: it.id, remind_at: next, mail: mail.as_ref().map(|it| it.id) });
        mails.extend(mail);
    }
    store::seen(&tx, &seen).await?;
    outbox::put(&tx, &mails).await?;
    tx.commit().await?;
    Ok(Some(mails.len()))
}

/// When there is the first reminder after `now` of what was sent at `sent_at`.
pub(super) fn first(sent_at: Timestamp, expires_at: Timestamp, now: Timestamp) -> Option<Timestamp> {
    schedule(sent_at, expires_at).find(|it| now < *it)
}

impl Due {
    fn step(&self, now: Timestamp) -> Step {
        let step = step(self.sent_at, self.expires_at, now);
        match self.mail {
            Before::Lost => Step { reminds: false, next: None },
            Before::Waits if step.reminds => Step { reminds: false, next: now.checked_add(PAUSE).ok() },
            // What they may not offer any more is not accepted either; they may again by the next time.
            _ if self.right.covers(self.account_role, &self.places).is_err() => Step { reminds: false, ..step },
            _ => step,
        }
    }

    fn mail(&self, now: Timestamp) -> outbox::New {
        let (turn, at) = (self.turn.to_be_bytes(), self.remind_at.as_microsecond().to_be_bytes());
        let of: &[&[u8]] = &[b"invite-reminder", self.id.as_bytes(), &turn, &at];
        outbox::New {
            id: ids::new(),
            account: self.account,
            user: self.invited,
            kind: outbox::Kind::Invite,
            subject: self.id,
            key: secret::digest(of),
            dated_at: now,
        }
    }
}

/// The reminders of what was sent at `sent_at`, in order.
///
/// The last one is the one that counts, so those go that are not more than a day before it: they would always come a
/// moment late, and then be too close to it.
fn schedule(sent_at: Timestamp, expires_at: Timestamp) -> impl Iterator<Item = Timestamp> {
    let last = expires_at.checked_sub(DAY).unwrap_or(Timestamp::MIN);
    let is_before = move |it: &Timestamp| DAY < last.duration_since(*it);
    let is_after = DAY <= last.duration_since(sent_at);
    let after = AFTER.into_iter().filter_map(move |it| sent_at.checked_add(it).ok());
    after.filter(is_before).chain(is_after.then_some(last))
}

/// What is to be done at `now` about a pending invite. However many reminders nobody was there to send, there is one.
fn step(sent_at: Timestamp, expires_at: Timestamp, now: Timestamp) -> Step {
    let schedule = || schedule(sent_at, expires_at);
    if expires_at <= now {
        return Step { reminds: false, next: None };
    }
    // Sent again by a program that knew nothing of reminders.
    if schedule().all(|it| now < it) {
        return Step { reminds: false, next: schedule().next() };
    }
    match schedule().last() {
        Some(last) if now < last && last.duration_since(now) < DAY => Step { reminds: false, next: Some(last) },
        _ => Step { reminds: true, next: schedule().find(|it| DAY <= it.duration_since(now)) },
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    const SENT: Timestamp = Timestamp::UNIX_EPOCH;

    /// Some days after it was sent.
    fn day(days: f64) -> Timestamp {
        SENT.checked_add(SignedDuration::from_secs_f64(days * 86_400.0)).unwrap()
    }

    /// On which days there is a reminder of an invite that is good for so many, when nobody is ever late.
    fn reminders(days: f64) -> Vec<Timestamp> {
        let mut all = Vec::new();
        let mut next = first(SENT, day(days), SENT);
        while let Some(at) = next {
            let step = step(SENT, day(days), at);
            assert!(step.reminds && step.next.is_none_or(|it| DAY <= it.duration_since(at)), "{days}: {at}");
            all.push(at);
            next = step.next;
        }
        all
    }

    #[test]
    fn there_is_a_reminder_after_three_and_seven_days_and_a_day_before_the_end() {
        for (good_for, expected) in [(90.0, &[3.0, 7.0, 89.0][..]), (14.0, &[3.0, 7.0, 13.0]), (9.1, &[3.0, 7.0, 8.1])]
        {
            assert_eq!(reminders(good_for), expected.iter().map(|it| day(*it)).collect::<Vec<_>>(), "{good_for}");
        }
    }

    #[test]
    fn what_comes_within_a_day_of_the_last_one_is_left_to_it() {
        for (good_for, expected) in [
            (9.0, &[3.0, 8.0][..]),
            (8.0, &[3.0, 7.0]),
            (7.0, &[3.0, 6.0]),
            (5.0, &[4.0]),
            (4.5, &[3.5]),
            (4.0, &[3.0]),
            (3.0, &[2.0]),
            (2.0, &[1.0]),
            (1.9, &[]),
            (1.0, &[]),
        ] {
            assert_eq!(reminders(good_for), expected.iter().map(|it| day(*it)).collect::<Vec<_>>(), "{good_for}");
        }
    }

    #[test]
    fn whoever_was_away_for_long_sends_one_for_all_that_they_missed() {
        let at = |now| step(SENT, day(14.0), day(now));
        assert_eq!(at(5.0), Step { reminds: true, next: Some(day(7.0)) });
        assert_eq!(at(6.5), Step { reminds: true, next: Some(day(13.0)) });
        assert_eq!(at(8.0), Step { reminds: true, next: Some(day(13.0)) });
        assert_eq!(at(12.0), Step { reminds: true, next: Some(day(13.0)) });
        assert_eq!(at(12.1), Step { reminds: false, next: Some(day(13.0)) });
        assert_eq!(at(13.9), Step { reminds: true, next: None });
        assert_eq!(at(14.0), Step { reminds: false, next: None });
    }

    #[test]
    fn what_was_sent_again_meanwhile_waits_for_its_own_time() {
        assert_eq!(step(SENT, day(14.0), day(2.0)), Step { reminds: false, next: Some(day(3.0)) });
    }

    fn due(mail: Before, role: Option<AccountRole>) -> Due {
        Due {
            id: Uuid::nil(),
            account: Uuid::nil(),
            account_role: AccountRole::Member,
            invited: None,
            turn: 0,
            sent_at: SENT,
            expires_at: day(14.0),
            remind_at: day(3.0),
            mail,
            places: Vec::new(),
            right: Right { account_role: role, workcenters: HashMap::new() },
        }
    }

    #[test]
    fn a_mail_on_its_way_is_waited_for_and_one_that_is_lost_is_the_end() {
        let step = |mail| due(mail, Some(AccountRole::Member)).step(day(3.0));
        assert_eq!(step(Before::Sent), Step { reminds: true, next: Some(day(7.0)) });
        assert_eq!(step(Before::Waits), Step { reminds: false, next: day(3.0).checked_add(PAUSE).ok() });
        assert_eq!(step(Before::Lost), Step { reminds: false, next: None });
    }

    #[test]
    fn nobody_is_reminded_of_what_the_inviter_may_not_offer_any_more() {
        for (role, reminds) in
            [(Some(AccountRole::Administrator), true), (Some(AccountRole::Guest), false), (None, false)]
        {
            let step = due(Before::Sent, role).step(day(3.0));
            assert_eq!(step, Step { reminds, next: Some(day(7.0)) }, "{role:?}");
        }
    }
}
