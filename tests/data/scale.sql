-- A large deployment around a few people who are there already: :people more, half of them in the account :account, whose
-- WorkCenter :workcenter is large, and each of :those in hundreds of WorkCenters of it. What is before and after what these
-- people have made themselves, by id and by time, is much: whoever walks along the wrong index meets it. A few of all are due.
create function uuid_of(kind int, number bigint) returns uuid language sql immutable as $$
    -- Every other one is newer than all that is made by programs.
    select (case number % 2 when 0 then '0' else 'f' end || lpad(to_hex(kind), 7, '0') || lpad(to_hex(number), 24, '0'))::uuid
$$;
-- Keys lead where they should, which nobody has to look at row by row.
set session_replication_role = replica;
create temp table those as select id, number - 1 as number from unnest(array[:those]::uuid[]) with ordinality as it(id, number);
create temp table one as
select it, uuid_of(2, it) as id, case when it % 2 = 0 then ':account'::uuid else uuid_of(1, it / 100) end as account_id
from generate_series(1, :people) as it;

insert into account (id, name, created_at)
select distinct account_id, 'Account', now() - interval '1 year' from one where account_id <> ':account';
insert into person (id, email, email_key, password_hash, created_at)
select id, 'one' || it || '@example.org', 'one' || it || '@example.org', '', now() from one;
insert into profile (user_id, first_name, last_name, updated_at) select id, 'Person', it::text, now() from one;
insert into member (account_id, user_id, role, created_at)
select account_id, id, case when it % 1000 = 0 then 'ADMINISTRATOR' else 'MEMBER' end, now() - it * interval '1 minute' from one;
insert into recipient (user_id, default_delivery) select id, 'DAILY' from one;
insert into directory_entry (account_id, user_id, seq)
select account_id, id, 1000000 + row_number() over (partition by account_id order by it) from one;
insert into session (id, user_id, token_hash, created_at, idle_until, ends_at, ended_at)
select uuid_of(3, it), uuid_of(2, it % :people + 1), sha256(it::text::bytea), now(), now() + interval '1 day', now() + interval '9 days',
    case when it % 2 = 0 then now() end
from generate_series(1, :people) as it;
insert into session (id, user_id, token_hash, created_at, idle_until, ends_at)
select gen_random_uuid(), id, sha256((id::text || it)::bytea), now(), now() + interval '1 day', now() + interval '9 days'
from those, generate_series(1, 300) as it;
insert into profile_change (id, user_id, actor_id, field, old_value, new_value, changed_at)
select uuid_of(4, it), coalesce(those.id, uuid_of(2, it)), uuid_of(2, it), 'job_title', '', 'Foreman',
    now() - interval '20 days' - case when it % 1000 = 0 then interval '3 years' else interval '0' end
from generate_series(1, :people) as it left join those on it % 10 = 0 and number = it / 10 % (select count(*) from those);
insert into security_event (id, user_id, kind, source, created_at)
select uuid_of(5, it), uuid_of(2, it), 'SIGNED_IN', '', now() - case when it % 1000 = 0 then interval '1 year' else interval '1 day' end
from generate_series(1, :people) as it;
insert into throttle (kind, subject, network, count, blocked_until)
select 'ADDRESS', sha256(it::text::bytea), '', 1, now() + case when it % 1000 = 0 then interval '-9 days' else interval '1 day' end
from generate_series(1, :people) as it;
insert into password_history (id, user_id, password_hash)
select uuid_of(6, it), uuid_of(2, it), '' from generate_series(1, :people) as it;
insert into request (caller_id, request_id, digest, answer, created_at)
select uuid_of(2, it), uuid_of(7, it), '', '', now() - case when it % 1000 = 0 then interval '9 days' else interval '1 hour' end
from generate_series(1, :people) as it;
insert into second_address (user_id, email, email_key)
select id, 'two' || it || '@example.org', 'two' || it || '@example.org' from one where it % 10 = 0;
insert into suppressed_address (email_key, reason)
select 'one' || it || '@example.org', 'nobody there' from one where it % 5 = 0;
insert into test_digest (id, account_id, user_id, cadence, shown_at, asked_at)
select uuid_of(8, it), account_id, id, 'DAILY', now(), now() - case when it % 1000 = 0 then interval '99 days' else interval '1 hour' end
from one;
insert into mail_pace (domain, used_until)
select 'domain' || it || '.example', now() + interval '1 hour' from generate_series(1, :people / 10) as it;

