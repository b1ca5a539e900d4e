//! The addresses of people who are asked, and where else their invites lead.

use std::collections::HashMap;

use uuid::Uuid;

use crate::{
    db::{self, GenericClient, Row},
    error::Result,
    identity::Email,
    invite::store::columns,
    workcenter::Place,
};

const EMAILS: &str = "select id, email, email_key from person where id = any($1)";

const PLACE: &str = "
    with placed as (
        insert into invite_workcenter (invite_id, workcenter_id, role)
        select * from unnest($1::uuid[], $2::uuid[], $3::text[])
    )
    update invite set revision = revision + 1 where id = any($1)";

/// The addresses of these people.
pub(super) async fn emails(on: &impl GenericClient, people: &[Uuid]) -> Result<HashMap<Uuid, Email>> {
    let email = |row: &Row| (row.get("id"), Email { address: row.get("email"), key: row.get("email_key") });
    Ok(db::text(on, EMAILS, &[&people]).await?.iter().map(email).collect())
}

/// Has each of these invites lead to another WorkCenter, too.
pub(super) async fn place(on: &impl GenericClient, more: &[(Uuid, Place)]) -> Result<()> {
    let of: Vec<Uuid> = more.iter().map(|it| it.0).collect();
    let (ids, roles) = columns(more.iter().map(|it| &it.1));
    db::text(on, PLACE, &[&of, &ids, &roles]).await?;
    Ok(())
}
