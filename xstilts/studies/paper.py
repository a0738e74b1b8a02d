"""Which English intermediate training helps targets in other languages, and by how much."""

from xstilts.stats.mean_gains import summary
from xstilts.stats.scores import languages_of, records, scores
from xstilts.studies.evidence import Evidence
from xstilts.studies.finding import NOT_MEASURED, Estimate, Finding, Table

_METHOD = (
    "The gain of an arm is its score minus the baseline's under the same seed, averaged over the "
    "languages of a target and then over targets; cells at floor are left out."
)


def find(evidence: Evidence) -> Finding:
    """Judge every arm by its mean gain over targets."""
    languages = languages_of(scores(evidence.rows, evidence.main_metrics))
    means = summary(evidence.cells, languages, english=evidence.english)
    arms = [row for row in records(means.arms) if row["mean_gain"] is not None]
    if not arms:
        answer = f"{NOT_MEASURED}: no arm has a score beside the baseline's above the floor."
        return Finding(study="paper", answer=answer, measured=False, method=_METHOD)
    best = max(arms, key=lambda row: row["mean_gain"])
    found = Estimate(
        value=best["mean_gain"], low=best["low"], high=best["high"], seeds=best["seeds"]
    )
    helps = {"gain": "raises", "loss": "lowers"}.get(best["headline"], "does not clearly move")
    answer = f"Intermediate training {helps} the mean over targets, most with {best['arm']}."
    table = Table(name="arms", title="Mean gain of every arm", rows=means.arms)
    return Finding(
        study="paper", answer=answer, measured=True, estimates={"best": found},
        tables=[table], method=_METHOD,
    )  # fmt: skip
