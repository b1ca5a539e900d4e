-- What was found by a look at all of a table, or by a walk along another index.
-- Second addresses, of which somebody asks whose they are.
create index second_address_of on second_address (email_key) where email_key is not null;
