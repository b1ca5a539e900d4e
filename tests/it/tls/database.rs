//! PostgreSQL under TLS: whoever connects makes sure that it is the one that is meant, or does not connect.

use workcenter::{
    config,
    db::{self, Db, Door},
    error::{Error, chain},
    ids,
    notice::{self, Notice, Notices},
    tls::Authorities,
};

use crate::{
    authority::{Authority, Issued, Mounted},
    cluster::Cluster,
    process::program::{CTL, Ended, SERVER, Serving, ended},
};

/// A PostgreSQL of its own, whose superuser signs in with a password.
struct Ground {
    cluster: Cluster,
    /// Without what is asked of TLS.
    url: String,
}

const PASSWORD: &str = "a long walk on the pier";

impl Ground {
    async fn start(name: &'static str) -> Self {
        let cluster = Cluster::start(name).await;
        let url = cluster.script("url").await;
        let client = Db::new(&at(&url, "", None)).unwrap().client().await.unwrap();
        client.batch_execute(&format!("create role ada superuser login password '{PASSWORD}'")).await.unwrap();
        let first = "host all ada 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n";
        put(&client, "pg_hba.conf", first).await;
        let url = url.replace("workcenter@", &format!("ada:{}@", PASSWORD.replace(' ', "%20")));
        Self { cluster, url }
    }

    /// Has it show `issued` from now on, to whoever asks for TLS.
    async fn show(&self, issued: &Issued) {
        let plain = self.cluster.script("url").await;
        let client = Db::new(&at(&plain, "", None)).unwrap().client().await.unwrap();
        put(&client, "server.crt", &issued.certificate).await;
        put(&client, "server.key", &issued.key).await;
        client.batch_execute("alter system set ssl = on").await.unwrap();
        self.cluster.script("stop").await;
        self.cluster.script("start").await;
        assert_eq!(self.cluster.script("url").await, plain, "it is where it was");
    }

    fn with(&self, query: &str, authorities: Option<Authorities>) -> config::Database {
        at(&self.url, query, authorities)
    }
}

fn at(url: &str, query: &str, authorities: Option<Authorities>) -> config::Database {
    config::Database { url: format!("{url}{query}").into(), authorities, pool: 4 }
}

/// Writes `text` into a file of the server's, which nobody else may read.
async fn put(client: &tokio_postgres::Client, file: &str, text: &str) {
    let lines = format!(
        "copy (select unnest(string_to_array($text${}$text$, e'\\n')) as line) to program 'umask 077; cat > {file}'",
        text.trim_end()
    );
    client.batch_execute(&lines).await.unwrap();
}

/// Whether the connection is under TLS.
const SECURE: &str = "select ssl from pg_stat_ssl where pid = pg_backend_pid()";

/// Why nobody connects.
async fn refusal(settings: &config::Database) -> String {
    let Err(error) = Db::new(settings).unwrap().client().await else { panic!("it connects") };
    assert!(matches!(error, Error::Unavailable(..)), "{error:?}");
    let direct = Door::new(settings).unwrap().open().await.err().unwrap();
    let (pooled, direct) = (chain(&error), chain(&direct));
    assert!(pooled.ends_with(direct.rsplit(": ").next().unwrap()), "{pooled} and {direct}");
    pooled
}

