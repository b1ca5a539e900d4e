//! How far tasks are, and what each step leads to: one table.

use Status::{Completed, Finished, InProgress, New};
use Step::{Approve, ApproveLast, Decline, Finish, FinishAll, FinishLast, Reopen, Start};

/// How far a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Nobody has begun.
    New,
    /// Nobody may begin: one that comes before it is not completed. Seen when it is read, and never written.
    Waiting,
    /// Somebody has begun.
    InProgress,
    /// The assignees are done, the approvers are not.
    Finished,
    /// All is done.
    Completed,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::New, Self::Waiting, Self::InProgress, Self::Finished, Self::Completed];

    /// As statements have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::New => "NEW",
            Self::Waiting => "PENDING_PRIOR_TASK",
            Self::InProgress => "IN_PROGRESS",
            Self::Finished => "FINISHED",
            Self::Completed => "COMPLETED",
        }
    }

    /// Reads what [`Self::name`] wrote.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }
}

/// What happens to a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// An assignee begins.
    Start,
    /// An assignee is done, and others are not.
    Finish,
    /// The assignees are done, and somebody is to approve.
    FinishLast,
    /// The assignees are done, and nobody is to approve.
    FinishAll,
    /// An approver approves, and others have yet to.
    Approve,
    /// The approvers have approved.
    ApproveLast,
    /// An approver does not approve.
    Decline,
    /// It begins again.
    Reopen,
}

/// Whatever does not stand here cannot be done.
const TABLE: &[(Status, Step, Status)] = &[
    (New, Start, InProgress),
    (New, Finish, InProgress),
    (New, FinishLast, Finished),
    (New, FinishAll, Completed),
    (InProgress, Finish, InProgress),
    (InProgress, FinishLast, Finished),
    (InProgress, FinishAll, Completed),
    (Finished, Approve, Finished),
    (Finished, ApproveLast, Completed),
    (Finished, Decline, InProgress),
    (Finished, Reopen, New),
    (Completed, Reopen, New),
];

/// What a step leads to; nothing where it cannot be done.
pub fn next(status: Status, step: Step) -> Option<Status> {
    TABLE.iter().find(|it| (it.0, it.1) == (status, step)).map(|it| it.2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_from_every_status_leads_where_it_should_or_nowhere() {
        let steps = [Start, Finish, FinishLast, FinishAll, Approve, ApproveLast, Decline, Reopen];
        let letter = |status| match status {
            None => '-',
            Some(New) => 'n',
            Some(Status::Waiting) => 'w',
            Some(InProgress) => 'p',
            Some(Finished) => 'f',
            Some(Completed) => 'c',
        };
        let line = |status| steps.map(|step| letter(next(status, step))).into_iter().collect::<String>();
        // Start, finish, the last, without approvers; approve, the last; decline; reopen.
        assert_eq!(Status::ALL.map(line), ["ppfc----", "--------", "-pfc----", "----fcpn", "-------n"]);
        let once = |(status, step, _): &(Status, Step, Status)| {
            TABLE.iter().filter(|it| (it.0, it.1) == (*status, *step)).count() == 1
        };
        assert!(TABLE.iter().all(once));
    }

    #[test]
    fn names_are_read_back() {
        assert!(Status::ALL.into_iter().all(|it| Status::named(it.name()) == Some(it)));
        assert_eq!(Status::named("DONE"), None);
    }
}
