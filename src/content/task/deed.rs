//! What people do to tasks, and what comes of it. Pure.

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    Details, People, Rule, Status, Task, Who,
    status::{self, Step},
};
use crate::{
    access::WorkCenterRole,
    error::{Error, Reason, Result},
};

/// What somebody does to a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    Start,
    Finish,
    Approve,
    Decline,
    Reopen,
}

/// Who does it, and what they are in the WorkCenter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Actor {
    pub user: Uuid,
    pub role: Option<WorkCenterRole>,
}

impl People {
    /// Whether enough of them are done.
    fn are_done(&self) -> bool {
        let mut done = self.named.iter().map(|it| it.done.is_some());
        match self.rule {
            _ if self.named.is_empty() => true,
            Rule::Any => done.any(|it| it),
            Rule::All => done.all(|it| it),
        }
    }

    /// Notes that `by` is done; says whether that is news.
    fn mark(&mut self, by: Actor, now: Timestamp) -> bool {
        let is_meant = |who| match who {
            Who::User(user) => user == by.user,
            Who::Role(role) => Some(role) == by.role,
        };
        let mut is_news = false;
        for named in self.named.iter_mut().filter(|it| it.done.is_none() && is_meant(it.who)) {
            named.done = Some((now, by.user));
            is_news = true;
        }
        is_news
    }

    fn clear(&mut self) {
        self.named.iter_mut().for_each(|it| it.done = None);
    }

    /// These in place of `old`: who was done there is done.
    #[must_use]
    pub(super) fn after(mut self, old: &Self) -> Self {
        for named in &mut self.named {
            named.done = old.named.iter().find(|it| it.who == named.who).and_then(|it| it.done);
        }
        self
    }
}

impl Details {
    /// The step that it is when an assignee is done.
    fn finish(&self) -> Step {
        match (self.assignees.are_done(), self.approvers.named.is_empty()) {
            (false, _) => Step::Finish,
            (true, false) => Step::FinishLast,
            (true, true) => Step::FinishAll,
        }
    }
}

impl Task {
    /// What becomes of it by this deed, and which step that is; none when it was done before.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] when that cannot be done now.
    pub(super) fn after(mut self, deed: Deed, by: Actor, now: Timestamp) -> Result<(Self, Option<Step>)> {
        let details = &mut self.details;
        let (is_news, step) = match deed {
            Deed::Start => (true, Step::Start),
            Deed::Finish => (details.assignees.mark(by, now) || details.assignees.named.is_empty(), details.finish()),
            Deed::Approve => {
                let is_news = details.approvers.mark(by, now);
                (is_news, if details.approvers.are_done() { Step::ApproveLast } else { Step::Approve })
            }
            Deed::Decline | Deed::Reopen => {
                details.assignees.clear();
                details.approvers.clear();
                (true, if deed == Deed::Decline { Step::Decline } else { Step::Reopen })
            }
        };
        let status = status::next(self.status, step).ok_or(Error::Refused(Reason::TaskStatus))?;
        // Whoever was done before says nothing new, unless it brings the task on.
        let step = Some(step).filter(|_| is_news || status != self.status);
        Ok((Self { status, ..self }, step))
    }

    /// What becomes of it when others are named for it: those who were done may be enough by now.
    pub(super) fn settled(self) -> (Self, Option<Step>) {
        let Details { assignees, approvers, .. } = &self.details;
        let step = match self.status {
            Status::InProgress if assignees.are_done() && assignees.named.iter().any(|it| it.done.is_some()) => {
                Some(self.details.finish())
            }
            Status::Finished if approvers.are_done() => Some(Step::ApproveLast),
            _ => None,
        };
        let status = step.and_then(|it| status::next(self.status, it)).unwrap_or(self.status);
        (Self { status, ..self }, step)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Named, *};
    use Status::{Completed, Finished, InProgress, New, Waiting};
    use WorkCenterRole::{Contributor, Owner, Reader};

    const ADA: Uuid = Uuid::from_u128(1);
    const BOB: Uuid = Uuid::from_u128(2);

    fn people(rule: Rule, who: &[Who]) -> People {
        People { rule, named: who.iter().map(|it| Named { who: *it, done: None }).collect() }
    }

    fn task(status: Status, assignees: People, approvers: People) -> Task {
        Task {
            id: Uuid::nil(),
            account: Uuid::nil(),
            workcenter: Uuid::nil(),
            document: None,
            details: Details { assignees, approvers, ..Details::default() },
            status,
            created_by: ADA,
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
            revision: 1,
            deletion: None,
        }
    }

    fn by(user: Uuid, role: WorkCenterRole) -> Actor {
        Actor { user, role: Some(role) }
    }

    fn act(task: Task, deed: Deed, by: Actor) -> (Task, Option<Step>) {
        task.after(deed, by, Timestamp::UNIX_EPOCH).unwrap()
    }

