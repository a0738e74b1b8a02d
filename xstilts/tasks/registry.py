"""The catalogue: one YAML file a task, read when it is asked for; and the user's own tasks.

An own task is declared in the same words in a file of the user's. It is known in this process from
the moment on that :func:`declare` has read it; processes that are started get it from the one that
starts them (:func:`own_tasks`, :func:`know`).
"""

from collections.abc import Iterable
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from xstilts.core import yaml12
from xstilts.core.errors import DataError, UnknownNameError
from xstilts.core.validation import validated
from xstilts.tasks.spec import Task
from xstilts.tasks.variants import VARIANTS, turned

_CATALOG = resources.files("xstilts.tasks") / "catalog"
_MEND = "mend {key} in the declaration"
_METRICS = {
    "pair": ["accuracy"],
    "choice": ["accuracy"],
    "span": ["em_f1", "f1", "exact_match"],
    "tagging": ["f1", "accuracy"],
    "retrieval": ["accuracy"],
    "mining": ["f1"],
    "ranking": ["map@20"],
}
_own: dict[str, Task] = {}


@cache
def _shipped() -> tuple[str, ...]:
    names = (f.name for f in _CATALOG.iterdir())
    written = (n.removesuffix(".yaml") for n in names if n.endswith(".yaml"))
    return tuple(sorted((*written, *VARIANTS)))


def task_names() -> tuple[str, ...]:
    """Names of all tasks of the catalogue and of the user's own ones, sorted."""
    return tuple(sorted((*_shipped(), *_own)))


def get_task(name: str) -> Task:
    """The task called ``name``.

    Raises:
        UnknownNameError: when no task has that name.
        DataError: when its declaration does not hold together.
    """
    if name in _own:
        return _own[name]
    if name not in _shipped():
        raise UnknownNameError(
            "task",
            name,
            task_names(),
            where="the task's name",
            do="see them all: xstilts tasks; your own is named by its file, as in reviews.yaml",
        )
    return _from_catalog(name)


@cache
def _from_catalog(name: str) -> Task:
    task = VARIANTS[name][0] if name in VARIANTS else name
    file = _CATALOG / f"{task}.yaml"
    raw = yaml12.parse(file.read_text("utf-8"))
    raw = turned(raw, name) if name in VARIANTS else raw
    return validated(Task, raw, str(file), error=DataError, do=_MEND)


def open_task(name: str) -> Task:
    """The task called ``name``, or the user's own one in the YAML file of that name."""
    return declare(Path(name)) if name.endswith((".yaml", ".yml")) else get_task(name)


def declare(file: Path) -> Task:
    """Read a user's own declaration and make its task known by its name.

    What the catalogue always says may be left out: version, about, citation, licence, metrics (then
    those of the kind), train (then itself, if it has a train split). Files are searched beside the
    declaration first.

    Raises:
        DataError: for a file that is no sound declaration, or has a name of the catalogue.
        UnknownNameError: for a key that declarations do not have.
    """
    raw = _yaml(file)
    name = raw.get("name")
    if name in _shipped():
        raise DataError(
            f"The catalogue has a task {name!r} already",
            where=f"{file}: name",
            expected="a name of its own",
            do=f"call it my_{name}",
        )
    task = validated(Task, _filled_in(raw, file), str(file), error=DataError, do=_MEND)
    know([task])
    return task


def own_tasks() -> tuple[Task, ...]:
    """The user's own tasks that this process knows."""
    return tuple(_own.values())


def know(tasks: Iterable[Task]) -> None:
    """Make own tasks known by their names; a declaration that was read again replaces the old."""
    _own.update((task.name, task) for task in tasks)


def _yaml(file: Path) -> dict[str, Any]:
    try:
        return yaml12.keys_in(
            file,
            DataError,
            expected="name:, kind:, labels:, languages:, files:",
            do="start from an example of the README",
        )
    except OSError as error:
        raise DataError(
            f"The declaration cannot be read: {error.strerror or error}",
            where=str(file.absolute()),
            expected="a YAML file that declares a task",
            do="check the path (own_tasks counts from the recipe's folder, --set from here)",
        ) from None


def _filled_in(raw: dict[str, Any], file: Path) -> dict[str, Any]:
    """The declaration with what may be left out."""
    usual: dict[str, Any] = {
        "version": 1,
        "about": "",
        "citation": "",
        "license": "not stated",
        "metrics": _METRICS.get(str(raw.get("kind")), ["accuracy"]),
        "beside": str(file.absolute().parent),
    }
    releases = raw.get("files")
    releases = releases if isinstance(releases, list) else [releases]
    named = [r.get("names") for r in releases if isinstance(r, dict)]
    if any("train" in names for names in named if isinstance(names, dict)):
        usual["train"] = raw.get("name")
    languages = raw.get("languages")
    if isinstance(languages, list) and all(isinstance(x, str) for x in languages):
        raw = raw | {"languages": sorted(set(languages))}
    return usual | raw
