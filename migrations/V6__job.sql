-- Work that takes long. Its row is what watchers see, and `revision` grows with every change they should see.
-- Written by job::store.
--
--   QUEUED ─▶ RUNNING ─▶ SUCCEEDED | PARTIALLY_FAILED | FAILED
create table job (
    id           uuid primary key,
    account_id   uuid not null,
    kind         text not null check (kind in ('DIGEST_RUN')),
    state        text not null check (state in ('QUEUED', 'RUNNING', 'CANCELLING', 'SUCCEEDED',
                 'SUCCEEDED_WITH_WARNINGS', 'PARTIALLY_FAILED', 'FAILED', 'CANCELLED')),
    -- Null for what the daemon starts by itself.
    initiator_id uuid,
    -- What makes it the only one of its kind, such as the slot of a digest run.
    key          text constraint job_key unique,
    -- For DIGEST_RUN.
    cadence      text check (cadence in ('DAILY', 'WEEKLY')),
    due_at       timestamptz,
    total        bigint not null,
    done         bigint not null default 0,
    skipped      bigint not null default 0,
    failed       bigint not null default 0,
    revision     bigint not null default 1,
    created_at   timestamptz not null default now(),
    updated_at   timestamptz not null default now(),
    finished_at  timestamptz,
    constraint job_counts check (0 <= least(done, skipped, failed) and done + skipped + failed <= total),
    constraint job_end check ((finished_at is not null) = (state in
        ('SUCCEEDED', 'SUCCEEDED_WITH_WARNINGS', 'PARTIALLY_FAILED', 'FAILED', 'CANCELLED')))
) with (fillfactor = 70);

-- An account's jobs, newest first.
create index job_account on job (account_id, id);
-- A person's own.
create index job_initiator on job (initiator_id, id) where initiator_id is not null;
-- What is not over: the audit, and watchers of an account.
create index job_open on job (account_id) where finished_at is null;

-- An item of a job that failed. Written by job::store.
create table job_item (
    job_id     uuid not null references job,
    -- For DIGEST_RUN the recipient.
    item_id    uuid not null,
    -- A stable code.
    code       text not null,
    failed_at  timestamptz not null default now(),
    primary key (job_id, item_id)
);
