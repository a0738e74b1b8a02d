"""At how many examples something that grows with them overtakes something that does not."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from xstilts.stats.paired import PairedTest
from xstilts.studies.finding import Estimate
from xstilts.studies.numerals import count


@dataclass(frozen=True)
class BreakEven:
    """The number of examples at which a lead is used up.

    A number below the fewest examples tried is 0, one above the most is infinite.

    Attributes:
        value: where the lead is 0, between the numbers tried on a logarithmic scale.
        low: lower end of the 95 % confidence set; None below three seeds.
        high: its upper end.
        fewest: examples tried.
        most: likewise.
    """

    value: float
    low: float | None
    high: float | None
    fewest: int
    most: int

    @property
    def text(self) -> str:
        """``62 [31, 140]``, ``<10 [<10, 24]``."""
        if self.low is None or self.high is None:
            return self._number(self.value)
        ends = f"{self._number(self.low)}, {self._number(self.high)}"
        return f"{self._number(self.value)} [{ends}]"

    def estimate(self, seeds: int) -> Estimate:
        """The number of an answer; ends beyond what was tried are None."""
        inside = [self._inside(end) for end in (self.value, self.low, self.high)]
        value, low, high = inside
        return Estimate(value=value, low=low, high=high, seeds=seeds, unit="examples")

    def _inside(self, number: float | None) -> float | None:
        return number if number is not None and 0 < number < math.inf else None

    def _number(self, number: float) -> str:
        if number == 0:
            return f"<{count(self.fewest)}"
        return f">{count(self.most)}" if math.isinf(number) else count(number)


def break_even(leads: Mapping[int, PairedTest]) -> BreakEven:
    """Where a lead over ``k`` examples is 0.

    The confidence set is every number at which a lead of 0 is inside the interval of the lead, as
    in Fieller (1954), "Some problems in interval estimation", J. R. Statist. Soc. B 16(2): its ends
    are where the lower end of the interval first, and its upper end last, falls to 0.

    Args:
        leads: number of examples -> the test of the lead over that many; at least one has a mean,
            and those without, as no seed has both sides, do not count.
    """
    means = {k: mean for k in sorted(leads) if (mean := leads[k].mean) is not None}
    sizes = list(means)
    low = {k: end for k in sizes if (end := leads[k].low) is not None}
    high = {k: end for k in sizes if (end := leads[k].high) is not None}
    told = len(low) == len(high) == len(sizes)
    return BreakEven(
        value=_first(means),
        low=_first(low) if told else None,
        high=_last(high) if told else None,
        fewest=sizes[0],
        most=sizes[-1],
    )


def _first(values: Mapping[int, float]) -> float:
    """Where a line through the values first falls to 0."""
    sizes = list(values)
    below = next((i for i, k in enumerate(sizes) if values[k] <= 0), None)
    if below is None:
        return math.inf
    return 0.0 if below == 0 else _between(values, sizes[below - 1], sizes[below])


def _last(values: Mapping[int, float]) -> float:
    """Where it falls to 0 for the last time."""
    sizes = list(values)
    above = next((i for i in reversed(range(len(sizes))) if values[sizes[i]] > 0), None)
    if above is None:
        return 0.0
    return math.inf if above + 1 == len(sizes) else _between(values, *sizes[above : above + 2])


def _between(values: Mapping[int, float], left: int, right: int) -> float:
    share = values[left] / (values[left] - values[right])
    return math.exp(math.log(left) + share * (math.log(right) - math.log(left)))
