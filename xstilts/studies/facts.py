"""Claims about data sets, judged by counting the files in the data folders and by nothing else.

A folder may hold a part of a release. Files that are not there contradict nothing: fewer than
were published count only where all that the catalogue knows of is there.
"""

from collections.abc import Sequence
from functools import singledispatch
from pathlib import Path

from xstilts.data.files import examples_in, expected, find, present
from xstilts.stats.benchmarks import XTREME
from xstilts.studies.claims import Claim, Examples, Languages, Untrained
from xstilts.studies.numerals import count, listing
from xstilts.studies.predicates import Judgement, Verdict
from xstilts.tasks import get_task
from xstilts.tasks.spec import SPLITS


@singledispatch
def counted_files(claim: Claim, roots: Sequence[Path]) -> Judgement:
    """What the files in ``roots`` say of a claim about data sets."""
    raise AssertionError(f"{type(claim).__name__} is not a claim about data sets")


@counted_files.register
def _(claim: Examples, roots: Sequence[Path]) -> Judgement:
    task = get_task(claim.task)
    state = examples_in(task, claim.split, "en", roots)
    if state.examples is None:
        return Judgement(verdict="not measured", note=f"no sound file: {state.detail}")
    whole = task.sizes.of(claim.split, "en")
    note = f"{count(state.examples)} examples are in the files"
    verdict = _equal(state.examples, claim.published)
    if state.examples < (claim.published if whole is None else whole):
        verdict = "not measured"
        known = "an unknown number" if whole is None else count(whole)
        note += f", of {known} that the release has"
    return Judgement(
        verdict=verdict,
        scope=f"{claim.task} {claim.split}, English",
        effect=state.examples,
        cells=listing([path.name for path in state.paths]),
        note=note,
    )


@counted_files.register
def _(claim: Languages, roots: Sequence[Path]) -> Judgement:
    found, known = {}, {}
    for name in claim.tasks:
        task = get_task(name)
        named = set(XTREME.languages.get(name) or task.languages)
        there = {lang for split in task.splits for lang in present(task, split, roots)}
        found[name], known[name] = there & named, named
    most = max(found, key=lambda name: len(found[name]))
    number = len(found[most])
    note = f"the most are those of {most}"
    if number < claim.published and any(found[name] < known[name] for name in found):
        verdict: Verdict = "not measured"
        note += "; more may have files elsewhere"
    else:
        verdict = _equal(number, claim.published)
    scope = f"files with gold of {listing(list(claim.tasks))}"
    told = ", ".join(f"{name}: {len(there)}" for name, there in found.items())
    return Judgement(verdict=verdict, scope=scope, effect=number, cells=told, note=note)


@counted_files.register
def _(claim: Untrained, roots: Sequence[Path]) -> Judgement:
    there, trained = [], []
    for name in claim.tasks:
        task = get_task(name)
        if any(present(task, split, roots) for split in SPLITS if split in task.splits):
            there.append(name)
        if task.train and find(get_task(task.train), "train", "en", roots):
            trained.append(name)
    scope = f"files of {listing(list(claim.tasks))}"
    if trained:
        note = f"{listing(trained)} has training files"
        return Judgement(verdict="contradicted", scope=scope, effect=len(trained), note=note)
    if len(there) < len(claim.tasks):
        lack = [name for name in claim.tasks if name not in there]
        places = listing([expected(get_task(x), get_task(x).score, _any(x))[0] for x in lack])
        return Judgement(verdict="not measured", scope=scope, note=f"no files: {places}")
    note = "their files are there, and no training file among them"
    return Judgement(verdict="supported", scope=scope, effect=0, note=note)


def _any(task: str) -> str:
    return get_task(task).languages[0]


def _equal(found: float, published: float) -> Verdict:
    return "supported" if found == published else "contradicted"
