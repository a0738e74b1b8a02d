"""Arms whose truth is known: how often is nothing called something, and is a 3-point effect found?

    python -m bench.ground_truth [STORE] [KEY=VALUE …]

Trains the first tagging target of the quickstart, with no intermediate task, under a pool of seeds.
A null arm is ten of them beside a baseline of ten others, so that its true gain is 0. A planted
arm is a null arm in whose predictions a random share of the wrong words is put right (or of the
right words wrong) before they are scored; the share is the one that changes the mean over the pool
by 3 points. Every arm goes through the rules of the reports: floors, means over languages, paired
test. Every arm has a baseline of its own: with one for all, its luck would be the luck of all.
Writes ``docs/results/ground-truth.csv``.
"""

import csv
import datetime
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from xstilts import api
from xstilts.data.read import read_examples
from xstilts.executors.build import made
from xstilts.phases.loading import load
from xstilts.phases.planned import Planned
from xstilts.phases.workplace import Workplace
from xstilts.prediction.spec import PREDICTIONS
from xstilts.scoring.measure import measure
from xstilts.scoring.spec import score_of
from xstilts.stats import gains, mean_gains
from xstilts.stats.corrections import holm
from xstilts.stats.paired import verdict
from xstilts.stats.power import power
from xstilts.stats.scores import languages_of, scores
from xstilts.store import Store
from xstilts.tasks import Task, get_task

RECIPE = "quickstart"
POOL, SEEDS, ARMS, FURTHER = 30, 10, 20, 1_000
EFFECT = 3.0  # points
RESULTS = Path("docs/results")
Row = dict[str, Any]
Tags = list[list[str]]


@dataclass(frozen=True)
class Pool:
    """The same training under many seeds.

    Attributes:
        task: what was trained.
        gold: language -> its examples.
        said: (seed, language) -> the tags predicted.
        planned: the recipe behind them.
    """

    task: Task
    gold: Mapping[str, list[Any]]
    said: Mapping[tuple[int, str], Tags]
    planned: Planned

    def row(self, arm: str, seed: int, language: str, said: Tags) -> Row:
        """A result row of these predictions, by the real scorer."""
        scores, floors = measure(score_of(self.task, language), self.gold[language], said)
        name = self.task.metric
        row = {"arm": arm, "target": self.task.name, "language": language, "metric": name}
        n = len(self.gold[language])
        return row | {"value": scores[name], "n": n, "seed": seed, "floor": floors[name]}


def main() -> None:
    """Train, judge, print, write."""
    began = time.monotonic()
    said = sys.argv[1:]
    found = trained(said[0] if said else None, said[1:])
    rows, spread = judged(found)
    for row in rows:
        print("  ".join(f"{name}: {value}" for name, value in row.items()), flush=True)
    seconds = time.monotonic() - began
    note = (
        f"{found.task.name} in {len(found.gold)} languages; standard deviation between the seeds "
        f"of a run {spread:.2f} points; {seconds / 60:.0f} minutes"
    )
    write(found, rows, note)


def trained(store: str | Path | None, changes: Sequence[str] = (), pool: int = POOL) -> Pool:
    """Train under ``pool`` seeds, two side by side, and predict in every language."""
    targets = [get_task(name) for name in load(RECIPE, changes).targets]
    task = next(task for task in targets if task.kind == "tagging")
    found = api.run(
        RECIPE,
        *changes,
        "recipe=ground-truth",
        "arms={none: []}",
        f"targets=[{task.name}]",
        f"seeds={list(range(pool))}",
        "runtime.threads=1",
        "runtime.workers=2",
        store=store,
        say=lambda line: print(line, file=sys.stderr, flush=True),
    )
    place = Workplace.of(store).store
    gold, said = {}, {}
    for cell in found.planned.cells:
        assert cell.seed is not None, "a training has a seed"
        inputs = cell.score.inputs
        gold[cell.language] = read_examples(_folder(place, inputs["examples"]), task.kind)
        table = pq.read_table(_folder(place, inputs["predictions"]) / PREDICTIONS)
        said[cell.seed, cell.language] = table["prediction"].to_pylist()
    return Pool(task, gold, said, found.planned)


def _folder(store: Store, step: Any) -> Path:
    return store.open(step.address, step.key, step.identity).folder


def judged(pool: Pool) -> tuple[list[Row], float]:
    """One line a kind of arm, and the standard deviation between seeds of a run's mean score."""
    runs = {place: pool.row("none", *place, said) for place, said in pool.said.items()}
    seeds = sorted({seed for seed, _ in runs})
    spread = stdev(fmean(runs[seed, x]["value"] for x in pool.gold) for seed in seeds)
    nulls = [arm_of(pool, runs, number) for number in range(ARMS)]
    further = [arm_of(pool, runs, number) for number in range(ARMS, ARMS + FURTHER)]
    rows = [line("none", 0.0, nulls, spread), line("none, further draws", 0.0, further, spread)]
    for effect in (EFFECT, -EFFECT):
        share = share_of(pool, runs, effect)
        arms = [arm_of(pool, runs, number, effect, share) for number in range(ARMS)]
        rows.append(line(f"{effect:+.0f} points", effect, arms, spread))
    return rows, spread


