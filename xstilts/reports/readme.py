"""Tables in Markdown pages, written from committed results and never by hand.

A page holds ``<!-- table:NAME -->`` and ``<!-- /table -->``, each on a line of its own. Between
them goes the content of ``NAME.csv`` as a Markdown table and, under it, one line from
``NAME.json``: the recipe, command, machine, date and seeds that made the numbers, and a note.

    python -m xstilts.reports.readme [--check] [--results docs/results] FILE…
"""

import argparse
import csv
import io
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from xstilts.core.errors import DataError, UserError

RESULTS = Path("docs/results")
KEYS = ("recipe", "command", "machine", "date", "seeds", "note")
_OPEN = re.compile(r"^<!-- table:([a-z0-9][a-z0-9._-]*) -->$")
_CLOSE = "<!-- /table -->"
_NUMBER = re.compile(r"[+\-−]?\d[\d,]*(\.\d+)?%?")


def rewrite(text: str, folder: Path | str) -> str:
    """Return the page with every marked table made anew from ``folder``.

    Writing twice changes nothing; text outside the markers is kept as it is.

    Raises:
        DataError: a table's CSV or JSON is absent or malformed, or a marker is never closed.
    """
    found: list[str] = []
    inside = ""
    for line in text.split("\n"):
        opened = _OPEN.match(line)
        if inside and opened:
            raise _unclosed(inside)
        if inside and line == _CLOSE:
            found += ["", *_table(Path(folder), inside), ""]
            inside = ""
        if not inside:
            found.append(line)
        if opened:
            inside = opened.group(1)
    if inside:
        raise _unclosed(inside)
    return "\n".join(found)


def main(arguments: Sequence[str] | None = None) -> int:
    """Rewrite the pages, or with ``--check`` only say which are stale.

    Returns:
        0 if nothing was stale or everything was written, 1 if ``--check`` found a stale page,
        2 if a page or a table could not be read.
    """
    parser = argparse.ArgumentParser(prog="python -m xstilts.reports.readme", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if stale")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the CSV files")
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE")
    options = parser.parse_args(arguments)
    stale = []
    try:
        for page in options.files:
            old = _read(page, "the page")
            new = rewrite(old, options.results)
            if new != old:
                stale.append(page)
                if not options.check:
                    page.write_text(new, encoding="utf-8", newline="\n")
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    for page in stale:
        sys.stdout.write(f"{'stale' if options.check else 'written'}: {page}\n")
    return 1 if stale and options.check else 0


def _unclosed(name: str) -> DataError:
    return DataError(
        f"The table {name!r} is opened and never closed.",
        where=f"<!-- table:{name} -->",
        expected=f"a line that is exactly {_CLOSE}",
        do="add that line after the table",
    )


def _table(folder: Path, name: str) -> list[str]:
    source = folder / f"{name}.csv"
    lines = list(csv.reader(io.StringIO(_read(source, "the table"))))
    if len(lines) < 2 or any(len(line) != len(lines[0]) for line in lines):
        raise DataError(
            f"The table {name!r} is malformed.",
            where=str(source),
            expected="a header and at least one line, all with the same number of fields",
            do="write the file anew with: xstilts results RECIPE --format csv",
        )
    head, *body = lines
    numeric = [
        all(_NUMBER.fullmatch(line[i]) or not line[i] for line in body) for i in range(len(head))
    ]
    rule = ["---:" if right else "---" for right in numeric]
    rows = [head, rule, *[[cell or "—" for cell in line] for line in body]]
    return [
        *["| " + " | ".join(_escaped(cell) for cell in row) + " |" for row in rows],
        "",
        _caption(folder / f"{name}.json"),
    ]


def _caption(source: Path) -> str:
    try:
        facts = json.loads(_read(source, "the table's origin"))
    except json.JSONDecodeError as error:
        facts = str(error)
    if not isinstance(facts, dict) or set(facts) != set(KEYS):
        raise DataError(
            "The origin of a table is malformed.",
            where=str(source),
            expected=f"a JSON object with exactly the keys {', '.join(KEYS)}",
            do="write down what made the numbers; `note` may be empty, `seeds` is a list",
        )
    seeds = ", ".join(map(str, facts["seeds"])) or "none"
    parts = [
        f"Recipe `{facts['recipe']}`", f"`{facts['command']}`", facts["machine"], facts["date"],
        f"seeds {seeds}", *([facts["note"]] if facts["note"] else []),
    ]  # fmt: skip
    return f"*{' · '.join(parts)}*"


def _read(path: Path, what: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"Could not read {what}: {error}",
            where=str(path),
            expected="a UTF-8 text file",
            do="check the name in the marker and the folder given with --results",
        ) from error


def _escaped(cell: str) -> str:
    return " ".join(cell.split()).replace("|", r"\|").replace("<", "&lt;")


if __name__ == "__main__":
    sys.exit(main())
