//! A database of its own with documents to copy, and the jobs that are to do it.

use std::{env, ffi::OsString};

use clap::Parser as _;
use uuid::Uuid;
use workcenter::{
    config,
    db::{self, Db},
    job::{self, ItemKind, New, Order, Planned, Target},
    secret::Secret,
};

use crate::Result;

/// Accounts that have jobs of one item each, every one with a WorkCenter to copy from and one to copy into.
const ACCOUNTS: usize = 4;

/// Jobs that are begun in one transaction.
const BEGUN: usize = 500;

/// Documents of an account, all empty and in one folder.
const SEED: &str = "
    with person as (
        insert into person (id, email, email_key, password_hash, created_at)
        values ($2::uuid, $2::uuid || '@example.com', $2::uuid || '@example.com', '', now())
    ), account as (
        insert into account (id, name, created_at) values ($1::uuid, 'Account', now())
    ), member as (
        insert into member (account_id, user_id, role, created_at) values ($1, $2, 'MEMBER', now())
    ), workcenter as (
        insert into workcenter (id, account_id, name, created_by, created_at)
        select it, $1, 'WorkCenter', $2, now() from unnest($3::uuid[]) it
    ), collaborator as (
        insert into collaborator (workcenter_id, user_id, role, created_at)
        select it, $2, 'OWNER', now() from unnest($3::uuid[]) it
    ), head as (
        insert into activity_head (log_id, account_id, last_seq) select it, $1, 0 from unnest($3::uuid[]) it
    ), folder as (
        insert into entry (id, account_id, workcenter_id, kind, name, name_key, created_by, created_at, updated_at)
        values ($4, $1, ($3::uuid[])[1], 'FOLDER', 'many', 'many', $2, now(), now())
    ), entry as (
        insert into entry (id, account_id, workcenter_id, parent_id, kind, name, name_key, version, created_by, created_at,
            updated_at)
        select it, $1, ($3::uuid[])[1], $4, 'DOCUMENT', it::text, it::text, 1, $2, now(), now()
        from unnest($5::uuid[]) it
    )
    insert into entry_version (entry_id, number, account_id, digest, size_bytes, created_by, created_at)
    select it, 1, $1, $6, 0, $2, now() from unnest($5::uuid[]) it";

/// Somebody, and what they are to copy.
struct Owner {
    account: Uuid,
    person: Uuid,
    /// From the first into the second.
    places: [Uuid; 2],
    folder: Uuid,
    documents: Vec<Uuid>,
}

/// It is gone with [`Stage::clear`].
pub struct Stage {
    /// How many items there are.
    pub count: usize,
    server: String,
    name: String,
    owners: Vec<Owner>,
}

/// The settings of the database called `name` on the server at `server`.
fn database(server: &str, name: &str) -> config::Database {
    let base = server.rsplit_once('/').map_or(server, |(base, _)| base);
    config::Database { url: Secret::from(format!("{base}/{name}")), authorities: None, pool: 8 }
}

impl Stage {
    pub async fn set(server: &str, count: usize) -> Result<Self> {
        let name = format!("jobs_{}", std::process::id());
        let client = Db::new(&database(server, "postgres"))?.client().await?;
        client.batch_execute(&format!("create database {name}")).await?;
        let mut stage = Self { count, server: server.to_owned(), name, owners: Vec::new() };
        db::migrate(&stage.database()).await?;
        let client = stage.db()?.client().await?;
        let digest = [0_u8; 32].as_slice();
        client.execute("insert into blob (digest) values ($1)", &[&digest]).await?;
        for _ in 0..ACCOUNTS {
            let owner = Owner {
                account: Uuid::now_v7(),
                person: Uuid::now_v7(),
                places: [Uuid::now_v7(), Uuid::now_v7()],
                folder: Uuid::now_v7(),
                documents: (0..count / ACCOUNTS).map(|_| Uuid::now_v7()).collect(),
            };
            let Owner { account, person, places, folder, documents } = &owner;
            client.execute(SEED, &[account, person, &places.as_slice(), folder, documents, &digest]).await?;
            stage.owners.push(owner);
        }
        client.batch_execute("analyze").await?;
        Ok(stage)
    }

    pub fn database(&self) -> config::Database {
        database(&self.server, &self.name)
    }

