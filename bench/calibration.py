"""How often the test of a gain is right where there is none: variances measured, then simulated.

    python -m bench.calibration measure RECIPE STORE DATA [KEY=VALUE …]    # DATA is - for the lab
    python -m bench.calibration

The first form reads the predictions of a finished run and writes what scores vary by into
``docs/results/calibration-variances.csv``; the second simulates null experiments of these variances
and writes ``docs/results/calibration.csv``, which `make docs` puts into ``docs/calibration.md``.

What is simulated: each unit (an example; a chunk of a sentence's tags) is right if a normal
variable of its run is positive. That variable is the sum of parts that the unit's item group, its
language, the arm and the seed have in common; their variances are the measured ones, on the scale
where the variable's own variance is 1. Baseline and arm are drawn alike: the true gain is 0.
"""

import datetime
import json
import platform
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, astuple, dataclass, fields, replace
from itertools import combinations, product
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import multivariate_normal, norm

from xstilts import api
from xstilts.data.read import read_examples
from xstilts.phases.planned import Cell
from xstilts.phases.workplace import Workplace
from xstilts.scoring.counts import item_counts
from xstilts.scoring.spec import Score
from xstilts.stats.counts import corpus_score, resampled_scores
from xstilts.stats.crossed import crossed_test
from xstilts.store import Store
from xstilts.tasks import get_task

FOLDER = Path("docs/results")
VARIANCES, TABLE = FOLDER / "calibration-variances.csv", FOLDER / "calibration.csv"
TARGETS = ("lab_xnli", "lab_panx")  # a mean of items, and an F1 of the whole corpus
SEEDS, LANGUAGES = (3, 5, 10), (1, 6, 15)
EXPERIMENTS, DRAWS, GROUPS = 1_000, 300, 250
QUIET = 0.05  # of the measured variance between seeds: a larger encoder, trained for longer

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Variances:
    """What a target's scores vary by; variances are those of normal variables of variance 1.

    Attributes:
        target: its name.
        metric: its main metric.
        level: share of units that are right, in the mean.
        units: right answers or gold chunks of an item group, in the mean.
        wrong: predicted chunks that are wrong, over gold chunks that are not found; 0 of a share.
        item: common to all runs and languages on a group.
        item_language: to all runs in one language.
        item_arm: to all seeds of an arm, in all languages.
        item_arm_language: to all seeds of an arm in one language.
        item_seed: to all languages of one run.
        seed: of a whole run; beside the variance 1.
        seed_language: of a whole run in one language; likewise.
        runs: that this was measured on.
    """

    target: str
    metric: str
    level: float
    units: float
    wrong: float
    item: float
    item_language: float
    item_arm: float
    item_arm_language: float
    item_seed: float
    seed: float
    seed_language: float
    runs: int


@dataclass(frozen=True)
class Held:
    """A cell of the table: shares of null experiments, 0-1.

    Attributes:
        metric: of the target.
        between: variance between whole runs, as a share of the measured one.
        seeds: a run.
        languages: with translations of the same items.
        covered: 95 % intervals of the crossed test that hold 0.
        called: null arms that it calls a gain or a loss.
        percentile: intervals of the plain percentile bootstrap over seeds and items that hold 0.
        student: those of Student's t on seed means.
        item_share: of the variance of a mean gain what items move in all seeds alike.
    """

    metric: str
    between: float
    seeds: int
    languages: int
    covered: float
    called: float
    percentile: float
    student: float
    item_share: float


# --- measuring


