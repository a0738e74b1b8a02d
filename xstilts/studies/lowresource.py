"""English intermediate training against labelled examples of the language itself."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xstilts.stats.paired import FEWEST
from xstilts.studies.arms import WAYS, Settings, has_only, settings, trained_targets, twin
from xstilts.studies.break_even import BreakEven, break_even
from xstilts.studies.contrasts import (
    Cell,
    Contrast,
    Weighting,
    contrast_of_draws,
    mean,
    over,
    shared_cells,
    together,
    with_holm,
)
from xstilts.studies.evidence import Evidence
from xstilts.studies.finding import Figure, Finding, Table
from xstilts.studies.frames import frame, plain_rows
from xstilts.studies.measured import Measured, measured
from xstilts.studies.numerals import amount, count, listing
from xstilts.studies.sensitivity import beside
from xstilts.studies.sentences import not_measured, said, sentence, size

STUDY = "low-resource"
ALL, LEAST = "all", "least pretraining text"  # names of places
BEYOND = "intermediate beside the same examples"
METHOD = (
    "Six ways to a target in another language are compared: (A) English target training alone; "
    "(B) an English intermediate stage before it; (C) A, then k examples of the target in the "
    "language; (D) B, then the same; (E) k examples alone; (F) the target's training data "
    "translated into the language. The gain of each over A is a mean over languages other than "
    "English, then over targets, of cells not at floor. B stands for the mean over the recipe's "
    "intermediate stages. Intervals are those of the crossed test over seeds and test items "
    "(over seeds alone where a run keeps no counts of items); where three or more draws of the "
    "k examples were made, the variance between draws is added. Verdicts of the answer are "
    "corrected by Holm. The break-even number of examples is where the lead of B over C is 0, "
    "on a straight line over log k between the numbers tried; its interval holds every number "
    "at which a lead of 0 is inside the 95 % interval (Fieller's construction). Models are "
    "selected on English examples: no development set of the target language is used by any of "
    "the six."
)
LIMITS = (
    "The k examples come from the release's own data: annotation by others may be worth less.",
    "Which examples are drawn matters most at small k.",
)


@dataclass(frozen=True)
class Ways:
    """The arms of each way; those with k examples by k, a draw each."""

    b: Sequence[Settings]
    c: Mapping[int, Sequence[Settings]]
    d: Mapping[int, Sequence[Settings]]
    e: Mapping[int, Sequence[Settings]]
    f: Sequence[Settings]


@dataclass(frozen=True)
class Place:
    """Some cells, and how many examples an intermediate stage is worth there.

    Attributes:
        which: languages.
        cells: in them.
        leads: of the intermediate stage over examples there, by k.
    """

    which: str
    cells: Sequence[Cell]
    leads: Mapping[int, Contrast]

    @property
    def even(self) -> BreakEven:
        """The number of examples."""
        return break_even({k: lead.test for k, lead in self.leads.items()})


def find(evidence: Evidence) -> Finding:
    """Judge intermediate training against examples of the language; ``METHOD`` says how."""
    table, arms = measured(evidence), settings(evidence)
    ways = _ways(arms)
    cells = _common(evidence, table, ways)
    if missing := _missing(evidence, arms, ways, cells):
        return not_measured(STUDY, missing, METHOD)
    leads = _leads(table, ways, cells)
    if not leads:
        return not_measured(STUDY, ["no seed has both an intermediate stage and examples"], METHOD)
    rows = with_holm([{"k": k} | lead.columns("lead") for k, lead in leads.items()])
    places = _places(evidence, table, ways, cells)
    whole, beyond = places[0].even, _beyond(table, arms, ways, cells)
    tested = {_against(k): lead for k, lead in leads.items()} | ({BEYOND: beyond} if beyond else {})
    numbers = {name: one.estimate() for name, one in tested.items()}
    numbers["break-even"] = whole.estimate(min(len(lead.by_seed) for lead in leads.values()))
    both, changed = beside(evidence, numbers, lambda other: find(other).estimates)
    gains = _gains(evidence, table, ways, cells)
    return Finding(
        study=STUDY,
        answer=sentence([_worth(ways, cells, places), *_lead_words(whole, tested)]),
        measured=True,
        estimates=numbers,
        tables=[
            Table(
                name="against-examples",
                title="The lead of an English intermediate stage over k examples of the language",
                rows=frame(rows),
                note="Points: B minus C.",
            ),
            _break_even_table(evidence, places),
            Table(
                name="ways",
                title="The gain of every way over English target training alone",
                rows=frame(gains),
                note="Points, in the mean over languages and targets.",
            ),
            *both,
        ],
        figures=[_curve(gains, list(ways.c)), _heat(places)],
        method=METHOD,
        limits=[*LIMITS, *_few_draws(ways), *changed],
    )


def _ways(arms: Sequence[Settings]) -> Ways:
    by_k: dict[tuple[bool, str], dict[int, list[Settings]]] = defaultdict(dict)
    for arm in arms:
        if arm["k"] is not None and has_only(arm, "k", "draw", "after", "target_language"):
            of = by_k[arm["tasks"] is not None, arm["after"]]
            of.setdefault(int(arm["k"]), []).append(arm)
    translated = [
        arm
        for arm in arms
        if arm["tasks"] is None
        and arm["target_translated"] is not None
        and has_only(arm, "target_language", "target_translated")
    ]
    return Ways(
        b=[arm for arm in arms if arm["tasks"] is not None and has_only(arm)],
        c=dict(sorted(by_k[False, "target"].items())),
        d=dict(sorted(by_k[True, "target"].items())),
        e=dict(sorted(by_k[False, "arm"].items())),
        f=translated,
    )


def _common(evidence: Evidence, table: Measured, ways: Ways) -> list[Cell]:
    """The cells that A, B and C share, and that are above the floor in one of them."""
    names = [evidence.baseline, *_names(ways.b), *(n for k in ways.c for n in _names(ways.c[k]))]
    targets = trained_targets(evidence)

    def keep(target: str, language: str) -> bool:
        return target in targets and language != evidence.english

    return shared_cells(table, names, keep)


def _names(arms: Sequence[Settings]) -> list[str]:
    return [arm["arm"] for arm in arms]


def _missing(
    evidence: Evidence, arms: Sequence[Settings], ways: Ways, cells: Sequence[Cell]
) -> list[str]:
    needed = {
        "the baseline has no scores": evidence.baseline in _names(arms),
        "no arm with an English intermediate stage alone has scores": ways.b,
        "no arm that goes on with k examples of the language has scores": ways.c,
    }
    missing = [what for what, there in needed.items() if not there]
    if not missing and not cells:
        missing = ["these arms share no score in another language above the floor"]
    return missing


def _leads(table: Measured, ways: Ways, cells: Sequence[Cell]) -> dict[int, Contrast]:
    """B minus C, by k; without those of which no seed has both."""
    ours = {name: 1 / len(ways.b) for name in _names(ways.b)}
    found = {
        k: contrast_of_draws(table, [over(cells, ours | {name: -1.0}) for name in _names(arms)])
        for k, arms in ways.c.items()
    }
    return {k: lead for k, lead in found.items() if lead.by_seed}


def _places(evidence: Evidence, table: Measured, ways: Ways, cells: Sequence[Cell]) -> list[Place]:
    """All languages, those with least and most pretraining text, and each."""
    languages = sorted({language for _, language in cells})
    groups = {ALL: languages, **_by_text(evidence, languages), **{x: [x] for x in languages}}
    found = []
    for which, some in groups.items():
        mine = [cell for cell in cells if cell[1] in some]
        found.append(Place(which, mine, _leads(table, ways, mine)))
    return found


def _by_text(evidence: Evidence, languages: Collection[str]) -> dict[str, list[str]]:
    """The halves of the languages with least and most pretraining text, where that is known."""
    tokens = {row["language"]: row["tokens"] for row in plain_rows(evidence.languages)}
    known = {x: tokens[x] for x in languages if tokens.get(x) is not None}
    if len(known) < len(languages) or len(known) < 4 or len(set(known.values())) < 2:
        return {}
    order = sorted(known, key=lambda language: (known[language], language))
    half = len(order) // 2
    return {LEAST: order[:half], "most pretraining text": order[-half:]}


def _beyond(
    table: Measured, arms: Sequence[Settings], ways: Ways, cells: Sequence[Cell]
) -> Contrast | None:
    """D minus C under the same examples, in the mean over k and intermediate stages."""
    alone = {way: None for way in WAYS if way == "tasks" or way.startswith("mix_")}
    pairs = [
        (arm, {arm["arm"]: 1.0, other["arm"]: -1.0})
        for of_k in ways.d.values()
        for arm in of_k
        if (other := twin(arm, arms, **alone))
    ]
    draws = _by_draw(table, pairs, cells)
    found = contrast_of_draws(table, draws) if draws else None
    return found if found and found.by_seed else None


def _by_draw(
    table: Measured, arms: Sequence[tuple[Settings, Mapping[str, float]]], cells: Sequence[Cell]
) -> list[Weighting]:
    """The mean of weighted arms of each draw, over those of the cells that they were scored in.

    Arms of one draw go on with the same examples and are no draws of their own.
    """
    found: dict[Any, list[Weighting]] = defaultdict(list)
    for arm, weights in arms:
        mine = [c for c in cells if all((name, *c) in table.scores.values for name in weights)]
        if mine:
            found[arm["draw"]].append(over(mine, weights))
    return [mean(parts) for parts in found.values()]


def _gains(
    evidence: Evidence, table: Measured, ways: Ways, cells: Sequence[Cell]
) -> list[dict[str, Any]]:
    """The gain of every way over A, one row a way and k."""
    plain = {
        "B intermediate, English": ways.b,
        "F translated training data": ways.f,
    }
    growing = {
        "C English, k examples": ways.c,
        "D intermediate, English, k examples": ways.d,
        "E k examples": ways.e,
    }
    sets: list[tuple[str, int | None, Sequence[Settings]]]
    sets = [(way, None, arms) for way, arms in plain.items()]
    sets += [(way, k, of[k]) for way, of in growing.items() for k in of]
    found = []
    for way, k, arms in sets:
        pairs = [(arm, {arm["arm"]: 1.0, evidence.baseline: -1.0}) for arm in arms]
        if draws := _by_draw(table, pairs, cells):
            gain = contrast_of_draws(table, draws).columns("gain")
            there = {place[1:] for weights in draws for place in weights}
            found.append({"way": way, "k": k, "arms": len(arms), "cells": len(there)} | gain)
    return with_holm(found)


def _against(k: int) -> str:
    return f"intermediate against {count(k)} examples"


def _worth(ways: Ways, cells: Sequence[Cell], places: Sequence[Place]) -> str:
    """How many examples a stage is worth, everywhere and where there was least text."""
    stages = [str(arm["tasks"]) for arm in ways.b]
    stage = stages[0] if len(stages) == 1 else f"the mean of {len(stages)}"
    languages, targets = ({cell[i] for cell in cells} for i in (1, 0))
    worth = {place.which: place.even.text for place in places}
    least = f" (with least pretraining text: {worth[LEAST]})" if LEAST in worth else ""
    return (
        f"an English intermediate stage ({stage}) is worth {worth[ALL]} labelled examples of the "
        f"language itself, over {amount(len(languages), 'language')} and "
        f"{amount(len(targets), 'target')}{least}"
    )


def _lead_words(whole: BreakEven, tested: Mapping[str, Contrast]) -> list[str]:
    """Clauses on the stage against the fewest and the most examples, and beside them."""
    verdicts = together(tested)
    told = []
    for k in sorted({whole.fewest, whole.most}):
        verb = said(
            verdicts[_against(k)],
            gain="better than",
            loss="worse than",
            undecided="not told from",
        )
        told.append(f"{verb} {count(k)} of them ({size(tested[_against(k)].estimate())})")
    parts = [f"it is {' and '.join(told)}"]
    if BEYOND in tested:
        verb = said(
            verdicts[BEYOND],
            gain="adds to them",
            loss="costs beside them",
            undecided="adds nothing to them that can be told",
        )
        parts.append(f"beside the same examples it {verb} ({size(tested[BEYOND].estimate())})")
    return parts


def _break_even_table(evidence: Evidence, places: Sequence[Place]) -> Table:
    known = {row["language"]: row for row in plain_rows(evidence.languages)}
    rows = []
    for place in places:
        inside = place.even.estimate(0)
        row = {"languages": place.which, "break_even": place.even.text, "examples": inside.value}
        of = known.get(place.which, {})
        row |= {"low": inside.low, "high": inside.high, "cells": len(place.cells)}
        rows.append(row | {name: of.get(name) for name in ("tokens", "distance")})
    return Table(
        name="break-even",
        title="How many examples of a language an English intermediate stage is worth",
        rows=frame(rows),
        note="< and >: beyond the numbers tried, and then there is no number in the columns.",
    )


def _curve(gains: Sequence[Mapping[str, Any]], sizes: Sequence[int]) -> Figure:
    rows = [
        dict(row) | {"k": k} for row in gains for k in (sizes if row["k"] is None else [row["k"]])
    ]
    return Figure(
        name="gain-by-examples",
        kind="curve",
        title="Gain over English target training alone, by examples of the language",
        data=frame(rows),
        x="k",
        y="gain",
        colour="way",
        low="low",
        high="high",
        note="Points; ways without examples are level lines; bands are 95 % intervals.",
    )


def _heat(places: Sequence[Place]) -> Figure:
    rows = [
        {"languages": place.which, "k": k, "lead": lead.test.mean}
        for place in places
        for k, lead in place.leads.items()
    ]
    return Figure(
        name="lead-by-language",
        kind="heat",
        title="Lead of an English intermediate stage over k examples, by language",
        data=frame(rows),
        x="k",
        y="languages",
        value="lead",
        note="Points: B minus C; above 0 the intermediate stage is better.",
    )


def _few_draws(ways: Ways) -> list[str]:
    """Where the choice of examples is in no interval."""
    found = []
    for way, of in {"C": ways.c, "D": ways.d, "E": ways.e}.items():
        few = [count(k) for k, arms in of.items() if len({arm["draw"] for arm in arms}) < FEWEST]
        if few:
            left = f"Fewer than {FEWEST} draws of k = {listing(few)} in {way}"
            found.append(f"{left}: intervals leave out the choice of examples.")
    return found
