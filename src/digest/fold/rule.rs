//! How events of each kind are joined and said: one row a kind.
//!
//! In a sentence `{who}` stands for those who did it, `{what}` for the thing it was done to,
//! `{count}` for how many things (or, of one thing, how many times), and `{place}` for what all of
//! the things are in; what stands in square brackets is left out where there is no such place.
//!
//! Invites to a newcomer and security notices are no rows of this table: they are letters of their
//! own and never part of a digest.

/// What events must have in common to become one line, besides their kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Nothing joins them: each stays a line.
    Alone,
    /// Who did it, and the place.
    ActorAndPlace,
    /// Who did it.
    Actor,
    /// The place.
    Place,
    /// The thing, whatever the kind: all that happened to it is one line.
    Thing,
    /// The thing.
    ThingAndKind,
    /// Nothing further.
    Kind,
    /// The day, which is one of UTC, since a line is folded once for readers in many zones.
    Day,
}

/// What becomes of the sentence that came with an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Summary {
    /// It would only repeat ours.
    Dropped,
    /// The latest one is shown below ours: words written, or a change from old to new.
    Below,
    /// It knows more than ours, and stands in its place.
    Instead,
}

use super::Reason;

use By::{Actor, ActorAndPlace, Alone, Day, Kind, Place, Thing, ThingAndKind};
use Summary::{Below, Dropped, Instead};

/// How one kind of event is joined and said.
#[derive(Debug)]
pub struct Rule {
    /// The kind, as it is published.
    pub kind: &'static str,
    /// What joins events of this kind.
    pub by: By,
    /// What becomes of the caller's own sentence.
    pub summary: Summary,
    /// What is said of one.
    pub one: &'static str,
    /// What is said of several.
    pub many: &'static str,
    /// For [`By::Thing`], what one and several are called in a list: `3 comments`.
    pub noun: [&'static str; 2],
}

impl Rule {
    /// Tells whether the things may be named.
    ///
    /// What was deleted is counted only: a letter does not repeat what somebody took back.
    pub fn names_things(&self) -> bool {
        self.one.contains("{what}")
    }
}

/// A row of the table.
const fn row(kind: &'static str, by: By, summary: Summary, one: &'static str, many: &'static str) -> Rule {
    Rule { kind, by, summary, one, many, noun: [""; 2] }
}

/// A row whose events join whatever else happened to the same thing.
const fn join(
    kind: &'static str,
    summary: Summary,
    one: &'static str,
    many: &'static str,
    noun: [&'static str; 2],
) -> Rule {
    Rule { kind, by: Thing, summary, one, many, noun }
}

/// What is done with a kind that has no row: it is told by the sentence it came with, or else by
/// its own name.
pub const UNKNOWN: Rule =
    row("", ThingAndKind, Instead, "{who}: {kind}, {what}", "{who}: {kind}, {what} ({count} times)");

/// Finds how events of `kind` are joined and said.
pub fn of(kind: &str) -> &'static Rule {
    RULES.iter().find(|it| it.kind == kind).unwrap_or(&UNKNOWN)
}

/// Finds the kind by which an event of `kind` is told to the one person whom it is about, where it is told to others too.
pub fn of_you(kind: &str) -> Option<&'static str> {
    RULES.iter().map(|it| it.kind).find(|it| it.strip_prefix("you.") == Some(kind))
}

/// Finds what is said of an event of `kind` to the person it is addressed to, where that is more
/// than everybody else is told.
pub fn told(kind: &str, reason: Reason) -> Option<&'static str> {
    match (reason, kind) {
        (Reason::Mention, "file.commented" | "task.commented" | "post.commented") => {
            Some("{who} mentioned you in a comment on {what}")
        }
        (Reason::Mention, "mention" | "post.created" | "post.edited") => Some("{who} mentioned you in {what}"),
        (Reason::Assignment, "task.assigned") => Some("{who} assigned {what} to you"),
        (Reason::Approval, "task.approval_requested") => Some("{who} asks for your approval of {what}"),
        _ => None,
    }
}

