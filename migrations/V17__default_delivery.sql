-- How people hear of an account's WorkCenters who have chosen nothing themselves.
alter table account add column default_delivery text not null default 'IMMEDIATE'
    constraint account_default_delivery check (default_delivery in ('IMMEDIATE', 'DIGEST', 'DAILY', 'WEEKLY', 'OFF'));

-- Whoever has chosen nothing hears as each account has it. Programs of the version before read INHERIT here as IMMEDIATE,
-- which all accounts have until it is changed.
alter table recipient drop constraint recipient_default_delivery_check;
alter table recipient add constraint recipient_default_delivery_check
    check (default_delivery in ('INHERIT', 'IMMEDIATE', 'DIGEST', 'DAILY', 'WEEKLY', 'OFF'));
alter table recipient alter column default_delivery set default 'INHERIT';
update recipient set default_delivery = 'INHERIT' where revision = 1;
