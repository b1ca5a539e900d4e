# Run: pip install tzdata==2026.5 && PYTHONTZPATH= python3 tests/data/template_dates.py > tests/data/template_dates.csv
#
# Computes the table that tests/it/template/dates.rs holds the dates of copied tasks to. The version of tzdata is the one
# that is built into the program (2026e).
#
# It was written from what src/template/date/mod.rs says the terms mean, and shares no method with the program: working days
# are counted by walking from one date to the next, whether a date exists is found by looking at every half hour around it,
# a time that does not exist by a round trip, and the end of a gap by bisection.
#
# Columns: the anchor and its date; whether dates must not be lost; the zone of the copies; the working days from Monday
# to Sunday, a 1 for each, empty for calendar days; the holidays; the tasks, each with its zone if that is not the one of
# the task before, its start and when it is due; and what is to come out: the date of the anchor, and of each copy its
# start, what is said of it, when it is due, and what is said of that. Or why there is nothing: of a task in its place, of
# all in the place of all.

import csv
import random
import sys
from datetime import date, datetime, time, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

UTC = timezone.utc
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
FIRST, LAST = date(1970, 1, 1), date(9999, 12, 31)
# The last instant that the program knows.
END = datetime(9999, 12, 30, 22, tzinfo=UTC)

WEEKDAYS = "1111100"
SUNDAY_TO_THURSDAY = "1111001"
WEDNESDAY = "0010000"

# Zones, and years whose changes of the clocks are looked at: on a Sunday at two; by half an hour; at midnight, which then
# does not exist (Sao Paulo, Cairo, Kathmandu by a quarter of an hour), up to midnight (Nuuk), a minute past it (St John's),
# by a whole day (Apia), and none.
ZONES = {
    "America/New_York": [2027],
    "Europe/London": [2026],
    "Australia/Lord_Howe": [2027],
    "America/Sao_Paulo": [2018],
    "Africa/Cairo": [2027],
    "Asia/Kathmandu": [1986],
    "America/Nuuk": [2027],
    "America/St_Johns": [2010],
    "Pacific/Apia": [2011],
    "Pacific/Kwajalein": [1993],
    "Asia/Kolkata": [],
}
# Days on which nothing changes, for the zones whose clocks stand still: a leap day, and the end of a year.
PLAIN = {"Asia/Kolkata": [date(2028, 2, 29), date(2027, 12, 31)]}


class Beyond(Exception):
    """There is no such date or instant."""


def wall(zone, instant):
    """What clocks show at an instant."""
    return instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def changes(zone, year):
    """The dates, before the change, of every change of the offset in a year."""
    instant, found = datetime(year - 1, 12, 31, tzinfo=UTC), []
    while instant.year <= year:
        if wall(zone, instant) + HOUR != wall(zone, instant + HOUR):
            found.append(wall(zone, instant).date())
        instant += HOUR
    return found


@lru_cache(maxsize=None)
def exists(zone, day):
    """Whether some instant bears this date in the zone."""
    if zone == "UTC":
        return True
    instant = datetime.combine(day, time(0), UTC) - 26 * HOUR
    return any(wall(zone, instant + n * HOUR / 2).date() == day for n in range(2 * 76))


