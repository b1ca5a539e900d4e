"""Verifies mails with a DKIM that is not ours: verify.py NAME RECORD FILE...

NAME is where the DNS would have RECORD, the public half of a key. Says of each file in a line of its own whether it is
valid or invalid.
"""

import sys
from pathlib import Path

import dkim

name, record, *files = sys.argv[1:]


def dns(asked, timeout=None):
    return record.encode() if asked.decode().rstrip(".") == name else None


for file in files:
    print("valid" if dkim.verify(Path(file).read_bytes(), dnsfunc=dns) else "invalid")
