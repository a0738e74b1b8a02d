"""How numbers are written in answers and reports: one place for signs, digits and units."""

from collections.abc import Mapping
from typing import Any

MINUS = "\N{MINUS SIGN}"


def score(value: float | None) -> str:
    """A score on 0-100 with one decimal; an em dash where there is none."""
    return "—" if value is None else _minus(f"{value:.1f}")


def gain(value: float | None) -> str:
    """A difference in points, always signed: ``+1.8``, ``−0.4``, ``0.0``."""
    if value is None:
        return "—"
    text = f"{value:+.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else _minus(text)


def spread(value: float | None) -> str:
    """A spread over seeds: ``± 0.4``, ``± 0.03``; nothing where one seed leaves none to state."""
    if value is None:
        return ""
    return f"± {value:.1f}" if value >= 0.095 or value == 0 else f"± {value:.2f}"


def interval(low: float, high: float) -> str:
    """A 95 % interval in points: ``[−0.4, +1.8]``."""
    return f"[{gain(low)}, {gain(high)}]"


def around(row: Mapping[str, Any]) -> str:
    """What stands beside a gain: its interval, or below three seeds its spread."""
    low, high = row["low"], row["high"]
    return spread(row["spread"]) if low is None or high is None else interval(low, high)


def probability(p: float) -> str:
    """A p-value: ``0.25``, ``0.004``, ``< 0.001``."""
    return "< 0.001" if p < 0.001 else f"{p:.2f}" if p >= 0.0995 else f"{p:.3f}"


def whole(value: int) -> str:
    """A signed whole number: ``+12``, ``−3``, ``0``."""
    return _minus(f"{value:+,}") if value else "0"


def count(value: float | None) -> str:
    """A whole number with thousands set apart: ``392,702``."""
    return "—" if value is None else f"{value:,.0f}"


def plain(value: float, places: int) -> str:
    """A number with so many digits behind the point: ``1,204``, ``0.93``, ``−0.10``."""
    text = f"{value:,.{places}f}"
    return _minus(text if float(text.replace(",", "")) else text.lstrip("-"))


def signed(value: float, places: int) -> str:
    """The same with a sign unless it is written as 0: ``+0.93``, ``−1.2``, ``0.0``."""
    text = plain(value, places)
    return f"+{text}" if value > 0 and any(digit in text for digit in "123456789") else text


def amount(number: int, noun: str) -> str:
    """A number with its noun: ``1 cell``, ``3 cells``."""
    return f"{number:,} {noun if number == 1 else noun + 's'}"


def duration(seconds: float | None) -> str:
    """A wall-clock time: ``48 s``, ``12 min``, ``3 h 05 min``."""
    if seconds is None:
        return "—"
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02d} min"


def listing(names: list[str]) -> str:
    """Names in a sentence: ``a``, ``a and b``, ``a, b and c``."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _minus(text: str) -> str:
    return text.replace("-", MINUS)
