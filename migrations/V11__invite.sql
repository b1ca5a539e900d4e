-- Invites that are declined, cannot be delivered, and are sent again.
alter table invite
    drop constraint invite_state_check,
    add constraint invite_state_check check
        (state in ('PENDING', 'ACCEPTED', 'DECLINED', 'REVOKED', 'EXPIRED', 'DELIVERY_FAILED')),
    -- How often the token was made anew: it is made of the id and this.
    add column turn bigint not null default 0 check (0 <= turn),
    -- When it was sent again, the last times that count against the next one.
    add column resent_at timestamptz[] not null default '{}',
    -- Its mail; one that was put into the outbox before is not sent any more. Null for those of the version before, which
    -- have one.
    add column mail_id uuid,
    -- Why it was declined, in the words of who did, or what was said when its mail could not be delivered.
    add column end_reason text not null default '';

-- Mails of invites that nobody will get, for those that wait for them.
create index mail_undelivered on mail (ended_at) where kind = 'INVITE' and state in ('FAILED', 'SUPPRESSED');
