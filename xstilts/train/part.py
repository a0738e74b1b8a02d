"""One task of a stage: its head, the order of its examples, and how it is judged."""

from collections.abc import Mapping

import numpy as np
import torch

from xstilts.core.context import Result
from xstilts.core.seeds import derive
from xstilts.data.batches import Ints, TokenArrays, paired, together
from xstilts.data.read import read_examples
from xstilts.data.tokens import labels_of
from xstilts.metrics import noise_limit
from xstilts.models.device import Precision
from xstilts.models.task_model import TaskModel
from xstilts.prediction.decode import answered, chosen_threshold, decode
from xstilts.prediction.forward import logits
from xstilts.scoring.measure import Scores, measure
from xstilts.scoring.spec import USUAL, Score
from xstilts.tasks.examples import asked
from xstilts.tasks.spec import Kind
from xstilts.train.spec import Head


class Part:
    """A task that is trained on, alone or among others.

    Attributes:
        data: what the loss is computed on.
        held: number of held-out examples, queries where candidates are ranked.
        scores: all metrics on the held-out examples when they were last evaluated.
        threshold: chosen then, for questions that may have no answer.
    """

    def __init__(
        self, head: Head, model: TaskModel, inputs: Mapping[str, Result], seed: int
    ) -> None:
        """Open the token arrays ``train`` and ``dev`` and the examples ``dev_examples``."""
        self.head, self.model, self.seed = head, model, seed
        self.data, self.dev = arrays_of(head.kind, inputs)
        self.dev_examples = read_examples(inputs["dev_examples"].folder, head.kind)
        self.held = sum(map(asked, self.dev_examples))
        self.labels = labels_of(head.labels, inputs["train"])
        self.scores: Scores = {}
        self.threshold: float | None = None
        self._floors: Scores = {}
        self._order: tuple[int, Ints] | None = None  # the pass in progress and its order

    def examples(self, start: int, count: int) -> Ints:
        """Some examples of the stream: all of them in one random order after the other."""
        found = []
        while count:
            epoch, place = divmod(start, self.data.examples)
            found.append(self._pass(epoch)[place : place + count])
            start, count = start + len(found[-1]), count - len(found[-1])
        return np.concatenate(found)

    def _pass(self, epoch: int) -> Ints:
        if self._order is None or self._order[0] != epoch:
            seed = derive(self.seed, "order", self.head.task, epoch)
            self._order = epoch, np.random.default_rng(seed).permutation(self.data.examples)
        return self._order[1]

    def evaluate(self, *, micro_tokens: int, precision: Precision, device: torch.device) -> float:
        """Score the held-out English examples; returns the metric by which updates are chosen."""
        parts = logits(
            self.model, self.dev, micro_tokens=micro_tokens, precision=precision, device=device
        )
        columns = decode(self.head.kind, self.dev_examples, self.dev, parts, self.labels)
        if self.head.answers == "squad_v2":
            self.threshold = chosen_threshold(self.dev_examples, columns)
            columns = answered(columns, self.threshold)
        rules = self._rules()
        self.scores, self._floors = measure(rules, self.dev_examples, columns["prediction"])
        return self.scores[self.head.metric]

    def _rules(self) -> Score:
        """The usual metrics of the kind, or the one that selects where it is none of them."""
        kind, metric, answers = self.head.kind, self.head.metric, self.head.answers
        return Score(
            kind=kind,
            metrics=() if metric in USUAL[kind] else (metric,),
            answers=answers,
            language="en" if answers == "mlqa" else "",
        )

    @property
    def floor(self) -> float | None:
        """Score of the held-out examples that takes no skill; None before an evaluation."""
        return self._floors.get(self.head.metric)

    def at_floor(self, score: float) -> bool:
        """Whether a score is within noise of the floor."""
        assert self.floor is not None
        return score <= noise_limit(self.floor, self.held)


def arrays_of(kind: Kind, inputs: Mapping[str, Result]) -> tuple[TokenArrays, TokenArrays]:
    """What is trained on and what is selected on.

    For ranking these are queries with their right candidates, and all queries, then all candidates.
    """
    sides = ("query-", "candidate-") if kind == "ranking" else ("",)
    train, dev = (
        [TokenArrays.load(data.folder, data.value["pad"], side) for side in sides]
        for data in (inputs["train"], inputs["dev"])
    )
    return (paired(*train), together(*dev)) if kind == "ranking" else (train[0], dev[0])
