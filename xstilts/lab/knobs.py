"""The knobs of a task: what is varied while its kind and size stay as they are."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Knobs:
    """How hard a task is, and how much of it is what a target asks for.

    Attributes:
        steps: at most so many rewordings (a synonym, the other side of an event, the kind of a
            thing) lie between what is said and what is asked about.
        length: sentences of a premise or paragraph.
        labels: of a three-way task: 3, or 2 (without neutral).
        noise: share of the training labels that are replaced by another one, 0 to 1.
        shared: share of the training examples made as the target's are, 0 to 1; the others ask the
            same of what things are like instead of what people do.
        times: its training file holds so many times the items of the others.
    """

    steps: int = 1
    length: int = 2
    labels: int = 3
    noise: float = 0.0
    shared: float = 1.0
    times: int = 1
