-- Who has changed, come or gone without the directories knowing of it yet: written with each change, and taken away by
-- whoever gives the change its number there. So a change waits no more for the head of a directory, and tells nobody by
-- a notice, for which all commits would queue. Written by account::store.
--
-- Rows are there for a moment, or until somebody follows a directory. They are taken from the front; what is dead there
-- goes soon, lest it is passed over again and again.
create table directory_due (
    id         bigint generated always as identity primary key,
    user_id    uuid not null,
    -- The account that they have left; of others, each that they are in then is told.
    account_id uuid
) with (autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0);
