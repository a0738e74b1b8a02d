"""Which blocks carry a gain: the lowest ones alone against as many others."""

from collections.abc import Sequence
from dataclasses import dataclass

from xstilts.stats.paired import Verdict
from xstilts.studies.arms import Settings, twin
from xstilts.studies.contrasts import (
    Contrast,
    Keep,
    against,
    contrast_of_draws,
    with_holm,
)
from xstilts.studies.finding import Table
from xstilts.studies.frames import frame
from xstilts.studies.measured import Measured
from xstilts.studies.numerals import listing
from xstilts.studies.sentences import said, size


@dataclass(frozen=True)
class Carrying:
    """So many of the lowest blocks of one stage, carried alone, and as many others.

    Attributes:
        blocks: how many are carried.
        low: the arm with the lowest ones.
        top: the arm with the highest ones, or None.
        random: the arms with random ones, a draw each.
        plain: the arm with all blocks, or None.
    """

    blocks: int
    low: Settings
    top: Settings | None
    random: Sequence[Settings]
    plain: Settings | None

    def controls(self, draw: int | None) -> dict[str, float]:
        """Weight of each control, the top blocks and the random ones of a draw: one vote each."""
        drawn = [arm for arm in self.random if arm["carried_draw"] == draw]
        there = [*([self.top] if self.top else []), *drawn]
        return {str(arm["arm"]): 1 / len(there) for arm in there}


def carryings(arms: Sequence[Settings]) -> list[Carrying]:
    """Every stage and number of blocks of which the lowest were carried alone."""
    draws = sorted({a["carried_draw"] for a in arms if a["carried_which"] == "random"})
    whole = {"carried": None, "carried_which": None, "carried_embeddings": None}
    found = []
    for arm in arms:
        if arm["carried_which"] == "bottom" and arm["carried"] is not None:
            drawn = [twin(arm, arms, carried_which="random", carried_draw=d) for d in draws]
            top, random = twin(arm, arms, carried_which="top"), [one for one in drawn if one]
            found.append(Carrying(int(arm["carried"]), arm, top, random, twin(arm, arms, **whole)))
    return found


def lead_of_lowest(table: Measured, found: Sequence[Carrying], keep: Keep) -> Contrast | None:
    """The lowest blocks minus as many others, in the mean; None without others."""
    numbers = sorted({arm["carried_draw"] for one in found for arm in one.random}) or [None]
    draws = []
    for draw in numbers:
        pairs = [(one.low["arm"], one.controls(draw)) for one in found if one.controls(draw)]
        draws.append(against(table, pairs, keep))
    there = [weights for weights in draws if weights is not None]
    return contrast_of_draws(table, there) if there else None


def carried_words(found: Sequence[Carrying], lead: Contrast, verdict: Verdict) -> str:
    """A clause on where the gain lies."""
    told = said(
        verdict,
        gain="the lowest carry more of the gain than others",
        loss="the lowest carry less of the gain than others",
        undecided="no difference between the lowest and others can be told",
    )
    sizes = listing([str(k) for k in sorted({o.blocks for o in found if o.top or o.random})])
    return f"of equal numbers of blocks carried alone ({sizes}), {told} ({size(lead.estimate())})"


def carried_tables(
    table: Measured, found: Sequence[Carrying], baseline: str, keep: Keep
) -> list[Table]:
    """The gain of every set of blocks over the baseline."""
    rows = []
    for one in found:
        sets = {
            "lowest": [one.low],
            "top": [one.top] if one.top else [],
            "random": one.random,
            "all": [one.plain] if one.plain else [],
        }
        for which, arms in sets.items():
            parts = [against(table, [(arm["arm"], {baseline: 1.0})], keep) for arm in arms]
            there = [weights for weights in parts if weights is not None]
            if there:
                of = {"tasks": one.low["tasks"], "blocks_carried": one.blocks, "which": which}
                gain = contrast_of_draws(table, there).columns("gain")
                rows.append(of | {"arms": len(there)} | gain)
    if not rows:
        return []
    title = "The gain over the baseline that some blocks carry alone"
    note = "Of three random draws or more the interval is over seeds and draws."
    return [Table(name="carrying", title=title, rows=frame(with_holm(rows)), note=note)]