#[tokio::test]
async fn it_is_made_sure_who_postgresql_is_before_anything_is_said() {
    let (ground, authority) = (Ground::start("tls").await, Authority::new());
    let trusting = |query| ground.with(query, Some(authority.authorities()));
    let without = refusal(&trusting("?sslmode=require")).await;
    assert!(without.contains("server does not support TLS"), "{without}");

    ground.show(&authority.vouch(&["127.0.0.1"])).await;
    for (query, secure) in [
        ("?sslmode=require", true),
        ("?sslmode=verify-full&channel_binding=require", true),
        ("?sslmode=verify-ca", true),
        ("?sslmode=disable", false),
        ("", false),
    ] {
        let client = Db::new(&trusting(query)).unwrap().client().await.unwrap();
        assert_eq!(client.query_one(SECURE, &[]).await.unwrap().get::<_, bool>(0), secure, "{query}");
    }
    for authorities in [None, Some(Authority::new().authorities())] {
        let refused = refusal(&ground.with("?sslmode=require", authorities)).await;
        assert!(refused.contains("UnknownIssuer"), "{refused}");
    }
    let named = ground.url.replace("127.0.0.1", "localhost");
    let refused = refusal(&at(&named, "?sslmode=verify-ca", Some(authority.authorities()))).await;
    assert!(refused.contains("NotValidForName") || refused.contains("not valid for name"), "{refused}");

    // Another certificate of the same authority is as good, and who has a pool connects again by itself.
    let pool = Db::new(&trusting("?sslmode=require")).unwrap();
    drop(pool.client().await.unwrap());
    ground.show(&authority.vouch(&["127.0.0.1", "localhost"])).await;
    let client = pool.client().await.unwrap();
    assert!(client.query_one(SECURE, &[]).await.unwrap().get::<_, bool>(0));
    drop(Db::new(&at(&named, "?sslmode=require", Some(authority.authorities()))).unwrap().client().await.unwrap());
    ground.show(&Authority::new().vouch(&["127.0.0.1"])).await;
    assert!(refusal(&trusting("?sslmode=require")).await.contains("UnknownIssuer"));
}

#[tokio::test]
async fn everything_that_connects_does_so_under_tls() {
    let (ground, authority) = (Ground::start("tls-all").await, Authority::new());
    ground.show(&authority.vouch(&["127.0.0.1"])).await;
    let settings = ground.with("?sslmode=require", Some(authority.authorities()));
    assert!(!db::migrate(&settings).await.unwrap().is_empty());

    let db = Db::new(&settings).unwrap();
    let notices = Notices::listen(&settings).await.unwrap();
    let mut ear = notices.ear();
    let (client, id) = (db.client().await.unwrap(), ids::new());
    notice::tell(&client, notice::JOB, id).await.unwrap();
    while ear.hear().await != Notice::Job(id) {}

    // What nobody waits for any more is stopped over a connection of its own.
    let asleep = "select count(*) from pg_stat_activity where query = 'select pg_sleep(600)' and state = 'active'";
    let count = async || client.query_one(asleep, &[]).await.unwrap().get::<_, i64>(0);
    let sleeper = db.client().await.unwrap();
    let sleeping = tokio::spawn(async move { drop(db::text(&sleeper, "select pg_sleep(600)", &[]).await) });
    while count().await != 1 {}
    sleeping.abort();
    while count().await != 0 {}

    let files = Mounted::new(&authority.vouch(&["127.0.0.1"]), &authority.pem);
    let (url, ca) = (settings.url.expose(), files.text("ca.crt"));
    let again = ended(CTL, &[("DATABASE_URL", url), ("DATABASE_CA_FILE", &ca)], &["migrate"]).await;
    assert_eq!(again.code, Some(0), "{again:?}");
    let Ended { code, err, .. } = ended(CTL, &[("DATABASE_URL", url)], &["migrate"]).await;
    assert_eq!((code, err.lines().count(), err.contains("UnknownIssuer")), (Some(1), 1, true), "{err}");
    let mut server = Serving::on(SERVER, url, &[("DATABASE_CA_FILE", &ca)]).await;
    server.says("serving").await;

    let others = "select count(*) filter (where ssl), count(*) filter (where not ssl) from pg_stat_ssl
        join pg_stat_activity using (pid) where usename = 'ada'";
    let row = client.query_one(others, &[]).await.unwrap();
    let (secure, open): (i64, i64) = (row.get(0), row.get(1));
    assert!(secure >= 4 && open == 0, "{secure} under TLS, {open} not");
}
