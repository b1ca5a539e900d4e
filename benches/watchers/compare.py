"""Measures, in turns, how soon those who watch a job see that it has moved, and what watchers cost.

    compare.py OURS URL FOLDER ROUNDS

OURS is our program, and URL that of a PostgreSQL on which databases may be made; the report is FOLDER/watchers.md, and
what it is made of FOLDER/watchers.json.
"""

import json
import os
import pathlib
import resource
import subprocess
import sys

here = pathlib.Path(__file__).parent
sys.path.insert(0, str(here.parent))

from compare import machine, spread, store  # noqa: E402, it stands beside the folder.

# Watchers of a crowd, as many as a server has unless it is told otherwise, and how often what they watch moves.
COUNT, MOVES = 10_000, 7

# How often one watcher sees a move, and for how long one job moves without a pause.
ALONE, WORDS_S = 60, 3

# At most so much: of one watcher, of the last of a crowd, of memory, of notices.
ALONE_MS, LAST_MS, BYTES, WORDS = 20, 300, 16 << 10, 10


def main():
    ours, server, folder, rounds = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]), int(sys.argv[4])
    folder.mkdir(parents=True, exist_ok=True)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    turns = {
        "one": ["one", server, str(ALONE)],
        "same": ["same", server, str(COUNT), str(MOVES)],
        "each": ["each", server, str(COUNT), str(MOVES)],
        "words": ["words", server, str(WORDS_S)],
    }
    took = {name: [] for name in turns}
    for _ in range(rounds):
        for name, turn in turns.items():
            said = subprocess.run([ours, *turn], check=True, stdout=subprocess.PIPE, text=True).stdout
            took[name].append(json.loads(said))
            print(f"{name}: {took[name][-1]}", flush=True)

    of = lambda name, figure, unit=1: [it[figure] / unit for it in took[name]]
    lines = ["# Watchers of jobs", "", f"- {machine()}", "- ours: the server as it is, with PostgreSQL and all watchers on the same machine"]
    lines.append(f"- {rounds} rounds; medians, with the least and the most in brackets; load of the machine {os.getloadavg()[0]:.1f}")
    lines += ["", "From when a move has committed until it is seen, in ms.", "", "| who | first | at 50 % | at 99 % | last | at most |", "|---|---|---|---|---|---|"]
    lines.append(f"| one watcher | | {spread(of('one', 'p50_ms'))} | {spread(of('one', 'p99_ms'))} | {spread(of('one', 'max_ms'))} | {ALONE_MS} at 99 % |")
    for name, who in (("same", f"{COUNT:,} of one job"), ("each", f"{COUNT:,} of a job each, all of which move")):
        shown = " | ".join(spread(of(name, figure)) for figure in ("first_ms", "p50_ms", "p99_ms", "last_ms"))
        lines.append(f"| {who} | {shown} | {LAST_MS} the last |")
    lines.append(f"| one of {COUNT:,} whose own job moves | | | {spread(of('each', 'alone_p99_ms'))} | | {ALONE_MS} at 99 % |")
    lines += ["", "| what | is | at most |", "|---|---|---|"]
    for name, who in (("same", "of one job"), ("each", "of a job each")):
        lines.append(f"| KiB of the server for an idle watcher, {COUNT:,} {who} | {spread(of(name, 'bytes', 1024))} | {BYTES // 1024} |")
    lines.append(f"| notices a second of a job that moves without a pause | {spread(of('words', 'per_s'))} | {WORDS} |")
    (folder / "watchers.md").write_text("\n".join(lines) + "\n")

    bar = lambda title, unit, bars: {"title": title, "unit": unit, "more": False, "bars": bars}
    store(
        folder,
        "watchers",
        [
            bar("Until a move is seen, 99 of 100", "ms", {"one watcher": of("one", "p99_ms"), "goal": [ALONE_MS]}),
            bar(f"Until the last of {COUNT:,} sees a move", "ms", {"of one job": of("same", "last_ms"), "of a job each": of("each", "last_ms"), "goal": [LAST_MS]}),
            bar("Memory of the server for an idle watcher", "KiB", {"of one job": of("same", "bytes", 1024), "of a job each": of("each", "bytes", 1024), "goal": [BYTES / 1024]}),
        ],
    )


main()
