"""The one check every paired metric makes before it counts anything."""

from collections.abc import Sized


def require_same_length(gold: Sized, pred: Sized, of: str) -> int:
    """Number of paired items, after making sure that there are as many on both sides.

    Args:
        gold: what is right.
        pred: what was predicted, in the same order.
        of: what the items are, in the plural, for the message.

    Returns:
        The common length, at least 1.

    Raises:
        ValueError: the lengths differ (both are named), or there is nothing to score.
    """
    if len(gold) != len(pred):
        raise ValueError(f"{len(gold)} gold {of} but {len(pred)} predicted {of}")
    if len(gold) == 0:
        raise ValueError(f"0 gold {of} and 0 predicted {of}: a score needs at least one")
    return len(gold)