-- Places: those of the account first.
create temp table place as
select it, uuid_of(10, it) as id, case when it % 2 = 0 then ':account'::uuid else uuid_of(1, it / 20) end as account_id
from generate_series(1, :people / 2) as it;
insert into workcenter (id, account_id, name, created_by, created_at, category, purge_at, is_template)
select id, account_id, 'Place ' || it, uuid_of(2, it), now(), 'Category ' || it % 50,
    case when it % 100 = 3 then now() + interval '40 days' end, it % 50 = 6
from place;
create temp table tie as
select distinct place.id as place_id, account_id, uuid_of(2, 2 * (it + step * 7) % :people + 1 + it % 2) as user_id
from place, generate_series(0, 4) as step
union select place.id, account_id, those.id from place, those where place.it % 2 = 0 and place.it <= 1200
union select ':workcenter', ':account', id from one where it % 2 = 0 and it <= 1200;
insert into collaborator (workcenter_id, user_id, role, created_at)
select place_id, user_id, 'CONTRIBUTOR', now() from tie on conflict do nothing;
insert into activity_head (log_id, account_id, last_seq, due_at)
select id, account_id, 10, case when it % 10 = 0 then now() + interval '40 days' end from place;
insert into subscription (id, account_id, user_id, log_id, cadence, start_seq, cursor, ended_at)
select gen_random_uuid(), account_id, user_id, place_id, 'DAILY', 0, case when place_id = ':workcenter' then 5000 else 10 end, null from tie
on conflict do nothing;
insert into activity (log_id, seq, account_id, event_id, kind, actor_id, subject_kind, subject_ref, subject_title,
    subject_url, parent_kind, parent_ref, parent_title, parent_url, summary, audience, occurred_at)
select log_id, seq, account_id, 'e' || seq, 'file.uploaded', uuid_of(2, seq), 'file', seq::text, 'Sheet.pdf', 'https://app.example/1',
    'folder', '1', 'Drawings', 'https://app.example/2', '', 'EVERYONE', now() - interval '20 days'
from (select id as log_id, account_id, 10 as most from place union all select ':workcenter', ':account', 5000) log,
    generate_series(1, most) as seq
on conflict do nothing;
insert into activity_head (log_id, account_id, last_seq) values (':workcenter', ':account', 5000)
on conflict (log_id) do update set last_seq = 5000;
update subscription set cursor = 5000 where log_id = ':workcenter';
insert into addressee (user_id, log_id, seq, account_id, reason, settlement_id, outcome)
select user_id, place_id, 1 + (place.it % 10), tie.account_id, 'MENTION', uuid_of(12, place.it), 'SHOWN'
from tie join place on place.id = place_id;
insert into digest_schedule (account_id, user_id, cadence, next_at, next_date, last_date)
select account_id, id, cadence, now() + interval '99 days' + it % 24 * interval '1 hour', current_date + 99, current_date - 4
from one, unnest(array['DAILY', 'WEEKLY']) as cadence;
insert into settlement (id, account_id, user_id, cause, local_date, mail_id, subscription_ids, from_seq, to_seq, shown, own,
    addressed, hidden, retracted, suppressed, settled_at)
select uuid_of(12, it), account_id, id, 'DAILY', current_date - 4, uuid_of(13, it), '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', now()
from one;
insert into mail (id, account_id, user_id, kind, subject_id, lane, state, message_id, dated_at, try_at, ended_at)
select uuid_of(13, it), account_id, id, 'DIGEST', uuid_of(12, it), 1, case when it % 8 < 2 then 'PENDING' else 'SENT' end, 'm' || it, now(),
    now() + interval '1 day', case when it % 8 < 2 then null else now() - interval '1 hour' end
from one;

-- Invites: of those people and to them, and of many others.
insert into invite (id, account_id, email, email_key, account_role, inviter_id, state, token_hash, created_at, expires_at, ended_at,
    remind_at)
select uuid_of(20, it), case when it % 2 = 0 then ':account'::uuid else uuid_of(1, it % :people / 100) end, 'new' || it || '@example.org',
    'new' || it || '@example.org', 'GUEST', coalesce(those.id, uuid_of(2, it % :people + 1)), state,
    sha256(('i' || it)::bytea), now() - interval '20 days', now() + interval '1 year', case when state <> 'PENDING' then now() end,
    now() + interval '40 days'
from generate_series(1, :people) as it
left join those on it % 4 = 0 and number = it / 4 % (select count(*) from those),
    lateral (select case when it % 3 < 1 then 'ACCEPTED' when it % 3 < 2 then 'EXPIRED' else 'PENDING' end as state) of
