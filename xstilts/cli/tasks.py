"""Commands on tasks: the catalogue, their data, anyone's predictions."""

import json
from pathlib import Path
from typing import Annotated

import typer

from xstilts import api
from xstilts.cli.words import DataOption, Recipe, SetOption, StoreOption, app, data_app, say


@app.command()
def tasks(
    name: Annotated[
        str | None, typer.Argument(help="One task, or the YAML file of your own, in full.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False,
) -> None:
    """Show the catalogue of tasks."""
    from xstilts.reports.catalogue import task_lines
    from xstilts.tasks import open_task, task_names

    chosen = [open_task(n) for n in ([name] if name else task_names())]
    if as_json:
        dumped = [t.model_dump() for t in chosen]
        print(json.dumps(dumped[0] if name else dumped, indent=1, ensure_ascii=False))
        return
    for task in chosen:
        print("\n".join(task_lines(task, full=bool(name))))


@app.command()
def score(
    task: Annotated[str, typer.Argument(metavar="TASK")],
    gold: Annotated[Path, typer.Option("--gold", help="See: xstilts tasks TASK.")],
    pred: Annotated[Path, typer.Option("--pred", help="See: xstilts tasks TASK.")],
    language: Annotated[
        str | None, typer.Option("--language", help="By default what gold's name tells, else en.")
    ] = None,
    na_prob: Annotated[Path | None, typer.Option("--na-prob-file", help="For SQuAD 2.0.")] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """The official metrics on anyone's predictions; `xstilts tasks TASK` says the files' forms."""
    found = api.score(task, gold, pred, language=language, na_prob=na_prob, say=say)
    if as_json:
        print(json.dumps(found))
        return
    print(" ".join(filter(None, [task, found["language"]])) + f", {found['n']} examples")
    if "ignored" in found:
        print(f"  {found['ignored']} answers to questions that the gold file lacks are ignored")
    for metric, value in found["metrics"].items():
        print(f"  {metric:<17} {value:.4f}")


@data_app.command("check")
def data_check(
    names: Annotated[list[str] | None, typer.Argument(metavar="[TASK]...")] = None,
    data: DataOption = None,
) -> None:
    """Read every official file of the tasks: ok, missing or corrupt."""
    states = api.check_data(names or [], data=data)
    for s in states:
        where = ", ".join(str(p) for p in s.paths) if s.paths else s.detail
        count = f"{s.examples} examples" if s.examples is not None else ""
        print(f"{s.state:<8} {s.task} {s.split} {s.language}  {count}  {where}")
        if s.state == "corrupt":
            print(f"         {s.detail}")
    if any(s.state == "corrupt" for s in states):
        raise typer.Exit(2)


@data_app.command("fetch")
def data_fetch(
    names: Annotated[list[str] | None, typer.Argument(metavar="[TASK]...")] = None,
    data: DataOption = None,
) -> None:
    """Bring official files from the hub, by pinned commit and checksum; say what cannot be."""
    from xstilts.data.fetching import refuse_missing

    found = api.fetch_data(names or [], data=data, say=say)
    for s in found:
        print(f"{s.state:<13} {s.task}  {s.path or s.detail}")
    refuse_missing(found)


@data_app.command("leaks")
def data_leaks(
    recipe: Recipe, store: StoreOption = None, data: DataOption = None, set_: SetOption = None
) -> None:
    """Texts that a recipe trains or selects on and also reports."""
    found = api.leaks(recipe, *(set_ or []), store=store, data=data, say=say)
    for o in found:
        print(f"{o.trained} and {o.reported}: {o.units} texts, {len(o.examples)} examples")
        print(f"  such as: {o.sample[:100]}")
    print(f"{len(found)} pairs of slices share text" if found else "no shared text")
