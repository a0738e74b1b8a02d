"""The command that ranks intermediate tasks for a target."""

from typing import Annotated

import typer

from xstilts import api
from xstilts.cli.words import DataOption, Recipe, SetOption, StoreOption, app, say


@app.command()
def recommend(
    recipe: Recipe,
    target: Annotated[str, typer.Option("--target", help="A task with English training data.")],
    languages: Annotated[
        list[str] | None,
        typer.Option("--languages", help="That it is wanted in; repeatable. All by default."),
    ] = None,
    with_stages: Annotated[
        bool, typer.Option("--with-stages", help="Train the intermediate stages and measure them.")
    ] = False,
    store: StoreOption = None,
    data: DataOption = None,
    set_: SetOption = None,
) -> None:
    """Rank a recipe's intermediate tasks for a target by how alike they are."""
    found = api.recommend(
        recipe,
        *(set_ or []),
        target=target,
        languages=[x for said in languages or [] for x in said.split(",")],
        with_stages=with_stages,
        store=store,
        data=data,
        say=say,
    )
    print(f"for {found.target} in {', '.join(found.languages)}")
    print(f"{'place':>5}  {'candidate':<20}{'score':>6}{'places':>9}{'first':>7}  gain (95 %)")
    for row in found.rows.to_dict("records"):
        cells = f"{_said(row['place'], 'd'):>5}  {row['candidate']:<20}{_said(row['score']):>6}"
        places = f"{_said(row['place_low'], 'd')}-{_said(row['place_high'], 'd')}"
        gain = "unknown"
        if row["gain"] is not None:
            gain = f"{row['gain']:+.1f} ({row['gain_low']:+.1f} to {row['gain_high']:+.1f})"
        print(f"{cells}{places:>9}{_said(row['first'], '.0%'):>7}  {gain}")
    for note in found.notes:
        print(note)


def _said(value: float | None, form: str = ".2f") -> str:
    return "-" if value is None else format(value, form)
