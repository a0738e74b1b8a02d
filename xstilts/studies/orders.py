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
from xstilts.studies.evidence import Evidence
from xstilts.studies.finding import Estimate
from xstilts.studies.frames import plain_rows

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
        over: what the draws vary, in words.
    """

    arms: Sequence[str]
    tasks: Sequence[str]
    targets: Sequence[str]
    languages: dict[str, list[str]]
    worth: Floats
    draws: Floats | None
    apart: NDArray[np.bool_]
    seeds: int
    over: str


@dataclass(frozen=True)
class Judged:
    """A ranking with a p for either direction, and the seeds behind it."""

    ranking: Ranking
    p: float
    seeds: int

    @property
    def estimate(self) -> Estimate:
        """As a number of the answer."""
        found = self.ranking
        ends = {"low": found.low, "high": found.high}
        return Estimate(value=found.quality, seeds=self.seeds, unit="correlation", **ends)


def candidates(evidence: Evidence) -> "pd.DataFrame":
    """The arms of one plain intermediate task, the first of those with the same task."""
    arms = evidence.arms
    plain = arms["kind"] == "task"
    for column in ("frozen", "carried", "reinit_top", "lora_rank", "mlm_share"):
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
        for row in plain_rows(evidence.languages)
        if row["language"] != evidence.english and row["tokens"] is not None
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
    places = [[(a, t, x) for x in spoken[t]] for a in names for t in targets]
    every = sorted({seed for *_, seed in values})
    seeds = [s for s in every if all((*p, s) in values for some in places for p in some)]
    if not seeds:
        return None
    runs = [[np.mean([values[*p, s] for p in some]) for some in places] for s in seeds]
    shape, flat = (len(names), len(targets)), np.array(runs)
    draws, items = None, _on_other_items(evidence, places, seeds)
    over = "other seeds" if items is None else "other seeds and test items"
    if len(seeds) >= FEWEST:
        items = np.broadcast_to(flat, (_DRAWS, *flat.shape)) if items is None else items
        draws = joint_draws(flat, items, np.random.default_rng(0)).reshape(-1, *shape)
    apart = np.array([[(a, t) in evidence.same_data for t in targets] for a in names])
    worth = flat.mean(axis=0).reshape(shape)
    tasks, number = list(arms["tasks"]), len(seeds)
    return Field(names, tasks, targets, spoken, worth, draws, apart, number, over)


Place = tuple[str, str, str]


def _on_other_items(
    evidence: Evidence, places: Sequence[Sequence[Place]], seeds: Sequence[int]
) -> Floats | None:
    """Mean scores on other test items, ``(draws, seeds, means)``; None where items have no counts.

    Args:
        evidence: may have counts.
        places: arm, target and language of the scores behind each mean.
        seeds: of the runs.
    """
    drawn = evidence.counts.draws if evidence.counts is not None else {}
    if any((*place, seed) not in drawn for some in places for place in some for seed in seeds):
        return None
    found = [
        [np.mean([drawn[*place, seed][:_DRAWS] for place in some], axis=0) for some in places]
        for seed in seeds
    ]
    return np.array(found, float).transpose(2, 0, 1)


def _scores(
    evidence: Evidence, arms: Sequence[str], cells: "pd.DataFrame"
) -> dict[tuple[str, str, str, int], float]:
    """(arm, target, language, seed) -> score by the main metric, of the cells given."""
    places = set(zip(cells["target"], cells["language"], strict=True))
    found = {}
    for row in plain_rows(evidence.rows):
        arm, target, language, seed = (row[k] for k in ("arm", "target", "language", "seed"))
        wanted = evidence.main_metrics.get(target) == row["metric"] and seed is not None
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
            found[TOGETHER, price] = mean_ranks(np.stack([ranks(table) for table in similar]))
    return found


def mean_ranks(table: Floats) -> Floats:
    """The mean over measures, the first axis, of ranks; nan where no measure has any."""
    there = ~np.isnan(table)
    number = there.sum(axis=0)
    total = np.where(there, table, 0).sum(axis=0)
    return np.where(number > 0, total / np.maximum(number, 1), np.nan)


def ranks(values: Floats) -> Floats:
    """Each candidate's rank in its target, 0 (least) to 1; shape ``(candidates, targets)``.

    It is nan where the value is, and in a target whose candidates do not differ.
    """
    out = np.full(values.shape, np.nan)
    for j, column in enumerate(values.T):
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
    return Judged(found, min(1.0, 2 * min(found.p, against.p)), field.seeds)
