"""What a masked language model sees, and what it is asked for."""

import numpy as np
import pytest

from xstilts.data.batches import IGNORED
from xstilts.data.masking import Masking, Pieces, masked

PIECES = Pieces(mask=4, ordinary=np.arange(5, 1005))
HOW = Masking(share=0.15, masked=0.8, random=0.1)


def text(n=40_000, seed=0):
    ids = np.random.default_rng(seed).integers(5, 1005, n)
    ids[::50] = 0  # <s>
    ids[49::50] = 2  # </s>
    return ids


def seen(ids, seed=1, how=HOW):
    return masked(ids, how, PIECES, np.random.default_rng(seed))


def test_fifteen_of_a_hundred_ordinary_pieces_are_asked_for_and_no_special_one():
    ids = text()
    inputs, labels = seen(ids)
    asked = labels != IGNORED
    ordinary = ids >= 5
    assert not asked[~ordinary].any()
    assert asked[ordinary].mean() == pytest.approx(0.15, abs=0.01)
    assert (labels[asked] == ids[asked]).all()
    assert (inputs[~asked] == ids[~asked]).all()


def test_of_those_eighty_are_masked_ten_are_random_and_ten_stay():
    ids = text()
    inputs, labels = seen(ids)
    asked = labels != IGNORED
    masks = inputs[asked] == PIECES.mask
    stay = inputs[asked] == ids[asked]
    assert masks.mean() == pytest.approx(0.8, abs=0.02)
    assert stay.mean() == pytest.approx(0.1, abs=0.02)
    other = inputs[asked][~masks & ~stay]
    assert len(other) / asked.sum() == pytest.approx(0.1, abs=0.02)
    assert np.isin(other, PIECES.ordinary).all()
    assert len(set(other.tolist())) > 200  # of a thousand


def test_the_label_is_nowhere_in_the_input_where_it_is_masked():
    ids = np.arange(5, 1005)  # every piece once: a label that is seen anywhere has leaked
    inputs, labels = seen(ids, how=Masking(share=0.3, masked=1.0, random=0.0))
    asked = labels[labels != IGNORED]
    assert len(asked) > 200
    assert not np.isin(asked, inputs).any()


def test_the_same_seed_masks_the_same_and_another_one_does_not():
    ids = text(2_000)
    for first, second in zip(seen(ids, 3), seen(ids, 3), strict=True):
        assert (first == second).all()
    assert (seen(ids, 3)[1] != seen(ids, 4)[1]).any()


def test_the_text_itself_is_left_alone():
    ids = text(500)
    before = ids.copy()
    seen(ids)
    assert (ids == before).all()


def test_something_is_asked_for_however_short_the_text():
    ids = np.array([0, 7, 2])
    for seed in range(20):
        assert (seen(ids, seed)[1] == [IGNORED, 7, IGNORED]).all()
