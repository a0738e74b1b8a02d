from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from xstilts.data.batches import TokenArrays, micro_batches, paired, together

rows_of_examples = st.lists(
    st.lists(st.integers(1, 40), min_size=1, max_size=5), min_size=1, max_size=30
)


def arrays_with(lengths):
    """Token arrays in which example i has rows of `lengths[i]` pieces; a piece is its own place."""
    flat = [n for rows in lengths for n in rows]
    starts = np.concatenate([[0], np.cumsum(flat)])
    example = np.repeat(np.arange(len(lengths)), [len(rows) for rows in lengths])
    return TokenArrays(np.arange(starts[-1]), None, starts, example, {}, pad=-1)


def padded_pieces(arrays, group):
    rows = arrays.rows_of(group)
    return len(rows) * int(arrays.lengths[rows].max())


@given(rows_of_examples, st.integers(1, 400), st.booleans(), st.randoms(use_true_random=False))
def test_micro_batches_partition_the_examples_and_respect_the_budget(
    lengths, budget, descending, random
):
    arrays = arrays_with(lengths)
    examples = list(range(len(lengths)))
    random.shuffle(examples)
    chosen = np.array(examples[: random.randint(1, len(examples))])
    groups = list(micro_batches(arrays, chosen, budget, descending=descending))
    assert sorted(np.concatenate(groups).tolist()) == sorted(chosen.tolist())
    for group in groups:
        assert len(group) == 1 or padded_pieces(arrays, group) <= budget


@given(rows_of_examples)
def test_a_budget_for_everything_gives_one_micro_batch(lengths):
    arrays = arrays_with(lengths)
    everyone = np.arange(len(lengths))
    (only,) = micro_batches(arrays, everyone, padded_pieces(arrays, everyone))
    assert len(only) == len(lengths)


@given(rows_of_examples)
def test_the_smallest_budget_gives_every_example_its_own(lengths):
    groups = list(micro_batches(arrays_with(lengths), np.arange(len(lengths)), 1))
    assert all(len(g) == 1 for g in groups)


@given(rows_of_examples, st.integers(1, 400))
def test_examples_come_by_their_longest_row(lengths, budget):
    arrays = arrays_with(lengths)
    for descending in (False, True):
        order = np.concatenate(
            list(micro_batches(arrays, np.arange(len(lengths)), budget, descending=descending))
        )
        longest = [max(lengths[i]) for i in order]
        assert longest == sorted(longest, reverse=descending)


@given(rows_of_examples, st.data())
def test_all_rows_of_an_example_stand_together(lengths, data):
    arrays = arrays_with(lengths)
    chosen = data.draw(st.lists(st.integers(0, len(lengths) - 1), min_size=1, unique=True))
    rows = arrays.rows_of(np.array(chosen))
    assert arrays.example[rows].tolist() == [i for i in chosen for _ in lengths[i]]
    assert arrays.lengths[rows].tolist() == [n for i in chosen for n in lengths[i]]


@given(rows_of_examples)
def test_padding_fills_up_on_the_right(lengths):
    arrays = arrays_with(lengths)
    rows = np.arange(len(arrays.lengths))[::-1]
    padded = arrays.padded(rows)
    assert padded.shape == (len(rows), arrays.lengths.max())
    for line, row in zip(padded, rows, strict=True):
        n = arrays.lengths[row]
        assert line[:n].tolist() == list(range(arrays.starts[row], arrays.starts[row + 1]))
        assert (line[n:] == -1).all()


def test_other_arrays_are_padded_with_their_own_filling():
    plain = arrays_with([[2], [3]])
    arrays = TokenArrays(
        plain.ids, plain.ids % 2, plain.starts, plain.example, {"tag": plain.ids + 10}, pad=7
    )
    assert arrays.padded(np.array([0, 1])).tolist() == [[0, 1, 7], [2, 3, 4]]
    assert arrays.padded(np.array([0, 1]), "types", 0).tolist() == [[0, 1, 0], [0, 1, 0]]
    assert arrays.padded(np.array([0, 1]), "tag", -100).tolist() == [[10, 11, -100], [12, 13, 14]]


@given(rows_of_examples)
def test_saved_arrays_are_loaded_as_they_were(lengths):
    import tempfile
    from pathlib import Path

    arrays = arrays_with(lengths)
    with tempfile.TemporaryDirectory() as folder:
        arrays.save(Path(folder), "text-")
        arrays_with([[1]]).save(Path(folder), "other-")
        loaded = TokenArrays.load(Path(folder), arrays.pad, "text-")
        for name in ("ids", "starts", "example"):
            np.testing.assert_array_equal(getattr(arrays, name), getattr(loaded, name))
        assert (loaded.types, loaded.extra, loaded.pad) == (None, {}, -1)
        assert loaded.examples == len(lengths)


def rows_of(arrays):
    """Pieces of every row, with their types if there are any."""
    spans = list(zip(arrays.starts[:-1], arrays.starts[1:], strict=True))
    types = [None if arrays.types is None else arrays.types[a:b].tolist() for a, b in spans]
    return list(zip([arrays.ids[a:b].tolist() for a, b in spans], types, strict=True))


@given(rows_of_examples, st.data())
def test_rows_that_are_taken_are_examples_of_their_own(lengths, data):
    arrays = replace(arrays_with(lengths), types=np.arange(sum(map(sum, lengths))) % 2)
    every = rows_of(arrays)
    chosen = data.draw(st.lists(st.integers(0, len(every) - 1), min_size=1, max_size=20))
    taken = arrays.taken(np.array(chosen))
    assert rows_of(taken) == [every[i] for i in chosen]
    assert taken.example.tolist() == list(range(len(chosen)))


def test_queries_stand_before_their_right_candidates():
    queries = replace(arrays_with([[2], [1], [3]]), extra={"right": np.array([1, 0, 1])})
    candidates = arrays_with([[4], [2]])
    candidates = replace(candidates, types=np.array([0, 0, 1, 1, 0, 1]))
    pairs = paired(queries, candidates)
    asked, answers = rows_of(together(queries, candidates))[:3], rows_of(candidates)
    assert [types for _, types in asked] == [[0, 0], [0], [0, 0, 0]]
    assert rows_of(pairs) == [asked[0], answers[1], asked[1], answers[0], asked[2], answers[1]]
    assert pairs.examples == 3
    assert pairs.rows_of(np.array([2, 0])).tolist() == [4, 5, 0, 1]
    assert pairs.extra["right"].tolist() == [1, 0, 1]
