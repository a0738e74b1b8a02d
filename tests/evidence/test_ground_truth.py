"""Real trainings whose truth is known; `python -m bench.ground_truth` writes the same table."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from bench.ground_truth import ARMS, FURTHER, judged, planted, trained


@dataclass
class Sentence:
    tags: list[str]


def test_planting_puts_a_share_of_the_wrong_words_right_or_of_the_right_ones_wrong() -> None:
    rng = np.random.default_rng(0)
    tags = ["A", "B", "C"]
    gold = [Sentence([tags[i] for i in rng.integers(0, 3, 20)]) for _ in range(500)]
    said = [[tags[i] for i in rng.integers(0, 3, 20)] for _ in gold]

    def right(found: list[list[str]]) -> np.ndarray:
        return np.array([np.equal(e.tags, t) for e, t in zip(gold, found, strict=True)])

    before = right(said)
    better, worse = (right(planted(gold, said, sign, 0.25, rng)) for sign in (1.0, -1.0))
    assert better[before].all() and better[~before].mean() == pytest.approx(0.25, abs=0.03)
    assert not worse[~before].any() and worse[before].mean() == pytest.approx(0.75, abs=0.03)


@pytest.mark.evidence
def test_null_arms_are_rarely_called_and_planted_ones_nearly_always(tmp_path: Path) -> None:
    rows, _ = judged(trained(tmp_path / "store"))
    for row in rows:
        print(row)
    null, further, gain, loss = rows
    assert null["called gains"] + null["called losses"] <= 3
    assert gain["called gains"] >= 15 and gain["called losses"] == 0
    assert loss["called losses"] >= 15 and loss["called gains"] == 0
    share = (further["called gains"] + further["called losses"]) / FURTHER
    assert 0.02 <= share <= 0.09  # 5 %; the draws share one pool of runs, so it is not exact
    assert all(row["arms"] in (ARMS, FURTHER) for row in rows)
