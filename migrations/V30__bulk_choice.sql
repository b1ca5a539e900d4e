-- What more may be asked of bulk jobs: to leave alone what is there already with the same bytes; and of an item, what it has to be
-- when its turn comes, empty for whatever it is.
alter table job add column skips_identical boolean not null default false;
alter table job_item add column etag text not null default '';