def measured(cells: Iterable[Cell], store: Store, target: str) -> Variances:
    """The variances of one target, from the predictions of runs under several seeds."""
    right: dict[tuple[str, str, Any], dict[str, tuple[float, float]]] = {}
    wrong, missed = 0.0, 0.0
    metric = get_task(target).metric
    for cell in cells:
        if cell.target != target:
            continue
        examples, said = _predicted(cell, store)
        config = cell.score.config
        assert isinstance(config, Score)
        counts = item_counts(config, examples, said)
        numbers = counts[metric].sum(axis=1)
        if metric == "f1":  # numerator 2 * right, denominator gold + predicted
            gold = _gold_chunks(examples)
            size = np.array([gold[name.decode()] for name in counts["group"]], float)
            hits = numbers[:, 0] / 2
            wrong += float((numbers[:, 1] - size - hits).sum())
            missed += float((size - hits).sum())
        else:
            hits, size = numbers[:, 0], numbers[:, 1]
        names = [name.decode() for name in counts["group"]]
        table = dict(zip(names, zip(hits, size, strict=True), strict=True))
        right[cell.arm, cell.language, cell.seed] = table
    return _components(target, metric, right, wrong / missed if missed else 0.0)


def _predicted(cell: Cell, store: Store) -> tuple[list[Any], list[Any]]:
    import pyarrow.parquet as pq

    steps = (cell.score.inputs["examples"], cell.score.inputs["predictions"])
    examples, predictions = (store.open(s.address, s.key, s.identity).folder for s in steps)
    said = pq.read_table(predictions / "predictions.parquet", columns=["prediction"])
    return read_examples(examples, get_task(cell.target).kind), said["prediction"].to_pylist()


def _gold_chunks(examples: list[Any]) -> dict[str, float]:
    from xstilts.metrics import chunk_counts

    gold = [list(e.tags) for e in examples]
    found: dict[str, float] = defaultdict(float)
    for example, (_, both) in zip(examples, chunk_counts(gold, gold), strict=True):
        found[example.group] += both / 2
    return found


def _components(
    target: str,
    metric: str,
    right: dict[tuple[str, str, Any], dict[str, tuple[float, float]]],
    wrong: float,
) -> Variances:
    """Correlations of pairs of runs on the same group, by what the two runs have in common."""
    levels = {run: _level(table) for run, table in right.items()}
    found: dict[tuple[bool, bool, bool], list[tuple[float, float]]] = defaultdict(list)
    for first, second in combinations(right, 2):
        same = tuple(a == b for a, b in zip(first, second, strict=True))
        if same[2] and not (same[0] and not same[1]):
            continue  # runs of two arms under one seed are no pair of interest
        both = [name for name in right[first] if name in right[second]]
        if same[1] or len(both) == len(right[first]) == len(right[second]):
            correlation, weight = _correlation(right[first], right[second], both)
            found[same].append((correlation, weight))
    rho = {kind: _weighted(values) for kind, values in found.items()}
    one, other = rho[True, True, False], rho[False, True, False]
    far = rho.get((False, False, False), 0.0)  # without parallel languages nothing is shared
    arm = max(0.0, rho.get((True, False, False), 0.0) - far)
    run = max(0.0, rho.get((True, False, True), 0.0) - far - arm)
    by_seed, by_cell = _shifts(levels, right)
    units = fmean(size for table in right.values() for _, size in table.values())
    return Variances(
        target, metric, fmean(levels.values()), units, wrong, max(0.0, far),
        max(0.0, other - far), arm, max(0.0, one - other - arm), run, by_seed, by_cell, len(right),
    )  # fmt: skip


def _level(table: dict[str, tuple[float, float]]) -> float:
    return sum(hit for hit, _ in table.values()) / sum(size for _, size in table.values())


