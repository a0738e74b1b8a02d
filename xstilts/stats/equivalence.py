"""Is an effect too small to matter? Two one-sided tests."""

from xstilts.stats.paired import PairedTest


def equivalence(test: PairedTest, margin: float = 1.0) -> float | None:
    """Test the claim that the true mean is at least ``margin`` away from 0.

    The larger p of two one-sided tests. At 5 % or less the mean is shown to lie within ``±margin``,
    which is the same as a 90 % interval inside it: Schuirmann (1987), "A comparison of the two
    one-sided tests procedure and the power approach", J. Pharmacokinet. Biopharm. 15(6). A test
    that finds no gain shows no such thing.

    Args:
        test: of ``paired_test`` or ``crossed``.
        margin: in points.

    Returns:
        0-1; ``None`` below three seeds.
    """
    if test.mean is None or test.error is None:
        return None
    room = margin - abs(test.mean)
    if test.error.variance == 0:
        return 0.0 if room > 0 else 1.0
    return test.error.tail(room)
