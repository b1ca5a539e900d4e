"""Compares our hasher of passwords with argon2 itself, in turns, and writes how many each hashed in a second.

    compare.py OURS FOLDER ROUNDS

OURS is our program; the report is FOLDER/passwords.md, and what it is made of FOLDER/passwords.json.
"""

import json
import os
import pathlib
import subprocess
import sys

here = pathlib.Path(__file__).parent
sys.path.insert(0, str(here.parent))

from compare import machine, ratio, spread, store  # noqa: E402, it stands beside the folder.

# Hashes of a thread in a turn: a second, about.
COUNT = 40

# Of what argon2 does ours is to be so much, at least.
TARGET = 0.9


def main():
    ours, folder, rounds = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)
    took = {(how, threads): [] for threads in (1, 2) for how in ("ours", "bare")}
    for _ in range(rounds):
        for (how, threads), turns in took.items():
            said = subprocess.run([ours, how, str(threads), str(COUNT)], check=True, capture_output=True, text=True).stdout
            turns.append(json.loads(said)["per_s"])
    lines = ["# Passwords: Argon2id, 19 MiB, two passes, one lane", "", f"- {machine()}"]
    lines.append("- ours: our hasher, off the threads that serve calls, into a PHC string; one for each thread")
    lines.append("- argon2: the same crate with memory that is used again, which is what ours is made of")
    lines.append(f"- {rounds} rounds in turns; medians, with the least and the most in brackets; load of the machine {os.getloadavg()[0]:.1f}")
    lines += ["", "Hashes a second.", "", "| threads | ours | argon2 | ratio | at least |", "|---|---|---|---|---|"]
    charts = []
    for threads in (1, 2):
        own, bare = took["ours", threads], took["bare", threads]
        lines.append(f"| {threads} | {spread(own)} | {spread(bare)} | {ratio(own, bare)} | {TARGET:.1f} |")
        title = f"Passwords on {threads} {'thread' if threads == 1 else 'threads'}"
        charts.append({"title": title, "unit": "hashes a second", "more": True, "bars": {"ours": own, "argon2": bare}})
    (folder / "passwords.md").write_text("\n".join(lines) + "\n")
    store(folder, "passwords", charts)


main()
