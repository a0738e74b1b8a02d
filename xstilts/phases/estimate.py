"""What a plan will cost: time, disk, accelerator-hours, and what it can detect."""

import json
import math
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from xstilts.data.slices import Slice
from xstilts.graph import Step
from xstilts.graph.plan import Status, status, unsound
from xstilts.phases.planned import Planned
from xstilts.phases.probes import PROBING
from xstilts.phases.steps import READING, size_of
from xstilts.stats.power import smallest_gain
from xstilts.store import Store
from xstilts.tasks import get_task
from xstilts.train.mixture import budget, shares
from xstilts.train.spec import Mixture, Reading

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
        selection: trained task -> where models are selected; swept target -> what chooses blocks.
        mixtures: stage of several tasks -> the law, and the examples expected of each task.
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
    mixtures: dict[str, tuple[str, dict[str, float]]]


def estimate(planned: Planned, store: Store) -> Estimate:
    """Compare the plan with the store and add up what is left."""
    corrupt = unsound(planned.plan.goals, store)
    found = status([*planned.plan.goals, *(step for step, _ in corrupt)], store)
    unique = planned.plan.unique()
    left = Counter(s.stage.name for s in found.to_run)
    every = Counter(s.stage.name for s in unique)
    sources = planned.plan.sources
    trained = sum(_pieces(s, store, sources) for s in found.to_run if s.stage.name == "train")
    trained += sum(s.work.tokens for s in found.to_run if s.stage.name == "pretrain")
    passed = [s for s in found.to_run if s.stage.name in READING]
    read = sum(_pieces(s, store, sources) for s in passed)
    read += sum(s.work.tokens for s in found.to_run if s.stage.name in PROBING)
    blocks = max(_block_parameters(planned), 1.0)
    flops = blocks * (6 * trained + 2 * read)
    rate, basis = _rate(unique, store, blocks)
    workers = planned.recipe.runtime.workers
    timed = sum(s.work.seconds for s in found.to_run)
    hours = None if rate is None else ((trained + read / 3) / rate / workers + timed) / 3600
    return Estimate(
        steps={name: (every[name], left[name]) for name in every},
        corrupt={step.key: reason for step, reason in corrupt},
        blocked=[s.address for s in found.blocked],
        tokens=(trained / 1e6, read / 1e6),
        hours=hours,
        accelerator_hours=flops / (ACCELERATOR_TFLOPS * 1e12) / 3600,
        gigabytes=_gigabytes(planned, found, blocks),
        basis=basis,
        detectable=_detectable(planned),
        selection=_selection(planned),
        mixtures=_mixtures(planned, store),
    )


def _pieces(step: Step, store: Store, sources: Mapping[str, Path]) -> float:
    """Pieces that pass the encoder: counted where the slices are tokenised, else guessed.

    The guess rests on official sizes, and on the files where they are smaller.
    """
    if isinstance(step.config, Reading):
        return step.work.tokens
    slices, passes = _read_by(step, store)
    counted = [store.sound(tokens.address, tokens.key) for tokens in slices]
    most = [
        _most_pieces(tokens, sources) if not c else float(c["value"]["pieces"])
        for tokens, c in zip(slices, counted, strict=True)
    ]
    read = sum(times * pieces for times, pieces in zip(passes, most, strict=True))
    text = getattr(step.config, "text", None)
    beside = 1 / (1 - text.share) if text else 1.0  # as if its updates were as long as the tasks'
    return beside * (read if all(counted) else min(step.work.tokens, read))


def _read_by(step: Step, store: Store) -> tuple[list[Step], list[float]]:
    """The token arrays that a step reads, and how often (in expectation) it reads each."""
    if not isinstance(step.config, Mixture):
        tokens = step.inputs.get("train") or step.inputs["tokens"]
        return [tokens], [float(getattr(getattr(step.config, "how", None), "epochs", 1.0))]
    slices = _mixed(step, step.config)
    sizes = [_examples(tokens, store) for tokens in slices]
    wanted = _expected(step.config, sizes)
    return slices, [examples / size for examples, size in zip(wanted, sizes, strict=True)]


def _mixed(step: Step, config: Mixture) -> list[Step]:
    return [step.inputs[f"train.{head.task}"] for head in config.heads]


def _expected(config: Mixture, sizes: list[int]) -> list[float]:
    """Examples that the law draws of each task in a whole run, on average."""
    examples = budget(config.mix, sizes, config.how.epochs)
    return [examples * share for share in shares(config.mix, sizes).tolist()]


def _mixtures(planned: Planned, store: Store) -> dict[str, tuple[str, dict[str, float]]]:
    found: dict[str, tuple[str, dict[str, float]]] = {}
    for name, step in planned.models.items():
        config = step.config
        if isinstance(config, Mixture):
            wanted = _expected(config, [_examples(t, store) for t in _mixed(step, config)])
            tasks = [head.task for head in config.heads]
            told = config.mix.law, dict(zip(tasks, wanted, strict=True))
            found[name.partition("@")[0]] = told
    return found


def _examples(tokens: Step, store: Store) -> int:
    record = store.sound(tokens.address, tokens.key)
    return int(record["value"]["examples"]) if record else size_of(_slice(tokens))


def _most_pieces(tokens: Step, sources: Mapping[str, Path]) -> float:
    """Pieces that the files of a slice can hold; infinite where they are not here."""
    files = [sources[d] for d in _slice(tokens).digests if d in sources]
    return sum(f.stat().st_size for f in files) / _BYTES_A_PIECE if files else math.inf


def _slice(tokens: Step) -> Slice:
    data = tokens.inputs["examples"].config
    assert isinstance(data, Slice)
    return data


def _block_parameters(planned: Planned) -> float:
    sizes = []
    for encoder in planned.encoders.values():
        sizes.append(encoder.block_parameters or _XLMR_LARGE_BLOCKS)
    return max(sizes)


def _rate(steps: list[Step], store: Store, blocks: float) -> tuple[float | None, str]:
    """Training tokens a second: of finished stages, else from the measured product rate."""
    for step in steps:
        if step.stage.name not in ("train", "pretrain"):
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


def _selection(planned: Planned) -> dict[str, str]:
    found = {name: trained.origin for name, trained in planned.trainings.items()}
    for target, text in planned.aligned.items():
        if text:
            languages = ", ".join(s.language for s in text)
            found[f"{target}, block"] = f"the best on {text[0].task} ({languages})"
    return found


def _detectable(planned: Planned) -> dict[str, float | None]:
    sizes: dict[str, list[int]] = defaultdict(list)
    for data in planned.reported:
        sizes[data.task].append(size_of(data))
    seeds = len(planned.recipe.seeds)
    same = {task: len(each) if get_task(task).parallel else 1 for task, each in sizes.items()}
    return {
        task: smallest_gain(seeds, sum(each), languages=same[task]) for task, each in sizes.items()
    }
