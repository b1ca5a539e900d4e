-- A name that a certificate may have, and the service that whoever shows one is then, without its key. One that was taken
-- back stays, with when that was. Written by identity::binding.
create table service_certificate (
    id         uuid primary key,
    key_id     uuid not null references service_key,
    -- As identity::binding has it: DNS:name in small letters, or URI:uri.
    name       text not null,
    created_at timestamptz not null,
    ended_at   timestamptz
);

-- A name is bound to one service at a time. Callers are looked up by it.
create unique index service_certificate_name on service_certificate (name) where ended_at is null;
