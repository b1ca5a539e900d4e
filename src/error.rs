//! Every way a call can fail, by what the caller can do about it, and how each looks on the wire.
//!
//! A variant stands for a reaction (fix the request, sign in, try later), not for a source. The
//! conversion to [`Status`] is the only place that knows gRPC codes, and the only place where an
//! internal error is logged.

use std::{collections::HashMap, error::Error as StdError, time::Duration};

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};
use tracing::{error, warn};

pub use crate::pb::Reason;

/// The domain of every `ErrorInfo`.
pub const DOMAIN: &str = "workcenter";

/// How many violations one answer carries.
///
/// Details travel in a header, and clients refuse headers of more than a few kilobytes: 200
/// violations reached a client as a protocol error.
pub const VIOLATIONS_MAX: usize = 20;

/// Characters of a text in the details of an error: some come from the caller, and a client refuses what is too long.
const DETAIL_MAX: usize = 120;

/// How long a caller waits before trying again when the database is away.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The result of everything that can fail towards a caller.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Every way a call can fail.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request is malformed: every offending field, not only the first.
    #[error("the request is not valid")]
    Invalid(Vec<Violation>),

    /// Nobody is calling, or somebody whose credentials are not good.
    #[error("sign in first")]
    Unauthenticated(Reason),

    /// The caller may see it, but not do this to it.
    #[error("this is not allowed to you")]
    Forbidden,

    /// There is no such thing, or none that the caller may know of.
    #[error("there is no such {}", .0.noun())]
    NotFound(Kind, String),

    /// Something else has the place already.
    #[error("it is taken: {}", reason(*.0))]
    Taken(Reason),

    /// The request is well-formed, but not in this state of the world.
    #[error("refused: {}", reason(*.0))]
    Refused(Reason),

    /// The request asks for what lies beyond the end.
    #[error("it ends before that")]
    Beyond(Reason),

    /// Somebody else was faster: read again, and try the whole again.
    #[error("it has changed in the meantime")]
    Conflict(Reason),

    /// Too much of it: wait.
    #[error("too much of it for now: {}", reason(*.0))]
    Exhausted(Reason, Duration),

    /// The time for it is over.
    #[error("too late")]
    Late(Reason),

    /// The database is away, or the process is on its way out: the same call may be tried again.
    #[error("not available at the moment")]
    Unavailable(Reason, #[source] Option<Cause>),

    /// A bug or a broken database. The caller learns nothing of it; the log does.
    #[error("internal error")]
    Internal(#[source] Cause),
}

/// What lies behind an error.
pub type Cause = Box<dyn StdError + Send + Sync>;

/// One field of a request that cannot be accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The path of the field, such as `profile.address.post_code`.
    pub field: String,
    /// What it must be, as in "must be a UUID".
    pub rule: String,
    /// What programs tell it by.
    pub reason: Reason,
}

impl Violation {
    /// Says that `field` breaks `rule`.
    pub fn new(field: impl Into<String>, rule: impl Into<String>) -> Self {
        Self { field: field.into(), rule: rule.into(), reason: Reason::FieldInvalid }
    }

    /// The same, told by another reason than `FIELD_INVALID`.
    pub fn because(self, reason: Reason) -> Self {
        Self { reason, ..self }
    }
}

/// The kinds of things that can be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A person.
    User,
    /// An account.
    Account,
    /// A WorkCenter.
    WorkCenter,
    /// An invite.
    Invite,
    /// A job.
    Job,
    /// A session.
    Session,
    /// An event of a WorkCenter.
    Event,
    /// A folder of a WorkCenter.
    Folder,
    /// A document of a WorkCenter, or a version of one.
    Document,
    /// A task of a WorkCenter.
    Task,
    /// A post of a WorkCenter.
    Post,
    /// A comment in a WorkCenter.
    Comment,
    /// A service that health is asked about.
    Service,
}

impl Kind {
    fn noun(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Account => "account",
            Self::WorkCenter => "workcenter",
            Self::Invite => "invite",
            Self::Job => "job",
            Self::Session => "session",
            Self::Event => "event",
            Self::Folder => "folder",
            Self::Document => "document",
            Self::Task => "task",
            Self::Post => "post",
            Self::Comment => "comment",
            Self::Service => "service",
        }
    }

    fn reason(self) -> Reason {
        match self {
            Self::User => Reason::UserNotFound,
            Self::Account => Reason::AccountNotFound,
            Self::WorkCenter => Reason::WorkcenterNotFound,
            Self::Invite => Reason::InviteNotFound,
            Self::Job => Reason::JobNotFound,
            Self::Session => Reason::SessionNotFound,
            Self::Event => Reason::EventNotFound,
            Self::Folder => Reason::FolderNotFound,
            Self::Document => Reason::DocumentNotFound,
            Self::Task => Reason::TaskNotFound,
            Self::Post => Reason::PostNotFound,
            Self::Comment => Reason::CommentNotFound,
            Self::Service => Reason::ServiceUnknown,
        }
    }
}

/// Collects what is wrong with a request, so that all of it is said at once: of more than may be told the first.
///
/// So a request that repeats what is wrong a million times costs no more than one that does so twenty times.
#[derive(Debug, Default)]
pub struct Violations(Vec<Violation>);

