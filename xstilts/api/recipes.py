"""Verbs that take a recipe: plan it, run it, read what it gave."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from xstilts.api import asked, reporting
from xstilts.api.asked import Folder, Say

if TYPE_CHECKING:
    import pandas as pd

    from xstilts.data.leaks import Overlap
    from xstilts.phases.estimate import Estimate
    from xstilts.phases.export import Exported
    from xstilts.phases.planned import Planned
    from xstilts.phases.running import Results


def run(
    recipe: str,
    *changes: str,
    store: Folder = None,
    data: Folder = None,
    say: Say = lambda line: None,
) -> "Results":
    """Run what is missing of a recipe and publish its tables and report.

    Args:
        recipe: a shipped name or the path of a YAML file.
        changes: ``key.path=VALUE``, as `--set` takes them.
        store: where results lie (``$XSTILTS_HOME``, else ``./xstilts-store``).
        data: the data folder (``$XSTILTS_DATA``).
        say: takes lines of progress.

    Raises:
        UserError: for what the caller can mend.
        StepFailedError: when steps failed; all that did not need them are finished.
    """
    from xstilts.executors import LocalExecutor
    from xstilts.phases.running import refuse_failed, run_recipe

    place = asked.workplace(store, data)
    opened = asked.open_recipe(recipe, changes)
    said = reporting.claims_of(opened)  # before hours are spent on what cannot be judged
    found = run_recipe(opened, place, LocalExecutor(), say)
    reporting.renew(found, place, said)
    refuse_failed(found.outcome)
    return found


def plan(
    recipe: str, *changes: str, store: Folder = None, data: Folder = None
) -> tuple["Planned", "Estimate"]:
    """Every step of a recipe, what is there already, and what the rest costs; starts nothing."""
    from xstilts.phases.estimate import estimate

    place = asked.workplace(store, data)
    planned = asked.planned(recipe, changes, place)
    return planned, estimate(planned, place.store)


def why(
    recipe: str, step: str, *changes: str, store: Folder = None, data: Folder = None
) -> tuple[str, list[str]]:
    """A step's full name, and the fields that differ from its nearest finished rival.

    The list is empty for a step that is done.
    """
    from xstilts.graph import why as explain

    place = asked.workplace(store, data)
    name, found = asked.planned(recipe, changes, place).plan.find(step)
    return name, explain(found, place.store)


def results(recipe: str, *changes: str, store: Folder = None, data: Folder = None) -> "Results":
    """The tables of all finished cells of a recipe; runs nothing."""
    from xstilts.executors import Outcome
    from xstilts.phases.running import collect

    place = asked.workplace(store, data)
    planned, found = asked.planned_with_leaks(recipe, changes, place)
    return collect(planned, place, Outcome(), found)


def report(
    recipe: str, *changes: str, out: Folder = None, store: Folder = None, data: Folder = None
) -> Path:
    """Write the self-contained HTML report of all finished cells; returns its path.

    Of several encoders the first is at that path, and links to the pages of the others beside it.
    """
    found = results(recipe, *changes, store=store, data=data)
    return reporting.write(found, asked.workplace(store, data), Path(out) if out else None)


def claims(
    recipe: str,
    *changes: str,
    files: Iterable[str | Path] = (),
    store: Folder = None,
    data: Folder = None,
) -> "pd.DataFrame":
    """Published claims, and what the finished cells of a recipe say of them; runs nothing.

    Args:
        recipe: a shipped name or the path of a YAML file.
        changes: ``key.path=VALUE``, as `--set` takes them.
        files: of further claims, beside those that the recipe names.
        store: where results lie.
        data: the data folder.

    Returns:
        One row a claim and encoder; columns :data:`xstilts.studies.verdicts.COLUMNS`.
    """
    import pandas as pd

    from xstilts.studies.claims import claims as claims_in
    from xstilts.studies.gather import evidence

    found = results(recipe, *changes, store=store, data=data)
    named = [*found.planned.recipe.analysis.claims, *files]
    said, place = claims_in(map(Path, named)), asked.workplace(store, data)
    tables = []
    for label in found.planned.encoders:
        known = evidence(found, place.store, label)
        tables.append(reporting.judged(known, found, place, label, said)[1])
    return pd.concat(tables, ignore_index=True)


def leaks(
    recipe: str,
    *changes: str,
    store: Folder = None,
    data: Folder = None,
    say: Say = lambda line: None,
) -> "list[Overlap]":
    """Texts that a recipe trains or selects on and reports; reads files, trains nothing."""
    from xstilts.executors import LocalExecutor
    from xstilts.phases.running import prepare

    place = asked.workplace(store, data)
    allowed = (*changes, "leaks=allow")
    return prepare(asked.open_recipe(recipe, allowed), place, LocalExecutor(), say)[1]


def export(
    recipe: str,
    *changes: str,
    out: Path,
    format: str = "xtreme",
    arm: str | None = None,
    seed: int | None = None,
    store: Folder = None,
    data: Folder = None,
) -> "list[Exported]":
    """Write finished predictions in the layout that a benchmark's own evaluation reads.

    Args:
        recipe: a shipped name or the path of a YAML file.
        changes: ``key.path=VALUE``, as `--set` takes them.
        out: a new or empty folder.
        format: ``xtreme``.
        arm: one arm; all by default, each in a folder of its own.
        seed: one seed; all by default.
        store: where results lie.
        data: the data folder.

    Raises:
        UserError: for an unknown format, arm or seed, a folder in use, or nothing to write.
    """
    from xstilts.core.errors import UnknownNameError
    from xstilts.phases.export import export_xtreme

    if format != "xtreme":
        do = "xstilts export RECIPE --format xtreme --out DIR"
        raise UnknownNameError("format", format, ["xtreme"], where="--format", do=do)
    place = asked.workplace(store, data)
    planned = asked.planned(recipe, changes, place)
    return export_xtreme(planned, place.store, Path(out), arm=arm, seed=seed)
