"""Training data in other languages: official files, translations, and a few shots.

Models are selected on the English held-out examples of the task, whatever is trained on: no
development data of a target language is ever read (docs/decisions/0015-forms.md).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from xstilts.core.errors import DataError, RecipeError
from xstilts.data.files import examples_of, find, present
from xstilts.data.slices import Slice
from xstilts.phases.forms import LAB, OWN, SOURCE, FewShot, TranslatorChoice
from xstilts.phases.recipe import Recipe
from xstilts.phases.slices import RETRIEVED, Files, Leaking, Trained, is_trained, source_of
from xstilts.phases.stage_use import StageUse
from xstilts.phases.translated_files import layout, refuse_absent, roots_of
from xstilts.phases.translating import by_model, languages_of, translator_of
from xstilts.tasks import Split, Task, get_task


@dataclass(frozen=True)
class Spoken:
    """Which training data of a task.

    Attributes:
        task: as the recipe names it.
        language: of the data.
        translated: folder of translations, or model, as the recipe names it; None for official
            files.
    """

    task: str
    language: str = SOURCE
    translated: str | TranslatorChoice | None = None

    @property
    def plain(self) -> bool:
        """Whether it is what a stage is trained on that says nothing of a language."""
        return self.language == SOURCE


@dataclass(frozen=True)
class Few:
    """A few examples of a target in one language.

    Attributes:
        task: the target.
        language: of the examples.
        k: how many.
        draw: which draw.
        split: they are drawn from.
    """

    task: str
    language: str
    k: int
    draw: int
    split: Split


Other = Mapping[Spoken | Few, Trained]


def spoken_in(stage: StageUse, task: str, language: str | None = None) -> Spoken:
    """The training data of a task in a stage's language, or in one of those it says are ``own``."""
    language = language or stage.language or SOURCE
    return Spoken(task) if language == SOURCE else Spoken(task, language, stage.translated)


def spoken(
    recipe: Recipe,
    trainings: Mapping[str, Trained],
    slices: Mapping[str, Sequence[Slice]],
    files: Files,
    without: Leaking,
) -> dict[Spoken | Few, Trained]:
    """What arms train on in other languages than English, but for few shots.

    Raises:
        RecipeError: for a language in which a task has no training data.
        DataError: for translations that are not there.
    """
    found: dict[Spoken | Few, Trained] = {}
    for arm in recipe.arms:
        for stage in recipe.arms[arm]:
            if stage.language is None:
                continue
            if stage.translated == LAB and recipe.data != "lab":
                raise RecipeError(
                    f"The recipe reads no generated data, and {LAB} names its translations",
                    where=f"arms.{arm}: translated",
                    expected=f"a folder: {layout('DIR')}",
                    do="name the folder, or --set data=lab",
                )
            tasks = stage.tasks or tuple(t for t in recipe.targets if is_trained(recipe, t))
            if stage.language == OWN:
                wanted = [x for t in tasks for x in _there(recipe, t, slices[t], stage, files, arm)]
                _refuse_none(wanted, recipe, tasks, stage, arm)
            else:
                wanted = [spoken_in(stage, task) for task in tasks]
            for one in wanted:
                if not one.plain and one not in found:
                    found[one] = _in(recipe, one, trainings[one.task], files, without, arm)
    return found


def _there(
    recipe: Recipe, target: str, reported: Sequence[Slice], stage: StageUse, files: Files, arm: str
) -> list[Spoken]:
    """The training data that is here of a target, in its reported languages but English."""
    if get_task(target).kind in RETRIEVED:
        return []  # its candidates of all languages are ranked by one model
    others = [s.language for s in reported if s.language != SOURCE]
    if model := translator_of(stage.translated, files):
        return [spoken_in(stage, target, x) for x in languages_of(model, others, arm)]
    assert not isinstance(stage.translated, TranslatorChoice)
    source, said = source_of(recipe, target)
    sought = source.model_copy(update={"beside": ""}) if stage.translated else source
    found = []
    for language in others:
        roots = roots_of(files, stage.translated, source, language, arm)
        may_be = stage.translated is not None or language in source.languages
        planned = stage.translated is not None and not files.workplace.data
        if may_be and (planned or find(sought, said.from_ or "train", language, roots)):
            found.append(spoken_in(stage, target, language))
    return found


def _refuse_none(
    found: Sequence[Spoken], recipe: Recipe, targets: Sequence[str], stage: StageUse, arm: str
) -> None:
    if found:
        return
    names = list(dict.fromkeys(source_of(recipe, target)[0].name for target in targets))
    raise DataError(
        f"There is no training data in a reported language but English: {', '.join(names)}",
        where=f"arms.{arm}: language: {OWN}",
        expected=layout(str(stage.translated))
        if stage.translated
        else "the training files of a target in one of its languages",
        do="give translations: {language: own, translated: DIR}, or take the arm out",
    )


def _in(
    recipe: Recipe, one: Spoken, english: Trained, files: Files, without: Leaking, arm: str
) -> Trained:
    """The training slice in another language, and the English held-out one."""
    task, said = source_of(recipe, one.task)
    split, place = said.from_ or "train", f"arms.{arm}: language: {one.language}"
    if one.translated is None and one.language not in task.languages:
        raise RecipeError(
            f"{task.name} has no training data in {one.language}",
            where=place,
            expected=f"one of its languages ({', '.join(task.languages)}), or translations of it",
            do=f"{{train: {task.name}, language: {one.language}, translated: DIR}}",
        )
    leaking = without.get((task.name, leaking_split(split, one.language)), ())
    if model := translator_of(one.translated, files):
        train = by_model(model, task, one.language, english.train, leaking, files, arm)
        return Trained(train, english.held, english.origin)
    assert not isinstance(one.translated, TranslatorChoice)
    roots = roots_of(files, one.translated, task, one.language, arm)
    if one.translated is None:
        train = files.slice(
            task, split, one.language, at_most=said.sample, without=leaking, roots=roots
        )
    else:
        told = task.model_copy(update={"beside": ""})
        refuse_absent(files, one.translated, told, split, one.language, roots[0], arm)
        train = files.slice(
            told,
            split,
            one.language,
            without=leaking,
            roots=roots,
            translates=english.train,
        )
    return Trained(train, english.held, english.origin)


