"""Commands that take a recipe."""

from pathlib import Path
from typing import Annotated

import typer

from xstilts import api
from xstilts.cli.words import DataOption, Recipe, SetOption, StoreOption, app, say


@app.command()
def run(
    recipe: Recipe, store: StoreOption = None, data: DataOption = None, set_: SetOption = None
) -> None:
    """Plan, run what is missing, write results and report."""
    from xstilts.phases.cuts import cut_lines

    found = api.run(recipe, *(set_ or []), store=store, data=data, say=say)
    ran, blocked = len(found.outcome.ran), len(found.outcome.blocked)
    print(f"{ran} steps ran, {len(found.outcome.reused)} were built by another process", end="")
    print(f", {blocked} are blocked behind a diverged training" if blocked else "")
    for line in cut_lines(found.cuts):
        print(line)
    print(found.folder / "results.csv")
    print(found.folder / "report.html")


@app.command()
def plan(
    recipe: Recipe,
    store: StoreOption = None,
    data: DataOption = None,
    set_: SetOption = None,
    steps: Annotated[bool, typer.Option("--steps", help="List every step by name.")] = False,
) -> None:
    """Say what is there already and what the rest costs; start nothing."""
    from xstilts.phases.results import silent_lines

    planned, found = api.plan(recipe, *(set_ or []), store=store, data=data)
    if steps:
        for name, step in planned.plan.steps.items():
            print(f"{name}\t{step.address}@{step.key}")
        return
    print(f"{planned.recipe.recipe}: {planned.recipe.question}\n")
    print(f"{'stage':<10}{'steps':>8}{'to run':>8}")
    for stage, (every, left) in found.steps.items():
        print(f"{stage:<10}{every:>8}{left:>8}")
    trained, read = found.tokens
    print(f"\nleft to train    {trained:10,.1f} million tokens")
    print(f"left to predict  {read:10,.1f} million tokens")
    hours = "unknown: " if found.hours is None else f"{found.hours:10,.2f} hours from "
    print(f"time             {hours}{found.basis}")
    print(f"accelerator      {found.accelerator_hours:10,.2f} hours at 100 TFLOP/s sustained")
    print(f"disk             {found.gigabytes:10,.2f} GB")
    for name, origin in found.selection.items():
        print(f"selection        {name}: {origin}")
    for name, (law, wanted) in found.mixtures.items():
        counts = ", ".join(f"{task} {examples:,.0f}" for task, examples in wanted.items())
        print(f"mixture          {name}: {law}; examples expected: {counts}")
    for target, points in found.detectable.items():
        told = "nothing: too few seeds for a verdict"
        if points is not None:
            told = f"{points:.1f} points (80 % power, 1 point between seeds)"
        print(f"detectable       {target}: {told}")
    for label, encoder in planned.encoders.items():
        if encoder.away and encoder.choice.revision is None:
            print(f"unpinned         {label}: {encoder.choice.hub} has no revision, it cannot run")
    for line in found.corrupt.values():
        print(f"corrupt          {line}; will be built anew")
    for line in found.blocked:
        print(f"blocked          {line}: its training diverged")
    for line in silent_lines(planned):
        print(f"without gold     {line}")
    for line in planned.absent[:20]:
        print(f"missing          {line}")
    if len(planned.absent) > 20:
        print(f"missing          … and {len(planned.absent) - 20} more files")


@app.command()
def why(
    recipe: Recipe,
    step: Annotated[str, typer.Argument(help="A step's name, or a prefix only it has.")],
    store: StoreOption = None,
    data: DataOption = None,
    set_: SetOption = None,
) -> None:
    """Say why a step would run: the fields that changed since its nearest finished rival."""
    name, lines = api.why(recipe, step, *(set_ or []), store=store, data=data)
    print(f"{name}: " + ("done" if not lines else ""))
    for line in lines:
        print(f"  {line}")


@app.command()
def results(
    recipe: Recipe,
    format: Annotated[str, typer.Option("--format", help="table, csv, json or latex.")] = "table",
    store: StoreOption = None,
    data: DataOption = None,
    set_: SetOption = None,
) -> None:
    """Print the long table of results."""
    from xstilts.reports.benchmarks import benchmark_text
    from xstilts.reports.tables import long_table

    found = api.results(recipe, *(set_ or []), store=store, data=data)
    print(long_table(found.rows, format))
    if format == "table" and found.planned.recipe.data is None:
        print(benchmark_text(found.counted))


@app.command()
def report(
    recipe: Recipe,
    out: Annotated[Path | None, typer.Option("--out", help="Where to write it.")] = None,
    store: StoreOption = None,
    data: DataOption = None,
    set_: SetOption = None,
) -> None:
    """Write one self-contained report.html."""
    print(api.report(recipe, *(set_ or []), out=out, store=store, data=data))


@app.command()
def claims(
    recipe: Recipe,
    files: Annotated[
        list[Path] | None, typer.Option("--claims", help="A file of further claims; repeatable.")
    ] = None,
    format: Annotated[str, typer.Option("--format", help="table, csv or json.")] = "table",
    store: StoreOption = None,
    data: DataOption = None,
    set_: SetOption = None,
) -> None:
    """Say of published claims what the finished results support and what they contradict."""
    from xstilts.reports.claims import claims_text

    found = api.claims(recipe, *(set_ or []), files=files or (), store=store, data=data)
    print(claims_text(found, format), end="")


@app.command()
def export(
    recipe: Recipe,
    out: Annotated[Path, typer.Option("--out", help="A new or empty folder.")],
    format: Annotated[str, typer.Option("--format", help="xtreme.")] = "xtreme",
    arm: Annotated[str | None, typer.Option("--arm", help="One arm; all by default.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="One seed; all by default.")] = None,
    store: StoreOption = None,
    data: DataOption = None,
    set_: SetOption = None,
) -> None:
    """Write finished predictions as XTREME's evaluate.py reads them."""
    found = api.export(
        recipe, *(set_ or []), out=out, format=format, arm=arm, seed=seed, store=store, data=data
    )
    for model in found:
        print(model.folder)
        for task, languages in model.written.items():
            absent = model.missing.get(task)
            lacks = f"; incomplete, missing {' '.join(absent)}" if absent else "; complete"
            drawn = model.sampled.get(task, {}).items()
            cut = [f"a sample of {n} in {language}" for language, n in drawn]
            note = f"; no labels, {', '.join(cut)}" if cut else ""
            print(f"  {task:<10} {model.splits[task]}, {len(languages)} languages{lacks}{note}")
        for task in model.left_out:
            print(f"  {task:<10} left out: no form in this layout yet")


@app.command()
def gc(
    recipes: Annotated[
        list[str], typer.Argument(metavar="RECIPE…", help="What the store is kept for.")
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Delete what is listed.")] = False,
    store: StoreOption = None,
    data: DataOption = None,
    set_: SetOption = None,
) -> None:
    """List what none of these recipes needs; with --yes, delete it."""
    found = api.gc(recipes, *(set_ or []), delete=yes, store=store, data=data)
    for one in found:
        print(f"{one.bytes:>15,} bytes  {one.name}")
    total = sum(one.bytes for one in found) / 1e9
    done = "deleted" if yes else "would be deleted with --yes"
    print(f"{len(found)} results and leftovers, {total:.3f} GB, {done}")