on conflict do nothing;
insert into invite (id, account_id, email, email_key, account_role, inviter_id, state, token_hash, created_at, expires_at, ended_at)
select uuid_of(21, it * 16 + number), uuid_of(1, it), email, email_key, 'GUEST', uuid_of(2, it), case when it % 2 = 0 then 'DECLINED' else 'PENDING' end,
    sha256(('t' || it || '/' || number)::bytea), now() - interval '20 days', now() + interval '1 year', case when it % 2 = 0 then now() end
from (select email, email_key, row_number() over (order by id) as number from person where id in (select id from those)) of,
    generate_series(1, 600) as it;
insert into invite_workcenter (invite_id, workcenter_id, role)
select uuid_of(20, it), uuid_of(10, it % (:people / 2) + 1), 'READER' from generate_series(1, :people) as it;

-- Jobs, with what became of their items; a few thousand wait, and most of them in the account.
insert into job (id, account_id, kind, state, initiator_id, total, done, failed, created_at, started_at, finished_at, target_workcenter_id)
select uuid_of(30, it), case when it % 2 = 0 then ':account'::uuid else uuid_of(1, it % 100) end, 'BULK_COPY',
    case when it % 10 = 2 then 'QUEUED' else 'PARTIALLY_FAILED' end, coalesce(those.id, uuid_of(2, it % :people + 1)), 5,
    case when it % 10 = 2 then 0 else 3 end, case when it % 10 = 2 then 0 else 2 end, now(), now(), case when it % 10 = 2 then null else now() end,
    uuid_of(10, it)
from generate_series(1, :people / 2) as it
left join those on it % 4 = 0 and number = it / 4 % (select count(*) from those);
insert into job_item (job_id, item_id, seq, kind, state, code, path)
select uuid_of(30, it), gen_random_uuid(), seq, 'DOCUMENT',
    case when it % 10 = 2 then 'PENDING' when seq < 4 then 'DONE' else 'FAILED' end,
    case when it % 10 <> 2 and 3 < seq then 'NAME_TAKEN' else '' end, 'Plan.pdf'
from generate_series(1, :people / 2) as it, generate_series(1, 5) as seq;
insert into job_turn (account_id, served_at) select distinct account_id, now() from job on conflict do nothing;

-- What WorkCenters hold.
create temp table held as
select it, uuid_of(40, it) as id, case when it % 2 = 0 then ':workcenter'::uuid else uuid_of(10, it % (:people / 2) + 1) end as place_id,
    it % 10 = 1 as is_folder
from generate_series(1, :people) as it;
insert into blob (digest) select sha256(('b' || it)::bytea) from held;
insert into entry (id, account_id, workcenter_id, kind, name, name_key, version, created_by, created_at, updated_at, deleted_at, deleted_by, purge_at)
select id, ':account', place_id, case when is_folder then 'FOLDER' else 'DOCUMENT' end, 'Plan ' || it, 'plan ' || it,
    case when is_folder then 0 else 1 end, uuid_of(2, 1), now(), now(), gone, case when gone is not null then uuid_of(2, 1) end,
    gone + interval '90 days'
from held, lateral (select case when it % 8 < 2 then now() - interval '10 days' end as gone) of;
insert into entry_version (entry_id, number, account_id, digest, size_bytes, created_by, created_at)
select id, 1, ':account', sha256(('b' || it)::bytea), 1, uuid_of(2, 1), now() from held where not is_folder;
-- Of tasks and posts a WorkCenter has no more than it may.
create temp table todo as select * from held where it % 2 = 1 or it <= 10000;
insert into task (id, account_id, workcenter_id, title, status, assignee_rule, approver_rule, created_by, created_at, updated_at, document_id)
select uuid_of(41, it), ':account', place_id, 'Paint', case when it % 8 < 6 then 'COMPLETED' else 'NEW' end, 'ANY', 'ANY', uuid_of(2, 1), now(), now(),
    case when it % 4 = 0 and not is_folder then id end
from todo;
insert into task_person (task_id, part, seq, user_id) select uuid_of(41, it), 'ASSIGNEE', 1, uuid_of(2, it) from todo;
insert into task_dependency (task_id, prior_id) select uuid_of(41, it), uuid_of(41, it - 2) from todo where it % 4 = 0;
insert into task_attachment (task_id, seq, entry_id) select uuid_of(41, it), 1, id from todo where it % 4 = 0;
insert into post (id, account_id, workcenter_id, text, author_id, created_at)
select uuid_of(42, it), ':account', place_id, 'Hello', uuid_of(2, it), now() from todo;
insert into comment (id, account_id, document_id, text, author_id, created_at)
select uuid_of(43, it), ':account', id, 'Hello', uuid_of(2, it), now() - it * interval '1 minute' from held where not is_folder;
update account set pending_invites_max = 100000, daily_invites_max = 100000 where id = ':account';
set session_replication_role = origin;
