//! The rules of the house: who may import whom, where outside crates live, what files may be called and how long they
//! may be. A rule that changes is a line here.

mod homes;
pub mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use homes::HOMES;
use source::{Source, root, sources};

use crate::migrations::{self, Table};

/// The floor, in the order of `lib.rs`, with what each imports of it. Everything above the floor may import all of it.
const FLOOR: &[(&str, &str)] = &[
    ("pb", ""),
    ("error", "pb"),
    ("ids", "error"),
    ("tally", ""),
    ("trail", ""),
    ("mask", "error"),
    ("secret", "error"),
    ("tls", ""),
    ("auth", "error secret"),
    ("config", "auth error secret tls"),
    ("process", "config error"),
    ("trace", "config error"),
    ("db", "config error tls trace"),
    ("blob", "config db error secret"),
    ("clock", "db error"),
    ("page", "error secret"),
    ("transfers", "error"),
    ("notice", "config db error"),
    ("mail", "config error secret tls"),
    ("client", "config error secret"),
    ("progress", "error mail pb"),
];

/// The rooms and, last, the roof: in the order of `lib.rs`, with what each imports of those before it.
const ABOVE: &[(&str, &str)] = &[
    ("access", ""),
    ("request", ""),
    ("activity", ""),
    ("outbox", ""),
    ("job", "access request"),
    ("subscription", "activity"),
    ("completion", "activity job subscription"),
    ("publication", "access activity outbox subscription"),
    ("identity", "access outbox"),
    ("account", "access identity subscription"),
    ("profile", "access account identity subscription"),
    ("workcenter", "access account activity outbox profile request subscription"),
    ("content", "access account activity completion job request subscription workcenter"),
    ("member", "access account activity identity outbox profile request subscription workcenter"),
    ("digest", "activity job outbox subscription"),
    ("preference", "access account activity digest identity outbox subscription workcenter"),
    ("invite", "access account completion identity job outbox profile request subscription workcenter"),
    ("template", "access account completion content invite job profile request subscription workcenter"),
    ("audit", ""),
    (
        "server",
        "access audit content digest identity invite job member outbox preference profile publication \
         template workcenter",
    ),
    (
        "daemon",
        "account content digest identity invite job outbox preference profile request server subscription template \
         workcenter",
    ),
    ("demo", "outbox"),
    ("operator", "access account audit demo digest identity job profile subscription"),
];

/// Where statements of SQL stand.
const SQL: [&str; 5] = ["*/store.rs", "src/subscription/settlement.rs", "src/clock.rs", "src/db.rs", "src/notice.rs"];

/// Names that say nothing.
const EMPTY_NAMES: [&str; 13] = [
    "util", "utils", "helper", "helpers", "common", "misc", "types", "models", "manager", "handler", "impl", "dto",
    "base",
];

/// Lines of a file: what one reads in a sitting.
const LINES_MAX: usize = 450;

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace()
}

fn lives(path: &str, homes: &[&str]) -> bool {
    homes.iter().any(|home| match home.strip_prefix('*') {
        Some(name) => path.ends_with(name),
        None => path.starts_with(home),
    })
}

fn production() -> Vec<Source> {
    let mut sources = sources(&["src", "bin"]);
    sources.retain(|it| !it.only_tests());
    sources
}

/// The modules in the order in which `lib.rs` declares them.
fn declared() -> Vec<String> {
    let text = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let names = text.lines().filter_map(|it| it.strip_prefix("pub mod ")?.strip_suffix(';'));
    names.map(ToOwned::to_owned).collect()
}

/// What each module imports of ours, and one file that does.
fn imports() -> BTreeMap<(String, String), String> {
    let mut imports = BTreeMap::new();
    for source in sources(&["src"]) {
        for path in source.paths.iter().filter(|it| it[0] == "crate" && it[1] != source.module()) {
            imports.insert((source.module().to_owned(), path[1].clone()), source.path.clone());
        }
    }
    imports
}

#[test]
fn every_module_stands_in_the_table_in_reading_order() {
    let table: Vec<_> = FLOOR.iter().chain(ABOVE).map(|(module, _)| *module).collect();
    assert_eq!(declared(), table);
}

#[test]
fn imports_point_down() {
    let order = declared();
    let place = |module: &str| order.iter().position(|it| it == module);
    let up: Vec<_> = imports().into_iter().filter(|((from, to), _)| place(from) <= place(to)).collect();
    assert!(up.is_empty(), "these import what stands after them in lib.rs: {up:#?}");
}

