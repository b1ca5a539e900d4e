//! Every refusal that the calls promise, produced once over the wire. What the protos say and what is tried
//! here are held together.

mod acts;
mod rows;

use std::{collections::BTreeSet, fs};

use tonic::Code;
use workcenter::{
    access::Action,
    error::{self, Reason},
};

use self::acts::Stage;
use crate::{architecture::source::root, harness::reason};

/// The files whose services are tried.
const DESCRIBED: [&str; 10] = [
    "sessions",
    "profile",
    "accounts",
    "workcenters",
    "content",
    "activity",
    "invites",
    "preferences",
    "jobs",
    "templates",
];

/// The calls of their services, with what is said of each in its proto.
fn described() -> Vec<(String, String)> {
    let mut described = Vec::new();
    for file in DESCRIBED {
        let text = fs::read_to_string(root().join(format!("proto/workcenter/v1/{file}.proto"))).unwrap();
        let (mut service, mut said) = ("", String::new());
        for line in text.lines().map(str::trim) {
            if let Some(comment) = line.strip_prefix("//") {
                said.push_str(comment);
            } else if let Some(rest) = line.strip_prefix("service ") {
                service = rest.split(' ').next().unwrap();
                said.clear();
            } else if let Some(rest) = line.strip_prefix("rpc ") {
                let name = rest.split('(').next().unwrap();
                described.push((format!("{service}/{name}"), std::mem::take(&mut said)));
            } else {
                said.clear();
            }
        }
    }
    described
}

/// The words of a text that are written in capitals.
fn capitals(text: &str) -> BTreeSet<String> {
    let words = text.split(|it: char| !it.is_ascii_alphanumeric() && it != '_');
    words.filter(|it| it.len() > 3 && !it.bytes().any(|it| it.is_ascii_lowercase())).map(ToOwned::to_owned).collect()
}

/// A code as the protos write it: `INVALID_ARGUMENT`.
fn written(code: Code) -> String {
    let mut name = String::new();
    for char in format!("{code:?}").chars() {
        if char.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.extend(char.to_uppercase());
    }
    name
}

#[test]
fn every_call_is_here_with_every_refusal_that_its_proto_names() {
    let reasons: BTreeSet<_> =
        (1..=i32::from(u8::MAX)).filter_map(|it| Reason::try_from(it).ok()).map(error::reason).collect();
    let codes: BTreeSet<_> = (1..=16).map(|it| written(Code::from_i32(it))).collect();
    let described = described();
    let calls: BTreeSet<_> = described.iter().map(|(call, _)| call.as_str()).collect();
    let services: BTreeSet<_> = calls.iter().filter_map(|it| it.split('/').next()).collect();
    assert_eq!(services.len(), DESCRIBED.len());
    let ours = Action::ALL.iter().map(|it| it.path());
    let ours: BTreeSet<_> = ours.filter(|it| services.iter().any(|service| it.starts_with(service))).collect();
    assert_eq!(calls, ours);
    for (call, said) in &described {
        let rows: Vec<_> = rows::all().filter(|it| it.call == call).collect();
        assert!(!rows.is_empty(), "{call} is not tried");
        for word in capitals(said) {
            let is_tried = rows.iter().any(|it| it.reason == word || written(it.code) == word);
            let is_promise = reasons.contains(word.as_str()) || codes.contains(&word);
            assert!(is_tried || !is_promise, "{call} promises {word}, which is not tried");
        }
    }
    let unknown: Vec<_> = rows::all().filter(|it| !calls.contains(it.call)).map(|it| it.call).collect();
    assert!(unknown.is_empty(), "there are no such calls: {unknown:?}");
}

#[tokio::test]
async fn every_refusal_that_is_promised_is_given_once() {
    let stage = Stage::set().await;
    let mut others = Vec::new();
    for row in rows::all() {
        let status = (row.act)(&stage).await;
        if (status.code(), reason(&status).as_str()) != (row.code, row.reason) {
            others.push(format!("{} {} {}: {status:?}", row.call, written(row.code), row.reason));
        }
    }
    assert!(others.is_empty(), "{others:#?}");
}
