"""What scoring is told."""

from xstilts.core.spec import Spec
from xstilts.tasks.spec import Kind

RIGHT = "right.npy"


class Score(Spec):
    """Which kind of predictions is scored. All metrics of the kind are worked out at once."""

    kind: Kind
