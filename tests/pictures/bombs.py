"""Small files that say of themselves that they are huge, or that unpack to something huge.

    bombs.py FOLDER

Those in FOLDER/sides have too many pixels, as their headers say. Those in FOLDER/beside have few, and what is large is
something else.
"""

import pathlib
import struct
import sys
import zlib

# Bytes that something small unpacks to: more than a server may take for a picture beside its pixels.
LARGE = 200 << 20


def chunk(kind, data):
    """A chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, data, *beside, bits=8):
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(beside) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def tiff(width, height, data, *, bits=1, compression=8, length=None, more=(), rows=None):
    """A TIFF of one strip whose tags may say anything."""
    tags = {
        256: (4, 1, width), 257: (4, 1, height), 258: (3, 1, bits), 259: (3, 1, compression), 262: (3, 1, 1),
        273: (4, 1, 8), 277: (3, 1, 1), 278: (4, 1, rows or height), 279: (4, 1, len(data) if length is None else length),
    }
    tags.update(more)
    table = struct.pack("<H", len(tags))
    for tag, (kind, count, value) in sorted(tags.items()):
        table += struct.pack("<HHII", tag, kind, count, value)
    data += bytes(len(data) % 2)
    return b"II*\0" + struct.pack("<I", 8 + len(data)) + data + table + bytes(4)


def big_tiff(width, height):
    tags = ((256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 16, 8), (279, 16, 1 << 40))
    table = struct.pack("<Q", len(tags)) + b"".join(struct.pack("<HHQQ", tag, kind, 1, it) for tag, kind, it in tags)
    return b"II+\0\x08\0\0\0" + struct.pack("<Q", 16) + table + bytes(8)


def gif(screen, frame):
    """A GIF whose only picture has a few codes of data."""
    head = b"GIF89a" + struct.pack("<HHBBB", *screen, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    return head + b"," + struct.pack("<HHHHB", 0, 0, *frame, 0) + b"\x02\x02\x4c\x01\0;"


def jpeg(width, height, frame):
    segment = lambda kind, data: b"\xff" + bytes([kind]) + struct.pack(">H", len(data) + 2) + data
    tables = segment(0xDB, bytes([0]) + bytes([1] * 64))
    tables += segment(0xC4, b"\0" + bytes([1] + [0] * 15) + b"\0") + segment(0xC4, b"\x10" + bytes([1] + [0] * 15) + b"\0")
    head = segment(frame, struct.pack(">BHHB", 8, height, width, 1) + b"\1\x11\0")
    return b"\xff\xd8" + tables + head + segment(0xDA, b"\1\1\0\0\x3f\0") + b"\0" * 40 + b"\xff\xd9"


def bmp(width, height, bits=24, offset=54, compression=0, colours=0):
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, 0, 0, 0, colours, 0)
    data = bytes(64 + (1024 if bits == 8 else 0))
    return b"BM" + struct.pack("<IHHI", 54 + len(data), 0, 0, offset) + head + data


def webp(*chunks):
    body = b"WEBP" + b"".join(kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2) for kind, data in chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def lossless(width, height):
    return b"VP8L", b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14) + bytes(40)


def canvas(width, height):
    return b"VP8X", bytes(4) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")


def lossy(width, height):
    return b"VP8 ", b"\x10\x02\x00\x9d\x01\x2a" + struct.pack("<HH", width, height) + bytes(40)


def sides():
    """Files that have too many pixels."""
    row = bytes(1 + 50_000 // 8)
    return {
        "header.bmp": bmp(60_000, 60_000),
        "runs.bmp": bmp(60_000, 60_000, bits=8, compression=1),
        "upside-down.bmp": bmp(60_000, -60_000),
        "screen.gif": gif((65_535, 65_535), (65_535, 65_535)),
        "screen-of-a-dot.gif": gif((65_535, 65_535), (1, 1)),
        "baseline.jpg": jpeg(65_500, 65_500, 0xC0),
        "progressive.jpg": jpeg(65_500, 65_500, 0xC2),
        "long.jpg": jpeg(65_500, 8, 0xC0),
        "header.png": png(2**31 - 1, 2**31 - 1, zlib.compress(b"")),
        "unpacks.png": png(50_000, 50_000, zlib.compress(row * 50_000, 9), bits=1),
        "strip.tif": tiff(100_000, 100_000, bytes(64), compression=1),
        "unpacks.tif": tiff(30_000, 30_000, zlib.compress(bytes(30_000 * 3_750), 9)),
        "big.tif": big_tiff(2**31, 2**31),
        "header.webp": webp(lossless(16_383, 16_383)),
        "lossy.webp": webp(lossy(16_383, 16_383)),
        "canvas.webp": webp(canvas(1 << 24, 250), lossless(8, 8)),
    }


def beside():
    """Files of few pixels, with something large beside them."""
    dots = zlib.compress(bytes(9 * 8))
    large = zlib.compress(bytes(LARGE), 9)
    text = zlib.compress(b"a" * LARGE, 9)
    return {
        "text.png": png(8, 8, dots, chunk(b"zTXt", b"Comment\0\0" + text)),
        "texts.png": png(8, 8, dots, *[chunk(b"zTXt", b"Comment\0\0" + text)] * 8),
        "international.png": png(8, 8, dots, chunk(b"iTXt", b"Comment\0\1\0\0\0" + text)),
        "profile.png": png(8, 8, dots, chunk(b"iCCP", b"sRGB\0\0" + large)),
        "data.png": png(8, 8, large),
        "strip-length.tif": tiff(8, 8, bytes(8), compression=1, length=2**32 - 1),
        "strip-unpacks.tif": tiff(8, 8, large),
        "strip-rows.tif": tiff(8, 8, large, rows=2**32 - 1),
        "strips.tif": tiff(8, 8, bytes(8), more={273: (4, 2**30, 8), 279: (4, 2**30, 8)}),
        "tag.tif": tiff(8, 8, bytes(8), compression=1, more={34675: (7, 2**32 - 1, 8)}),
        "samples.tif": tiff(8, 8, bytes(8), compression=1, more={277: (3, 1, 65_535)}),
        "tile.tif": tiff(8, 8, large, more={322: (4, 1, 2**20 * 16), 323: (4, 1, 2**20 * 16), 324: (4, 1, 8), 325: (4, 1, 64)}),
        "frame.gif": gif((8, 8), (65_535, 65_535)),
        "offset.bmp": bmp(8, 8, offset=2**32 - 1),
        "colours.bmp": bmp(8, 8, bits=8, colours=2**31 - 1),
        "frame.webp": webp(canvas(8, 8), lossless(16_383, 16_383)),
        "alpha.webp": webp(canvas(8, 8), (b"ALPH", bytes(64)), lossy(16_383, 16_383)),
    }


def main():
    folder = pathlib.Path(sys.argv[1])
    for name, files in {"sides": sides(), "beside": beside()}.items():
        (folder / name).mkdir(parents=True)
        for file, data in files.items():
            (folder / name / file).write_bytes(data)


main()
