"""The largest pictures that are taken, in files of at most ten mebibytes, and of every format.

    large.py FOLDER WIDTH HEIGHT
"""

import pathlib
import sys

from PIL import Image

from scene import scene

FILE_BYTES_MAX = 10 << 20
LOSSLESS_WEBP_PIXELS_MAX = 20_000_000


def main():
    folder, size = pathlib.Path(sys.argv[1]), tuple(map(int, sys.argv[2:]))
    photo = scene(size[0] // 8, size[1] // 8, seed=3).resize(size)
    # What packs without loss: a photograph would not fit.
    shade = Image.linear_gradient("L").resize(size, Image.Resampling.NEAREST)
    colours = Image.merge("RGB", (shade, shade, shade.point(lambda it: 255 - it)))
    clear = Image.merge("RGBA", (*colours.split(), shade.point(lambda it: 100 + it // 2)))
    bits = photo.resize((256, 256)).convert("1").resize(size)
    photo.save(folder / "baseline.jpg", quality=60)
    photo.save(folder / "progressive.jpg", quality=60, progressive=True)
    photo.convert("CMYK").save(folder / "cmyk.jpg", quality=40)
    clear.save(folder / "alpha.png")
    Image.frombytes("I;16", size, bytes(2 * size[0] * size[1])).save(folder / "sixteen.png")
    colours.save(folder / "deflate.tif", compression="tiff_adobe_deflate")
    colours.save(folder / "lzw.tif", compression="tiff_lzw", tiffinfo={317: 2})
    clear.convert("CMYK").save(folder / "cmyk.tif", compression="tiff_lzw")
    bits.save(folder / "bits.tif", compression="raw")
    bits.save(folder / "bits.bmp")
    colours.quantize(200).save(folder / "palette.gif")
    # One of these may have half as many.
    rows = min(size[1], LOSSLESS_WEBP_PIXELS_MAX // size[0])
    clear.crop((0, 0, size[0], rows)).save(folder / "lossless.webp", lossless=True, quality=10, method=1)
    photo.save(folder / "lossy.webp", quality=40, method=0)
    for path in folder.iterdir():
        if path.stat().st_size > FILE_BYTES_MAX:
            sys.exit(f"{path.name} has {path.stat().st_size} bytes")


main()
