"""Colour profiles written by hand: three primaries and one curve.

Source: ICC.1:2001-04, sections 6.1 (header), 6.4 and 6.5 (tags of a display with three components).
"""

import struct


def _fixed(value):
    return struct.pack(">i", round(value * 65536))


def _xyz(*values):
    return b"XYZ \0\0\0\0" + b"".join(map(_fixed, values))


# The chart of sRGB: x and y of white, red, green and blue.
USUAL = (0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)

D50 = (0.9642, 1.0, 0.8249)

# From XYZ to what the three kinds of cones see, by Bradford.
CONES = ((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296))


def _times(matrix, vector):
    return [sum(a * b for a, b in zip(row, vector)) for row in matrix]


def _inverse(m):
    """Returns the inverse of a matrix of three rows and columns."""
    cofactor = lambda i, j: (
        m[(i + 1) % 3][(j + 1) % 3] * m[(i + 2) % 3][(j + 2) % 3]
        - m[(i + 1) % 3][(j + 2) % 3] * m[(i + 2) % 3][(j + 1) % 3]
    )
    determinant = sum(m[0][j] * cofactor(0, j) for j in range(3))
    return [[cofactor(j, i) / determinant for j in range(3)] for i in range(3)]


def wide(gamma=1.8):
    """Returns a profile whose primaries are those of a wide gamut, adapted to D50."""
    primaries = ((0.7977, 0.2880, 0.0000), (0.1352, 0.7119, 0.0000), (0.0313, 0.0001, 0.8249))
    return _profile(b"A wide gamut", primaries, gamma)


def described(exponent, chart):
    """Returns the profile of numbers that are this power of light, with the chart that is told or that of sRGB."""
    xyz = [(x / y, 1.0, (1 - x - y) / y) for x, y in zip(*[iter(chart or USUAL)] * 2)]
    white, primaries = xyz[0], xyz[1:]
    # As much of each primary as makes white together, seen by eyes that are used to D50.
    shares = _times(_inverse(list(zip(*primaries))), white)
    seen, wanted = _times(CONES, white), _times(CONES, D50)

    def adapted(colour):
        return _times(_inverse(CONES), [it * b / a for it, a, b in zip(_times(CONES, colour), seen, wanted)])

    primaries = [adapted([share * it for it in primary]) for share, primary in zip(shares, primaries)]
    return _profile(b"As told", primaries, 1 / exponent)


def _profile(description, primaries, gamma):
    red, green, blue = primaries
    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", len(description) + 1) + description + bytes(1 + 4 + 4 + 2 + 1 + 67),
        b"cprt": b"text\0\0\0\0Nobody's\0",
        b"wtpt": _xyz(*D50),
        b"rXYZ": _xyz(*red),
        b"gXYZ": _xyz(*green),
        b"bXYZ": _xyz(*blue),
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
    header += bytes(28) + b"".join(map(_fixed, D50))
    return header.ljust(128, b"\0") + body
