"""Compares queues in PostgreSQL, in turns, and writes how many jobs each did in a second, and how soon one was begun.

    compare.py OURS URL FOLDER ROUNDS

OURS is our program, and URL that of a PostgreSQL on which databases may be made; the report is FOLDER/jobs.md.
"""

import json
import pathlib
import subprocess
import sys

import psycopg

here = pathlib.Path(__file__).parent
root = here.parent.parent
sys.path.insert(0, str(here.parent))

from compare import machine, ratio, spread, store  # noqa: E402, it stands beside the folder.

# Jobs of a turn: a second or two for each.
COUNTS = {
    "limit": 40000,
    "items, copies": 10000,
    "items, nothing": 20000,
    "jobs, copies": 4000,
    "jobs, nothing": 4000,
    "graphile-worker, batched": 20000,
    "graphile-worker, plain": 2000,
    "pg-boss": 10000,
    "procrastinate": 500,
}

# How often it is looked how long one job waits.
WAKES = 200

# Of what ours is to be how much, at least: of items and of jobs.
TARGETS = [("items", "graphile-worker, batched", 1.5), ("jobs", "graphile-worker, plain", 2.5), ("jobs", "pg-boss", 1.0)]
WAKE_TARGET_MS = 5


class Empty:
    """A database of its own for a turn of another queue."""

    def __init__(self, server):
        self.server = server
        self.url = server.rsplit("/", 1)[0] + "/others"

    def run(self, *statements):
        with psycopg.connect(self.server, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    def __enter__(self):
        self.run("drop database if exists others with (force)", "create database others")
        return self.url

    def __exit__(self, *_):
        self.run("drop database others with (force)")


def measured(command):
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    return json.loads(output.splitlines()[-1])


def main():
    ours, server, folder, rounds = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]), int(sys.argv[4])
    folder.mkdir(parents=True, exist_ok=True)
    node = str(root / ".dev/tools/bin/node")
    graphile, boss = [node, str(here / "graphile.js")], [node, str(here / "pgboss.js")]
    procrastinate = [sys.executable, "-B", str(here / "procrastinate_jobs.py")]

    def own(what, count, *how):
        return measured([ours, what, server, str(count), *how])

    def other(program, what, count, *how):
        with Empty(server) as url:
            return measured([*program, what, url, str(count), *how])

    rates = {
        "limit": lambda count: own("limit", count),
        "items, copies": lambda count: own("items", count, "copy"),
        "items, nothing": lambda count: own("items", count, "nothing"),
        "jobs, copies": lambda count: own("whole", count, "copy"),
        "jobs, nothing": lambda count: own("whole", count, "nothing"),
        "graphile-worker, batched": lambda count: other(graphile, "rate", count, "batched"),
        "graphile-worker, plain": lambda count: other(graphile, "rate", count, "plain"),
        "pg-boss": lambda count: other(boss, "rate", count),
        "procrastinate": lambda count: other(procrastinate, "rate", count),
    }
    wakes = {
        "ours": lambda: own("wake", WAKES),
        "graphile-worker": lambda: other(graphile, "wake", WAKES),
        "pg-boss": lambda: other(boss, "wake", WAKES),
        "procrastinate": lambda: other(procrastinate, "wake", WAKES),
    }
    lines = ["# Jobs in PostgreSQL: how many in a second, and how soon", "", f"- {machine()}"]
    lines.append("- ours: two hands in one process, log at info, into nothing; rows are kept")
    for program in (graphile, boss, procrastinate):
        lines.append(f"- {subprocess.run([*program, '--version'], check=True, capture_output=True, text=True).stdout.strip()}")
    lines.append("- limit: two connections that claim and finish rows, a hundred at a time; rows are kept")
    lines.append(f"- PostgreSQL with fsync on the same machine; {rounds} rounds in turns; medians, with the least and the most in brackets")

    took = {name: [] for name in rates}
    waits = {name: [] for name in wakes}
    for _ in range(rounds):
        for name, turn in rates.items():
            took[name].append(turn(COUNTS[name])["per_s"])
            print(f"{name}: {took[name][-1]:.0f}/s", flush=True)
        for name, turn in wakes.items():
            waits[name].append(turn())
            print(f"{name}: {waits[name][-1]}", flush=True)

    lines += ["", "In a second: items of one job of ours, and whole jobs.", "", "| what | in a second |", "|---|---|"]
    lines += [f"| {name} | {spread(values)} |" for name, values in took.items()]
    lines += ["", "Ours to others, of the same round.", "", "| ours | others | ratio | to beat |", "|---|---|---|---|"]
    for of, rival, target in TARGETS:
        for deed in ("copies", "nothing"):
            shown = ratio(took[f"{of}, {deed}"], took[rival])
            lines.append(f"| {of}, {deed} | {rival} | {shown} | {target:.1f} |")
    lines += ["", f"From before a job is begun until its item is at hand, in ms; to beat: {WAKE_TARGET_MS} ms at 99 %.", ""]
    lines += ["| what | at 50 % | at 99 % |", "|---|---|---|"]
    for name, values in waits.items():
        lines.append(f"| {name} | {spread([it['p50_ms'] for it in values])} | {spread([it['p99_ms'] for it in values])} |")
    (folder / "jobs.md").write_text("\n".join(lines) + "\n")

    own = lambda name: f"ours, {name}" if name.startswith(("items", "jobs")) else name
    late = {name: [it["p99_ms"] for it in values] for name, values in waits.items()}
    rates = {"title": "Jobs", "unit": "in a second", "more": True, "bars": {own(name): it for name, it in took.items()}}
    store(folder, "jobs", [rates, {"title": "Until a job is begun, 99 of 100", "unit": "ms", "more": False, "bars": late}])


main()
