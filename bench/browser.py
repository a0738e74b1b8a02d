"""A headless Chromium, which tests pages as a reader's browser shows them, and photographs them."""

import html
import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHROMIUM = next(
    (
        found
        for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
        if (found := shutil.which(name))
    ),
    None,
)
_FRAME = """<!doctype html>
<meta charset="utf-8"><meta name="color-scheme" content="light dark">
<style>body {{ margin: 0 }} iframe {{ border: 0; display: block }}</style>
<iframe id="frame" width="{width}" height="{height}" srcdoc="{page}"></iframe>
<pre id="said"></pre>
<script>
document.getElementById("frame").addEventListener("load", () => {{
  const frame = document.getElementById("frame").contentWindow, page = frame.document;
  let said;
  try {{ said = (() => {{ {look} }})(); }} catch (error) {{ said = {{ error: String(error) }}; }}
  document.getElementById("said").textContent = JSON.stringify(said);
}});
</script>
"""


@dataclass(frozen=True)
class Seen:
    """What a script beside the page saw in it, the console's lines, and what was asked for."""

    said: Any
    console: list[str]
    asked: list[str]


def look(folder: Path, page: str, script: str, *, width: int = 1200, dark: bool = False) -> Seen:
    """Open a page in a frame, unchanged, and run a script outside of it.

    Args:
        folder: an empty one for what the browser writes.
        page: the HTML.
        script: the body of a function of ``frame`` (its window) and ``page`` (its document); what
            it returns is ``said``.
        width: of the frame, in CSS pixels.
        dark: whether the reader prefers dark pages.
    """
    place, log = folder / "frame.html", folder / "network.json"
    place.write_text(_framed(page, script, width, 844), encoding="utf-8")
    done = _run(folder, f"--log-net-log={log}", "--dump-dom", place.as_uri(), dark=dark)
    found = re.search(r'<pre id="said">(.*?)</pre>', done.stdout, re.DOTALL)
    assert found, done.stderr
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return Seen(json.loads(html.unescape(found[1])), console, _asked(log))


def _asked(log: Path) -> list[str]:
    """What pages asked the network for; a browser's own requests have no origin."""
    events = re.findall(r'"initiator":"([^"]*)".*?"url":"([^"]*)"', log.read_text(encoding="utf-8"))
    return [url for origin, url in events if origin != "not an origin"]


def picture(
    folder: Path, page: str, file: Path, *, width: int, height: int, dark: bool = False
) -> None:
    """Write what the top of a page looks like as PNG, ``width`` x ``height`` CSS pixels.

    Narrow pages are taken in a frame: a window of this browser is at least 500 wide.
    """
    place = folder / "frame.html"
    place.write_text(_framed(page, "return null;", width, height), encoding="utf-8")
    size = f"--window-size={width},{height}"
    _run(folder, size, f"--screenshot={file.absolute()}", place.as_uri(), dark=dark)


def _framed(page: str, script: str, width: int, height: int) -> str:
    return _FRAME.format(page=html.escape(page), look=script, width=width, height=height)


def _run(folder: Path, *arguments: str, dark: bool = False) -> "subprocess.CompletedProcess[str]":
    """Run the browser with a profile of its own in ``folder``."""
    assert CHROMIUM
    return subprocess.run(
        [
            CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            "--no-first-run", "--disable-background-networking", "--disable-component-update",
            "--disable-sync", "--disable-extensions", "--hide-scrollbars",
            "--host-resolver-rules=MAP * ~NOTFOUND",  # nothing leaves this machine
            f"--user-data-dir={folder / 'profile'}", "--enable-logging=stderr",
            "--virtual-time-budget=5000",
            f"--blink-settings=preferredColorScheme={0 if dark else 1}", *arguments,
        ],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
