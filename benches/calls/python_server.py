"""Answers these calls with grpcio.aio and asyncpg, one statement each: python_server.py URL; prints its address.

One process, a pool of eight connections, of which each keeps what it has prepared.
"""

import asyncio
import importlib.metadata
import json
import pathlib
import sys

import asyncpg
import grpc

HERE = pathlib.Path(__file__).resolve().parent
# Where grpcio looks for the protos that it compiles.
sys.path.append(str(HERE.parents[1] / "proto"))

messages, services = grpc.protos_and_services("workcenter/v1/profile.proto")
preferences, preference_services = grpc.protos_and_services("workcenter/v1/preferences.proto")
texts = json.loads((HERE / "statements.json").read_text())

# What a row and a profile call the same.
SAME = (
    "first_name", "last_name", "job_title", "business_phone", "extension", "mobile_phone", "time_zone", "locale",
)
ADDRESS = ("street", "city", "post_code", "country")


def profile(row):
    made = messages.Profile(
        user_id=str(row["user_id"]),
        address=messages.Address(**{name: row[name] for name in ADDRESS}),
        etag=str(row["revision"]),
        **{name: row[name] for name in SAME},
    )
    made.update_time.FromDatetime(row["updated_at"])
    return made


class Profiles(services.ProfileServiceServicer):
    def __init__(self, pool):
        self.pool = pool

    async def GetProfile(self, request, context):
        row = await self.pool.fetchrow(texts["get"], request.user_id)
        if row is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, "no such person")
        return messages.GetProfileResponse(profile=profile(row))

    async def UpdateProfile(self, request, context):
        row = await self.pool.fetchrow(texts["update"], request.profile.user_id, request.profile.job_title)
        if row is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, "no such person")
        return messages.UpdateProfileResponse(profile=profile(row))

    async def BatchGetProfiles(self, request, context):
        rows = await self.pool.fetch(texts["batch"], list(request.user_ids))
        return messages.BatchGetProfilesResponse(profiles=[profile(row) for row in rows])


class Preferences(preference_services.PreferenceServiceServicer):
    def __init__(self, pool):
        self.pool = pool

    async def ListWorkCenterPreferences(self, request, context):
        who = dict(context.invocation_metadata())["x-user"]
        rows = await self.pool.fetch(texts["list"], who, request.page_size)
        listed = [
            preferences.WorkCenterPreference(
                workcenter_id=str(row["id"]),
                workcenter_name=row["name"],
                delivery=preferences.Delivery.Value(f"DELIVERY_{row['delivery']}"),
            )
            for row in rows
        ]
        return preferences.ListWorkCenterPreferencesResponse(preferences=listed)


async def main():
    if sys.argv[1] == "--version":
        of = importlib.metadata.version
        print(f"grpcio {of('grpcio')} (aio), asyncpg {of('asyncpg')}, Python {sys.version.split()[0]}: one process, a pool of 8")
        return
    async with asyncpg.create_pool(sys.argv[1], min_size=8, max_size=8) as pool:
        server = grpc.aio.server()
        services.add_ProfileServiceServicer_to_server(Profiles(pool), server)
        preference_services.add_PreferenceServiceServicer_to_server(Preferences(pool), server)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        print(f"http://127.0.0.1:{port}", flush=True)
        await server.wait_for_termination()


asyncio.run(main())
