//! The table `service_certificate`.

use uuid::Uuid;

use super::Name;
use crate::{
    db::{self, GenericClient, Row, Transaction},
    error::{Result, Violation},
    identity::store::Key,
    ids, notice,
    secret::{Secret, hash},
};

/// Binds the name $3 to the key whose hash is $2, while that is in force.
const BIND: &str = "
    insert into service_certificate (id, key_id, name, created_at)
    select $1, id, $3, now() from service_key where key_hash = $2 and ended_at is null
    returning key_id";

const UNBIND: &str = "
    update service_certificate set ended_at = now() where name = $1 and ended_at is null
    returning key_id";

/// Two rows are enough to know that there is not one.
const KEY: &str = "
    select distinct service_key.id, scopes from service_certificate
    join service_key on service_key.id = key_id
    where service_certificate.name = any($1) and service_certificate.ended_at is null and service_key.ended_at is null
    limit 2";

/// Has whoever shows a certificate for `name` be the service of `key`; returns the id of the key. A server that has just
/// seen such a certificate may take a few seconds to know.
///
/// # Errors
///
/// [`crate::error::Error::Invalid`] for a key that is not in force, and for a name that is bound already; the transaction is of no use
/// then.
pub async fn bind(tx: &Transaction<'_>, name: &Name, key: &Secret) -> Result<Uuid> {
    let hash = hash(key.expose());
    match db::text(tx, BIND, &[&ids::new(), &hash.as_slice(), &name.to_string()]).await {
        Ok(rows) => match rows.first() {
            Some(row) => Ok(row.get("key_id")),
            None => Err(Violation::new("key", "must be a service's key that is in force").into()),
        },
        Err(error) => match db::violated(&error) {
            Some("service_certificate_name") => {
                Err(Violation::new("san", "must not be bound to a service already; unbind takes that back").into())
            }
            _ => Err(error.into()),
        },
    }
}

/// Takes back what `name` is bound to; returns the id of the key, if there was one. Every server hears of it.
///
/// # Errors
///
/// What the database says.
pub async fn unbind(tx: &Transaction<'_>, name: &Name) -> Result<Option<Uuid>> {
    let rows = db::text(tx, UNBIND, &[&name.to_string()]).await?;
    let Some(key) = rows.first().map(|it| it.get("key_id")) else { return Ok(None) };
    notice::tell(tx, notice::SESSION, key).await?;
    Ok(Some(key))
}

/// The key that one of `names` is bound to, while it is in force. Where they are bound to several, nobody can tell which
/// is meant, and there is none.
pub(in crate::identity) async fn key(on: &impl GenericClient, names: &[String]) -> Result<Option<Key>> {
    let rows = db::text(on, KEY, &[&names]).await?;
    let read = |row: &Row| Key { id: row.get("id"), scopes: row.get("scopes") };
    Ok(match rows.as_slice() {
        [only] => Some(read(only)),
        _ => None,
    })
}