    #[test]
    fn all_who_are_named_have_to_be_done_where_the_rule_is_all_and_one_where_it_is_any() {
        let both = [Who::User(ADA), Who::User(BOB)];
        let all = task(New, people(Rule::All, &both), People::default());
        let (all, step) = act(all, Deed::Finish, by(ADA, Contributor));
        assert_eq!((all.status, step), (InProgress, Some(Step::Finish)));
        let (all, step) = act(all, Deed::Finish, by(ADA, Contributor));
        assert_eq!((all.status, step), (InProgress, None));
        let (all, step) = act(all, Deed::Finish, by(BOB, Contributor));
        assert_eq!((all.status, step), (Completed, Some(Step::FinishAll)));

        let any = task(New, people(Rule::Any, &both), people(Rule::Any, &[Who::Role(Owner)]));
        let (any, step) = act(any, Deed::Finish, by(BOB, Contributor));
        assert_eq!((any.status, step), (Finished, Some(Step::FinishLast)));
        assert_eq!(done(&any.details.assignees), [false, true]);
    }

    fn done(people: &People) -> Vec<bool> {
        people.named.iter().map(|it| it.done.is_some()).collect()
    }

    #[test]
    fn whoever_has_a_role_is_done_for_it_and_for_themselves_at_once() {
        let named = [Who::User(ADA), Who::Role(Contributor), Who::Role(Reader)];
        let (some, _) =
            act(task(New, people(Rule::All, &named), People::default()), Deed::Finish, by(ADA, Contributor));
        assert_eq!(done(&some.details.assignees), [true, true, false]);
        let (all, step) = act(some, Deed::Finish, by(BOB, Reader));
        assert_eq!((all.status, step), (Completed, Some(Step::FinishAll)));
    }

    #[test]
    fn a_task_of_nobody_is_finished_by_whoever_is_let_in() {
        let (done, step) = act(task(New, People::default(), People::default()), Deed::Finish, by(BOB, Contributor));
        assert_eq!((done.status, step), (Completed, Some(Step::FinishAll)));
    }

    #[test]
    fn what_is_declined_or_begun_again_is_done_by_nobody() {
        let start =
            task(New, people(Rule::All, &[Who::User(ADA)]), people(Rule::All, &[Who::User(BOB), Who::Role(Owner)]));
        let (finished, _) = act(start, Deed::Finish, by(ADA, Contributor));
        let (half, step) = act(finished, Deed::Approve, by(BOB, Contributor));
        assert_eq!((half.status, step), (Finished, Some(Step::Approve)));
        for (deed, status) in [(Deed::Decline, InProgress), (Deed::Reopen, New)] {
            let (again, _) = act(half.clone(), deed, by(BOB, Contributor));
            assert_eq!(again.status, status);
            let Details { assignees, approvers, .. } = again.details;
            assert_eq!([done(&assignees), done(&approvers)].concat(), [false; 3]);
        }
        let (done, step) = act(half, Deed::Approve, by(ADA, Owner));
        assert_eq!((done.status, step), (Completed, Some(Step::ApproveLast)));
    }

    #[test]
    fn nothing_is_done_out_of_turn() {
        let refused = |status, deed| {
            let task = task(status, people(Rule::All, &[Who::User(ADA)]), people(Rule::All, &[Who::User(ADA)]));
            task.after(deed, by(ADA, Contributor), Timestamp::UNIX_EPOCH).is_err()
        };
        let deeds = [Deed::Start, Deed::Finish, Deed::Approve, Deed::Decline, Deed::Reopen];
        let may =
            |status| deeds.map(|deed| if refused(status, deed) { '-' } else { '+' }).into_iter().collect::<String>();
        let all = [New, Waiting, InProgress, Finished, Completed].map(may);
        assert_eq!(all, ["++---", "-----", "-+---", "--+++", "----+"]);
    }

    #[test]
    fn those_who_were_done_may_be_enough_when_others_are_named_no_more() {
        let both = people(Rule::All, &[Who::User(ADA), Who::User(BOB)]);
        let (begun, _) = act(task(New, both.clone(), People::default()), Deed::Finish, by(ADA, Contributor));
        let (same, step) = begun.clone().settled();
        assert_eq!((same.status, step), (InProgress, None));
        let alone = people(Rule::All, &[Who::User(ADA)]).after(&begun.details.assignees);
        let details = Details { assignees: alone, ..begun.details.clone() };
        let (done, step) = Task { details, ..begun.clone() }.settled();
        assert_eq!((done.status, step), (Completed, Some(Step::FinishAll)));
        // One whom nobody is to do any more stays begun.
        let details = Details { assignees: People::default(), ..begun.details.clone() };
        assert_eq!(Task { details, ..begun }.settled().1, None);

        let (finished, _) = act(task(New, People::default(), both), Deed::Finish, by(ADA, Contributor));
        assert_eq!(finished.status, Finished);
        assert_eq!(finished.clone().settled().1, None);
        let details = Details { approvers: People::default(), ..finished.details.clone() };
        let (done, step) = Task { details, ..finished }.settled();
        assert_eq!((done.status, step), (Completed, Some(Step::ApproveLast)));
    }
}
