"""Walks through pages in a headless Chromium as a person without a mouse does: press.py CHROMIUM URL PRESSES FOLDER

Opens URL and presses the only button of the page, found with the Tab key and pressed with Enter, PRESSES times. Prints the
heading of each page. Each is looked at on a telephone and on a desk, light and dark, and photographed into FOLDER; what is
wrong with its looks is said, and ends the walk with code 1.

Speaks the DevTools protocol over a pipe, so that no port is open and no package is needed.
"""

import base64
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

# Widths in CSS pixels: a small telephone, and a desk.
WIDTHS = (360, 1200)

# What is said of a page by itself, in it. Colours are looked at where text stands, on the nearest ground that is not clear.
# Source of the contrast: WCAG 2.2, relative luminance and contrast ratio.
LOOK = r"""
(() => {
  const wrong = [];
  const channels = (text) => text.match(/[\d.]+/g).map(Number);
  const light = (text) => {
    const [r, g, b] = channels(text).map((it) => {
      const part = it / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [low, high] = [light(a), light(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  };
  const ground = (it) => {
    for (; it; it = it.parentElement) {
      const colour = getComputedStyle(it).backgroundColor;
      if ((channels(colour)[3] ?? 1) > 0) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  for (const it of document.querySelectorAll("h1, p, button")) {
    const found = contrast(getComputedStyle(it).color, ground(it));
    if (found < 4.5) wrong.push(`the contrast of ${it.tagName} is ${found.toFixed(2)}`);
  }
  for (const it of document.querySelectorAll("button")) {
    const edge = contrast(getComputedStyle(it).borderTopColor, ground(it.parentElement));
    if (edge < 3) wrong.push(`the contrast of a button's edge is ${edge.toFixed(2)}`);
    const { width, height } = it.getBoundingClientRect();
    if (width < 44 || height < 44) wrong.push(`a button has ${width} times ${height} pixels`);
  }
  if (!document.documentElement.lang) wrong.push("no language is named");
  if (document.querySelectorAll("h1").length !== 1) wrong.push("there is not one heading");
  if (document.title !== document.querySelector("h1")?.textContent) wrong.push("title and heading differ");
  if (document.documentElement.scrollWidth > document.documentElement.clientWidth) wrong.push("it is wider than the window");
  return wrong;
})()
"""

# Whether the button has the focus, and shows it.
FOCUSED = """
(() => {
  const it = document.activeElement;
  return it.tagName === "BUTTON" && it.matches(":focus-visible") && parseFloat(getComputedStyle(it).outlineWidth) >= 2;
})()
"""


class Browser:
    """A Chromium with one page."""

    def __init__(self, program, profile):
        ours, theirs = os.pipe(), os.pipe()
        # The program reads 3 and writes 4.
        command = f'exec 3<&{ours[0]} 4>&{theirs[1]} "$0" "$@"'
        options = ["--headless", "--remote-debugging-pipe", f"--user-data-dir={profile}", "--no-first-run"]
        options += ["--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]
        if os.geteuid() == 0:
            options.append("--no-sandbox")
        self.process = subprocess.Popen(
            ["bash", "-c", command, program, *options, "about:blank"],
            pass_fds=(ours[0], theirs[1]),
            stderr=subprocess.DEVNULL,
        )
        os.close(ours[0])
        os.close(theirs[1])
        self.write, self.read = os.fdopen(ours[1], "wb"), os.fdopen(theirs[0], "rb")
        self.count, self.rest, self.events = 0, b"", []
        self.session = None
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.ask("Page.enable")
        self.ask("Network.enable")

    def hear(self):
        """The next message."""
        while b"\0" not in self.rest:
            part = os.read(self.read.fileno(), 1 << 16)
            if not part:
                sys.exit("the browser has ended")
            self.rest += part
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def ask(self, method, **params):
        """Says what to do, and returns what came of it."""
        self.count += 1
        message = {"id": self.count, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        self.write.write(json.dumps(message).encode() + b"\0")
        self.write.flush()
        while True:
            heard = self.hear()
            if heard.get("id") == self.count:
                if "error" in heard:
                    sys.exit(f"{method}: {heard['error']}")
                return heard["result"]
            self.events.append(heard)

    def loaded(self):
        """Waits until the page that was asked for is there, and returns what else it has loaded."""
        while all(it.get("method") != "Page.loadEventFired" for it in self.events):
            self.events.append(self.hear())
        sent = [it["params"] for it in self.events if it.get("method") == "Network.requestWillBeSent"]
        self.events.clear()
        return [it["request"]["url"] for it in sent if it.get("type") != "Document"]

    def find(self, expression):
        """What an expression is worth in the page."""
        return self.ask("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def key(self, key, code, text=""):
        """Presses a key."""
        for kind in ("keyDown", "keyUp"):
            words = {"text": text} if text and kind == "keyDown" else {}
            self.ask("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **words)

    def look(self, folder):
        """What is wrong with the page in any of its looks, of each of which a picture is taken."""
        heading = self.find("document.querySelector('h1')?.textContent")
        for width in WIDTHS:
            for scheme in ("light", "dark"):
                self.ask(
                    "Emulation.setDeviceMetricsOverride", width=width, height=640, deviceScaleFactor=1, mobile=width < 500
                )
                self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
                for wrong in self.find(LOOK):
                    yield f"{heading} ({width} pixels, {scheme}): {wrong}"
                picture = base64.b64decode(self.ask("Page.captureScreenshot")["data"])
                name = "".join(it if it.isalnum() else "-" for it in heading.lower()).strip("-")
                (folder / f"{name}-{width}-{scheme}.png").write_bytes(picture)


def walk(browser, url, presses, folder):
    """What is wrong with the pages from `url` on."""
    browser.ask("Page.navigate", url=url)
    for press in range(presses + 1):
        for other in browser.loaded():
            if not other.endswith("/favicon.ico"):
                yield f"{other} was loaded"
        print(browser.find("document.querySelector('h1')?.textContent"))
        if press < presses:
            browser.key("Tab", 9)
            if not browser.find(FOCUSED):
                yield "the first thing to come to is not the button, or it does not show that it is focused"
        yield from browser.look(folder)
        if press < presses:
            browser.key("Enter", 13, "\r")


def main():
    program, url, presses, folder = sys.argv[1:]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(program, profile)
        try:
            wrong = list(walk(browser, url, int(presses), Path(folder)))
        finally:
            browser.process.terminate()
            browser.process.wait()
    for it in wrong:
        print(it, file=sys.stderr)
    sys.exit(1 if wrong else 0)


main()
