"""This machine: one process after the other, or a few side by side."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from pathlib import Path
from typing import Any

from xstilts.core.errors import CorruptResultError
from xstilts.core.spec import Runtime
from xstilts.executors.base import Outcome
from xstilts.executors.build import build
from xstilts.executors.workers import workers
from xstilts.graph import Plan, Step
from xstilts.graph.plan import Status, is_barren, status
from xstilts.store import Store

Say = Callable[[str], None]


class LocalExecutor:
    """The executor of laptops and tests."""

    def run(
        self, plan: Plan, goals: Sequence[Step], store: Store, runtime: Runtime, say: Say
    ) -> Outcome:
        """Build every missing step that ``goals`` need; a failure stops only what needs it.

        A result that does not match its record is set aside and built anew, once.
        """
        outcome = Outcome()
        while True:
            outcome.failed, outcome.not_run = {}, []  # of this pass: a rebuild tries them again
            found = status(goals, store)
            outcome.blocked = [s.address for s in found.blocked]
            for step in self._reached(goals):
                if step.key in found.corrupt and step.address not in outcome.set_aside:
                    self._set_aside(step, found.corrupt[step.key], store, outcome, say)
            try:
                self._build(found, plan.sources, store, runtime, say, outcome)
            except CorruptResultError as error:
                if not self._set_aside_unsound(goals, store, outcome, say):
                    raise error
                continue
            if runtime.keep_weights == "intermediate":
                drop_weights(plan, store)
            return outcome

    def _build(
        self,
        found: Status,
        sources: Mapping[str, Path],
        store: Store,
        runtime: Runtime,
        say: Say,
        outcome: Outcome,
    ) -> None:
        if runtime.workers > 1:
            _side_by_side(found.to_run, sources, store, runtime, say, outcome)
            return
        broken: set[str] = set()
        blocked: set[str] = set()
        for number, step in enumerate(found.to_run, 1):
            if _cannot_run(step, broken, blocked, store, outcome):
                continue
            where = f"[{number}/{len(found.to_run)}] {step.address}"
            say(where)
            try:
                done = build(step, store, sources, runtime, lambda m, w=where: say(f"{w}  {m}"))  # type: ignore[misc]
                (outcome.ran if done else outcome.reused).append(step.address)
            except CorruptResultError:
                raise
            except Exception as error:
                broken.add(step.key)
                outcome.failed[step.address] = error
                say(f"{where}  failed: {str(error).splitlines()[0]}")

    def _reached(self, goals: Sequence[Step]) -> list[Step]:
        return Plan({}, list(goals)).unique()

    def _set_aside(self, step: Step, reason: str, store: Store, outcome: Outcome, say: Say) -> None:
        place = store.set_aside(step.address, step.key)
        outcome.set_aside.append(step.address)
        say(f"{step.address}: {reason}; set aside as {place}, built anew")

    def _set_aside_unsound(
        self, goals: Sequence[Step], store: Store, outcome: Outcome, say: Say
    ) -> bool:
        """Check every byte that the plan reads; True if something was set aside."""
        before = len(outcome.set_aside)
        for step in self._reached(goals):
            try:
                if store.record(step.address, step.key) is not None:
                    store.open(step.address, step.key, step.identity)
            except CorruptResultError as error:
                self._set_aside(step, str(error), store, outcome, say)
        return len(outcome.set_aside) > before


def _cannot_run(
    step: Step, broken: set[str], blocked: set[str], store: Store, outcome: Outcome
) -> bool:
    """Whether an input failed, or ended without weights while this run was under way."""
    if any(i.key in broken for i in step.inputs.values()):
        broken.add(step.key)
        outcome.not_run.append(step.address)
        return True
    if any(i.key in blocked or _left_nothing(i, store) for i in step.inputs.values()):
        blocked.add(step.key)
        outcome.blocked.append(step.address)
        return True
    return False


def _left_nothing(step: Step, store: Store) -> bool:
    record = store.record(step.address, step.key) if step.stage.weights else None
    return record is not None and is_barren(record["value"])


def _side_by_side(
    steps: Sequence[Step],
    sources: Mapping[str, Path],
    store: Store,
    runtime: Runtime,
    say: Say,
    outcome: Outcome,
) -> None:
    """Run steps in worker processes as soon as their inputs are there."""
    waiting = list(steps)
    pending = {s.key for s in steps}
    broken: set[str] = set()
    blocked: set[str] = set()
    running: dict[Future[bool], Step] = {}
    with workers(store.root, sources, runtime, say) as submit:
        while waiting or running:
            for step in list(waiting):
                if len(running) >= runtime.workers:
                    break
                if any(i.key in pending for i in step.inputs.values()):
                    continue
                waiting.remove(step)
                if _cannot_run(step, broken, blocked, store, outcome):
                    pending.discard(step.key)
                    continue
                where = f"[{len(steps) - len(waiting)}/{len(steps)}] {step.address}"
                say(where)
                running[submit(step, where)] = step
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                step = running.pop(future)
                pending.discard(step.key)
                error = future.exception()
                if isinstance(error, CorruptResultError):
                    raise error
                if error is not None:
                    broken.add(step.key)
                    outcome.failed[step.address] = error
                else:
                    (outcome.ran if future.result() else outcome.reused).append(step.address)


def drop_weights(plan: Plan, store: Store) -> None:
    """Delete weights of target stages whose predictions are all there; their records stay."""
    users: Counter[str] = Counter()
    done: Counter[str] = Counter()
    for step in plan.unique():
        present = _record(step, store) is not None
        for needed in step.inputs.values():
            users[needed.key] += 1
            done[needed.key] += present
    for step in plan.unique():
        record = _record(step, store) if step.stage.weights else None
        if record is None or record["pruned"] or step.key in plan.kept:
            continue
        if users[step.key] == done[step.key]:
            names = [n for n in record["files"] if Path(n).match(step.stage.weights[0])]
            store.prune(step.address, step.key, names)


def _record(step: Step, store: Store) -> dict[str, Any] | None:
    """The step's record if its result is sound."""
    try:
        return store.record(step.address, step.key)
    except CorruptResultError:
        return None
