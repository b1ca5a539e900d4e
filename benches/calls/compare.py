"""Compares servers of gRPC in front of one PostgreSQL, in turns, and writes how many calls each answered and what a call cost.

    compare.py OURS URL FOLDER ROUNDS

OURS is our program, and URL that of a PostgreSQL on which databases may be made; the report is FOLDER/calls.md, and what
it is made of FOLDER/calls.json.
"""

import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import time

import psycopg

here = pathlib.Path(__file__).parent
root = here.parent.parent
sys.path.insert(0, str(here.parent))

from compare import machine, ratio, spread, store  # noqa: E402, it stands beside the folder.

# What is called, and how many calls at once.
CALLS = {
    "get": "GetProfile",
    "update": "UpdateProfile",
    "batch": "BatchGetProfiles of 100",
    "list": "ListWorkCenterPreferences of 20",
}
AT_ONCE = (1, 8, 64, 256)

# How long a turn is counted. There are 64 of them in a round.
TURN_MS = 900

# With so many at once, of which call ours is to be how much of whose calls a second, at least.
TARGETS = [
    ("get", "floor", 64, 1.2),
    ("get", "Node.js", 64, 4.0),
    ("get", "Python", 64, 12.0),
    ("update", "floor", 64, 0.8),
]


@contextlib.contextmanager
def served(command):
    """Runs who answers and prints its address, and gives that and its process id."""
    program = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield program.stdout.readline().strip(), program.pid
    finally:
        program.terminate()
        program.wait()


@contextlib.contextmanager
def serving(program, settings):
    """Runs our server, which logs into nothing, as [`served`] does the others."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    server = subprocess.Popen([program], env={**settings, "SERVER_LISTEN": address}, stderr=subprocess.DEVNULL)
    try:
        while server.poll() is None:
            with contextlib.suppress(ConnectionRefusedError):
                socket.create_connection(address.split(":")).close()
                break
            time.sleep(0.05)
        yield f"http://{address}", server.pid
    finally:
        server.terminate()
        server.wait()


def postmaster(url):
    """The process id of PostgreSQL: that of the parent of a connection."""
    with psycopg.connect(url) as connection:
        backend = connection.execute("select pg_backend_pid()").fetchone()[0]
    return int(pathlib.Path(f"/proc/{backend}/stat").read_text().rsplit(")")[1].split()[1])


def table(took, figure, title, shown=spread):
    names = list(next(iter(took.values())))
    lines = ["", title, "", f"| call | at once | {' | '.join(names)} |", "|---|---|" + "---|" * len(names)]
    for (call, at_once), turns in took.items():
        values = [shown([it[figure] for it in turns[name]]) for name in names]
        lines.append(f"| {CALLS[call]} | {at_once} | {' | '.join(values)} |")
    return lines


def main():
    ours, server, folder, rounds = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]), int(sys.argv[4])
    folder.mkdir(parents=True, exist_ok=True)
    people = str(folder / "people.txt")
    printed = lambda *command: subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    url = printed(ours, "stage", server, people)
    settings = {
        "DATABASE_URL": url,
        "TOKEN_KEY": "0a" * 32,
        "BLOB_DIR": str(folder / "blobs"),
        "LOG_JSON": "true",
        "DRAIN_DELAY_SECONDS": "0",
    }
    (folder / "blobs").mkdir(exist_ok=True)
    node = [str(root / ".dev/tools/bin/node"), str(here / "node_server.js")]
    python = [sys.executable, "-B", str(here / "python_server.py")]
    programs = {
        "ours": serving(printed(ours, "server"), settings),
        "floor": served([ours, "floor", url]),
        "Node.js": served([*node, url]),
        "Python": served([*python, url]),
    }
    lines = ["# Calls of gRPC, answered from PostgreSQL", "", f"- {machine()}"]
    lines.append("- ours: the server as it is, two threads, a pool of 8; callers are known by a session or a key, asked what they may, and logged as JSON")
    lines.append("- floor: tonic, one prepared statement through a pool of 8, two threads; asks nobody who they are, and logs nothing")
    lines += [f"- {printed(*program, '--version')}" for program in (node, python)]
    lines.append("- 10,000 people of twenty WorkCenters each; 8 connections; who calls, and PostgreSQL with fsync, are on the same machine")
    lines.append(f"- {rounds} rounds in turns of {TURN_MS / 1000:.1f} s; medians, with the least and the most in brackets; load of the machine {os.getloadavg()[0]:.1f}")

    took = {(call, at_once): {name: [] for name in programs} for call in CALLS for at_once in AT_ONCE}
    with contextlib.ExitStack() as stack:
        running = {name: stack.enter_context(program) for name, program in programs.items()}
        postgres = str(postmaster(url))
        for number in range(rounds):
            for (call, at_once), turns in took.items():
                for name, (address, pid) in running.items():
                    said = printed(ours, "load", address, call, str(at_once), str(TURN_MS), people, str(pid), postgres)
                    turns[name].append(json.loads(said))
                shown = ", ".join(f"{name} {it[-1]['per_s']:.0f}/s" for name, it in turns.items())
                print(f"{number + 1}: {CALLS[call]}, {at_once} at once: {shown}", flush=True)

    lines += ["", "| call, 64 at once | ours to | ratio | to beat |", "|---|---|---|---|"]
    rates = lambda call, at_once, name: [it["per_s"] for it in took[call, at_once][name]]
    for call, rival, at_once, target in TARGETS:
        shown = ratio(rates(call, at_once, "ours"), rates(call, at_once, rival))
        lines.append(f"| {CALLS[call]} | {rival} | {shown} | {target:.1f} |")
    late = lambda name: [it["p99_ms"] for it in took["get", 64][name]]
    lines.append(f"| GetProfile, the time of 99 of 100 | floor | {ratio(late('ours'), late('floor'))} | at most 1.0 |")
    lines += table(took, "per_s", "Calls a second.")
    lines += table(took, "p50_ms", "Milliseconds that half of the calls took at most.")
    lines += table(took, "p99_ms", "Milliseconds that 99 of 100 calls took at most.")
    lines += table(took, "server_us", "CPU time of who answers for a call, in µs.")
    lines += table(took, "postgres_us", "CPU time of PostgreSQL for a call, in µs.")
    peaks = {name: max(turn["peak_kib"] for turns in took.values() for turn in turns[name]) for name in programs}
    lines += ["", "Memory of who answers, at most, in MiB.", "", f"| {' | '.join(peaks)} |", "|---" * len(peaks) + "|"]
    lines.append(f"| {' | '.join(f'{peak / 1024:.0f}' for peak in peaks.values())} |")
    (folder / "calls.md").write_text("\n".join(lines) + "\n")

    charts = []
    for call, title in CALLS.items():
        turns = took[call, 64]
        bars = {name: [it["per_s"] for it in of] for name, of in turns.items()}
        charts.append({"title": f"{title}, 64 at once", "unit": "calls a second", "more": True, "bars": bars})
    bars = {name: [it["p99_ms"] for it in of] for name, of in took["get", 64].items()}
    charts.append({"title": "GetProfile, 64 at once, 99 of 100", "unit": "ms", "more": False, "bars": bars})
    bars = {name: [it["server_us"] for it in of] for name, of in took["get", 64].items()}
    charts.append({"title": "GetProfile, 64 at once, CPU time of who answers", "unit": "µs a call", "more": False, "bars": bars})
    store(folder, "calls", charts)


main()
