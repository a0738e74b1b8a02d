"""The test of a mean gain whose seeds, test items and languages are all samples of others.

A gain is a mean over seeds and cells (a target in a language), measured on test items that all
seeds and arms, and in parallel sets all languages, have in common. Its error has these sources:

* seeds: given items and languages, the means of the seeds are independent draws, so Student's t on
  them is right for whatever varies with the seed, alone or together with an item or a language;
* items: what the drawing of item groups moves in *all* seeds alike. Resampling items also moves
  each seed on its own; that part is in the seeds already. The covariance between different seeds
  leaves it out; a percentile bootstrap of both levels counts it up to three times (Owen 2007, "The
  pigeonhole bootstrap", Ann. Appl. Stat. 1(2));
* languages, only where a sentence speaks of languages in general: what the language moves in all
  seeds alike, again by covariances between seeds; then of items only what all languages share.

The sources are added as ``xstilts.stats.uncertainty`` says.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xstilts.stats.paired import FEWEST, PairedTest, judged
from xstilts.stats.uncertainty import Source, Uncertainty

Floats = NDArray[np.float64]


def crossed_test(
    gains: NDArray[Any],
    items: NDArray[Any],
    targets: NDArray[Any] | None = None,
    languages: NDArray[Any] | None = None,
) -> PairedTest:
    """Test whether a mean gain differs from 0, on other items and seeds, maybe other languages.

    The mean is that over targets of means over their cells.

    Args:
        gains: shape ``(seeds, cells)``, arm minus baseline in points.
        items: shape ``(draws, seeds, cells)``: the same of resampled test items
            (``xstilts.stats.counts.resampled_scores``), in one draw the same groups for all.
        targets: shape ``(cells,)``, the number of each cell's target; one target if absent.
        languages: shape ``(cells,)``, the number of each cell's language, where these are a sample
            of languages; absent, they are the very ones the gain is about.

    Raises:
        ValueError: languages in general are spoken of, and a target has only one.
    """
    gains = np.asarray(gains, float)
    seeds, cells = gains.shape
    of = np.zeros(cells, int) if targets is None else np.asarray(targets)
    weights = cell_weights(of)
    mean = float((gains @ weights).mean())
    if seeds < FEWEST:
        return PairedTest(mean)
    sources = [Source(float((gains @ weights).var(ddof=1)) / seeds, seeds - 1)]
    if languages is None:
        sources.append(Source(max(0.0, between_seeds(centred(items @ weights)))))
    else:
        sources += _language_sources(gains, items, of, np.asarray(languages))
    return judged(mean, Uncertainty(tuple(sources)))


def cell_weights(targets: NDArray[Any]) -> Floats:
    """Shape ``(cells,)``, sum 1: every target one vote, shared by its cells."""
    _, place, sizes = np.unique(targets, return_inverse=True, return_counts=True)
    return 1 / (len(sizes) * sizes[place])


def centred(draws: NDArray[Any]) -> Floats:
    """What draws of items, shape ``(draws, ...)``, change: their distance from their mean."""
    found: Floats = draws - draws.mean(axis=0, dtype=np.float64)
    return found


def between_seeds(changes: Floats) -> float:
    """The variance of what all seeds share: the mean covariance between two different ones.

    An estimate without bias, so that it is below 0 at times where nothing is shared.

    Args:
        changes: shape ``(draws, seeds)``, with mean 0 over draws.
    """
    draws, seeds = changes.shape
    pairs = changes.sum(axis=1) ** 2 - (changes**2).sum(axis=1)
    return float(pairs.sum() / ((draws - 1) * seeds * (seeds - 1)))


def _language_sources(
    gains: Floats, items: NDArray[Any], targets: NDArray[Any], languages: NDArray[Any]
) -> list[Source]:
    """Languages, each with its own share of the items; then the items that languages share."""
    names = np.unique(languages)
    numbers, seeds = np.unique(targets), len(gains)
    pull = np.zeros((seeds, len(names)))
    shared = 0.0
    for number in numbers:
        mine = np.flatnonzero(targets == number)
        size = len(mine)
        if size < 2:
            raise ValueError("a target in one language says nothing about languages in general")
        vote = 1 / (len(numbers) * size)
        apart = gains[:, mine] - gains[:, mine].mean(axis=1, keepdims=True)
        # size / (size - 1): deviations from a mean that was estimated from them.
        at = np.searchsorted(names, languages[mine])
        pull[:, at] += vote * apart * np.sqrt(size / (size - 1))
        changes = vote * centred(items[:, :, mine])
        total = changes.sum(axis=2)
        own = sum(between_seeds(changes[:, :, i]) for i in range(size))
        shared += (between_seeds(total) - own) * size / (size - 1)
    by_language = float(np.sum(pull.sum(axis=0) ** 2) - np.sum(pull**2))
    between = max(0.0, by_language / (seeds * (seeds - 1)))
    return [Source(between, len(names) - 1), Source(max(0.0, shared))]
