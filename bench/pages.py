"""Write what README and docs show of a finished run.

    python -m bench.pages RECIPE STORE DATA [KEY=VALUE …]     # DATA is - where data: lab

reads ``STORE/runs/RECIPE`` and writes, under ``docs/results``, with NAME the recipe's:
``NAME-cells.csv`` (every main score with step key, seed and n), ``NAME.csv`` (mean gain of each arm
on each target), ``NAME-english.csv`` (the baseline in English and the floors), ``NAME-cost.csv``
(stages, time, learning curves), ``NAME-groups.csv`` (XTREME's and XTREME-R's means and what they
lack), of layer sweeps ``NAME-layers.csv`` (three ways to a block), and ``docs/NAME.svg``. Then
`make docs` puts them into the pages.
"""

import datetime
import json
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from xstilts import api
from xstilts.executors.build import made
from xstilts.phases import results
from xstilts.phases.planned import Planned
from xstilts.phases.workplace import Workplace
from xstilts.reports.benchmarks import benchmark_tables
from xstilts.reports.drawing import file_svg
from xstilts.reports.figures import heat_chart, heat_title
from xstilts.reports.gather import report_input
from xstilts.reports.model import ReportInput
from xstilts.reports.numbers import numbers, records
from xstilts.reports.sweep import sweeps
from xstilts.stats import gains, mean_gains
from xstilts.stats.scores import languages_of, scores
from xstilts.store import Store
from xstilts.train.spec import LOG

FOLDER = Path("docs/results")


def main() -> None:
    """Write all tables and the picture."""
    recipe, store, data, *changes = sys.argv[1:]
    own = None if data == "-" else data
    found = api.results(recipe, *changes, store=store, data=own)
    place = Workplace.of(store, own)
    planned = found.planned
    metrics = results.main_metrics(planned)
    FOLDER.mkdir(parents=True, exist_ok=True)
    every, rows = found.rows, found.counted
    main = [metrics[t] == m for t, m in zip(every["target"], every["metric"], strict=True)]
    write("-cells", every[main].round({"value": 2, "floor": 2}), planned, changes, "")
    write("-english", english_table(rows), planned, changes, _ENGLISH)
    label = next(iter(planned.encoders))
    counts = results.counts(planned, place.store, label)
    cells = gains.cells(rows, metrics, "none", results.same_data(planned), counts=counts)
    gained = gain_table(rows, cells, metrics, planned)
    write("", gained, planned, changes, gains_note(len(planned.recipe.seeds)))
    stages = results.stage_rows(planned, place.store)
    write("-cost", cost_table(stages, planned, place.store), planned, changes, _COST)
    write("-groups", group_table(rows), planned, changes, _GROUPS)
    report = report_input(found, place.store, label)
    if report.sweeps:
        write("-layers", layer_table(report), planned, changes, _LAYERS)
    picture = Path("docs") / f"{named(planned)}.svg"
    picture.write_bytes(file_svg(heat_chart(report, numbers(report)), heat_title(report)))


def named(planned: Planned) -> str:
    """The recipe's name as part of a file's."""
    return planned.recipe.recipe.replace("/", "-")


_ENGLISH = "English scores of the arm `none` and their floors, 0-100"
_GROUPS = (
    "means over tasks of the scores here, 0-100; in parentheses where cells are missing; in "
    "brackets the same over the languages other than English; they stand beside published scores "
    "only where both last columns are empty"
)
_LAYERS = (
    "means of the main metric over languages and seeds, 0-100, at the fixed block, which all other "
    "tables are of, at the best one on aligned text, and at the best by these scores themselves"
)
_COST = (
    "one line a trained stage, under its first name where arms share it; the curve has the score "
    "at every evaluation, and the best one's weights are kept"
)


def gain_table(
    rows: pd.DataFrame, cells: pd.DataFrame, metrics: Any, planned: Planned
) -> pd.DataFrame:
    """One line a target: the baseline's mean score, then the gain of every arm."""
    table = scores(rows, metrics)
    languages = languages_of(table)
    arms = [a for a in planned.recipe.arms if a != "none"]
    means = mean_gains.summary(cells, languages, arms=arms)
    by_place = {(r["arm"], r["target"]): r for r in records(means.targets)}
    same = results.same_data(planned)
    lines = []
    for target, metric in metrics.items():
        base = [table.mean(("none", target, x)) for x in languages[target]]
        line = {
            "target": target,
            "metric": metric,
            "languages": len(base),
            "none": f"{sum(base) / len(base):.1f}",
        }
        for arm in arms:
            mark = " †" if (arm, target) in same else ""
            line[arm] = gain_cell(by_place.get((arm, target)), mark)
        lines.append(line)
    return pd.DataFrame(lines)


