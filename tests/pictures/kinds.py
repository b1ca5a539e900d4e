"""The scene in every kind of file that the formats have, by three programs that share no encoder of ours.

Pillow, ImageMagick and the tools of libtiff each write what they can. Every file is named for who wrote it and how, so
that a name is enough to make it again.
"""

import shutil
import subprocess
import sys

from PIL import Image, ImageCms, PngImagePlugin

from profiles import wide
from scene import marked, scene

# Small enough for hundreds, and not square, so that a wrong turn is seen.
SIZE = (132, 90)

# The tag of TIFF and EXIF that says how a picture is turned.
ORIENTATION = 0x0112


def _exif(orientation):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return exif


def _faded(picture):
    """The picture with an alpha channel that falls off to the right."""
    alpha = Image.linear_gradient("L").rotate(90).resize(picture.size)
    picture = picture.copy()
    picture.putalpha(alpha)
    return picture


def _sixteen(picture):
    """The picture in 16 bits of grey."""
    low = picture.convert("L").tobytes()
    return Image.frombytes("I;16", picture.size, b"".join(bytes((it ^ 0x55, it)) for it in low))


class Writer:
    """Writes files into a folder, and remembers what they are."""

    def __init__(self, folder, imagemagick):
        self.folder = folder
        self.imagemagick = imagemagick
        self.files = []

    def path(self, name):
        path = self.folder / name
        self.files.append(path)
        return path

    def save(self, name, picture, **how):
        picture.save(self.path(f"pillow-{name}"), **how)

    def convert(self, name, *how, source):
        form = name.rsplit(".", 1)[1]
        path = self.path(f"imagemagick-{name}")
        # What the file holds is said before the colon, lest the ending of a name decide on a subformat.
        how = [it for it in how if it]
        if how and how[-1].endswith(":"):
            form = how.pop().rstrip(":")
        subprocess.run([self.imagemagick, source, *how, f"{form}:{path}"], check=True, capture_output=True)

    def tiff(self, name, *how, source):
        path = self.path(f"libtiff-{name}.tif")
        subprocess.run(["tiffcp", *how, source, path], check=True, capture_output=True)


def _imagemagick_program():
    """Finds ImageMagick, whose program has two names, one of which is also that of others."""
    for program in ("magick", "/usr/bin/convert", "convert"):
        if shutil.which(program):
            says = subprocess.run([program, "--version"], capture_output=True, text=True).stdout
            if says.startswith("Version: ImageMagick"):
                return program
    sys.exit("ImageMagick is missing: run bin/dev/setup corpus")


def write(folder, size=SIZE):
    """Writes all of them, with the scene of this size, and returns their paths."""
    writer = Writer(folder, _imagemagick_program())
    picture = marked(scene(*size, seed=7))
    _pillow_plain(writer, picture)
    _pillow_png(writer, picture)
    _pillow_tiff(writer, picture)
    _turned(writer, picture)
    _coloured(writer, picture)
    _imagemagick(writer, picture)
    _libtiff(writer, picture)
    return writer.files


def _pillow_plain(writer, rgb):
    grey, bits, palette, faded = rgb.convert("L"), rgb.convert("1"), rgb.quantize(64), _faded(rgb)
    for name, it in {"1": bits, "l": grey, "p": palette, "rgb": rgb, "rgba": faded}.items():
        writer.save(f"{name}.bmp", it)
    clear = rgb.quantize(15)
    for name, it, how in [
        ("p", palette, {}),
        ("l", grey, {}),
        ("two", bits, {}),
        ("interlaced", palette, {"interlace": 1}),
        ("not-interlaced", palette, {"interlace": 0}),
        ("transparent", clear, {"transparency": 3}),
        ("animated", palette, {"save_all": True, "append_images": [grey.quantize(8)], "duration": 50}),
        ("comment", palette, {"comment": b"<script>nothing</script>"}),
    ]:
        writer.save(f"{name}.gif", it, **how)
    for name, it, how in [
        ("l", grey, {}),
        ("444", rgb, {"subsampling": "4:4:4"}),
        ("422", rgb, {"subsampling": "4:2:2"}),
        ("420", rgb, {"subsampling": "4:2:0"}),
        ("progressive", rgb, {"progressive": True}),
        ("progressive-l", grey, {"progressive": True}),
        ("progressive-422", rgb, {"progressive": True, "subsampling": "4:2:2"}),
        ("optimized", rgb, {"optimize": True}),
        ("restarts", rgb, {"restart_marker_blocks": 3}),
        ("restart-rows", rgb, {"restart_marker_rows": 1}),
        ("cmyk", rgb.convert("CMYK"), {}),
        ("cmyk-progressive", rgb.convert("CMYK"), {"progressive": True}),
        ("rgb", rgb, {"keep_rgb": True}),
        ("comment", rgb, {"comment": b"<script>nothing</script>"}),
    ]:
        writer.save(f"{name}.jpg", it, **{"quality": 90, **how})
    for name, it, how in [
        ("lossy", rgb, {"quality": 90}),
        ("lossless", rgb, {"lossless": True}),
        ("lossy-alpha", faded, {"quality": 90}),
        ("lossless-alpha", faded, {"lossless": True}),
        ("animated", rgb, {"save_all": True, "append_images": [grey.convert("RGB")], "lossless": True}),
        ("exif", rgb, {"quality": 90, "exif": _exif(1)}),
    ]:
        writer.save(f"{name}.webp", it, **how)


