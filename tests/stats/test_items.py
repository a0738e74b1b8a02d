"""Runs resampled by item groups: jointly where names are the same, scored anew every time."""

import time
import zlib
from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest

from xstilts.metrics import macro_f1
from xstilts.stats.counts import resampled_scores
from xstilts.stats.crossed import crossed_test
from xstilts.stats.gains import cells, gain_test
from xstilts.stats.items import Counted, Counts, Run
from xstilts.stats.mean_gains import lead_test, mean_test, summary
from xstilts.stats.paired import paired_test
from xstilts.stats.scores import languages_of, scores

METRICS = {"xnli": "accuracy"}


def names(n: int, prefix: str = "") -> np.ndarray:
    return np.array(sorted(f"{prefix}{i}".encode() for i in range(n)))


def shares(right: np.ndarray, prefix: str = "") -> Counted:
    """Accuracy of one item a group."""
    counts = np.stack([right, np.ones_like(right)], axis=-1)[:, None, :].astype(float)
    return Counted(names(len(right), prefix), counts)


def frame(runs: Mapping[Run, Counted]) -> pd.DataFrame:
    """The result rows of these runs."""
    rows = [
        {
            "arm": arm, "target": target, "language": language, "seed": seed, "floor": 1.0,
            "metric": METRICS.get(target, "accuracy"), "value": run.score, "n": len(run.groups),
        }
        for (arm, target, language, seed), run in runs.items()
    ]  # fmt: skip
    found = pd.DataFrame(rows)
    found["seed"] = found["seed"].astype("Int64")
    return found


def world(
    seeds: int = 5, n: int = 300, gain: float = 0.0, item: float = 0.3, apart: float = 0.0
) -> dict[Run, Counted]:
    """Two arms in two parallel languages; items take to an arm in all seeds alike."""
    rng = np.random.default_rng(seeds)
    level = rng.normal(0, 1, n)
    found = {}
    for arm, more in (("none", 0.0), ("mnli", gain)):
        liking = rng.normal(0, item, n)
        for language, own in (("en", apart), ("sw", -apart)):
            for seed in range(seeds):
                likes = more + own if arm == "mnli" else more
                right = level + liking + rng.normal(likes, 0.5, n) > 0
                found[arm, "xnli", language, seed] = shares(right.astype(float))
    return found


def test_draws_are_those_of_the_plain_resample_of_all_runs_together() -> None:
    runs = world()
    draws = Counts(runs, number=4_000).draws
    counts = np.stack([run.counts[:, 0] for run in runs.values()], axis=1)
    oracle = resampled_scores(counts, 4_000, np.random.default_rng(7))
    found = np.stack([draws[run] for run in runs], axis=1)
    assert found.shape == oracle.shape
    assert found.mean(axis=0) == pytest.approx(oracle.mean(axis=0), abs=0.3)
    assert np.cov(found.T) == pytest.approx(np.cov(oracle.T), rel=0.15, abs=0.3)


def test_languages_share_a_draw_where_groups_have_the_same_names_and_only_there() -> None:
    right = np.random.default_rng(0).random(100) < 0.6
    runs = {
        ("none", "xnli", "en", 0): shares(right),
        ("none", "xnli", "sw", 0): shares(right),
        ("none", "xnli", "de", 0): shares(right, "de-"),
        ("none", "pawsx", "en", 0): shares(right),
    }
    draws = list(Counts(runs).draws.values())
    assert np.array_equal(draws[0], draws[1])
    for other in draws[2:]:
        assert abs(np.corrcoef(draws[0], other)[0, 1]) < 0.15
        assert other.std() == pytest.approx(draws[0].std(), rel=0.12)


def test_languages_with_half_of_their_groups_in_common_share_half_of_a_draw() -> None:
    right = np.random.default_rng(0).random(200) < 0.5
    first, second = shares(right), shares(right)
    half = Counted(names(200)[100:], second.counts[100:])
    draws = Counts(
        {("none", "mlqa", "en", 0): first, ("none", "mlqa", "sw", 0): half}, number=5_000
    ).draws
    found = np.cov(np.array(list(draws.values())))
    assert found[1, 1] == pytest.approx(np.var(100 * right[100:], ddof=1) / 100, rel=0.06)
    assert found[0, 1] == pytest.approx(found[0, 0], rel=0.15)  # cov(mean of all, mean of half)


