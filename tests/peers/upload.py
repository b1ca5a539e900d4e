"""Uploads a picture as a client of grpcio does, reads it back, and prints how that went as one line of JSON.

The options besides --chunk are ways to misbehave.
"""

import argparse
import hashlib
import json
import threading
import time
from pathlib import Path

import grpc

from wire import OPTIONS, by, ended, profile, profile_service


def settings():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", help="HOST:PORT of the server")
    parser.add_argument("file", type=Path, help="what to upload")
    parser.add_argument("out", type=Path, help="where the picture goes that is read back")
    parser.add_argument("--token", default="", help="of the caller; a stranger's without")
    parser.add_argument("--content-type", default="image/jpeg")
    parser.add_argument("--chunk", type=int, default=65536, help="bytes of a message")
    parser.add_argument("--claim", type=int, help="bytes that are announced")
    parser.add_argument("--wrong-hash", action="store_true", help="announces another SHA-256")
    parser.add_argument("--stop-after", type=int, help="ends the stream after so many bytes")
    parser.add_argument("--silent-after", type=int, help="says nothing more after so many bytes")
    parser.add_argument("--deadline", type=float, help="seconds for the upload")
    return parser.parse_args()


def parts(chosen, data, over):
    """The messages of an upload. Whoever falls silent does so until the call is `over`."""
    metadata = profile.PictureMetadata(
        content_type=chosen.content_type,
        size_bytes=len(data) if chosen.claim is None else chosen.claim,
        sha256=hashlib.sha256(b"another" if chosen.wrong_hash else data).digest(),
    )
    yield profile.UploadPictureRequest(metadata=metadata)
    limits = [limit for limit in (chosen.stop_after, chosen.silent_after) if limit is not None]
    end = min([len(data), *limits])
    for at in range(0, end, chosen.chunk):
        yield profile.UploadPictureRequest(chunk=data[at : min(at + chosen.chunk, end)])
    if chosen.silent_after is not None:
        over.wait()


def upload(stub, chosen):
    data = chosen.file.read_bytes()
    over = threading.Event()
    began = time.monotonic()
    call = stub.UploadPicture.future(
        parts(chosen, data, over), metadata=by(chosen.token), timeout=chosen.deadline
    )
    call.add_done_callback(lambda _: over.set())
    failed = call.exception()
    told = {**ended(call), "seconds": round(time.monotonic() - began, 3)}
    if failed is None:
        answer = call.result()
        told["etag"] = answer.picture.etag
        told["sizes_px"] = list(answer.picture.sizes_px)
        told["content_type"] = answer.content_type
    return told


def read_back(stub, chosen):
    request = profile.GetPictureRequest(user_id="me", size_px=300)
    call = stub.GetPicture(request, metadata=by(chosen.token))
    header, data = {}, b""
    try:
        for answer in call:
            data += answer.chunk
            if answer.HasField("header"):
                fields = profile.PictureHeader.DESCRIPTOR.fields
                header = {field.name: getattr(answer.header, field.name) for field in fields}
    except grpc.RpcError:
        return ended(call)
    chosen.out.write_bytes(data)
    return {**ended(call), "header": header, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def main():
    chosen = settings()
    with grpc.insecure_channel(chosen.target, OPTIONS) as channel:
        stub = profile_service.ProfileServiceStub(channel)
        print(json.dumps({"upload": upload(stub, chosen), "get": read_back(stub, chosen)}))


if __name__ == "__main__":
    main()
