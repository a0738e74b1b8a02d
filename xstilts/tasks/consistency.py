"""What holds a task's declaration together beyond the form of its values.

Whoever declares a task of their own sees these messages, so each says the key that is wrong and
what should stand there.
"""

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from xstilts.core.validation import refusal

if TYPE_CHECKING:
    from xstilts.tasks.spec import FileSet, HubSource, Task

# Formats without columns of their own: a file set says which of the file's columns are read.
_MAPPED = ("csv", "glue_tsv", "json", "jsonl", "qqp_tsv")
_TABLES = ("csv", "glue_tsv", "qqp_tsv")  # whose cells hold no lists
_COLUMNS: Mapping[str, tuple[set[str], set[str]]] = {  # needed, and possible beside
    "pair": ({"first", "label"}, {"id", "group", "language", "second"}),
    "choice": ({"label"}, {"id", "group", "language", "context", "question"}),
    "tagging": ({"words", "tags"}, {"id", "group", "language"}),
}
_OF_MEANINGS = {"different", "same"}  # the labels that a dictionary gives
METRICS: Mapping[str, tuple[str, ...]] = {  # that the scores of a kind have; `xstilts.scoring`
    "pair": ("accuracy", "macro_f1"),
    "choice": ("accuracy", "macro_f1"),
    "span": ("em_f1", "f1", "exact_match"),
    "tagging": ("f1", "accuracy"),
    "retrieval": ("accuracy", "recall@1", "xsim"),
    "mining": ("f1", "precision", "recall"),
    "ranking": ("map@20",),
}


def refuse_inconsistent(task: "Task") -> None:
    """Refuse a declaration whose values do not go together.

    Raises:
        PydanticCustomError: with the key, what is wrong and what is expected.
    """
    _name_and_languages(task)
    _labels(task)
    _metrics(task)
    if bool(task.files) == bool(task.parts):
        raise refusal("files", "A task has either files or parts", "one of the two keys")
    for files in task.files:
        _names(task, files)
        if files.format in _MAPPED:
            _columns(task, files)
        if files.format == "dictionary_tsv":
            _dictionary(task)
    if task.hub and task.hub.files:
        _on_the_hub(task, task.hub)


def _name_and_languages(task: "Task") -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", task.name):
        expected = "small letters, digits and _, with a letter first"
        raise refusal("name", f"No task can be called {task.name!r}", expected)
    for language in task.languages:
        if not re.fullmatch(r"[a-z]{2,8}(-[A-Za-z0-9]{1,8})*", language):
            expected = "the shortest BCP-47 code, such as en, rw or zh-Hant"
            raise refusal("languages", f"{language!r} is no code of a language", expected)
    if list(task.languages) != sorted(set(task.languages)):
        raise refusal("languages", "The languages are not in order", "each once, sorted")
    if task.train == task.name and "en" not in task.languages:
        what = "A task that is trained on has no English"
        raise refusal("languages", what, "en among them: training and selection are in English")


def _labels(task: "Task") -> None:
    if task.open_labels and (task.kind != "tagging" or task.labels):
        what = f"A {task.kind} task with labels that are left open"
        raise refusal("open_labels", what, "a tagging task that lists no labels")
    if task.kind in ("pair", "tagging") and not task.open_labels:
        if len(task.labels) < 2 or len(set(task.labels)) < len(task.labels):
            what = (
                f"A {task.kind} task lists its labels"
                if not task.labels
                else (f"The labels are {', '.join(task.labels)}")
            )
            raise refusal("labels", what, "two or more, each once: [negative, positive]")
    if task.kind == "choice" and (task.choices or 0) < 2:
        what = "A choice task says how many choices there are"
        raise refusal("choices", what, "a number from 2 on, as in choices: 4")


def _metrics(task: "Task") -> None:
    for metric in task.metrics:
        if metric not in METRICS[task.kind]:
            what = f"No metric of a {task.kind} task is called {metric!r}"
            raise refusal("metrics", what, f"one or more of: {', '.join(METRICS[task.kind])}")


def _names(task: "Task", files: "FileSet") -> None:
    """File names: below the folder, with no placeholder but ``{code}``, one for each language.

    Of the two files of translations, the English one may serve all languages.
    """
    for split, names in files.names.items():
        paired = task.kind in ("retrieval", "mining") and any("{code}" in name for name in names)
        for name in names:
            unknown = set(re.findall(r"\{[^}]*\}?", name)) - {"{code}"}
            if unknown or name.startswith("/") or ".." in name.split("/"):
                what = f"{name!r} names no file of the {split} split"
                expected = (
                    "a path below the folder of the declaration; {code} stands for the language"
                )
                raise refusal("files.names", what, expected)
            told_apart = paired or "{code}" in name or "language" in files.columns
            if task.beside and split != "train" and len(task.languages) > 1 and not told_apart:
                what = f"All languages would be read from the one file {name!r}"
                expected = "{code} in its name, or a column of languages: columns: {language: …}"
                raise refusal("files.names", what, expected)
    for key, named in (("codes", files.codes), ("languages", files.languages)):
        for language in sorted(set(named) - set(task.languages)):
            what = f"{key} has {language!r}, which is none of the task's languages"
            raise refusal(f"files.{key}", what, f"one of: {', '.join(task.languages)}")


def _on_the_hub(task: "Task", hub: "HubSource") -> None:
    """Each file of the hub is one that a reader looks for, of a commit."""
    if hub.revision is None:
        raise refusal("hub.revision", "Files of the hub have no commit", "its 40 hex digits")
    read = {
        str(PurePosixPath(folder, name.replace("{code}", files.codes.get(language, language))))
        for files in task.files
        for language in files.languages or task.languages
        for folder in files.folders
        for names in files.names.values()
        for name in names
    }
    for place in hub.files:
        if not any(fnmatchcase(place, wanted) for wanted in read) or {"", ".."} & set(
            place.split("/")
        ):
            what = f"hub.files has {place!r}, which is no file that is read"
            raise refusal("hub.files", what, f"FOLDER/NAME, such as {min(read)}")


def _dictionary(task: "Task") -> None:
    if task.kind != "pair":
        what = f"Files of the format dictionary_tsv hold no {task.kind} task"
        raise refusal("files.format", what, "kind: pair")
    if set(task.labels) != _OF_MEANINGS:
        what = f"A dictionary has no labels {', '.join(task.labels)}"
        raise refusal("labels", what, "labels: [different, same]")


def _columns(task: "Task", files: "FileSet") -> None:
    if task.kind not in _COLUMNS or (task.kind == "tagging" and files.format in _TABLES):
        what = f"Files of the format {files.format} hold no {task.kind} task"
        fitting = {"span": "squad_json", "tagging": "jsonl, json, tagged_tsv or conllu"}
        raise refusal("files.format", what, fitting.get(task.kind, "another kind or format"))
    needed, possible = _COLUMNS[task.kind]
    needed = needed | {f"choice{i}" for i in range(task.choices or 0)}
    for role in sorted(needed - set(files.columns)):
        what = f"`columns` does not say which column is `{role}`"
        raise refusal("files.columns", what, f"{role}: COLUMN, as the file calls it")
    for role in sorted(set(files.columns) - needed - possible):
        known = ", ".join(sorted(needed | possible))
        what = f"`columns` has no `{role}` in a {task.kind} task"
        raise refusal("files.columns", what, f"one of: {known}")
