//! A database with people who have a profile, WorkCenters and a session each, and a key of a service.

use std::fs;

use uuid::Uuid;
use workcenter::{
    auth::SCOPE_PROFILES,
    config,
    db::{self, Db},
    secret::{self, Secret},
};

use crate::Result;

/// The database.
const NAME: &str = "calls";

/// People, and those of one account; WorkCenters of an account, and of each person.
const PEOPLE: usize = 10_000;
const ACCOUNT: usize = 20;
const WORKCENTERS: usize = 40;
const EACH: usize = 20;

/// People who have signed in: so many that two of the calls that are under way seldom change the same profile.
const SIGNED_IN: usize = 2_000;

/// What people have filled in, as most do.
const PROFILES: &str = "
    update profile set first_name = 'Person', last_name = 'Number ' || md5(user_id::text), job_title = 'Site engineer',
        street = 'Quay 12', city = 'Rotterdam', post_code = '3011 AA', country = 'NL',
        business_phone = '+31 10 555 0100', extension = '12', mobile_phone = '+31 6 5550 0100',
        business_phone_e164 = '+31105550100',
        mobile_phone_e164 = '+31655500100', time_zone = 'Europe/Amsterdam', locale = 'en'";

const SESSIONS: &str = "
    insert into session (id, user_id, token_hash, created_at, idle_until, ends_at)
    select gen_random_uuid(), uuid_of(2, number - 1), token_hash, now(), now() + interval '7 days',
        now() + interval '30 days'
    from unnest($1::bytea[]) with ordinality as it (token_hash, number)
    returning user_id";

const KEY: &str = "
    insert into service_key (id, name, key_hash, scopes, created_at)
    values (gen_random_uuid(), 'bench', $1, array[$2], now())";

/// The settings of the database called `name` on the server at `server`.
fn database(server: &str, name: &str) -> config::Database {
    let base = server.rsplit_once('/').map_or(server, |(base, _)| base);
    config::Database { url: Secret::from(format!("{base}/{name}")), authorities: None, pool: 1 }
}

/// Makes the database on `server`, in place of one that is there, and writes into `file` who calls: the service's key,
/// and in each further line a person and the token of their session.
pub async fn set(server: &str, file: &str) -> Result<()> {
    let client = Db::new(&database(server, "postgres"))?.client().await?;
    client.batch_execute(&format!("drop database if exists {NAME} with (force)")).await?;
    client.batch_execute(&format!("create database {NAME}")).await?;
    let ours = database(server, NAME);
    db::migrate(&ours).await?;
    let mut seed = include_str!("../../tests/data/people.sql").to_owned();
    let numbers =
        [(":people", PEOPLE), (":account", ACCOUNT), (":places", WORKCENTERS), (":each", EACH), (":events", 0)];
    for (word, number) in numbers {
        seed = seed.replace(word, &number.to_string());
    }
    let client = Db::new(&ours)?.client().await?;
    client.batch_execute("set statement_timeout = 0").await?;
    client.batch_execute(&seed).await?;
    client.batch_execute(PROFILES).await?;
    let key = secret::token("wck_")?;
    client.execute(KEY, &[&secret::hash(key.expose()).as_slice(), &SCOPE_PROFILES]).await?;
    let tokens = (0..SIGNED_IN).map(|_| secret::token("wcs_")).collect::<Result<Vec<_>, _>>()?;
    let hashes: Vec<_> = tokens.iter().map(|it| secret::hash(it.expose()).to_vec()).collect();
    let people = client.query(SESSIONS, &[&hashes]).await?;
    // Nothing of this is to be written while calls are measured.
    client.batch_execute("vacuum analyze").await?;
    client.batch_execute("checkpoint").await?;

    let mut lines = vec![key.expose().to_owned()];
    for (row, token) in people.iter().zip(&tokens) {
        lines.push(format!("{} {}", row.get::<_, Uuid>(0), token.expose()));
    }
    fs::write(file, lines.join("\n"))?;
    println!("{}", ours.url.expose());
    Ok(())
}
