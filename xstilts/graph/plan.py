"""Which steps a recipe needs, which of them are there, and in which order the rest runs."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import Any

from xstilts.core.errors import CorruptResultError, UnknownNameError
from xstilts.graph.step import Step
from xstilts.store import Store


class State(Enum):
    """What a plan knows about one step."""

    DONE = "done"
    MISSING = "missing"
    CORRUPT = "corrupt"
    PRUNED = "pruned"
    BLOCKED = "blocked"


@dataclass
class Plan:
    """Named promises and the files they are read from.

    Attributes:
        steps: every step under its readable name (`mnli/xnli@0`); one step may have several names.
        goals: the steps whose results are wanted; others are built only if a goal needs them.
        sources: where the bytes with a given digest lie.
        kept: keys of the steps whose weights outlive the run.
    """

    steps: Mapping[str, Step]
    goals: list[Step]
    sources: Mapping[str, Path] = field(default_factory=dict)
    kept: frozenset[str] = frozenset()

    def find(self, name: str) -> tuple[str, Step]:
        """The step with this name or unique prefix.

        Raises:
            UnknownNameError: when none or several match.
        """
        if name in self.steps:
            return name, self.steps[name]
        matching = [n for n in self.steps if n.startswith(name)]
        if len(matching) == 1:
            return matching[0], self.steps[matching[0]]
        raise UnknownNameError(
            "step",
            name,
            matching or self.steps,
            where="the name of a step",
            do="give a name or a prefix that only one step has; list them: xstilts plan RECIPE",
        )

    def name(self, step: Step) -> str:
        """A step's first readable name; its address and key if it has none."""
        return self._names.get(step.key, f"{step.address}@{step.key}")

    def label(self, step: Step) -> str:
        """A step's first readable name; its address if it has none, as files that are read."""
        return self._names.get(step.key, step.address)

    @cached_property
    def _names(self) -> dict[str, str]:
        return {s.key: n for n, s in reversed(list(self.steps.items()))}

    def unique(self) -> list[Step]:
        """Every step once, inputs before users."""
        return list(in_order(self.goals))


@dataclass(frozen=True)
class Status:
    """The state of every step that a plan's goals reach.

    ``to_run`` is in an order in which it can run.
    """

    states: Mapping[str, State]
    to_run: list[Step]
    blocked: list[Step]


def in_order(goals: Iterable[Step]) -> Iterator[Step]:
    """Every step once, inputs before users, depth first: what a goal needs stands together."""
    seen: set[str] = set()

    def visit(step: Step) -> Iterator[Step]:
        if step.key in seen:
            return
        seen.add(step.key)
        for needed in step.inputs.values():
            yield from visit(needed)
        yield step

    for goal in goals:
        yield from visit(goal)


def status(goals: Iterable[Step], store: Store, kept: Collection[str] = frozenset()) -> Status:
    """Compare promises with the store. Reads records, never weights.

    A step that is done is not looked behind; a goal whose key is in ``kept`` is done only with its
    weights. A step whose input ended without weights (a diverged
    training) is blocked, and so is all that needs it.
    """
    store.gather((step.address, step.key) for step in in_order(goals))
    states: dict[str, State] = {}
    to_run: list[Step] = []
    blocked: list[Step] = []
    barren: set[str] = set()

    def look(step: Step) -> State:
        try:
            record = store.record(step.address, step.key, step.identity)
        except CorruptResultError:
            return State.CORRUPT
        if record is None:
            return State.MISSING
        if is_barren(record["value"]):
            barren.add(step.key)
        return State.PRUNED if record["pruned"] else State.DONE

    def need(step: Step, *, files: bool) -> None:
        """Make sure that ``step`` will be there; ``files``: its files too, not only its record."""
        state = states.get(step.key) or look(step)
        states[step.key] = state
        if state in (State.DONE, State.BLOCKED) or (state is State.PRUNED and not files):
            return
        if step.key in queued:
            return
        for input_ in step.inputs.values():
            need(input_, files=True)
        if any(i.key in barren or states[i.key] is State.BLOCKED for i in step.inputs.values()):
            states[step.key] = State.BLOCKED
            blocked.append(step)
            return
        queued.add(step.key)
        to_run.append(step)

    queued: set[str] = set()
    for goal in goals:
        need(goal, files=goal.key in kept)
    return Status(states, to_run, blocked)


def unsound(goals: Iterable[Step], store: Store) -> list[tuple[Step, str]]:
    """Every result that does not match its record, with the reason; looks behind what is done."""
    store.gather((step.address, step.key) for step in in_order(goals))
    found = []
    for step in in_order(goals):
        try:
            store.record(step.address, step.key, step.identity)
        except CorruptResultError as error:
            found.append((step, str(error)))
    return found


def is_barren(value: Mapping[str, Any]) -> bool:
    """Whether a finished step left nothing for others to start from."""
    return value.get("verdict") == "diverged"
