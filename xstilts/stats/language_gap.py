"""XTREME's cross-lingual transfer gap: how much worse the other languages are than English."""

from collections.abc import Mapping
from statistics import fmean

import pandas as pd

from xstilts.stats.scores import scores

GAP_COLUMNS = ("arm", "target", "metric", "english", "others", "gap", "languages")


def language_gap(
    rows: pd.DataFrame, main_metrics: Mapping[str, str], english: str = "en"
) -> pd.DataFrame:
    """XTREME's cross-lingual transfer gap: English minus the mean of the others (Hu et al. 2020).

    A language counts where at least one arm is above its noise limit, so that the arms of a target
    are compared over the same languages. An arm with English missing or at floor has no row.

    Returns:
        Columns ``GAP_COLUMNS``; ``english``, ``others`` and ``gap`` in points, ``languages`` = the
        number of languages behind ``others``. Meaningful between arms of one target; between
        targets only where their test sets are translations of each other.
    """
    table = scores(rows, main_metrics)
    off_floor = {place for place in table.values if not table.at_floor(place)}
    alive = {(target, language) for _, target, language in off_floor}
    found = []
    for arm, target, language in table.values:
        if language != english or (arm, target, english) not in off_floor:
            continue
        others = [
            table.mean(place)
            for place in table.values
            if place[:2] == (arm, target) and place[2] != english and (target, place[2]) in alive
        ]
        if others:
            first, rest = table.mean((arm, target, english)), fmean(others)
            metric = table.metrics[target]
            found.append((arm, target, metric, first, rest, first - rest, len(others)))
    return pd.DataFrame(found, columns=list(GAP_COLUMNS))
