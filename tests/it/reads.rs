//! How much of a database is read: what work costs by itself, whatever else the machine does.

use workcenter::db::Connection;

/// Has what is planned from now on in the database of `client` go by indexes, as for tables that are large. Small ones are read
/// as a whole for a few rows.
pub async fn as_if_large(client: &Connection) {
    let name: String = client.query("select current_database()::text", &[]).await.unwrap()[0].get(0);
    for way in ["seqscan", "hashjoin", "mergejoin"] {
        client.batch_execute(&format!("alter database {name} set enable_{way} = off")).await.unwrap();
    }
}

/// How many rows and entries of indexes have been read in the database of `client`. Other connections tell of theirs when they
/// go, and so they have to.
pub async fn read(client: &Connection) -> i64 {
    let others = "select count(pg_terminate_backend(pid)) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()";
    while 0 < client.query(others, &[]).await.unwrap()[0].get::<_, i64>(0) {}
    let read = "select ((select sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) from pg_stat_user_tables)
        + (select sum(idx_tup_read) from pg_stat_user_indexes))::bigint";
    client.query(read, &[]).await.unwrap()[0].get(0)
}
