-- Bytes that the object store has, or may have: announced here before they are stored, and forgotten here after they are
-- removed. Written by blob::store, which removes what no row names; and by the triggers below.
create table blob (
    -- The SHA-256 of the bytes, which they are found by.
    digest       bytea primary key check (octet_length(digest) = 32),
    -- Since when nothing may name it: an upload has announced it, or a row that named it has gone. Null as soon as
    -- somebody has looked and found it named. By the real clock.
    loose_at     timestamptz,
    -- Until when somebody is about to remove the bytes, so that nobody may store or name them meanwhile.
    doomed_until timestamptz
);

-- What the collector looks through: little, for what is named is not loose.
create index blob_loose on blob (loose_at) where loose_at is not null;

-- A square of a picture, so that the bytes it names cannot be forgotten. `picture` has the same in two arrays, in which
-- no foreign key can be. Written by the trigger `picture_squares_follow` alone, whichever program writes pictures.
create table picture_square (
    user_id uuid not null references picture on delete cascade,
    side    bigint not null,
    digest  bytea not null constraint picture_square_blob references blob,
    primary key (user_id, side)
);

-- Whether something names a blob.
create index picture_square_digest on picture_square (digest);

-- Nobody writes pictures meanwhile: the foreign key to them has locked the table until all of this is done.
insert into blob (digest) select distinct unnest(digests) from picture;

insert into picture_square (user_id, side, digest)
select picture.user_id, square.side, square.digest
from picture cross join unnest(sides, digests) as square(side, digest);

-- Keeps the squares of a picture as its arrays say.
create function picture_squares_follow() returns trigger language plpgsql as $$
begin
    delete from picture_square where user_id = new.user_id;
    -- The programs of the version before announce nothing.
    insert into blob (digest, loose_at)
    select distinct digest, now() from unnest(new.digests) as digest order by digest
    on conflict (digest) do nothing;
    insert into picture_square (user_id, side, digest)
    select new.user_id, square.side, square.digest
    from unnest(new.sides, new.digests) as square(side, digest);
    return null;
end $$;

create trigger picture_squares_follow after insert or update on picture
for each row execute function picture_squares_follow();

-- Notes that what squares named may be loose now. In order, so that those who let go of the same do not block each other.
create function picture_square_lets_go() returns trigger language plpgsql as $$
begin
    perform from blob where digest in (select digest from gone) order by digest for no key update;
    update blob set loose_at = now() where digest in (select digest from gone);
    return null;
end $$;

create trigger picture_square_lets_go after delete on picture_square
referencing old table as gone
for each statement execute function picture_square_lets_go();
