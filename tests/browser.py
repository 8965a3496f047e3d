"""What a real browser makes of a page: its width, its pictures, and what it asked of the network."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

# The page is loaded into frames of the widths asked for, so that 400 pixels are 400 even where windows have a minimum.
WRAPPER = """<!doctype html><title>frames</title>{frames}<pre id="found"></pre><script>
const found = {{}};
function measure(frame) {{
  const page = frame.contentDocument, root = page.documentElement, edge = root.clientWidth + 1;
  const outside = [...page.querySelectorAll("body *")].filter(part => {{
    for (let at = part; at !== page.body; at = at.parentElement) {{
      if (["auto", "scroll", "hidden"].includes(frame.contentWindow.getComputedStyle(at).overflowX)) return false;
    }}
    return part.getBoundingClientRect().right > edge;
  }});
  found[frame.width] = {{
    inner: frame.contentWindow.innerWidth,
    scroll: root.scrollWidth,
    outside: outside.slice(0, 5).map(part => part.outerHTML.slice(0, 120)),
    text: page.body.innerText.length,
    images: page.images.length,
    broken: [...page.images].filter(image => !image.complete || !image.naturalWidth).map(image => image.alt),
    requests: frame.contentWindow.performance.getEntriesByType("resource").map(entry => entry.name)
      .filter(name => !name.startsWith("data:")),
  }};
  document.getElementById("found").textContent = JSON.stringify(found);
}}
</script>"""
FRAME = '<iframe width="{width}" height="3000" src="{page}" onload="measure(this)"></iframe>'


def chromium() -> str | None:
    """The browser on this machine."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def seen(page: Path, widths: list[int], scratch: Path) -> dict[int, dict]:
    """By width: `scroll` and `inner` width, elements `outside` the page, `images`, `broken` ones, and `requests`."""
    frames = "".join(FRAME.format(width=width, page=page.resolve().as_uri()) for width in widths)
    wrapper = scratch / "wrapper.html"
    wrapper.write_text(WRAPPER.format(frames=frames), encoding="utf-8")
    command = [chromium(), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    command += ["--allow-file-access-from-files", f"--user-data-dir={scratch / 'profile'}", "--window-size=2000,3000"]
    command += ["--virtual-time-budget=20000", "--dump-dom", wrapper.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    (found,) = re.findall(r'<pre id="found">(.*?)</pre>', done.stdout, re.S)
    return {int(width): measured for width, measured in json.loads(html.unescape(found)).items()}