def test_mined_pairs_of_runs_with_different_groups_are_drawn_together() -> None:
    """A run without a pair in a group has nothing to count there."""
    few = Counted(np.array([b"a", b"c"]), np.array([[[2.0, 2]], [[0, 1]]]))
    many = Counted(np.array([b"a", b"b", b"c"]), np.array([[[2.0, 2]], [[0, 0]], [[0, 1]]]))
    draws = Counts({("x", "bucc2018", "de", 0): few, ("x", "bucc2018", "de", 1): many}).draws
    assert np.array_equal(*draws.values())


def test_macro_f1_is_worked_out_anew_label_by_label_of_every_draw() -> None:
    rng = np.random.default_rng(0)
    gold, said = rng.integers(0, 3, 40), rng.integers(0, 3, 40)
    eye = np.eye(3)
    counts = np.stack([2 * eye[gold] * eye[said], eye[gold] + eye[said]], axis=-1)
    run = Counted(names(40), counts)
    assert run.score == pytest.approx(macro_f1(gold.tolist(), said.tolist()), abs=1e-9)
    drawn = Counts({("x", "own", "en", 0): run}, number=20).draws["x", "own", "en", 0]
    picks = np.random.default_rng([0, zlib.crc32(b"own")]).integers(0, 40, (20, 39))
    by_hand = [macro_f1(gold[pick].tolist(), said[pick].tolist()) for pick in picks]
    assert drawn == pytest.approx(by_hand, abs=1e-3)


def test_cells_and_means_are_judged_by_the_crossed_test() -> None:
    runs = world(gain=0.4)
    counts, rows = Counts(runs), frame(runs)
    found = cells(rows, METRICS, "none", counts=counts)
    means = summary(found, languages_of(scores(rows, METRICS)))
    gains = np.array(
        [
            [
                runs["mnli", "xnli", x, s].score - runs["none", "xnli", x, s].score
                for x in ("en", "sw")
            ]
            for s in range(5)
        ]
    )
    items = np.array(
        [
            [
                counts.draws["mnli", "xnli", x, s] - counts.draws["none", "xnli", x, s]
                for x in ("en", "sw")
            ]
            for s in range(5)
        ]
    ).transpose(2, 0, 1)
    for number, (_, cell) in enumerate(found.iterrows()):
        one = [number]
        oracle = crossed_test(gains[:, one], items[:, :, one])
        assert (cell["low"], cell["p"]) == pytest.approx((oracle.low, oracle.p), rel=1e-4)
    oracle = crossed_test(gains, items)
    for row in (means.targets.iloc[0], means.arms.iloc[0]):
        assert (row["low"], row["high"]) == pytest.approx((oracle.low, oracle.high), rel=1e-4)
        assert row["p"] == pytest.approx(oracle.p, rel=1e-3)
    again = mean_test(found)
    assert (again.low, again.p) == pytest.approx((oracle.low, oracle.p), rel=1e-3)


def test_items_that_take_to_an_arm_in_all_seeds_widen_the_interval() -> None:
    """What seeds alone cannot see: five seeds agree, on these items."""
    runs = world(item=1.5, n=200)
    rows = frame(runs)
    alone = cells(rows, METRICS, "none").iloc[0]
    crossed = cells(rows, METRICS, "none", counts=Counts(runs)).iloc[0]
    assert alone["item_draws"] is None
    assert crossed["high"] - crossed["low"] > 1.5 * (alone["high"] - alone["low"])
    assert (alone["gain"], alone["spread"]) == (crossed["gain"], crossed["spread"])


