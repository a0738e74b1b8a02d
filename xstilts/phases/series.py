"""Several arms from one entry: subsets of tasks, and one arm for each of several values."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from math import comb, gcd
from typing import Any, Literal

import numpy as np
from pydantic import Field, model_validator

from xstilts.core.seeds import derive
from xstilts.core.validation import refusal
from xstilts.phases.sections import Section

_TRIES = 1000


class Subsets(Section):
    """Arms that train on k of several tasks at once, each task as often as any other at every k.

    They are ordinary arms: mixtures of k tasks, where one task alone is trained as a mixture of
    one, so that k is all that differs. ``fixed-lab_mnli`` is one task, ``fixed-3.2`` the second
    subset of three, ``fixed-9`` all of nine.

    Attributes:
        name: what the names of the arms begin with.
        of: the tasks.
        sizes: every k.
        draws: subsets of a size, at least: as many more as it takes to have each task equally
            often, and never more than there are.
        seed: of the draws.
        law: of the mixtures.
        total: examples of every stage, whatever its k.
        each: examples for every task of a stage, which so grows with k.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9_.]+$")
    of: tuple[str, ...] = Field(min_length=2)
    sizes: tuple[int, ...] = Field(min_length=1)
    draws: int = Field(default=1, ge=1)
    seed: int = 0
    law: Literal["uniform", "proportional"] = "uniform"
    total: int | None = Field(default=None, ge=1)
    each: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _possible(self) -> "Subsets":
        if len(set(self.of)) < len(self.of) or len(set(self.sizes)) < len(self.sizes):
            raise refusal("", "Something stands twice in of or sizes", "each one once")
        for size in self.sizes:
            if not 1 <= size <= len(self.of):
                expected = f"sizes from 1 to {len(self.of)}"
                raise refusal("", f"There are no {size} of {len(self.of)} tasks", expected)
        if (self.total is None) == (self.each is None):
            what = f"Subsets have {'neither total nor each' if self.total is None else 'both'}"
            raise refusal("", what, "total: EXAMPLES of a stage, or each: EXAMPLES of a task")
        return self

    def drawn(self, size: int) -> list[tuple[str, ...]]:
        """The subsets of one size, in which every task stands equally often.

        The tasks are put in a random order, and windows of ``size`` are cut off one after the
        other, around its end and on from its start, until they end where they began.
        """
        n = len(self.of)
        windows = n // gcd(n, size)
        rounds = min(-(-self.draws // windows), comb(n, size) // windows)
        found: list[tuple[int, ...]] = []
        for draw in range(_TRIES):
            if len(found) == rounds * windows:
                return [tuple(self.of[i] for i in places) for places in found]
            chance = np.random.default_rng(derive(self.seed, "subsets", n, size, draw))
            order = chance.permutation(n).tolist() * 2
            starts = [w * size % n for w in range(windows)]
            new = [tuple(sorted(order[start : start + size])) for start in starts]
            found += new if not set(new) & set(found) else []
        what = f"No {rounds * windows} different subsets of {size} have each task equally often"
        raise refusal("", what, f"fewer draws than {self.draws}")

    def arms(self) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """The name and the stages of every arm."""
        for size in self.sizes:
            subsets = self.drawn(size)
            for i, tasks in enumerate(subsets):
                told = f"{size}.{i + 1}" if len(subsets) > 1 else str(size)
                mix = {"law": self.law, "examples": self.total or size * (self.each or 0)}
                own = tasks[0] if size == 1 else told
                yield f"{self.name}-{own}", [{"train": list(tasks), "mix": mix}]


def expanded(arms: Mapping[str, Any], subsets: Sequence[Subsets]) -> dict[str, Any]:
    """All arms: those that are written out, one for ``each`` value of others, and subsets.

    Raises:
        PydanticCustomError: for an entry that cannot be, and two arms of one name.
    """
    every: list[tuple[str, Any]] = []
    for name, said in arms.items():
        every += _for_each(name, said) if isinstance(said, dict) else [(name, said)]
    for several in subsets:
        every += several.arms()
    found: dict[str, Any] = {}
    for name, stages in every:
        if name in found:
            expected = "another name; that of several arms has every {key} of its `each`"
            raise refusal(f"arms.{name}", f"Two arms are called {name}", expected)
        found[name] = stages
    return found


def _for_each(name: str, said: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """``{each: {k: [10, 100]}, stages: […]}``: an arm for every combination of values.

    ``{k}`` stands for the value, in the name and in the stages.
    """
    values = said.get("each")
    lists = isinstance(values, dict) and values and all(_is_some(v) for v in values.values())
    if set(said) != {"each", "stages"} or not lists:
        expected = "stages: [STAGE, …], or {each: {k: [10, 100]}, stages: [… {k} …]}"
        raise refusal(f"arms.{name}", f"{name} is no list of stages", expected)
    assert isinstance(values, dict)
    for chosen in product(*values.values()):
        put = {f"{{{key}}}": value for key, value in zip(values, chosen, strict=True)}
        yield _put(name, put), _put(said["stages"], put)


def _is_some(values: Any) -> bool:
    """Whether it is a list of words and numbers."""
    simple = isinstance(values, list) and all(isinstance(v, str | int | float) for v in values)
    return bool(values) and simple


def _put(said: Any, put: Mapping[str, Any]) -> Any:
    """``said`` with values in their places; a value alone stays what it is, a number or a word."""
    if isinstance(said, dict):
        return {_put(key, put): _put(value, put) for key, value in said.items()}
    if isinstance(said, list):
        return [_put(one, put) for one in said]
    if not isinstance(said, str):
        return said
    if said in put:
        return put[said]
    for place, value in put.items():
        said = said.replace(place, str(value))
    return said
