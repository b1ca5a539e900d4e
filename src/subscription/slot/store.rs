//! The statements of slots, on the table `digest_schedule`.

/// Locks people's turns, person by person as [`FINISH`] does, and takes them back from whoever is at work on them: that is
/// done with what they chose before, and its commit finds the lease lost.
pub(super) const TAKE_BACK: &str = "
    with held as (
        select account_id, user_id, cadence from digest_schedule
        where user_id = any($1) and cadence in ('DAILY', 'WEEKLY', 'RETURN')
        order by user_id, account_id, cadence for update
    )
    update digest_schedule set fence = fence + (lease_until is not null)::int, lease_until = null
    from held
    where digest_schedule.account_id = held.account_id and digest_schedule.user_id = held.user_id
        and digest_schedule.cadence = held.cadence";

/// What people need digests for, whom somebody will come back to, and what is planned. The zone is the person's, else the account's, else UTC.
/// `offset 0`: whether these people are away, and what their zones are, is not sought among all people.
pub(super) const WANTED: &str = "
    with used as (
        select distinct user_id, account_id, cadence, true as wanted from subscription
        where user_id = any($1) and ended_at is null and cadence in ('DAILY', 'WEEKLY')
        union all
        select distinct user_id, account_id, 'RETURN', true
        from (select user_id from recipient where user_id = any($1) and pause_to > $2 offset 0) away
        join subscription using (user_id)
        where user_id = any($1) and ended_at is null
    ), planned as (
        select user_id, account_id, cadence, next_at, next_date, last_date from digest_schedule
        where user_id = any($1) and cadence in ('DAILY', 'WEEKLY', 'RETURN')
    )
    select it.user_id, it.account_id, it.cadence, it.wanted, it.next_at, it.next_date, it.last_date,
        coalesce(nullif(profile.time_zone, ''), account.time_zone, 'UTC') as zone
    from (
        select user_id, account_id, cadence, used.wanted is true as wanted, next_at, next_date, last_date
        from used full join planned using (user_id, account_id, cadence)
    ) it
    left join account on account.id = it.account_id
    left join lateral (select time_zone from profile where user_id = it.user_id offset 0) profile on true";

pub(super) const PLAN: &str = "
    insert into digest_schedule (account_id, user_id, cadence, next_at, next_date)
    select it.account_id, it.user_id, it.cadence, it.next_at, it.next_date
    from unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[], $5::date[])
        as it(user_id, account_id, cadence, next_at, next_date)
    on conflict (account_id, user_id, cadence)
    do update set next_at = excluded.next_at, next_date = excluded.next_date";

/// A person's next digests.
pub(super) const NEXT: &str = "
    select digest_schedule.account_id, cadence, next_at,
        coalesce(nullif(profile.time_zone, ''), account.time_zone, 'UTC') as zone
    from digest_schedule
    join account on account.id = digest_schedule.account_id
    left join profile on profile.user_id = digest_schedule.user_id
    where digest_schedule.user_id = $1 and next_at is not null and cadence in ('DAILY', 'WEEKLY')
    order by digest_schedule.account_id, cadence";

/// Taken back from whoever is at work on an earlier one, who has not read what this one is about.
pub(super) const CATCH_UP: &str = "
    insert into digest_schedule (account_id, user_id, cadence, next_at)
    select distinct it.account_id, it.user_id, 'CATCHUP', $3::timestamptz
    from unnest($1::uuid[], $2::uuid[]) as it(user_id, account_id) order by it.user_id, it.account_id
    on conflict (account_id, user_id, cadence) do update set
        next_at = least(digest_schedule.next_at, excluded.next_at),
        fence = digest_schedule.fence + 1, lease_until = null, failures = 0";

/// Whoever comes back is told that first, of all that waited.
pub(super) const COME_BACK: &str = "
    with held as (
        select account_id, cadence from digest_schedule
        where user_id = $1 and cadence in ('CATCHUP', 'RETURN') and next_at > $2
        order by account_id, cadence for update
    )
    update digest_schedule set next_at = $2 from held
    where digest_schedule.account_id = held.account_id and digest_schedule.user_id = $1
        and digest_schedule.cadence = held.cadence";

