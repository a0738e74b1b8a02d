"""Train and predict in a process of its own: `run_stage.py DATA ENCODER STORE EPOCHS`."""

import sys
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


if __name__ == "__main__":
    data, encoder, store, epochs = sys.argv[1:]
    bench = bench_of(Path(data), Path(encoder), Path(store))
    bench.build(promised(bench, float(epochs)))
