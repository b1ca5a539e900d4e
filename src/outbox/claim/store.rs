//! Claiming, in the table `mail`. Every time in it is the database's real one.

use std::time::Duration;

use uuid::Uuid;

use super::{Claimed, HOPS_MAX};
use crate::{
    db::{self, GenericClient, Row},
    error::Result,
    outbox::{
        Kind, Mail,
        pace::{BURST, ROUNDING, USUAL},
    },
};

/// A few of each account, by rank: the first of every account, then the second of every account. Transactional mail before
/// all other. All of it together is no more than there is room for in the bucket of all mails, if that has a row.
///
/// The recursion hops from account to account along the index, from $7 on for what is not transactional, until as many have
/// mail that is due as there is room for, or it has hopped often enough: it costs accounts, not mails, and not all of them.
/// The next one begins after the last account that a mail was claimed of, or with the first when there is none behind.
///
/// The table is looked into when little waits, and the plan that is made then is in use on a morning when much does. So an
/// account is asked for one mail that is due, where `exists` could be answered by reading all; and mails are locked by their
/// ids, of states that are said in a way in which no index of what waits can serve.
const CLAIM: &str = "
    with recursive bucket as (
        select least(learned, $3::float8) as rate, learned is not null as is_slowed,
            greatest(extract(epoch from used_until - now())::float8, 0) as used
        from mail_pace where domain = '' for update
    ), room as (
        select is_slowed, least($1::bigint, greatest(floor(rate * (burst - used) + $6::float8), 0))::bigint as urgent,
            least($1::bigint, greatest(floor(rate * (burst * $5::float8 - used) + $6::float8), 0))::bigint as usual
        from bucket, lateral (select $4::float8 * greatest(1, 1 / rate) as burst) it where rate is not null
    ), most as (
        select coalesce((select urgent from room), $1::bigint) as urgent,
            coalesce((select usual from room), $1::bigint) as usual
    ), hop as (
        select lane, account_id, 0::bigint as hops, 0::bigint as found, false as is_due,
            case lane when 0 then most.urgent else most.usual end as most
        from (values (0::bigint, '00000000-0000-0000-0000-000000000000'::uuid), (1, $7::uuid)) start(lane, account_id), most
        union all
        select hop.lane, next.account_id, hop.hops + 1, hop.found + it.is_due::int, it.is_due, hop.most
        from hop, lateral (
            select account_id from mail
            where state in ('PENDING', 'RETRY', 'UNKNOWN') and lane = hop.lane and account_id > hop.account_id
            order by account_id limit 1
        ) next, lateral (
            select (select true from mail where state in ('PENDING', 'RETRY', 'UNKNOWN') and lane = hop.lane
                and account_id = next.account_id and try_at <= now() limit 1) is true as is_due
        ) it
        where hop.found < hop.most and (hop.lane = 0 or hop.hops < $8::bigint)
    ), share as (
        select lane, ceil(2.0 * max(most) / greatest(max(found), 1))::bigint as each from hop group by lane
    ), ranked as (
        select due.id, hop.lane, hop.hops, due.rank from hop join share using (lane), lateral (
            select id, row_number() over (order by try_at) as rank from (
                select id, try_at from mail
                where state in ('PENDING', 'RETRY', 'UNKNOWN') and lane = hop.lane and account_id = hop.account_id
                    and try_at <= now()
                order by try_at limit share.each
            ) first
        ) due where hop.is_due
    ), urgent as (
        select mail.id, ranked.lane, ranked.rank, ranked.hops from ranked join mail using (id)
        where ranked.lane = 0 and mail.state not in ('CLAIMED', 'SENDING', 'SENT', 'FAILED', 'SUPPRESSED')
        order by ranked.rank, ranked.hops limit (select urgent from most) for update of mail skip locked
    ), usual as (
        select mail.id, ranked.lane, ranked.rank, ranked.hops from ranked join mail using (id)
        where ranked.lane = 1 and mail.state not in ('CLAIMED', 'SENDING', 'SENT', 'FAILED', 'SUPPRESSED')
        order by ranked.rank, ranked.hops
        limit (select greatest(most.usual - (select count(*) from urgent), 0) from most) for update of mail skip locked
    ), chosen as (
        select * from urgent union all select * from usual
    ), spent as (
        update mail_pace set used_until = greatest(used_until, now())
            + make_interval(secs => chosen.mails / least(learned, $3::float8))
        from (select count(*) as mails from chosen) chosen
        where domain = '' and chosen.mails > 0 and least(learned, $3::float8) is not null
    ), claimed as (
        update mail set state = 'CLAIMED', fence = fence + 1, lease_until = now() + make_interval(secs => $2::float8)
        from chosen where mail.id = chosen.id
        returning chosen.lane, chosen.rank, chosen.hops, mail.id, account_id, user_id, kind, subject_id, message_id,
            dated_at, fence, attempts, unknowns
    ), far as (
        select max(hops) as hops, max(hops) filter (where is_due) as due, (select max(hops) from usual) as claimed,
            bool_or(found >= most or hops >= $8::bigint) as stopped, max(most) as most
        from hop where lane = 1
    ), place as materialized (
        select case when far.most = 0 then $7::uuid
            when far.claimed < far.due then (select account_id from hop where lane = 1 and hops = far.claimed)
            when far.stopped then (select account_id from hop where lane = 1 and hops = far.hops)
            else '00000000-0000-0000-0000-000000000000' end as after,
            exists (select from room) as is_limited, coalesce((select is_slowed from room), false) as is_slowed
        from far
    )
    select place.*, claimed.* from place left join claimed on true";

/// Claims up to `most` mails that may be tried now, and no more than the `limit` of all mails a second has room for. Those
/// that are not transactional are looked for from the account `after` on.
pub(in crate::outbox) async fn claim(
    on: &impl GenericClient,
    most: usize,
    lease: Duration,
    limit: Option<f64>,
    after: Uuid,
) -> Result<Claimed> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let lease = lease.as_secs_f64();
    let mut rows = db::text(on, CLAIM, &[&most, &lease, &limit, &BURST, &USUAL, &ROUNDING, &after, &HOPS_MAX]).await?;
    // An update says nothing of the order in which it returns.
    rows.sort_by_key(|row| {
        (row.get::<_, Option<i64>>("lane"), row.get::<_, Option<i64>>("rank"), row.get::<_, Option<i64>>("hops"))
    });
    let is_mail = |row: &&Row| row.get::<_, Option<Uuid>>("id").is_some();
    Ok(Claimed {
        mails: rows.iter().filter(is_mail).map(mail).collect(),
        after: rows[0].get("after"),
        is_limited: rows[0].get("is_limited"),
        is_slowed: rows[0].get("is_slowed"),
    })
}

fn mail(row: &Row) -> Mail {
    Mail {
        id: row.get("id"),
        account: row.get("account_id"),
        user: row.get("user_id"),
        kind: Kind::named(row.get("kind")).expect("the table checks `kind`"),
        subject: row.get("subject_id"),
        message_id: row.get("message_id"),
        dated_at: row.get("dated_at"),
        fence: row.get("fence"),
        attempts: row.get("attempts"),
        unknowns: row.get("unknowns"),
    }
}
