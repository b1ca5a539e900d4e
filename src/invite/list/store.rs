//! Reading lists of invites.

use jiff::Timestamp;
use uuid::Uuid;

use super::{Box, Written};
use crate::{
    db::{self, GenericClient},
    error::Result,
    invite::{
        Invite,
        store::{invite, invites},
    },
};

/// Finds a page of each state in each box by its index, whatever else there is, and of these the newest. The state is said
/// as a range, and ordered by: of one that is said to be equal, the index of all invites by their ids would do, and be
/// looked through to its end for a state in which there are none.
const LIST: &str = invites!(
    "join (
        select found.id
        from unnest($4::text[], $5::bool[]) as written (state, is_over)
        cross join lateral (
            (select id from invite
            where email_key = $1 and invite.state >= written.state
                and (invite.state, id) < (written.state, coalesce($7::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
                and (written.is_over is null or (expires_at <= $6) = written.is_over)
            order by invite.state desc, id desc limit $8)
            union all
            (select id from invite
            where inviter_id = $2 and invite.state >= written.state
                and (invite.state, id) < (written.state, coalesce($7::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
                and (written.is_over is null or (expires_at <= $6) = written.is_over)
            order by invite.state desc, id desc limit $8)
            union all
            (select id from invite
            where account_id = $3 and invite.state >= written.state
                and (invite.state, id) < (written.state, coalesce($7::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
                and (written.is_over is null or (expires_at <= $6) = written.is_over)
            order by invite.state desc, id desc limit $8)
        ) found
        group by found.id order by found.id desc limit $8
    ) page on page.id = invite.id
    order by invite.id desc"
);

/// The invites that are in a box and, at `now`, written as `states` say: the newest first, from the one after `after`.
pub(super) async fn list(
    on: &impl GenericClient,
    Box { to, from, of }: &Box,
    states: &[Written],
    after: Option<Uuid>,
    limit: i64,
    now: Timestamp,
) -> Result<Vec<Invite>> {
    let (states, overs): (Vec<&str>, Vec<Option<bool>>) =
        states.iter().map(|(state, over)| (state.name(), *over)).unzip();
    let rows = db::text(on, LIST, &[to, from, of, &states, &overs, &now, &after, &limit]).await?;
    Ok(rows.iter().map(invite).collect())
}
