"""What freezing the lowest blocks does, by stage and depth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from xstilts.stats.paired import Verdict, verdict
from xstilts.studies.arms import Settings, trained_targets, twin
from xstilts.studies.choice import dev_scores
from xstilts.studies.contrasts import Contrast, Keep, Weighting, against, contrast, mean, with_holm
from xstilts.studies.evidence import Evidence
from xstilts.studies.finding import Estimate, Table
from xstilts.studies.frames import frame
from xstilts.studies.measured import Measured
from xstilts.studies.numerals import listing
from xstilts.studies.sentences import said, size


@dataclass(frozen=True)
class Depth:
    """What freezing so many blocks in a stage does, in the mean over intermediate tasks.

    Attributes:
        during: the stage: intermediate, target or both.
        blocks: frozen from the bottom, with the embeddings.
        arms: each with its twin, in which nothing is frozen.
        weights: arms minus twins.
        effect: what these come to.
        gain: the same arms minus the baseline.
    """

    during: str
    blocks: int
    arms: Sequence[tuple[Settings, Settings]]
    weights: Weighting
    effect: Contrast
    gain: Contrast

    @property
    def row(self) -> dict[str, Any]:
        """Of the table of depths."""
        of = {"stage": self.during, "blocks_frozen": self.blocks, "arms": len(self.arms)}
        return of | {"gain": self.gain.test.mean} | self.effect.columns("effect")


def unfrozen(arm: Settings, among: Sequence[Settings]) -> Settings | None:
    """The same arm with nothing frozen."""
    return twin(arm, among, frozen=None, frozen_during=None)


def depths(
    evidence: Evidence, table: Measured, arms: Sequence[Settings], keep: Keep
) -> list[Depth]:
    """Every depth frozen in every stage whose arms have twins."""
    baseline = evidence.baseline
    groups: dict[tuple[str, int], list[tuple[Settings, Settings]]] = {}
    for arm in arms:
        other = unfrozen(arm, arms)
        if arm["frozen"] is not None and other is not None:
            groups.setdefault((arm["frozen_during"], int(arm["frozen"])), []).append((arm, other))
    found = []
    for (during, blocks), pairs in sorted(groups.items()):
        of = judged_by(evidence, during, keep)
        weights = against(table, [(arm["arm"], {o["arm"]: 1.0}) for arm, o in pairs], of)
        gain = against(table, [(arm["arm"], {baseline: 1.0}) for arm, _ in pairs], of)
        if weights is not None and gain is not None:
            effects = contrast(table, weights), contrast(table, gain)
            found.append(Depth(during, blocks, pairs, weights, *effects))
    return found


def judged_by(evidence: Evidence, during: str, keep: Keep) -> Keep:
    """What is frozen in the target's stage is judged by targets that have one."""
    if during != "target":
        return keep
    trained = trained_targets(evidence)
    return lambda target, language: target in trained and keep(target, language)


def in_the_mean(table: Measured, found: Sequence[Depth]) -> dict[str, Contrast]:
    """Stage -> what freezing does in the mean over its depths."""
    of: dict[str, list[Weighting]] = {}
    for depth in found:
        of.setdefault(depth.during, []).append(depth.weights)
    return {during: contrast(table, mean(weights)) for during, weights in of.items()}


def frozen_words(
    evidence: Evidence,
    found: Sequence[Depth],
    means: Mapping[str, Contrast],
    verdicts: Mapping[str, Verdict],
) -> tuple[list[str], dict[str, Estimate], list[Table]]:
    """A clause a stage, its numbers, and the tables.

    Args:
        evidence: with dev scores, if there are any.
        found: every depth in every stage.
        means: of ``in_the_mean``.
        verdicts: of these.
    """
    if not found:
        return ["no arm with frozen blocks has scores beside the same arm without"], {}, []
    rows = with_holm([depth.row for depth in found])
    p_holm = {(row["stage"], row["blocks_frozen"]): row["p_holm"] for row in rows}
    words, estimates, choices = [], dict[str, Estimate](), []
    for during, whole in means.items():
        mine = [depth for depth in found if depth.during == during]
        estimates[f"frozen in {during}, mean over depths"] = whole.estimate()
        clause = _clause(mine, whole, verdicts[during])
        choice = _chosen(evidence, mine)
        if choice is None:
            words.append(f"{clause}, and no depth can be chosen: English dev scores are missing")
            continue
        row, depth = choice
        choices.append({"stage": during} | row)
        if depth is None:
            words.append(f"{clause}, and English dev chooses to freeze nothing")
            continue
        effect = depth.effect
        estimates[f"frozen in {during}, chosen on English dev"] = effect.estimate()
        told = said(
            verdict(effect.test.mean, p_holm[during, depth.blocks]),
            gain="better",
            loss="worse",
            undecided="not told from freezing nothing",
        )
        clause += f", and the depth that English dev chooses, {depth.blocks}, is {told}"
        words.append(f"{clause} ({size(effect.estimate())})")
    return words, estimates, _tables(rows, choices)


def _clause(mine: Sequence[Depth], whole: Contrast, verdict: Verdict) -> str:
    sizes = [str(depth.blocks) for depth in mine]
    many = f"{listing(sizes)} blocks" if sizes != ["1"] else "block"
    during = "both stages" if mine[0].during == "both" else f"the {mine[0].during} stage"
    told = said(
        verdict,
        gain="raises zero-shot scores",
        loss="lowers zero-shot scores",
        undecided="changes zero-shot scores by nothing that can be told from 0",
    )
    over = " in the mean" if len(mine) > 1 else ""
    return f"freezing the lowest {many} in {during} {told}{over} ({size(whole.estimate())})"


def _chosen(
    evidence: Evidence, found: Sequence[Depth]
) -> tuple[dict[str, Any], Depth | None] | None:
    """The best of these depths and of no freezing on English dev; None without such scores."""
    names = {arm["arm"] for depth in found for pair in depth.arms for arm in pair}
    of_targets = dev_scores(evidence, names).values()
    if not of_targets:
        return None
    dev = {name: fmean(of_arm[name] for of_arm in of_targets) for name in names}
    lead = {d.blocks: fmean(dev[a["arm"]] - dev[o["arm"]] for a, o in d.arms) for d in found}
    effect = {depth.blocks: depth.effect.test.mean or 0.0 for depth in found}
    best, oracle = max(lead, key=lead.__getitem__), max(effect, key=effect.__getitem__)
    picked = next(depth for depth in found if depth.blocks == best) if lead[best] > 0 else None
    got, seen = effect[best] if picked else 0.0, max(0.0, effect[oracle])
    row = {
        "blocks_chosen": best if picked else None,
        "dev_lead": lead[best] if picked else 0.0,
        "effect": got,
        "blocks_of_oracle": oracle if seen > 0 else None,
        "effect_of_oracle": seen,
        "optimism": seen - got,
    }
    return row, picked


def _tables(rows: list[dict[str, Any]], choices: list[dict[str, Any]]) -> list[Table]:
    found = [
        Table(
            name="freezing",
            title="What freezing the lowest blocks does, by stage and depth",
            rows=frame(rows),
            note="Points, in the mean over languages other than English; effect: against the same "
            "arm with nothing frozen; gain: over the baseline.",
        )
    ]
    if choices:
        title = "The depth chosen on English dev, and what it costs not to see the test"
        note = "Empty: nothing frozen. The oracle has the highest zero-shot mean; optimism is what "
        note += "it promises beyond the depth that can be chosen without looking."
        shown = frame(choices)
        found.append(Table(name="chosen-depth", title=title, rows=shown, note=note))
    return found
