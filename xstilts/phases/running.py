"""Run a recipe: read and check everything, look for leaks, build what is missing, write results."""

import io
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xstilts.core.errors import RecipeError, StepFailedError, UserError
from xstilts.core.spec import digest
from xstilts.data.leaks import Overlap
from xstilts.executors import Executor, Outcome
from xstilts.graph import Plan
from xstilts.graph.plan import is_barren
from xstilts.models import hub
from xstilts.models.files import inspect
from xstilts.phases import leaks, results
from xstilts.phases.cuts import Cut, cut_inputs
from xstilts.phases.planned import Planned
from xstilts.phases.planning import make_plan
from xstilts.phases.pretraining import Promised
from xstilts.phases.recipe import Recipe
from xstilts.phases.workplace import Workplace
from xstilts.store.cache import RECORD

if TYPE_CHECKING:
    import pandas as pd

Say = Callable[[str], None]


@dataclass(frozen=True)
class Results:
    """What a run gives back.

    Attributes:
        rows: the long table, one row a cell and metric.
        arms: one row an arm.
        outcome: which steps ran, were reused, failed.
        folder: where the files lie.
        planned: the plan behind it.
        leaks: shared text that was dropped or allowed.
        cuts: slices with inputs that were too long.
        digest: of all that a report shows; the same digest, the same report.
    """

    rows: "pd.DataFrame"
    arms: "pd.DataFrame"
    outcome: Outcome
    folder: Path
    planned: Planned
    leaks: list[Overlap]
    cuts: list[Cut]
    digest: str

    @property
    def counted(self) -> "pd.DataFrame":
        """The rows that means, gains and answers rest on: of a sweep those of the fixed block."""
        return results.counted(self.planned, self.rows)


def folder_of(recipe: Recipe, workplace: Workplace) -> Path:
    """Where a recipe's results are published."""
    return workplace.store.root / "runs" / recipe.recipe


def prepare(
    recipe: Recipe, workplace: Workplace, executor: Executor, say: Say
) -> tuple[Planned, list[Overlap]]:
    """Plan, read and check every file, and look for leaks, before anything is trained.

    Raises:
        UserError: for missing or malformed files, and for leaks that the recipe forbids.
    """
    planned = make_plan(recipe, workplace)
    planned.require_files()
    for said in planned.translators:
        say(f"fetching {said}")
        hub.fetch(str(said.hub), str(said.revision), "translated")
    if planned.translators:
        planned = make_plan(recipe, workplace)

    def look(at: Planned) -> list[Overlap]:
        refuse_failed(executor.run(at.plan, at.reads, workplace.store, recipe.runtime, say))
        return leaks.check(at, workplace.store)

    if recipe.leaks == "drop":
        return leaks.drop(planned, workplace, look)
    found = look(planned)
    if recipe.leaks == "error":
        leaks.refuse(found, recipe.recipe)
    return planned, found


def run_recipe(
    recipe: Recipe, workplace: Workplace, executor: Executor, say: Say = lambda line: None
) -> Results:
    """Build what is missing of ``recipe`` and publish its tables.

    Raises:
        UserError: for what the user can mend; nothing that is finished is lost.
    """
    planned, found = prepare(recipe, workplace, executor, say)
    for line in results.silent_lines(planned):
        say(line)
    planned = with_encoders(planned, workplace, found, say)
    outcome = executor.run(planned.plan, planned.plan.goals, workplace.store, recipe.runtime, say)
    for error in outcome.failed.values():
        if isinstance(error, UserError):
            raise error
    done = collect(planned, workplace, outcome, found)
    tables = {"results.parquet": _parquet(done.rows), "arms.parquet": _parquet(done.arms)}
    tables["results.csv"] = done.rows.to_csv(index=False).encode()
    results.publish(done.folder, tables)
    return done


def with_encoders(
    planned: Planned, workplace: Workplace, found: list[Overlap], say: Say
) -> Planned:
    """The plan after fetching the encoders that are still on the hub."""
    away = [e.choice for e in planned.away]
    for choice in away:
        say(f"fetching {choice.hub} at {choice.revision}")
        folder = hub.fetch(str(choice.hub), str(choice.revision))
        inspect(folder, workplace.digests, where="encoder.hub")
    if not away:
        return planned
    dropped = leaks.to_drop(found) if planned.recipe.leaks == "drop" else {}
    return make_plan(planned.recipe, workplace, dropped)


@dataclass(frozen=True)
class Pretrained:
    """An encoder that was made here.

    Attributes:
        folder: where it lies.
        value: its record: pieces and losses of every language, lineage, cost.
    """

    folder: Path
    value: dict[str, Any]


def run_pretraining(
    promised: Promised,
    workplace: Workplace,
    executor: Executor,
    say: Say = lambda line: None,
    out: Path | None = None,
) -> Pretrained:
    """Build what is missing of an encoder.

    Args:
        promised: its steps.
        workplace: store and data folders.
        executor: what runs the steps.
        say: takes lines of progress.
        out: a new or empty folder that gets a copy of it.

    Raises:
        UserError: for what the user can mend.
        StepFailedError: when a step failed, or the training diverged.
    """
    if out is not None:
        require_empty(out)
    step = promised.step
    plan = Plan(promised.steps, [step], promised.sources, frozenset([step.key]))
    workplace.digests.save()
    outcome = executor.run(plan, [step], workplace.store, promised.declared.runtime, say)
    refuse_failed(outcome)
    found = workplace.store.open(step.address, step.key, step.identity)
    if is_barren(found.value):
        raise StepFailedError(f"{step.address} diverged after {found.value['updates']} updates")
    if out is not None:
        shutil.copytree(found.folder, out, ignore=lambda *_: [RECORD], dirs_exist_ok=True)
    return Pretrained(out or found.folder, found.value)


def require_empty(out: Path) -> None:
    """Refuse to write into a folder that holds something.

    Raises:
        RecipeError: when ``out`` is a file or a folder with something in it.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise RecipeError(
            f"{out} is not empty",
            where="--out",
            expected="a new or empty folder, so that no file of another model stays in it",
            do="name another folder",
        )


def refuse_failed(outcome: Outcome) -> None:
    """Stop if a step failed.

    Raises:
        UserError: what a step raised, if the user can mend it.
        StepFailedError: with every failed step and all that did not run because of it.
    """
    if not outcome.failed:
        return
    for error in outcome.failed.values():
        if isinstance(error, UserError):
            raise error
    lines = [f"{n}: {type(error).__name__}: {error}" for n, error in outcome.failed.items()]
    not_run = ", ".join(outcome.not_run) or "none"
    raise StepFailedError("\n".join([*lines, f"not run because of that: {not_run}"]))


def collect(
    planned: Planned, workplace: Workplace, outcome: Outcome, found: list[Overlap]
) -> Results:
    """The tables of all finished cells; writes nothing."""
    folder = folder_of(planned.recipe, workplace)
    rows = results.result_rows(planned, workplace.store)
    arms = results.arm_rows(planned, workplace.store)
    cuts = cut_inputs(planned, workplace.store)
    shown = f"{version('xstilts')} {planned.recipe.model_dump_json()} {found} {cuts}"
    mark = digest(f"{shown} {rows.to_csv()}")
    return Results(rows, arms, outcome, folder, planned, found, cuts, mark)


def _parquet(table: "pd.DataFrame") -> bytes:
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False)
    return buffer.getvalue()
