-- What links in mails have switched off can be undone, until the person chooses for themselves.

-- Which kind of link has switched the subscription off, and what was set before; null for what no link has.
alter table subscription
    add column silenced_by text check (silenced_by in ('WORKCENTER', 'DIGESTS', 'ACCOUNT')),
    add column silenced_from text
        check (silenced_from in ('INHERIT', 'IMMEDIATE', 'DIGEST', 'DAILY', 'WEEKLY'));

-- Whether a link has put what concerns the person into their digest.
alter table recipient add column addressed_silenced bool not null default false;
