"""Answers for names and for a bucket in a network of its own: image_names.py CERTIFICATE KEY

It brings up the loopback, answers DNS at 127.0.0.1:53, says "ready", and goes on until it is ended. Each name below
workcenter.test is 127.0.0.1, and no other is any. At port 443 whatever is asked for over HTTPS is not there.
"""

import fcntl
import http.server
import socket
import ssl
import struct
import sys
import threading

ZONE = b".workcenter.test"

# Source: netdevice(7), RFC 1035 sections 3.2.2 and 4.1.1.
SIOCSIFFLAGS = 0x8914
IFF_UP = 1
TYPE_A = 1
ANSWERS, KNOWS_NO_SUCH_NAME = 0x8580, 0x8583


def bring_up_loopback():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


def answer(query):
    """Returns what is to be said to a query for one name."""
    name, at = b"", 12
    while length := query[at]:
        name += b"." + query[at + 1 : at + 1 + length]
        at += 1 + length
    question = query[12 : at + 5]
    (kind,) = struct.unpack("!H", query[at + 1 : at + 3])
    is_known = name.lower().endswith(ZONE) and name.count(b".") == 3
    count = 1 if is_known and kind == TYPE_A else 0
    head = query[:2] + struct.pack("!5H", ANSWERS if is_known else KNOWS_NO_SUCH_NAME, 1, count, 0, 0)
    record = b"\xc0\x0c" + struct.pack("!HHIH", TYPE_A, 1, 60, 4) + bytes([127, 0, 0, 1])
    return head + question + record * count


class Nothing(http.server.BaseHTTPRequestHandler):
    """Has nothing, whatever is asked for."""

    def do_GET(self):
        body = b"<Error><Code>NoSuchBucket</Code></Error>"
        self.send_response(404)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_):
        pass

    do_HEAD = do_PUT = do_POST = do_DELETE = do_GET


def main(certificate, key):
    bring_up_loopback()
    names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    names.bind(("127.0.0.1", 53))
    bucket = http.server.ThreadingHTTPServer(("127.0.0.1", 443), Nothing)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    bucket.socket = context.wrap_socket(bucket.socket, server_side=True)
    threading.Thread(target=bucket.serve_forever, daemon=True).start()
    print("ready", flush=True)
    while True:
        query, sender = names.recvfrom(512)
        names.sendto(answer(query), sender)


main(*sys.argv[1:])
