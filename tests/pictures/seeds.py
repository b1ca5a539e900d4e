"""Writes what fuzzing begins with: the smallest files of each kind that are worth a start, and some uploads.

    seeds.py FOLDER
"""

import pathlib
import sys
import tempfile

import kinds

# Small enough for a decoder to do thousands in a second.
SIZE = (20, 14)

# Each is a way through a decoder of its own. What needs a large profile or a table for a fax has none.
PICTURES = """
    pillow-1.bmp pillow-p.bmp pillow-rgb.bmp imagemagick-rle.bmp imagemagick-565.bmp
    pillow-interlaced.gif pillow-transparent.gif pillow-animated.gif
    pillow-444.jpg pillow-420.jpg pillow-progressive.jpg pillow-restarts.jpg pillow-cmyk.jpg
    pillow-turned-6.jpg pillow-profile-wide.jpg imagemagick-410.jpg
    pillow-palette-2.png pillow-palette-clear.png pillow-la.png pillow-16.png pillow-rgb-clear.png pillow-turned-5.png
    pillow-profile-wide.png imagemagick-interlaced.png imagemagick-rgba-16.png
    pillow-rgb-raw.tif pillow-p-tiff_lzw.tif pillow-rgb-tiff_lzw-predictor.tif pillow-l-packbits.tif
    pillow-16-tiff_adobe_deflate.tif pillow-1-group4.tif pillow-1-group3.tif pillow-l-jpeg.tif pillow-turned-7.tif
    pillow-cmyk-tiff_lzw.tif pillow-la-raw.tif libtiff-rgb-tiles.tif libtiff-rgb-planes.tif libtiff-grey-big.tif
    libtiff-sixteen-big-endian.tif libtiff-bits-g3-2d.tif libtiff-bits-lsb.tif imagemagick-grey-4.tif
    imagemagick-white-is-zero.tif imagemagick-associated.tif
    pillow-lossy.webp pillow-lossless.webp pillow-lossy-alpha.webp pillow-animated.webp
""".split()

# Messages as the script of the target reads them: true and untrue metadata, chunks, large chunks, nothing.
UPLOADS = {
    "whole": b"\x04" + b"\x00\x05hello" + b"\x01\x05world",
    "empty-chunks": b"\x05" + b"\x00\x00" + b"\x00\x01a" + b"\x00\x00",
    "large": b"\x04" + b"\x03\x80\x00" * 10,
    "too-large-a-chunk": b"\x04" + b"\x03\x80\x01",
    "untrue": b"\x06\x0f\x01\x01\x01\x01\x00" + b"\x00\x0aabcdefghij",
    "crop": b"\x06\x0f\x00\x01\x01\x02\x00" + b"\x00\x0aabcdefghij",
    "twice": b"\x04\x04" + b"\x00\x01a",
    "nothing": b"\x07",
    "no-metadata": b"\x00\x03abc",
    "nothing-after": b"\x04\x00\x03abc\x07",
}


def main():
    folder = pathlib.Path(sys.argv[1])
    for name in ("picture", "upload"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as made:
        files = {path.name: path for path in kinds.write(pathlib.Path(made), SIZE)}
        for name in PICTURES:
            (folder / "picture" / name).write_bytes(files[name].read_bytes())
    for name, messages in UPLOADS.items():
        (folder / "upload" / name).write_bytes(messages)


main()
