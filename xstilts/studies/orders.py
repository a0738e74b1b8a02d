"""What rankings of intermediate tasks are made of, and how good they are.

Candidates are the arms that train on one intermediate task; columns are targets.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from xstilts.stats.best import joint_draws
from xstilts.stats.paired import FEWEST
from xstilts.stats.rankings import SPEARMAN, Quality, Ranking, ranking
from xstilts.stats.scores import records
from xstilts.studies.evidence import Evidence
from xstilts.studies.finding import Estimate

if TYPE_CHECKING:
    import pandas as pd

PRICES = {
    "data": "known from the files",
    "encoder": "known from the untuned encoder",
    "stage": "known after the intermediate stage",
}
TOGETHER = "together"  # the mean rank by all similarities of a price
ALONE = "size"  # no similarity, so not in any mean of them
PERMUTATIONS = 2_000
_DRAWS = 400
Floats = NDArray[np.float64]
Name = tuple[str, str]  # measure, price


@dataclass(frozen=True)
class Field:
    """Candidates x targets: what the rankings are made of.

    Attributes:
        arms: of one intermediate task each.
        tasks: those tasks, in the order of the arms.
        targets: with two or more languages that count.
        languages: target -> languages whose scores are averaged.
        worth: mean score over languages and seeds, ``(arms, targets)``, 0-100.
        draws: the same as other seeds might have it, ``(draws, arms, targets)``; None under three.
        apart: pairs that share training data, ``(arms, targets)``.
        seeds: behind every score.
    """

    arms: Sequence[str]
    tasks: Sequence[str]
    targets: Sequence[str]
    languages: dict[str, list[str]]
    worth: Floats
    draws: Floats | None
    apart: NDArray[np.bool_]
    seeds: int


@dataclass(frozen=True)
class Judged:
    """A ranking with a p for either direction."""

    ranking: Ranking
    p: float

    @property
    def estimate(self) -> Estimate:
        """As a number of the answer."""
        found = self.ranking
        return Estimate(value=found.quality, low=found.low, high=found.high, unit="correlation")


def candidates(evidence: Evidence) -> "pd.DataFrame":
    """The arms of one plain intermediate task, the first of those with the same task."""
    arms = evidence.arms
    plain = arms["kind"] == "task"
    for column in ("frozen", "carried", "reinit_top", "mlm_share"):
        if column in arms:
            plain &= arms[column].isna()
    for column in ("translated", "layer_mix"):
        if column in arms:
            plain &= arms[column].fillna("") == ""
    return arms[plain].drop_duplicates("tasks")


def resource_levels(evidence: Evidence) -> dict[str, str]:
    """Language -> ``unseen``, ``low`` or ``high``; English and what nobody knows are left out.

    ``low`` are the languages with at most the median of the tokens of those that were seen.
    """
    read = {
        str(row["language"]): float(row["tokens"])
        for row in records(evidence.languages)
        if row["language"] != evidence.english and not unknown(row["tokens"])
    }
    seen = [tokens for tokens in read.values() if tokens > 0]
    middle = float(np.median(seen)) if seen else 0.0
    return {
        x: "unseen" if tokens <= 0 else "low" if tokens <= middle else "high"
        for x, tokens in read.items()
    }


def field_of(evidence: Evidence, languages: Sequence[str] | None) -> Field | None:
    """The scores of all candidates in some languages (None: all but English); None without any.

    A language of a target counts where every candidate has its score under all common seeds and at
    least one of them, or the baseline, is above the noise of the floor.
    """
    arms = candidates(evidence)
    arms = arms[arms["arm"].isin(set(evidence.cells["arm"]))]
    names = list(arms["arm"])
    cells = evidence.cells[evidence.cells["arm"].isin(names)]
    cells = cells[cells["language"] != evidence.english]
    if languages is not None:
        cells = cells[cells["language"].isin(languages)]
    counted = cells.groupby(["target", "language"], sort=False).filter(
        lambda some: len(some) == len(names) and not some["at_floor"].all()
    )
    if not len(counted):
        return None
    values = _scores(evidence, names, counted)
    targets = list(dict.fromkeys(counted["target"]))
    spoken = {t: list(dict.fromkeys(counted[counted["target"] == t]["language"])) for t in targets}
    seeds = sorted({seed for _, _, _, seed in values})
    runs = np.array(
        [
            [[np.mean([values[a, t, x, s] for x in spoken[t]]) for t in targets] for a in names]
            for s in seeds
            if all((a, t, x, s) in values for a in names for t in targets for x in spoken[t])
        ]
    )
    if not len(runs):
        return None
    shape = runs.shape[1:]
    draws = None
    if len(runs) >= FEWEST:
        flat = runs.reshape(len(runs), -1)
        still = np.broadcast_to(flat, (_DRAWS, *flat.shape))  # the same test items in every draw
        draws = joint_draws(flat, still, np.random.default_rng(0)).reshape(_DRAWS, *shape)
    apart = np.array([[(a, t) in evidence.same_data for t in targets] for a in names])
    worth = runs.mean(axis=0)
    return Field(names, list(arms["tasks"]), targets, spoken, worth, draws, apart, len(runs))


def _scores(
    evidence: Evidence, arms: Sequence[str], cells: "pd.DataFrame"
) -> dict[tuple[str, str, str, int], float]:
    """(arm, target, language, seed) -> score by the main metric, of the cells given."""
    places = set(zip(cells["target"], cells["language"], strict=True))
    found = {}
    for row in records(evidence.rows):
        arm, target, language, seed = (row[k] for k in ("arm", "target", "language", "seed"))
        wanted = evidence.main_metrics.get(target) == row["metric"] and not unknown(seed)
        if wanted and arm in arms and (target, language) in places:
            found[arm, target, language, int(seed)] = float(row["value"])
    return found


def measures(evidence: Evidence, field: Field) -> dict[Name, Floats]:
    """(measure, price) -> its values, ``(arms, targets)``, nan where not defined or same data.

    Of a measure by layer the highest counts; of one with seeds the mean. ``together`` of a price is
    the mean of the ranks that its similarities give within each target.
    """
    probes = evidence.probes
    probes = probes[probes["intermediate"].notna()]
    found: dict[Name, Floats] = {}
    for (measure, price), rows in probes.groupby(["measure", "price"], sort=False):
        if rows["layer"].notna().any():
            rows = rows[rows["layer"] == rows["layer"].max()]
        table = np.full(field.worth.shape, np.nan)
        for i, (arm, task) in enumerate(zip(field.arms, field.tasks, strict=True)):
            mine = rows[
                (rows["intermediate"] == task) & (rows["arm"].isna() | (rows["arm"] == arm))
            ]
            for j, target in enumerate(field.targets):
                values = mine[mine["target"] == target]["value"]
                if len(values) and not field.apart[i, j]:
                    table[i, j] = float(values.mean())
        if not np.isnan(table).all():
            found[str(measure), str(price)] = table
    for price in PRICES:
        similar = [t for (name, of), t in found.items() if of == price and name != ALONE]
        if similar:
            found[TOGETHER, price] = _mean_ranks(similar)
    return found


def _mean_ranks(tables: Sequence[Floats]) -> Floats:
    """The mean over measures of each candidate's rank in its target, 0 (least) to 1."""
    ranks = np.stack([_ranks(table) for table in tables])
    there = ~np.isnan(ranks)
    total = np.where(there, ranks, 0).sum(axis=0)
    number = there.sum(axis=0)
    return np.where(number > 0, total / np.maximum(number, 1), np.nan)


def _ranks(table: Floats) -> Floats:
    out = np.full(table.shape, np.nan)
    for j, column in enumerate(table.T):
        there = ~np.isnan(column)
        if there.sum() > 1 and np.ptp(column[there]) > 0:
            out[there, j] = (rankdata(column[there]) - 1) / (there.sum() - 1)
    return out


def judge(
    scores: Floats, field: Field, quality: Quality = SPEARMAN, permutations: int = PERMUTATIONS
) -> Judged | None:
    """How scores rank the candidates of a field; None where no target has three that differ."""
    try:
        found = ranking(
            scores, field.worth, quality, worth_draws=field.draws, permutations=permutations
        )
    except ValueError:
        return None
    against = ranking(-scores, field.worth, quality, permutations=permutations)
    return Judged(found, min(1.0, 2 * min(found.p, against.p)))


def unknown(value: object) -> bool:
    """Whether a cell of a table is empty."""
    return value is None or value != value or str(value) == "<NA>"
