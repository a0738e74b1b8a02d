"""Which weights were trained on what: the stages as a tree with their cost.

Import this module only where a report is rendered: it loads altair.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import altair as alt

from xstilts.reports.drawing import BASE_INK, INK, INKS, SOFT, inline
from xstilts.reports.numbers import Record, records
from xstilts.studies import numerals

if TYPE_CHECKING:
    import pandas as pd

_ROW, _INDENT, _LETTER, _BAR = (
    38,
    26,
    6.6,
    180,
)  # pixels: a line, a level, a letter, the longest bar
_LETTERS = 90  # of a label; the rest of many targets is counted
_ENCODER = ("encoder", "pretrain/")  # addresses that a stage may begin with, of the encoder itself

Key = tuple["Key | None", tuple[str, ...]]  # the branch begun from, and the stages' names


@dataclass(frozen=True)
class Branch:
    """Stages that differ in nothing but the seed, or the last stages of one arm.

    Attributes:
        label: the stage, or the arm with its targets.
        depth: how many branches lie before it; 0: the encoder, or another start.
        parent: the place of the branch it begins from, in the list of all; ``None`` for a start.
        runs: how many trainings.
        seconds: of all of them.
        last: whether nothing goes on from them.
    """

    label: str
    depth: int
    parent: int | None
    runs: int = 0
    seconds: float = 0.0
    last: bool = False


def distinct(stages: "pd.DataFrame") -> list[Record]:
    """The stages, each once: what several arms share has several names, which are in ``names``."""
    found: dict[str, Record] = {}
    for row in records(stages):
        found.setdefault(row["step"], row | {"names": []})["names"].append(row["name"])
    return list(found.values())


def branches(stages: "pd.DataFrame", encoder: str) -> list[Branch]:
    """The tree of all stages, each branch after the one it begins from."""
    runs = {row["step"]: row for row in distinct(stages)}
    groups: dict[Key, list[Record]] = {}
    for row in runs.values():
        groups.setdefault(_key(row, runs), []).append(row)
    tree: list[Branch] = []
    for start in dict.fromkeys(key[0] for key in groups):
        if start is not None and start[0] is None:
            name = start[1][0]
            tree.append(Branch(encoder if name.startswith(_ENCODER) else name, 0, None))
            _grow(tree, groups, start, 1)
    return tree


def drawn(tree: Sequence[Branch]) -> str:
    """The tree as SVG: a line a branch, indented under what it begins from, with its time."""
    widest = max(branch.depth * _INDENT + len(branch.label) * _LETTER for branch in tree)
    start, longest = widest + 30, max(branch.seconds for branch in tree) or 1.0
    nodes = [
        {
            "x": branch.depth * _INDENT,
            "y": place,
            "label": branch.label,
            "note": f"{numerals.amount(branch.runs, 'run')}, {numerals.duration(branch.seconds)}"
            if branch.runs
            else "",
            "role": "start" if not branch.depth else "last" if branch.last else "before",
            "start": start,
            "end": start + _BAR * branch.seconds / longest,
        }
        for place, branch in enumerate(tree)
    ]
    width, height = start + _BAR, len(tree) * _ROW
    x = alt.X("x:Q", axis=None, scale=alt.Scale(domain=[0, width], nice=False))
    y = alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[len(tree) - 0.5, -0.5], nice=False))
    base = alt.Chart(alt.Data(values=nodes)).encode(x=x, y=y)
    roles = alt.Scale(domain=["start", "before", "last"], range=[INK, INKS[0], BASE_INK])
    colour = alt.Color("role:N", scale=roles, legend=None)
    wires = alt.Chart(alt.Data(values=list(_wires(tree)))).mark_rule(color=SOFT, strokeWidth=1)
    chart = alt.layer(
        wires.encode(x=x, y=y, x2="x2:Q", y2="y2:Q"),
        base.mark_point(filled=True, size=70, opacity=1).encode(color=colour),
        base.mark_text(align="left", dx=12, dy=-5, fontSize=12.5, color=INK).encode(text="label:N"),
        base.mark_text(align="left", dx=12, dy=9, fontSize=10.5, color=SOFT).encode(text="note:N"),
        base.transform_filter("datum.end > datum.start")
        .mark_rule(strokeWidth=9)
        .encode(x=alt.X("start:Q", axis=None), x2="end:Q", color=colour),
    ).properties(width=width, height=height)
    return inline(chart, "lineage", "Which weights were trained on what, and for how long")


def _wires(tree: Sequence[Branch]) -> Iterator[Record]:
    """From each parent down to the last branch begun from it, and across to each of them."""
    down: dict[int, Record] = {}
    for place, branch in enumerate(tree):
        if branch.parent is not None:
            left = (branch.depth - 1) * _INDENT
            down[branch.parent] = {"x": left, "x2": left, "y": branch.parent, "y2": place}
            yield {"x": left, "x2": branch.depth * _INDENT, "y": place, "y2": place}
    yield from down.values()


def _grow(tree: list[Branch], groups: dict[Key, list[Record]], start: Key, depth: int) -> None:
    parent = len(tree) - 1
    going_on = {key[0] for key in groups}
    begun = [key for key in groups if key[0] == start]
    ends: dict[str, list[Key]] = {}
    for key in begun:
        if key not in going_on:
            ends.setdefault("; ".join(dict.fromkeys(map(_arm, key[1]))), []).append(key)
    for arms, keys in ends.items():
        stages = list(dict.fromkeys(_stage(key[1][0]) for key in keys))
        rows = [row for key in keys for row in groups[key]]
        tree.append(_branch(f"{arms}: {_listed(stages)}", depth, parent, rows, last=True))
    for key in begun:
        if key in going_on:
            then = {_arm(name) for other in groups if other[0] == key for name in other[1]}
            tree.append(_branch(_shared(key[1], then), depth, parent, groups[key], last=False))
            _grow(tree, groups, key, depth + 1)


def _branch(label: str, depth: int, parent: int, rows: list[Record], *, last: bool) -> Branch:
    seconds = sum(row["seconds"] or 0 for row in rows)
    return Branch(label, depth, parent, len(rows), seconds, last)


def _key(row: Record, runs: dict[str, Record]) -> Key:
    parent = runs.get(row["parent"])
    before: Key = (None, (row["parent"],)) if parent is None else _key(parent, runs)
    return before, tuple(sorted(name.rpartition("@")[0] or name for name in row["names"]))


def _shared(names: Sequence[str], arms: set[str]) -> str:
    """The stage as the arms that go on from it name it, and what else it is."""
    stages = dict.fromkeys(_stage(name) for name in names if _arm(name) in arms)
    also = [f"{_stage(name)} of {_arm(name)}" for name in names if _arm(name) not in arms]
    return ", also ".join([" = ".join(stages), *also])


def _arm(name: str) -> str:
    return name.rpartition("/")[0]


def _stage(name: str) -> str:
    return name.rpartition("/")[2]


def _listed(names: Sequence[str]) -> str:
    text = ", ".join(names)
    if len(text) <= _LETTERS:
        return text
    return f"{numerals.amount(len(names), 'stage')}: {text[:_LETTERS].rpartition(', ')[0]} …"
