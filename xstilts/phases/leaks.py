"""The leak check of a recipe, worked out once for the same slices."""

import json
import os
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path

from xstilts.core.errors import LeakError
from xstilts.core.spec import digest
from xstilts.data.leaks import Overlap, index, overlaps
from xstilts.data.read import read_examples
from xstilts.data.slices import Slice
from xstilts.phases.examples import read_step, slice_label
from xstilts.phases.planned import Planned
from xstilts.phases.planning import make_plan
from xstilts.phases.slices import Leaking
from xstilts.phases.spoken import leaking_split
from xstilts.phases.workplace import Workplace
from xstilts.store import Store

_FORMAT = "2"  # of the remembered file


def compared(planned: Planned) -> tuple[list[Slice], list[Slice]]:
    """Training and selection slices, and reported slices with their originals, each once."""
    return _distinct(planned.used), _distinct([*planned.reported, *planned.originals])


def _distinct(slices: Iterable[Slice]) -> list[Slice]:
    return list({s.payload: s for s in slices}.values())


def remembered(planned: Planned, store: Store) -> list[Overlap] | None:
    """What an earlier check of the very same slices found; None if nothing readable is there."""
    try:
        found = json.loads(_memory(planned, store).read_text())
        return [Overlap(**{**o, "examples": tuple(o["examples"])}) for o in found]
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _memory(planned: Planned, store: Store) -> Path:
    mine, theirs = compared(planned)
    lines = [_FORMAT, *(s.payload for s in mine), "--", *(s.payload for s in theirs)]
    return store.root / "leaks" / f"{digest(chr(10).join(lines))}.json"


def check(planned: Planned, store: Store) -> list[Overlap]:
    """All overlaps of a recipe whose slices have been read."""
    known = remembered(planned, store)
    if known is not None:
        return known
    mine, theirs = compared(planned)
    memory = _memory(planned, store)
    others = {data.train.payload for data in planned.others.values()}

    def split(data: Slice) -> str:  # ids of two languages mean different texts
        own = data.payload in others
        return leaking_split(data.split, data.language) if own else data.split

    result = overlaps(
        [(s.task, split(s), slice_label(s), _index(s, store)) for s in mine],
        [(slice_label(s), _index(s, store)) for s in theirs],
    )
    memory.parent.mkdir(parents=True, exist_ok=True)
    scratch = memory.with_suffix(f".{os.getpid()}")
    scratch.write_text(json.dumps([asdict(o) for o in result]))
    scratch.replace(memory)
    return result


def _index(data: Slice, store: Store) -> dict[str, list[str]]:
    step = read_step(data)
    folder = store.open(step.address, step.key, step.identity).folder
    return index(data.kind, read_examples(folder, data.kind))


def refuse(found: list[Overlap], recipe: str) -> None:
    """Stop a recipe that trains or selects on reported text.

    Raises:
        LeakError: with every pair of slices and its counts.
    """
    if not found:
        return
    lines = [
        f"{o.trained} shares {o.units} texts ({len(o.examples)} examples) with {o.reported}"
        for o in found
    ]
    raise LeakError(
        f"Training or selection text is also reported text in {len(found)} pairs of slices",
        where="\n            ".join(lines),
        expected="no shared text",
        do=f"--set leaks=drop removes the examples; see them: xstilts data leaks {recipe}",
    )


def to_drop(found: list[Overlap]) -> Leaking:
    """Ids of the examples to leave out wherever a split of a task is trained or selected on."""
    ids: dict[tuple[str, str], set[str]] = defaultdict(set)
    for overlap in found:
        ids[overlap.task, overlap.split].update(overlap.examples)
    return {split: tuple(sorted(found_ids)) for split, found_ids in ids.items()}


def drop(
    planned: Planned, workplace: Workplace, look: Callable[[Planned], list[Overlap]]
) -> tuple[Planned, list[Overlap]]:
    """The plan without what leaks, and what was found on the way.

    Samples are drawn after examples are left out, so others come in their place: those are looked
    at too, until nothing leaks any more.

    Args:
        planned: the plan with nothing left out.
        workplace: store and data folders.
        look: the overlaps of a plan.
    """
    every: list[Overlap] = []
    while found := look(planned):
        every += found
        planned = make_plan(planned.recipe, workplace, to_drop(every))
    return planned, every
