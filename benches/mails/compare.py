"""Compares programs that send mail, in turns, and writes how many each sent in a second.

    compare.py OURS URL FOLDER ROUNDS

OURS is our program, and URL that of a PostgreSQL; a mail is made below FOLDER, and the report is FOLDER/mails.md.
"""

import contextlib
import json
import pathlib
import re
import statistics
import subprocess
import sys

here = pathlib.Path(__file__).parent
root = here.parent.parent
sys.path.insert(0, str(here.parent))

from compare import machine, ratio, spread, store  # noqa: E402, it stands beside the folder.

# Mails of a turn, for so many sessions: a second or more for all, half a minute at most for the slow.
COUNTS = {1: 400, 4: 1600, 16: 6400}

# With a relay that is far away there are 80 ms between two mails of a session; a turn is long beside how it begins and ends.
SLOW_MS = 20
SLOW = (16, 3200)

# At least so many digests in a second with 16 sessions, and so much of what others send.
TARGET, TARGET_NODEMAILER, TARGET_SLOW = 1500, 3.0, 0.9


@contextlib.contextmanager
def relay(*command):
    """Runs a relay that prints its port."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
        try:
            yield program.stdout.readline().strip()
        finally:
            program.stdin.close()
            program.terminate()


def measured(command):
    # What ours logs goes nowhere, but it is written.
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    return json.loads(output.splitlines()[-1])


def turns(programs, port, sessions, count, mail, rounds):
    """What each program says of each of its turns."""
    took = {name: [] for name in programs}
    for _ in range(rounds):
        for name, program in programs.items():
            file = [] if name == "ours" else [mail]
            took[name].append(measured([*program, port, str(sessions), str(count), *file]))
    return took


def row(title, took, figures):
    """A line of a table: how many mails in a second, ratios of the same round, and CPU time."""
    of = lambda name, figure="mails_per_s": [it[figure] for it in took[name]]
    rates = [spread(of(name)) for name in took]
    cpu = [f"{statistics.median(of(name, 'cpu_us')):.0f}" for name in took]
    ratios = [ratio(of("ours"), of(rival)) for rival in figures]
    return f"| {' | '.join([title, *rates, *ratios, *cpu])} |"


def chart(title, took):
    bars = {name: [it["mails_per_s"] for it in turns] for name, turns in took.items()}
    return {"title": title, "unit": "mails a second", "more": True, "bars": bars}


def main():
    ours, url, folder, rounds = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]), int(sys.argv[4])
    folder.mkdir(parents=True, exist_ok=True)
    mail = str(folder / "mail.eml")
    subprocess.run([ours, "sample", url, mail], check=True)
    programs = {
        "ours": [ours, "ours", url],
        "lettre": [ours, "lettre"],
        "nodemailer": [str(root / ".dev/tools/bin/node"), str(here / "nodemailer.js")],
        "aiosmtplib": [sys.executable, "-B", str(here / "aiosmtplib_sessions.py")],
    }
    lines = ["# Digests end to end, and mails that are there already", "", f"- {machine()}"]
    lock = (root / "Cargo.lock").read_text()
    lettre = re.search(r'name = "lettre"\nversion = "(.*)"', lock)[1]
    lines.append("- ours: claimed, composed, rendered, signed with Ed25519, sent, settled; log at info, into nothing")
    lines.append(f"- lettre {lettre}: a connection for each session with TCP_NODELAY, mails raw")
    for name in ("nodemailer", "aiosmtplib"):
        version = subprocess.run([*programs[name], "--version"], check=True, capture_output=True, text=True).stdout
        lines.append(f"- {version.strip()}")
    lines.append(f"- a mail of {pathlib.Path(mail).stat().st_size} bytes; PostgreSQL with fsync and Postfix's smtp-sink on the same machine")
    lines.append(f"- {rounds} rounds in turns; medians, with the least and the most in brackets")
    rivals = list(programs)[1:]
    head = ["sessions", *programs, *(f"ours to {it}" for it in rivals), *(f"CPU {it}" for it in programs)]
    lines += ["", "Mails a second; CPU time of the client for a mail in µs.", ""]
    lines += [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    charts = []
    with relay(str(root / "bin/dev/sink")) as port:
        for sessions, count in COUNTS.items():
            took = turns(programs, port, sessions, count, mail, rounds)
            charts.append(chart(f"Mails, {sessions} sessions", took))
            lines.append(row(str(sessions), took, rivals))
            print(lines[-1], flush=True)
    lines += ["", f"To beat with 16 sessions: {TARGET} digests a second, {TARGET_NODEMAILER:.1f} of nodemailer."]
    lines += ["", f"With {SLOW_MS} ms for each reply; to beat: {TARGET_SLOW} of lettre.", ""]
    both = {name: programs[name] for name in ("ours", "lettre")}
    lines += ["| sessions | ours | lettre | ours to lettre | CPU ours | CPU lettre |", "|---" * 6 + "|"]
    with relay(ours, "slow", str(SLOW_MS)) as port:
        took = turns(both, port, *SLOW, mail, rounds)
        charts.append(chart(f"Mails, {SLOW[0]} sessions, {SLOW_MS} ms for each reply", took))
        lines.append(row(str(SLOW[0]), took, ["lettre"]))
        print(lines[-1], flush=True)
    (folder / "mails.md").write_text("\n".join(lines) + "\n")
    store(folder, "mails", charts)


main()
