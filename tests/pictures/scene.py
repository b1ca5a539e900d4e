"""A picture that is like a photograph in what it costs: large shapes, fine ones and a little noise, from a seed."""

import random

from PIL import Image

# The side of the largest shapes, and how often they are halved.
OCTAVES = 8

# How much of each finer octave is laid over those before it: light and shade of nature fall off like this.
WEIGHT = 0.4


def scene(width, height, seed):
    """Returns the picture of this size, the same for the same seed."""
    roll = random.Random(seed)
    picture = Image.new("RGB", (width, height), (128, 128, 128))
    cells = 2
    for octave in range(OCTAVES):
        down = max(1, round(cells * height / width))
        if cells > 2 * width:
            break
        grain = Image.frombytes("RGB", (cells, down), roll.randbytes(3 * cells * down))
        grain = grain.resize((width, height), Image.Resampling.BICUBIC)
        picture = grain if octave == 0 else Image.blend(picture, grain, WEIGHT / (1 + octave / 2))
        cells *= 3
    return picture


def marked(picture):
    """Returns the picture with a red, a green and a blue corner, by which it is seen how it is turned."""
    picture = picture.copy()
    width, height = picture.size
    size = (width // 3, height // 3)
    picture.paste((210, 30, 40), (0, 0, *size))
    picture.paste((30, 170, 50), (width - size[0], 0, width, size[1]))
    picture.paste((40, 50, 200), (0, height - size[1], size[0], height))
    return picture
