"""The services as grpcio sees them, and how a call ended, in the form that all peers print."""

import sys
from pathlib import Path

import grpc

HERE = Path(__file__).resolve().parent
# Where grpcio looks for the protos that it compiles.
sys.path += [str(HERE), str(HERE.parents[1] / "proto")]

details = grpc.protos("details.proto")
profile, profile_service = grpc.protos_and_services("workcenter/v1/profile.proto")
jobs, jobs_service = grpc.protos_and_services("workcenter/v1/jobs.proto")

# Retries would hide from us how a call ended.
OPTIONS = [("grpc.enable_retries", 0)]


def by(token):
    """The metadata of whoever has `token`; of a stranger if it is empty."""
    return [("authorization", f"Bearer {token}")] if token else []


def ended(call):
    """How `call` ended: its code, and of an error that comes from the server also what it says."""
    code = call.code()
    carried = dict(call.trailing_metadata() or ()).get("grpc-status-details-bin")
    if carried is None:
        return {"code": code.name}
    reason, fields = "", []
    for detail in details.Status.FromString(carried).details:
        kind = detail.type_url.rpartition("/")[2]
        if kind == "google.rpc.ErrorInfo":
            reason = details.ErrorInfo.FromString(detail.value).reason
        elif kind == "google.rpc.BadRequest":
            told = details.BadRequest.FromString(detail.value)
            fields = [violation.field for violation in told.field_violations]
    return {"code": code.name, "reason": reason, "fields": fields, "message": call.details()}
