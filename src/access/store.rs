//! What a person is to a resource. Reads memberships; writes nothing.

use uuid::Uuid;

use super::{AccountRole, Standing, WorkCenterRole};
use crate::{
    db::{self, GenericClient, Row},
    error::Result,
};

/// A person may know those of their accounts (guests aside) and of their WorkCenters, and administers those of the
/// accounts that they administer.
/// The role is the highest in any account that both are in. WorkCenters are looked at one by one, of those of whoever is asked
/// about, until one is shared: as a join, all who are in those of the other one may be read.
macro_rules! to_people {
    ($whom:literal) => {
        concat!(
            "select person.id, together.role as account_role, exists (
                select from collaborator theirs
                where theirs.user_id = person.id
                    and (select true from collaborator mine
                        where mine.workcenter_id = theirs.workcenter_id and mine.user_id = $1)
                    and (select purge_at is null and provisioning_job_id is null from workcenter
                        where id = theirs.workcenter_id)
            ) as shares_workcenter
            from person
            left join lateral (
                select mine.role from member mine join member theirs using (account_id)
                where mine.user_id = $1 and theirs.user_id = person.id
                order by array_position(array['ADMINISTRATOR', 'MEMBER', 'GUEST'], mine.role) limit 1
            ) as together on true
            where person.id ",
            $whom
        )
    };
}

/// To one person: of several PostgreSQL expects ten, and plans anew each time lest it reads so many.
const TO_PERSON: &str = to_people!("= $2");

const TO_PEOPLE: &str = to_people!("= any($2)");

const IN_ACCOUNT: &str = "
    select account.id as account_id, member.role as account_role, null::text as workcenter_role,
        false as is_provisioning
    from account left join member on member.account_id = account.id and member.user_id = $1
    where account.id = $2";

/// Nobody is anything in a deleted WorkCenter any more. One that is being made is there for who has it made alone, and for
/// nobody when it is given up.
const IN_WORKCENTER: &str = "
    select workcenter.account_id, member.role as account_role,
        case when workcenter.purge_at is null then collaborator.role end as workcenter_role,
        workcenter.provisioning_job_id is not null as is_provisioning
    from workcenter
    left join member on member.account_id = workcenter.account_id and member.user_id = $1
    left join collaborator on collaborator.workcenter_id = workcenter.id and collaborator.user_id = $1
    where workcenter.id = $2 and (workcenter.provisioning_job_id is null
        or workcenter.created_by = $1 and workcenter.purge_at is null)";

/// What `person` is to each of these people, of those that there are.
pub(super) async fn to_people(on: &impl GenericClient, person: Uuid, of: &[Uuid]) -> Result<Vec<(Uuid, Standing)>> {
    let rows = match of {
        [of] => db::text(on, TO_PERSON, &[&person, of]).await?,
        several => db::text(on, TO_PEOPLE, &[&person, &several]).await?,
    };
    let standing = |row: &Row| {
        let account_role = role(row, "account_role").and_then(AccountRole::named);
        let acquainted = row.get("shares_workcenter") || account_role >= Some(AccountRole::Member);
        (row.get("id"), Standing { account_role, acquainted, ..Standing::default() })
    };
    Ok(rows.iter().map(standing).collect())
}

/// What `person` is in the account `id`; `None` when there is no such account.
pub(super) async fn in_account(on: &impl GenericClient, person: Uuid, id: Uuid) -> Result<Option<Standing>> {
    Ok(db::text(on, IN_ACCOUNT, &[&person, &id]).await?.first().map(standing))
}

/// What `person` is in the WorkCenter `id`; `None` when there is no such WorkCenter.
pub(super) async fn in_workcenter(on: &impl GenericClient, person: Uuid, id: Uuid) -> Result<Option<Standing>> {
    Ok(db::text(on, IN_WORKCENTER, &[&person, &id]).await?.first().map(standing))
}

fn standing(row: &Row) -> Standing {
    Standing {
        account: row.get("account_id"),
        account_role: role(row, "account_role").and_then(AccountRole::named),
        workcenter_role: role(row, "workcenter_role").and_then(WorkCenterRole::named),
        is_provisioning: row.get("is_provisioning"),
        acquainted: false,
    }
}

fn role<'a>(row: &'a Row, column: &str) -> Option<&'a str> {
    row.get(column)
}
