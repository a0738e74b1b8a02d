"""Do intermediate tasks that are more like the target help more, and can that be known beforehand?

Within every target, intermediate tasks are ranked by a similarity and compared with the scores that
they lead to in other languages. What chance would give comes from permuting the intermediate tasks
jointly over all targets: 81 pairs are not 81 observations.
"""

import math
from collections.abc import Mapping
from dataclasses import replace

from xstilts.stats.corrections import holm
from xstilts.stats.paired import FEWEST
from xstilts.stats.rankings import Ranking
from xstilts.studies.evidence import Evidence
from xstilts.studies.finding import NOT_MEASURED, Finding
from xstilts.studies.orders import (
    PERMUTATIONS,
    PRICES,
    TOGETHER,
    Field,
    Judged,
    Name,
    candidates,
    field_of,
    judge,
    measures,
    resource_levels,
)
from xstilts.studies.sensitivity import beside
from xstilts.studies.similarity_tables import (
    HEADLINE,
    figures,
    language_rows,
    level_rows,
    measure_rows,
    moderators,
    pair_rows,
    tables,
)

STUDY = "similarity"
_LEVEL = 0.05


def find(evidence: Evidence) -> Finding:
    """Judge how similarity and zero-shot scores go together; see the module."""
    missing = _missing(evidence)
    if missing:
        return Finding(study=STUDY, answer=f"{NOT_MEASURED}: {missing}.", measured=False)
    levels = resource_levels(evidence)
    low = [x for x, level in levels.items() if level in ("unseen", "low")]
    everywhere = field_of(evidence, None)
    there = field_of(evidence, low) if low else None
    found = there if there is not None else everywhere
    if found is None:
        what = "no target has three intermediate tasks that all have scores there"
        return Finding(study=STUDY, answer=f"{NOT_MEASURED}: {what}.", measured=False)
    place = "in low-resource languages" if there is not None else "in other languages"
    scores = measures(evidence, found)
    judged = {name: j for name in scores if (j := judge(scores[name], found))}
    headline = judged.get((TOGETHER, HEADLINE))
    if headline is None:
        what = f"no similarity that is {PRICES[HEADLINE]} differs between three intermediate tasks"
        return Finding(study=STUDY, answer=f"{NOT_MEASURED}: {what}.", measured=False)
    best = _best(judged)
    rows = measure_rows(scores, judged, found, evidence)
    by_level = level_rows(evidence, levels)
    by_language = language_rows(evidence)
    estimates = {"similarity": headline.estimate}
    if best is not None:
        estimates["best"] = judged[best[0]].estimate
    estimates |= moderators(by_language)
    # Pairs with common data are out in either case, so that only collapsed seeds are dropped.
    both, changed = beside(
        replace(evidence, same_data=frozenset()),
        estimates,
        lambda other: find(replace(other, same_data=evidence.same_data)).estimates,
    )
    return Finding(
        study=STUDY,
        answer=_answer(headline, best, judged, found, place),
        measured=True,
        estimates=estimates,
        tables=[
            *tables(rows, by_level, by_language, pair_rows(evidence, found, scores)),
            *both,
        ],
        figures=figures(rows, by_language, evidence, found, scores),
        method=_method(found, place),
        limits=[*_limits(evidence, found, levels, there is not None), *changed],
    )


def _missing(evidence: Evidence) -> str:
    """What is not there, in words; empty where all is."""
    if not len(evidence.cells):
        return "no arm has a score to compare with the baseline's"
    if not len(evidence.probes):
        return "no similarity of tasks was measured"
    if not len(candidates(evidence)):
        return "no arm trains on one intermediate task alone"
    if not (evidence.probes["price"] == HEADLINE).any():
        return f"no similarity that is {PRICES[HEADLINE]}"
    return ""


def _best(judged: dict[Name, Judged]) -> tuple[Name, float] | None:
    """The measure that ranks best, and its p after Holm over all single measures."""
    single = {name: j for name, j in judged.items() if name[0] != TOGETHER}
    if not single:
        return None
    corrected = dict(zip(single, holm([j.p for j in single.values()]), strict=True))
    best = max(single, key=lambda name: single[name].ranking.quality)
    return best, float(corrected[best])


def _answer(
    headline: Judged,
    best: tuple[Name, float] | None,
    judged: dict[Name, Judged],
    field: Field,
    place: str,
) -> str:
    found = headline.ranking
    said = "neither more nor less, as far as can be told,"
    if field.draws is None:
        said = "neither more nor less (too few seeds for a verdict)"
    elif headline.p < _LEVEL:
        said = "more" if found.quality > 0 else "less"
    tasks, targets = len(field.tasks), found.targets
    answer = (
        f"Intermediate tasks that are more like the target help {said} {place}: similarity "
        f"{PRICES[HEADLINE]} has a rank correlation of {_of(found)} with the scores they lead to "
        f"(p = {headline.p:.3f}; {tasks} tasks, {targets} target{'s' * (targets != 1)})"
    )
    if best is None:
        return f"{answer}."
    (measure, price), p = best
    one = judged[measure, price].ranking
    return (
        f"{answer}; of {sum(name[0] != TOGETHER for name in judged)} single measures {measure}, "
        f"{PRICES[price]}, ranks best, with {_of(one)} (p = {p:.3f} after Holm)."
    )


def _of(found: Ranking) -> str:
    """A correlation with its interval if it has one."""
    if found.low is None or found.high is None:
        return f"{found.quality:+.2f}"
    return f"{found.quality:+.2f} (95 % {found.low:+.2f} to {found.high:+.2f})"


def _method(field: Field, place: str) -> str:
    return (
        "Intermediate tasks were ranked within each target by each measure, and the ranking was "
        f"compared with their mean scores {place}, over {field.seeds} seeds, by Spearman's "
        "correlation, NDCG and Regret@k; qualities were averaged over targets. Two-sided p come "
        f"from {PERMUTATIONS} permutations of the intermediate tasks, the same for all targets, "
        "and were corrected over the single measures by Holm's method. Intervals (95 %) are over "
        f"{field.over}. The measure judged first, fixed beforehand, is the mean rank by all "
        "similarities that the untuned encoder gives. Pairs with common training data were left "
        "out, and so were languages in which every task stayed within noise of the floor."
    )


def _limits(
    evidence: Evidence, field: Field, levels: Mapping[str, str], by_resources: bool
) -> list[str]:
    found = [
        f"{len(field.tasks)} intermediate tasks have "
        f"{math.factorial(len(field.tasks)):,} orders: no p is below "
        f"{2 / min(math.factorial(len(field.tasks)), PERMUTATIONS + 1):.4f}.",
        f"The intervals speak of {field.over}, not of other tasks or targets."
        if field.draws is not None
        else f"Under {FEWEST} seeds there are no intervals.",
    ]
    if not levels:
        found.append("How much text of each language the encoder read is unknown.")
    elif not by_resources:
        found.append("In low-resource languages no target has scores that could be judged.")
    without = [t for t in evidence.main_metrics if t not in field.targets]
    if without:
        names = ", ".join(without)
        found.append(f"Not judged, as all scores are at floor or some are missing: {names}.")
    bare = [t for t in field.targets if not _has_similarity(evidence, t)]
    if bare:
        found.append(
            f"No similarity is defined for {', '.join(bare)}: no English training examples to read."
        )
    return found


def _has_similarity(evidence: Evidence, target: str) -> bool:
    probes = evidence.probes
    mine = probes[(probes["target"] == target) & (probes["price"] == HEADLINE)]
    return bool(mine["intermediate"].notna().any())
