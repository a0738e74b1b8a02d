"""The selection rule: which files, and which part of them, are trained on, selected on, reported.

Every trained task resolves to disjoint ``train``, ``held`` and ``score`` slices. Models are
selected on English held-out examples of the task trained on: the official dev set, unless it is
absent, is itself reported, or shares text with a reported split; then they are carved from the
training file.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from xstilts.core.errors import DataError, RecipeError, UnknownNameError
from xstilts.data.draw import HELD_MOST
from xstilts.data.files import Found, expected, find, present
from xstilts.data.slices import Part, Slice
from xstilts.phases.forms import TranslatorChoice
from xstilts.phases.recipe import Recipe
from xstilts.phases.task_use import Reported, Source
from xstilts.phases.workplace import Workplace
from xstilts.tasks import Split, Task, get_task
from xstilts.tasks.spec import FileSet

Leaking = Mapping[tuple[str, str], tuple[str, ...]]  # ids of examples by (task, split)

_OF_PARTS = FileSet(format="parts", names={})
RETRIEVED = ("retrieval", "mining", "ranking")  # kinds of which vectors are compared
NOT_HERE = "not here"  # stands for the digest of a file that a plan could not find


@dataclass(frozen=True)
class Trained:
    """The slices of one task that is trained on.

    Attributes:
        train: what the loss is computed on.
        held: what models are selected on.
        origin: where ``held`` comes from, in words.
    """

    train: Slice
    held: Slice
    origin: str

    @property
    def slices(self) -> tuple[Slice, Slice]:
        """Both."""
        return self.train, self.held


@dataclass
class Files:
    """Finds slices in the data folders and keeps track of what is not there.

    Attributes:
        workplace: for its data folders and digests.
        sources: path of every file that a slice reads, by digest.
        absent: one line a file that is missing.
        silent: target -> languages of the task that have no gold here.
        pools: target -> the split that few shots are drawn from unless a recipe names one.
        translators: translation models that are still on the hub, by name.
    """

    workplace: Workplace
    sources: dict[str, Path] = field(default_factory=dict)
    absent: list[str] = field(default_factory=list)
    silent: dict[str, tuple[str, ...]] = field(default_factory=dict)
    pools: dict[str, Split] = field(default_factory=dict)
    translators: dict[str, TranslatorChoice] = field(default_factory=dict)

    def slice(
        self,
        task: Task,
        split: Split,
        language: str,
        *,
        part: Part = "all",
        sample: int | None = None,
        at_most: int | None = None,
        without: Sequence[str] = (),
        roots: Sequence[Path] | None = None,
        translates: Slice | None = None,
    ) -> Slice:
        """One split in one language; digests say ``not here`` where the files are missing.

        Files are sought in ``roots``, the data folders if None.
        """
        roots = self.workplace.data if roots is None else roots
        parts = tuple(
            self.slice(get_task(name), other, language, roots=roots)
            for name, other in task.parts.get(split, {}).items()
        )
        found = None if parts else find(task, split, language, roots)
        if found is None and not parts:
            place = next((root for root in roots if root not in self.workplace.data), Path())
            names = " or ".join(str(place / x) for x in expected(task, split, language)[:3])
            line = f"{task.name} {split} {language}: {names}"
            self.absent += [] if line in self.absent else [line]
        files = found.files if found else next(iter(task.files), _OF_PARTS)
        return Slice(
            task=task.name,
            version=task.version,
            kind=task.kind,
            labels=task.labels,
            format=files.format,
            columns=found.files.columns if found else {},
            parallel=task.parallel,
            language=language,
            split=split,
            digests=tuple(d for p in parts for d in p.digests) or self._digests(found),
            part=part,
            sample=sample,
            at_most=at_most,
            without=tuple(without),
            rename=files.rename if found else {},
            codes=_codes(files, split, language) if found else {},
            parts=parts,
            translates=translates,
        )

    def _digests(self, found: Found | None) -> tuple[str, ...]:
        if found is None:
            return (NOT_HERE,)
        digests = tuple(self.workplace.digests.of(p) for p in found.paths)
        self.sources |= dict(zip(digests, found.paths, strict=True))
        return digests


def is_trained(recipe: Recipe, target: str) -> bool:
    """Whether a target is trained on before it is reported.

    Sentences are compared (Tatoeba, BUCC) by the encoder as the arm left it. Candidates are ranked
    (LAReQA, Mewsli-X) by a dual encoder that is trained for it, unless there is no data for that
    or the recipe says ``train: false``.
    """
    task = get_task(target)
    if task.kind not in RETRIEVED:
        return True
    wanted = recipe.use(target).train is not False
    return task.kind == "ranking" and task.train is not None and wanted


def sources(recipe: Recipe, name: str) -> tuple[str, ...]:
    """``name`` and the tasks whose training data it uses in turn; the last one has the files.

    Raises:
        RecipeError: when they lead in a circle, for a sample of data that a task does not have,
            and for `train: false` where nothing can be predicted without training.
    """
    chain = [name]
    while (after := _source_after(recipe, chain[-1])) is not None:
        chain.append(after)
        if after in chain[:-1]:
            raise RecipeError(
                f"{after} is trained on itself: {' -> '.join(chain)}",
                where=f"tasks.{chain[-2]}.train",
                expected="a task that has training data of its own",
                do=f"leave `train` out of tasks.{after}, or give a split: {{from: train}}",
            )
    return tuple(chain)


def _source_after(recipe: Recipe, name: str) -> str | None:
    said, task = recipe.use(name).train, get_task(name)
    if isinstance(said, str):
        return said
    if said is False and task.kind not in RETRIEVED:
        raise RecipeError(
            f"{name} cannot go without training: nothing else predicts its answers",
            where=f"tasks.{name}.train",
            expected=f"a split, or the name of a {task.kind} task with training data",
            do="leave it out",
        )
    if task.train in (None, name) or (said and said.from_):
        return None
    if said and said.sample:
        raise RecipeError(
            f"{name} has no training data of its own to draw from",
            where=f"tasks.{name}.train.sample",
            expected=f"a sample of {task.train}, which it is trained on",
            do=f"leave it out, and --set tasks.{task.train}.train.sample={said.sample}",
        )
    return task.train


def _codes(files: FileSet, split: Split, language: str) -> dict[str, str]:
    """The release's code of the language where no file name tells it, so that a column must."""
    named = any("{code}" in name for name in files.names[split])
    return {} if named or language not in files.codes else {language: files.codes[language]}


