"""The verbs of xstilts. The command line calls only these.

Imports happen inside the functions, so that `import xstilts` and `xstilts --help` stay fast and
planning never loads torch.
"""

from xstilts.api.freeing import gc
from xstilts.api.laboratory import describe_lab, export_lab
from xstilts.api.recipes import claims, export, leaks, plan, report, results, run, why
from xstilts.api.recommend import recommend
from xstilts.api.stages import finetune, predict
from xstilts.api.tasks import check_data, fetch_data, score
from xstilts.api.text import embed, mine, pretrain, retrieve

__all__ = [
    "check_data",
    "claims",
    "describe_lab",
    "embed",
    "export",
    "export_lab",
    "fetch_data",
    "finetune",
    "gc",
    "leaks",
    "mine",
    "plan",
    "predict",
    "pretrain",
    "recommend",
    "report",
    "results",
    "retrieve",
    "run",
    "score",
    "why",
]
