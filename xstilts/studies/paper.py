"""Which English intermediate training helps targets in other languages, and by how much."""

from collections.abc import Mapping, Sequence

from xstilts.stats.paired import Verdict
from xstilts.studies.arms import Settings, members
from xstilts.studies.contrasts import together
from xstilts.studies.evidence import Evidence
from xstilts.studies.finding import Estimate, Figure, Finding, Table
from xstilts.studies.frames import frame
from xstilts.studies.means import cells_against, counted, summaries
from xstilts.studies.numerals import amount, gain
from xstilts.studies.paper_numbers import KINDS, Numbers, most
from xstilts.studies.sensitivity import beside
from xstilts.studies.sentences import not_measured, sentence, size

STUDY = "paper"
METHOD = (
    "The gain of an arm is its score minus that of the baseline under the same seed, averaged over "
    "the languages of a target, English included, and then over targets; cells at the floor are "
    "left out. Intervals are at 95 %; which arms gain is told after Holm's correction over all "
    "arms, and what is said beside the single tasks after one over all that is said. The single "
    "task that does most is named by these same results, which flatter it. An arm with masked LM "
    "mixed in, or on translated data, is compared with the arm that is the same in every other "
    "setting. For each target the arm with the highest mean score on "
    "held-out English examples is chosen, the baseline being one of them; a target without such "
    "examples takes the arm that is best in the mean over the others. Beside it stands the choice "
    "by the results themselves, which nobody has beforehand, and its optimism: every seed is left "
    "out in turn, and the arm that is best in the others is scored there and in the seed left out."
)
_ABOUT = {
    "together_over_best_single": "all tasks at once, against the best single one",
    "mlm_mixed": "masked LM mixed in",
    "translated": "translated data in the place of English",
    "mlm_only": "masked LM alone",
    "longer": "longer training on the target alone",
}


def find(evidence: Evidence) -> Finding:
    """Judge every arm, pairs of arms, and the choice of arms; ``METHOD`` says how."""
    numbers = Numbers(evidence)
    if not numbers.gains:
        missing = ["no arm has scores above the floor beside those of the baseline"]
        return not_measured(STUDY, missing, METHOD)
    both, changed = beside(evidence, numbers.estimates, lambda other: Numbers(other).estimates)
    tested = {name: numbers.means[name] for name in (*_ABOUT, "chosen") if name in numbers.means}
    verdicts = together(tested)
    words = [*_singles(numbers), *_moved(numbers, verdicts), *_chosen(numbers, verdicts)]
    whole, by_target = _gains(numbers), _by_target(numbers)
    tables = [whole, by_target, *_versions(numbers), *_choice(numbers), *both]
    return Finding(
        study=STUDY,
        answer=sentence(words),
        measured=True,
        estimates=numbers.estimates,
        tables=tables,
        figures=_figures(numbers, whole, by_target),
        method=METHOD,
        limits=[*_limits(numbers), *changed],
    )


def _singles(numbers: Numbers) -> list[str]:
    """How many single tasks help, and the one that does most."""
    rows, over = numbers.singles, amount(len(numbers.measured), "target")
    if not rows:
        return [f"no single English intermediate task was measured, in the mean over {over}"]
    first = most(rows)
    (task,) = members(numbers.arms[first["arm"]])
    best = f"the most is {size(numbers.estimates['best_single'])}, with {task}"
    if all(row["p_holm"] is None for row in rows):
        few = amount(max(row["seeds"] for row in rows), "seed")
        every = amount(len(rows), "single English intermediate task")
        return [f"with {few} nothing is told of {every} in the mean over {over}", best]
    gains, losses = (sum(row["headline"] == word for row in rows) for word in ("gain", "loss"))
    every = amount(len(rows), "single English intermediate task")
    raise_, lower = ("raises" if gains == 1 else "raise"), ("lowers" if losses == 1 else "lower")
    return [f"of {every} {gains} {raise_} the mean over {over} and {losses} {lower} it", best]


def _moved(numbers: Numbers, verdicts: Mapping[str, Verdict]) -> list[str]:
    """What else was tried."""
    return [
        f"{about} {effect(verdicts[name], numbers.estimates[name])} "
        f"({size(numbers.estimates[name])})"
        for name, about in _ABOUT.items()
        if name in verdicts
    ]


def effect(verdict: Verdict, estimate: Estimate) -> str:
    """What a verdict says; an interval without 0 may still be one of several by chance."""
    unclear = "makes no difference that can be told"
    if estimate.sign:
        unclear += " among so many comparisons"
    return {"gain": "raises it", "loss": "lowers it"}.get(verdict, unclear)


