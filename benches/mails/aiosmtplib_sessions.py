"""Sends one file again and again with aiosmtplib, and prints what that took: aiosmtplib_sessions.py PORT SESSIONS COUNT FILE

Each session is one connection that sends mail after mail. The mail is there already, so that it makes none.
"""

import asyncio
import importlib.metadata
import json
import sys
import time

import aiosmtplib


async def main():
    if sys.argv[1] == "--version":
        version = importlib.metadata.version("aiosmtplib")
        print(f"aiosmtplib {version}, Python {sys.version.split()[0]}: a connection for each session, mails raw")
        return
    port, sessions, count = map(int, sys.argv[1:4])
    with open(sys.argv[4], "rb") as file:
        mail = file.read()
    left = iter(range(count))

    async def session():
        client = aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False)
        await client.connect()
        for _ in left:
            await client.sendmail("notifications@workcenter.example", ["one1@example.com"], mail)
        await client.quit()

    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(session() for _ in range(sessions)))
    took, cpu = time.perf_counter() - began, time.process_time() - cpu
    print(json.dumps({"mails_per_s": count / took, "cpu_us": 1e6 * cpu / count}))


asyncio.run(main())