#[test]
fn a_module_imports_only_what_the_table_says_and_the_table_says_no_more() {
    let floor: BTreeSet<_> = FLOOR.iter().map(|(module, _)| *module).collect();
    let made: BTreeSet<_> = imports()
        .into_keys()
        .filter(|(from, to)| floor.contains(from.as_str()) || !floor.contains(to.as_str()))
        .collect();
    let edges = |(from, to): &(&str, &'static str)| {
        let from = from.to_string();
        words(to).map(move |to| (from.clone(), to.to_owned())).collect::<Vec<_>>()
    };
    let may: BTreeSet<_> = FLOOR.iter().chain(ABOVE).flat_map(edges).collect();
    let new: Vec<_> = made.difference(&may).collect();
    assert!(new.is_empty(), "imports that the table does not have: {new:?}");
    let unused: Vec<_> = may.difference(&made).collect();
    assert!(unused.is_empty(), "imports that nobody makes: {unused:?}");
}

#[test]
fn every_outside_crate_has_its_home() {
    let mut strays = Vec::new();
    let mut used = BTreeSet::new();
    for source in production() {
        for path in &source.paths {
            let name = if path[0] == "crate" { format!("crate::{}", path[1]) } else { path[0].clone() };
            let Some((name, homes)) = HOMES.iter().find(|(it, _)| *it == name) else { continue };
            used.extend(homes.iter().filter(|home| lives(&source.path, &[home])).map(|home| (*name, *home)));
            if !lives(&source.path, homes) {
                strays.push(format!("{name} in {}", source.path));
            }
        }
    }
    assert!(strays.is_empty(), "away from home: {strays:#?}");
    let homes = HOMES.iter().flat_map(|(name, homes)| homes.iter().map(|home| (*name, *home)));
    let empty: Vec<_> = homes.filter(|it| !used.contains(it)).collect();
    assert!(empty.is_empty(), "homes where nobody is: {empty:?}");
}

#[test]
fn every_dependency_is_known_to_the_table() {
    let mut named = BTreeSet::new();
    for manifest in ["Cargo.toml", "src/profile/picture/resize/Cargo.toml", "src/profile/picture/squares/Cargo.toml"] {
        let manifest = fs::read_to_string(root().join(manifest)).unwrap();
        let section = manifest.split("\n[dependencies]\n").nth(1).unwrap().split("\n[").next().unwrap();
        let names = section.lines().filter_map(|it| Some(it.split_once(" = ")?.0)).filter(|it| !it.starts_with('#'));
        named.extend(names.map(|it| it.replace('-', "_")));
    }
    let known = HOMES.iter().map(|(name, _)| *name).filter(|it| !["std", "crate::pb"].contains(it));
    let known: BTreeSet<_> = known.map(ToOwned::to_owned).collect();
    let apart: Vec<_> = named.symmetric_difference(&known).collect();
    assert!(apart.is_empty(), "either in Cargo.toml or in the table: {apart:?}");
}

#[test]
fn the_service_and_the_store_of_a_room_are_its_own() {
    let open = |it: &Source| it.text.contains("pub mod service;") || it.text.contains("pub mod store;");
    let open: Vec<_> = production().into_iter().filter(open).map(|it| it.path).collect();
    assert!(open.is_empty(), "open to everybody: {open:?}");
}

#[test]
fn no_file_outgrows_a_sitting() {
    let long = sources(&["src", "bin", "tests", "proto"]).into_iter().filter(|it| it.lines > LINES_MAX);
    let long: Vec<_> = long.map(|it| format!("{}: {}", it.path, it.lines)).collect();
    assert!(long.is_empty(), "longer than {LINES_MAX} lines: {long:?}");
}

#[test]
fn no_name_says_nothing_and_every_file_says_what_it_is() {
    for source in sources(&["src", "bin", "tests", "proto"]) {
        let names = source.path.split('/').map(|it| it.trim_end_matches(".rs"));
        let declared = source.text.lines().filter_map(|it| it.trim().split_once("mod ")?.1.split([';', ' ']).next());
        for name in names.chain(declared) {
            assert!(!EMPTY_NAMES.contains(&name), "{name} in {} says nothing", source.path);
        }
        assert!(source.text.starts_with("//! "), "{} does not begin with what it is", source.path);
    }
}

#[test]
fn sql_stands_in_stores() {
    for source in production() {
        for literal in &source.literals {
            let text = literal.trim_start_matches(|it: char| it.is_whitespace() || it == '\\').to_lowercase();
            let begins = ["select ", "insert into ", "update ", "delete from ", "listen ", "lock table "];
            let common = text.strip_prefix("with ").is_some_and(|it| words(it).nth(1).is_some_and(|it| it == "as"));
            let sql = common || begins.iter().any(|it| text.starts_with(it));
            assert!(!sql || lives(&source.path, &SQL), "{} speaks SQL: {literal}", source.path);
        }
    }
}

