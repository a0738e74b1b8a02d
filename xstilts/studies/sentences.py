"""How a study says what it found: estimates in words, and what is missing."""

from collections.abc import Sequence

from xstilts.stats.paired import Verdict
from xstilts.studies.finding import NOT_MEASURED, Estimate, Finding
from xstilts.studies.numerals import amount, gain, interval, listing


def size(estimate: Estimate, per: str = "") -> str:
    """A difference with its interval: ``+1.2 points [+0.3, +2.1]``; of two seeds without one."""
    value = f"{gain(estimate.value)} points{per}"
    if estimate.low is None or estimate.high is None:
        return f"{value} (over {amount(estimate.seeds, 'seed')})"
    return f"{value} {interval(estimate.low, estimate.high)}"


def said(verdict: Verdict, *, gain: str, loss: str, undecided: str) -> str:
    """The words of a verdict; below three seeds it is said that there is none."""
    few = f"{undecided} (too few seeds for a verdict)"
    return {"gain": gain, "loss": loss, "undecided": undecided, "too few seeds": few}[verdict]


def sentence(parts: Sequence[str]) -> str:
    """Clauses as one sentence."""
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def not_measured(study: str, missing: Sequence[str], method: str) -> Finding:
    """The finding of a study that lacks what it needs, each missing thing in a few words."""
    answer = f"{NOT_MEASURED}: {listing(list(missing))}."
    return Finding(study=study, answer=answer, measured=False, method=method)
