"""Counterparts of the intermediate tasks and targets, written in the official file formats.

What an item means is drawn once and put into words in every language, so that item i says the same
everywhere. A file's bytes depend on the seed, the sizes and the knobs only.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from xstilts.lab import choices, entities, formats, pairs, questions
from xstilts.lab.chance import Chance
from xstilts.lab.knobs import Knobs
from xstilts.lab.languages import CODES, SOURCE
from xstilts.lab.sentences import different_sentences
from xstilts.lab.splits import Part
from xstilts.tasks import get_task
from xstilts.tasks.variants import VARIANTS

Items = Sequence[Any]
Make = Callable[[Chance, Part, int, Knobs], Items]
_OTHERS = tuple(code for code in CODES if code != SOURCE)


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many items a file holds: those trained on, selected on and reported a language."""

    train: int = 4000
    dev: int = 400
    test: int = 400

    def of(self, part: Part) -> int:
        """The number of items of a part."""
        return int(getattr(self, part))


@dataclass(frozen=True, slots=True)
class File:
    """One split of a release.

    Attributes:
        name: under the task's folder; ``{code}`` is the language.
        part: which meanings it holds.
        languages: in which it is written.
    """

    name: str
    part: Part
    languages: tuple[str, ...] = (SOURCE,)


@dataclass(frozen=True, slots=True)
class Release:
    """The files of one task.

    Attributes:
        make: draws so many items of a part.
        write: items in a language as the text of a file.
        files: the splits.
        parallel: whether item i says the same in every language.
        translated: whether the training data exist in every language.
    """

    make: Make
    write: Callable[[Any, str], str]
    files: tuple[File, ...]
    parallel: bool = True
    translated: bool = True


def _each(make: Callable[..., Any], *rest: Any) -> Make:
    """Items one by one, from a function that takes knobs."""

    def several(chance: Chance, part: Part, count: int, knobs: Knobs) -> Items:
        return [make(chance, part, knobs, *rest) for _ in range(count)]

    return several


def _plain(make: Callable[[Chance, Part], Any]) -> Make:
    """Items one by one, from a function without knobs."""

    def several(chance: Chance, part: Part, count: int, knobs: Knobs) -> Items:
        return [make(chance, part) for _ in range(count)]

    return several