def _pillow_png(writer, rgb):
    grey, faded = rgb.convert("L"), _faded(rgb)
    for bits in (1, 2, 4, 8):
        writer.save(f"palette-{bits}.png", rgb.quantize(1 << bits), bits=bits)
    for name, it, how in [
        ("1", rgb.convert("1"), {}),
        ("l", grey, {}),
        ("la", faded.convert("LA"), {}),
        ("16", _sixteen(rgb), {}),
        ("rgb", rgb, {}),
        ("rgba", faded, {}),
        ("palette-clear", rgb.quantize(64), {"transparency": bytes(range(0, 256, 4))}),
        ("rgb-clear", rgb, {"transparency": (210, 30, 40)}),
        ("l-clear", grey, {"transparency": grey.getpixel((2, 2))}),
        ("fast", rgb, {"compress_level": 0}),
        ("small", rgb, {"optimize": True}),
        ("animated", rgb, {"save_all": True, "append_images": [grey.convert("RGB")]}),
    ]:
        writer.save(f"{name}.png", it, **how)
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "<html><script>nothing</script></html>", zip=True)
    writer.save("text.png", rgb, pnginfo=text)


def _pillow_tiff(writer, rgb):
    grey, bits, faded = rgb.convert("L"), rgb.convert("1"), _faded(rgb)
    pictures = {
        "1": bits,
        "l": grey,
        "la": faded.convert("LA"),
        "p": rgb.quantize(64),
        "rgb": rgb,
        "rgba": faded,
        "cmyk": rgb.convert("CMYK"),
        "16": _sixteen(rgb),
    }
    for name, it in pictures.items():
        for how in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"):
            writer.save(f"{name}-{how}.tif", it, compression=how)
        writer.save(f"{name}-big.tif", it, big_tiff=True)
    for how in ("tiff_ccitt", "group3", "group4"):
        writer.save(f"1-{how}.tif", bits, compression=how)
    for how in ("tiff_lzw", "tiff_adobe_deflate"):
        writer.save(f"ycbcr-{how}.tif", rgb.convert("YCbCr"), compression=how)
    for name in ("l", "rgb", "cmyk"):
        writer.save(f"{name}-jpeg.tif", pictures[name], compression="jpeg", quality=90)
    for name in ("l", "rgb", "rgba", "16"):
        for how in ("tiff_lzw", "tiff_adobe_deflate"):
            writer.save(f"{name}-{how}-predictor.tif", pictures[name], compression=how, tiffinfo={317: 2})
    for how in ("tiff_deflate", "lzma", "zstd"):
        writer.save(f"rgb-{how}.tif", rgb, compression=how)
    writer.save("strips.tif", rgb, compression="tiff_lzw", strip_size=1024)
    writer.save("pages.tif", rgb, save_all=True, append_images=[grey, bits])


def _turned(writer, rgb):
    for turn in range(1, 9):
        writer.save(f"turned-{turn}.jpg", rgb, quality=90, exif=_exif(turn))
        writer.save(f"turned-{turn}.png", rgb, exif=_exif(turn))
        writer.save(f"turned-{turn}.webp", rgb, quality=90, exif=_exif(turn))
        writer.save(f"turned-{turn}.tif", rgb, tiffinfo={ORIENTATION: turn})
        writer.save(f"turned-lzw-{turn}.tif", rgb.convert("L"), tiffinfo={ORIENTATION: turn}, compression="tiff_lzw")