/// The oldest instant that is due, of it the first account, of that a batch: what its people share is read once. Whoever is
/// to be told what waited while they were away is told nothing else before. The batch is a range of the index by
/// what it asks for and in which order: said as equal, instant and account would be no part of the order, and an index by people
/// would do, in which it reads all who have had theirs.
pub(super) const CLAIM: &str = "
    with head as (
        select account_id, next_at from digest_schedule due
        where cadence = $1 and next_at <= $2 and (lease_until is null or lease_until < now())
            and ($1 = 'RETURN' or (due.account_id, due.user_id) not in (
                select account_id, user_id from digest_schedule where cadence = 'RETURN' and next_at <= $2))
        order by next_at, account_id limit 1 for update skip locked
    ), batch as (
        select it.account_id, it.user_id from head, lateral (
            select account_id, user_id from digest_schedule due
            where cadence = $1 and next_at between head.next_at and head.next_at
                and account_id between head.account_id and head.account_id
                and (lease_until is null or lease_until < now())
                and ($1 = 'RETURN' or (due.account_id, due.user_id) not in (
                    select account_id, user_id from digest_schedule where cadence = 'RETURN' and next_at <= $2))
            order by next_at, account_id, user_id limit $3 for update skip locked
        ) it
    )
    update digest_schedule
    set lease_until = now() + make_interval(secs => $4::float8), fence = fence + 1
    from batch
    where digest_schedule.account_id = batch.account_id and digest_schedule.user_id = batch.user_id
        and digest_schedule.cadence = $1
    returning digest_schedule.account_id, digest_schedule.user_id, next_at, next_date, last_date, fence, failures";

/// What the claimed people chose, and their zones in this account.
pub(super) const RULES: &str = "
    select it.user_id, coalesce(notifications_enabled, true) as notifications_enabled,
        coalesce(digest_frequency, 'DAILY') as digest_frequency, coalesce(digest_minute, 420) as digest_minute,
        coalesce(weekly_day, 1) as weekly_day, coalesce(daily_days, 127) as daily_days,
        coalesce(recipient.default_delivery, 'INHERIT') as default_delivery,
        coalesce(addressed_items, 'IMMEDIATE') as addressed_items, pause_from, pause_to,
        coalesce(addressed_silenced, false) as addressed_silenced,
        coalesce(own_activity, false) as own_activity,
        coalesce(recipient.redact_content, false) as redact_content, coalesce(recipient.revision, 1) as revision,
        coalesce(nullif(profile.time_zone, ''), account.time_zone, 'UTC') as zone
    from unnest($2::uuid[]) as it(user_id)
    join account on account.id = $1
    left join recipient on recipient.user_id = it.user_id
    left join profile on profile.user_id = it.user_id";

/// Locked person by person, as whoever takes digests back locks them.
pub(super) const FINISH: &str = "
    with held as (
        select user_id from digest_schedule
        where account_id = $1 and user_id = any($2) and cadence = $7 order by user_id for update
    )
    update digest_schedule set next_at = it.next_at, next_date = it.next_date, last_date = it.last_date,
        lease_until = null, failures = 0
    from unnest($2::uuid[], $3::bigint[], $4::timestamptz[], $5::date[], $6::date[])
        as it(user_id, fence, next_at, next_date, last_date)
    join held using (user_id)
    where digest_schedule.account_id = $1 and digest_schedule.user_id = it.user_id and cadence = $7
        and digest_schedule.fence = it.fence
    returning digest_schedule.user_id";

pub(super) const PARK: &str = "
    update digest_schedule set failures = failures + 1, lease_until = now() + make_interval(secs => $5::float8)
    where account_id = $1 and user_id = $2 and cadence = $3 and fence = $4";

pub(super) const LEFT: &str = "
    select count(*) as left from digest_schedule where cadence = $1 and account_id = $2 and next_at = $3";

/// Whose digests are due.
pub(super) const DUE: &str = "
    select account_id, user_id, cadence, next_at, next_date, last_date, fence, failures from digest_schedule
    where cadence in ('DAILY', 'WEEKLY') and next_at <= $1 order by next_at, account_id, user_id";

/// What is announced to one person.
pub(super) const ANNOUNCED: &str = "
    select next_at, next_date, last_date from digest_schedule
    where account_id = $1 and user_id = $2 and cadence = $3";
