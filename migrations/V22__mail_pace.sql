-- How fast mails go where that is limited, or where the relay has asked for less: to one domain, or overall. Removed when it
-- has had no use for a while. Written by outbox::pace::store.
create table mail_pace (
    -- What addresses end in, as addresses are compared; '' for all mails.
    domain     text primary key,
    -- Up to when the limit is used up by what has gone, by the database's real clock, as are all below.
    used_until timestamptz not null,
    -- The last place of the line of those that have to wait.
    line_until timestamptz,
    -- Mails a second that the relay was found to take; null for what the settings say.
    learned    double precision constraint mail_pace_learned check (learned > 0),
    -- When the relay asked for less the last time that it was heeded.
    slowed_at  timestamptz
);
