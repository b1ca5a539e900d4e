"""Opens many more streams at once than the server has places for, by grpcio, and prints how that went as JSON.

python burst.py TARGET PID TOKEN PLACES COUNT

Of the COUNT streams those beyond PLACES must be refused; the times until they are told so are in milliseconds, and the
memory of the server PID before and after in kibibytes. The others are ended in the end.
"""

import collections
import json
import sys
import threading
import time
from pathlib import Path

import grpc

from wire import OPTIONS, by, ended, jobs, jobs_service

# How long it may take until the script says that it hangs.
HANGS_AFTER_SECONDS = 60


def memory(pid):
    """What the process has in memory, in kibibytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


def main():
    target, pid, token, places, count = sys.argv[1:]
    places, count = int(places), int(count)
    scope = jobs.WatchJobsRequest(scope=jobs.JOB_SCOPE_MINE)
    refused, told = [], threading.Condition()

    def note(call, began):
        with told:
            refused.append((time.monotonic() - began, ended(call)))
            told.notify()

    with grpc.insecure_channel(target, options=OPTIONS) as channel:
        stub = jobs_service.JobServiceStub(channel)
        grpc.channel_ready_future(channel).result(HANGS_AFTER_SECONDS)
        before = memory(pid)
        calls = []
        for _ in range(count):
            began = time.monotonic()
            call = stub.WatchJobs(scope, metadata=by(token))
            call.add_done_callback(lambda call, began=began: note(call, began))
            calls.append(call)
        with told:
            all_told = told.wait_for(lambda: len(refused) >= count - places, HANGS_AFTER_SECONDS)
            times = sorted(1000 * seconds for seconds, _ in refused)
            codes = collections.Counter(f"{it['code']} {it.get('reason')}" for _, it in refused)
        after = memory(pid)
        for call in calls:
            call.cancel()
    print(json.dumps({
        "all_told": all_told,
        "codes": codes,
        "ms": {"median": round(times[len(times) // 2], 1), "last": round(times[-1], 1)},
        "memory": [before, after],
    }))


main()
