"""What a store holds that none of some recipes needs."""

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from xstilts.core.errors import StoreError
from xstilts.graph.plan import in_order
from xstilts.phases.planned import Planned
from xstilts.store import Store
from xstilts.store.cache import bytes_of


@dataclass(frozen=True)
class Unneeded:
    """Something that can go.

    Attributes:
        name: address and key of a result, or a folder of the store.
        bytes: that it takes: in the remote store if it is there, else here.
    """

    name: str
    bytes: int


def needed(planned: Planned) -> set[str]:
    """Keys of all that a recipe's goals reach.

    Raises:
        StoreError: while its plan rests on a guess about models that are not here.
    """
    away = [str(e.choice.hub) for e in planned.away] + [str(t.hub) for t in planned.translators]
    if away:
        raise StoreError(
            f"What {planned.recipe.recipe} needs is not known: {', '.join(away)} is not here",
            where="encoder, arms and translations of the recipe",
            expected="files, for their bytes are part of every key",
            do=f"xstilts run {planned.recipe.recipe} fetches them, or name fewer recipes",
        )
    return {step.key for step in in_order([*planned.plan.goals, *planned.reads])}


def unneeded(store: Store, keys: set[str]) -> list[Unneeded]:
    """Results with other keys, what was set aside, and what other builds left unfinished."""
    found = [
        Unneeded(f"{address}@{key}", size)
        for (address, key), size in sorted(store.names().items())
        if key not in keys
    ]
    folders = [*(store.root / "aside").glob("*"), *(store.root / "work").glob("*")]
    return found + [
        Unneeded(folder.relative_to(store.root).as_posix(), bytes_of(folder))
        for folder in sorted(folders)
        if folder.parent.name == "aside" or folder.name.rpartition("-")[2] not in keys
    ]


def free(store: Store, found: Iterable[Unneeded]) -> None:
    """Delete it for good.

    Raises:
        StoreError: while another process of this machine is at work in the store.
    """
    with store.uses.locked():
        busy = sorted(set(store.uses.in_use()) - {str(os.getpid())})
        if busy:
            raise StoreError(
                f"Process {', '.join(busy)} is at work in {store.root}",
                where="--store, or XSTILTS_HOME",
                expected="a store in which nothing runs, so that nothing in use is deleted",
                do="wait until it has ended, or end it",
            )
        for one in found:
            address, at, key = one.name.rpartition("@")
            if at:
                store.delete(address, key)
            else:
                _remove(store.root / one.name)


def _remove(place: Path) -> None:
    if place.is_dir():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)
