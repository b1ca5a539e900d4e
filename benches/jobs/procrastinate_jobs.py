"""Does jobs that do nothing with procrastinate: procrastinate_jobs.py rate|wake URL COUNT

Prints how many were done in a second, 24 at a time, or how long each waited that came when there was nothing to do.
"""

import asyncio
import importlib.metadata
import json
import sys
import time

import procrastinate


async def main():
    if sys.argv[1] == "--version":
        version = importlib.metadata.version("procrastinate")
        print(f"procrastinate {version}, Python {sys.version.split()[0]}: rows are kept")
        return
    what, url, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=url))
    began = asyncio.Queue()

    @app.task(name="nothing")
    async def nothing():
        began.put_nowait(time.perf_counter())

    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        if what == "rate":
            for _ in range(0, count, 1000):
                await nothing.batch_defer_async(*({} for _ in range(1000)))
            start = time.perf_counter()
            await app.run_worker_async(wait=False, concurrency=24, install_signal_handlers=False)
            took = time.perf_counter() - start
            assert began.qsize() == count
            print(json.dumps({"per_s": count / took}))
            return
        worker = asyncio.create_task(app.run_worker_async(concurrency=24, install_signal_handlers=False))
        await asyncio.sleep(1)
        waits = []
        for _ in range(count):
            start = time.perf_counter()
            await nothing.defer_async()
            waits.append((await began.get() - start) * 1e3)
            await asyncio.sleep(0.02)
        waits.sort()
        print(json.dumps({"p50_ms": waits[(len(waits) - 1) // 2], "p99_ms": waits[(len(waits) - 1) * 99 // 100]}))
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)


asyncio.run(main())
