"""What commands have in common: the program, its options, and how it speaks beside its output."""

import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="xstilts",
    help="Which English intermediate training makes a multilingual encoder better elsewhere?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
data_app = typer.Typer(
    help="Official data files: check, fetch, look for leaks.", no_args_is_help=True
)
app.add_typer(data_app, name="data")
lab_app = typer.Typer(help="The laboratory's artificial languages.", no_args_is_help=True)
app.add_typer(lab_app, name="lab")

Recipe = Annotated[str, typer.Argument(metavar="RECIPE", help="A shipped name or a YAML file.")]
StoreOption = Annotated[
    str | None,
    typer.Option("--store", help="Where results lie: a folder or a URL ($XSTILTS_HOME)."),
]
DataOption = Annotated[Path | None, typer.Option("--data", help="The data folder ($XSTILTS_DATA).")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a key of the recipe; repeatable."),
]


def say(message: str) -> None:
    """Print a line where it does not mix with what a command gives."""
    print(message, file=sys.stderr, flush=True)
