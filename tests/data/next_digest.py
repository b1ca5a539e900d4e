# Run: python3 tests/data/next_digest.py > tests/data/next_digest.csv
#
# Computes the table that tests/it/schedule.rs holds the schedule to. Python 3.9 or newer, and
# nothing but its standard library; where the machine has no zone database, `pip install tzdata`.
#
# It shares no method with the program: whether a date exists is found by walking through the
# instants around it, a time that does not exist by a round trip, the end of a gap by bisection,
# and the next digest by listing every digest of some weeks and taking the earliest that fits.
#
# Columns: the zone; DAILY or WEEKLY; the time of day; the day of the weekly digest; the days of
# the daily one (Monday is 1, Tuesday 2, up to Sunday, 64); now; the date of the last digest, empty
# for none; and what is to come out: the date of the next digest and its instant.
#
# Most rows are links of a chain: each asks for what comes after the answer of the one above.

import csv
import sys
from datetime import date, datetime, time, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

UTC = timezone.utc
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
EVERY_DAY = 0b1111111
MONDAY_TO_FRIDAY = 0b0011111
WEEKEND = 0b1100000
NAMES = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]

# Zones, and the years whose changes of the clocks are looked at. Kathmandu gained a quarter of an
# hour at midnight in 1986; Apia lost a Friday at the end of 2011 and had its last summer in 2021.
ZONES = {
    "America/New_York": [2026, 2027],
    "Europe/London": [2026, 2027],
    "Australia/Lord_Howe": [2026, 2027],
    "Asia/Kathmandu": [1986],
    "Pacific/Apia": [2011, 2020, 2021],
}

# Days on which nothing changes, for the zones whose clocks stand still now.
PLAIN = {
    "Asia/Kathmandu": [date(2026, 3, 29), date(2027, 10, 31)],
    "Pacific/Apia": [date(2026, 4, 5), date(2027, 9, 26)],
}

# 02:30 and 02:15 fall into gaps, 01:30 and 01:45 (Lord Howe) into repetitions, midnight into
# Kathmandu's gap and onto the edges of Apia's.
TIMES = [
    time(7), time(1, 30), time(1, 45), time(2),
    time(2, 15), time(2, 30), time(0), time(23, 45),
]
PROBED = [time(7), time(1, 30), time(2, 15), time(2, 30), time(0)]


def wall(zone, instant):
    """The local date and time at an instant."""
    return instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def changes(zone, year):
    """The local dates, before the change, of every change of the offset in a year."""
    instant = datetime(year - 1, 12, 31, tzinfo=UTC)
    end = datetime(year + 1, 1, 1, tzinfo=UTC)
    found = []
    while instant < end:
        if wall(zone, instant) + HOUR != wall(zone, instant + HOUR):
            found.append(wall(zone, instant).date())
        instant += HOUR
    return found


@lru_cache(maxsize=None)
def exists(zone, day):
    """Whether any instant, looked at every quarter of an hour, bears this date in the zone."""
    instant = datetime.combine(day, time(0), UTC) - 26 * HOUR
    quarters = (instant + n * timedelta(minutes=15) for n in range(4 * 76))
    return any(wall(zone, it).date() == day for it in quarters)


@lru_cache(maxsize=None)
def due(zone, day, at):
    """The instant at which clocks in the zone first show this time of this date, or pass it."""
    wanted = datetime.combine(day, at)
    instant = wanted.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)
    if wall(zone, instant) == wanted:
        return instant
    # The time does not exist. Whole seconds suffice: no zone changes between two of them.
    before, after = instant - 30 * HOUR, instant + 30 * HOUR
    assert wall(zone, before) < wanted < wall(zone, after)
    while after - before > SECOND:
        middle = before + (after - before) // 2
        middle = middle.replace(microsecond=0)
        if wall(zone, middle) < wanted:
            before = middle
        else:
            after = middle
    return after


def following(zone, cadence, at, weekday, days, now, last):
    """The date and the instant of the next digest."""
    start = wall(zone, now).date() - 3 * DAY
    if last is not None:
        start = max(start, last - 3 * DAY)
    slots = []
    for n in range(40):
        day = start + n * DAY
        if cadence == "DAILY":
            goes = days >> day.weekday() & 1
        else:
            goes = weekday == day.weekday()
        if not goes or not exists(zone, day):
            continue
        instant = due(zone, day, at)
        if instant > now and (last is None or day > last):
            slots.append((instant, day))
    instant, day = min(slots)
    return day, instant


def stamp(instant):
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def row(zone, cadence, at, weekday, days, now, last):
    """One line of the table, and its answer."""
    day, instant = following(zone, cadence, at, weekday, days, now, last)
    line = [
        zone, cadence, at.strftime("%H:%M"), NAMES[weekday], days,
        stamp(now), last or "", day, stamp(instant),
    ]
    return line, day, instant


def chain(rule, start, count):
    """Rows of which each begins where the one before ended."""
    now, last = start, None
    for _ in range(count):
        line, last, now = row(*rule, now, last)
        yield line


def probes(zone, at, change):
    """Rows about strictness, and about a last date that is behind, level or ahead."""
    rule = (zone, "DAILY", at, 0, EVERY_DAY)
    day = change if exists(zone, change) else change + DAY
    instant = due(zone, day, at)
    yield row(*rule, instant - SECOND, None)[0]
    yield row(*rule, instant, None)[0]
    yield row(*rule, instant + SECOND, None)[0]
    yield row(*rule, instant + HOUR, day - DAY)[0]
    yield row(*rule, instant - HOUR, day)[0]
    yield row(*rule, instant - 2 * DAY, day + DAY)[0]
    yield row(*rule, instant, day + 400 * DAY)[0]
    for weekday in (4, 6):
        yield row(zone, "WEEKLY", at, weekday, EVERY_DAY, instant - SECOND, None)[0]
        yield row(zone, "WEEKLY", at, weekday, EVERY_DAY, instant, day)[0]


def table():
    for zone, years in ZONES.items():
        dates = [day for year in years for day in changes(zone, year)] + PLAIN.get(zone, [])
        for change in dates:
            start = datetime.combine(change - 3 * DAY, time(12), UTC)
            for at in TIMES:
                yield from chain((zone, "DAILY", at, 0, EVERY_DAY), start, 7)
            for at in (time(7), time(2, 30)):
                yield from chain((zone, "DAILY", at, 0, MONDAY_TO_FRIDAY), start, 6)
                yield from chain((zone, "DAILY", at, 0, WEEKEND), start, 3)
                for weekday in (0, 3, 4, 6):
                    yield from chain((zone, "WEEKLY", at, weekday, EVERY_DAY), start, 3)
            for at in PROBED:
                yield from probes(zone, at, change)


def main():
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow([
        "zone", "cadence", "time", "weekday", "days",
        "now", "last_date", "expected_date", "expected_at",
    ])
    out.writerows(table())


if __name__ == "__main__":
    main()
