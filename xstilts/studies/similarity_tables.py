"""Tables and figures of the study of similarity, as data."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from xstilts.stats.corrections import holm
from xstilts.stats.rankings import NDCG, Ranking, regret
from xstilts.stats.ranks import rank_correlation
from xstilts.studies.evidence import Evidence
from xstilts.studies.finding import Estimate, Figure, Table
from xstilts.studies.frames import frame, plain_rows
from xstilts.studies.orders import (
    PRICES,
    TOGETHER,
    Field,
    Floats,
    Judged,
    Name,
    field_of,
    judge,
    measures,
)

if TYPE_CHECKING:
    import pandas as pd

HEADLINE = "encoder"  # fixed before any result: what can be known before any training
LEVELS = ("unseen", "low", "high")
_FEW_PERMUTATIONS = 400


def measure_rows(
    scores: dict[Name, Floats], judged: dict[Name, Judged], field: Field, evidence: Evidence
) -> "pd.DataFrame":
    """One row a measure and price: how well it ranks, by four qualities."""
    single = [name for name in judged if name[0] != TOGETHER]
    corrected = dict(zip(single, holm([judged[n].p for n in single]), strict=True))
    rows = []
    for name in sorted(judged, key=lambda n: list(PRICES).index(n[1])):
        mine = judged[name]
        row: dict[str, Any] = {"measure": name[0], "price": name[1]}
        row |= {"pairs": int((~np.isnan(scores[name])).sum()), "targets": mine.ranking.targets}
        row |= _columns("spearman", mine.ranking) | {"p": mine.p, "p_holm": corrected.get(name)}
        for label, quality in (("ndcg", NDCG), ("regret_1", regret(1)), ("regret_3", regret(3))):
            other = judge(scores[name], field, quality, _FEW_PERMUTATIONS)
            if other is not None:
                row |= _columns(label, other.ranking)
                row[f"{label}_by_chance"] = other.ranking.by_chance
        rows.append(row)
    return frame(rows)


def _columns(label: str, found: Ranking) -> dict[str, float | None]:
    return {label: found.quality, f"{label}_low": found.low, f"{label}_high": found.high}


def level_rows(evidence: Evidence, levels: dict[str, str]) -> "pd.DataFrame":
    """One row a resource level and price: how well its similarities together rank there."""
    rows = []
    for level in LEVELS:
        mine = [x for x, of in levels.items() if of == level]
        field = field_of(evidence, mine) if mine else None
        if field is None:
            continue
        scores = measures(evidence, field)
        for price in PRICES:
            judged = judge(scores[TOGETHER, price], field) if (TOGETHER, price) in scores else None
            if judged is not None:
                row = {"level": level, "languages": ", ".join(mine), "price": price}
                rows.append(row | _columns("spearman", judged.ranking) | {"p": judged.p})
    return frame(rows)


def language_rows(evidence: Evidence) -> "pd.DataFrame":
    """One row a language: how well similarity known before training ranks in it alone."""
    rows = []
    for row in plain_rows(evidence.languages):
        field = field_of(evidence, [row["language"]])
        scores = measures(evidence, field) if field is not None else {}
        if field is None or (TOGETHER, HEADLINE) not in scores:
            continue
        judged = judge(scores[TOGETHER, HEADLINE], field, permutations=_FEW_PERMUTATIONS)
        if judged is None:
            continue
        row["log_tokens"] = math.log10(float(row["tokens"])) if row["tokens"] else None
        row["targets"] = judged.ranking.targets
        rows.append(row | _columns("spearman", judged.ranking))
    return frame(rows)


def moderators(by_language: "pd.DataFrame") -> dict[str, Estimate]:
    """How the quality of the ranking goes with resources and with distance, the other held fixed.

    Languages that were unseen have no logarithm, and are a level of their own.
    """
    found: dict[str, Estimate] = {}
    if by_language.empty:
        return found
    table = by_language.dropna(subset=["log_tokens", "distance", "spearman"])
    for name, of, given in (
        ("by log tokens", "log_tokens", "distance"),
        ("by distance", "distance", "log_tokens"),
    ):
        columns = [list(map(float, table[c])) for c in (of, "spearman", given)]
        try:
            rho, low, high = rank_correlation(*columns)
        except ValueError:
            continue
        found[name] = Estimate(value=rho, low=low, high=high, unit="correlation")
    return found


def pair_rows(evidence: Evidence, field: Field, scores: dict[Name, Floats]) -> "pd.DataFrame":
    """One row a pair of tasks: what similarity says, and what came of it."""
    gains = evidence.cells.groupby(["arm", "target", "language"], sort=False)["gain"].first()
    rows = []
    for i, (arm, task) in enumerate(zip(field.arms, field.tasks, strict=True)):
        for j, target in enumerate(field.targets):
            row: dict[str, Any] = {"intermediate": task, "target": target}
            mine = [float(gains[arm, target, x]) for x in field.languages[target]]
            row |= {"score": field.worth[i, j], "gain": float(np.mean(mine))}
            row["same_data"] = bool(field.apart[i, j])
            for (measure, price), table in scores.items():
                name = measure if measure != TOGETHER else f"{measure}, {price}"
                row[name] = None if np.isnan(table[i, j]) else float(table[i, j])
            rows.append(row)
    return frame(rows)


def tables(
    by_measure: "pd.DataFrame",
    by_level: "pd.DataFrame",
    by_language: "pd.DataFrame",
    pairs: "pd.DataFrame",
) -> list[Table]:
    """Those with rows, in the order to show."""
    chance = "Regret is what the best of the first k lacks to the best of all, in percent."
    found = [
        Table(
            name="similarity-measures",
            title="How well each measure ranks intermediate tasks within a target",
            rows=by_measure,
            note="`together` is the mean rank by all similarities of a price. `by_chance` is what "
            f"a random order gives; the row `size` is that of the largest task first. {chance}",
        ),
        Table(
            name="similarity-levels",
            title="How well similarity ranks by how much text of a language the encoder read",
            rows=by_level,
            note="low: at most the median of the languages that were seen.",
        ),
        Table(
            name="similarity-languages",
            title="How well similarity known before training ranks in each language alone",
            rows=by_language,
        ),
        Table(
            name="similarity-pairs",
            title="Every pair of intermediate task and target",
            rows=pairs,
            note="Scores and gains are means over the languages that are judged. Pairs with common "
            "training data are shown and not ranked.",
        ),
    ]
    return [table for table in found if len(table.rows)]


def figures(
    by_measure: "pd.DataFrame",
    by_language: "pd.DataFrame",
    evidence: Evidence,
    field: Field,
    scores: dict[Name, Floats],
) -> list[Figure]:
    """Those with data, in the order to show."""
    import pandas as pd

    bars = by_measure.assign(
        label=[
            f"{m} ({p})" for m, p in zip(by_measure["measure"], by_measure["price"], strict=True)
        ]
    )
    pairs = pair_rows(evidence, field, {(TOGETHER, HEADLINE): scores[TOGETHER, HEADLINE]})
    pairs = pairs.rename(columns={f"{TOGETHER}, {HEADLINE}": "similarity"})
    pairs = pairs[pd.notna(pairs["similarity"])]
    found = [
        Figure(
            name="similarity-measures",
            kind="bars",
            title="How each measure goes with the scores that intermediate tasks lead to",
            data=bars,
            x="label",
            y="spearman",
            colour="price",
            low="spearman_low",
            high="spearman_high",
            note="Means of the correlations within targets, with 95 % intervals over "
            f"{field.over}.",
        ),
        Figure(
            name="similarity-gains",
            kind="scatter",
            title="Similarity known before training, and gain over no intermediate task",
            data=pairs,
            x="similarity",
            y="gain",
            colour="target",
            note="Similarity is the mean rank within the target, 0 to 1; gain is in score points.",
        ),
    ]
    for x, what in (("distance", "distance from English"), ("log_tokens", "log10 of its tokens")):
        there = by_language if by_language.empty else by_language[pd.notna(by_language[x])]
        if len(there):
            figure = Figure(
                name=f"similarity-by-{x.replace('_', '-')}",
                kind="scatter",
                title=f"How well similarity ranks in a language, by {what}",
                data=there,
                x=x,
                y="spearman",
                note="One point a language.",
            )
            found.append(figure)
    return found
