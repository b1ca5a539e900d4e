-- Reminders of invites, and what inviters are told of theirs. Programs of the version before leave all of it as it is.
alter table invite
    -- Whether the inviter wants nobody reminded of it.
    add column no_reminders bool not null default false,
    -- When whoever it is for may be reminded of it next; null for never. Looked at only while it is pending.
    add column remind_at timestamptz,
    -- The last mail that reminds of it: the mail in `mail_id` is a reminder if it is this.
    add column reminder_id uuid,
    -- Whether the inviter wants to be told that it was accepted.
    add column notify_on_accept bool not null default false,
    -- The mail that tells the inviter how it ended; one that was put into the outbox before is not sent any more.
    add column notice_id uuid;

-- What a daemon reminds of.
create index invite_remind on invite (remind_at) where remind_at is not null and state = 'PENDING';

-- What inviters are told is put into the outbox like all other mail.
alter table mail drop constraint mail_kind_check;
alter table mail add constraint mail_kind_check
    check (kind in ('DIGEST', 'IMMEDIATE', 'CATCHUP', 'INVITE', 'SECURITY', 'INVITE_NOTICE'));
