-- What those become in a WorkCenter whom the tasks of a template name and who do not collaborate there: null where they are not
-- brought in.
alter table template_run add column newcomer_role text check (newcomer_role in ('OWNER', 'CONTRIBUTOR', 'READER'));
