-- Which job of an account has its turn next: found without a look at the others, however many wait.
create index job_order on job (account_id, turn_at nulls first, id) where finished_at is null and kind <> 'DIGEST_RUN';
drop index job_bulk;
