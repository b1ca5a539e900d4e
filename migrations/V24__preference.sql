-- Whether what a person did themselves is told them like what others did. Programs of the version before never tell it.
alter table recipient add column own_activity bool not null default false;
