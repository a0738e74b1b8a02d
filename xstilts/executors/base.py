"""The interface of an executor."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from xstilts.core.spec import Runtime
from xstilts.graph import Plan, Step
from xstilts.store import Store


@dataclass
class Outcome:
    """What a run did.

    Attributes:
        ran: addresses of the steps that were built here.
        reused: addresses of steps that another process built meanwhile.
        failed: what went wrong, by the step's name in the plan.
        not_run: names of steps that needed a failed one.
        blocked: addresses of steps that need weights of a training that diverged.
        set_aside: results that did not match their records and were built anew.
    """

    ran: list[str] = field(default_factory=list)
    reused: list[str] = field(default_factory=list)
    failed: dict[str, BaseException] = field(default_factory=dict)
    not_run: list[str] = field(default_factory=list)
    blocked: list[str] = field(default_factory=list)
    set_aside: list[str] = field(default_factory=list)


class Executor(Protocol):
    """Builds what is missing."""

    def run(
        self,
        plan: Plan,
        goals: Sequence[Step],
        store: Store,
        runtime: Runtime,
        say: Callable[[str], None],
    ) -> Outcome:
        """Build every missing step that ``goals`` need; a failure stops only what needs it."""
        ...
