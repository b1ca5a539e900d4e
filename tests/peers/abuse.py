"""Abuses a server of ours in every way of attacks.py, while somebody else goes on with their work.

Tells of each what the server said to it, how its memory grew, and how the other fared: as a table, or as lines of
JSON. Fails if memory grew by too much, or if a call of the other failed. Times are told and not judged.
"""

import argparse
import ipaddress
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

from attacks import ATTACKS, Server, Told

# The least for which the bystander is looked at.
OBSERVED_SECONDS = 0.5

NAMES = {attack.__name__.replace("_", "-"): attack for attack in ATTACKS}
ROW = "{:<14} {:>7} {:>6} {:>6}  {:>5} {:>5} {:>5}  {:>6} {:>6} {:>6} {:>6} {:>6}  {}"


def settings():
    listed = "\n".join(f"  {name:<14} {attack.__doc__}" for name, attack in NAMES.items())
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=f"attacks:\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("target", help="HOST:PORT of the server, on this machine")
    parser.add_argument("pid", type=int, help="of the server, whose memory is looked at")
    parser.add_argument("attack", nargs="*", help="NAME or NAME=COUNT; all unless given")
    parser.add_argument("--token", default="", help="of the caller; without, everybody is a stranger")
    parser.add_argument("--hold", type=float, default=15, help="seconds for which connections are held")
    parser.add_argument("--growth", type=int, default=50, help="mebibytes by which memory may grow")
    parser.add_argument("--json", action="store_true", help="a line of JSON for each, in place of a table")
    return parser.parse_intermixed_args()


def chosen(names):
    """The attacks that were asked for, each with its count."""
    for name in names or NAMES:
        name, _, count = name.partition("=")
        if name not in NAMES:
            sys.exit(f"there is no attack {name}; see --help")
        yield name, NAMES[name], int(count or ATTACKS[NAMES[name]])


def own(target):
    """The address of a server on this machine; others are none of our business."""
    host, _, port = target.rpartition(":")
    host = host.strip("[]")
    if not ipaddress.ip_address(host).is_loopback:
        sys.exit(f"{host} is not this machine")
    return host, int(port)


class Memory:
    """The resident memory of a process, in MiB."""

    def __init__(self, pid):
        self.of = Path(f"/proc/{pid}")

    def read(self, name):
        for line in (self.of / "status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) >> 10
        sys.exit(f"nothing runs as {self.of.name}")

    def forget_peak(self):
        # Source: proc(5), on clear_refs.
        (self.of / "clear_refs").write_text("5")


def observed(chosen, act):
    """Does `act` while a bystander works, and returns what came of it."""
    memory = Memory(chosen.pid)
    command = [sys.executable, Path(__file__).parent / "bystander.py", chosen.target, chosen.token]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as bystander:
        bystander.stdout.readline()
        memory.forget_peak()
        before = memory.read("VmRSS")
        began = time.monotonic()
        told = act()
        seconds = time.monotonic() - began
        # What the server still has to do is part of it.
        time.sleep(max(0, OBSERVED_SECONDS - seconds))
        client = json.loads(bystander.communicate()[0])
    return {
        "sent": told.sent,
        "connections": told.connections,
        "seconds": round(seconds, 1),
        "memory_mib": {"before": before, "peak": memory.read("VmHWM"), "after": memory.read("VmRSS")},
        "client": client,
        "said": dict(told.said.most_common()),
    }


def none(_server, _count):
    """Nothing: what the bystander sees then is what the rest is compared with."""
    return Told()


def show(told):
    memory, client = told["memory_mib"], told["client"]
    said = ", ".join(f"{word} x{times}" for word, times in told["said"].items())
    times = [client["ms"].get(part, "-") for part in ("p50", "p99", "worst")]
    failed = sum(client["failed"].values())
    print(
        ROW.format(
            *(told["attack"], told["sent"], told["connections"], told["seconds"], *memory.values()),
            *(client["calls"], failed, *times, said),
        ),
        flush=True,
    )


def main():
    asked = settings()
    server = Server(own(asked.target), asked.token, asked.hold)
    attacks = [("none", none, 0), *chosen(asked.attack)]
    # Each connection is a file to us.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

    if not asked.json:
        print(ROW.format("", "", "conn-", "", "MiB", "", "", "other's", "", "ms", "", "", ""))
        names = ["attack", "sent", "ections", "s", "was", "peak", "is", "calls", "failed", "p50", "p99", "worst"]
        print(ROW.format(*names, "the server said"))
    bad = []
    for name, attack, count in attacks:
        told = observed(asked, lambda: attack(server, count))
        told = {"attack": name, **told}
        print(json.dumps(told), flush=True) if asked.json else show(told)
        grown = told["memory_mib"]["peak"] - told["memory_mib"]["before"]
        if asked.growth < grown:
            bad.append(f"{name}: memory grew by {grown} MiB")
        bad += [f"{name}: the other's call failed {times} times: {why}" for why, times in told["client"]["failed"].items()]
    sys.exit("\n".join(bad) or 0)


if __name__ == "__main__":
    main()
