-- What a WorkCenter is filed under, its etag, since when it is archived, and when a deleted one is purged: deleted is what
-- has that. Programs of the version before take archived and deleted ones for active, and tell nobody of them either.
alter table workcenter add column category text not null default '' check (char_length(category) <= 100);
alter table workcenter add column revision bigint not null default 1;
alter table workcenter add column archived_at timestamptz;
alter table workcenter add column purge_at timestamptz;

-- What housekeeping purges, and what administrators look for: little.
create index workcenter_purge on workcenter (purge_at) where purge_at is not null;

-- What a log is closed for, which takes no events then; and the number up to which nobody is told of it any more, by
-- mails that were composed before neither.
alter table activity_head add column closed text check (closed in ('ARCHIVED', 'DELETED'));
alter table activity_head add column floor bigint not null default 0;

-- A place goes with its WorkCenter, whatever became of the invite that offered it.
alter table invite_workcenter drop constraint invite_workcenter_workcenter_id_fkey;
alter table invite_workcenter add constraint invite_workcenter_workcenter_id_fkey
    foreign key (workcenter_id) references workcenter on delete cascade;
