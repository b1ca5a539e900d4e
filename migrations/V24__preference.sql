-- Whether what a person did themselves is told them like what others did. Programs of the version before never tell it.
alter table recipient add column own_activity bool not null default false;

-- Whether mail to a person, or of an account, tells how much there is and where, and nothing of what it is. Programs of the
-- version before tell it all.
alter table recipient add column redact_content bool not null default false;
alter table account add column redact_content bool not null default false;
