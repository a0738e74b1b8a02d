"""Official metrics and floors: plain functions from gold and predictions to scores of 0-100.

Each follows the script that its benchmark publishes scores with, down to the last digit.
"""

from xstilts.metrics.classification import accuracy, macro_f1
from xstilts.metrics.floors import (
    majority_floor,
    noise_limit,
    random_order_floor,
    random_rank_floor,
    tagging_floor,
)
from xstilts.metrics.mining import bitext_f1, bitext_threshold
from xstilts.metrics.mlqa import mlqa, mlqa_normalizer
from xstilts.metrics.retrieval import (
    average_precision,
    mean_average_precision,
    recall_at_1,
    retrieval_accuracy,
    xsim_error,
)
from xstilts.metrics.spans import (
    no_answer_threshold,
    normalize_answer,
    squad,
    squad_items,
    squad_v2,
    squad_v2_items,
)
from xstilts.metrics.tagging import chunk_counts, seqeval_f1, tag_accuracy

__all__ = [
    "accuracy",
    "average_precision",
    "bitext_f1",
    "bitext_threshold",
    "chunk_counts",
    "macro_f1",
    "majority_floor",
    "mean_average_precision",
    "mlqa",
    "mlqa_normalizer",
    "no_answer_threshold",
    "noise_limit",
    "normalize_answer",
    "random_order_floor",
    "random_rank_floor",
    "recall_at_1",
    "retrieval_accuracy",
    "seqeval_f1",
    "squad",
    "squad_items",
    "squad_v2",
    "squad_v2_items",
    "tag_accuracy",
    "tagging_floor",
    "xsim_error",
]