    pub fn db(&self) -> Result<Db> {
        Ok(Db::new(&self.database())?)
    }

    /// The settings of a daemon, most of them the usual ones.
    pub fn settings(&self) -> Result<config::Daemon> {
        let mut arguments: Vec<OsString> = vec!["jobs".into()];
        let mut set = |name: &str, value: OsString| arguments.extend([name.into(), value]);
        set("--database-url", self.database().url.expose().into());
        set("--token-key", "0a".repeat(32).into());
        set("--blob-dir", env::temp_dir().join(&self.name).into());
        set("--mail-dir", env::temp_dir().join(&self.name).into());
        Ok(config::Daemon::try_parse_from(arguments)?)
    }

    /// Begins one job, over the documents of all accounts.
    pub async fn job_of_all(&self) -> Result<()> {
        // Of one account, whose job it is: an item is the same whoever it belongs to.
        let all = self.owners.iter().flat_map(|owner| owner.documents.iter().map(move |it| (owner, *it)));
        let client = &mut self.db()?.client().await?;
        let owner = &self.owners[0];
        let adopt = "update entry set account_id = $1, workcenter_id = $2, parent_id = null where kind = 'DOCUMENT'";
        client.execute(adopt, &[&owner.account, &owner.places[0]]).await?;
        client.batch_execute("vacuum analyze entry").await?;
        let items: Vec<Planned> = all.map(|(_, id)| planned(owner, id)).collect();
        let tx = client.transaction().await?;
        begin(&tx, owner, &items).await?;
        Ok(tx.commit().await?)
    }

    /// Begins a job for each document.
    pub async fn job_of_each(&self) -> Result<()> {
        let client = &mut self.db()?.client().await?;
        let most = self.owners.iter().map(|it| it.documents.len()).max().unwrap_or_default();
        let turns = (0..most).flat_map(|at| self.owners.iter().map(move |it| (it, at)));
        let all: Vec<_> = turns.filter_map(|(owner, at)| Some((owner, *owner.documents.get(at)?))).collect();
        for some in all.chunks(BEGUN) {
            let tx = client.transaction().await?;
            for (owner, id) in some {
                begin(&tx, owner, &[planned(owner, *id)]).await?;
            }
            tx.commit().await?;
        }
        Ok(client.batch_execute("analyze").await?)
    }

    /// Begins a job for the document that stands at `at`.
    pub async fn job_of(&self, client: &mut db::Connection, at: usize) -> Result<()> {
        let owner = &self.owners[at % ACCOUNTS];
        let tx = client.transaction().await?;
        begin(&tx, owner, &[planned(owner, owner.documents[at / ACCOUNTS])]).await?;
        Ok(tx.commit().await?)
    }

    /// What is not done, and how many items are.
    pub async fn left(&self, client: &db::Connection) -> Result<(i64, i64)> {
        let left = "select count(*) filter (where state <> 'SUCCEEDED'), coalesce(sum(done), 0)::bigint from job";
        let row = client.query_one(left, &[]).await?;
        Ok((row.get(0), row.get(1)))
    }

    pub async fn clear(self) -> Result<()> {
        let client = Db::new(&database(&self.server, "postgres"))?.client().await?;
        Ok(client.batch_execute(&format!("drop database {} with (force)", self.name)).await?)
    }
}

fn planned(owner: &Owner, id: Uuid) -> Planned {
    Planned {
        id,
        kind: ItemKind::Document,
        depth: 0,
        parent: None,
        workcenter: Some(owner.places[0]),
        path: id.to_string(),
        bytes: 0,
        on_conflict: "FAIL",
        etag: String::new(),
        line: 0,
    }
}

async fn begin(tx: &db::Transaction<'_>, owner: &Owner, items: &[Planned]) -> Result<()> {
    let target = Some(Target { workcenter: owner.places[1], folder: None, path: String::new() });
    let roots = i64::try_from(items.len())?;
    let policy = || "FAIL".to_owned();
    let order = Order { roots, target, on_conflict: policy(), on_folder_conflict: policy(), ..Order::default() };
    let (kind, initiator) = (job::Kind::BulkCopy, owner.person);
    job::start(tx, &New { account: owner.account, kind, initiator, request_id: "", order: &order }, items).await?;
    Ok(())
}
