"""What a store need not keep."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from xstilts.api import asked
from xstilts.api.asked import Folder

if TYPE_CHECKING:
    from xstilts.phases.unneeded import Unneeded


def gc(
    recipes: Iterable[str],
    *changes: str,
    delete: bool = False,
    store: Folder = None,
    data: Folder = None,
) -> "list[Unneeded]":
    """What a store holds that none of ``recipes`` needs; deletes it only if told to.

    Args:
        recipes: shipped names or paths of YAML files.
        changes: ``key.path=VALUE``, as `--set` takes them, for every one of them.
        delete: whether it goes for good.
        store: where results lie (``$XSTILTS_HOME``, else ``./xstilts-store``).
        data: the data folder (``$XSTILTS_DATA``).

    Raises:
        UserError: when what a recipe needs is not known, or another process is at work there.
    """
    from xstilts.phases.unneeded import free, needed, unneeded

    place = asked.workplace(store, data)
    keys: set[str] = set()
    for recipe in recipes:
        keys |= needed(asked.planned_exactly(recipe, changes, place))
    found = unneeded(place.store, keys)
    if delete:
        free(place.store, found)
    return found
