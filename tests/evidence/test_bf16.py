"""Training in bf16 scores what training in fp32 scores."""

from pathlib import Path

import pandas as pd
import pytest

import xstilts
from xstilts.metrics import noise_limit
from xstilts.stats.equivalence import equivalence
from xstilts.stats.paired import paired_test
from xstilts.tasks import get_task

TASK = "lab_udpos"
SEEDS = [0, 1, 2, 3, 4]
MARGIN = 1.0  # point


def scores(precision: str, store: Path) -> pd.DataFrame:
    """The task's metric in English, a row a seed, in the order of seeds."""
    changes = ("arms={none: []}", f"targets=[{TASK}]", "languages=[en]", f"seeds={SEEDS}")
    found = xstilts.run("quickstart", *changes, f"training.precision={precision}", store=store)
    assert not found.outcome.failed and not found.outcome.blocked
    rows = found.rows
    of_task = rows[(rows.language == "en") & (rows.metric == get_task(TASK).metric)]
    assert sorted(of_task.seed) == SEEDS
    return of_task.sort_values("seed")


@pytest.mark.evidence
def test_means_of_five_seeds_are_within_a_point(tmp_path: Path) -> None:
    exact, short = (scores(precision, tmp_path) for precision in ("fp32", "bf16"))
    print(exact[["seed", "value"]], short[["seed", "value"]], sep="\n")
    assert list(exact.value) != list(short.value), "both ran in the same format"
    for rows in (exact, short):
        limits = [noise_limit(f, n) for f, n in zip(rows.floor, rows.n, strict=True)]
        assert all(rows.value > limits)
    test = paired_test([b - a for a, b in zip(exact.value, short.value, strict=True)])
    found = equivalence(test, MARGIN)
    print(f"bf16 - fp32: {test.mean:+.2f} [{test.low:.2f}, {test.high:.2f}], TOST p {found:.4f}")
    assert found is not None and found <= 0.05
