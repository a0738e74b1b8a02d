"""Folders of translations: where they lie, and what is answered when a file is not there."""

from pathlib import Path

from xstilts.core.errors import DataError, UnknownNameError
from xstilts.data.files import expected, find
from xstilts.lab.languages import CODES
from xstilts.phases.forms import LAB, SOURCE
from xstilts.phases.slices import Files
from xstilts.tasks import Split, Task


def layout(folder: str) -> str:
    """How a folder of translations is laid out, for messages."""
    return f"{folder}/LANGUAGE/, each with the files of a data folder"


def roots_of(
    files: Files, translated: str | None, task: Task, language: str, arm: str
) -> list[Path]:
    """The data folders in which the training files of a language are sought.

    Raises:
        DataError: where there is no folder of translations.
        UnknownNameError: for a language that the laboratory does not speak.
    """
    data = files.workplace.data
    if translated is None:
        return list(data)
    if translated == LAB:
        return [_laboratory(data[0], task, language, arm)]
    path = Path(translated).expanduser()
    places = [path] if path.is_absolute() else [path, *(d / path for d in data)]
    here = next((p for p in places if p.is_dir()), None)
    if here is None and not data:
        return [path / language]  # a plan names the files that are not there
    if here is None:
        raise DataError(
            f"There is no folder of translations {translated}",
            where=f"arms.{arm}: translated",
            expected=" or ".join(str(p.absolute()) for p in places),
            do=f"make it: {layout(translated)}; or a model: translated: {{path: DIR}}",
        )
    return [here / language]


def _laboratory(data: Path, task: Task, language: str, arm: str) -> Path:
    """The folder of a language, with the laboratory's translations of a task if it has any."""
    from xstilts.lab.export import translate

    if language not in CODES:
        do = "see them all: xstilts lab describe"
        others = [code for code in CODES if code != SOURCE]
        raise UnknownNameError(
            "language", language, others, where=f"arms.{arm}: language, in the laboratory", do=do
        )
    for name in dict.fromkeys(folder for f in task.files for folder in f.folders):
        translate(data, name, language)
    return data / "translated" / language


def refuse_absent(
    files: Files, translated: str, task: Task, split: Split, language: str, root: Path, arm: str
) -> None:
    """Refuse translations that lack the file of a task.

    A plan for which no data folder was named tells it as missing, like all other files.

    Raises:
        DataError: naming the folder and the file that should be in it.
    """
    if not files.workplace.data or find(task, split, language, [root]):
        return
    where = f"arms.{arm}: translated: {translated}"
    if translated == LAB:
        raise DataError(
            f"The laboratory does not translate the training data of {task.name}",
            where=where,
            expected="a task of which it says every item in every language",
            do=f"take {task.name} out of the arm, or give your own: translated: DIR",
        )
    lacks = f"{task.name} ({split})" if root.is_dir() else f"its folder {language}/"
    raise DataError(
        f"The translations into {language} lack {lacks}",
        where=where,
        expected=" or ".join(str(root.absolute() / p) for p in expected(task, split, language)[:3]),
        do="put the English training file there, translated: with its name, format, ids and labels",
    )
