"""From a run's store to what a report is made from."""

import datetime
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq

from xstilts.core.errors import CorruptResultError
from xstilts.data.leaks import Overlap
from xstilts.data.read import read_examples
from xstilts.data.slices import Slice
from xstilts.graph import Step
from xstilts.phases import results
from xstilts.phases.planned import Cell, Planned
from xstilts.phases.running import Results
from xstilts.prediction.spec import PREDICTIONS
from xstilts.reports.model import ReportInput
from xstilts.scoring.spec import RIGHT
from xstilts.store import Store
from xstilts.tasks import get_task
from xstilts.tasks.examples import Candidate

if TYPE_CHECKING:
    import pandas as pd

_SHOWN_CELLS, _SHOWN_EXAMPLES = 4, 3


def report_input(
    found: Results, store: Store, encoder: str, others: Mapping[str, str] = MappingProxyType({})
) -> ReportInput:
    """Everything that the report of one encoder shows; ``others``: label -> page of each other."""
    planned = found.planned
    recipe = planned.recipe
    known = planned.encoders[encoder]
    rows = found.counted
    return ReportInput(
        recipe=recipe.recipe,
        question=recipe.question,
        expectation=recipe.expectation,
        encoder=f"{encoder} ({known.digest[:12]})",
        others=others,
        trained_on=known.about,
        pretraining_languages=frozenset(known.languages) if known.languages else None,
        baseline=recipe.analysis.gain.baseline,
        main_metrics=results.main_metrics(planned),
        rows=rows[rows["encoder"] == encoder],
        counts=results.counts(planned, store, encoder),
        sweeps=results.sweep_rows(planned, store, encoder),
        arms=found.arms,
        same_data=results.same_data(planned),
        stages=results.stage_rows(planned, store),
        won_lost=won_lost(planned, store, encoder),
        missing=results.missing_lines(planned, store),
        leaks=[_leak(o, recipe.leaks) for o in found.leaks],
        cuts=[cut for cut in found.cuts if cut.encoder == encoder],
        published=recipe.data is None,
        references=references(planned),
        data=slices(planned),
        provenance={
            "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
            "machine": f"{platform.machine()}, {platform.system()}",
            **{name: version(name) for name in ("xstilts", "torch", "transformers")},
        },
    )


def references(planned: Planned) -> list[str]:
    """Where the tasks of a recipe come from, one line each; tasks of one source share a line."""
    found: dict[str, list[str]] = {}
    for data in [*planned.used, *planned.reported]:
        names = found.setdefault(get_task(data.task).citation, [])
        if data.task not in names:
            names.append(data.task)
    return [f"{', '.join(names)}: {source}" for source, names in found.items()]


def slices(planned: Planned) -> list[dict[str, Any]]:
    """Every split and language that was read, with the digests of its files."""
    found = {
        (data.task, data.split, data.language): data.digests
        for data in [*planned.used, *planned.reported]
    }
    return [
        {"task": task, "split": split, "language": language, "digests": digests}
        for (task, split, language), digests in sorted(found.items())
    ]


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


def _opened(step: Step, store: Store) -> Path | None:
    """The folder of a finished result; None if it is absent or a byte of it has changed."""
    try:
        return store.open(step.address, step.key, step.identity).folder
    except CorruptResultError:
        return None


def _right(cell: Cell, store: Store) -> Any:
    folder = _opened(cell.score, store)
    return None if folder is None else np.load(folder / RIGHT, allow_pickle=False)


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
    folder = _opened(examples_step, store)
    places = [_opened(c.score.inputs["predictions"], store) for c in (base, cell)]
    if folder is None or None in places:
        return ["examples or predictions are damaged in the store; the next run builds them anew"]
    kind = examples_step.config.kind
    items = _items(kind, read_examples(folder, kind))
    said = [] if kind == "mining" else [_predictions(place) for place in places if place]
    lines = []
    for word, changed in (
        ("won", np.flatnonzero(after > before)),
        ("lost", np.flatnonzero(after < before)),
    ):
        for i in changed[:_SHOWN_EXAMPLES]:
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


def _predictions(folder: Path) -> list[Any]:
    table = pq.read_table(folder / PREDICTIONS, columns=["prediction"])
    column: list[Any] = table["prediction"].to_pylist()
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