def gain_cell(row: Any, mark: str) -> str:
    """Gain, what its seeds say of it (:func:`gains_note`), and the languages counted."""
    if row is None or row["mean_gain"] is None:
        return "at floor"
    sure = "" if row["spread"] is None else f" ± {row['spread']:.1f}"
    if row["low"] is not None:
        sure = f" [{row['low']:+.1f}, {row['high']:+.1f}]"
    return f"{row['mean_gain']:+.1f}{sure} ({row['counted']}){mark}"


def gains_note(seeds: int) -> str:
    """What the numbers of :func:`gain_table` are, by the number of seeds."""
    sure = {
        1: "one seed, so that chance is not told apart",
        2: "± standard deviation of that mean over the two seeds, too few for an interval",
    }
    parts = (
        "mean gain over `none` in points, over languages and seeds, cells at floor left out",
        "in parentheses the languages counted",
        sure.get(seeds, "in brackets its 95 % interval over other seeds and test items"),
        "† the arm's stage and the target train on the same data",
    )
    return "; ".join(parts)


def english_table(rows: pd.DataFrame) -> pd.DataFrame:
    """All metrics of the baseline in English, a column a seed."""
    mine = rows[(rows["arm"] == "none") & (rows["language"] == "en")].round({"floor": 1})
    wide = mine.pivot(
        index=["target", "metric", "n", "floor"], columns="seed", values="value"
    ).round(1)
    wide.columns = ["untrained" if pd.isna(s) else f"seed {int(s)}" for s in wide.columns]
    return wide.reset_index()


def group_table(rows: pd.DataFrame) -> pd.DataFrame:
    """One line a benchmark and arm: overall, groups, what is missing and what is not official."""
    lines = []
    for found in benchmark_tables(rows):
        for row in found.table.rows:
            texts = [f"{cell.text} [{cell.note}]" if cell.note else cell.text for cell in row]
            line = {"benchmark": found.name, **dict(zip(found.table.head, texts, strict=True))}
            other = "; ".join(note.partition(" in ")[0] for note in found.notes)
            lines.append({**line, "incomplete": "; ".join(found.missing), "other data": other})
    return pd.DataFrame(lines).fillna("")


def layer_table(report: ReportInput) -> pd.DataFrame:
    """One line a swept target and arm: the mean and the block of each way to a block."""
    lines = []
    for swept in sweeps(report):
        for row in swept.three.rows:
            texts = [f"{cell.text}, {cell.note}" if cell.note else cell.text for cell in row]
            line = dict(zip(swept.three.head, texts, strict=True))
            lines.append({"target": swept.target, **line})
    return pd.DataFrame(lines).fillna("")


def cost_table(stages: pd.DataFrame, planned: Planned, store: Store) -> pd.DataFrame:
    """One line a trained stage: time, speed, verdict, and its learning curve on held-out English.

    A stage that several arms share stands under its first name.
    """
    stages = stages.drop_duplicates("step")
    lines = []
    for row in records(stages):
        step = planned.models[row["name"]]
        log = (store.path(step.address, step.key) / LOG).read_text().splitlines()
        seen = [e[f"dev_{row['dev_metric']}"] for e in map(json.loads, log) if "dev_" in str(e)]
        lines.append(
            {
                "stage": row["name"],
                "examples": row["examples"],
                "updates": row["updates"],
                "minutes": round(row["seconds"] / 60, 1),
                "tokens/s": round(row["tokens_per_second"]),
                "verdict": row["verdict"],
                "held-out English": row["dev_metric"],
                "curve": " ".join(f"{score:.1f}" for score in seen),
            }
        )
    return pd.DataFrame(lines)


def write(name: str, table: pd.DataFrame, planned: Planned, changes: list[str], note: str) -> None:
    """One CSV and the JSON that says how it came about."""
    name = named(planned) + name
    table.to_csv(FOLDER / f"{name}.csv", index=False, lineterminator="\n")
    facts = made(planned.recipe.runtime)
    said = "".join(f" --set {c}" for c in changes if not c.startswith("encoder.path"))
    about = {
        "recipe": planned.recipe.recipe,
        "command": f"xstilts run {planned.recipe.recipe}{said}",
        "machine": f"{facts['processor']}, {facts['cores']} cores",
        "date": datetime.date.today().isoformat(),
        "seeds": list(planned.recipe.seeds),
        "note": note,
    }
    (FOLDER / f"{name}.json").write_text(json.dumps(about, indent=1) + "\n")


if __name__ == "__main__":
    main()
