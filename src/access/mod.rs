//! Who may do what: one rule for every call, asked exactly once.
//!
//! The lowest room: it reads memberships and every other room may ask it. What a caller may not see is not found; what
//! they may see but not do is forbidden.

mod rules;
mod store;

use std::collections::HashMap;

use uuid::Uuid;

pub use rules::{Action, Rule};

use crate::{
    auth::Caller,
    db::GenericClient,
    error::{Error, Kind, Reason, Result},
};

/// What a person is in an account. Ordered: each may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AccountRole {
    /// Sees the WorkCenters they were added to.
    Guest,
    /// May create WorkCenters.
    Member,
    /// Runs the account.
    Administrator,
}

impl AccountRole {
    /// As the database has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Guest => "GUEST",
            Self::Member => "MEMBER",
            Self::Administrator => "ADMINISTRATOR",
        }
    }

    /// Reads what [`Self::name`] wrote.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Guest, Self::Member, Self::Administrator].into_iter().find(|it| it.name() == name)
    }
}

/// What a person is in a WorkCenter. Ordered: each may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WorkCenterRole {
    /// May read.
    Reader,
    /// May do everything to files and nothing to folders.
    Contributor,
    /// May do everything, and decides who collaborates.
    Owner,
}

impl WorkCenterRole {
    /// As the database has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reader => "READER",
            Self::Contributor => "CONTRIBUTOR",
            Self::Owner => "OWNER",
        }
    }

    /// Reads what [`Self::name`] wrote.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Reader, Self::Contributor, Self::Owner].into_iter().find(|it| it.name() == name)
    }
}

/// What a call is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// Nothing but the caller's own.
    Own,
    /// A person.
    Person(Uuid),
    /// A person whose profile is read as well: a service that may read all is told by that whether there is one.
    Profile(Uuid),
    /// An account.
    Account(Uuid),
    /// Somebody's membership in an account.
    Member {
        /// The account.
        account: Uuid,
        /// The person in it.
        of: Uuid,
    },
    /// A WorkCenter.
    WorkCenter(Uuid),
    /// Somebody's place in a WorkCenter.
    Place {
        /// The WorkCenter.
        workcenter: Uuid,
        /// The person in it.
        of: Uuid,
    },
    /// A folder of a WorkCenter, as its row has it.
    Folder {
        /// The folder.
        id: Uuid,
        /// What it is in; nil when there is no such folder.
        workcenter: Uuid,
    },
    /// A document of a WorkCenter, as its row has it.
    Document {
        /// The document.
        id: Uuid,
        /// What it is in; nil when there is no such document.
        workcenter: Uuid,
    },
    /// A task of a WorkCenter, as its row has it.
    Task {
        /// The task.
        id: Uuid,
        /// What it is in; nil when there is no such task.
        workcenter: Uuid,
        /// Whether the caller is among those whom it names for this.
        is_theirs: bool,
    },
    /// A post of a WorkCenter, as its row has it.
    Post {
        /// The post.
        id: Uuid,
        /// What it is in; nil when there is no such post.
        workcenter: Uuid,
        /// Who wrote it; nobody when there is no such post.
        author: Option<Uuid>,
    },
    /// A comment in a WorkCenter, as its row has it.
    Comment {
        /// The comment.
        id: Uuid,
        /// What it is in; nil when there is no such comment.
        workcenter: Uuid,
        /// Who wrote it; nobody when there is no such comment.
        author: Option<Uuid>,
    },
    /// An invite, as its row has it.
    Invite {
        /// The invite.
        id: Uuid,
        /// The account that it leads into.
        account: Uuid,
        /// Who sent it; nobody when there is no such invite.
        inviter: Option<Uuid>,
        /// Whose address it is; nobody when it is nobody's yet.
        invited: Option<Uuid>,
    },
    /// A job, as its row has it.
    Job {
        /// The job.
        id: Uuid,
        /// Whose it is.
        account: Uuid,
        /// Who started it.
        initiator: Option<Uuid>,
    },
}

/// What a caller is to a resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The account that the resource belongs to.
    pub account: Option<Uuid>,
    /// The caller's role in that account; to a person, the highest in any account that both are in.
    pub account_role: Option<AccountRole>,
    /// The caller's role in the WorkCenter.
    pub workcenter_role: Option<WorkCenterRole>,
    /// Whether the WorkCenter is being made.
    pub is_provisioning: bool,
    /// Whether the caller knows the person: the same one, or one of the same account or WorkCenter.
    pub acquainted: bool,
}

impl Standing {
    /// Whether the caller administers the account that the resource belongs to.
    pub fn administers(&self) -> bool {
        self.account_role == Some(AccountRole::Administrator)
    }
}

