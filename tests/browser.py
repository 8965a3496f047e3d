"""A real browser on a page of the report: Chromium, driven through its own pipe, without a network.

    with browser.opened(page, width=1280) as tab:
        tab.press("Tab"); tab.click("summary"); tab.value("document.title")

What a page is, tests ask in JavaScript; keys and the pointer are real ones.
"""

import base64
import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

KEYS = {"Tab": 9, "Enter": 13, "Escape": 27, "Space": 32, "ArrowLeft": 37, "ArrowRight": 39}
TEXTS = {"Enter": "\r", "Space": " "}
PATIENCE = 60  # seconds for one answer of a busy machine's browser

# Elements that reach beyond the right edge, where nothing around them scrolls.
OUTSIDE = """(() => {
  const edge = document.documentElement.clientWidth + 1;
  return [...document.querySelectorAll("body *")].filter(part => {
    for (let at = part; at !== document.body; at = at.parentElement) {
      if (["auto", "scroll", "hidden"].includes(getComputedStyle(at).overflowX)) return false;
    }
    const place = part.getBoundingClientRect();
    return place.width && place.right > edge;
  }).slice(0, 5).map(part => part.outerHTML.slice(0, 120));
})()"""


def chromium() -> str | None:
    """The browser on this machine."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Tab:
    """One page in the browser, and all that went wrong on it."""

    def __init__(self, send, read):
        self.send_bytes, self.read_bytes = send, read
        self.count, self.session, self.buffer = 0, None, b""
        self.errors: list[str] = []
        self.requests: list[str] = []

    def call(self, method: str, **parameters) -> dict:
        """Ask the browser; events that come meanwhile are noted."""
        self.count += 1
        message = {"id": self.count, "method": method, "params": parameters}
        message |= {"sessionId": self.session} if self.session else {}
        self.send_bytes(json.dumps(message).encode() + b"\0")
        while True:
            found = self._next()
            if found.get("id") == self.count:
                assert "error" not in found, f"{method}: {found}"
                return found["result"]
            self._note(found)

    def _next(self) -> dict:
        while b"\0" not in self.buffer:
            read = self.read_bytes()
            assert read, "the browser is gone"
            self.buffer += read
        line, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(line)

    def _note(self, event: dict) -> None:
        about = event.get("params", {})
        if event["method"] == "Runtime.exceptionThrown":
            self.errors.append(str(about["exceptionDetails"].get("exception", about))[:400])
        elif event["method"] == "Log.entryAdded" and about["entry"]["level"] == "error":
            self.errors.append(about["entry"]["text"])
        elif event["method"] == "Network.requestWillBeSent":
            self.requests.append(about["request"]["url"])

    def value(self, expression: str) -> object:
        """What JavaScript finds, as plain data; promises are waited for."""
        asked = {"expression": expression, "returnByValue": True, "awaitPromise": True}
        found = self.call("Runtime.evaluate", **asked)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def open(self, address: str) -> None:
        """Go to an address and wait until it is there."""
        self.call("Page.navigate", url=address)
        wanted = json.dumps(address.partition("#")[0])
        self.wait(f"document.readyState === 'complete' && location.href.split('#')[0] === {wanted}")

    def wait(self, expression: str) -> None:
        """Until JavaScript finds it true: a browser tells of some things, a dialog's end, in a turn of their own."""
        end = time.monotonic() + PATIENCE
        while not self.value(expression):
            assert time.monotonic() < end, f"not in {PATIENCE} s: {expression}"
            time.sleep(0.05)

    def look(self, width: int, dark: bool = False, height: int = 900) -> None:
        """Give the screen a width, and light or dark."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def press(self, key: str) -> None:
        """One real key, by its name, down and up."""
        about = {"key": " " if key == "Space" else key, "code": key, "windowsVirtualKeyCode": KEYS[key]}
        text = {"text": TEXTS[key]} if key in TEXTS else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", **about, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", **about)

    def type(self, text: str) -> None:
        self.call("Input.insertText", text=text)

    def point(self, selector: str) -> tuple[float, float]:
        """Move the pointer over the middle of an element, of its first line where it has several."""
        element = f"document.querySelector({json.dumps(selector)})"
        self.value(f"{element}.scrollIntoView({{block: 'center'}})")
        x, y = self.value(f"(at => [at.x + at.width / 2, at.y + at.height / 2])({element}.getClientRects()[0])")
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        return x, y

    def click(self, selector: str) -> None:
        """A real click on the middle of an element."""
        x, y = self.point(selector)
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def picture(self, path: Path, whole: bool = False) -> None:
        """A screenshot of what is in sight, or of the whole page."""
        taken = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole, **self._clip(whole))
        path.write_bytes(base64.b64decode(taken["data"]))

    def _clip(self, whole: bool) -> dict:
        if not whole:
            return {}
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        return {"clip": {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}}


@contextlib.contextmanager
def opened(page: Path | None = None, width: int = 1280, dark: bool = False) -> Iterator[Tab]:
    """A tab of a fresh browser, at a page where one is given."""
    to_browser, from_browser = os.pipe(), os.pipe()
    with tempfile.TemporaryDirectory(prefix="browser-", ignore_cleanup_errors=True) as profile:
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
        flags += ["--disable-background-networking", "--disable-component-update", f"--user-data-dir={profile}"]
        command = [chromium(), *flags, "--remote-debugging-pipe", "about:blank"]
        shell = ["bash", "-c", f'exec "$@" 3<&{to_browser[0]} 4>&{from_browser[1]}', "bash", *command]
        ends = (to_browser[0], from_browser[1])
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        running = subprocess.Popen(shell, pass_fds=ends, **quiet)
        for end in ends:
            os.close(end)
        try:
            tab = Tab(lambda data: os.write(to_browser[1], data), lambda: os.read(from_browser[0], 1 << 20))
            _attach(tab)
            tab.look(width, dark)
            if page is not None:
                tab.open(page.resolve().as_uri())
            yield tab
        finally:
            running.terminate()
            running.wait(PATIENCE)
            os.close(to_browser[1])
            os.close(from_browser[0])


def _attach(tab: Tab) -> None:
    targets = tab.call("Target.getTargets")["targetInfos"]
    target = next(one["targetId"] for one in targets if one["type"] == "page")
    tab.session = tab.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
    for domain in ("Page", "Runtime", "Log", "Network"):
        tab.call(f"{domain}.enable")


def seen(page: Path, widths: list[int], dark: bool = False) -> dict[int, dict]:
    """By width: `scroll` and `inner` width, elements `outside` the page, `images`, `broken` ones, and `requests`."""
    found = {}
    with opened(page, dark=dark) as tab:
        for width in widths:
            tab.look(width, dark)
            found[width] = {
                "inner": tab.value("innerWidth"),
                "scroll": tab.value("document.documentElement.scrollWidth"),
                "outside": tab.value(OUTSIDE),
                "text": tab.value("document.body.innerText.length"),
                "images": tab.value("document.images.length"),
                "broken": tab.value(
                    "Promise.all([...document.images].map(image => (image.loading = 'eager', image.decode())"
                    ".then(() => '', () => image.alt))).then(all => all.filter(Boolean))"
                ),
                "requests": [url for url in tab.requests if not url.startswith(("data:", "file:"))],
                "errors": tab.errors,
            }
    return found
