-- Whether more people collaborate, or have at a time, than a setting of the deployment says: whoever hears of it as its account
-- has it hears daily where that is at once. It stays so when they leave. One that has grown before is marked when the next
-- one comes. Programs of the version before let people in who hear at once until somebody's choice or the account's is changed.
alter table workcenter add column large bool not null default false;
