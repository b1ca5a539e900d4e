"""Draws what the comparisons have left on one page, which asks nothing of anybody else: page.py FOLDER

Reads each FOLDER/NAME.json that there is and writes FOLDER/report.html. A bar is a median; the line across its end goes
from the least to the most.
"""

import html
import json
import pathlib
import statistics
import sys

# The comparisons, in the order of the page, with what each is called.
NAMES = {
    "calls": "Calls of gRPC",
    "watchers": "Watchers of jobs",
    "passwords": "Passwords",
    "pictures": "Pictures",
    "mails": "Mails",
    "jobs": "Jobs",
}

# Pixels: of names, of bars, of figures, and of a line.
NAME, BAR, FIGURE, LINE = 190, 380, 130, 30

STYLE = """
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5b6675; --page: #fbfbfa; --rule: #d9dde3; --ours: #0b62c4; --other: #8a97a8; --goal: #b3541e }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ee; --soft: #a3adba; --page: #14181e; --rule: #313944; --ours: #62a8ff; --other: #75818f; --goal: #f0a36b }
}
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page); max-width: 46rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.6rem } h2 { font-size: 1.25rem; margin-top: 2.5rem; border-top: 1px solid var(--rule); padding-top: 1rem }
figure { margin: 1.2rem 0 } figcaption { color: var(--soft) } figcaption b { color: var(--ink) } p { color: var(--soft) }
svg { width: 100%; height: auto; display: block } text { fill: var(--ink); font-size: 14px }
.ours { fill: var(--ours) } .other { fill: var(--other) } .goal { fill: var(--goal) } .spread { stroke: var(--ink); stroke-width: 1.5 }
"""


def shown(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def is_ours(name, bars):
    """Where no bar is called so all are ours, but for a goal."""
    named = any(it.startswith("ours") for it in bars)
    return name.startswith("ours") if named else name != "goal"


def chart(of):
    bars = {name: values for name, values in of["bars"].items() if values}
    longest = max(max(values) for values in bars.values()) or 1
    width, height = NAME + BAR + FIGURE, LINE * len(bars)
    at = lambda value: NAME + BAR * value / longest
    parts = []
    for number, (name, values) in enumerate(bars.items()):
        top, middle = LINE * number + 6, LINE * number + LINE / 2
        value, kind = statistics.median(values), "goal" if name == "goal" else "ours" if is_ours(name, bars) else "other"
        parts.append(f'<text x="{NAME - 10}" y="{middle + 5}" text-anchor="end">{html.escape(name)}</text>')
        parts.append(f'<rect class="{kind}" x="{NAME}" y="{top}" width="{max(at(value) - NAME, 1):.1f}" height="{LINE - 12}" rx="2"/>')
        if len(values) > 1:
            parts.append(f'<line class="spread" x1="{at(min(values)):.1f}" x2="{at(max(values)):.1f}" y1="{middle}" y2="{middle}"/>')
        parts.append(f'<text x="{at(max(values)) + 8:.1f}" y="{middle + 5}">{shown(value)}</text>')
    said = "; ".join(f"{name} {shown(statistics.median(values))}" for name, values in bars.items())
    title, unit = html.escape(of["title"]), html.escape(of["unit"])
    better = "more is better" if of["more"] else "less is better"
    label = html.escape(f"{of['title']}, {of['unit']}: {said}")
    drawn = f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{label}">{"".join(parts)}</svg>'
    return f"<figure><figcaption><b>{title}</b>, {unit}; {better}</figcaption>{drawn}</figure>"


def main():
    folder = pathlib.Path(sys.argv[1])
    sections = []
    for name, title in NAMES.items():
        left = folder / f"{name}.json"
        if left.exists():
            of = json.loads(left.read_text())
            sections.append(f"<h2>{title}</h2><p>{html.escape(of['machine'])}. All figures are in {name}.md.</p>")
            sections += [chart(it) for it in of["charts"]]
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Comparisons</title>'
    about = "<p>Bars are medians, the lines on them go from the least to the most. All in one figure was measured in turns, in the same run.</p>"
    page = f'<!doctype html><html lang="en"><head>{head}<style>{STYLE}</style></head><body><h1>Comparisons</h1>{about}{"".join(sections)}</body></html>'
    (folder / "report.html").write_text(page + "\n")


main()
