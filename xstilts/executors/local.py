"""This machine: one process after the other, or a few side by side."""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from xstilts.core.errors import CorruptResultError
from xstilts.core.spec import Runtime
from xstilts.executors.base import Outcome
from xstilts.executors.build import build
from xstilts.executors.workers import Answer, Worker, ready
from xstilts.graph import Plan, Step
from xstilts.graph.plan import in_order, is_barren, status, unsound
from xstilts.store import Store

Say = Callable[[str], None]


class LocalExecutor:
    """The executor of laptops and tests."""

    def run(
        self, plan: Plan, goals: Sequence[Step], store: Store, runtime: Runtime, say: Say
    ) -> Outcome:
        """Build every missing step that ``goals`` need; a failure stops only what needs it.

        Every result that the goals reach is compared with its record (sizes; every byte when it is
        read): one that does not match is set aside and built anew, also behind a finished goal.
        """
        outcome = Outcome()
        wanted = list(goals)
        names = [(step.address, step.key) for step in in_order(goals)]
        wanted += _set_aside(unsound(goals, store), store, outcome, say)
        while True:
            outcome.failed, outcome.not_run = {}, []  # of this pass: a rebuild tries them again
            found = status(wanted, store, plan.kept)
            outcome.blocked = [s.address for s in found.blocked]
            try:
                store.share(names)
                _Pass(found.to_run, plan, store, runtime, say, outcome).build()
                if runtime.keep_weights == "intermediate":
                    drop_weights(plan, store)
                store.share(names)
                return outcome
            except CorruptResultError as error:
                aside = _set_aside(changed(wanted, store), store, outcome, say)
                if not aside:
                    raise error
                wanted += aside


def _set_aside(
    found: Iterable[tuple[Step, str]], store: Store, outcome: Outcome, say: Say
) -> list[Step]:
    steps = []
    for step, reason in found:
        place = store.set_aside(step.address, step.key)
        outcome.set_aside.append(step.address)
        say(f"{step.address}: {reason}; set aside as {place}, built anew")
        steps.append(step)
    return steps


def changed(goals: Sequence[Step], store: Store) -> Iterator[tuple[Step, str]]:
    """Every result here that does not match its record by any byte, with the reason."""
    for step in in_order(goals):
        try:
            if store.is_here(step.address, step.key):
                store.open(step.address, step.key, step.identity)
        except CorruptResultError as error:
            yield step, str(error)


