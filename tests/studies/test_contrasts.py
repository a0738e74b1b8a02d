import dataclasses

import numpy as np
import pandas as pd
import pytest
from planted_results import evidence

from xstilts.stats.crossed import crossed_test
from xstilts.stats.gains import cells
from xstilts.stats.items import Counted, Counts
from xstilts.stats.scores import Scores
from xstilts.studies.contrasts import (
    contrast,
    contrast_of_draws,
    mean,
    over,
    shared_cells,
    slope,
    total,
    with_holm,
)
from xstilts.studies.measured import Measured, measured


def table(values: dict[tuple[str, str, str], dict[int | None, float]]) -> Measured:
    return Measured(Scores(values, {place: (1000, 10.0) for place in values}, {}))


SCORES = table(
    {
        ("a", "t", "de"): {0: 50.0, 1: 52.0, 2: 54.0},
        ("a", "t", "sw"): {0: 40.0, 1: 42.0, 2: 44.0},
        ("a", "u", "de"): {0: 60.0, 1: 62.0, 2: 70.0, 3: 99.0},
        ("b", "t", "de"): {0: 51.0, 1: 51.0, 2: 51.0},
        ("b", "t", "sw"): {0: 41.0, 1: 41.0, 2: 41.0},
        ("b", "u", "de"): {None: 60.0},
        ("b", "u", "ur"): {None: 5.0},
        ("a", "u", "ur"): {0: 5.0, 1: 6.0, 2: 7.0},
    }
)


def test_only_cells_of_all_arms_above_the_floor_in_one_are_compared() -> None:
    assert shared_cells(SCORES, ["a", "b"]) == [("t", "de"), ("t", "sw"), ("u", "de")]
    assert shared_cells(SCORES, ["a", "c"]) == []
    assert shared_cells(SCORES, ["a"], lambda target, _: target == "u") == [("u", "de")]


def test_every_target_has_one_vote_and_only_shared_seeds_count() -> None:
    cells = shared_cells(SCORES, ["a", "b"])
    found = contrast(SCORES, over(cells, {"a": 1.0, "b": -1.0}))
    # In seed 0: t (-1 + -1) / 2, u 0; a score without a seed stands for every seed.
    assert dict(found.by_seed) == pytest.approx({0: -0.5, 1: 1.5, 2: 6.5})
    assert found.test.mean == pytest.approx(2.5)


def test_scores_without_seeds_alone_have_a_mean_and_no_interval() -> None:
    found = contrast(SCORES, over([("u", "de")], {"b": 1.0}))
    assert found.test.mean == 60.0 and found.test.low is None and found.estimate().seeds == 1


def test_a_slope_of_weightings_is_that_of_their_values() -> None:
    one = over([("t", "de")], {"a": 1.0})
    line = slope({x: total([(2.0 * x + 1, one)]) for x in (1.0, 2.0, 4.0)})
    assert contrast(SCORES, line).test.mean == pytest.approx(2 * 52.0)
    assert mean([one, one]) == pytest.approx(one)


def test_draws_are_the_sample_that_items_are_in_the_crossed_test() -> None:
    """The mean over draws has the error that ``crossed_test`` gives means over languages."""
    rng = np.random.default_rng(3)
    values = rng.normal(0, 1, (5, 1)) + rng.normal(0, 2, (1, 6)) + rng.normal(0, 0.5, (5, 6))
    places = {
        (f"d{draw}", "t", "de"): dict(enumerate(values[:, draw].tolist())) for draw in range(6)
    }
    draws = [{place: 1.0} for place in places]
    mine = contrast_of_draws(table(places), draws).test
    theirs = crossed_test(values, np.zeros((10, 5, 6)), targets=np.zeros(6), languages=np.arange(6))
    assert mine.mean == pytest.approx(theirs.mean)
    assert (mine.low, mine.high) == pytest.approx((theirs.low, theirs.high), rel=1e-6)


