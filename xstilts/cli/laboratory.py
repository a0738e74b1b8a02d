"""Commands of the laboratory."""

from pathlib import Path
from typing import Annotated

import typer

from xstilts import api
from xstilts.cli.words import lab_app


@lab_app.command("describe")
def lab_describe() -> None:
    """The languages and their knobs, and one sentence in each of them with its gloss."""
    from xstilts.lab.describe import described_lines

    print("\n".join(described_lines(api.describe_lab())))


@lab_app.command("export")
def lab_export(
    out: Annotated[Path, typer.Argument(metavar="DIR", help="A data folder; made if need be.")],
    seed: Annotated[int, typer.Option("--seed", help="Of all that is drawn.")] = 0,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="TASK.KNOB=VALUE", help="Or sizes.PART=N; repeatable."),
    ] = None,
    translated: Annotated[
        list[str] | None,
        typer.Option("--translated", metavar="CODE", help="Training data in it too; repeatable."),
    ] = None,
) -> None:
    """Write the tasks of the artificial languages in the official file formats."""
    found = api.export_lab(out, *(set_ or []), seed=seed, translated=translated or ())
    print(f"{len(found)} files")
    print(out)