def source_of(recipe: Recipe, name: str) -> tuple[Task, Source]:
    """The task that ``name`` is trained on, and the recipe's word on its training data."""
    last = sources(recipe, name)[-1]
    said = recipe.use(last).train or Source()  # false: a target goes without, an arm does not
    assert isinstance(said, Source)
    return get_task(last), said


def trained(recipe: Recipe, name: str, files: Files, without: Leaking) -> Trained:
    """The slices of a stage on task ``name``, less the examples that leak.

    Raises:
        RecipeError: when the task has no training data, or the split is itself reported.
    """
    task, said = source_of(recipe, name)
    split = said.from_ or "train"
    if split not in task.splits:
        raise RecipeError(
            f"{task.name} has no {split} split",
            where=f"tasks.{task.name}.train",
            expected=f"one of its splits ({', '.join(task.splits)}), or another task's name",
            do="name a task of the same kind that has training data, or take it out",
        )
    if split in _reported_splits(recipe, task):
        raise RecipeError(
            f"{task.name} is trained on its {split} split, which is itself reported",
            where=f"tasks.{name}.train.from and targets",
            expected="training and reported splits that share no file",
            do="train from another split, or take the target out",
        )
    origin = _why_carve(recipe, task, split, files)
    if origin is None:
        leaking = without.get((task.name, "dev"), ())
        held = files.slice(task, "dev", "en", at_most=HELD_MOST, without=leaking)
        leaking = without.get((task.name, split), ())
        train = files.slice(task, split, "en", sample=said.sample, without=leaking)
        return Trained(train, held, "official dev split")
    leaking = without.get((task.name, split), ())
    train = files.slice(task, split, "en", part="train", sample=said.sample, without=leaking)
    held = train.model_copy(update={"part": "held", "sample": None})
    return Trained(train, held, f"carved from the {split} file: {origin}")


def _has_split(task: Task, split: Split, where: str) -> None:
    if split not in task.splits:
        raise RecipeError(
            f"{task.name} has no {split} split",
            where=where,
            expected=f"one that its files have: {', '.join(task.splits)}",
            do=f"name {split} files in its declaration, or another split: --set {where}.from=SPLIT",
        )


def _reported_splits(recipe: Recipe, task: Task) -> set[Split]:
    if task.name not in recipe.targets:
        return set()
    return {recipe.use(task.name).score.from_ or task.score}