@lru_cache(maxsize=None)
def first_shown(zone, wanted):
    """The instant at which clocks first show this, or pass it."""
    if zone == "UTC":
        return wanted.replace(tzinfo=UTC)
    instant = wanted.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)
    if wall(zone, instant) == wanted:
        return instant
    before, after = instant - 30 * HOUR, instant + 30 * HOUR
    assert wall(zone, before) < wanted < wall(zone, after)
    while after - before > SECOND:
        middle = (before + (after - before) // 2).replace(microsecond=0)
        before, after = (middle, after) if wall(zone, middle) < wanted else (before, middle)
    return after


class Days:
    """The days that count: all of them, or those on which people work."""

    def __init__(self, week, holidays, zone):
        self.week, self.holidays, self.zone = week, set(holidays), zone

    def has(self, day):
        if not self.week:
            return True
        return self.week[day.weekday()] == "1" and day not in self.holidays and exists(self.zone, day)

    def step(self, day, by):
        """The next one, or the one before."""
        while True:
            try:
                day += by * DAY
            except OverflowError:
                raise Beyond from None
            if day < FIRST:
                raise Beyond
            if self.has(day):
                return day

    def forward(self, day):
        """This one, or the first after it."""
        return day if self.has(day) else self.step(day, 1)

    def apart(self, day, other):
        """How many steps lead from one to the other; both count."""
        low, high = min(day, other), max(day, other)
        n = sum(self.has(low + i * DAY) for i in range((high - low).days))
        return n if day <= other else -n

    def ahead(self, day, n):
        """The one that many steps ahead, or back."""
        if not self.week:
            try:
                day += n * DAY
            except OverflowError:
                raise Beyond from None
            if not FIRST <= day <= LAST:
                raise Beyond
            return day
        for _ in range(abs(n)):
            day = self.step(day, 1 if n > 0 else -1)
        return day

    def taken(self, start, due):
        """How many a task takes that is on these dates, both included."""
        return max(1, sum(self.has(start + i * DAY) for i in range((due - start).days + 1)))


def standing(days, task):
    """The days that a task's start and its being due count as."""
    zone, start, due = task
    first = start and days.forward(wall(zone, start).date())
    last = due and days.forward(wall(zone, due).date())
    if start and due:
        begun, ended = wall(zone, start).date(), wall(zone, due).date()
        last = days.ahead(first, days.taken(begun, ended) - 1)
    return first, last


def moved(days, task_zone, at, to, on_anchor, zone):
    """A date's instant in the copy, and what is said of it."""
    said, shown = [], wall(task_zone, at)
    if not days.has(shown.date()) or on_anchor:
        said.append("NOT_WORKING")
    wanted = datetime.combine(to, shown.time())
    if wanted == shown and task_zone == zone:
        return at, said
    instant = first_shown(zone, wanted)
    if instant > END:
        raise Beyond
    if wall(zone, instant) != wanted:
        said.append("SKIPPED")
    return instant, said


def copy(days, rule, task, center, target):
    """The dates of a copy: what stands on `center` comes to `target`."""
    anchor, asked, zone = rule
    task_zone, start, due = task
    if not target:
        raise Beyond
    off = not days.has(asked)
    first, last = standing(days, task)
    new_start = new_due = None
    said_start, said_due = [], []
    if start:
        to = days.ahead(target, days.apart(center, first))
        new_start, said_start = moved(days, task_zone, start, to, off and first == center, zone)
        if anchor == "DUE" and first > center:
            said_start.append("AFTER_DUE")
    if due:
        to = days.ahead(target, days.apart(center, last))
        new_due, said_due = moved(days, task_zone, due, to, off and last == center, zone)
    if start and due and new_due < new_start:
        new_due = new_start
        said_due.append("AT_START")
    return "|".join([stamp(new_start), "+".join(said_start), stamp(new_due), "+".join(said_due)])


def answer(anchor, asked, strict, zone, week, holidays, tasks):
    """The date of the anchor, and the dates of all copies."""
    dated = [it for it in tasks if it[1] or it[2]]
    if anchor == "NONE":
        return ("", "NO_ANCHOR") if strict and dated else ("", " ".join("|||" for _ in tasks))
    if anchor == "KEEP" or not dated:
        return "", " ".join(f"{stamp(start)}||{stamp(due)}|" for _, start, due in tasks)
    days = Days(week, holidays, zone)
    sound = [it for it in dated if not (it[1] and it[2] and it[2] < it[1])]
    stand = [standing(days, it) for it in sound]
    try:
        target = days.forward(asked) if asked >= FIRST else None
    except Beyond:
        target = None
    if anchor == "START":
        center = min(it for pair in stand for it in pair if it)
    else:
        center = max((it for _, it in stand if it), default=None)
        if center is None:
            return "", "NOTHING_DUE"
    copies = []
    for task in tasks:
        if task in dated and task not in sound:
            copies.append("REVERSED")
            continue
        if task not in dated:
            copies.append("|||")
            continue
        try:
            copies.append(copy(days, (anchor, asked, zone), task, center, target))
        except Beyond:
            copies.append("BEYOND")
    return target or "", " ".join(copies)


def stamp(instant):
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ") if instant else ""


def listed(tasks):
    """The tasks as they are written; a zone that is the one before is left out."""
    before = None
    for zone, start, due in tasks:
        yield f"{zone if zone != before else ''}|{stamp(start)}|{stamp(due)}"
        before = zone


def row(anchor, asked, zone, week, holidays, tasks, strict=False):
    """A line of the table."""
    told = answer(anchor, asked, strict, zone, week, holidays, tasks)
    dates = " ".join(str(it) for it in holidays)
    return [anchor, asked or "", "strict" if strict else "", zone, week, dates, " ".join(listed(tasks)), *told]


def task(zone, start=None, due=None):
    """A task by what clocks show, the second time where "again" is said."""
    def instant(text):
        if text is None:
            return None
        text, again, _ = text.partition(" again")
        return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=int(bool(again))).astimezone(UTC)
    return zone, instant(start), instant(due)