def _correlation(
    first: dict[str, tuple[float, float]], second: dict[str, tuple[float, float]], both: list[str]
) -> tuple[float, float]:
    """Of the normal variables behind a unit of each run in the same group (tetrachoric)."""
    mine, theirs = (np.array([table[name] for name in both]) for table in (first, second))
    pairs = float(mine[:, 1] @ theirs[:, 1])
    together = float(mine[:, 0] @ theirs[:, 0]) / pairs
    p = float(mine[:, 0] @ theirs[:, 1]) / pairs
    q = float(mine[:, 1] @ theirs[:, 0]) / pairs
    if not (0.02 < p < 0.98 and 0.02 < q < 0.98):
        return 0.0, 0.0
    at = [norm.ppf(p), norm.ppf(q)]

    def miss(rho: float) -> float:
        joint = multivariate_normal([0, 0], [[1, rho], [rho, 1]])
        return float(joint.cdf(at)) - together

    ends = miss(-0.95), miss(0.99)
    if ends[0] * ends[1] > 0:
        return (0.99 if ends[1] < 0 else -0.95), pairs
    return float(brentq(miss, -0.95, 0.99, xtol=1e-4)), pairs


def _weighted(values: list[tuple[float, float]]) -> float:
    weights = sum(weight for _, weight in values)
    return sum(value * weight for value, weight in values) / weights if weights else 0.0


def _shifts(
    levels: dict[tuple[str, str, Any], float], right: dict[tuple[str, str, Any], Any]
) -> tuple[float, float]:
    """Variance of whole runs between seeds, and of runs in a language, on the normal scale.

    Of two seeds of an arm: the covariance of their difference between languages, and what is left
    of its variance beyond the noise of the units.
    """
    apart: dict[tuple[str, Any, Any], list[tuple[float, float]]] = defaultdict(list)
    for first, second in combinations(levels, 2):
        if first[:2] != second[:2]:
            continue
        p, q = levels[first], levels[second]
        if 0.02 < p < 0.98 and 0.02 < q < 0.98:
            change = norm.ppf(p) - norm.ppf(q)
            units = sum(size for _, size in right[first].values())
            noise = sum(x * (1 - x) / norm.pdf(norm.ppf(x)) ** 2 / units for x in (p, q))
            apart[first[0], first[2], second[2]].append((change, noise))
    common, own = [], []
    for values in apart.values():
        changes, noise = (np.array(column) for column in zip(*values, strict=True))
        n = len(changes)
        if n > 1:
            shared = (changes.sum() ** 2 - (changes**2).sum()) / (n * (n - 1))
            common.append(shared / 2)
            own.append((float((changes**2).mean()) - shared - float(noise.mean())) / 2)
    return max(0.0, fmean(common)), max(0.0, fmean(own))


# --- simulating