def _why_carve(recipe: Recipe, task: Task, split: Split, files: Files) -> str | None:
    """Why the official dev split must not select, or None if it may."""
    if split == "dev":
        return "the dev split is trained on"
    if "dev" in _reported_splits(recipe, task):
        return "the dev split is reported"
    shared = [t for t in task.dev_overlaps if t in recipe.targets]
    if shared:
        return f"the dev split shares text with {', '.join(shared)}"
    here = find(task, "dev", "en", files.workplace.data)
    if here is None and (files.workplace.data or task.sizes.of("dev", "en") is None):
        return "no official dev split is here"
    return None


def scored(recipe: Recipe, name: str, files: Files) -> list[Slice]:
    """One slice a language of a target.

    Raises:
        DataError: when a language that the recipe names has no gold while others have.
        UnknownNameError: for a language that the task does not have.
    """
    task = get_task(name)
    said = recipe.use(name).score
    split = said.from_ or task.score
    _has_split(task, split, f"tasks.{name}.score")
    if task.kind == "mining" and (said.sample or said.at_most):
        raise RecipeError(
            f"{name} cannot be sampled: a sentence may be left without its translation",
            where=f"tasks.{name}.score.{'sample' if said.sample else 'at_most'}",
            expected="the whole of both collections",
            do="leave it out",
        )
    here = (
        present(task, split, files.workplace.data) or task.languages
    )  # a plan names what is absent
    wanted = here if recipe.languages == "present" else _named(recipe, task)
    missing = [language for language in wanted if language not in here]
    if missing or not wanted:
        language = missing[0] if missing else "en"
        raise DataError(
            f"{name} has no gold for {', '.join(missing) or 'any language'} ({split} split)",
            where=", ".join(str(d) for d in files.workplace.data),
            expected=" or ".join(expected(task, split, language)[:4]),
            do="put the file there, leave the language out of `languages`, or run: "
            f"xstilts data check {name}",
        )
    files.silent[name] = tuple(x for x in task.languages if x not in here)
    return [_drawn(files, task, split, language, said) for language in wanted]


def _drawn(files: Files, task: Task, split: Split, language: str, said: Reported) -> Slice:
    return files.slice(task, split, language, sample=said.sample, at_most=said.at_most)


def original(recipe: Recipe, name: str, reported: Sequence[Slice], files: Files) -> list[Slice]:
    """The English slice of a parallel set that is reported without it; nothing for others.

    It holds the examples with the same ids: a draw takes the same groups in every language. A
    recipe that allows leaks can do without it; others need its file.
    """
    task, said = get_task(name), recipe.use(name).score
    split = said.from_ or task.score
    translated = task.parallel and "en" in task.languages
    if not translated or any(s.language == "en" for s in reported):
        return []
    if recipe.leaks == "allow" and find(task, split, "en", files.workplace.data) is None:
        return []
    return [_drawn(files, task, split, "en", said)]


def tuned(recipe: Recipe, name: str, files: Files, reported: Sequence[Slice]) -> dict[str, Slice]:
    """The dev slices here that choose the threshold of mined pairs, by language.

    A reported dev split chooses nothing: its gold is halved instead.
    """
    task = get_task(name)
    if task.kind != "mining" or recipe.use(name).threshold == "oracle":
        return {}
    here = present(task, "dev", files.workplace.data)
    wanted = [s.language for s in reported if s.split != "dev" and s.language in here]
    return {language: files.slice(task, "dev", language) for language in wanted}


def _named(recipe: Recipe, task: Task) -> tuple[str, ...]:
    """The recipe's languages that the task has; one that no target has is an error.

    English is none: it is the source, and retrieval from English has no test set in it.
    """
    every = {"en", *(x for t in recipe.targets for x in get_task(t).languages)}
    for language in recipe.languages:
        if language not in every:
            raise UnknownNameError(
                "language",
                language,
                every,
                where=f"languages of recipe {recipe.recipe}",
                do="name languages of the targets by their shortest code; see: xstilts tasks NAME",
            )
    return tuple(x for x in recipe.languages if x in task.languages)


def refuse_overlap(used: Sequence[Slice], reported: Sequence[Slice]) -> None:
    """Refuse a file that is both trained or selected on and reported.

    Raises:
        RecipeError: naming both sides.
    """
    by_digest = {d: s for s in reported for d in s.digests if d != NOT_HERE}
    for side in used:
        for digest in side.digests:
            if digest in by_digest:
                other = by_digest[digest]
                raise RecipeError(
                    f"{side.task} trains or selects on a file that {other.task} "
                    f"({other.language}) reports",
                    where=f"tasks.{side.task} and targets",
                    expected="training, selection and reported slices that share no file",
                    do="choose another split for one of them",
                )
