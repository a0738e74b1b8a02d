"""What a caller names: a place, a recipe, a plan."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xstilts.data.leaks import Overlap
    from xstilts.phases.planned import Planned
    from xstilts.phases.recipe import Recipe
    from xstilts.phases.workplace import Workplace

Folder = str | Path | None
Say = Callable[[str], None]


def workplace(store: Folder, data: Folder) -> "Workplace":
    """Store and data folders; refused where no results can be kept."""
    from xstilts.phases.workplace import Workplace

    place = Workplace.of(store, data)
    place.require_store()
    return place


def open_recipe(name: str, changes: Iterable[str]) -> "Recipe":
    """The recipe of that name or file, with changes."""
    from xstilts.phases.loading import load

    return load(name, changes)


def planned(recipe: str, changes: Iterable[str], place: "Workplace") -> "Planned":
    """The plan of a recipe."""
    return planned_with_leaks(recipe, changes, place)[0]


def planned_with_leaks(
    recipe: str, changes: Iterable[str], place: "Workplace"
) -> "tuple[Planned, list[Overlap]]":
    """The plan as a run would make it: with what an earlier leak check found and left out."""
    from xstilts.phases import leaks
    from xstilts.phases.planning import make_plan

    def look(at: "Planned") -> "list[Overlap]":
        return leaks.remembered(at, place.store) or []

    found = make_plan(open_recipe(recipe, changes), place)
    if found.recipe.leaks == "drop":
        return leaks.drop(found, place, look)
    return found, look(found)


def planned_exactly(recipe: str, changes: Iterable[str], place: "Workplace") -> "Planned":
    """The plan of a recipe as it is run, not as it is guessed.

    Raises:
        UserError: while files are missing, or no check of what it would drop is remembered.
    """
    from xstilts.core.errors import StoreError
    from xstilts.phases import leaks

    changes = tuple(changes)
    found, _ = planned_with_leaks(recipe, changes, place)
    found.require_files()
    if found.recipe.leaks == "drop" and leaks.remembered(found, place.store) is None:
        raise StoreError(
            f"What {recipe} needs is not known: what it leaves out was not looked for here",
            where="leaks: drop in the recipe",
            expected="a check for leaks in this store",
            do=f"xstilts data leaks {recipe}",
        )
    return found
