"""Cuts one file again and again with Pillow, and prints what that took: pictures_pillow.py FILE COUNT

As its documentation has it: `draft` lets the decoder shrink a JPEG, `reducing_gap` shrinks by whole steps first.
"""

import io
import json
import re
import sys
import time

import PIL
from PIL import Image, ImageOps, features

SIDES = (512, 300, 128, 48)
GAP = 2.0


def cut(data):
    picture = Image.open(io.BytesIO(data))
    picture.draft("RGB", (int(GAP * SIDES[0]),) * 2)
    picture = ImageOps.exif_transpose(picture).convert("RGB")
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    box = (left, top, left + side, top + side)
    for side in SIDES:
        square = picture.resize((side, side), Image.Resampling.LANCZOS, box=box, reducing_gap=GAP)
        square.save(io.BytesIO(), "JPEG", quality=85)


def peak_kib():
    with open("/proc/self/status") as status:
        return int(re.search(r"VmHWM:\s*(\d+)", status.read())[1])


def main():
    if sys.argv[1] == "--version":
        turbo = features.version_feature("libjpeg_turbo")
        settings = f"draft and reducing_gap {GAP}, Lanczos, JPEG quality 85"
        print(f"Pillow {PIL.__version__}, libjpeg-turbo {turbo}, Python {sys.version.split()[0]}: {settings}")
        return
    with open(sys.argv[1], "rb") as file:
        data = file.read()
    count = int(sys.argv[2])
    before = peak_kib()
    # The first is for caches and pages.
    cut(data)
    begin = time.process_time()
    for _ in range(count):
        cut(data)
    cpu = 1000 * (time.process_time() - begin) / count
    peak = peak_kib()
    print(json.dumps({"cpu_ms": cpu, "peak_kib": peak, "grown_kib": peak - before}))


main()