impl Violations {
    /// Notes that `field` breaks `rule`.
    pub fn add(&mut self, field: impl Into<String>, rule: impl Into<String>) {
        self.extend([Violation::new(field, rule)]);
    }

    /// Notes all of these.
    pub fn extend(&mut self, violations: impl IntoIterator<Item = Violation>) {
        self.0.extend(violations.into_iter().take(VIOLATIONS_MAX - self.0.len()));
    }

    /// Takes the value, or notes the violation.
    pub fn take<T>(&mut self, result: Result<T, Violation>) -> Option<T> {
        result.map_err(|it| self.extend([it])).ok()
    }

    /// Takes the value, or notes all that is wrong with it.
    ///
    /// # Errors
    ///
    /// What is not [`Error::Invalid`].
    pub fn all<T>(&mut self, result: Result<T>) -> Result<Option<T>> {
        match result {
            Ok(it) => Ok(Some(it)),
            Err(Error::Invalid(violations)) => {
                self.extend(violations);
                Ok(None)
            }
            Err(other) => Err(other),
        }
    }

    /// Succeeds when nothing was noted.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] with everything that was.
    pub fn none(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Invalid(self.0)) }
    }
}

impl From<Violation> for Error {
    fn from(violation: Violation) -> Self {
        Self::Invalid(vec![violation])
    }
}

impl Error {
    /// A fault of ours, with what lies behind it.
    pub fn internal(cause: impl Into<Cause>) -> Self {
        Self::Internal(cause.into())
    }

    fn code(&self) -> Code {
        match self {
            Self::Invalid(_) => Code::InvalidArgument,
            Self::Unauthenticated(_) => Code::Unauthenticated,
            Self::Forbidden => Code::PermissionDenied,
            Self::NotFound(..) => Code::NotFound,
            Self::Taken(_) => Code::AlreadyExists,
            Self::Refused(_) => Code::FailedPrecondition,
            Self::Beyond(_) => Code::OutOfRange,
            Self::Conflict(_) => Code::Aborted,
            Self::Exhausted(..) => Code::ResourceExhausted,
            Self::Late(_) => Code::DeadlineExceeded,
            Self::Unavailable(..) => Code::Unavailable,
            Self::Internal(_) => Code::Internal,
        }
    }

    /// What programs tell this error by.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Invalid(violations) => match violations.as_slice() {
                [first, rest @ ..] if rest.iter().all(|it| it.reason == first.reason) => first.reason,
                _ => Reason::FieldInvalid,
            },
            Self::Forbidden => Reason::NotAllowed,
            Self::NotFound(kind, _) => kind.reason(),
            Self::Unauthenticated(reason)
            | Self::Taken(reason)
            | Self::Refused(reason)
            | Self::Beyond(reason)
            | Self::Conflict(reason)
            | Self::Exhausted(reason, _)
            | Self::Late(reason)
            | Self::Unavailable(reason, _) => *reason,
            Self::Internal(_) => Reason::Internal,
        }
    }
}

/// A reason as it stands in `ErrorInfo`: without the prefix of the enum.
pub fn reason(reason: Reason) -> &'static str {
    let name = reason.as_str_name();
    name.strip_prefix("REASON_").unwrap_or(name)
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let mut details = ErrorDetails::new();
        details.set_error_info(reason(error.reason()), DOMAIN, HashMap::new());
        match &error {
            Error::Invalid(violations) => {
                let violations = violations.iter().take(VIOLATIONS_MAX);
                details.set_bad_request(
                    violations
                        .map(|it| FieldViolation {
                            field: short(&it.field),
                            description: short(&it.rule),
                            reason: reason(it.reason).to_owned(),
                            localized_message: None,
                        })
                        .collect::<Vec<_>>(),
                );
            }
            Error::NotFound(kind, id) => {
                details.set_resource_info(kind.noun(), short(id), "", error.to_string());
            }
            Error::Taken(_) => {
                details.set_resource_info("", "", "", error.to_string());
            }
            Error::Refused(why) => {
                details.add_precondition_failure_violation(reason(*why), "", error.to_string());
            }
            Error::Exhausted(why, after) => {
                details.add_quota_failure_violation(reason(*why), error.to_string());
                details.set_retry_info(Some(*after));
            }
            Error::Unavailable(_, cause) => {
                if let Some(cause) = cause {
                    warn!(error = chain(cause.as_ref()), "a call could not be served");
                }
                details.set_retry_info(Some(RETRY_AFTER));
            }
            Error::Internal(cause) => error!(error = chain(cause.as_ref()), "internal error"),
            Error::Unauthenticated(_) | Error::Forbidden | Error::Beyond(_) | Error::Conflict(_) | Error::Late(_) => {}
        }
        Status::with_error_details(error.code(), error.to_string(), details)
    }
}

/// As much of a text as fits into details.
fn short(text: &str) -> String {
    text.chars().take(DETAIL_MAX).collect()
}

/// The whole chain of causes in one line.
pub fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        line.push_str(": ");
        line.push_str(&cause.to_string());
        source = cause.source();
    }
    line
}
