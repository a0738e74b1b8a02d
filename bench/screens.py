"""Write what the reports of finished runs look like into docs.

    python -m bench.screens [RECIPE …]

Each recipe's ``report.html`` in the store (``$XSTILTS_HOME`` or ``./xstilts-store``) becomes
``docs/screens/NAME-{light,dark,phone}.png``. Without a report, or without Chromium, it says so and
leaves the pictures as they are.
"""

import os
import sys
import tempfile
from pathlib import Path

from bench.browser import CHROMIUM, picture

FOLDER = Path("docs/screens")
RECIPES = ("quickstart", "lab/similarity")
LOOKS = {"light": (1120, 1400, False), "dark": (1120, 1400, True), "phone": (390, 844, False)}


def main() -> None:
    """Take the pictures of all reports that are there."""
    store = Path(os.environ.get("XSTILTS_HOME") or "xstilts-store")
    for recipe in sys.argv[1:] or RECIPES:
        report = store / "runs" / recipe / "report.html"
        if CHROMIUM is None or not report.exists():
            lacks = "no Chromium is installed" if CHROMIUM is None else f"there is no {report}"
            print(f"{recipe}: pictures left as they are, {lacks}")
            continue
        FOLDER.mkdir(parents=True, exist_ok=True)
        for look, (width, height, dark) in LOOKS.items():
            file = FOLDER / f"{recipe.replace('/', '-')}-{look}.png"
            with tempfile.TemporaryDirectory() as folder:
                page = report.read_text(encoding="utf-8")
                picture(Path(folder), page, file, width=width, height=height, dark=dark)
            print(f"written: {file}")


if __name__ == "__main__":
    main()
