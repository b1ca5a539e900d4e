"""A colour profile that is clearly not sRGB, written by hand: three primaries and one curve.

Source: ICC.1:2001-04, sections 6.1 (header), 6.4 and 6.5 (tags of a display with three components).
"""

import struct


def _fixed(value):
    return struct.pack(">i", round(value * 65536))


def _xyz(*values):
    return b"XYZ \0\0\0\0" + b"".join(map(_fixed, values))


def wide(gamma=1.8):
    """Returns a profile whose primaries are those of a wide gamut, adapted to D50."""
    description = b"A wide gamut"
    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", len(description) + 1) + description + bytes(1 + 4 + 4 + 2 + 1 + 67),
        b"cprt": b"text\0\0\0\0Nobody's\0",
        b"wtpt": _xyz(0.9642, 1.0, 0.8249),
        b"rXYZ": _xyz(0.7977, 0.2880, 0.0000),
        b"gXYZ": _xyz(0.1352, 0.7119, 0.0000),
        b"bXYZ": _xyz(0.0313, 0.0001, 0.8249),
    }
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))
    for name in (b"rTRC", b"gTRC", b"bTRC"):
        tags[name] = curve
    at = 128 + 4 + 12 * len(tags)
    table, data = struct.pack(">I", len(tags)), b""
    for name, value in tags.items():
        value += bytes(-len(value) % 4)
        table += struct.pack(">4sII", name, at + len(data), len(value))
        data += value
    body = table + data
    header = struct.pack(">I4sI4s4s4s", 128 + len(body), bytes(4), 0x02100000, b"mntr", b"RGB ", b"XYZ ")
    header += struct.pack(">6H4s", 2026, 1, 1, 0, 0, 0, b"acsp")
    header += bytes(28) + _fixed(0.9642) + _fixed(1.0) + _fixed(0.8249)
    return header.ljust(128, b"\0") + body