def simulated(
    by: Variances, seeds: int, languages: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Counts of baseline and arm on the same items: ``(groups, 2, seeds, languages, 2)``."""

    def part(variance: float, *axes: int) -> Floats:
        whole = (GROUPS, 2, seeds, languages)
        shape = [n if axis in axes else 1 for axis, n in enumerate(whole)]
        return rng.normal(0, variance**0.5, shape)

    known = by.item + by.item_language + by.item_arm + by.item_arm_language + by.item_seed
    variable = (
        norm.ppf(by.level)
        + part(by.item, 0)
        + part(by.item_language, 0, 3)
        + part(by.item_arm, 0, 1)
        + part(by.item_arm_language, 0, 1, 3)
        + part(by.item_seed, 0, 1, 2)
        + part(by.seed, 1, 2)
        + part(by.seed_language, 1, 2, 3)
    )
    chance = norm.cdf(variable / max(1 - known, 0.05) ** 0.5)
    size = 1 + rng.poisson(max(by.units - 1, 0), (GROUPS, 1, 1, 1)) if by.wrong else round(by.units)
    size = np.broadcast_to(size, chance.shape)
    right = rng.binomial(size, chance)
    if not by.wrong:
        return np.stack([right, size], axis=-1)
    wrong = rng.poisson(by.wrong * (size - right))
    return np.stack([2 * right, size + right + wrong], axis=-1)


def held(
    by: Variances, between: float, seeds: int, languages: int, experiments: int = EXPERIMENTS
) -> Held:
    """What intervals and calls of null experiments of that size come to."""
    rng = np.random.default_rng([int(100 * between), seeds, languages, len(by.metric)])
    by = replace(by, seed=between * by.seed, seed_language=between * by.seed_language)
    found = [_judged(simulated(by, seeds, languages, rng), rng) for _ in range(experiments)]
    covered, called, percentile, student, share = np.mean(found, axis=0).tolist()
    return Held(by.metric, between, seeds, languages, covered, called, percentile, student, share)


def _judged(counts: NDArray[Any], rng: np.random.Generator) -> tuple[float, ...]:
    whole, drawn = corpus_score(counts), resampled_scores(counts, DRAWS, rng)
    gains, items = whole[1] - whole[0], drawn[:, 1] - drawn[:, 0]
    test = crossed_test(gains, items)
    alone = crossed_test(gains, np.broadcast_to(gains, (2, *gains.shape)))
    seeds = len(gains)
    picks = rng.integers(0, seeds, (DRAWS, seeds))
    means = items.mean(axis=2)[np.arange(DRAWS)[:, None], picks].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    assert test.error is not None and test.low is not None and test.high is not None
    assert alone.low is not None and alone.high is not None
    share = test.error.sources[1].variance / test.error.variance
    return (
        test.low <= 0 <= test.high,
        test.verdict != "undecided",
        low <= 0 <= high,
        alone.low <= 0 <= alone.high,
        share,
    )


def every(experiments: int = EXPERIMENTS) -> Iterator[Held]:
    """All cells of the table."""
    for by, between, seeds, languages in product(read_variances(), (1.0, QUIET), SEEDS, LANGUAGES):
        yield held(by, between, seeds, languages, experiments)


def read_variances() -> list[Variances]:
    """What was measured."""
    rows = pd.read_csv(VARIANCES).to_dict("records")
    return [Variances(**{f.name: row[f.name] for f in fields(Variances)}) for row in rows]


def main() -> None:
    """Measure, or simulate."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    if sys.argv[1:2] == ["measure"]:
        recipe, root, data, *changes = sys.argv[2:]
        own = None if data == "-" else data
        planned, _ = api.plan(recipe, *changes, store=root, data=own)
        store = Workplace.of(root, own).store
        found = [measured(planned.cells, store, target) for target in TARGETS]
        pd.DataFrame([asdict(v) for v in found]).round(5).to_csv(VARIANCES, index=False)
        _facts(VARIANCES, planned.recipe.recipe, planned.recipe.seeds, _MEASURED)
        return
    rows = [astuple(cell) for cell in every()]
    table = pd.DataFrame(rows, columns=[f.name for f in fields(Held)])
    table["between"] = table["between"].map({1.0: "measured", QUIET: "a twentieth"})
    for column in ("covered", "called", "percentile", "student", "item_share"):
        table[column] = (100 * table[column]).map("{:.1f} %".format)
    table.columns = [
        "metric", "variance between runs", "seeds", "languages", "intervals with 0",
        "called gain or loss", "percentile bootstrap with 0",
        "t over seeds with 0", "variance by items",
    ]  # fmt: skip
    table.to_csv(TABLE, index=False)
    _facts(TABLE, "null experiments", list(SEEDS), _SIMULATED)


_MEASURED = "variances of the normal variables behind right and wrong, by pairs of finished runs"
_SIMULATED = f"{EXPERIMENTS:,} experiments a line, {GROUPS} item groups, {DRAWS} draws of them"


def _facts(table: Path, recipe: str, seeds: Iterable[int], note: str) -> None:
    facts = {
        "recipe": recipe,
        "command": "python -m bench.calibration" + (" measure" if "var" in table.name else ""),
        "machine": f"{platform.machine()}, {platform.system()}",
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
        "seeds": list(seeds),
        "note": note,
    }
    table.with_suffix(".json").write_text(json.dumps(facts, indent=1) + "\n")


if __name__ == "__main__":
    main()
