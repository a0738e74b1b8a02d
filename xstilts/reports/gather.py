"""From a run's store to what a report is made from."""

import datetime
import platform
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq

from xstilts.data.leaks import Overlap
from xstilts.data.read import read_examples
from xstilts.data.slices import Slice
from xstilts.phases import results
from xstilts.phases.planning import Cell, Planned
from xstilts.phases.running import Results
from xstilts.prediction.spec import PREDICTIONS
from xstilts.reports.model import ReportInput
from xstilts.scoring.spec import RIGHT
from xstilts.store import Store
from xstilts.tasks.examples import Candidate

if TYPE_CHECKING:
    import pandas as pd

_SHOWN_CELLS, _SHOWN_EXAMPLES = 4, 3


def report_input(found: Results, store: Store, encoder: str) -> ReportInput:
    """Everything that the report of one encoder shows."""
    planned = found.planned
    recipe = planned.recipe
    known = planned.encoders[encoder]
    languages = known.choice.languages or (known.files.languages if known.files else None)
    return ReportInput(
        recipe=recipe.recipe,
        question=recipe.question,
        expectation=recipe.expectation,
        encoder=f"{encoder} ({known.digest[:12]})",
        trained_on=known.choice.about,
        pretraining_languages=frozenset(languages) if languages else None,
        baseline=recipe.analysis.gain.baseline,
        main_metrics=results.main_metrics(planned),
        rows=found.rows[found.rows["encoder"] == encoder],
        arms=found.arms,
        same_data=results.same_data(planned),
        stages=results.stage_rows(planned, store),
        won_lost=won_lost(planned, store, encoder),
        missing=results.missing_lines(planned, store),
        leaks=[_leak(o, recipe.leaks) for o in found.leaks],
        published=recipe.data is None,
        provenance={
            "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
            "machine": f"{platform.machine()}, {platform.system()}",
            **{name: version(name) for name in ("xstilts", "torch", "transformers")},
        },
    )


def _leak(overlap: Overlap, rule: str) -> str:
    done = {"drop": "left out of training", "allow": "allowed"}.get(rule, rule)
    return (
        f"{overlap.trained} shares {overlap.units} texts with {overlap.reported}; "
        f"{len(overlap.examples)} examples {done}"
    )


def won_lost(planned: Planned, store: Store, encoder: str) -> "pd.DataFrame":
    """One row an arm, target, language and seed: examples won and lost against the baseline."""
    import pandas as pd

    baseline = planned.recipe.analysis.gain.baseline
    cells = [c for c in planned.cells if c.encoder == encoder]
    items = {(c.arm, c.target, c.language, c.seed): c for c in cells}
    rows: list[dict[str, Any]] = []
    for cell in cells:
        base = items.get((baseline, cell.target, cell.language, cell.seed)) or items.get(
            (baseline, cell.target, cell.language, None)
        )
        if cell.arm == baseline or base is None:
            continue
        before, after = _right(base, store), _right(cell, store)
        if before is None or after is None:
            continue
        rows.append(
            {
                "arm": cell.arm,
                "target": cell.target,
                "language": cell.language,
                "seed": cell.seed,
                "won": int((after > before).sum()),
                "lost": int((after < before).sum()),
                "both_right": int((after & before).sum()),
                "both_wrong": int((~(after | before) & 1).sum()),
                "examples": [],
            }
        )
    _add_examples(rows, items, baseline, store)
    return pd.DataFrame(rows)


def _right(cell: Cell, store: Store) -> Any:
    if store.record(cell.score.address, cell.score.key) is None:
        return None
    path = store.path(cell.score.address, cell.score.key) / RIGHT
    return np.load(path, allow_pickle=False)


def _add_examples(
    rows: list[dict[str, Any]], items: dict[Any, Cell], baseline: str, store: Store
) -> None:
    """Put texts into the rows of each target whose outcome changed most."""
    for target in {r["target"] for r in rows}:
        mine = [r for r in rows if r["target"] == target]
        mine.sort(key=lambda r: -abs(r["won"] - r["lost"]))
        for row in mine[:_SHOWN_CELLS]:
            place = (target, row["language"])
            cell = items[(row["arm"], *place, row["seed"])]
            base = items.get((baseline, *place, row["seed"])) or items[(baseline, *place, None)]
            row["examples"] = _texts(base, cell, store)


def _texts(base: Cell, cell: Cell, store: Store) -> list[str]:
    before, after = _right(base, store), _right(cell, store)
    examples_step = cell.score.inputs["examples"]
    assert isinstance(examples_step.config, Slice)
    folder = store.path(examples_step.address, examples_step.key)
    kind = examples_step.config.kind
    items = _items(kind, read_examples(folder, kind))
    said = [] if kind == "mining" else [_predictions(c, store) for c in (base, cell)]
    lines = []
    for word, places in (
        ("won", np.flatnonzero(after > before)),
        ("lost", np.flatnonzero(after < before)),
    ):
        for i in places[:_SHOWN_EXAMPLES]:
            change = " → ".join(_short(predicted[i]) for predicted in said)
            lines.append(f"{word}: {items[i]}" + (f" — {change}" if change else ""))
    return lines


def _items(kind: str, examples: list[Any]) -> list[str]:
    """The texts of what is right or wrong, in the score's order: examples, gold pairs, queries."""
    if kind == "mining":
        texts = {(e.side, e.id): e.text for e in examples}
        pairs = [(e, other) for e in examples for other in e.gold]
        return [_short(f"{e.text} / {texts['target', other]}") for e, other in pairs]
    return [_text(e) for e in examples if not isinstance(e, Candidate)]


def _predictions(cell: Cell, store: Store) -> list[Any]:
    step = cell.score.inputs["predictions"]
    path = store.path(step.address, step.key) / PREDICTIONS
    column: list[Any] = pq.read_table(path, columns=["prediction"])["prediction"].to_pylist()
    return column


def _text(example: Any) -> str:
    for name in ("question", "first", "english", "context", "text"):
        if getattr(example, name, ""):
            second = getattr(example, "second", None)
            return _short(getattr(example, name) + (f" / {second}" if second else ""))
    return _short(" ".join(example.words))


def _short(value: Any, most: int = 110) -> str:
    text = " ".join(value) if isinstance(value, list) else str(value)
    return text if len(text) <= most else text[: most - 1] + "…"
