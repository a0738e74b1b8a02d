"""What the name of somebody's gold file says: the release that it is of, and its language."""

import re
from fnmatch import fnmatchcase
from pathlib import Path, PurePath

from xstilts.core.errors import DataError, UnknownNameError
from xstilts.scoring.forms import FORMS
from xstilts.tasks import Task
from xstilts.tasks.spec import FileSet

_CODE = "{code}"


def release_of(task: Task, gold: Path) -> FileSet:
    """The release that names a file like this one, else one whose names end as this one does."""
    names = [(files, PurePath(name.replace(_CODE, "*")).name) for files, name in _names(task)]
    called = [files for files, name in names if fnmatchcase(gold.name, name)]
    alike = [files for files, name in names if PurePath(name).suffix == gold.suffix]
    return next(iter(called + alike), task.files[0])


def named_languages(task: Task, gold: Path) -> tuple[str, ...]:
    """The languages that the file's name tells by a release's ``{code}``.

    A name tells several where it has several codes: MLQA's dev-context-de-question-en.json.
    """
    for files, name in _names(task):
        told = _codes_in(task, files, name, gold.absolute())
        if told:
            return told
    return ()


def language_of(task: Task, gold: Path, asked: str | None) -> str | None:
    """The language of a gold file: what its name or ``asked`` tells, or the task's only one.

    None where nothing tells it.

    Raises:
        UnknownNameError: for a language that the task does not have.
        DataError: when ``asked`` is not what the name tells, or the name tells several languages.
    """
    if asked and asked not in task.languages:
        where = f"languages of {task.name}"
        do = "see: xstilts tasks"
        raise UnknownNameError("language", asked, task.languages, where=where, do=do)
    named = named_languages(task, gold)
    if asked and named and asked not in named:
        raise DataError(
            f"The file is not in {asked!r}: its name says {' and '.join(named)}",
            where=str(gold),
            expected=f"--language {named[0]}, as in the release's name, or a file in {asked}",
            do="leave --language out, or give the other file",
        )
    if len(named) > 1 and not asked:
        raise DataError(
            f"The name of the file says several languages: {' and '.join(named)}",
            where=str(gold),
            expected="--language: that of the answers (in MLQA that of the context, the first)",
            do=f"add --language {named[0]}",
        )
    only = task.languages[0] if len(task.languages) == 1 else None
    return asked or next(iter(named), only)


def usual_language(task: Task) -> str:
    """The language of a file of several languages whose name tells none: English.

    Raises:
        DataError: for a task without English.
    """
    if "en" not in task.languages:
        raise DataError(
            f"{task.name} has several languages and English is none of them",
            where="--language",
            expected=f"one of: {', '.join(task.languages)}, or a file with its release's name",
            do="name the language of the files, as in --language " + task.languages[0],
        )
    return "en"


def refuse_sentences(task: Task, gold: Path) -> None:
    """Refuse one of the two collections of a mining task, whose gold is a third file.

    Raises:
        DataError: for a file that is named like a release's sentences.
    """
    for files in task.files:
        for *sentences, pairs in files.names.values():
            if any(_codes_in(task, files, name, gold.absolute()) for name in sentences):
                raise DataError(
                    f"{gold.name} holds sentences of {task.name}, no pairs",
                    where=str(gold),
                    expected=f"{FORMS['mining'].gold}, as in {PurePath(pairs).name}",
                    do="give the file with the pairs as --gold",
                )


def _names(task: Task) -> list[tuple[FileSet, str]]:
    return [
        (files, name) for files in task.files for names in files.names.values() for name in names
    ]


def _codes_in(task: Task, files: FileSet, name: str, gold: Path) -> tuple[str, ...]:
    """The languages whose codes stand in ``gold`` where ``name`` has them.

    Folders count only where the file's own name has no code, as in ``{code}/test.tsv``.
    """
    parts = PurePath(name).parts
    if _CODE not in name:
        return ()
    last = max(i for i, part in enumerate(parts) if _CODE in part)
    wanted = "/".join(parts[last:])
    served = files.languages or task.languages
    languages = {files.codes.get(language, language): language for language in served}
    any_code = "|".join(map(re.escape, sorted(languages, key=len, reverse=True)))
    pattern = re.escape(wanted).replace(re.escape("*"), ".*")
    pattern = pattern.replace(re.escape(_CODE), f"({any_code})")
    told = re.fullmatch(pattern, "/".join(gold.parts[-len(parts[last:]) :]))
    return tuple(dict.fromkeys(languages[code] for code in told.groups())) if told else ()