/// Leave to go on: who acts, and what they are to the resource.
#[derive(Clone, Copy, Debug)]
pub struct Leave {
    /// The person, or the person a service acts for; nil for a service on its own, and for nobody.
    pub person: Uuid,
    /// What they are to the resource.
    pub standing: Standing,
}

/// Asks whether `caller` may take `action` on `resource`.
///
/// # Errors
///
/// [`Error::Unauthenticated`] when there is no caller and there must be one, [`Error::NotFound`] when there is no such
/// resource or the caller may not know of it, [`Error::Forbidden`] when they may see it but not do this,
/// [`Error::Refused`] when they would change something in a WorkCenter that is being made.
pub async fn may(on: &impl GenericClient, caller: &Caller, action: Action, resource: Resource) -> Result<Leave> {
    let rule = action.rule();
    let Some(person) = caller.person() else {
        return match caller {
            // A service that acts for nobody may what nobody in particular may.
            _ if rule.anyone => Ok(Leave { person: Uuid::nil(), standing: Standing::default() }),
            Caller::Anonymous => Err(Error::Unauthenticated(Reason::CallerUnknown)),
            _ if rule.scope.is_some_and(|scope| caller.has(scope)) => service(on, resource).await,
            _ => Err(Error::Forbidden),
        };
    };
    let Some(relation) = rule.person else {
        // A service that acts for somebody may still do what its own key allows.
        return match rule.scope {
            Some(scope) if caller.has(scope) => service(on, resource).await,
            _ => Err(Error::Forbidden),
        };
    };
    let standing = standing(on, person, resource).await?;
    if !relation.sees(&standing, person, resource) {
        return Err(missing(resource));
    }
    if !relation.suffices(&standing, person, resource) {
        return Err(Error::Forbidden);
    }
    if standing.is_provisioning && !relation.reads() {
        return Err(Error::Refused(Reason::WorkcenterProvisioning));
    }
    Ok(Leave { person, standing })
}

/// A service by the right of its key: the resource need only exist.
async fn service(on: &impl GenericClient, resource: Resource) -> Result<Leave> {
    let standing = match resource {
        Resource::Profile(_) => Standing::default(),
        other => standing(on, Uuid::nil(), other).await?,
    };
    Ok(Leave { person: Uuid::nil(), standing })
}

/// What `person` is to each of these people, of those whom they may know.
///
/// # Errors
///
/// What the database says.
pub async fn acquaintances(on: &impl GenericClient, person: Uuid, of: &[Uuid]) -> Result<HashMap<Uuid, Standing>> {
    let mut known = store::to_people(on, person, of).await?;
    known.iter_mut().for_each(|(id, standing)| standing.acquainted |= *id == person);
    Ok(known.into_iter().filter(|(_, standing)| standing.acquainted).collect())
}

async fn standing(on: &impl GenericClient, person: Uuid, resource: Resource) -> Result<Standing> {
    let found = match resource {
        Resource::Own => Some(Standing::default()),
        Resource::Person(of) | Resource::Profile(of) if of == person => {
            Some(Standing { acquainted: true, ..Standing::default() })
        }
        Resource::Person(of) | Resource::Profile(of) => {
            store::to_people(on, person, &[of]).await?.pop().map(|(_, standing)| standing)
        }
        Resource::Account(id)
        | Resource::Member { account: id, .. }
        | Resource::Invite { account: id, .. }
        | Resource::Job { account: id, .. } => store::in_account(on, person, id).await?,
        Resource::WorkCenter(id)
        | Resource::Place { workcenter: id, .. }
        | Resource::Folder { workcenter: id, .. }
        | Resource::Document { workcenter: id, .. }
        | Resource::Task { workcenter: id, .. }
        | Resource::Post { workcenter: id, .. }
        | Resource::Comment { workcenter: id, .. } => store::in_workcenter(on, person, id).await?,
    };
    found.ok_or_else(|| missing(resource))
}

/// There is no such resource, as far as the caller may know.
fn missing(resource: Resource) -> Error {
    let (kind, id) = match resource {
        Resource::Own => (Kind::User, Uuid::nil()),
        Resource::Person(id) | Resource::Profile(id) => (Kind::User, id),
        Resource::Account(id) | Resource::Member { account: id, .. } => (Kind::Account, id),
        Resource::WorkCenter(id) | Resource::Place { workcenter: id, .. } => (Kind::WorkCenter, id),
        Resource::Folder { id, .. } => (Kind::Folder, id),
        Resource::Document { id, .. } => (Kind::Document, id),
        Resource::Task { id, .. } => (Kind::Task, id),
        Resource::Post { id, .. } => (Kind::Post, id),
        Resource::Comment { id, .. } => (Kind::Comment, id),
        Resource::Invite { id, .. } => (Kind::Invite, id),
        Resource::Job { id, .. } => (Kind::Job, id),
    };
    Error::NotFound(kind, id.to_string())
}