def _chosen(numbers: Numbers, verdicts: Mapping[str, Verdict]) -> list[str]:
    estimates = numbers.estimates
    found, hindsight = estimates.get("chosen"), estimates.get("chosen_by_results")
    optimism = estimates.get("optimism")
    if not found or not hindsight:
        return []
    verb = {"gain": "raises", "loss": "lowers"}.get(verdicts["chosen"], "does not clearly change")
    by_luck = f", of which {gain(optimism.value)} by the choosing alone" if optimism else ""
    return [
        f"the arm chosen for each target on English development data {verb} the mean "
        f"({size(found)}), where one chosen by the results would report {gain(hindsight.value)} "
        f"points{by_luck}"
    ]


def _what(arm: Settings) -> str:
    """An arm in words: its tasks, and what is added."""
    added = [
        "masked LM mixed in" if arm["mlm_share"] is not None and arm["kind"] != "mlm" else "",
        f"translated ({arm['language']})" if arm["translated"] is not None else "",
        f"longer, as {arm['longer']}" if arm["longer"] is not None else "",
    ]
    return ", ".join(part for part in (arm["tasks"] or "", *added) if part)


def _gains(numbers: Numbers) -> Table:
    names = ("mean_gain", "low", "high", "p_holm", "headline", "gain_without_same_data", "seeds")
    rows = [
        {"arm": arm, "what": _what(numbers.arms[arm])}
        | {name: row[name] for name in (*names, "targets", "counted", "at_floor")}
        for arm, row in numbers.gains.items()
    ]
    note = "Points; headline: after Holm's correction over all arms."
    return Table(name="gains", title="Mean gain of every arm", rows=frame(rows), note=note)


def _by_target(numbers: Numbers) -> Table:
    names = ("arm", "target", "mean_gain", "low", "high", "p_holm", "headline", "same_data")
    rows = [{name: row[name] for name in (*names, "seeds", "counted")} for row in numbers.targets]
    note = "Points; headline: after Holm's correction over all arms and targets."
    title = "Mean gain of every arm on every target"
    return Table(name="gains-by-target", title=title, rows=frame(rows), note=note)


def _versions(numbers: Numbers) -> list[Table]:
    """Every version against its plain twin, with one correction over all of them."""
    both = {arm: (kind, plain) for kind, arm, plain in numbers.versions}
    if not both:
        return []
    compared = cells_against(numbers.evidence, [(arm, plain) for arm, (_, plain) in both.items()])
    rows = [
        {"addition": _ABOUT[KINDS[both[row["arm"]][0]]], "arm": row["arm"]}
        | {"plain": both[row["arm"]][1], "difference": row["mean_gain"]}
        | {name: row[name] for name in ("low", "high", "p_holm", "headline", "seeds", "targets")}
        for row in counted(summaries(compared).arms)
    ]
    note = "Points; the plain arm differs in the addition only."
    title = "What additions to an arm change"
    return [Table(name="versions", title=title, rows=frame(rows), note=note)]


def _choice(numbers: Numbers) -> list[Table]:
    """The arm chosen for each target, and what it gains there."""
    if not numbers.chosen:
        return []
    rows = [
        {"target": one.target, "chosen_on_dev": one.arm, "its_gain": one.choice.score}
        | {"best_in_results": one.best, "best_gain": one.choice.score_on_test}
        | {"optimism": one.choice.optimism}
        for one in numbers.chosen
    ]
    title = "The arm for each target: chosen on English development data, and the best in hindsight"
    note = (
        "Points; optimism: by how much the best gain is above that of the same arm in other runs."
    )
    return [Table(name="best-per-target", title=title, rows=frame(rows), note=note)]


def _figures(numbers: Numbers, whole: Table, by_target: Table) -> Sequence[Figure]:
    kept = ["arm", "target", "mean_gain", "low", "high", "p_holm", "same_data"]
    return [
        Figure(
            name="gains",
            kind="bars",
            title=f"Mean gain over {amount(len(numbers.measured), 'target')}, by arm",
            data=whole.rows[["arm", "mean_gain", "low", "high"]],
            x="arm",
            y="mean_gain",
            low="low",
            high="high",
            note="Points, with 95 % intervals.",
        ),
        Figure(
            name="gains-by-target",
            kind="heat",
            title="Mean gain of every arm on every target",
            data=by_target.rows[kept],
            x="target",
            y="arm",
            value="mean_gain",
            note="Points.",
        ),
    ]


def _limits(numbers: Numbers) -> list[str]:
    """What the answer does not show."""
    estimates = numbers.estimates
    found = [f"Not measured: {about}." for name, about in _ABOUT.items() if name not in estimates]
    if not numbers.chosen:
        found.append("No arm could be chosen on English development data: not all arms have some.")
    floor = [t for t in numbers.evidence.main_metrics if t not in numbers.measured]
    if floor:
        found.append(f"At floor or not measured, and in no mean: {', '.join(floor)}.")
    return found