def test_intervals_over_draws_hold_where_those_over_seeds_alone_do_not() -> None:
    rng = np.random.default_rng(0)
    hits = {"draws": 0, "seeds": 0}
    for _ in range(150):
        draw = rng.normal(0, 1.5, (3, 1))
        values = rng.normal(0, 1, (1, 5)) + draw + rng.normal(0, 0.5, (3, 5))
        places = {
            (f"d{i}", "t", "de"): dict(enumerate(row.tolist())) for i, row in enumerate(values)
        }
        draws = [{place: 1.0} for place in places]
        for name, found in {
            "draws": contrast_of_draws(table(places), draws),
            "seeds": contrast(table(places), mean(draws)),
        }.items():
            low, high = found.test.low, found.test.high
            hits[name] += low is not None and high is not None and low <= 0 <= high
    assert hits["draws"] / 150 >= 0.9  # 0.95 in 400 of these
    assert hits["seeds"] / 150 <= 0.85  # 0.71


def test_two_draws_stand_for_themselves() -> None:
    places = {(f"d{i}", "t", "de"): {0: 1.0 + i, 1: 2.0 + i, 2: 3.0 + i} for i in (0, 9)}
    draws = [{place: 1.0} for place in places]
    both = contrast(table(places), mean(draws)).test
    assert contrast_of_draws(table(places), draws).test.low == pytest.approx(both.low)


def test_rows_without_a_p_are_in_no_correction() -> None:
    rows = with_holm([{"p": 0.01}, {"p": None}, {"p": 0.04}])
    assert [row["p_holm"] for row in rows] == [0.02, None, 0.04]


def test_with_counts_of_items_a_gain_has_the_interval_of_its_cell() -> None:
    whole = evidence([{}, {"tasks": "mnli"}], lambda arm, _t, _l: 60.0 + 2 * bool(arm["tasks"]))
    counts, rows = counted_like(whole.rows)
    there = dataclasses.replace(whole, rows=rows, counts=counts)
    of = cells(rows, whole.main_metrics, "a0", counts=counts).query("language == 'sw'").iloc[0]
    mine = contrast(measured(there), over([(of["target"], "sw")], {"a1": 1.0, "a0": -1.0})).test
    seeds = contrast(
        Measured(measured(there).scores), over([(of["target"], "sw")], {"a1": 1.0, "a0": -1.0})
    )
    assert (mine.mean, mine.low, mine.high) == pytest.approx((of["gain"], of["low"], of["high"]))
    assert mine.high - mine.low > seeds.test.high - seeds.test.low


def test_one_run_without_counts_leaves_a_test_over_seeds_alone() -> None:
    whole = evidence([{}, {"tasks": "mnli"}], lambda arm, _t, _l: 60.0 + 2 * bool(arm["tasks"]))
    counts, rows = counted_like(whole.rows)
    some = {run: of for run, of in counts.runs.items() if run[3] != 0}
    there = dataclasses.replace(whole, rows=rows, counts=Counts(some))
    weights = over([("xnli", "sw")], {"a1": 1.0, "a0": -1.0})
    alone = Measured(measured(there).scores)
    assert contrast(measured(there), weights).test == contrast(alone, weights).test


def counted_like(rows: pd.DataFrame) -> tuple[Counts, pd.DataFrame]:
    """Counts of 1,000 items, each right or wrong at random; and rows with the scores they give."""
    rng = np.random.default_rng(1)
    luck, groups, runs, values = rng.random(1000), np.arange(1000).astype("S4"), {}, []
    for row in rows.to_dict("records"):
        right = luck + rng.normal(0, 0.05, 1000) < row["value"] / 100
        of = Counted(groups, np.stack([right, np.ones(1000)], axis=-1)[:, None, :].astype(float))
        runs[row["arm"], row["target"], row["language"], row["seed"]] = of
        values.append(of.score)
    return Counts(runs), rows.assign(value=values)
