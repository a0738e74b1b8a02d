"""Write what docs show of finished studies.

    python -m bench.studies NAME STORE DATA RECIPE …     # DATA is - where data: lab

writes, under ``docs/results``, ``NAME.csv`` (a line a study: its answer, what was trained and how
long that took) and ``NAME-claims.csv`` (a line a claim and study that judges it). What two
studies share counts in the first of them. Then `make docs` puts them into the pages.
"""

import datetime
import json
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from xstilts import api
from xstilts.api import reporting
from xstilts.executors.build import made
from xstilts.graph.plan import in_order
from xstilts.phases.planned import Planned
from xstilts.phases.running import Results
from xstilts.phases.workplace import Workplace
from xstilts.reports.numbers import records
from xstilts.studies import numerals
from xstilts.studies.gather import evidence

FOLDER = Path("docs/results")


def main() -> None:
    """Write both tables."""
    name, store, data, *recipes = sys.argv[1:]
    own = None if data == "-" else data
    place = Workplace.of(store, own)
    counted: set[str] = set()
    studies, claims = [], []
    for recipe in recipes:
        found = api.results(recipe, store=store, data=own)
        planned, label = found.planned, next(iter(found.planned.encoders))
        known, said = evidence(found, place.store, label), reporting.claims_of(planned.recipe)
        finding, verdicts = reporting.judged(known, found, place, label, said)
        if finding is None:
            raise SystemExit(f"{recipe} has no study")
        studies.append({"study": recipe, "answer": finding.answer, **cost(found, place, counted)})
        claims += [
            claim_line(recipe, row)
            for row in records(verdicts)
            if row["verdict"] not in ("not measured", "reported by the source")
        ]
    write(name, pd.DataFrame(studies), recipes, planned, _STUDIES)
    write(f"{name}-claims", pd.DataFrame(claims), recipes, planned, _CLAIMS)


_STUDIES = (
    "what studies share stands with the first of them; minutes are the seconds of all its steps, "
    "shared out over the workers that ran them side by side"
)
_CLAIMS = "claims of which a study measured less than half are left out; effects in points"


def cost(found: Results, place: Workplace, counted: set[str]) -> dict[str, Any]:
    """Grid of a study, and trainings, steps and minutes that no earlier study counts."""
    planned = found.planned
    steps = {s.key: s for s in in_order(planned.plan.goals) if s.key not in counted}
    counted.update(steps)
    trainings = {s.key for s in planned.models.values()}
    seconds = 0.0
    for step in steps.values():
        record = place.store.record(step.address, step.key)
        if record is None:
            raise SystemExit(f"{planned.recipe.recipe}: {step.address} has not run")
        workers = 1 if step.stage.alone else record["made"]["runtime"]["workers"]
        seconds += record["made"]["seconds"] / workers
    return {
        "arms": len(planned.recipe.arms),
        "targets": len(planned.recipe.targets),
        "seeds": len(planned.recipe.seeds),
        "trainings": len(trainings),
        "of them new": len(trainings & steps.keys()),
        "new steps": len(steps),
        "minutes": round(seconds / 60),
    }


def claim_line(recipe: str, row: dict[str, Any]) -> dict[str, Any]:
    """One line of the claims' table."""
    ends = "" if row["low"] is None else f" [{row['low']:+.1f}, {row['high']:+.1f}]"
    effect = "" if row["effect"] is None else f"{row['effect']:+.1f}{ends}"
    published = "" if row["published"] is None else numerals.plain(row["published"], 1)
    return {
        "claim": row["id"],
        "statement": row["statement"],
        "study": recipe,
        "verdict": row["verdict"],
        "effect": effect,
        "published": published,
        "note": row["note"] or "",
    }


def write(name: str, table: pd.DataFrame, recipes: list[str], last: Planned, note: str) -> None:
    """One CSV and the JSON that says how it came about."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    table.to_csv(FOLDER / f"{name}.csv", index=False, lineterminator="\n")
    facts = made(last.recipe.runtime)
    about = {
        "recipe": ", ".join(recipes),
        "command": "; ".join(f"xstilts run {recipe}" for recipe in recipes),
        "machine": f"{facts['processor']}, {facts['cores']} cores",
        "date": datetime.date.today().isoformat(),
        "seeds": list(last.recipe.seeds),
        "note": note,
    }
    (FOLDER / f"{name}.json").write_text(json.dumps(about, indent=1) + "\n")


if __name__ == "__main__":
    main()
