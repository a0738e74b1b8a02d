"""Null experiments with measured variances; `python -m bench.calibration` writes the same table."""

import numpy as np
import pytest

from bench.calibration import (
    GROUPS,
    LANGUAGES,
    QUIET,
    SEEDS,
    Held,
    Variances,
    _components,
    every,
    held,
    read_variances,
    simulated,
)

ROUGHLY = 3 * (0.05 * 0.95 / 1_000) ** 0.5  # of a share of 1,000


def tables(by: Variances, seeds: int, languages: int) -> dict:
    """Simulated runs as the measuring reads them."""
    counts = simulated(by, seeds, languages, np.random.default_rng(0))
    return {
        (f"arm {a}", f"l{x}", s): {
            f"{g}": (float(row[0]), float(row[1])) for g, row in enumerate(counts[:, a, s, x])
        }
        for a in range(2)
        for s in range(seeds)
        for x in range(languages)
    }


def test_what_was_measured_is_found_again_in_what_is_simulated() -> None:
    by = Variances(
        "xnli", "accuracy", 0.6, 3, 0.0, item=0.3, item_language=0.1, item_arm=0.15,
        item_arm_language=0.1, item_seed=0.1, seed=0.02, seed_language=0.01, runs=0,
    )  # fmt: skip
    found = _components("xnli", "accuracy", tables(by, 4, 4), 0.0)
    assert found.level == pytest.approx(0.6, abs=0.06)
    for name in ("item", "item_language", "item_arm", "item_arm_language", "item_seed"):
        assert getattr(found, name) == pytest.approx(getattr(by, name), abs=0.07), name
    assert found.seed == pytest.approx(0.02, abs=0.02)
    assert found.seed_language == pytest.approx(0.01, abs=0.01)


def test_a_few_null_experiments_are_mostly_covered() -> None:
    by = read_variances()[1]
    found = held(by, 1.0, 5, 6, experiments=60)
    assert simulated(by, 3, 2, np.random.default_rng(0)).shape == (GROUPS, 2, 3, 2, 2)
    assert 0.85 <= found.covered == pytest.approx(1 - found.called)


@pytest.fixture(scope="module")
def table() -> list[Held]:
    return list(every())


@pytest.mark.evidence
def test_intervals_of_null_experiments_cover_0_as_often_as_they_say(table: list[Held]) -> None:
    assert {(h.metric, h.between, h.seeds, h.languages) for h in table} == {
        (by.metric, between, seeds, languages)
        for by in read_variances()
        for between in (1.0, QUIET)
        for seeds in SEEDS
        for languages in LANGUAGES
    }
    for cell in table:
        assert 0.93 <= cell.covered <= 0.97, cell
        assert 0.03 <= cell.called <= 0.07, cell


@pytest.mark.evidence
def test_the_plain_percentile_bootstrap_covers_far_too_little_with_few_seeds(
    table: list[Held],
) -> None:
    three = [c.percentile for c in table if c.seeds == 3 and c.between == 1]
    assert max(three) < 0.93
