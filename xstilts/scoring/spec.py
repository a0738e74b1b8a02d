"""What scoring is told."""

from typing import Literal

from xstilts.core.spec import Spec, added
from xstilts.tasks.spec import AnswerRules, Kind, Task

RIGHT = "right.npy"
COUNTS = "counts.npy"  # numerators and denominators of each item group
TAKEN = "taken.parquet"  # the mined pairs above the threshold
Threshold = Literal["held out", "oracle"]

# What is worked out of a kind where the task declares nothing else; question answering has its
# own trio under every rule.
USUAL: dict[Kind, tuple[str, ...]] = {
    "pair": ("accuracy",),
    "choice": ("accuracy",),
    "tagging": ("f1", "accuracy"),
    "span": ("em_f1", "f1", "exact_match"),
    "retrieval": ("accuracy",),
    "mining": ("f1", "precision", "recall"),
    "ranking": ("map@20",),
}


class Score(Spec):
    """Which kind of predictions is scored, and by which rules.

    Attributes:
        kind: the example kind.
        metrics: their names; none stands for the usual ones of the kind.
        answers: how answers are compared, for questions.
        language: of the answers, where the rules differ by language (MLQA); else empty.
        threshold: what gold the threshold of mined pairs is chosen on: other than is scored, or
            the same.
    """

    kind: Kind
    metrics: tuple[str, ...] = added((), absent_when=())
    answers: AnswerRules = added("squad", absent_when="squad")
    language: str = added("", absent_when="")
    threshold: Threshold = added("held out", absent_when="held out")


class Choose(Spec):
    """Which block of a sweep is taken: the best mean over languages, of equal ones the lowest.

    Attributes:
        metric: the mean of which is compared.
        text: the aligned text whose scores choose; None for an oracle, where those that are
            reported do.
    """

    metric: str
    text: str | None


def score_of(task: Task, language: str, threshold: Threshold = "held out") -> Score:
    """How the predictions of ``task`` in ``language`` are scored."""
    usual = set(task.metrics) == set(USUAL.get(task.kind, ())) or task.kind == "mining"
    return Score(
        kind=task.kind,
        metrics=() if usual else task.metrics,
        answers=task.answers,
        language=language if task.answers == "mlqa" else "",
        threshold=threshold,
    )
