"""A client that does no harm: one call every ten milliseconds on a connection of its own, until standard input ends.

python bystander.py TARGET [TOKEN]

Says `ready` after its first call, which connects and does not count, and in the end how the others went as one line
of JSON. With a token it reads its own profile, which takes the database; without, it asks for health.
"""

import json
import sys
import threading
import time
from collections import Counter

import grpc

from wire import OPTIONS, by, profile

EVERY_SECONDS = 0.01
# Who has waited that long has been failed.
DEADLINE_SECONDS = 5.0


def main():
    target, token = [*sys.argv[1:], ""][:2]
    over = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
    path, request = "/grpc.health.v1.Health/Check", b""
    if token:
        path = "/workcenter.v1.ProfileService/GetProfile"
        request = profile.GetProfileRequest(user_id="me").SerializeToString()

    took, failed = [], Counter()
    with grpc.insecure_channel(target, OPTIONS) as channel:
        call = channel.unary_unary(path)
        call(request, metadata=by(token), timeout=DEADLINE_SECONDS)
        print("ready", flush=True)
        while not over.wait(EVERY_SECONDS):
            began = time.monotonic()
            try:
                call(request, metadata=by(token), timeout=DEADLINE_SECONDS)
            except grpc.RpcError as error:
                failed[f"{error.code().name}: {error.details()}"] += 1
            took.append(1000 * (time.monotonic() - began))

    took.sort()
    parts = {"p50": 0.5, "p99": 0.99, "worst": 1.0}
    told = {name: round(took[min(int(part * len(took)), len(took) - 1)], 1) for name, part in parts.items() if took}
    print(json.dumps({"calls": len(took), "failed": failed, "ms": told}))


if __name__ == "__main__":
    main()
