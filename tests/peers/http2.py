"""One HTTP/2 connection on which anything may be said at any time, unlike those of a library."""

import select
import socket
import struct
from collections import Counter

from hpack import Decoder, Encoder, NeverIndexedHeaderTuple
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

# What both sides begin with. Source: RFC 9113, sections 4.2 and 6.9.2.
FRAME_BYTES_MAX = 16_384
WINDOW_BYTES = 65_535

# How long the server may take nothing of what is sent before that counts as an answer.
STALLED_SECONDS = 2.0

# Source: RFC 9113, section 7.
ERRORS = (
    "NO_ERROR PROTOCOL_ERROR INTERNAL_ERROR FLOW_CONTROL_ERROR SETTINGS_TIMEOUT STREAM_CLOSED FRAME_SIZE_ERROR"
    " REFUSED_STREAM CANCEL COMPRESSION_ERROR CONNECT_ERROR ENHANCE_YOUR_CALM INADEQUATE_SECURITY HTTP_1_1_REQUIRED"
).split()


def headers(path, token="", **more):
    """The block of headers of a gRPC call. It touches no table, so it suits every stream of every connection."""
    fields = {":method": "POST", ":scheme": "http", ":path": path, ":authority": "peer", "te": "trailers"}
    fields["content-type"] = "application/grpc"
    if token:
        fields["authorization"] = f"Bearer {token}"
    fields.update((name.replace("_", "-"), value) for name, value in more.items())
    return Encoder().encode([NeverIndexedHeaderTuple(*field) for field in fields.items()])


def message(payload, compressed=False):
    """A message of gRPC as it stands in DATA frames."""
    return struct.pack(">BI", compressed, len(payload)) + payload


class Connection:
    """A connection, and what the server said on it."""

    def __init__(self, address, greet=True, settings=None, receive_bytes=None):
        self.said = Counter()
        # What ended it, or None.
        self.ended = None
        self.socket = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
        if receive_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.settimeout(STALLED_SECONDS)
        self.socket.connect(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._poll = select.poll()
        self._poll.register(self.socket, select.POLLIN)
        self._heard = b""
        self._block = b""
        self._decoder = Decoder()
        self._streams = -1
        self._first_window = WINDOW_BYTES
        # What may still be sent, by stream; 0 is the connection.
        self._windows = Counter({0: WINDOW_BYTES})
        # The streams that the server has answered.
        self.answered = set()
        self._greets = greet
        self._settled = False
        if greet:
            self.send(PREFACE + SettingsFrame(settings=settings or {}).serialize())
            # Later words of ours must not be in the way of what is about to be said.
            self.hear(STALLED_SECONDS, lambda: self._settled)

    def stream(self):
        """The number of a new stream."""
        self._streams += 2
        self._windows[self._streams] = self._first_window
        return self._streams

    def send(self, data):
        """Sends bytes, and says whether the connection is still there."""
        if self.ended is None:
            try:
                self.socket.sendall(data)
            except TimeoutError:
                self._end("stalled")
            except OSError:
                # What the server had to say before it hung up may be there to read.
                self.hear()
                self._end("reset")
        return self.ended is None

    def call(self, block, end=False):
        """Begins a call with these headers, and returns its stream."""
        stream = self.stream()
        flags = ["END_HEADERS", "END_STREAM"] if end else ["END_HEADERS"]
        self.send(HeadersFrame(stream, block, flags=flags).serialize())
        return stream

    def data(self, stream, data, end=False):
        """Sends data as the windows allow, until the server has answered or allows nothing for a while."""

        def allowed():
            return min(self._windows[0], self._windows[stream])

        while data and self.ended is None:
            self.hear(STALLED_SECONDS, lambda: 0 < allowed() or stream in self.answered)
            part = min(len(data), FRAME_BYTES_MAX, allowed())
            if part <= 0 or stream in self.answered:
                return
            flags = ["END_STREAM"] if end and part == len(data) else []
            self.send(DataFrame(stream, data[:part], flags=flags).serialize())
            self._windows.subtract({0: part, stream: part})
            data = data[part:]

    def hear(self, seconds=0.0, enough=lambda: False):
        """Takes note of what comes, until it is enough or nothing has come for so many seconds."""
        while self.ended is None and not enough() and self._poll.poll(1000 * seconds):
            try:
                data = self.socket.recv(1 << 16)
            except OSError:
                self._end("reset")
                break
            self._heard += data
            self._parse()
            if not data:
                self._end("closed")

    def close(self):
        """Ends it from this side, if it is still there."""
        self._end("open")
        self.socket.close()

    def _end(self, how):
        if self.ended is None:
            self.ended = how
            # After a GOAWAY it is no news.
            if not any(word.startswith("GOAWAY") for word in self.said):
                self.said[how] += 1

    def _parse(self):
        while 9 <= len(self._heard):
            frame, length = Frame.parse_frame_header(memoryview(self._heard[:9]))
            if len(self._heard) < 9 + length:
                return
            frame.parse_body(memoryview(self._heard[9 : 9 + length]))
            self._heard = self._heard[9 + length :]
            self._note(frame)

    def _note(self, frame):
        match frame:
            case GoAwayFrame():
                self.said[f"GOAWAY {ERRORS[frame.error_code]}"] += 1
            case RstStreamFrame():
                self.said[f"RST {ERRORS[frame.error_code]}"] += 1
                self.answered.add(frame.stream_id)
            case WindowUpdateFrame():
                self._windows[frame.stream_id] += frame.window_increment
            case SettingsFrame() if "ACK" not in frame.flags:
                first = frame.settings.get(SettingsFrame.INITIAL_WINDOW_SIZE, self._first_window)
                for stream in self._windows.keys() - {0}:
                    self._windows[stream] += first - self._first_window
                self._first_window = first
                self._settled = True
                # They hold for the server only from here on.
                if self._greets:
                    self.send(SettingsFrame(flags=["ACK"]).serialize())
            case HeadersFrame() | ContinuationFrame():
                self._block += frame.data
                if "END_HEADERS" in frame.flags:
                    self._answer(frame.stream_id, dict(self._decoder.decode(self._block)))
                    self._block = b""

    def _answer(self, stream, fields):
        if "grpc-status" in fields:
            self.said[f"status {fields['grpc-status']}"] += 1
            self.answered.add(stream)
        elif fields.get(":status", "200") != "200":
            self.said[f"HTTP {fields[':status']}"] += 1
            self.answered.add(stream)
