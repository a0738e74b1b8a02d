"""What a plan will cost: time, disk, accelerator-hours, and what it can detect."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from xstilts.graph import Step
from xstilts.graph.plan import Status, status, unsound
from xstilts.phases.planning import Planned
from xstilts.phases.steps import READING, size_of
from xstilts.stats.power import smallest_gain
from xstilts.store import Store

ACCELERATOR_TFLOPS = 100.0  # sustained; the unit in which accelerator-hours are given
_UTILISATION = 0.4  # of the measured product rate, until a finished stage says better
_BYTES_A_PIECE = 3.5  # of a file in a Latin script; others have more
_XLMR_LARGE_BLOCKS = 302e6


@dataclass(frozen=True)
class Estimate:
    """What is left to do.

    Attributes:
        steps: stage -> (all, left).
        corrupt: results that do not match their records and would be built anew.
        blocked: steps that need weights of a diverged training.
        tokens: left to train and to predict, in millions.
        hours: on this machine, None for an encoder that is not here.
        accelerator_hours: at ``ACCELERATOR_TFLOPS`` sustained.
        gigabytes: of weights that will be kept, and of predictions.
        basis: where the speed comes from.
        detectable: target -> smallest gain of its language mean; None with too few seeds.
        selection: trained task -> where models are selected.
    """

    steps: dict[str, tuple[int, int]]
    corrupt: dict[str, str]
    blocked: list[str]
    tokens: tuple[float, float]
    hours: float | None
    accelerator_hours: float
    gigabytes: float
    basis: str
    detectable: dict[str, float | None]
    selection: dict[str, str]


def estimate(planned: Planned, store: Store) -> Estimate:
    """Compare the plan with the store and add up what is left."""
    corrupt = unsound(planned.plan.goals, store)
    found = status([*planned.plan.goals, *(step for step, _ in corrupt)], store)
    unique = planned.plan.unique()
    left = Counter(s.stage.name for s in found.to_run)
    every = Counter(s.stage.name for s in unique)
    sources = planned.plan.sources
    trained = sum(_pieces(s, store, sources) for s in found.to_run if s.stage.name == "train")
    passed = [s for s in found.to_run if s.stage.name in READING]
    read = sum(_pieces(s, store, sources) for s in passed)
    blocks = max(_block_parameters(planned), 1.0)
    flops = blocks * (6 * trained + 2 * read)
    rate, basis = _rate(unique, store, blocks)
    workers = planned.recipe.runtime.workers
    return Estimate(
        steps={name: (every[name], left[name]) for name in every},
        corrupt={step.key: reason for step, reason in corrupt},
        blocked=[s.address for s in found.blocked],
        tokens=(trained / 1e6, read / 1e6),
        hours=None if rate is None else (trained + read / 3) / rate / 3600 / workers,
        accelerator_hours=flops / (ACCELERATOR_TFLOPS * 1e12) / 3600,
        gigabytes=_gigabytes(planned, found, blocks),
        basis=basis,
        detectable=_detectable(planned),
        selection={name: t.origin for name, t in planned.trainings.items()},
    )


def _pieces(step: Step, store: Store, sources: Mapping[str, Path]) -> float:
    """Pieces that pass the encoder: counted where the slice is tokenised, else guessed.

    The guess rests on official sizes, and on the files where they are smaller.
    """
    tokens = step.inputs.get("train") or step.inputs["tokens"]
    record = store.sound(tokens.address, tokens.key)
    epochs = float(getattr(getattr(step.config, "how", None), "epochs", 1.0))
    if record is None:
        files = [
            sources[d]
            for d in getattr(tokens.inputs["examples"].config, "digests", ())
            if d in sources
        ]
        most = epochs * sum(f.stat().st_size for f in files) / _BYTES_A_PIECE
        return min(step.work.tokens, most) if files else step.work.tokens
    return float(record["value"]["pieces"]) * epochs


def _block_parameters(planned: Planned) -> float:
    sizes = []
    for encoder in planned.encoders.values():
        known = encoder.files.block_parameters if encoder.files else encoder.choice.block_parameters
        sizes.append(known or _XLMR_LARGE_BLOCKS)
    return max(sizes)


def _rate(steps: list[Step], store: Store, blocks: float) -> tuple[float | None, str]:
    """Training tokens a second: of finished stages, else from the measured product rate."""
    for step in steps:
        if step.stage.name != "train":
            continue
        for record in store.records(step.address)[:1]:
            return float(record["value"]["tokens_per_second"]), f"speed of {step.address}"
    try:
        machines = json.loads((store.root / "machine.json").read_text())
        fastest = max(max(m["gigaflops"].values()) for m in machines.values())
    except (OSError, ValueError):
        return None, "no speed is known here yet"
    rate = fastest * 1e9 * _UTILISATION / (6 * blocks)
    return rate, f"{fastest:.0f} GFLOP/s measured here, {_UTILISATION:.0%} of it assumed"


def _gigabytes(planned: Planned, found: Status, blocks: float) -> float:
    """Weights that are kept (fp32, embeddings guessed as large as the blocks) and predictions."""
    kept = sum(s.key in planned.plan.kept for s in found.to_run)
    predicted = sum(s.stage.name in READING for s in found.to_run)
    return (kept + 1) * blocks * 2 * 4 / 1e9 + predicted * 0.3e6 / 1e9


def _detectable(planned: Planned) -> dict[str, float | None]:
    sizes: Counter[str] = Counter()
    for data in planned.reported:
        sizes[data.task] += size_of(data)
    seeds = len(planned.recipe.seeds)
    return {task: smallest_gain(seeds, n) for task, n in sizes.items()}
