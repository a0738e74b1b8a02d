"""One line that tells an analysis from any other: versions, encoder, data, seeds."""

import hashlib

from xstilts.reports.model import ReportInput
from xstilts.reports.numbers import records

LIBRARIES = ("xstilts", "torch", "transformers")


def seeds(report: ReportInput) -> str:
    """The seeds behind the scores, in order: ``0, 1, 2``."""
    found = {int(row["seed"]) for row in records(report.rows) if row["seed"] is not None}
    return ", ".join(map(str, sorted(found)))


def signature(report: ReportInput) -> str:
    """``key:value`` pairs between bars, as sacreBLEU writes them.

    ``data`` is the SHA-256 of the digests of all files read, sorted, each once.
    """
    parts = {
        "recipe": report.recipe,
        **{name: report.provenance.get(name, "") for name in LIBRARIES},
        "encoder": report.encoder,
        "data": _data(report),
        "arms": str(len(report.arms)),
        "targets": str(len(report.main_metrics)),
        "seeds": seeds(report).replace(" ", ""),
        "resampling": _resampling(report),
    }
    return " | ".join(f"{name}:{text}" for name, text in parts.items() if text)


def _data(report: ReportInput) -> str:
    digests = sorted({digest for row in report.data for digest in row["digests"]})
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()[:12] if digests else ""


def _resampling(report: ReportInput) -> str:
    """Of the test items; the seeds' share is worked out, not drawn."""
    if report.counts is None or not report.counts.runs:
        return "none, over seeds alone"
    return f"{report.counts.number} draws of item groups from seed {report.counts.seed}"
