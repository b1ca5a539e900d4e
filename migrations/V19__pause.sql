-- While a person is away: nothing is told them from pause_from on, and at pause_to in one mail for each account what waited.
-- Programs of the version before tell them as ever.
alter table recipient add column pause_from timestamptz;
alter table recipient add column pause_to timestamptz;
alter table recipient add constraint recipient_pause
    check ((pause_from is null) = (pause_to is null) and pause_from < pause_to);

-- RETURN is that mail: planned with the pause, for each account that the person hears of. Until it is composed nothing else is.
alter table digest_schedule drop constraint digest_schedule_cadence_check;
alter table digest_schedule add constraint digest_schedule_cadence_check
    check (cadence in ('DAILY', 'WEEKLY', 'CATCHUP', 'RETURN'));

-- Who of an account is away, or about to be: few.
create index digest_schedule_away on digest_schedule (account_id, user_id)
    where cadence = 'RETURN' and next_at is not null;

-- RETURNED: the person was away.
alter table settlement drop constraint settlement_cause_check;
alter table settlement add constraint settlement_cause_check check (cause in
    ('IMMEDIATE', 'DAILY', 'WEEKLY', 'CATCHUP', 'RETURNED', 'SUPPRESSED', 'RESUMED', 'LEFT'));
