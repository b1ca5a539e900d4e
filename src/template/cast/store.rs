//! What tables say of whom the tasks of templates name.

use std::collections::HashMap;

use uuid::Uuid;

use super::{Called, Cast, Company};
use crate::{
    access::WorkCenterRole,
    content::imprint::{Part, Who},
    db::{self, GenericClient, Row, ToSql},
    error::Result,
    job::ItemKind,
    template::run::Run,
};

const NAMED: &str = "
    select task_id, part, user_id, role from task_person where task_id = any($1) order by task_id, part, seq";

/// Invited is who has a live invite that leads there, and whoever is invited as soon as the WorkCenter is open.
const COMPANY: &str = "
    select it.id, exists (select from collaborator where workcenter_id = $2 and user_id = it.id) as is_there,
        $4 and (
            exists (
                select from person
                join workcenter on workcenter.id = $2
                join invite on invite.account_id = workcenter.account_id and invite.email_key = person.email_key
                    and invite.state = 'PENDING'
                join invite_workcenter on invite_id = invite.id and workcenter_id = $2
                where person.id = it.id)
            or exists (
                select from template_item_link
                where template_id = $1 and workcenter_id = $2 and source_id = it.id and kind = 'COLLABORATOR'
                    and target_id = '00000000-0000-0000-0000-000000000000')) as is_asked
    from unnest($3::uuid[]) as it (id)";

/// Those whom tasks name, or who stand for them; and whoever is bound to a role that they name. Those who do not belong to the
/// account only where they are named themselves: nobody else gets mail because somebody knows an id. Who comes with the template
/// is nobody's to stand in for, where $6.
const CALLED: &str = "
    with named as (
        select distinct person.user_id, person.role
        from task join task_person person on person.task_id = task.id
        where task.workcenter_id = $1 and task.deleted_at is null
            and (task.document_id is null or entry_is_there(task.document_id))
    ), meant as (
        select coalesce(replaced.by_id, named.user_id) as user_id, null as role, replaced.by_id is null as is_named
        from named
        left join unnest($4::uuid[], $5::uuid[]) as replaced (user_id, by_id) on replaced.user_id = named.user_id
            and not exists (select from collaborator where workcenter_id = $2 and user_id = named.user_id)
            and not ($6 and exists (
                select from collaborator join workcenter on workcenter.id = workcenter_id
                join member on member.account_id = workcenter.account_id and member.user_id = collaborator.user_id
                where workcenter_id = $1 and collaborator.user_id = named.user_id))
        where named.user_id is not null
        union all
        select bound.user_id, bound.role, false
        from unnest($7::text[], $8::uuid[]) as bound (role, user_id) where role in (select role from named)
    ), each as (
        select user_id, coalesce(array_agg(role) filter (where role is not null), '{}') as roles, bool_or(is_named) as is_named
        from meant where $3::uuid[] is null or user_id = any($3) group by user_id
    )
    select each.user_id, roles, trim(first_name || ' ' || last_name) as name, own.user_id is not null as is_there,
        member.user_id is not null as belongs
    from each join profile on profile.user_id = each.user_id join workcenter on workcenter.id = $1
    left join collaborator own on own.workcenter_id = $2 and own.user_id = each.user_id
    left join member on member.account_id = workcenter.account_id and member.user_id = each.user_id
    where is_named or member.user_id is not null";

/// Whom these tasks name.
pub(in crate::template) async fn named(
    on: &impl GenericClient,
    tasks: &[Uuid],
) -> Result<HashMap<Uuid, Vec<(Part, Who)>>> {
    let mut named: HashMap<Uuid, Vec<(Part, Who)>> = HashMap::new();
    for row in db::text(on, NAMED, &[&tasks]).await? {
        let part = Part::named(row.get("part")).expect("the table checks `part`");
        let who = match row.get::<_, Option<&str>>("role") {
            Some(name) => Who::Role(role(name)),
            None => Who::User(row.get("user_id")),
        };
        named.entry(row.get("task_id")).or_default().push((part, who));
    }
    Ok(named)
}

/// Who of these people is in `into`, or invited there.
pub(in crate::template) async fn company(
    on: &impl GenericClient,
    (template, into): (Uuid, Uuid),
    cast: &Cast,
    ids: &[Uuid],
) -> Result<Company> {
    let mut company = Company::default();
    for row in db::text(on, COMPANY, &[&template, &into, &ids, &cast.newcomers.is_some()]).await? {
        if row.get("is_there") {
            company.there.insert(row.get("id"));
        } else if row.get("is_asked") {
            company.asked.insert(row.get("id"));
        }
    }
    Ok(company)
}

/// Who can be brought into a WorkCenter because tasks mean them, all or of these; nobody unless that is asked for.
pub(in crate::template) async fn called(
    on: &impl GenericClient,
    run: &Run,
    into: Uuid,
    of: Option<&[Uuid]>,
) -> Result<HashMap<Uuid, Called>> {
    let Some(usual) = run.cast.newcomers.filter(|_| run.what.contains(&ItemKind::Task)) else {
        return Ok(HashMap::new());
    };
    let (replaced, by): (Vec<Uuid>, Vec<Uuid>) = run.cast.replaced.iter().copied().unzip();
    let (roles, bound): (Vec<&str>, Vec<Uuid>) = run.cast.bound.iter().map(|it| (it.0.name(), it.1)).unzip();
    let joins = run.what.contains(&ItemKind::Collaborator);
    let values: [&(dyn ToSql + Sync); 8] = [&run.template, &into, &of, &replaced, &by, &joins, &roles, &bound];
    let called = |row: &Row| {
        // Whoever is bound to several has the highest of them.
        let role = row.get::<_, Vec<&str>>("roles").into_iter().map(role).max().unwrap_or(usual);
        let called = Called { name: row.get("name"), role, is_there: row.get("is_there"), belongs: row.get("belongs") };
        (row.get("user_id"), called)
    };
    Ok(db::text(on, CALLED, &values).await?.iter().map(called).collect())
}

fn role(name: &str) -> WorkCenterRole {
    WorkCenterRole::named(name).expect("the table checks `role`")
}
