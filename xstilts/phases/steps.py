"""The functions that turn declarations into steps. None of them runs anything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from xstilts.data.corpora import LANGUAGES, Corpus, Rows
from xstilts.data.slices import Slice, Tokens
from xstilts.graph import Stage, Step, Work
from xstilts.phases.encoders import Encoder
from xstilts.phases.examples import read_step, slice_label
from xstilts.phases.forms import MixedText
from xstilts.phases.pretraining import ROWS, TEXT
from xstilts.phases.slices import Trained
from xstilts.phases.task_use import Training
from xstilts.prediction.spec import Predict
from xstilts.retrieve.spec import Mine, Rank, Retrieve, Vectors
from xstilts.scoring.spec import Choose, Score, Threshold, score_of
from xstilts.tasks import get_task
from xstilts.train.mixture import budget, shares
from xstilts.train.spec import (
    LONGER,
    PLAIN,
    WEIGHTS,
    FineTune,
    Head,
    How,
    Layers,
    Mix,
    Mixture,
    Reading,
)
from xstilts.train.text_spec import ROWS as TEXT_ROWS
from xstilts.train.text_spec import TOKENIZER as TEXT_TOKENIZER
from xstilts.train.text_spec import TextUpdates

TOKENS = Stage("tokens", 1, "xstilts.data.tokens:tokens")
TRAIN = Stage("train", 1, "xstilts.train.loop:finetune", resumes=True, weights=WEIGHTS)
PREDICT = Stage("predict", 1, "xstilts.prediction.stage:predict")
# Since 2 an answer begins in the window that shows most around its first piece, also on held-out
# questions, by which models are selected.
TRAIN_SPANS = Stage("train", 2, TRAIN.address, resumes=True, weights=WEIGHTS)
PREDICT_SPANS = Stage("predict", 2, PREDICT.address)
RETRIEVE = Stage("retrieve", 1, "xstilts.retrieve.stage:retrieve")
MINE = Stage("mine", 1, "xstilts.retrieve.stage:mine_sentences")
VECTORS = Stage("vectors", 1, "xstilts.retrieve.ranking:vectors")
RANK = Stage("rank", 1, "xstilts.retrieve.ranking:rank")
# They run a model, and train none.
READING = tuple(stage.name for stage in (PREDICT, RETRIEVE, MINE, VECTORS))
# Since 2 the mined pairs that are taken are kept, since 3 the counts of item groups.
SCORE = Stage("score", 3, "xstilts.scoring.stage:score")
CHOOSE = Stage("choose", 1, "xstilts.scoring.blocks:choose")

Precision = Literal["bf16", "fp32"]
Text = tuple[TextUpdates, dict[str, Step]]  # what a stage is told of its text, and its inputs

# Pieces of an average example, for estimates before anything is tokenised.
_PIECES = {
    "pair": 50,
    "choice": 240,
    "span": 230,
    "tagging": 30,
    "retrieval": 26,
    "mining": 60,
    "ranking": 270,
}


@dataclass(frozen=True)
class Model:
    """A stage's model and how it came about.

    Attributes:
        step: the training step, or the encoder's own; None for an encoder that is not made here.
        chain: tasks it was trained on, in order; none for the encoder itself.
        data: what it was trained on last; None for the encoder itself and after a mixture.
        untrained: top blocks that were drawn anew and not trained since.
        moved: layers that are no longer the encoder's own: 0 the embeddings, then the blocks; none
            while it is not known how many blocks there are.
        carried: blocks that were carried over, with no training since.
        labels: in the order of its outputs; none where that is the task's.
    """

    step: Step | None
    chain: tuple[str, ...] = ()
    data: Slice | None = None
    untrained: int = 0
    moved: frozenset[int] = frozenset()
    carried: frozenset[int] = frozenset()
    labels: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The chain as part of an address."""
        return ".".join(self.chain) or "encoder"


