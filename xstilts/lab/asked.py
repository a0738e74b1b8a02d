"""What somebody asks of an export in words: ``lab_mnli.noise=0.1``, ``sizes.train=500``."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from xstilts.core.errors import RecipeError, UnknownNameError
from xstilts.lab.export import RELEASES, Sizes, knobs_of
from xstilts.lab.knobs import Knobs
from xstilts.tasks import get_task

_DO = "such as --set lab_mnli.noise=0.1, or --set sizes.train=500"
_AT_LEAST = {"steps": 0, "length": 2, "labels": 2, "train": 1, "dev": 8, "test": 8}
_AT_MOST = {"labels": 3, "length": 8}


def asked_for(changes: Iterable[str]) -> tuple[Sizes, dict[str, Knobs]]:
    """Sizes, and the knobs of every task that has others than its own.

    Raises:
        UnknownNameError: for an unknown task, knob or part.
        RecipeError: for words that change nothing, and a value out of range.
    """
    sizes = asdict(Sizes())
    knobs: dict[str, dict[str, Any]] = {}
    for change in changes:
        path, _, value = change.partition("=")
        name, _, key = path.partition(".")
        if name != "sizes" and name not in RELEASES:
            raise UnknownNameError("task", name, [*RELEASES, "sizes"], where="--set", do=_DO)
        if name == "sizes":
            if key not in sizes:
                raise UnknownNameError("part", key, sizes, where="--set", do=_DO)
            _put(sizes, key, value, change)
        else:
            own = knobs.setdefault(name, asdict(knobs_of(name)))
            if key not in get_task(name).knobs:
                turns = get_task(name).knobs or ("none",)
                raise UnknownNameError(f"knob of {name}", key, turns, where="--set", do=_DO)
            _put(own, key, value, change)
    return Sizes(**sizes), {name: Knobs(**own) for name, own in knobs.items()}


def _put(held: dict[str, Any], key: str, value: str, change: str) -> None:
    share = isinstance(held[key], float)
    low, high = (0, 1) if share else (_AT_LEAST[key], _AT_MOST.get(key, 1_000_000))
    try:
        number = float(value) if share else int(value)
    except ValueError:
        number = high + 1
    if not low <= number <= high:
        raise RecipeError(
            f"{value or 'nothing'!r} is no value of {key}",
            where=f"--set {change}",
            expected=f"a {'share' if share else 'whole number'} from {low} to {high}",
            do=_DO,
        )
    held[key] = number
