"""A measured table and what it was measured with, as `docs/results` has them."""

import csv
import datetime
import json
from pathlib import Path

from xstilts.core.spec import Runtime
from xstilts.executors.build import made

RESULTS = Path("docs/results")
Row = dict[str, str]


def write(
    name: str, rows: list[Row], *, recipe: str, command: str, note: str, out: Path = RESULTS
) -> None:
    """Write ``name.csv``, its origin ``name.json``, and print the last row.

    A column that only some rows have is empty in the others.
    """
    out.mkdir(parents=True, exist_ok=True)
    columns = list(dict.fromkeys(column for row in rows for column in row))
    with (out / f"{name}.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    facts = made(Runtime())
    versions = ", ".join(f"{x} {facts['versions'][x]}" for x in ("torch", "transformers"))
    about = {
        "recipe": recipe,
        "command": command,
        "machine": f"{facts['processor']}, {facts['cores']} cores",
        "date": datetime.date.today().isoformat(),
        "seeds": [0],
        "note": f"{versions}; {note}",
    }
    (out / f"{name}.json").write_text(json.dumps(about, indent=1) + "\n")
    print("  ".join(f"{column}: {value}" for column, value in rows[-1].items()), flush=True)


def read(name: str, out: Path = RESULTS) -> list[Row]:
    """The rows of a table that was written."""
    with (out / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def is_there(name: str, out: Path = RESULTS) -> bool:
    """Whether a table was ever written; says so if not."""
    found = (out / f"{name}.csv").exists()
    if not found:
        print(f"{name}: not measured")
    return found