/// The table.
#[rustfmt::skip]
pub const RULES: &[Rule] = &[
    // Files.
    row("file.uploaded", ActorAndPlace, Dropped, "{who} uploaded {what}[ to {place}]", "{who} uploaded {count} files[ to {place}]"),
    row("file.deleted", ActorAndPlace, Dropped, "{who} deleted 1 file[ from {place}]", "{who} deleted {count} files[ from {place}]"),
    row("file.restored", ActorAndPlace, Dropped, "{who} restored {what}[ to {place}]", "{who} restored {count} files[ to {place}]"),
    row("file.moved", Actor, Dropped, "{who} moved {what}[ to {place}]", "{who} moved {count} files[ to {place}]"),
    row("file.copied", Actor, Dropped, "{who} copied {what}[ to {place}]", "{who} copied {count} files[ to {place}]"),
    join("file.version_added", Dropped, "{who} added a version of {what}", "{who} added {count} versions of {what}", ["new version", "new versions"]),
    join("file.version_restored", Dropped, "{who} restored a version of {what}", "{who} restored {count} versions of {what}", ["version restored", "versions restored"]),
    join("file.version_deleted", Dropped, "{who} deleted a version of {what}", "{who} deleted {count} versions of {what}", ["version deleted", "versions deleted"]),
    join("file.details_changed", Below, "{who} changed the details of {what}", "{who} changed the details of {what} {count} times", ["change of details", "changes of details"]),
    join("file.commented", Below, "{who} commented on {what}", "{who} made {count} comments on {what}", ["comment", "comments"]),
    join("file.downloaded", Dropped, "{who} downloaded {what}", "{who} downloaded {what} {count} times", ["download", "downloads"]),
    row("file.approval_changed", Alone, Below, "{who} changed the approval of {what}", "{who} changed the approval of {what}"),
    row("files.bulk_copied", Alone, Instead, "{who} copied files in bulk[ to {place}]", "{who} copied files in bulk[ to {place}]"),
    row("files.bulk_moved", Alone, Instead, "{who} moved files in bulk[ to {place}]", "{who} moved files in bulk[ to {place}]"),
    row("files.bulk_deleted", Alone, Instead, "{who} deleted files in bulk[ from {place}]", "{who} deleted files in bulk[ from {place}]"),
    row("files.bulk_imported", Alone, Instead, "{who} imported files in bulk[ to {place}]", "{who} imported files in bulk[ to {place}]"),
    row("files.bulk_restored", Alone, Instead, "{who} restored files in bulk[ to {place}]", "{who} restored files in bulk[ to {place}]"),
    // Folders.
    row("folder.created", Place, Dropped, "{who} created the folder {what}[ in {place}]", "{who} created {count} folders[ in {place}]"),
    row("folder.renamed", Place, Dropped, "{who} renamed the folder {what}[ in {place}]", "{who} renamed {count} folders[ in {place}]"),
    row("folder.moved", Place, Dropped, "{who} moved the folder {what}[ to {place}]", "{who} moved {count} folders[ to {place}]"),
    row("folder.deleted", Place, Dropped, "{who} deleted 1 folder[ from {place}]", "{who} deleted {count} folders[ from {place}]"),
    row("folder.restored", Place, Dropped, "{who} restored the folder {what}[ to {place}]", "{who} restored {count} folders[ to {place}]"),
    // Tasks.
    row("task.created", Place, Dropped, "{who} created {what}[ in {place}]", "{who} created {count} tasks[ in {place}]"),
    row("task.completed", Place, Dropped, "{who} completed {what}[ in {place}]", "{who} completed {count} tasks[ in {place}]"),
    row("task.deleted", Place, Dropped, "{who} deleted 1 task[ from {place}]", "{who} deleted {count} tasks[ from {place}]"),
    row("task.restored", Place, Dropped, "{who} restored {what}[ in {place}]", "{who} restored {count} tasks[ in {place}]"),
    row("task.assigned", Alone, Dropped, "{who} assigned {what}", "{who} assigned {what}"),
    row("task.unassigned", Alone, Dropped, "{who} changed who {what} is assigned to", "{who} changed who {what} is assigned to"),
    row("task.approval_requested", Alone, Below, "{who} asked for approval of {what}", "{who} asked for approval of {what}"),
    row("task.approved", Alone, Below, "{who} approved {what}", "{who} approved {what}"),
    row("task.approval_declined", Alone, Below, "{who} declined to approve {what}", "{who} declined to approve {what}"),
    row("task.unblocked", Alone, Dropped, "{what} can start: what came before it is complete", "{what} can start: what came before it is complete"),
    join("task.finished", Dropped, "{who} finished {what}", "{who} finished {what}", ["assignee finished", "assignees finished"]),
    join("task.dates_changed", Below, "{who} changed the dates of {what}", "{who} changed the dates of {what} {count} times", ["change of dates", "changes of dates"]),
    join("task.edited", Below, "{who} edited {what}", "{who} edited {what} {count} times", ["edit", "edits"]),
    join("task.status_changed", Below, "{who} changed the status of {what}", "{who} changed the status of {what} {count} times", ["change of status", "changes of status"]),
    join("task.reopened", Dropped, "{who} reopened {what}", "{who} reopened {what} {count} times", ["reopening", "reopenings"]),
    join("task.commented", Below, "{who} commented on {what}", "{who} made {count} comments on {what}", ["comment", "comments"]),
    row("task.reminder", Day, Dropped, "Reminder: {what}", "Reminders of {count} tasks"),
    row("task.due_soon", Day, Dropped, "{what} is due soon", "{count} tasks are due soon"),
    row("task.overdue", Day, Dropped, "{what} is overdue", "{count} tasks are overdue"),
    // Posts and mentions.
    row("post.created", Alone, Below, "{who} posted {what}", "{who} posted {what}"),
    join("post.edited", Below, "{who} edited {what}", "{who} edited {what} {count} times", ["edit", "edits"]),
    join("post.commented", Below, "{who} commented on {what}", "{who} made {count} comments on {what}", ["comment", "comments"]),
    row("post.deleted", Actor, Dropped, "{who} deleted 1 post", "{who} deleted {count} posts"),
    row("post.email_awaiting_approval", Alone, Below, "An e-mail waits for approval: {what}", "An e-mail waits for approval: {what}"),
    row("mention", Alone, Below, "{who} mentioned somebody in {what}", "{who} mentioned somebody in {what}"),
    // People and WorkCenters.
    row("collaborator.added", Kind, Dropped, "{who} added {what}", "{who} added {count} people"),
    row("collaborator.removed", Kind, Dropped, "{who} removed {what}", "{who} removed {count} people"),
    row("collaborator.left", Kind, Dropped, "{who} left", "{who} left"),
    join("collaborator.role_changed", Below, "{who} changed the role of {what}", "{who} changed the role of {what} {count} times", ["change of role", "changes of role"]),
    row("workcenter.created", ThingAndKind, Dropped, "{who} created the WorkCenter {what}", "{who} created the WorkCenter {what}"),
    row("workcenter.archived", ThingAndKind, Dropped, "{who} archived the WorkCenter {what}", "{who} archived the WorkCenter {what}"),
    row("workcenter.reactivated", ThingAndKind, Dropped, "{who} reactivated the WorkCenter {what}", "{who} reactivated the WorkCenter {what}"),
    row("workcenter.deleted", ThingAndKind, Dropped, "{who} deleted the WorkCenter {what}", "{who} deleted the WorkCenter {what}"),
    row("workcenter.renamed", ThingAndKind, Below, "{who} renamed the WorkCenter {what}", "{who} renamed the WorkCenter {what}"),
    row("account.role_changed", ThingAndKind, Below, "{who} changed the account role of {what}", "{who} changed the account role of {what}"),
    row("member.added", Kind, Dropped, "{who} added {what} to the account", "{who} added {count} people to the account"),
    row("member.deactivated", Kind, Dropped, "{who} deactivated {what}", "{who} deactivated {count} people"),
    row("account.announcement", Alone, Below, "{who} announced {what}", "{who} announced {what}"),
    // What is told to the one person whom it is about.
    row("you.collaborator.removed", ThingAndKind, Dropped, "{who} removed you from {what}", "{who} removed you from {what}"),
    row("you.collaborator.role_changed", ThingAndKind, Below, "{who} changed your role in {what}", "{who} changed your role in {what} {count} times"),
    row("you.account.role_changed", ThingAndKind, Below, "{who} changed your role in the account {what}", "{who} changed your role in the account {what} {count} times"),
    // Background processes and templates.
    row("template.applied", Alone, Instead, "{who} applied the template {what}", "{who} applied the template {what}"),
    row("template.published", Alone, Instead, "{who} published the template {what}", "{who} published the template {what}"),
    row("process.succeeded", Day, Below, "{what} succeeded", "{count} background processes succeeded"),
    row("process.partially_failed", Day, Below, "{what} failed in part", "{count} background processes failed in part"),
    row("process.failed", Day, Below, "{what} failed", "{count} background processes failed"),
    row("process.cancelled", Day, Below, "{what} was cancelled", "{count} background processes were cancelled"),
    // Invites that the reader sent.
    row("invite.accepted", Day, Dropped, "{who} accepted your invite", "{who} accepted your invite"),
    row("invite.declined", Day, Below, "{who} declined your invite", "{who} declined your invite"),
    row("invite.expired", Day, Dropped, "Your invite to {what} expired", "{count} of your invites expired"),
    row("invite.delivery_failed", Day, Below, "Your invite to {what} could not be delivered", "{count} of your invites could not be delivered"),
];
