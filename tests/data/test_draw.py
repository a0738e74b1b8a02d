"""Held-out parts and samples."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xstilts.core.errors import DataError
from xstilts.data.draw import HELD_MOST, HELD_SHARE, carve, sample
from xstilts.tasks.examples import Pair

sizes = st.lists(st.integers(1, 12), min_size=1, max_size=200)


def grouped(groups):
    """Examples whose group i has `groups[i]` members, which do not stand together in the file."""
    found = [
        Pair(f"{g}-{i}", f"g{g}", "a", "b", "c")
        for g, size in enumerate(groups)
        for i in range(size)
    ]
    return sorted(found, key=lambda e: (e.id.split("-")[1], e.id))


def ids(examples):
    return [e.id for e in examples]


@given(sizes)
def test_training_and_held_out_parts_share_nothing_and_lose_nothing(groups):
    examples = grouped(groups)
    train, held = carve(examples, "train"), carve(examples, "held")
    assert set(ids(train)) | set(ids(held)) == set(ids(examples))
    assert not {e.group for e in train} & {e.group for e in held}
    assert len(train) + len(held) == len(examples)


@given(sizes)
def test_at_most_five_percent_are_held_out(groups):
    examples = grouped(groups)
    assert len(carve(examples, "held")) <= HELD_SHARE * len(examples)


@pytest.mark.parametrize("n", [9_999, 10_001, 30_000])
def test_single_examples_fill_the_held_out_part_up_to_five_hundred(n):
    held = carve(grouped([1] * n), "held")
    assert len(held) == min(int(n * 0.05), 500) == min(int(n * HELD_SHARE), HELD_MOST)


@given(sizes, st.randoms(use_true_random=False))
def test_the_order_of_the_file_does_not_decide_who_is_held_out(groups, random):
    examples = grouped(groups)
    mixed = list(examples)
    random.shuffle(mixed)
    assert set(ids(carve(mixed, "held"))) == set(ids(carve(examples, "held")))


def test_parts_keep_the_order_of_the_file():
    examples = grouped([3] * 100)
    for part in ("train", "held"):
        chosen = carve(examples, part)
        assert chosen == [e for e in examples if e in chosen]
    assert carve(examples, "all") == examples


def test_a_new_group_does_not_reshuffle_the_others():
    before = {e.group for e in carve(grouped([1] * 2000), "held")}
    after = {e.group for e in carve(grouped([1] * 2001), "held")}
    assert len(before & after) >= len(before) - 1


@given(sizes, st.data())
def test_a_sample_has_exactly_so_many_examples_in_file_order(groups, data):
    examples = grouped(groups)
    n = data.draw(st.integers(1, len(examples)))
    drawn = sample(examples, n, where="here")
    assert len(drawn) == n
    assert drawn == [e for e in examples if e in drawn]
    assert drawn == sample(examples, n, where="here")


@given(sizes, st.data())
def test_a_sample_takes_whole_groups_and_tears_at_most_one(groups, data):
    examples = grouped(groups)
    drawn = sample(examples, data.draw(st.integers(1, len(examples))), where="here")
    taken = {g: sum(e.group == f"g{g}" for e in drawn) for g in range(len(groups))}
    assert sum(0 < taken[g] < size for g, size in enumerate(groups)) <= 1


@given(sizes, st.data())
def test_a_larger_sample_holds_the_smaller_one(groups, data):
    examples = grouped(groups)
    large = data.draw(st.integers(1, len(examples)))
    small = data.draw(st.integers(1, large))
    few, many = (set(ids(sample(examples, n, where="h"))) for n in (small, large))
    assert few <= many


def test_a_sample_is_not_just_the_start_of_the_file_nor_the_held_out_groups():
    examples = grouped([1] * 400)
    drawn = ids(sample(examples, 20, where="here"))
    assert drawn != ids(examples[:20])
    assert set(drawn) != set(ids(carve(examples, "held")))


def test_parallel_languages_draw_the_same_ids():
    english = grouped([3] * 40)
    german = [Pair(e.id, e.group, "x", "y", "z") for e in english]
    assert ids(sample(english, 31, where="en")) == ids(sample(german, 31, where="de"))


def test_no_sample_is_everything_and_too_large_a_sample_is_refused():
    examples = grouped([2, 2])
    assert sample(examples, None, where="here") == examples
    with pytest.raises(DataError, match="5 examples are asked for, 4 are there") as caught:
        sample(examples, 5, where="file.tsv")
    assert caught.value.where == "file.tsv"
    assert "sample=4" in caught.value.do