def leaking_split(split: str, language: str) -> str:
    """Under which name of a split the examples are kept that leak in a language."""
    return split if language == SOURCE else f"{split} ({language})"


def few_shots(
    recipe: Recipe,
    trainings: Mapping[str, Trained],
    slices: Mapping[str, Sequence[Slice]],
    files: Files,
    without: Leaking,
) -> dict[Spoken | Few, Trained]:
    """The few examples of every target and language that arms go on with.

    Raises:
        RecipeError: for a split that they cannot be drawn from, and for more than it has.
    """
    found: dict[Spoken | Few, Trained] = {}
    for arm in recipe.arms:
        stage = recipe.on_target(arm)
        if stage is None or stage.few_shot is None:
            continue
        for target in targets_with_shots(recipe):
            wanted = shots(recipe, target, stage.few_shot, slices[target], files, arm)
            new = [few for few in wanted if few not in found]
            _refuse_too_many(new, slices[target][0].split, files, without, arm)
            for few in new:
                leaking = _leaking(few, without)
                pool = files.slice(
                    get_task(target), few.split, few.language, sample=few.k, without=leaking
                ).model_copy(update={"draw": few.draw})
                english = trainings[target]
                found[few] = Trained(pool, english.held, english.origin)
    return found


def _leaking(few: Few, without: Leaking) -> tuple[str, ...]:
    return without.get((few.task, leaking_split(few.split, few.language)), ())


def _refuse_too_many(
    wanted: Sequence[Few], reported: Split, files: Files, without: Leaking, arm: str
) -> None:
    """Refuse more examples than the files have, or all of a split that is reported.

    No file is read further than it takes to know that it has enough; one that is not here is not
    read.
    """
    fewest: tuple[int, Few] | None = None
    for few in wanted:
        found = find(get_task(few.task), few.split, few.language, files.workplace.data)
        if found is None:
            continue
        leaking = set(_leaking(few, without))
        kept = (e for e in examples_of(found, few.language) if e.id not in leaking)
        there = sum(1 for _ in islice(kept, few.k + 1))
        if there < few.k + (few.split == reported) and (not fewest or there < fewest[0]):
            fewest = there, few
    if fewest is None:
        return
    there, few = fewest
    most, rest = there, ""
    if few.split == reported:
        most, rest = there - 1, ": what is not drawn is what is reported"
    raise RecipeError(
        f"{few.k} examples are asked for, {there} are there in {few.task} "
        f"({few.split}, {few.language})",
        where=f"arms.{arm}: few_shot.k",
        expected=f"k: at most {most}{rest}",
        do=f"lower k, as in few_shot: {{k: {most}}}, or name another split: from",
    )


def targets_with_shots(recipe: Recipe) -> list[str]:
    """Targets that can go on with a few examples: those that predict labels."""
    return [t for t in recipe.targets if get_task(t).kind not in RETRIEVED]


def shots(
    recipe: Recipe, target: str, said: FewShot, reported: Sequence[Slice], files: Files, arm: str
) -> list[Few]:
    """The few examples of a target in each reported language but English."""
    task = get_task(target)
    languages = [s.language for s in reported if s.language != SOURCE]
    if target not in files.pools:
        files.pools[target] = _pool(recipe, task, languages, files)
    split = said.from_ or files.pools[target]
    if split not in task.splits:
        raise RecipeError(
            f"{target} has no {split} split to draw from",
            where=f"arms.{arm}: few_shot.from",
            expected=f"one of its splits: {', '.join(task.splits)}",
            do="leave it out, or name another one",
        )
    return [Few(target, language, said.k, said.draw, split) for language in languages]


def _pool(recipe: Recipe, task: Task, languages: Sequence[str], files: Files) -> Split:
    """The first of train and dev with files in all languages that is not reported, else that."""
    reported = recipe.use(task.name).score.from_ or task.score
    for split in ("train", "dev"):
        if split == reported or split not in task.splits:
            continue
        here = present(task, split, files.workplace.data)
        if languages and set(languages) <= set(here):
            return split
    return reported


def not_given_away(others: Other, slices: Mapping[str, Sequence[Slice]]) -> list[Slice]:
    """What is trained on in other languages, but for examples drawn from a reported split."""
    return [
        data.train
        for one, data in others.items()
        if isinstance(one, Spoken) or one.split != slices[one.task][0].split
    ]


def given_away(target: str, reported: Sequence[Slice], others: Other) -> list[Slice]:
    """The reported slices without the groups that few-shot draws take from the same split.

    Of every draw the most examples that an arm takes are left out, for all arms alike. In a
    parallel set they are left out in all languages.
    """
    split = next((data.split for data in reported), None)
    most: dict[tuple[str, int], tuple[Few, Slice]] = {}
    for few, data in others.items():
        if isinstance(few, Few) and few.task == target and few.split == split:
            place = few.language, few.draw
            if place not in most or most[place][0].k < few.k:
                most[place] = few, data.train
    pools = [pool for _, (_, pool) in sorted(most.items())]

    def of(data: Slice) -> tuple[Slice, ...]:
        return tuple(p for p in pools if data.parallel or p.language == data.language)

    return [d.model_copy(update={"apart": of(d)}) if of(d) else d for d in reported]