def _paragraphs(unanswerable: float = 0.0) -> Make:
    """Paragraphs with as many questions as asked for, three a paragraph."""

    def several(chance: Chance, part: Part, count: int, knobs: Knobs) -> Items:
        number = -(-count // 3)
        return [questions.paragraph(chance, part, knobs, 3, unanswerable) for _ in range(number)]

    return several


def _sentences(words: int, named: bool = False) -> Make:
    def several(chance: Chance, part: Part, count: int, knobs: Knobs) -> Items:
        return different_sentences(chance, part, count, words=words, named=named)

    return several


def _files(train: str = "", dev: str = "", test: str = "") -> tuple[File, ...]:
    """The training and development files in English, the reported one in every language."""
    return (
        *((File(train, "train"),) if train else ()),
        *((File(dev, "dev"),) if dev else ()),
        *((File(test, "test", CODES),) if test else ()),
    )


_REPORTED: tuple[Part, ...] = ("dev", "test")
_LEARNT: tuple[Part, ...] = ("train", "dev")
_TSV = ("train-{code}.tsv", "dev-{code}.tsv", "test-{code}.tsv")
RELEASES: Mapping[str, Release] = {
    "lab_anli_plus": Release(
        _each(pairs.inference),
        formats.anli_jsonl,
        _files("train.jsonl", "dev.jsonl"),
    ),
    "lab_mnli": Release(
        _each(pairs.inference), formats.mnli_tsv, _files("train.tsv", "dev_matched.tsv")
    ),
    "lab_qqp": Release(
        _each(pairs.paraphrase, True), formats.qqp_tsv, _files("train.tsv", "dev.tsv")
    ),
    "lab_squad_v1": Release(
        _paragraphs(),
        formats.squad_json,
        _files("train-v1.1.json", "dev-v1.1.json"),
    ),
    "lab_squad_v2": Release(
        _paragraphs(0.33),
        formats.squad_json,
        _files("train-v2.0.json", "dev-v2.0.json"),
    ),
    "lab_hellaswag": Release(
        _plain(choices.ending),
        formats.hellaswag_jsonl,
        _files("hellaswag_train.jsonl", "hellaswag_val.jsonl"),
    ),
    "lab_ccg": Release(
        _sentences(5), formats.ccg_auto, _files("train.auto", "dev.auto"), translated=False
    ),
    "lab_cosmosqa": Release(
        _plain(choices.culprit), formats.cosmosqa_csv, _files("train.csv", "valid.csv")
    ),
    "lab_commonsenseqa": Release(
        _plain(choices.company),
        formats.commonsenseqa_jsonl,
        _files("train_rand_split.jsonl", "dev_rand_split.jsonl"),
    ),
    "lab_copa": Release(
        _plain(choices.cause_or_effect),
        formats.copa_jsonl,
        (File("train.jsonl", "train"), File("val.jsonl", "dev"), File("test.jsonl", "test")),
    ),
    "lab_xnli": Release(_each(pairs.inference), formats.pair_tsv, _files("", *_TSV[1:])),
    "lab_pawsx": Release(_each(pairs.paraphrase), formats.pair_tsv, _files(*_TSV)),
    "lab_udpos": Release(_sentences(4), formats.pos_tsv, _files(*_TSV)),
    "lab_panx": Release(_sentences(4, True), formats.ner_tsv, _files(*_TSV)),
    "lab_xquad": Release(_paragraphs(), formats.squad_json, _files(test="xquad.{code}.json")),
    "lab_mlqa": Release(
        _paragraphs(),
        formats.squad_json,
        _files(
            dev="dev-context-{code}-question-{code}.json",
            test="test-context-{code}-question-{code}.json",
        ),
    ),
    "lab_tydiqa": Release(
        _paragraphs(),
        formats.squad_json,
        _files("tydiqa.goldp.{code}.train.json", test="tydiqa.goldp.{code}.dev.json"),
        parallel=False,
    ),
    "lab_xcopa": Release(
        _plain(choices.cause_or_effect), formats.copa_jsonl, _files(test="{code}/test.{code}.jsonl")
    ),
    "lab_lareqa": Release(_paragraphs(), formats.xquadr_json, _files(test="{code}.json")),
}


def export(
    folder: Path,
    *,
    seed: int = 0,
    sizes: Sizes = Sizes(),
    knobs: Mapping[str, Knobs] = MappingProxyType({}),
    translated: Sequence[str] = (),
) -> list[Path]:
    """Write the files of all tasks; returns them.

    Args:
        folder: where; a task's files come into a folder of its name.
        seed: of all that is drawn.
        sizes: of the files.
        knobs: task -> its knobs where they are not its own.
        translated: languages into which the training data are also put, item by item, under
            ``translated/LANGUAGE/``.
    """
    written: list[Path] = []

    def write(path: str, text: str) -> None:
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8", newline="\n")
        written.append(target)

    for name, release in RELEASES.items():
        for file in release.files:
            same: Items = ()
            for code in file.languages:
                if not same or not release.parallel:
                    same = _items(name, file.part, code, seed, sizes, knobs.get(name))
                write(f"{name}/{file.name.replace('{code}', code)}", release.write(same, code))
            if file.part == "train" and release.translated:
                for code in translated:
                    write(_translated(name, file, code), release.write(same, code))
    _retrieval(seed, sizes, write)
    return written


def translate(folder: Path, name: str, code: str, sizes: Sizes = Sizes()) -> Path | None:
    """Put the training data of one task into a language; returns the file.

    It has the items of :func:`export` with its default seed and knobs, one by one, and their ids.
    Nothing is written where it is there; None where the task has no translated data.
    """
    release = RELEASES.get(_origin(name))
    files = [f for f in release.files if f.part == "train"] if release else []
    if release is None or not files or not release.translated or code not in _OTHERS:
        return None
    target = folder / _translated(name, files[0], code)
    if not target.exists():
        _whole(target, release.write(_items(name, "train", SOURCE, 0, sizes, None), code))
    return target


def vary(folder: Path, name: str, sizes: Sizes = Sizes()) -> list[Path]:
    """Write the files of a task with one knob turned, ``lab_mnli_noise_30``; returns them.

    They come from the same stream of chance as those that :func:`export` writes of the task, so
    with the knob where it was they would be the same. Nothing is written where it is there.
    """
    release = RELEASES[_origin(name)]
    targets = {folder / name / file.name: file for file in release.files}
    for target, file in targets.items():
        if not target.exists():
            same = _items(name, file.part, SOURCE, 0, sizes, None)
            _whole(target, release.write(same, SOURCE))
    return list(targets)


def _whole(target: Path, text: str) -> None:
    """Write a file that another process may be reading, or writing too."""
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = target.with_name(f".{target.name}.{os.getpid()}")
    scratch.write_text(text, "utf-8", newline="\n")
    scratch.replace(target)


def _origin(name: str) -> str:
    """The task whose release this is, perhaps with a knob turned."""
    return VARIANTS[name][0] if name in VARIANTS else name


def knobs_of(name: str) -> Knobs:
    """A task's knobs as its declaration says; those that it does not have change nothing."""
    return Knobs(**get_task(name).knobs)  # type: ignore[arg-type]  # whole numbers and shares


def _items(name: str, part: Part, code: str, seed: int, sizes: Sizes, knobs: Knobs | None) -> Items:
    """The items of one part; where a task is not parallel, those of one language."""
    origin = _origin(name)
    release = RELEASES[origin]
    chance = Chance(seed, "task", origin, part, "" if release.parallel else code)
    knobs = knobs or knobs_of(name)
    times = knobs.times if part == "train" else 1
    return release.make(chance, part, times * sizes.of(part), knobs)


def _translated(name: str, file: File, code: str) -> str:
    return f"translated/{code}/{name}/{file.name.replace('{code}', code)}"


def _retrieval(seed: int, sizes: Sizes, write: Callable[[str, str], None]) -> None:
    """The tasks whose files belong together in pairs: Tatoeba, BUCC and Mewsli-X."""
    for code in _OTHERS:
        chance = Chance(seed, "task", "lab_tatoeba")
        pairs_of = different_sentences(chance, "test", sizes.test, words=6)
        for side, spoken in ((code, code), ("eng", SOURCE)):
            write(f"lab_tatoeba/tatoeba.{code}-eng.{side}", formats.lines(pairs_of, spoken))
    for part in _REPORTED:
        found: Sequence[Any] = ()
        for code in _OTHERS:
            found = found or _mined(Chance(seed, "task", "lab_bucc2018", part), part, sizes)
            ours, english, gold = found
            name = f"lab_bucc2018/{code}-en.{part}"
            write(f"{name}.{code}", formats.numbered([(f"{code}-{i}", s) for i, s in ours], code))
            write(f"{name}.en", formats.numbered([(f"en-{i}", s) for i, s in english], SOURCE))
            write(f"{name}.gold", "".join(f"{code}-{a}\ten-{b}\n" for a, b in gold))
    write("lab_mewslix/candidate_set_entities.jsonl", entities.descriptions())
    for part in _LEARNT:
        chance = Chance(seed, "task", "lab_mewslix_pairs", part)
        told = [entities.mention(chance, part) for _ in range(sizes.of(part))]
        write(f"lab_mewslix/wikipedia_pairs-{part}.jsonl", entities.pairs(told))
    for part in _REPORTED:
        chance = Chance(seed, "task", "lab_mewslix", part)
        found = [entities.mention(chance, part) for _ in range(sizes.of(part) // 4)]
        text = entities.mentions([(code, found) for code in CODES])
        write(f"lab_mewslix/wikinews_mentions-{part}.jsonl", text)


def _mined(chance: Chance, part: Part, sizes: Sizes) -> tuple[Items, Items, Items]:
    """Two collections of which a quarter are translations of each other, and the pairs."""
    drawn = different_sentences(chance, part, 7 * sizes.of(part) // 4, words=6)
    both = sizes.of(part) // 4
    alone = (len(drawn) - both) // 2
    ours = chance.mixed(drawn[: both + alone])
    english = chance.mixed([*drawn[:both], *drawn[both + alone :]])
    at = {sentence: i for i, sentence in enumerate(english)}
    gold = [(i, at[s]) for i, s in enumerate(ours) if s in at]
    return list(enumerate(ours)), list(enumerate(english)), gold
