//! Archives that say what is not so, or want what they must not have.

use std::collections::BTreeSet;

use workcenter::pb::JobState;

use super::pack::{Entry, archive, deflated, folder, large_archive, stored};
use crate::{bulk::Stage, content::noise};

/// Imports what is sound beside `entries`, and returns what became of these.
async fn ends(entries: &[Entry]) -> Vec<String> {
    let stage = Stage::set().await;
    let space = stage.space("Pier").await;
    // So much of it that the archive as a whole is beyond suspicion.
    let sound = noise(200 << 10);
    let all = [&[stored("sound", &sound)], entries].concat();
    let job = stage.imported(space, &archive(&all)).await;
    let mut ends = stage.ends(&job).await;
    ends.retain(|it| it != "sound DONE");
    ends.sort_unstable();
    let done = ends.iter().filter(|it| it.ends_with(" DONE")).count();
    let held = stage.held(space).await;
    assert_eq!((held["sound"].concat() == sound, held.len()), (true, done + 1), "{ends:?}");
    let documents: BTreeSet<_> = held.into_values().flatten().collect();
    stage.keeps(documents.len()).await;
    ends
}

#[tokio::test]
async fn a_name_that_leads_anywhere_else_or_that_nothing_may_have_is_not_imported() {
    let long = "n".repeat(256);
    let deep = "d/".repeat(101);
    let ends = ends(&[
        stored("../up", b"1"),
        stored("a/../../up", b"1"),
        stored("/etc/passwd", b"1"),
        stored("C:/boot.ini", b"1"),
        stored("a\\b", b"1"),
        stored("tab\tbed", b"1"),
        stored("nul\0", b"1"),
        stored(" a", b"1"),
        stored("", b"1"),
        stored(&long, b"1"),
        stored(format!("{deep}x"), b"1"),
        folder("../"),
        stored(b"latin \xe9", b"1"),
    ])
    .await;
    let (long, deep) = (format!("{long} FAILED NAME_TOO_LONG"), format!("{deep}x FAILED DEPTH"));
    let mut expected = vec![
        " FAILED NAME_INVALID",
        " a FAILED NAME_INVALID",
        "../ FAILED NAME_INVALID",
        "../up FAILED NAME_INVALID",
        "/etc/passwd FAILED NAME_INVALID",
        "C:/boot.ini FAILED NAME_INVALID",
        "a/../../up FAILED NAME_INVALID",
        "a\\b FAILED NAME_INVALID",
        "latin \u{fffd} FAILED NAME_INVALID",
        "nul\u{fffd} FAILED NAME_INVALID",
        "tab\u{fffd}bed FAILED NAME_INVALID",
        &long,
        &deep,
    ];
    expected.sort_unstable();
    assert_eq!(ends, expected);
}

#[tokio::test]
async fn what_is_no_plain_document_is_told_by_its_code() {
    let plain = |name: &str| deflated(name, &b"plan ".repeat(100));
    let ends = ends(&[
        Entry { mode: 0o120_777, ..stored("link", b"/etc/passwd") },
        Entry { mode: 0o020_666, ..stored("device", b"") },
        Entry { mode: 0o010_666, ..stored("pipe", b"") },
        Entry { flags: 1, ..plain("locked") },
        Entry { flags: 1 | 1 << 6, ..plain("locked well") },
        Entry { method: 12, ..plain("bzip2") },
        Entry { method: 99, ..plain("aes") },
        // Windows says nothing of modes.
        Entry { system: 0, mode: 0o120_777, ..plain("no link") },
        stored("__MACOSX/._a", b"1"),
        stored("deep/.DS_Store", b"1"),
    ])
    .await;
    assert_eq!(
        ends,
        [
            "__MACOSX/._a SKIPPED SYSTEM_FILE",
            "aes FAILED UNSUPPORTED",
            "bzip2 FAILED UNSUPPORTED",
            "deep/.DS_Store SKIPPED SYSTEM_FILE",
            "device FAILED SPECIAL_FILE",
            "link FAILED SPECIAL_FILE",
            "locked FAILED ENCRYPTED",
            "locked well FAILED ENCRYPTED",
            "no link DONE",
            "pipe FAILED SPECIAL_FILE",
        ]
    );
}