@dataclass
class _Pass:
    """One attempt at all steps that are missing.

    Attributes:
        steps: what to build, inputs before users.
        broken: keys of the steps that failed or needed one that did.
        blocked: keys of the steps that need weights of a training that diverged.
    """

    steps: list[Step]
    plan: Plan
    store: Store
    runtime: Runtime
    say: Say
    outcome: Outcome
    broken: set[str] = field(default_factory=set)
    blocked: set[str] = field(default_factory=set)
    begun: int = 0

    def build(self) -> None:
        """Build everything that can be built.

        Raises:
            CorruptResultError: when an input does not match its record.
        """
        if self.runtime.workers > 1:
            with self.workers() as idle:
                self.side_by_side(idle)
        else:
            self.in_turn()

    def in_turn(self) -> None:
        """Run the steps in this process."""
        for step in self.steps:
            if self.cannot_run(step):
                continue
            name = self.begin(step)
            try:
                answer: Answer = build(
                    step,
                    self.store,
                    self.plan.sources,
                    self.runtime,
                    lambda m, n=name: self.say(f"{n}  {m}"),  # type: ignore[misc]
                )
            except (CorruptResultError, KeyboardInterrupt, SystemExit):
                raise
            except BaseException as error:  # a panic of a library in Rust is no Exception
                answer = error
            self.end(step, name, answer)

    def side_by_side(self, idle: list[Worker]) -> None:
        """Run steps in worker processes as soon as their inputs are there."""
        waiting = list(self.steps)
        pending = {s.key for s in waiting}
        running: dict[Worker, tuple[Step, str]] = {}
        corrupt: CorruptResultError | None = None
        while running or (waiting and corrupt is None):
            for step in list(waiting) if corrupt is None else ():
                if any(i.key in pending for i in step.inputs.values()):
                    continue
                if not idle or any(s.stage.alone for s, _ in running.values()):
                    break
                if step.stage.alone and running:
                    continue
                waiting.remove(step)
                if self.cannot_run(step):
                    pending.discard(step.key)
                    continue
                name = self.begin(step)
                running[self.hand(idle, step, name)] = step, name
            for worker in ready(list(running)):
                answer = worker.answer(self.say)
                if answer is None:
                    continue
                step, name = running.pop(worker)
                pending.discard(step.key)
                idle.append(worker if worker.alive else self.worker())
                if isinstance(answer, CorruptResultError):
                    corrupt = answer
                else:
                    self.end(step, name, answer)
        if corrupt is not None:
            raise corrupt

    @contextlib.contextmanager
    def workers(self) -> Iterator[list[Worker]]:
        """As many processes as the run may have; all of them end with the pass."""
        self.started: list[Worker] = []
        try:
            yield [self.worker() for _ in range(min(self.runtime.workers, len(self.steps)))]
        finally:
            for worker in self.started:
                worker.stop()

    def hand(self, idle: list[Worker], step: Step, name: str) -> Worker:
        """Give a step to an idle worker; to a new one if that one has died meanwhile."""
        worker = idle.pop()
        try:
            worker.give(step, name)
        except OSError:
            worker = self.worker()
            worker.give(step, name)
        return worker

    def worker(self) -> Worker:
        """A new process."""
        self.started.append(Worker(self.store, self.plan.sources, self.runtime))
        return self.started[-1]

    def begin(self, step: Step) -> str:
        """Say that a step begins; returns what stands before its messages."""
        self.begun += 1
        name = f"[{self.begun}/{len(self.steps)}] {self.plan.label(step)}"
        self.say(name)
        return name

    def end(self, step: Step, name: str, answer: Answer) -> None:
        """Keep what became of a step."""
        if isinstance(answer, BaseException):
            self.broken.add(step.key)
            self.outcome.failed[self.plan.name(step)] = answer
            self.say(f"{name}  failed: {(str(answer) or type(answer).__name__).splitlines()[0]}")
        else:
            (self.outcome.ran if answer else self.outcome.reused).append(step.address)

    def cannot_run(self, step: Step) -> bool:
        """Whether an input failed, or ended without weights while this run was under way."""
        if any(i.key in self.broken for i in step.inputs.values()):
            self.broken.add(step.key)
            self.outcome.not_run.append(self.plan.name(step))
            return True
        if any(i.key in self.blocked or self.left_nothing(i) for i in step.inputs.values()):
            self.blocked.add(step.key)
            self.outcome.blocked.append(step.address)
            return True
        return False

    def left_nothing(self, step: Step) -> bool:
        """Whether a training ended without weights."""
        record = self.store.record(step.address, step.key) if step.stage.weights else None
        return record is not None and is_barren(record["value"])


def drop_weights(plan: Plan, store: Store) -> None:
    """Delete weights of target stages whose predictions are all there; their records stay."""
    users: Counter[str] = Counter()
    done: Counter[str] = Counter()
    for step in plan.unique():
        present = store.sound(step.address, step.key) is not None
        for needed in step.inputs.values():
            users[needed.key] += 1
            done[needed.key] += present
    for step in plan.unique():
        record = store.sound(step.address, step.key) if step.stage.weights else None
        if record is None or record["pruned"] or step.key in plan.kept:
            continue
        if users[step.key] == done[step.key]:
            names = [n for n in record["files"] if Path(n).match(step.stage.weights[0])]
            store.prune(step.address, step.key, names)