def _coloured(writer, rgb):
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for name, profile in {"srgb": srgb, "wide": wide()}.items():
        for form, how in {"jpg": {"quality": 90}, "png": {}, "tif": {}, "webp": {"quality": 90}}.items():
            writer.save(f"profile-{name}.{form}", rgb, icc_profile=profile, **how)
    writer.save("profile-progressive.jpg", rgb, icc_profile=wide(), quality=90, progressive=True)
    writer.save("profile-alpha.png", _faded(rgb), icc_profile=wide())
    # A profile that makes no sense hinders nobody who shows the picture.
    writer.save("profile-broken.jpg", rgb, icc_profile=wide()[:140], quality=90)
    writer.save("profile-broken.png", rgb, icc_profile=b"no profile at all" * 9)


def _imagemagick(writer, rgb):
    source, clear = writer.folder / "source.png", writer.folder / "source-alpha.png"
    rgb.save(source)
    _faded(rgb).save(clear)
    bits = ("-colorspace", "Gray", "-ordered-dither", "o4x4", "-type", "bilevel")
    for name, *how in [
        ("2.bmp", "bmp2:"),
        ("3.bmp", "bmp3:"),
        ("palette.bmp", "-type", "palette", "-colors", "200", "bmp3:"),
        ("palette-16.bmp", "-type", "palette", "-colors", "16", "bmp3:"),
        ("rle.bmp", "-type", "palette", "-colors", "12", "-compress", "RLE", "bmp3:"),
        ("565.bmp", "-define", "bmp:subtype=RGB565"),
        ("555.bmp", "-define", "bmp:subtype=RGB555"),
        ("1.bmp", *bits),
        ("plain.gif",),
        ("interlaced.gif", "-interlace", "GIF"),
        ("87.gif", "gif87:"),
        ("plain.jpg", "-quality", "90"),
        ("progressive.jpg", "-quality", "90", "-interlace", "JPEG"),
        ("grey.jpg", "-quality", "90", "-colorspace", "Gray"),
        ("cmyk.jpg", "-quality", "90", "-colorspace", "CMYK"),
        ("411.jpg", "-quality", "90", "-sampling-factor", "4x1"),
        ("440.jpg", "-quality", "90", "-sampling-factor", "1x2"),
        ("410.jpg", "-quality", "90", "-sampling-factor", "4x2"),
        ("lossy.webp", "-quality", "90"),
        ("lossless.webp", "-define", "webp:lossless=true"),
        ("interlaced.png", "-interlace", "PNG"),
        ("interlaced-1.png", *bits, "-interlace", "PNG"),
        ("interlaced-palette.png", "-type", "palette", "-colors", "30", "-interlace", "PNG", "png8:"),
        ("grey-4.png", "-colorspace", "Gray", "-depth", "4", "-define", "png:color-type=0", "-define", "png:bit-depth=4"),
        ("rgb-16.png", "-define", "png:bit-depth=16", "png48:"),
        ("rgba-16.png", "-define", "png:bit-depth=16", "png64:"),
        ("interlaced-16.png", "-interlace", "PNG", "png48:"),
        ("raw.tif", "-compress", "None"),
        ("lzw.tif", "-compress", "LZW"),
        ("zip.tif", "-compress", "Zip"),
        ("rle.tif", "-compress", "RLE"),
        ("jpeg.tif", "-compress", "JPEG", "-quality", "90"),
        ("group4.tif", *bits, "-compress", "Group4"),
        ("fax.tif", *bits, "-compress", "Fax"),
        ("cmyk.tif", "-colorspace", "CMYK", "-compress", "None"),
        ("cmyk-lzw.tif", "-colorspace", "CMYK", "-compress", "LZW"),
        ("lab.tif", "-colorspace", "Lab", "-compress", "LZW"),
        ("planes.tif", "-interlace", "plane", "-compress", "LZW"),
        ("big-endian.tif", "-endian", "MSB", "-compress", "LZW"),
        ("rgb-16.tif", "-depth", "16", "-compress", "LZW"),
        ("rgb-16-big-endian.tif", "-depth", "16", "-endian", "MSB", "-compress", "Zip"),
        ("grey-2.tif", "-colorspace", "Gray", "-depth", "2", "-compress", "None"),
        ("grey-4.tif", "-colorspace", "Gray", "-depth", "4", "-compress", "LZW"),
        ("grey-16.tif", "-colorspace", "Gray", "-depth", "16", "-compress", "LZW"),
        ("grey-32.tif", "-colorspace", "Gray", "-depth", "32", "-compress", "None"),
        ("white-is-zero.tif", "-colorspace", "Gray", "-depth", "8", "-define", "quantum:polarity=min-is-white"),
        ("palette.tif", "-type", "palette", "-colors", "200", "-compress", "LZW"),
        ("palette-4.tif", "-type", "palette", "-colors", "12", "-compress", "None"),
        ("tiles.tif", "-define", "tiff:tile-geometry=32x32", "-compress", "LZW"),
        ("rows.tif", "-define", "tiff:rows-per-strip=7", "-compress", "Zip"),
    ]:
        writer.convert(name, *how, source=source)
    for name, *how in [
        ("alpha.bmp",),
        ("alpha.gif",),
        ("alpha.png",),
        ("alpha-16.png", "png64:"),
        ("grey-alpha.png", "-colorspace", "Gray", "-interlace", "PNG"),
        ("alpha.tif", "-compress", "LZW"),
        ("associated.tif", "-define", "tiff:alpha=associated", "-compress", "Zip"),
        ("unassociated.tif", "-define", "tiff:alpha=unassociated", "-compress", "None"),
        ("alpha-16.tif", "-depth", "16", "-compress", "Zip"),
        ("alpha.webp", "-quality", "90"),
    ]:
        writer.convert(name, *how, source=clear)