def arm_of(pool: Pool, runs: Any, number: int, effect: float = 0.0, share: float = 0.0) -> Row:
    """The verdict of the ``number``-th arm, drawn from the pool with its baseline."""
    rng = np.random.default_rng(number)
    drawn = rng.permutation(sorted({seed for seed, _ in runs})).tolist()[: 2 * SEEDS]
    return compared(pool, runs, drawn[:SEEDS], drawn[SEEDS:], rng, effect, share)


def share_of(pool: Pool, runs: Any, effect: float) -> float:
    """The share of words to change for that effect on the mean over the whole pool."""
    seeds, share = sorted({seed for seed, _ in runs}), 0.05
    for _ in range(4):  # nearly proportional, so few steps are enough
        rng = np.random.default_rng(0)
        found = compared(pool, runs, seeds, seeds, rng, effect, share)["mean_gain"]
        share *= effect / found
        if share > 1:
            raise SystemExit(f"{pool.task.name} has too few words to plant {effect:+.0f} points")
    return share


def compared(
    pool: Pool,
    runs: Mapping[tuple[int, str], Row],
    baseline: Sequence[int],
    arm: Sequence[int],
    rng: np.random.Generator,
    effect: float,
    share: float,
) -> Row:
    """The row of ``mean_gains.ARM_COLUMNS`` of an arm beside its baseline, k-th seeds paired."""
    rows = []
    for language in pool.gold:
        for k, (before, after) in enumerate(zip(baseline, arm, strict=True)):
            rows.append(runs[before, language] | {"seed": k})
            mine = runs[after, language] | {"arm": "arm", "seed": k}
            if effect:
                tags = planted(pool.gold[language], pool.said[after, language], effect, share, rng)
                mine = pool.row("arm", k, language, tags)
            rows.append(mine)
    frame, metrics = pd.DataFrame(rows), {pool.task.name: pool.task.metric}
    languages = languages_of(scores(frame, metrics))
    found = mean_gains.summary(gains.cells(frame, metrics, "none"), languages).arms
    return {str(name): value for name, value in found.to_dict("records")[0].items()}


def planted(
    gold: Sequence[Any], said: Tags, effect: float, share: float, rng: np.random.Generator
) -> Tags:
    """The predictions with ``share`` of the wrong words put right, or of the right words wrong.

    A word is changed with the probability ``share``; a wrong tag is any of the others.
    """
    labels = sorted({tag for example in gold for tag in example.tags})
    changed = []
    for example, tags in zip(gold, said, strict=True):
        hit = rng.random(len(tags)) < share
        shift = rng.integers(1, len(labels), len(tags))
        truth = list(example.tags)
        others = [
            labels[(labels.index(tag) + step) % len(labels)]
            for tag, step in zip(truth, shift.tolist(), strict=True)
        ]
        new = truth if effect > 0 else [
            other if tag == right else tag
            for tag, right, other in zip(tags, truth, others, strict=True)
        ]  # fmt: skip
        changed.append([b if h else a for a, b, h in zip(tags, new, hit, strict=True)])
    return changed


def line(planted: str, effect: float, arms: list[Row], spread: float) -> Row:
    """How arms of one kind were called, each by itself and corrected for their number."""
    alone = [row["verdict"] for row in arms]
    adjusted = holm([row["p"] for row in arms])
    corrected = [verdict(row["mean_gain"], p) for row, p in zip(arms, adjusted, strict=True)]
    share = power(effect, SEEDS, 2**0.5 * spread) if effect else 0.05
    return {
        "planted": planted,
        "arms": len(arms),
        "called gains": alone.count("gain"),
        "called losses": alone.count("loss"),
        "calls expected": f"{share * len(arms):.1f}",
        "gains by Holm": corrected.count("gain"),
        "losses by Holm": corrected.count("loss"),
        "mean gain": f"{fmean(row['mean_gain'] for row in arms):.2f}",
        "intervals with the truth": sum(row["low"] <= effect <= row["high"] for row in arms),
    }


def write(pool: Pool, rows: list[Row], note: str) -> None:
    """The CSV and what it was measured with."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    with (RESULTS / "ground-truth.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    facts = made(pool.planned.recipe.runtime)
    about = {
        "recipe": RECIPE,
        "command": "python -m bench.ground_truth",
        "machine": f"{facts['processor']}, {facts['cores']} cores",
        "date": datetime.date.today().isoformat(),
        "seeds": [f"0-{max(seed for seed, _ in pool.said)}"],
        "note": note,
    }
    (RESULTS / "ground-truth.json").write_text(json.dumps(about, indent=1) + "\n")


if __name__ == "__main__":
    main()
