-- People who collaborate in :each WorkCenters each, in which :events things have happened since the last digest, and whose
-- digests are due on a morning: :people people, :account in an account, with :places WorkCenters.
create function uuid_of(kind int, number bigint) returns uuid language sql immutable as $$
    select (lpad(to_hex(kind), 8, '0') || lpad(to_hex(number), 24, '0'))::uuid
$$;
insert into account (id, name, created_at)
select uuid_of(1, it), 'Account ' || it, now() from generate_series(0, (:people - 1) / :account) as it;
insert into person (id, email, email_key, password_hash, created_at)
select uuid_of(2, it), 'one' || it || '@example.com', 'one' || it || '@example.com', '', now()
from generate_series(0, :people - 1) as it;
insert into profile (user_id, first_name, last_name, updated_at)
select uuid_of(2, it), 'Person', it::text, now() from generate_series(0, :people - 1) as it;
insert into member (account_id, user_id, role, created_at)
select uuid_of(1, it / :account), uuid_of(2, it), 'MEMBER', now() from generate_series(0, :people - 1) as it;
insert into recipient (user_id, default_delivery)
select uuid_of(2, it), 'DAILY' from generate_series(0, :people - 1) as it;
create table tie as
select person, account * :places + (person + number * (:places / :each)) % :places as place, account
from (select it as person, it / :account as account from generate_series(0, :people - 1) as it) people,
    generate_series(0, :each - 1) as number;
insert into workcenter (id, account_id, name, created_by, created_at)
select distinct uuid_of(3, place), uuid_of(1, account), 'WorkCenter ' || place, uuid_of(2, 0), now() from tie;
insert into collaborator (workcenter_id, user_id, role, created_at)
select uuid_of(3, place), uuid_of(2, person), 'READER', now() from tie;
insert into activity_head (log_id, account_id, last_seq)
select distinct uuid_of(3, place), uuid_of(1, account), :events from tie;
insert into activity (log_id, seq, account_id, event_id, kind, actor_id, subject_kind, subject_ref, subject_title,
    subject_url, parent_kind, parent_ref, parent_title, parent_url, summary, audience, occurred_at)
select log_id, seq, account_id, seq::text, (array['file.uploaded', 'post.created', 'task.completed'])[1 + seq % 3],
    uuid_of(2, seq), 'file', seq::text, 'Sheet ' || seq || '.pdf', 'https://app.example/files/' || seq, 'folder', '1',
    'Drawings', 'https://app.example/folders/1', '', 'EVERYONE', timestamptz '2027-03-01T12:00:00Z'
from activity_head, generate_series(1, :events) as seq;
insert into subscription (id, account_id, user_id, log_id, cadence, start_seq, cursor)
select gen_random_uuid(), uuid_of(1, account), uuid_of(2, person), uuid_of(3, place), 'DAILY', 0, 0 from tie;
insert into digest_schedule (account_id, user_id, cadence, next_at, next_date)
select uuid_of(1, it / :account), uuid_of(2, it), 'DAILY', '2027-03-02T07:00:00Z', '2027-03-02'
from generate_series(0, :people - 1) as it;
drop table tie;
analyze;
