"""Which layers carry a gain: frozen ones by depth, and some of them carried alone."""

from collections.abc import Callable, Sequence
from statistics import fmean

import pandas as pd

from xstilts.studies.arms import Settings, settings
from xstilts.studies.carried_layers import (
    Carrying,
    carried_tables,
    carried_words,
    carryings,
    lead_of_lowest,
)
from xstilts.studies.contrasts import (
    Keep,
    against,
    contrast,
    over,
    shared_cells,
    together,
    with_holm,
)
from xstilts.studies.evidence import Evidence
from xstilts.studies.finding import Figure, Finding, Table
from xstilts.studies.frames import frame, plain_rows
from xstilts.studies.frozen_layers import Depth, depths, frozen_words, in_the_mean, unfrozen
from xstilts.studies.measured import Measured, measured
from xstilts.studies.numerals import listing
from xstilts.studies.sensitivity import beside
from xstilts.studies.sentences import not_measured, sentence

STUDY = "layers"
LOWEST = "lowest blocks carried, against as many others"
ALONE = "no lowest blocks carried alone have as many others beside them"
METHOD = (
    "An arm with frozen or carried blocks is compared with its twin, the arm that is the same "
    "in every other setting, and with the baseline. Scores are means over languages other than "
    "English, then over targets, of cells that both have and that are not at floor in both; the "
    "test is the crossed test over seeds and test items (over seeds alone where a run keeps no "
    "counts of items), with Holm's correction over what the answer tells, and in tables over "
    "their rows. Effects of one depth are means over intermediate tasks. What is frozen in the "
    "target's stage is judged by targets that are trained. The depth chosen is the one with the "
    "highest mean score on held-out English examples of the targets, freezing nothing among "
    "them; reported is what it does in the other languages. The lowest blocks carried onto the "
    "untuned encoder are compared with as many from the top and with random draws of as many, "
    "each kind of control one vote; from three draws on the variance between them is added."
)


def find(evidence: Evidence) -> Finding:
    """Judge frozen and carried layers; ``METHOD`` says how."""
    table, arms = measured(evidence), settings(evidence)
    keep = _zero_shot(evidence)
    frozen, carried = depths(evidence, table, arms, keep), carryings(arms)
    lead = lead_of_lowest(table, carried, keep)
    if not frozen and lead is None:
        missing = ["no arm with frozen blocks has scores beside the same arm without", ALONE]
        return not_measured(STUDY, missing, METHOD)
    means = in_the_mean(table, frozen)
    verdicts = together(means | ({LOWEST: lead} if lead else {}))
    words, numbers, tables = frozen_words(evidence, frozen, means, verdicts)
    words.append(carried_words(carried, lead, verdicts[LOWEST]) if lead else ALONE)
    numbers |= {LOWEST: lead.estimate()} if lead else {}
    kinds = _by("kind", evidence, table, arms, lambda target, _: evidence.kinds[target])
    languages = _by("language", evidence, table, arms, lambda _, language: language)
    alike = _cka(evidence, arms)
    both, changed = beside(evidence, numbers, lambda other: find(other).estimates)
    return Finding(
        study=STUDY,
        answer=sentence(words),
        measured=True,
        estimates=numbers,
        tables=[
            *tables,
            *both,
            *carried_tables(table, carried, evidence.baseline, keep),
            kinds,
            languages,
            *([] if alike.empty else [Table(name="cka", title=_CKA, rows=alike)]),
        ],
        figures=[
            *_curve(evidence, table, frozen, keep),
            _heat(kinds, "kind"),
            _heat(languages, "language"),
            *([] if alike.empty else [_lines(alike)]),
        ],
        method=METHOD,
        limits=[*_limits(arms, carried, alike), *changed],
    )


_CKA = "How alike each layer is before and after training (linear CKA, 0-1)"


def _zero_shot(evidence: Evidence) -> Keep:
    return lambda _, language: language != evidence.english


def _label(arm: Settings) -> str:
    """What an arm does to layers, in a few words; empty where it does nothing."""
    parts = []
    if arm["frozen"] is not None:
        parts.append(f"{int(arm['frozen'])} frozen, {arm['frozen_during']}")
    if arm["carried"] is not None:
        draw = "" if arm["carried_draw"] is None else f" (draw {int(arm['carried_draw'])})"
        parts.append(f"{int(arm['carried'])} carried, {arm['carried_which']}{draw}")
    if arm["reinit_top"] is not None:
        parts.append(f"{int(arm['reinit_top'])} top drawn anew")
    return "; ".join(parts)


