"""The rows that the probes of a plan give: similarities of pairs of tasks, by measure."""

import json
import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from xstilts.phases.planned import Planned
from xstilts.phases.probes import EMBEDDING, HEAD, INFORMATION, PROFILE, Probe
from xstilts.probe.measures import (
    cosine,
    fisher_cosine,
    label_overlap,
    length_similarity,
    word_overlap,
)
from xstilts.probe.spec import FISHER, GRADIENT, VECTOR, WORDS
from xstilts.store import Store
from xstilts.tasks import get_task

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "measure", "price", "intermediate", "target", "arm", "layer", "language", "seed", "value",
)  # fmt: skip
Price = Literal["data", "encoder", "stage"]
_COMPLEXITY: tuple[tuple[str, Price, str], ...] = (
    ("label_entropy", "data", "label_entropy"),
    ("input_length", "data", "words"),
    ("early_loss", "encoder", "loss"),
)  # of one task: measure, price, and its name in a record


def probe_rows(planned: Planned, store: Store, encoder: str) -> "pd.DataFrame":
    """One row a finished measurement of one encoder; what is not defined or finished has none.

    Columns are ``COLUMNS``. Of price ``data`` are ``size`` (logarithm to base 10 of the
    intermediate task's examples), ``length``, ``vocabulary``, ``labels`` and ``kind`` (1 for the
    same kind of example); of ``encoder`` ``textemb``, ``gradient`` and ``task2vec``; of ``stage``
    ``logme``, ``h_score``, ``leep``, ``taskemb``, and ``cka`` a row a layer. ``logme`` and
    ``h_score`` of the untuned encoder have no intermediate, and the price ``encoder``. Nor have
    ``label_entropy`` (bits), ``input_length`` (words) and ``early_loss`` (nats a term, of a head
    fitted for a short while on the untuned encoder). All are those of
    :mod:`xstilts.probe.measures` and :mod:`xstilts.probe.stage`.
    """
    import pandas as pd

    done = [
        (probe, record["value"])
        for probe in planned.probes
        if probe.encoder == encoder
        and (record := store.sound(probe.step.address, probe.step.key, probe.step.identity))
    ]
    rows = [*_both(done), *_alone(done), *_pairs(done, store, planned)]
    table = pd.DataFrame(rows, columns=list(COLUMNS)).astype({"layer": "Int64", "seed": "Int64"})
    return table.drop_duplicates(ignore_index=True)


_Done = list[tuple[Probe, dict[str, Any]]]
_Row = dict[str, Any]


def _row(measure: str, price: Price, one: Probe, other: Probe, value: float, **more: Any) -> _Row:
    place = {"intermediate": one.intermediate or None, "target": other.target or None}
    arm = {"arm": one.arm or None, "layer": None, "language": None, "seed": one.seed}
    return {"measure": measure, "price": price, **place, **arm, **more, "value": value}


def _both(done: _Done) -> Iterator[_Row]:
    """What one step measures of a pair."""
    for probe, value in done:
        price: Price = "stage" if probe.arm else "encoder"
        for measure in ("logme", "h_score", "leep"):
            if measure in value:
                yield _row(measure, price, probe, probe, value[measure])
        for layer, found in enumerate(value.get("cka", ())):
            yield _row("cka", price, probe, probe, found, layer=layer, language="en")


def _alone(done: _Done) -> Iterator[_Row]:
    """How complex a task is, trained on before or a target."""
    for probe, value in done:
        if probe.role != "both":
            for measure, price, name in _COMPLEXITY:
                if name in value:
                    yield _row(measure, price, probe, probe, value[name])


def _pairs(done: _Done, store: Store, planned: Planned) -> Iterator[_Row]:
    """What is worked out of the probes of an intermediate task and of a target."""
    opened = partial(_opened, store)
    for stage, compare in (
        (PROFILE, _by_data),
        (EMBEDDING, _by_encoder),
        (HEAD, _by_encoder),
        (INFORMATION, _by_stage),
    ):
        mine = [(p, v) for p, v in done if p.step.stage is stage]
        ones = [(p, opened(p, v)) for p, v in mine if p.role == "intermediate"]
        others = {(p.target, p.seed): (p, opened(p, v)) for p, v in mine if p.role == "target"}
        for one, told in ones:
            for (_, seed), (other, of_target) in others.items():
                if seed == one.seed:
                    yield from compare(one, told, other, of_target)
            if stage is PROFILE:
                size = math.log10(told["examples"])
                for target in planned.recipe.targets:
                    yield _row(
                        "size", "data", one, Probe("", one.step, "target", target=target), size
                    )


def _opened(store: Store, probe: Probe, value: dict[str, Any]) -> dict[str, Any]:
    """What a probe's record says and what its files hold."""
    step = probe.step
    folder = store.open(step.address, step.key, step.identity).folder
    arrays = {name: folder / name for name in (VECTOR, FISHER, GRADIENT)}
    found = {n: np.load(p, allow_pickle=False) for n, p in arrays.items() if p.exists()}
    words = folder / WORDS
    told = {WORDS: set(json.loads(words.read_text()))} if words.exists() else {}
    return {**value, **found, **told}


_Compare = Callable[[Probe, dict[str, Any], Probe, dict[str, Any]], Iterator[_Row]]


def _by_data(one: Probe, mine: _Row, other: Probe, its: _Row) -> Iterator[_Row]:
    yield _row("length", "data", one, other, length_similarity(mine["words"], its["words"]))
    yield _row("vocabulary", "data", one, other, word_overlap(mine[WORDS], its[WORDS]))
    if mine["labels"] and its["labels"]:
        value = label_overlap(set(mine["labels"]), set(its["labels"]))
        yield _row("labels", "data", one, other, value)
    kinds = get_task(one.intermediate).kind, get_task(other.target).kind
    yield _row("kind", "data", one, other, float(kinds[0] == kinds[1]))


def _by_encoder(one: Probe, mine: _Row, other: Probe, its: _Row) -> Iterator[_Row]:
    for measure, name, compare in (
        ("textemb", VECTOR, cosine),
        ("gradient", GRADIENT, cosine),
        ("task2vec", FISHER, fisher_cosine),
    ):
        if name in mine:
            yield _row(measure, "encoder", one, other, compare(mine[name], its[name]))


def _by_stage(one: Probe, mine: _Row, other: Probe, its: _Row) -> Iterator[_Row]:
    yield _row("taskemb", "stage", one, other, cosine(mine[FISHER], its[FISHER]))
