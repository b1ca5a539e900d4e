# Run: pip install tzdata==2026.5 && PYTHONTZPATH= python3 tests/data/calendar.py > tests/data/calendar.csv
#
# Computes, for every zone and every date from 1970 to 2040, at which instant the clocks first show some times of that
# date, or pass them where they jump; tests/it/calendar.rs holds the schedule to it. The version of tzdata is the one
# that is built into the program (2026e).
#
# It shares no method with the program: a zone is taken for a row of spans in each of which its clocks go steadily. Where
# one ends is found by looking at every sixth hour, and by bisection. A date exists if some span shows a part of it.
#
# Columns: the zone; how many dates and times there are; SHA-256 of them all, a line for each in their order: date, time,
# seconds since 1970; and of those within two days of a change of the clocks. With the name of a zone as its argument it
# prints the lines of that one instead.

import hashlib
import sys
from bisect import bisect_right
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

FIRST, LAST = date(1970, 1, 1), date(2040, 12, 31)
TIMES = [(0, "00:00"), (9_000, "02:30"), (25_200, "07:00")]
STEP = 6 * 3600
DAY = 86_400
NEAR_DAYS = 2
EPOCH = date(1970, 1, 1)


def spans(zone):
    """The spans of a zone: the instant at which each begins, and the offset of its clocks, both in seconds."""
    info = ZoneInfo(zone)
    offset = lambda at: int(datetime.fromtimestamp(at, info).utcoffset().total_seconds())
    begin, end = -10 * DAY, (LAST - EPOCH).days * DAY + 10 * DAY
    found = [(begin, offset(begin))]
    for at in range(begin, end, STEP):
        after = offset(at + STEP)
        while after != found[-1][1]:
            low, high = max(at, found[-1][0]), at + STEP
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (low, middle) if offset(middle) != found[-1][1] else (middle, high)
            found.append((high, offset(high)))
    return found, end


def lines(zone):
    """The dates and times of a zone, each with whether a change of the clocks is near."""
    starts, end = spans(zone)
    ends = [start for start, _ in starts[1:]] + [end]
    shown = [(start + offset, stop + offset, offset) for (start, offset), stop in zip(starts, ends)]
    changed = [(start + offset) // DAY for start, offset in starts[1:]]
    begun = [start for start, _ in starts]
    for number in range((LAST - FIRST).days + 1):
        midnight = number * DAY
        # No clock is further from UTC than a day, so what shows the date began within two of it.
        first = max(bisect_right(begun, midnight - 2 * DAY) - 1, 0)
        around = range(first, min(bisect_right(begun, midnight + 3 * DAY) + 1, len(begun)))
        if not any(shown[it][0] < midnight + DAY and midnight < shown[it][1] for it in around):
            continue
        near = any(abs(it - number) <= NEAR_DAYS for it in changed[max(first - 1, 0) : around.stop])
        day = FIRST + timedelta(days=number)
        for at, shown_at in TIMES:
            wanted = midnight + at
            due = [wanted - shown[it][2] for it in around if shown[it][0] <= wanted < shown[it][1]]
            jumps = [begun[it] for it in around if it and shown[it - 1][1] <= wanted < shown[it][0]]
            yield f"{day} {shown_at} {min(due or jumps)}\n", near


def main():
    if len(sys.argv) > 1:
        sys.stdout.writelines(line for line, _ in lines(sys.argv[1]))
        return
    print("zone,lines,all,near")
    for zone in sorted(available_timezones() - {"Factory", "localtime"}):
        every, near, count = hashlib.sha256(), hashlib.sha256(), 0
        for line, is_near in lines(zone):
            count += 1
            every.update(line.encode())
            if is_near:
                near.update(line.encode())
        print(f"{zone},{count},{every.hexdigest()},{near.hexdigest()}")


main()
