//! The schema: that it can be made, once and by several at a time, and that it says what it is.

use std::collections::BTreeSet;
use std::fs;

use workcenter::db;

use crate::architecture::source::{root, sources};
use crate::harness::App;

/// A table as its migration makes it.
pub struct Table {
    pub name: String,
    /// What is said before it, about the whole.
    pub opening: String,
    /// The same with everything that is said in it, about its columns, in one line.
    pub comments: String,
}

/// Every table, in the order of the migrations.
pub fn tables() -> Vec<Table> {
    let texts: Vec<_> = files().into_iter().map(|(_, text)| text).collect();
    texts.iter().flat_map(|text| tables_of(text)).collect()
}

fn tables_of(text: &str) -> Vec<Table> {
    let lines: Vec<_> = text.lines().collect();
    let comment = |line: &&&str| line.trim_start().starts_with("--");
    let join = |lines: Vec<&&str>| {
        lines.iter().map(|it| it.trim().trim_start_matches("--").trim()).collect::<Vec<_>>().join(" ")
    };
    let begins = lines.iter().enumerate().filter_map(|(at, line)| Some((at, line.strip_prefix("create table ")?)));
    begins
        .map(|(at, rest)| {
            let mut before: Vec<_> = lines[..at].iter().rev().take_while(comment).collect();
            before.reverse();
            let inside = lines[at..].iter().take_while(|it| !it.starts_with(')')).filter(comment);
            let opening = join(before);
            let comments = format!("{opening} {}", join(inside.collect()));
            Table { name: rest.split([' ', '(']).next().unwrap().to_owned(), opening, comments }
        })
        .collect()
}

/// The migrations: version and text, in order.
pub fn files() -> Vec<(u32, String)> {
    let files = fs::read_dir(root().join("migrations")).unwrap().map(|it| it.unwrap().path());
    let version = |name: &str| name.strip_prefix('V')?.split_once("__")?.0.parse().ok();
    let mut files: Vec<_> = files
        .map(|it| {
            let name = it.file_name().unwrap().to_str().unwrap();
            let version = version(name).unwrap_or_else(|| panic!("{name} is not named like V1__noun.sql"));
            (version, fs::read_to_string(&it).unwrap())
        })
        .collect();
    files.sort();
    files
}

/// An application whose database was emptied.
pub async fn emptied() -> App {
    let app = App::start().await;
    app.client().await.batch_execute("drop schema public cascade; create schema public").await.unwrap();
    app
}

async fn names(app: &App, query: &str) -> BTreeSet<String> {
    app.client().await.query(query, &[]).await.unwrap().iter().map(|it| it.get(0)).collect()
}

const TABLES: &str = "select table_name::text from information_schema.tables
    where table_schema = 'public' and table_name <> 'refinery_schema_history'";

#[tokio::test]
async fn the_schema_is_made_in_an_empty_database_and_made_again_is_left_alone() {
    let app = emptied().await;
    assert_eq!(app.pool().schema().await.unwrap(), 0);
    assert!(!app.pool().ready().await);

    let applied = db::migrate(app.database()).await.unwrap();
    assert_eq!(applied.len(), files().len());
    assert_eq!(app.pool().schema().await.unwrap(), db::needed());
    assert!(app.pool().ready().await);
    let made: BTreeSet<_> = tables().into_iter().map(|it| it.name).collect();
    assert_eq!(names(&app, TABLES).await, made);

    assert_eq!(db::migrate(app.database()).await.unwrap(), Vec::<String>::new());
    assert_eq!(names(&app, TABLES).await, made);
}

#[tokio::test]
async fn of_several_who_migrate_at_once_one_does_and_all_succeed() {
    let app = emptied().await;
    let (first, second, third) =
        tokio::join!(db::migrate(app.database()), db::migrate(app.database()), db::migrate(app.database()));
    let mut applied = [first, second, third].map(|it| it.unwrap().len());
    applied.sort_unstable();
    assert_eq!(applied, [0, 0, files().len()]);
}

#[tokio::test]
async fn a_newer_schema_serves_an_older_program() {
    let app = App::start().await;
    let newer = "insert into refinery_schema_history (version, name, applied_on, checksum)
        values (1000, 'later', '', '')";
    app.client().await.batch_execute(newer).await.unwrap();
    assert!(app.pool().ready().await);
}

#[test]
fn migrations_are_numbered_without_gaps() {
    let versions: Vec<_> = files().into_iter().map(|(version, _)| version).collect();
    assert_eq!(versions, (1..=db::needed()).collect::<Vec<_>>());
}

#[test]
fn every_table_opens_with_what_a_row_is_and_who_writes_it() {
    let tables = tables();
    assert!(!tables.is_empty());
    for Table { name, opening, .. } in tables {
        let who = ["Written by ", "Inserted by "].iter().any(|it| opening.contains(it));
        assert!(who && !opening.starts_with("Written"), "{name} opens with: {opening}");
    }
}

#[test]
fn every_index_says_what_it_is_for() {
    for (version, text) in files() {
        let mut said = false;
        for line in text.lines() {
            let index = line.starts_with("create index ") || line.starts_with("create unique index ");
            assert!(!index || said, "V{version} does not say what this is for: {line}");
            // Indexes that stand together may share what is said before them.
            said = line.starts_with("--") || (said && (index || line.starts_with(' ')));
        }
    }
}

#[test]
fn no_migration_stops_what_runs_on_the_one_before() {
    for (version, text) in files() {
        for statement in text.to_lowercase().split(';') {
            let words = format!(" {} ", statement.split_whitespace().collect::<Vec<_>>().join(" "));
            let required = words.contains(" add column ") && words.contains(" not null");
            assert!(!required || words.contains(" default "), "V{version} adds what nobody writes yet: {words}");
            for gone in [" drop column ", " drop table ", " rename "] {
                assert!(!words.contains(gone), "V{version} takes away what is in use: {words}");
            }
        }
    }
}

#[tokio::test]
async fn every_constraint_that_code_relies_on_is_in_the_schema() {
    let app = App::start().await;
    let made =
        "select conname::text from pg_constraint union select indexname from pg_indexes where schemaname = 'public'";
    let made = names(&app, made).await;
    let mut relied = BTreeSet::new();
    for source in sources(&["src"]) {
        if source.text.contains("violated(") {
            let named = source.text.split("Some(\"").skip(1).filter_map(|it| it.split_once("\")"));
            relied.extend(named.map(|(name, _)| name.to_owned()));
        }
        for literal in &source.literals {
            let named =
                literal.split("on conflict on constraint ").skip(1).filter_map(|it| it.split_whitespace().next());
            relied.extend(named.map(ToOwned::to_owned));
        }
    }
    assert!(relied.contains("person_email_key"), "{relied:?}");
    let missing: Vec<_> = relied.difference(&made).collect();
    assert!(missing.is_empty(), "the schema does not have {missing:?}");
}

#[tokio::test]
async fn every_integer_is_a_bigint_and_every_instant_has_its_zone() {
    let app = App::start().await;
    let other = "select table_name || '.' || column_name || ' ' || data_type from information_schema.columns
        where table_schema = 'public' and table_name <> 'refinery_schema_history'
        and data_type not in ('uuid', 'text', 'bigint', 'boolean', 'bytea', 'date', 'timestamp with time zone',
            'double precision')
        and udt_name not in ('_text', '_uuid', '_int8', '_bytea', '_timestamptz')";
    assert_eq!(names(&app, other).await, BTreeSet::new());
}
