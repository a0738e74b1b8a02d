"""Questions and how they are judged: from finished results to one sentence with estimates."""

from importlib import import_module

from xstilts.studies.evidence import Evidence
from xstilts.studies.finding import NOT_MEASURED, Finding

__all__ = ["judge"]


def judge(evidence: Evidence, study: str) -> Finding:
    """What a study says of finished results.

    Args:
        evidence: of one encoder.
        study: its name, as ``analysis: {study: NAME}`` has it.

    Returns:
        Where nothing is finished, a finding that says so: a study never fails for want of data.
    """
    if evidence.rows.empty:
        answer = f"{NOT_MEASURED}: no score of this recipe is finished."
        return Finding(study=study, answer=answer, measured=False)
    module = import_module(f"{__name__}.{study.replace('-', '')}")
    found: Finding = module.find(evidence)
    return found