def test_a_mean_is_tested_over_seeds_alone_unless_all_its_runs_have_counts() -> None:
    runs = world(item=1.5)
    rows = frame(runs)
    some = {run: counted for run, counted in runs.items() if run[2] == "en"}
    found = cells(rows, METRICS, "none", counts=Counts(some))
    assert [draws is None for draws in found["item_draws"]] == [False, True]
    mean = summary(found, {"xnli": ["en", "sw"]}).arms.iloc[0]
    oracle = paired_test([gain for _, gain in mean["seed_gains"]])
    assert mean["item_draws"] is None and mean["low"] == pytest.approx(oracle.low)
    assert mean_test(found).low == pytest.approx(oracle.low)


def test_a_test_set_of_one_group_says_nothing_of_other_items() -> None:
    runs = {
        (arm, "xnli", "en", seed): Counted(np.array([b"a"]), np.array([[[seed + more, 9.0]]]))
        for arm, more in (("none", 0), ("mnli", 1))
        for seed in range(3)
    }
    found = cells(frame(runs), METRICS, "none", counts=Counts(runs)).iloc[0]
    assert found["item_draws"] is None and found["verdict"] == "gain"


def test_below_three_seeds_there_is_no_interval_however_many_items() -> None:
    runs = {run: counted for run, counted in world(gain=1.0).items() if run[3] < 2}
    found = cells(frame(runs), METRICS, "none", counts=Counts(runs)).iloc[0]
    assert (found["low"], found["p"], found["verdict"]) == (None, None, "too few seeds")


def test_a_retrieval_baseline_without_a_seed_is_drawn_with_every_seed() -> None:
    runs = world(seeds=3)
    plain = {
        (arm, target, language, None if arm == "none" else seed): counted
        for (arm, target, language, seed), counted in runs.items()
        if arm != "none" or seed == 0
    }
    counts = Counts(plain)
    found = cells(frame(plain), METRICS, "none", counts=counts).iloc[0]
    draws = dict(found["item_draws"])
    base = counts.draws["none", "xnli", "en", None]
    assert np.array_equal(draws[2], counts.draws["mnli", "xnli", "en", 2] - base)
    assert found["low"] is not None
    assert gain_test({0: 1.0}, {0: draws[2]}).low is None


def test_languages_in_general_are_spoken_of_only_where_one_asks_for_it() -> None:
    runs = world(gain=0.3, apart=0.3)
    found = cells(frame(runs), METRICS, "none", counts=Counts(runs))
    assert mean_test(found, in_general=True).low < mean_test(found).low
    with pytest.raises(ValueError, match="languages in general"):
        mean_test(found.iloc[:1], in_general=True)


def test_two_arms_are_told_apart_by_their_difference_on_the_same_items() -> None:
    """The items that both arms take to in the same way do not count against their order."""
    runs = world(item=1.5)
    rng = np.random.default_rng(0)
    for (arm, target, language, seed), run in list(runs.items()):
        if arm == "mnli":
            right = run.counts[:, 0, 0] + (rng.random(300) < 0.12) > 0
            runs["more", target, language, seed] = shares(right.astype(float))
    found = cells(frame(runs), METRICS, "none", counts=Counts(runs))
    means = summary(found, {"xnli": ["en", "sw"]}).arms.set_index("arm").to_dict("index")
    test = lead_test(means["more"], means["mnli"])
    assert test.verdict == "gain" and test.high - test.low < 4
    assert means["mnli"]["high"] - means["mnli"]["low"] > 8


def test_nothing_to_average_has_no_mean() -> None:
    assert mean_test(cells(frame(world()), METRICS, "none").iloc[:0]).mean is None


def test_a_large_grid_is_judged_in_seconds() -> None:
    """A twelfth of 20 arms x 12 targets x 15 languages x 5 seeds, of texts not in parallel."""
    rng = np.random.default_rng(0)
    runs = {
        (f"arm{a}", "xnli", f"l{x}", s): shares(rng.random(500) < 0.6, f"{x}-")
        for a in range(21)
        for x in range(15)
        for s in range(5)
    }
    rows = frame(runs)
    began = time.process_time()
    found = cells(rows, METRICS, "arm0", counts=Counts(runs))
    summary(found, {"xnli": [f"l{x}" for x in range(15)]})
    assert len(found) == 300
    assert time.process_time() - began < 5
