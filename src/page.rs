//! Pages of lists: how many rows, and where the last page ended.
//!
//! A page token is sealed: it says where to go on, for which list and until when it is good, and it gives no right. The
//! list's other arguments are bound to it, so a token of another query is refused.

use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    error::{Reason, Result, Violation},
    secret::{Hash, TokenKey, digest},
};

/// Rows of a page when the caller does not say.
pub const SIZE: i64 = 50;

/// Rows of a page at most: what a client can show, and less than a megabyte of any message.
pub const SIZE_MAX: i64 = 200;

/// How long a page token is good, in seconds: three days. Source: AIP-158.
const TOKEN_SECONDS: i64 = 3 * 24 * 3600;

/// What a page token is sealed for.
const PURPOSE: &str = "page";

/// The key of a row of a list of people as they came: when, and who.
pub fn coming(at: Timestamp, user: Uuid) -> String {
    format!("{} {user}", at.as_microsecond())
}

/// Reads what [`coming`] wrote.
pub fn came(key: &str) -> Option<(Timestamp, Uuid)> {
    let (at, user) = key.split_once(' ')?;
    Some((Timestamp::from_microsecond(at.parse().ok()?).ok()?, user.parse().ok()?))
}

/// One page of a list.
#[derive(Debug)]
pub struct Page {
    /// Rows to fetch: one more than fit, to see whether there is another page.
    pub fetch: i64,
    /// The key of the last row of the page before.
    pub after: Option<String>,
    list: Hash,
}

impl Page {
    /// Reads `page_size` and `page_token` of a request for the list that `list` names with all its other arguments.
    ///
    /// # Errors
    ///
    /// The violation to report: a negative size, or a token that is not ours, too old, or of another list.
    pub fn read(key: &TokenKey, size: i32, token: &str, list: &[&[u8]], now: Timestamp) -> Result<Self, Violation> {
        if size < 0 {
            return Err(Violation::new("page_size", "must not be negative"));
        }
        let size = if size == 0 { SIZE } else { i64::from(size).min(SIZE_MAX) };
        let list = digest(list);
        let after = if token.is_empty() { None } else { Some(place(key, token, list, now)?) };
        Ok(Self { fetch: size + 1, after, list })
    }

    /// Cuts `rows` to the page; returns the token of the next page, empty on the last one. `place` is the key of a row.
    pub fn cut<T>(&self, key: &TokenKey, rows: &mut Vec<T>, place: impl Fn(&T) -> String, now: Timestamp) -> String {
        let size = usize::try_from(self.fetch - 1).unwrap_or_default();
        if rows.len() <= size {
            return String::new();
        }
        rows.truncate(size);
        let Some(last) = rows.last() else { return String::new() };
        let until = now.as_second() + TOKEN_SECONDS;
        key.seal(PURPOSE, &[&self.list, until.to_be_bytes().as_slice(), place(last).as_bytes()].concat())
    }
}

fn place(key: &TokenKey, token: &str, list: Hash, now: Timestamp) -> Result<String, Violation> {
    let refused = || {
        Violation::new("page_token", "must come from the page before of the same list, within three days")
            .because(Reason::PageTokenInvalid)
    };
    let content = key.open(PURPOSE, token).ok_or_else(refused)?;
    let (of, rest) = content.split_first_chunk::<32>().ok_or_else(refused)?;
    let (until, place) = rest.split_first_chunk::<8>().ok_or_else(refused)?;
    if *of != list || i64::from_be_bytes(*until) < now.as_second() {
        return Err(refused());
    }
    String::from_utf8(place.to_vec()).map_err(|_not_ours| refused())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> TokenKey {
        "0a".repeat(32).parse().unwrap()
    }

    #[test]
    fn a_token_leads_on_from_the_last_row_of_its_own_list_for_three_days() {
        let now = Timestamp::UNIX_EPOCH;
        let list: &[&[u8]] = &[b"ListJobs", b"ada"];
        let first = Page::read(&key(), 2, "", list, now).unwrap();
        assert_eq!((first.fetch, first.after.as_deref()), (3, None));
        let mut rows = vec!["a", "b", "c"];
        let token = first.cut(&key(), &mut rows, ToString::to_string, now);
        assert_eq!(rows, ["a", "b"]);

        let second = Page::read(&key(), 2, &token, list, now).unwrap();
        assert_eq!(second.after.as_deref(), Some("b"));
        assert_eq!(second.cut(&key(), &mut vec!["c"], ToString::to_string, now), "");

        let other: &[&[u8]] = &[b"ListJobs", b"bob"];
        for (token, list, at) in [
            (token.as_str(), other, now),
            (token.as_str(), list, Timestamp::from_second(TOKEN_SECONDS + 1).unwrap()),
            ("nonsense", list, now),
        ] {
            let refused = Page::read(&key(), 2, token, list, at).unwrap_err();
            assert_eq!(refused.reason, Reason::PageTokenInvalid);
        }
    }

    #[test]
    fn a_size_is_fifty_by_default_and_two_hundred_at_most() {
        let fetch = |size| Page::read(&key(), size, "", &[], Timestamp::UNIX_EPOCH).map(|it| it.fetch);
        assert_eq!(fetch(0), Ok(51));
        assert_eq!(fetch(1_000), Ok(201));
        assert!(fetch(-1).is_err());
    }
}
