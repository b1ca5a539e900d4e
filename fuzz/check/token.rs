//! What must hold of any text that is said to be a token, and of anything that stands in one that was sealed here.

use jiff::Timestamp;
use workcenter::{
    error::Reason,
    page::{self, Page},
    secret::{TokenKey, digest},
    subscription::{Link, Switch},
};

/// What tokens are sealed for.
const PURPOSES: [(Switch, &str); 2] = [(Switch::Off, "unsubscribe"), (Switch::On, "resubscribe")];

/// Tries `bytes` as a token, and as what stands in one.
pub fn check(bytes: &[u8]) {
    let key: TokenKey = "0a".repeat(32).parse().expect("it is a key");
    let list: &[&[u8]] = &[b"ListJobs", b"ada"];
    let read = |token: &str| Page::read(&key, 1, token, list, Timestamp::UNIX_EPOCH);
    let text = String::from_utf8_lossy(bytes);

    // Nobody makes one without the key.
    assert!(PURPOSES.iter().all(|(switch, _)| Link::open(&key, *switch, &text).is_none()));
    match read(&text) {
        Ok(first) => assert!(text.is_empty() && first.after.is_none()),
        Err(refused) => assert_eq!(refused.reason, Reason::PageTokenInvalid),
    }

    for (switch, purpose) in PURPOSES {
        let sealed = key.seal(purpose, bytes);
        for (other, _) in PURPOSES {
            let Some(link) = Link::open(&key, other, &sealed) else { continue };
            assert_eq!(other, switch);
            assert_eq!(Link::open(&key, other, &link.seal(&key, other)), Some(link));
        }
        assert!(read(&sealed).is_err());
    }
    assert!(read(&key.seal("page", bytes)).is_err_and(|it| it.reason == Reason::PageTokenInvalid));
    let sealed = key.seal("page", &[&digest(list), bytes].concat());
    let until = bytes.first_chunk().map(|it| i64::from_be_bytes(*it));
    let place = bytes.get(8..).and_then(|it| std::str::from_utf8(it).ok());
    let after = read(&sealed).map(|it| it.after).ok().flatten();
    assert_eq!(after.as_deref(), place.filter(|_| until.is_some_and(|it| 0 <= it)));

    if let Some((at, who)) = page::came(&text) {
        assert_eq!(page::came(&page::coming(at, who)), Some((at, who)));
    }
}
