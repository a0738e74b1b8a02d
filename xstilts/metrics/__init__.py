"""Official metrics and floors: plain functions from gold and predictions to scores of 0-100.

Each follows the script that its benchmark publishes scores with, down to the last digit.
"""

from xstilts.metrics.classification import accuracy
from xstilts.metrics.floors import (
    empty_answer_floor,
    majority_floor,
    noise_limit,
    random_rank_floor,
    tagging_floor,
)
from xstilts.metrics.retrieval import retrieval_accuracy
from xstilts.metrics.spans import normalize_answer, squad, squad_items, squad_v2
from xstilts.metrics.tagging import seqeval_f1, tag_accuracy

__all__ = [
    "accuracy",
    "empty_answer_floor",
    "majority_floor",
    "noise_limit",
    "normalize_answer",
    "random_rank_floor",
    "retrieval_accuracy",
    "seqeval_f1",
    "squad",
    "squad_items",
    "squad_v2",
    "tag_accuracy",
    "tagging_floor",
]
