"""Which inputs lost their end because a row holds no more pieces.

No label is lost with it (``xstilts.data.tokens``), but what stands there was not read; who compares
scores of languages has to know how much of each was.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from xstilts.data.slices import Slice, Tokens
from xstilts.graph import Step
from xstilts.graph.plan import in_order
from xstilts.phases.planned import Planned
from xstilts.store import Store

_WHOLE = ("span", "tagging")  # one input an example; of other kinds every row is one


@dataclass(frozen=True)
class Cut:
    """One slice with inputs that were cut.

    Attributes:
        encoder: its label.
        task: the task.
        language: of the slice.
        split: of the release; ``train, held out`` for what was carved from it to select models,
            ``dev, 20 of draw 0`` for a few shots.
        cut: inputs that lost their end: texts or pairs of texts; choices; questions; sentences
            with a word that is longer than a row.
        inputs: how many there are.
        pieces: that a row holds.
    """

    encoder: str
    task: str
    language: str
    split: str
    cut: int
    inputs: int
    pieces: int


def cut_inputs(planned: Planned, store: Store) -> list[Cut]:
    """Every slice of the plan with cut inputs, as far as it has been tokenised, in plan order."""
    found = []
    for label in planned.encoders:
        for step in _tokenised(c.score for c in planned.cells if c.encoder == label):
            record = store.sound(step.address, step.key, step.identity)
            if record is not None and record["value"]["shortened"]:
                found.append(_cut(label, step, record["value"]))
    return list(dict.fromkeys(found))  # windows of another stride cut the same questions


def _tokenised(scores: Iterable[Step]) -> Iterable[Step]:
    return (step for step in in_order(scores) if isinstance(step.config, Tokens))


def _cut(encoder: str, step: Step, value: dict[str, int]) -> Cut:
    how, data = step.config, step.inputs["examples"].config
    assert isinstance(how, Tokens) and isinstance(data, Slice)
    inputs = value["examples" if how.kind in _WHOLE else "rows"]
    split = f"{data.split}, held out" if data.part == "held" else data.split
    if data.draw is not None:
        split += f", {data.sample} of draw {data.draw}"
    cut = value["shortened"]
    return Cut(encoder, data.task, data.language, split, cut, inputs, how.max_length)


def cut_lines(cuts: Sequence[Cut]) -> list[str]:
    """One line a task, split and length of rows: how much was cut, and in which language most."""
    several = len({c.encoder for c in cuts}) > 1
    groups: dict[tuple[str, str, str, int], list[Cut]] = {}
    for cut in cuts:
        groups.setdefault((cut.encoder, cut.task, cut.split, cut.pieces), []).append(cut)
    return [
        (f"{encoder}: " if several else "") + _line(f"{task} ({split})", pieces, of)
        for (encoder, task, split, pieces), of in groups.items()
    ]


def _line(name: str, pieces: int, of: list[Cut]) -> str:
    cut, inputs = sum(c.cut for c in of), sum(c.inputs for c in of)
    line = f"{name}: {cut:,} of {inputs:,} inputs were cut at {pieces} pieces"
    if len(of) == 1:
        return f"{line} in {of[0].language}"
    most = max(of, key=lambda c: c.cut / c.inputs)
    return (
        f"{line} in {len(of)} languages, most in {most.language}: {most.cut:,} of {most.inputs:,}"
    )