class Builder:
    """Makes steps, each promise once, so that arms share what they have in common."""

    def __init__(self, encoder: Encoder) -> None:
        """Build for one encoder."""
        self.encoder = encoder
        self._read: dict[str, Step] = {}
        self._tokens: dict[tuple[str, int, int, str], Step] = {}
        self._train: dict[str, Step] = {}
        self._predict: dict[Predict, Predict] = {}
        self._score: dict[Score, Score] = {}

    @property
    def start(self) -> Model:
        """The encoder itself."""
        made = self.encoder.made
        return Model(made.step if made else self.encoder.ready)

    def read(self, data: Slice) -> Step:
        """The examples of a slice."""
        if data.payload not in self._read:
            self._read[data.payload] = read_step(data)
        return self._read[data.payload]

    def tokens(
        self, data: Slice, max_length: int, stride: int, learnt: Slice | None = None
    ) -> Step:
        """The token arrays of a slice; open labels are those of ``learnt``, the training slice."""
        inputs = {"examples": self.read(data)}
        made = self.encoder.made
        if made:
            inputs["tokenizer"] = made.tokenizer
        if learnt is not None and get_task(learnt.task).open_labels:
            inputs["labels"] = self.read(learnt)
        name = (
            data.payload,
            max_length,
            stride,
            inputs["labels"].key if "labels" in inputs else "",
        )
        if name not in self._tokens:
            how = Tokens(
                tokenizer=None if made else self.encoder.tokenizer,
                kind=data.kind,
                labels=data.labels,
                max_length=max_length,
                stride=stride if data.kind == "span" else 0,
            )
            self._tokens[name] = Step(TOKENS, slice_label(data), how, inputs)
        return self._tokens[name]

    def train(
        self,
        start: Model,
        data: Trained,
        how: How,
        words: Training,
        seed: int,
        *,
        learnt: Slice | None = None,
        head: Literal["new", "kept"] = "new",
        beside: Sequence[Step] = (),
        text: Text | None = None,
        layers: Layers = PLAIN,
    ) -> Model:
        """``start`` trained on one task.

        Args:
            start: the model to start from.
            data: what is trained and selected on.
            how: the hyper-parameters.
            words: how examples are cut into pieces.
            seed: of the stage.
            learnt: the slice whose labels count where they are open; that trained on if None.
            head: whether the head of ``start`` is kept.
            beside: stages whose updates come on top of its own.
            text: that is read between the updates of the task.
            layers: which of them learn, and which are read.
        """
        config = FineTune(
            **dict(_head(data)),
            encoder=self.encoder.digest if start.step is None else None,
            how=how,
            seed=seed,
            language=data.train.language,
            head=head,
            text=text[0] if text else None,
            layers=layers,
        )
        learnt = learnt or data.train
        more = {f"{LONGER}{i}": step for i, step in enumerate(beside, 1)}
        tokens = how.epochs * pieces_of(data.train) + sum(step.work.tokens for step in beside)
        inputs = self._inputs(data, words, learnt) | more | (text[1] if text else {})
        return self._trained(start, config, inputs, Work(tokens, training=True), learnt)

    def mix(
        self,
        start: Model,
        parts: Sequence[tuple[Trained, Training]],
        mix: Mix,
        how: How,
        seed: int,
        text: Text | None = None,
        *,
        layers: Layers = PLAIN,
    ) -> Model:
        """``start`` trained on several tasks at once, each cut into pieces by its own words."""
        parts = sorted(parts, key=lambda part: part[0].train.task)
        if mix.examples is not None:
            how = how.model_copy(update={"epochs": 1.0})  # which then changes nothing
        config = Mixture(
            heads=tuple(_head(data) for data, _ in parts),
            mix=mix,
            encoder=self.encoder.digest if start.step is None else None,
            how=how,
            seed=seed,
            language=parts[0][0].train.language,
            text=text[0] if text else None,
            layers=layers,
        )
        inputs = {
            f"{name}.{data.train.task}": step
            for data, words in parts
            for name, step in self._inputs(data, words, data.train).items()
        } | (text[1] if text else {})
        sizes = [size_of(data.train) for data, _ in parts]
        law = zip(shares(mix, sizes), sizes, parts, strict=True)
        pieces = sum(share / size * pieces_of(data.train) for share, size, (data, _) in law)
        work = Work(budget(mix, sizes, how.epochs) * pieces, training=True)
        return self._trained(start, config, inputs, work, None)

    def _inputs(self, data: Trained, words: Training, learnt: Slice) -> dict[str, Step]:
        return {
            "train": self.tokens(data.train, words.max_length, words.stride, learnt),
            "dev": self.tokens(data.held, words.max_length, words.stride, learnt),
            "dev_examples": self.read(data.held),
        }

    def _trained(
        self,
        start: Model,
        config: FineTune | Mixture | Reading,
        inputs: dict[str, Step],
        work: Work,
        data: Slice | None,
    ) -> Model:
        if start.step is not None:
            inputs = {**inputs, "start": start.step}
        said = "" if config.language == "en" else f"-{config.language}"
        said += "+mlm" if config.text and config.heads else ""
        chain = (*start.chain, f"{config.task}{said}")
        spans = any(head.kind == "span" for head in config.heads)
        stage = TRAIN_SPANS if spans else TRAIN
        step = Step(stage, ".".join(chain), config, inputs, work)
        moved = start.moved | learning(config.layers, self.encoder.layers)
        return Model(self.once(step), chain, data, moved=moved)

    def once(self, step: Step) -> Step:
        """The step that makes an encoder, or the equal one that was promised before."""
        return self._train.setdefault(step.key, step)

    def text(self, corpora: Sequence[Corpus], said: MixedText, length: int) -> Text:
        """What a stage is told of its text, and the inputs that hold it, in rows of ``length``."""
        made = self.encoder.made
        tokenizer = None if made else self.encoder.tokenizer
        texts = {f"{LANGUAGES}{c.language}": Step(TEXT, c.language, c) for c in corpora}
        cut = {"tokenizer": made.tokenizer} if made else {}
        rows = Step(ROWS, "text", Rows(length=length, tokenizer=tokenizer), texts | cut)
        config = TextUpdates(
            share=said.share or 1.0,
            sampling=said.sampling,
            masking=said.masking,
            tokenizer=tokenizer,
        )
        return config, {TEXT_ROWS: rows} | ({TEXT_TOKENIZER: made.tokenizer} if made else {})

    def reading(
        self,
        start: Model,
        text: Text,
        examples: int | None,
        how: How,
        seed: int,
        pieces: float,
        *,
        layers: Layers = PLAIN,
    ) -> Model:
        """``start`` trained by masked LM alone, on ``pieces`` pieces, about."""
        config, inputs = text
        if examples is not None:
            how = how.model_copy(update={"epochs": 1.0})  # which then changes nothing
        reading = Reading(
            text=config,
            examples=examples,
            encoder=self.encoder.digest if start.step is None else None,
            how=how,
            seed=seed,
            layers=layers,
        )
        return self._trained(start, reading, inputs, Work(pieces, training=True), None)

    def predict(
        self, model: Model, data: Slice, precision: Precision, max_length: int, stride: int
    ) -> Step:
        """``model`` run on one slice, with no further training."""
        assert model.step is not None
        inputs = {
            "model": model.step,
            "tokens": self.tokens(data, max_length, stride, model.data),
            "examples": self.read(data),
        }
        no_answer = get_task(data.task).answers == "squad_v2"
        labels = model.labels or data.labels
        config = Predict(kind=data.kind, labels=labels, precision=precision, no_answer=no_answer)
        config = self._predict.setdefault(config, config)
        label = f"{model.label}/{data.task}.{data.language}"
        stage = PREDICT_SPANS if data.kind == "span" else PREDICT
        return Step(stage, label, config, inputs, Work(pieces_of(data)))

    def retrieve(
        self, model: Model, data: Slice, config: Retrieve | Mine | Vectors, words: Training
    ) -> Step:
        """What a configuration makes of one language's texts with the encoder of ``model``."""
        inputs: Mapping[str, Step] = {
            "tokens": self.tokens(data, words.max_length, 0),
            "examples": self.read(data),
        }
        if model.step is not None:
            inputs = {**inputs, "model": model.step}
        label = f"{model.label}/{data.task}.{data.language}"
        stage = {Retrieve: RETRIEVE, Mine: MINE, Vectors: VECTORS}[type(config)]
        return Step(stage, label, config, inputs, Work(pieces_of(data)))

    def rank(self, data: Slice, vectors: Mapping[str, Step]) -> Step:
        """The queries of one language among the candidates of all, whose ``vectors`` are given."""
        inputs = {f"vectors.{language}": step for language, step in vectors.items()}
        inputs |= {f"examples.{x}": step.inputs["examples"] for x, step in vectors.items()}
        inputs["examples"] = self.read(data)
        config = Rank(language=data.language, pool=tuple(vectors))
        return Step(RANK, vectors[data.language].label, config, inputs)

    def score(
        self, predictions: Step, dev: Step | None = None, threshold: Threshold = "held out"
    ) -> Step:
        """The numbers of one slice; mined pairs of ``dev`` choose the threshold of those scored."""
        examples = predictions.inputs["examples"]
        assert isinstance(examples.config, Slice)
        inputs = {"predictions": predictions, "examples": examples}
        if dev is not None:
            inputs |= {"dev_predictions": dev, "dev_examples": dev.inputs["examples"]}
        config = score_of(get_task(examples.config.task), examples.config.language, threshold)
        config = self._score.setdefault(config, config)  # one object, whose text is worked out once
        return Step(SCORE, predictions.label, config, inputs)

    def choose(self, label: str, config: Choose, scores: Mapping[str, Step]) -> Step:
        """The best block by the ``scores`` of a sweep, given by language."""
        return Step(CHOOSE, label, config, scores)

    def at_block(self, score: Step, choice: Step, name: str) -> Step:
        """The numbers of ``score`` at the block that ``choice`` takes of the same sweep."""
        inputs = {**score.inputs, "choice": choice}
        return Step(score.stage, f"{score.label}.{name}", score.config, inputs)