def _training(arm: Settings) -> str:
    return "; ".join(part for part in (arm["tasks"] or "no stage", _label(arm)) if part)


def _by(
    column: str,
    evidence: Evidence,
    table: Measured,
    arms: Sequence[Settings],
    of: Callable[[str, str], str],
) -> Table:
    """Gains of arms over the baseline, in the mean over the cells of each group."""
    rows = []
    for arm in arms:
        cells = shared_cells(table, [arm["arm"], evidence.baseline])
        if arm["arm"] == evidence.baseline:
            continue
        for group in sorted({of(*cell) for cell in cells}):
            mine = [cell for cell in cells if of(*cell) == group]
            gain = contrast(table, over(mine, {arm["arm"]: 1.0, evidence.baseline: -1.0}))
            what = {"tasks": arm["tasks"], "layers": _label(arm) or "nothing", column: group}
            rows.append(what | gain.columns("gain") | {"cells": len(mine)})
    title = f"Gains over the baseline by {column}, and what is done to layers"
    return Table(name=f"by-{column}", title=title, rows=frame(with_holm(rows)))


def _heat(shown: Table, column: str) -> Figure:
    averaged = shown.rows.groupby(["layers", column], sort=False)["gain"].mean().reset_index()
    return Figure(
        name=shown.name,
        kind="heat",
        title=shown.title,
        data=averaged,
        x=column,
        y="layers",
        value="gain",
        note="Points, in the mean over intermediate tasks.",
    )


def _curve(evidence: Evidence, table: Measured, found: Sequence[Depth], keep: Keep) -> list[Figure]:
    """Gain by depth; nothing frozen stands at 0."""
    rows = []
    for during in dict.fromkeys(depth.during for depth in found):
        mine = [depth for depth in found if depth.during == during]
        twins = {o["arm"] for d in mine for _, o in d.arms if o["arm"] != evidence.baseline}
        start = against(table, [(name, {evidence.baseline: 1.0}) for name in sorted(twins)], keep)
        points = [] if start is None else [(0, contrast(table, start))]
        points += [(depth.blocks + 1, depth.gain) for depth in mine]
        rows += [{"stage": during, "layers": x} | gain.columns("gain") for x, gain in points]
    if not rows:
        return []
    return [
        Figure(
            name="gain-by-depth",
            kind="curve",
            title="Zero-shot gain over the baseline by layers frozen from the bottom, by stage",
            data=frame(rows),
            x="layers",
            y="gain",
            colour="stage",
            low="low",
            high="high",
            note="Embeddings are the first layer; bands are 95 % intervals.",
        )
    ]


def _cka(evidence: Evidence, arms: Sequence[Settings]) -> pd.DataFrame:
    """Mean similarity of each layer before and after, by training; empty if not measured."""
    named = {arm["arm"]: arm for arm in arms}
    values: dict[tuple[str, int], list[float]] = {}
    for row in plain_rows(evidence.probes):
        if row["measure"] == "cka" and row["arm"] in named and row["value"] is not None:
            place = _training(named[row["arm"]]), int(row["layer"])
            values.setdefault(place, []).append(float(row["value"]))
    return frame(
        [
            {"training": training, "layer": layer, "cka": fmean(found)}
            for (training, layer), found in sorted(values.items())
        ]
    )


def _lines(alike: pd.DataFrame) -> Figure:
    return Figure(
        name="cka", kind="curve", title=_CKA, data=alike, x="layer", y="cka", colour="training"
    )


def _limits(
    arms: Sequence[Settings], carried: Sequence[Carrying], alike: pd.DataFrame
) -> list[str]:
    limits = ["What the layers of one encoder do need not hold for encoders of other depths."]
    if any(1 <= len(one.random) < 3 for one in carried):
        limits.append("Fewer than three random draws of blocks: they stand for themselves alone.")
    if alike.empty:
        limits.append("How alike layers are before and after training (CKA) was not measured.")
    lone = [_training(a) for a in arms if a["frozen"] is not None and not unfrozen(a, arms)]
    if lone:
        limits.append(f"Without the same arm unfrozen beside it: {listing(lone)}.")
    return limits
