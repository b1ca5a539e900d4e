-- A picture that a person has set, as squares of several sizes. Written by profile::picture::store.
create table picture (
    user_id      uuid primary key references profile,
    -- The digest of the largest square, in hexadecimal.
    etag         text not null,
    -- Of all squares.
    content_type text not null check (content_type in ('image/jpeg', 'image/png')),
    -- Pixels a side, largest first; and for each the SHA-256 that its bytes are stored under.
    sides        bigint[] not null,
    digests      bytea[] not null,
    created_at   timestamptz not null,
    constraint picture_squares check (cardinality(sides) = cardinality(digests) and cardinality(sides) > 0)
);