#[tokio::test]
async fn a_document_that_is_not_what_is_said_of_it_is_not_imported() {
    let blank = vec![0; 300 << 10];
    let plan: Vec<u8> = noise(100_000).into_iter().map(|it| b'a' + it % 16).collect();
    let said = |name: &str, bytes: u64| Entry { said: (None, bytes, None), ..deflated(name, &plan) };
    let cut = deflated("cut", &plan);
    let half = cut.packed.len() as u64 / 2;
    let large = vec![1; 6 << 20];
    let ends = ends(&[
        // Far more comes out than is said; or less.
        said("more", 100),
        said("a byte more", 99_999),
        said("less", 100_001),
        Entry { crc: 1, ..deflated("other", &plan) },
        Entry { crc: 1, ..stored("other, not packed", &plan) },
        Entry { crc: 1, ..deflated("other, in parts", &[&noise(1 << 20)[..], &large].concat()) },
        Entry { said: (Some(half), 100_000, None), ..cut },
        Entry { packed: noise(500), said: (None, 400, None), ..deflated("noise", b"") },
        Entry { said: (None, 5, None), ..stored("not packed, and less", b"1234") },
        Entry { said: (None, 4, Some(1 << 30)), ..stored("beyond the end", b"1234") },
        Entry { said: (Some(10 << 20), 10 << 20, None), ..stored("far too long", b"1234") },
        Entry { said: (None, 4, Some(3)), ..stored("where nothing begins", b"1234") },
        // A hundred times as much, and more.
        deflated("blank", &blank),
        deflated("blank, and small", &blank[..64 << 10]),
    ])
    .await;
    let mut expected: Vec<String> = [
        "more",
        "a byte more",
        "less",
        "other",
        "other, not packed",
        "other, in parts",
        "cut",
        "noise",
        "not packed, and less",
        "beyond the end",
        "where nothing begins",
    ]
    .iter()
    .map(|it| format!("{it} FAILED CORRUPT"))
    .collect();
    expected.extend(
        ["blank FAILED TOO_LARGE", "blank, and small DONE", "far too long FAILED CORRUPT"].map(ToOwned::to_owned),
    );
    expected.sort_unstable();
    assert_eq!(ends, expected);
}

#[tokio::test]
async fn of_documents_that_share_their_bytes_one_is_imported() {
    let kernel = deflated("kernel", &b"plan ".repeat(100));
    // The sound one is before it: its name, what stands before it, and its bytes.
    let at = 30 + 5 + (200 << 10);
    let again = |name: &str, at: u64| Entry { said: (Some(10), 500, Some(at)), ..stored(name, b"") };
    let again = |name: &str, at: u64| Entry { method: 8, crc: kernel.crc, ..again(name, at) };
    let ends = ends(&[kernel.clone(), again("the same", at), again("from within", at + 4)]).await;
    assert_eq!(ends.iter().filter(|it| it.ends_with(" DONE")).count(), 1, "{ends:?}");
    assert_eq!(ends.iter().filter(|it| it.ends_with(" FAILED CORRUPT")).count(), 2, "{ends:?}");
}

#[tokio::test]
async fn names_of_old_systems_are_read_as_these_wrote_them() {
    let old = |name: &[u8]| Entry { flags: 0, system: 0, mode: 0, ..stored(name, b"1") };
    // Some write UTF-8 and do not say so.
    let ends = ends(&[old(b"Stra\xe1e"), old(b"caf\x82"), old("Größe".as_bytes())]).await;
    assert_eq!(ends, ["Größe DONE", "Straße DONE", "café DONE"]);
}

#[tokio::test]
async fn a_large_archive_is_read_however_little_is_in_it() {
    let stage = Stage::set().await;
    let space = stage.space("Pier").await;
    let archive = large_archive(&[folder("a/"), deflated("a/plan", &b"plan ".repeat(9)), stored("b", b"1")]);
    let job = stage.imported(space, &archive).await;
    assert_eq!((job.state(), job.done_items), (JobState::Succeeded, 3), "{:?}", stage.ends(&job).await);
    assert_eq!(stage.held(space).await["a/plan"], [b"plan ".repeat(9)]);
}
