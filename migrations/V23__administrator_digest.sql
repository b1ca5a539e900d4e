-- What somebody hears, as an administrator, of the WorkCenters of an account that they do not collaborate in: a digest, or
-- nothing. Who has never chosen has no row. Written by subscription::administrator.
create table administrator_digest (
    account_id    uuid not null,
    user_id       uuid not null,
    delivery      text not null check (delivery in ('DIGEST', 'DAILY', 'WEEKLY', 'OFF')),
    -- Of which categories it tells; empty for all.
    categories    text[] not null,
    -- The WorkCenters that it does not tell of, whatever they are filed under.
    excluded      uuid[] not null,
    -- Which kind of link has switched it off, and what was set before; null when none has.
    silenced_by   text check (silenced_by in ('DIGESTS', 'ACCOUNT')),
    silenced_from text check (silenced_from in ('DIGEST', 'DAILY', 'WEEKLY')),
    -- The etag.
    revision      bigint not null,
    primary key (account_id, user_id)
);

-- Null for a collaborator. For an administrator who does not collaborate, and hears of the log by their digest: the number
-- after which that begins. Programs of the version before take all for collaborators.
alter table subscription add column administrator_from bigint;