#[test]
fn a_table_is_written_by_the_room_that_its_comment_names() {
    let mut written: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in production() {
        for table in written_by(&source) {
            written.entry(table).or_default().insert(source.module().to_owned());
        }
    }
    let modules = declared();
    // What a trigger writes is written by nobody else.
    let by_us = |it: &&Table| !it.opening.contains("Written by the trigger ");
    let named: BTreeMap<_, BTreeSet<_>> =
        migrations::tables().iter().filter(by_us).map(|it| (it.name.clone(), writers(it, &modules))).collect();
    assert_eq!(written, named);
}

/// The modules that the comment of a table, or of one of its columns, says it is written by.
fn writers(table: &Table, modules: &[String]) -> BTreeSet<String> {
    let names: Vec<_> = words(&table.comments).filter(|it| *it != "the").collect();
    let by = names.windows(2).filter(|it| it[0] == "by");
    let module = |it: &str| it.split("::").next().unwrap_or(it).trim_end_matches([',', '.']).to_owned();
    by.map(|it| module(it[1])).filter(|it| modules.contains(it)).collect()
}

/// The tables that a file writes to, in text or by the builder.
fn written_by(source: &Source) -> BTreeSet<String> {
    let mut tables = BTreeSet::new();
    for literal in &source.literals {
        let words: Vec<_> =
            literal.split(|it: char| !it.is_alphanumeric() && it != '_').filter(|it| !it.is_empty()).collect();
        for (at, pair) in words.windows(3).enumerate() {
            let before = at.checked_sub(1).map(|it| words[it]);
            match pair {
                ["insert", "into", table] | ["delete", "from", table] => tables.insert((*table).to_owned()),
                ["update", table, "set"] if before != Some("do") => tables.insert((*table).to_owned()),
                _ => false,
            };
        }
    }
    for call in [".into_table(", ".from_table(", "Query::update()\n        .table("] {
        for (at, _) in source.text.match_indices(call) {
            let columns = source.text[at + call.len()..].split("::").next().unwrap();
            tables.insert(table_of(&source.text, columns, &source.text[..at]));
        }
    }
    tables
}

/// The table whose columns are the enum that is called `columns` where `before` ends.
fn table_of(text: &str, columns: &str, before: &str) -> String {
    let alias = format!(" as {columns};");
    let columns = match before.rfind(&alias) {
        Some(at) => before[..at].rsplit(' ').next().unwrap(),
        None => columns,
    };
    let opening = format!("enum {columns} {{");
    let at = text.find(&opening).unwrap_or_else(|| panic!("no columns {columns}"));
    // The name stands at the enum or at its first variant, or is the enum's own.
    let attributes = text[..at].rsplit("\n\n").next().unwrap();
    let first = text[at..].split("Table,").next().unwrap();
    match format!("{attributes}{first}").split("iden = \"").nth(1) {
        Some(name) => name.split('"').next().unwrap().to_owned(),
        None => columns.to_lowercase(),
    }
}

#[test]
fn the_time_has_one_home() {
    for source in production() {
        for path in &source.paths {
            let ends = |name: &str, of: &str| path.ends_with(&[name.to_owned(), of.to_owned()]);
            let told = ends("Timestamp", "now") || ends("Zoned", "now") || path.contains(&"SystemTime".to_owned());
            assert!(!told || source.path == "src/clock.rs", "{} looks at the wall clock", source.path);
        }
    }
}

#[test]
fn nothing_reads_the_environment_but_the_settings() {
    for source in production() {
        let reads =
            source.paths.iter().any(|it| it[0] == "env" || it.starts_with(&["std".to_owned(), "env".to_owned()]));
        assert!(!reads || source.path == "src/config.rs", "{} reads the environment", source.path);
    }
}

#[test]
fn rooms_do_not_sleep() {
    let rooms: BTreeSet<_> =
        ABOVE.iter().map(|(module, _)| *module).filter(|it| !["server", "daemon"].contains(it)).collect();
    for source in production().iter().filter(|it| rooms.contains(it.module())) {
        let sleeps = |it: &Vec<String>| it.last().is_some_and(|name| name.starts_with("sleep"));
        assert!(!source.paths.iter().any(sleeps), "{} sleeps", source.path);
    }
}
