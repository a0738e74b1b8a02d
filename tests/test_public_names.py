"""`import xstilts` gives exactly what it says."""

import xstilts


def test_all_names_exist_and_are_sorted() -> None:
    assert sorted(xstilts.__all__) == list(xstilts.__all__)
    assert {"run", "finetune", "predict", "score", "embed", "mine"} < set(xstilts.__all__)
    assert all(callable(getattr(xstilts, name)) for name in xstilts.__all__)
