"""Which English intermediate training makes a multilingual encoder better in other languages?"""

from xstilts.api import (
    check_data,
    claims,
    describe_lab,
    embed,
    export,
    export_lab,
    leaks,
    mine,
    plan,
    pretrain,
    recommend,
    report,
    results,
    run,
    score,
    why,
)

__all__ = [
    "check_data",
    "claims",
    "describe_lab",
    "embed",
    "export",
    "export_lab",
    "leaks",
    "mine",
    "plan",
    "pretrain",
    "recommend",
    "report",
    "results",
    "run",
    "score",
    "why",
]
