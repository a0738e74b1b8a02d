"""Training and prediction for a process of its own, which may be killed."""

from pathlib import Path

from workbench import Workbench, how

from xstilts.core.spec import Runtime
from xstilts.graph import Step
from xstilts.store import Store


def promised(bench: Workbench, epochs: float) -> Step:
    """Predictions of a tagger that was trained with dropout, with several evaluations."""
    said = how(
        lr=1e-3, epochs=epochs, batch_size=16, dropout=0.1, select={"every": 60, "patience": 10**6}
    )
    return bench.predict(bench.train("udpos", said), bench.examples("udpos", "test", "de"))


def bench_of(data: Path, encoder: Path, store: Path) -> Workbench:
    runtime = Runtime(threads=1, micro_tokens=1024, checkpoint_seconds=0.2, keep_weights="all")
    return Workbench(data, encoder, Store(store), runtime)


def run(data: Path, encoder: Path, store: Path, epochs: float) -> None:
    """What the process does."""
    bench = bench_of(data, encoder, store)
    bench.build(promised(bench, epochs))
