//! The table `invite_row`: the rows of files until their job is over.

use std::{collections::HashMap, time::Duration};

use uuid::Uuid;

use super::{Fault, Row, sheet};
use crate::{
    access::AccountRole,
    db::{self, GenericClient, Row as Found},
    error::{Error, Result, Violations},
    identity::Email,
    invite::offer::Offer,
};

const INSERT: &str = "
    insert into invite_row (item_id, job_id, email, account_role, workcenters, message, good_for_seconds, no_reminders,
        notify_on_accept, fault_column, fault_code, fault_text)
    select it.item_id, $1, it.email, it.account_role, it.workcenters, it.message, it.good_for_seconds, it.no_reminders,
        it.notify_on_accept, it.fault_column, it.fault_code, it.fault_text
    from unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::boolean[], $9::boolean[],
            $10::text[], $11::text[], $12::text[])
        as it (item_id, email, account_role, workcenters, message, good_for_seconds, no_reminders, notify_on_accept,
            fault_column, fault_code, fault_text)";

const FIND: &str = "select * from invite_row where item_id = any($1)";

/// What a job may still want again stays: its failed items that may succeed now.
const REMOVE: &str = "
    delete from invite_row using job_item
    where invite_row.item_id = job_item.item_id and job_item.job_id = any($1)
        and (job_item.state <> 'FAILED' or job_item.code <> all($2))";

/// Keeps the rows of `job`, each beside its item.
pub(super) async fn insert(on: &impl GenericClient, job: Uuid, rows: &[(Uuid, Row)]) -> Result<()> {
    fn column<'a, T>(rows: &'a [(Uuid, Row)], of: impl Fn(&'a (Uuid, Row)) -> T) -> Vec<T> {
        rows.iter().map(of).collect()
    }
    fn offered<T>(rows: &[(Uuid, Row)], of: impl Fn(&Offer) -> T) -> Vec<Option<T>> {
        rows.iter().map(|(_, row)| row.offer.as_ref().ok().map(&of)).collect()
    }
    fn faulty(rows: &[(Uuid, Row)], of: impl Fn(&Fault) -> &str) -> Vec<Option<&str>> {
        rows.iter().map(|(_, row)| row.offer.as_ref().err().map(&of)).collect()
    }
    let values: [&(dyn db::ToSql + Sync); 12] = [
        &job,
        &column(rows, |it| it.0),
        &offered(rows, |it| it.email.address.clone()),
        &offered(rows, |it| it.account_role.name()),
        &offered(rows, |it| sheet::written(&it.places)),
        &offered(rows, |it| it.message.clone()),
        &rows.iter().map(|(_, row)| seconds(row)).collect::<Vec<_>>(),
        &offered(rows, |it| it.no_reminders),
        &offered(rows, |it| it.notify_on_accept),
        &faulty(rows, |it| &it.column),
        &faulty(rows, |it| &it.code),
        &faulty(rows, |it| &it.text),
    ];
    db::text(on, INSERT, &values).await?;
    Ok(())
}

fn seconds(row: &Row) -> Option<i64> {
    let good_for = row.offer.as_ref().ok().and_then(|it| it.good_for)?;
    i64::try_from(good_for.as_secs()).ok()
}

/// What these items ask for, or why nothing can be made of them.
pub(super) async fn find(on: &impl GenericClient, items: &[Uuid]) -> Result<HashMap<Uuid, Result<Offer, Fault>>> {
    let rows = db::text(on, FIND, &[&items]).await?;
    rows.iter().map(|row| Ok((row.get("item_id"), kept(row)?))).collect()
}

/// Forgets the rows of `jobs`, but for those that failed with one of these codes.
pub(super) async fn remove(on: &impl GenericClient, jobs: &[Uuid], but: &[&str]) -> Result<()> {
    db::text(on, REMOVE, &[&jobs, &but]).await?;
    Ok(())
}

fn kept(row: &Found) -> Result<Result<Offer, Fault>> {
    if let Some(column) = row.get("fault_column") {
        return Ok(Err(Fault { column, code: row.get("fault_code"), text: row.get("fault_text") }));
    }
    let mut violations = Violations::default();
    let email = violations.take(Email::parse("email", row.get("email")));
    let places = sheet::places(row.get("workcenters"), &mut violations);
    violations.none()?;
    let email = email.ok_or_else(|| Error::internal("an address was neither read nor refused"))?;
    let good_for = row.get::<_, Option<i64>>("good_for_seconds").and_then(|it| u64::try_from(it).ok());
    Ok(Ok(Offer {
        email,
        account_role: AccountRole::named(row.get("account_role")).expect("the table checks `account_role`"),
        places,
        message: row.get("message"),
        good_for: good_for.map(Duration::from_secs),
        no_reminders: row.get("no_reminders"),
        notify_on_accept: row.get("notify_on_accept"),
    }))
}