def learning(layers: Layers, depth: int | None) -> frozenset[int]:
    """What of ``depth`` blocks (1 the lowest) and the embeddings (0) a training moves."""
    if depth is None:
        return frozenset()
    held = 0 if layers.lora is not None else -1 if layers.frozen is None else layers.frozen
    return frozenset(range(held + 1, depth + 1))


def _head(data: Trained) -> Head:
    task = get_task(data.train.task)
    return Head(
        task=task.name,
        kind=task.kind,
        labels=task.labels,
        metric=task.metric,
        answers=task.answers,
    )


def pieces_of(data: Slice) -> float:
    """A guess at the pieces of a slice from declared sizes, for the plan's estimate."""
    return _PIECES[data.kind] * float(size_of(data))


def size_of(data: Slice) -> int:
    """Examples of a slice as far as they are known without reading it, else a guess."""
    known = most_of(data)
    return known if known is not None else 10_000 if data.split == "train" else 1_000


def most_of(data: Slice) -> int | None:
    """The most examples that a slice has by what is declared of it; None where nothing is."""
    if data.translates is not None:
        return most_of(data.translates)
    known = get_task(data.task).sizes.of(data.split, data.language)
    said = data.sample if data.sample is not None else known
    both = [size for size in (said, data.at_most) if size is not None]
    return min(both, default=None)
