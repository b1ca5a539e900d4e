"""Writes what is told of the chart, out of the chart itself: chart_written.py FOLDER RENDER...

Into the folder go README.md, with a table of the values, and renders.txt, with what each set of values makes. Both are
in the repository, below helm/ and helm/ci/, where they must be the same.
"""

import json
import re
import sys
from pathlib import Path

import yaml
from chart_render import Render, title

CHART = Path(__file__).parents[2] / "helm"

HEAD = """\
# The values of the chart

Written by `bin/dev/chart --write` out of `values.yaml`, which has them in the same order. What is not here is refused.
How to install the chart is told in the README of the repository, under "On Kubernetes".

| value | default | |
|---|---|---|
"""

# Below these, what is there is one value.
WHOLE = ("resources",)


def comments(text):
    """The keys by their paths in order, each with the comment right above it."""
    path, comment = [], []
    for line in text.splitlines():
        plain = line.strip()
        if plain.startswith("#"):
            comment.append(plain.removeprefix("#").strip())
        elif ":" in plain:
            path = path[: (len(line) - len(line.lstrip())) // 2] + [plain.split(":")[0]]
            if not set(path[:-1]) & set(WHOLE):
                yield path, " ".join(comment)
            comment = []
        else:
            comment = []


def table():
    text = (CHART / "values.yaml").read_text()
    values = yaml.safe_load(text)
    sections = {tuple(path[:-1]) for path, _ in comments(text)}
    for path, comment in comments(text):
        value = values
        for key in path:
            value = value[key]
        is_section = tuple(path) in sections
        default = "" if is_section else f"`{json.dumps(value)}`"
        yield f"| `{'.'.join(path)}` | {default} | {comment.replace('|', chr(92) + '|')} |\n"


def made(render):
    # The end of a Job's name changes with what is in it.
    resources = sorted(re.sub("-migrate-.*", "-migrate-*", title(it)) for it in render.resources + render.brought)
    return f"{render.set}\n" + "".join(f"    {it}\n" for it in resources)


def main(folder, paths):
    (folder / "README.md").write_text(HEAD + "".join(table()))
    (folder / "renders.txt").write_text("\n".join(made(Render(path)) for path in paths))


main(Path(sys.argv[1]), [Path(path) for path in sys.argv[2:]])
