//! The items of a job on the wire: page by page, and as a table.

use jiff::Timestamp;
use uuid::Uuid;

use super::{ItemKind, ItemState, RETRYABLE, store};
use crate::{
    db::GenericClient,
    error::{Result, Violations},
    page::Page,
    pb::{JobItem, JobItemKind, JobItemState},
    secret::TokenKey,
};

/// Items of a chunk of an export: a few hundred kilobytes.
const CHUNK: i64 = 1_000;

/// The names of the columns of an export.
const COLUMNS: &str =
    "item_id,kind,state,path,size_bytes,action,code,text,retryable,target_id,target_path,attempts,line,column\r\n";

/// What begins a formula in a spreadsheet.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// Reads the states that a list is to have.
pub(in crate::job) fn states(sent: &[i32], violations: &mut Violations) -> Vec<ItemState> {
    let mut states = Vec::new();
    for (index, number) in sent.iter().enumerate() {
        match ItemState::ALL.into_iter().find(|it| JobItemState::from(*it) as i32 == *number) {
            Some(state) => states.push(state),
            None => violations.add(format!("states[{index}]"), "must be a JobItemState"),
        }
    }
    states
}

/// A page of the items of a job, and the token of the next one.
pub(in crate::job) async fn page(
    on: &impl GenericClient,
    job: Uuid,
    states: &[ItemState],
    page: &Page,
    key: &TokenKey,
    now: Timestamp,
) -> Result<(Vec<JobItem>, String)> {
    let after = page.after.as_deref().and_then(place).unwrap_or_default();
    let mut items = store::list(on, job, states, after, page.fetch).await?;
    let next = page.cut(key, &mut items, |it| format!("{} {}", it.seq, it.id), now);
    Ok((items.into_iter().map(Into::into).collect(), next))
}

/// Reads where a page ended.
fn place(text: &str) -> Option<(i64, Uuid)> {
    let (seq, id) = text.split_once(' ')?;
    Some((seq.parse().ok()?, id.parse().ok()?))
}

/// A part of the table of the items of a job that come after `after`, none of them at first, and where it ends; nothing when
/// there are no more.
pub(in crate::job) async fn export(
    on: &impl GenericClient,
    job: Uuid,
    states: &[ItemState],
    after: Option<(i64, Uuid)>,
) -> Result<Option<(String, (i64, Uuid))>> {
    let items = store::list(on, job, states, after.unwrap_or_default(), CHUNK).await?;
    let end = items.last().map(|it| (it.seq, it.id));
    if end.is_none() && after.is_some() {
        return Ok(None);
    }
    let mut table = if after.is_none() { COLUMNS.to_owned() } else { String::new() };
    for item in &items {
        table.push_str(&line(item));
    }
    Ok(Some((table, end.unwrap_or((i64::MAX, Uuid::max())))))
}

/// An item as a line of the table.
fn line(item: &store::Listed) -> String {
    let target = item.target.map(|it| it.to_string()).unwrap_or_default();
    let cells = [
        item.id.to_string(),
        item.kind.name().to_owned(),
        item.state.name().to_owned(),
        cell(&item.path),
        item.bytes.to_string(),
        item.action.clone(),
        item.code.clone(),
        cell(&item.text),
        item.is_retryable().to_string(),
        target,
        cell(&item.target_path),
        item.attempt.to_string(),
        item.line.to_string(),
        item.column.clone(),
    ];
    cells.join(",") + "\r\n"
}

/// A text that people have chosen, in quotes, and harmless to whoever opens the table.
fn cell(text: &str) -> String {
    let apostrophe = if text.starts_with(FORMULA) { "'" } else { "" };
    format!("\"{apostrophe}{}\"", text.replace('"', "\"\""))
}

impl store::Listed {
    fn is_retryable(&self) -> bool {
        self.repeats && self.state == ItemState::Failed && RETRYABLE.contains(&self.code.as_str())
    }
}

impl From<ItemState> for JobItemState {
    fn from(state: ItemState) -> Self {
        match state {
            ItemState::Pending => Self::Pending,
            ItemState::Done => Self::Done,
            ItemState::Skipped => Self::Skipped,
            ItemState::Failed => Self::Failed,
            ItemState::Cancelled => Self::Cancelled,
        }
    }
}

impl From<ItemKind> for JobItemKind {
    fn from(kind: ItemKind) -> Self {
        match kind {
            ItemKind::Recipient => Self::Recipient,
            ItemKind::Folder => Self::Folder,
            ItemKind::Document => Self::Document,
            ItemKind::Invite => Self::Invite,
            ItemKind::Setting => Self::Setting,
            ItemKind::Collaborator => Self::Collaborator,
            ItemKind::Task => Self::Task,
            ItemKind::Post => Self::Post,
            ItemKind::Comment => Self::Comment,
            ItemKind::WorkCenter => Self::WorkCenter,
        }
    }
}

impl From<store::Listed> for JobItem {
    fn from(item: store::Listed) -> Self {
        Self {
            item_id: item.id.to_string(),
            kind: JobItemKind::from(item.kind).into(),
            state: JobItemState::from(item.state).into(),
            retryable: item.is_retryable(),
            path: item.path,
            size_bytes: item.bytes,
            action: item.action,
            code: item.code,
            text: item.text,
            target_id: item.target.map(|it| it.to_string()).unwrap_or_default(),
            target_path: item.target_path,
            attempts: item.attempt,
            line: item.line,
            column: item.column,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_quoted_and_never_a_formula() {
        assert_eq!(cell("a, \"b\"\nc"), "\"a, \"\"b\"\"\nc\"");
        assert_eq!(cell("=SUM(A1)"), "\"'=SUM(A1)\"");
        assert_eq!(cell(""), "\"\"");
    }
}
