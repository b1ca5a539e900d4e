-- Who has changed, come or gone without the directories knowing of it yet: written with each change, and taken away by
-- whoever gives the change its number there. So a change waits for nobody who has one in the same account, and tells
-- nobody by a notice, for which all commits would queue. Written by account::store.
--
-- Rows are there for a moment, or until somebody follows a directory. They are read from the front, all of them, and so
-- there is no index; what is dead goes soon, lest it is read again and again.
create table directory_due (
    user_id    uuid not null,
    -- The account that they have left; of others, each that they are in then is told.
    account_id uuid
) with (autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0);
