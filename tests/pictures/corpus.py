"""Makes pictures, gathers those that others made, and says of each what Pillow makes of it.

    corpus.py FOLDER CORPUS SHARE

Writes, into FOLDER/corpus.jsonl, one line of JSON for each file: its path; where it is from; the format that Pillow sees,
or none; why Pillow does not take it, or none; where the data of its only picture lies, or none; and where the
rendering of it is, or none. That is the square in its middle, upright, in sRGB, laid over magenta, 128 pixels a side, as
bytes of red, green and blue. Of what others made, one of SHARE files of a kind is taken.
"""

import io
import json
import pathlib
import sys
import warnings

from PIL import Image, ImageCms, ImageOps

import kinds
import profiles

FORMATS = {"BMP": "Bmp", "GIF": "Gif", "JPEG": "Jpeg", "MPO": "Jpeg", "PNG": "Png", "TIFF": "Tiff", "WEBP": "WebP"}

# Endings of what others made. What a file is, its content says; this keeps sources and fonts out.
ENDINGS = {".bmp", ".gif", ".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".mpo"}

SIDE = 128

SRGB = ImageCms.createProfile("sRGB")

# Tags of TIFF: where strips and tiles begin, and their lengths.
PLACES = ((273, 279), (324, 325))


def ours(picture):
    """Returns the picture with eight bits a channel in RGB, RGBA or CMYK, or in L; none where Pillow knows no scale."""
    if picture.mode.startswith("I;16"):
        wide = memoryview(picture.convert("I").tobytes()).cast("i")
        grey = Image.frombytes("L", picture.size, bytes((it + 128) // 257 for it in wide))
        if "transparency" in picture.info:
            clear = picture.info["transparency"]
            grey.putalpha(Image.frombytes("L", picture.size, bytes(255 * (it != clear) for it in wide)))
        return grey.convert("RGBA") if grey.mode == "LA" else grey
    if picture.mode in ("I", "F"):
        return None
    clear = picture.has_transparency_data
    if picture.mode in ("RGB", "L", "CMYK", "LAB") and not clear:
        return picture
    return picture.convert("RGBA" if clear else "L" if picture.mode == "1" else "RGB")


def in_srgb(picture, profile):
    """Returns the picture in RGB or RGBA, by its profile if that suits it."""
    alpha = picture.getchannel("A") if picture.mode == "RGBA" else None
    colours = picture.convert("RGB") if alpha else picture
    if profile:
        try:
            profile = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if colours.mode == "L" and profile.profile.xcolor_space.strip() == "RGB":
                colours = colours.convert("RGB")
            colours = ImageCms.profileToProfile(colours, profile, SRGB, outputMode="RGB")
        except (ImageCms.PyCMSError, OSError):
            pass
    elif colours.mode == "LAB":
        colours = ImageCms.profileToProfile(colours, ImageCms.createProfile("LAB"), SRGB, outputMode="RGB")
    colours = colours.convert("RGB")
    if alpha:
        colours.putalpha(alpha)
    return colours


def told_profile(told):
    """Returns the profile that a PNG describes by a gamma and a chart, as browsers read it; none if it is that of sRGB."""
    gamma, chart = told.get("gamma"), told.get("chromaticity")
    if not gamma or "srgb" in told or not (0.2 <= gamma <= 1.0):
        return None
    return profiles.described(gamma, chart)


def rendering(picture, levels):
    """Returns the bytes of the rendering of a picture whose file has so many levels of grey."""
    profile = picture.info.get("icc_profile") or told_profile(picture.info)
    if levels < 256 and isinstance(picture.info.get("transparency"), int):
        # Pillow spreads the levels and leaves the one that is transparent as it stands in the file.
        picture.info["transparency"] *= 255 // (levels - 1)
    picture = ours(ImageOps.exif_transpose(picture))
    if picture is None:
        return None
    picture = in_srgb(picture, profile)
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    finer = Image.Resampling.LANCZOS if side > SIDE else Image.Resampling.BICUBIC
    # Not by its box: then what lies beyond the square would shine into its edge.
    picture = picture.crop((left, top, left + side, top + side)).resize((SIDE, SIDE), finer)
    if picture.mode == "RGBA":
        ground = Image.new("RGBA", picture.size, (255, 0, 255, 255))
        picture = Image.alpha_composite(ground, picture).convert("RGB")
    return picture.tobytes()


def data(picture, size):
    """Returns where the data of the picture begins and ends, if the file has no other picture."""
    if getattr(picture, "n_frames", 1) > 1:
        return None
    if picture.format != "TIFF":
        # What is longer than the headers of any that are made here, and short of the end that a format marks.
        return [64, size - 8]
    for places, lengths in PLACES:
        if places in picture.tag_v2 and lengths in picture.tag_v2:
            places, lengths = picture.tag_v2[places], picture.tag_v2[lengths]
            return [min(places), max(at + length for at, length in zip(places, lengths))]
    return None


def told(path, origin, folder):
    """Returns what there is to say of a file."""
    line = {"path": str(path), "from": origin, "format": None, "fault": None, "data": None, "rendering": None}
    try:
        with Image.open(path) as picture:
            line["format"] = FORMATS.get(picture.format)
            if line["format"] is None:
                line["fault"] = f"it is {picture.format}"
                return line
            line["data"] = data(picture, path.stat().st_size)
            coding = picture.tile[0].args if picture.tile else None
            levels = {"1": 2, "L;2": 4, "L;4": 16}.get(coding if isinstance(coding, str) else None, 256)
            picture.load()
            square = rendering(picture, levels)
    except Exception as error:  # Whatever it raises: the file is not taken.
        line["fault"] = f"{type(error).__name__}: {error}"
        return line
    if square:
        line["rendering"] = str(folder / f"{origin}-{path.name}.rgb")
        pathlib.Path(line["rendering"]).write_bytes(square)
    return line


def others(corpus, share):
    """Yields what others made: where it is from, and its path."""
    counts = {}
    for path in sorted(corpus.rglob("*")):
        if path.suffix.lower() in ENDINGS and path.is_file():
            kind = (path.parent, path.suffix)
            counts[kind] = counts.get(kind, -1) + 1
            if counts[kind] % share == 0:
                yield "-".join(path.relative_to(corpus).parts[:-1]), path


def main():
    folder, corpus, share = sys.argv[1:]
    folder, corpus = pathlib.Path(folder), pathlib.Path(corpus)
    made = folder / "made"
    made.mkdir(parents=True, exist_ok=True)
    # Warnings are about damage that Pillow bears with; a size beyond its own limit is no reason not to take a file.
    warnings.simplefilter("ignore")
    files = [("made", path) for path in kinds.write(made)]
    files += others(corpus, int(share))
    with open(folder / "corpus.jsonl", "w") as lines:
        for origin, path in files:
            print(json.dumps(told(path, origin, folder)), file=lines)


main()
