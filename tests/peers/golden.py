"""Makes the calls on which all clients must agree, by grpcio, and prints how each went as one line of JSON.

python golden.py TARGET TOKEN
"""

import hashlib
import json
import sys

import grpc

from wire import OPTIONS, by, ended, jobs, jobs_service, profile, profile_service

DEADLINE_SECONDS = 0.3
# More than any request may have, but for pictures and what is published.
TOO_LARGE_BYTES = 2 << 20

SERVICE = "/workcenter.v1.ProfileService"


def answered(call):
    """How a call for bytes ended, what it brought, and by which id it is known."""
    told = ended(call)
    if told["code"] == "OK":
        told["sha256"] = hashlib.sha256(call.result()).hexdigest()
    # An error without an answer has all of its metadata at the end.
    metadata = dict([*call.initial_metadata(), *call.trailing_metadata()])
    return {**told, "id": metadata.get("x-request-id")}


def golden(channel, token):
    """Each call by name."""

    def asked(path, request, caller=token, **options):
        method = channel.unary_unary(path)
        call = method.future(request, metadata=[*by(caller), ("x-request-id", "golden")], **options)
        call.exception()
        return answered(call)

    def watched(timeout=None):
        scope = jobs.WatchJobsRequest(scope=jobs.JOB_SCOPE_MINE)
        return jobs_service.JobServiceStub(channel).WatchJobs(scope, metadata=by(token), timeout=timeout)

    me = profile.GetProfileRequest(user_id="me").SerializeToString()
    bad = profile.UpdateProfileRequest()
    bad.profile.address.country = "Atlantis"
    bad.profile.time_zone = "Nowhere/Never"
    bad.update_mask.paths[:] = ["address.country", "time_zone"]
    large = profile.UpdateProfileRequest(etag="x" * TOO_LARGE_BYTES)

    late = watched(DEADLINE_SECONDS)
    dropped = watched()
    dropped.initial_metadata()
    dropped.cancel()
    return {
        "profile": asked(f"{SERVICE}/GetProfile", me),
        "gzip": asked(f"{SERVICE}/GetProfile", me, compression=grpc.Compression.Gzip),
        "stranger": asked(f"{SERVICE}/GetProfile", me, caller=""),
        "fields": asked(f"{SERVICE}/UpdateProfile", bad.SerializeToString()),
        "large": asked(f"{SERVICE}/UpdateProfile", large.SerializeToString()),
        "malformed": asked(f"{SERVICE}/GetProfile", b"\xff"),
        "unknown_method": asked(f"{SERVICE}/Nothing", b""),
        "unknown_service": asked("/workcenter.v1.Nothing/Nothing", b""),
        # The client's own clock may be the first to say it, without details.
        "deadline": {"code": late.code().name},
        "cancel": {"code": dropped.code().name},
    }


def main():
    target, token = sys.argv[1:]
    with grpc.insecure_channel(target, OPTIONS) as channel:
        print(json.dumps(golden(channel, token)))


if __name__ == "__main__":
    main()