def week_of(zone, monday):
    """Tasks of a week, as people plan them, and as they should not."""
    at = lambda n, clock: f"{monday + n * DAY}T{clock}"
    return [
        task(zone, at(0, "09:00"), at(4, "17:00")),
        task(zone, at(4, "16:00"), at(7, "10:00")),
        task(zone, at(0, "00:00"), at(6, "23:30")),
        task(zone, at(5, "10:00"), at(6, "09:00")),
        task(zone, at(4, "17:00"), at(5, "09:00")),
        task(zone, at(6, "01:30")),
        task(zone, at(2, "02:15")),
        task(zone, None, at(5, "00:00")),
        task(zone, None, at(9, "23:45")),
        task(zone),
    ]


def night_of(zone, day):
    """Tasks of a night, at the hours at which clocks are changed."""
    at = lambda clock: f"{day}T{clock}"
    pairs = [("00:05", "00:10"), ("01:15", "01:45"), ("01:45", "02:15"), ("02:30", "23:45"), ("23:15", "23:59:59")]
    return [
        *(task(zone, at(start), at(due)) for start, due in pairs),
        *(task(zone, at(clock)) for clock in ("00:00", "00:30", "01:30", "02:00", "03:00")),
        task(zone, None, at("02:20")),
        task(zone, None, at("23:30")),
    ]


# What is planned where clocks show an hour twice, or skip one, in the zone of the template.
TWICE = [
    task("America/Sao_Paulo", "2018-02-17T23:45", "2018-02-17T23:15 again"),
    task("America/Sao_Paulo", "2018-02-17T23:30 again", "2018-02-18T00:30"),
    task("America/Sao_Paulo", "2018-02-14T23:30", "2018-02-17T23:30"),
]
SCATTERED = [
    task("Asia/Tokyo", "2027-03-12T09:00", "2027-03-16T18:00"),
    task("America/Los_Angeles", "2027-03-12T17:30", "2027-03-14T03:00"),
    task("UTC", None, "2027-03-31T23:59:59"),
    task("Australia/Lord_Howe", "2027-04-04T01:45 again"),
]
LEAP = [
    task("Asia/Kolkata", "2024-02-26T09:00", "2024-03-03T18:00"),
    task("Asia/Kolkata", "2024-02-29T09:00", "2024-02-29T18:00"),
    task("Asia/Kolkata", None, "2024-12-31T18:00"),
]
REVERSED = ("UTC", datetime(2027, 3, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC))
ONE = [task("UTC", "2027-03-01T09:00", "2027-03-05T17:00"), task("UTC", None, "2027-03-10T12:00")]


def calendars(day):
    """Ways to count days around a date."""
    yield "", []
    yield WEEKDAYS, []
    yield WEEKDAYS, [day, day + DAY, day + 4 * DAY]
    yield SUNDAY_TO_THURSDAY, [day - DAY]