def _libtiff(writer, rgb):
    sources = {}
    for name, it in {
        "rgb": rgb,
        "grey": rgb.convert("L"),
        "bits": rgb.convert("1"),
        "alpha": _faded(rgb),
        "palette": rgb.quantize(40),
        "cmyk": rgb.convert("CMYK"),
        "sixteen": _sixteen(rgb),
    }.items():
        sources[name] = writer.folder / f"source-{name}.tif"
        it.save(sources[name])
    for name in ("rgb", "grey", "alpha", "palette", "cmyk", "sixteen"):
        for how in ("none", "lzw", "zip", "packbits"):
            writer.tiff(f"{name}-{how}", "-c", how, source=sources[name])
        writer.tiff(f"{name}-tiles", "-c", "lzw", "-t", "-w", "64", "-l", "32", source=sources[name])
        writer.tiff(f"{name}-tiles-raw", "-c", "none", "-t", "-w", "16", "-l", "16", source=sources[name])
    for name in ("rgb", "alpha", "cmyk"):
        writer.tiff(f"{name}-planes", "-c", "lzw", "-p", "separate", source=sources[name])
        writer.tiff(f"{name}-planes-tiles", "-c", "zip", "-p", "separate", "-t", "-w", "48", "-l", "48", source=sources[name])
    for name in ("rgb", "grey", "alpha", "sixteen"):
        writer.tiff(f"{name}-lzw-predictor", "-c", "lzw:2", source=sources[name])
        writer.tiff(f"{name}-zip-predictor", "-c", "zip:2", "-r", "5", source=sources[name])
        writer.tiff(f"{name}-big-endian", "-B", "-c", "lzw:2", source=sources[name])
        writer.tiff(f"{name}-big", "-8", "-c", "zip", source=sources[name])
        writer.tiff(f"{name}-big-big-endian", "-8", "-B", "-c", "zip:2", source=sources[name])
    for how in ("g3", "g3:1d", "g3:2d", "g3:2d:fill", "g4"):
        writer.tiff(f"bits-{how.replace(':', '-')}", "-c", how, source=sources["bits"])
    writer.tiff("bits-g4-strips", "-c", "g4", "-r", "8", source=sources["bits"])
    writer.tiff("bits-lsb", "-f", "lsb2msb", "-c", "g4", source=sources["bits"])
    writer.tiff("bits-raw-lsb", "-f", "lsb2msb", "-c", "none", source=sources["bits"])
    writer.tiff("rgb-jpeg", "-c", "jpeg:90", "-r", "16", source=sources["rgb"])
    writer.tiff("rgb-jpeg-raw", "-c", "jpeg:r:90", "-r", "16", source=sources["rgb"])
    writer.tiff("rgb-jpeg-tiles", "-c", "jpeg:90", "-t", "-w", "32", "-l", "32", source=sources["rgb"])
    writer.tiff("grey-jpeg", "-c", "jpeg:90", "-r", "16", source=sources["grey"])
    writer.tiff("cmyk-jpeg", "-c", "jpeg:90", "-r", "16", source=sources["cmyk"])
    writer.tiff("rgb-zstd", "-c", "zstd", source=sources["rgb"])
