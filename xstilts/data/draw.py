"""Drawing examples: held-out parts and samples, whole groups at a time.

Both draws sort groups by a hash of their name, so they do not depend on the order of the file, and
a paragraph or premise never stands on both sides. The draw is the same for every run seed.
"""

from collections import defaultdict
from collections.abc import Sequence

from xstilts.core.errors import DataError
from xstilts.core.seeds import rank
from xstilts.data.slices import Part
from xstilts.tasks.examples import Example

HELD_SHARE = 0.05
HELD_MOST = 500


def carve(examples: Sequence[Example], part: Part) -> list[Example]:
    """The training or the held-out part: 5 % of the examples, at most 500, by whole groups.

    Groups are taken in seeded order while they fit into the held-out part.
    """
    if part == "all":
        return list(examples)
    most = min(int(len(examples) * HELD_SHARE), HELD_MOST)
    held: set[str] = set()
    count = 0
    for group, members in _groups(examples, "carve"):
        if count + len(members) <= most:
            held.add(group)
            count += len(members)
    return [e for e in examples if (e.group in held) == (part == "held")]


def sample(
    examples: Sequence[Example], n: int | None, *, where: str, draw: int | None = None
) -> list[Example]:
    """``n`` examples, in file order; groups are taken whole, the last one as far as needed.

    Fewer examples of the same draw are always among more of it.

    Args:
        examples: those that there are.
        n: how many; None for all.
        where: named in messages.
        draw: its number, where there are several; None for the one that recipes sample by.

    Raises:
        DataError: when there are fewer than ``n``.
    """
    if n is None:
        return list(examples)
    if n > len(examples):
        key = "sample" if draw is None else "k"
        lower = f"--set tasks.TASK.train.sample={len(examples)}"
        raise DataError(
            f"{n} examples are asked for, {len(examples)} are there",
            where=where,
            expected=f"{key}: at most {len(examples)}",
            do=f"lower the sample, as in {lower}"
            if draw is None
            else f"lower k, as in few_shot: {{k: {len(examples)}}}, or name another split: from",
        )
    chosen: set[str] = set()
    for _, members in _groups(examples, "sample" if draw is None else f"draw {draw}"):
        chosen.update(e.id for e in members[: n - len(chosen)])
        if len(chosen) == n:
            break
    return [e for e in examples if e.id in chosen]


def _groups(examples: Sequence[Example], purpose: str) -> list[tuple[str, list[Example]]]:
    groups: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        groups[example.group].append(example)
    return sorted(groups.items(), key=lambda item: rank(0, f"{purpose}/{item[0]}"))
