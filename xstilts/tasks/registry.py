"""The catalogue: one YAML file a task, read when it is asked for."""

from functools import cache
from importlib import resources

from pydantic import ValidationError

from xstilts.core import yaml12
from xstilts.core.errors import DataError, UnknownNameError
from xstilts.tasks.spec import Task

_CATALOG = resources.files("xstilts.tasks") / "catalog"


@cache
def task_names() -> tuple[str, ...]:
    """Names of all tasks of the catalogue, sorted."""
    return tuple(
        sorted(f.name.removesuffix(".yaml") for f in _CATALOG.iterdir() if f.name.endswith(".yaml"))
    )


@cache
def get_task(name: str) -> Task:
    """The task called ``name``.

    Raises:
        UnknownNameError: when the catalogue has none of that name.
        DataError: when its declaration does not hold together.
    """
    if name not in task_names():
        raise UnknownNameError(
            "task", name, task_names(), where="the task's name", do="see them all: xstilts tasks"
        )
    file = _CATALOG / f"{name}.yaml"
    try:
        return Task.model_validate(yaml12.parse(file.read_text("utf-8")))
    except ValidationError as error:
        raise DataError(
            f"The declaration of task {name!r} is not valid",
            where=str(file),
            expected=str(error),
            do="mend the declaration",
        ) from None