def around(zone, day):
    """What comes of templates where clocks change."""
    plain = week_of("America/New_York", date(2026, 11, 16))
    own = week_of(zone, day - 7 * DAY - day.weekday() * DAY)
    night = night_of("Asia/Kolkata", date(2026, 11, 18))
    for anchor in ("START", "DUE"):
        for week, holidays in calendars(day):
            yield row(anchor, day - 2 * DAY, zone, week, holidays, plain)
            yield row(anchor, day + (anchor == "DUE") * DAY, zone, week, holidays, plain)
            yield row(anchor, day + DAY, zone, week, holidays, own)
        for asked in (day - DAY, day, day + DAY):
            yield row(anchor, asked, zone, "", [], night)
        yield row(anchor, day, zone, "1111111", [], night)
    # Back where they come from.
    begin = min(wall(zone, it) for _, *pair in own for it in pair if it).date()
    yield row("START", begin, zone, "", [], own)
    yield row("KEEP", None, zone, WEEKDAYS, [], own)


def strange():
    """Templates that are strange themselves."""
    for tasks in (TWICE, SCATTERED, LEAP):
        for zone in ("America/Sao_Paulo", "Europe/London", "Asia/Kolkata"):
            for day in (date(2018, 2, 14), date(2018, 2, 17), date(2027, 12, 31), date(2028, 2, 29)):
                for week, holidays in calendars(day):
                    yield row("START", day, zone, week, holidays, tasks)
                    yield row("DUE", day, zone, week, holidays, tasks)
    day = date(2027, 5, 1)
    for week in ("", WEEKDAYS, WEDNESDAY):
        for tasks in (ONE, ONE + [REVERSED], [task("UTC")], [ONE[0], task("UTC", "2027-06-01T09:00")]):
            for anchor in ("START", "DUE", "NONE", "KEEP"):
                for strict in (False, True):
                    asked = day if anchor in ("START", "DUE") else None
                    yield row(anchor, asked, "UTC", week, [], tasks, strict)
        starts = [task("UTC", "2027-03-01T09:00"), task("UTC")]
        yield row("DUE", day, "UTC", week, [], starts)
        yield row("START", day, "UTC", week, [], starts)
        for asked in (date(1969, 12, 31), date(1970, 1, 1), date(1970, 1, 6), date(9999, 12, 20), date(9999, 12, 30)):
            yield row("START", asked, "UTC", week, [], ONE)
            yield row("DUE", asked, "UTC", week, [], ONE)


def thrown(count):
    """Templates, anchors and calendars by dice."""
    dice = random.Random(20270301)
    zones = [*ZONES, "UTC", "America/Los_Angeles", "Asia/Tokyo", "Africa/Casablanca", "America/Havana"]
    for _ in range(count):
        home, zone = dice.choice(zones), dice.choice(zones)
        begin = datetime(1986, 1, 1, tzinfo=UTC) + dice.randrange(45 * 365 * 24) * HOUR
        tasks = []
        for _ in range(dice.randrange(1, 5)):
            start = begin + dice.randrange(40 * 96) * HOUR / 4
            due = start + dice.randrange(15 * 96) * HOUR / 4
            tasks.append((home, *dice.choice([(start, due), (start, due), (start, None), (None, due)])))
        asked = date(1986, 1, 1) + dice.randrange(45 * 365) * DAY
        week = dice.choice(["", WEEKDAYS, WEEKDAYS, SUNDAY_TO_THURSDAY, WEDNESDAY, "1111110"])
        near = [wall(home, begin).date(), asked]
        holidays = sorted(dice.choice(near) + dice.randrange(-20, 40) * DAY for _ in range(dice.randrange(4)))
        yield row(dice.choice(["START", "DUE"]), asked, zone, week, holidays, tasks)


def table():
    for zone, years in ZONES.items():
        for day in [day for year in years for day in changes(zone, year)] + PLAIN.get(zone, []):
            yield from around(zone, day)
    yield from strange()
    yield from thrown(400)


def main():
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow([
        "anchor", "date", "strict", "zone", "week", "holidays", "tasks", "expected_anchor", "expected",
    ])
    out.writerows(table())


if __name__ == "__main__":
    main()
