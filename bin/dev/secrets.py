"""Looks for secrets in all that the programs said while the tests ran: secrets.py [--all] FOLDER

A file is named for who said it and on which way (tests/it/kept.rs). What may be said is in LET_THROUGH, with its reason.
With --all, which is for a run of all tests, there must be something of everybody. Prints what was found, cut short.
"""

import re
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent

# What a secret looks like. Tokens are 256 bits in base64url, with a prefix or sealed with more; that there are a capital and
# a digit among so many letters tells them from names.
KINDS = {
    "password hash": r"\$argon2(?:id|i|d)\$[\w$=,+/.-]*",
    "session": r"wcs_[\w-]{40,}",
    "service key": r"wck_[\w-]{40,}",
    "token": r"(?<![\w+/.-])(?!wc[ks]_)(?=[\w-]*[A-Z])(?=[\w-]*[a-z])(?=[\w-]*[0-9])[\w-]{43,}(?![\w+/.-])",
    "private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    "password in a URL": r"[a-z][a-z0-9+.-]*://[^\s:/@\"']*:[^\s/@\"']+@",
    "password in a setting": r"(?i)\b(?:pg|smtp_)?password=(?!\*\*\*)[^\s,;\"')]+",
    "key of tokens": r"(?:0a){32}|(?:0b){32}|(?:0c){32}",
    "address": r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}",
}

# Where the tests' own passwords are found: in what their sources call one.
PASSWORD = re.compile(r"(?i)password\w*(?:: &str)?\s*[:=]\s*\"([^\"]{6,})\"")

# Passwords that are in the text of tests and in no such place.
PASSWORDS = {"hunter2"}

# What may be said: by whom, on which way, what kind, what exactly, and why.
LET_THROUGH = [
    (r"workcenterctl_bootstrap", "out", "address|service key|token|password in a setting", r".*",
     "it is what the operator asks for: an address, a password and a key that nobody has seen before"),
    (r"workcenterctl_key", "out", "service key", r".*", "a key is printed once, when it is made"),
]

# What anybody may say, for it is nobody's: examples in the manual and in refusals, where mail comes from, and by what the
# server of a bucket tells its answers apart.
EXAMPLES = re.compile("|".join(re.escape(it) for it in (
    "postgres://user:password@host:5432/name", "smtps://user:password@relay.example", "smtps://user:password@host:465",
    "such as ada@example.com", "notifications@workcenter.example",
)) + r"|<(RequestId|HostId)>[^<]*</\1>")

# Who says something in a run of all tests, and on which way.
SAYS = [
    ("workcenter-server", "err"), ("workcenter-server", "out"), ("workcenter-digestd", "err"),
    ("workcenterctl", "out"), ("workcenterctl", "err"), ("workcenterctl_migrate", "out"), ("page", "metrics"),
    ("calls", "statuses"),
]


def passwords():
    """Every password that the tests use."""
    sources = (path.read_text() for path in (ROOT / "tests").rglob("*.rs"))
    return PASSWORDS.union(*(PASSWORD.findall(source) for source in sources))


def kinds():
    """What is looked for, by its name."""
    chosen = "|".join(re.escape(it) for it in sorted(passwords()))
    return {name: re.compile(kind) for name, kind in KINDS.items()} | {"password": re.compile(chosen)}


def is_let_through(who, way, kind, what):
    """Whether somebody may say it."""
    parts = (who, way, kind, what)
    return any(all(re.fullmatch(rule, part) for rule, part in zip(row[:4], parts)) for row in LET_THROUGH)


def short(what):
    """Enough of a secret to find it, and not all of it."""
    return what if len(what) < 6 else f"{what[:6]}... of {len(what)}"


def cut(line, looked_for):
    """The line without anything that looks like a secret."""
    for pattern in looked_for.values():
        line = pattern.sub(lambda it: f"<{short(it[0])}>", line)
    return line[:400]


def found(folder, looked_for):
    """Everything that looks like a secret and may not be said: where, the kind, and the line without it."""
    for path in sorted(folder.iterdir()):
        who, way = path.stem.rsplit("-", 2)[0], path.suffix[1:]
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            line = EXAMPLES.sub("", line)
            for kind, pattern in looked_for.items():
                for what in pattern.findall(line):
                    if not is_let_through(who, way, kind, what):
                        yield f"{path.name}:{number}: {kind}: {cut(line, looked_for)}"


def missing(folder):
    """Who has said nothing."""
    heard = Counter()
    for path in folder.iterdir():
        who, way = path.stem.rsplit("-", 2)[0], path.suffix[1:]
        heard[who, way] += path.stat().st_size
    for who, way in SAYS:
        if not any(size for (it, on), size in heard.items() if it.startswith(who) and on == way):
            yield f"nothing was heard of {who} on {way}"


def main(arguments):
    """Looks, and says what was found."""
    is_all = arguments[0] == "--all"
    folder = Path(arguments[-1])
    problems = list(missing(folder)) if is_all else []
    problems += found(folder, kinds())
    for problem in problems:
        print(problem)
    if not problems:
        files = list(folder.iterdir())
        print(f"no secret in {sum(it.stat().st_size for it in files)} bytes of {len(files)} files")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
