"""Compares programs that cut pictures, in turns, and writes what each took.

    compare.py OURS FOLDER ROUNDS

OURS is our program; the inputs are made below FOLDER, and the report is FOLDER/pictures.md.
"""

import json
import pathlib
import platform
import re
import statistics
import subprocess
import sys

here = pathlib.Path(__file__).parent
sys.path.insert(0, str(here.parent / "tests/pictures"))

from scene import scene  # noqa: E402, it stands with the tests.

# How much CPU time and memory ours may take, for one of sharp's.
TARGETS = {"jpeg": 0.8, "png": 0.55, "tiff": 1.0, "gif": 1.0}
MEMORY_TARGET = 0.4

# Milliseconds that a program is at work in a turn, about: a turn shorter than that measures the clock.
TURN_MS = 1500


def inputs(folder):
    """Makes the pictures, and returns what they are called, their kind and their path."""
    folder.mkdir(parents=True, exist_ok=True)
    photo, large, small = scene(4000, 3000, seed=1), scene(3000, 2000, seed=2), scene(1200, 1200, seed=3)
    made = [
        ("12 MP JPEG", "jpeg", "baseline.jpg", photo, {"quality": 90}),
        ("12 MP JPEG, progressive", "jpeg", "progressive.jpg", photo, {"quality": 90, "progressive": True}),
        ("1200 x 1200 PNG", "png", "photo.png", small, {}),
        ("6 MP TIFF, raw", "tiff", "raw.tif", large, {"compression": "raw"}),
        ("6 MP TIFF, LZW", "tiff", "lzw.tif", large, {"compression": "tiff_lzw"}),
        ("6 MP TIFF, deflate", "tiff", "deflate.tif", large, {"compression": "tiff_adobe_deflate"}),
        ("1000 x 1000 GIF", "gif", "photo.gif", scene(1000, 1000, seed=4).quantize(256), {}),
    ]
    for _, _, name, picture, how in made:
        picture.save(folder / name, **how)
    return [(title, kind, folder / name) for title, kind, name, _, _ in made]


def measured(program, path, count):
    output = subprocess.run([*program, str(path), str(count)], check=True, capture_output=True, text=True).stdout
    return json.loads(output)


def spread(values):
    return f"{statistics.median(values):.1f} ({min(values):.1f}-{max(values):.1f})"


def ratio(ours, theirs):
    """Of two programs what was measured in the same round."""
    each = [a / b for a, b in zip(ours, theirs)]
    return f"{statistics.median(each):.2f} ({min(each):.2f}-{max(each):.2f})"


def store(folder, name, charts):
    """Leaves the figures of a comparison beside its report, for the page of all of them.

    A chart has a title, a unit, whether more is better, and for each program its bar: what each round said.
    """
    (folder / f"{name}.json").write_text(json.dumps({"name": name, "machine": machine(), "charts": charts}))


def machine():
    with open("/proc/cpuinfo") as text:
        model = re.search(r"model name\s*: (.*)", text.read())
    cores = subprocess.run(["nproc"], capture_output=True, text=True, check=True).stdout.strip()
    return f"{model[1] if model else platform.machine()}, {cores} cores, Linux {platform.release()}"


def main():
    ours, folder, rounds = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3])
    node = here.parent / ".dev/tools/bin/node"
    programs = {
        "ours": [ours],
        "sharp": [str(node), str(here / "pictures.js")],
        "Pillow": [sys.executable, str(here / "pictures_pillow.py")],
    }
    rust = subprocess.run(["rustc", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    lines = ["# An upload cut to squares of 512, 300, 128 and 48 pixels", "", f"- {machine()}", f"- ours: {rust}, release"]
    for name in ("sharp", "Pillow"):
        version = subprocess.run([*programs[name], "--version"], capture_output=True, text=True, check=True).stdout
        lines.append(f"- {version.strip()}")
    lines += [f"- {rounds} rounds in turns; medians, with the least and the most in brackets", ""]
    lines += ["CPU time of an upload in ms, of all threads.", ""]
    lines += ["| input | ours | sharp | Pillow | ours to sharp | at most | ours to Pillow |", "|---|---|---|---|---|---|---|"]
    memory = ["", "Peak memory in MiB: of the process; and after the plus, how much of it the uploads made.", ""]
    memory += ["| input | ours | sharp | Pillow | ours to sharp | grown, to sharp | at most |", "|---|---|---|---|---|---|---|"]
    charts = []
    for title, kind, path in inputs(folder / "inputs"):
        took = {name: [] for name in programs}
        counts = {name: max(2, round(TURN_MS / measured(program, path, 1)["cpu_ms"])) for name, program in programs.items()}
        for _ in range(rounds):
            for name, program in programs.items():
                took[name].append(measured(program, path, counts[name]))
        of = lambda name, figure, unit=1: [it[figure] / unit for it in took[name]]
        against = lambda rival, figure: [a / b for a, b in zip(of("ours", figure), of(rival, figure))]
        median = lambda rival, figure: f"{statistics.median(against(rival, figure)):.2f}"
        times = [spread(of(name, "cpu_ms")) for name in programs]
        shown = ratio(of("ours", "cpu_ms"), of("sharp", "cpu_ms"))
        bars = {name: of(name, "cpu_ms") for name in programs}
        charts.append({"title": title, "unit": "ms of CPU time", "more": False, "bars": bars})
        lines.append(f"| {' | '.join([title, *times, shown, f'{TARGETS[kind]:.2f}', median('Pillow', 'cpu_ms')])} |")
        peaks = [
            f"{statistics.median(of(name, 'peak_kib', 1024)):.0f} + {statistics.median(of(name, 'grown_kib', 1024)):.0f}"
            for name in programs
        ]
        ratios = [median("sharp", "peak_kib"), median("sharp", "grown_kib"), f"{MEMORY_TARGET:.2f}"]
        memory.append(f"| {' | '.join([title, *peaks, *ratios])} |")
        print(lines[-1], memory[-1], sep="\n", flush=True)
    (folder / "pictures.md").write_text("\n".join(lines + memory) + "\n")
    store(folder, "pictures", charts)


if __name__ == "__main__":
    main()
