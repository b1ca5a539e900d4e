//! Bringing people into a WorkCenter that gets what a template has: at once, or by an invite.
//!
//! Into one that a job makes nobody is invited until it is open: the ones who are to be have a link that leads nowhere till then.

use std::collections::HashMap;

use uuid::Uuid;

use super::{
    cast,
    code::Code,
    decide::Verdict,
    judge::{Copying, Judged},
    link,
    run::Run,
    work::Work,
};
use crate::{
    db::Transaction,
    error::{Error, Result},
    invite::{self, Asked},
    job::{self, Item, ItemState, Job, Outcome},
    workcenter::{self, ADDED, Arrival, Place, Tie},
};

/// Holds who may be invited by these items, before the WorkCenter is locked.
pub(super) async fn hold(tx: &Transaction<'_>, account: Uuid, run: &Run, items: &[Item]) -> Result<()> {
    if run.cast.newcomers.is_none() || run.creates {
        return Ok(());
    }
    held(tx, account, &items.iter().map(|it| it.id).collect::<Vec<_>>()).await
}

async fn held(tx: &Transaction<'_>, account: Uuid, people: &[Uuid]) -> Result<()> {
    match invite::hold(tx, account, people).await {
        // Of a deactivated account, which whoever enters it next says.
        Err(Error::Refused(_)) => Ok(()),
        held => held,
    }
}

/// What becomes of somebody who was asked.
fn verdict(asked: &Asked) -> Verdict {
    match asked {
        Asked::Invited(id) => Verdict::Invited(*id),
        Asked::Came(_) => Verdict::Copy,
        Asked::Waits => Verdict::Skip(Code::InvitePending),
        Asked::Full => Verdict::Skip(Code::Limit),
        Asked::Exhausted => Verdict::Skip(Code::InviteLimitReached),
        Asked::Denied => Verdict::Skip(Code::PermissionDenied),
    }
}

impl Work {
    fn arrival(&self) -> Arrival {
        Arrival { when: self.when, most: self.most }
    }

    /// Brings people in, and tells them once.
    pub(super) async fn seat(
        &self,
        tx: &Transaction<'_>,
        copying: &Copying<'_>,
        by: Uuid,
        judged: &[Judged],
    ) -> Result<()> {
        let coming = judged.iter().filter(|it| it.verdict == Verdict::Copy).filter_map(|it| Some((it.id, it.role?)));
        let coming: Vec<_> = coming.collect();
        if coming.is_empty() {
            return Ok(());
        }
        let (workcenter, now) = (copying.into, self.when.now);
        if copying.run.creates {
            return workcenter::seat(tx, workcenter, copying.job, &coming, now).await.map(drop);
        }
        let coming: Vec<_> = coming.into_iter().map(|(user, role)| (user, Place { workcenter, role })).collect();
        let came: Vec<Tie> = workcenter::add_all(tx, &coming, &self.arrival()).await?;
        workcenter::announce(tx, ADDED, &came, by, self.when.now, self.window).await
    }

    /// Invites those who are to be, and decides by what came of it.
    pub(super) async fn invite(
        &self,
        tx: &Transaction<'_>,
        copying: &Copying<'_>,
        (by, account): (Uuid, Uuid),
        judged: &mut [Judged],
    ) -> Result<()> {
        if copying.run.creates {
            return Ok(());
        }
        let mut outside: Vec<&mut Judged> = judged.iter_mut().filter(|it| it.verdict == Verdict::Invite).collect();
        let guest = |it: &&mut Judged| Some((it.id, Place { workcenter: copying.into, role: it.role? }));
        let guests: Vec<(Uuid, Place)> = outside.iter().filter_map(guest).collect();
        let asked = self.ask(tx, account, &guests, by).await?;
        for it in &mut outside {
            it.verdict = asked.get(&it.id).map_or(Verdict::Skip(Code::NotAMember), verdict);
        }
        Ok(())
    }

    /// Invites people; what came of each.
    async fn ask(
        &self,
        tx: &Transaction<'_>,
        account: Uuid,
        guests: &[(Uuid, Place)],
        by: Uuid,
    ) -> Result<HashMap<Uuid, Asked>> {
        if guests.is_empty() {
            return Ok(HashMap::new());
        }
        let asked = invite::ask(tx, &self.key, account, guests, by, &self.arrival()).await?;
        let came = asked.iter().filter_map(|it| if let Asked::Came(ties) = it { Some(ties) } else { None });
        let came: Vec<Tie> = came.flatten().copied().collect();
        workcenter::announce(tx, ADDED, &came, by, self.when.now, self.window).await?;
        Ok(guests.iter().map(|it| it.0).zip(asked).collect())
    }

    /// Opens a WorkCenter that a job has made, invites who is to come there, and says of them what came of it.
    pub(super) async fn open(&self, tx: &Transaction<'_>, job: &Job, run: &Run, into: Uuid) -> Result<()> {
        let pair = (run.template, into);
        let ids = link::store::nowhere(tx, pair).await?;
        if !ids.is_empty() {
            held(tx, job.account, &ids).await?;
        }
        workcenter::open(tx, into, job.id, &self.arrival(), self.window).await?;
        if ids.is_empty() {
            return Ok(());
        }
        let called = cast::called(tx, run, into, Some(&ids)).await?;
        let guests: Vec<(Uuid, Place)> =
            called.iter().map(|(id, it)| (*id, Place { workcenter: into, role: it.role })).collect();
        let asked = self.ask(tx, job.account, &guests, job.initiator.unwrap_or_default()).await?;
        let (mut led, mut outcomes) = (Vec::new(), Vec::with_capacity(ids.len()));
        for id in ids {
            let (target, code) = match asked.get(&id).map_or(Verdict::Skip(Code::NotFound), verdict) {
                Verdict::Invited(invite) => (Some(invite), None),
                Verdict::Skip(code) => (None, Some(code)),
                _ => (Some(id), None),
            };
            led.extend(target.map(|it| (id, it)));
            let (code, text) = code.map_or(("", ""), |it| (it.name(), it.text()));
            outcomes.push(Outcome { target, ..Outcome::none(id, ItemState::Done, code, text) });
        }
        link::store::lead(tx, pair, &led).await?;
        job::amend(tx, job.id, &outcomes).await
    }
}
