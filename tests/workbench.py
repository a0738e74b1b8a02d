"""Steps over the made-up release, put together without a recipe, and run by the real executor."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xstilts.core.context import Context, Result
from xstilts.core.spec import Runtime
from xstilts.data.batches import TokenArrays, paired
from xstilts.data.files import find
from xstilts.data.read import read_examples
from xstilts.data.slices import Slice
from xstilts.data.tokens import Tokens
from xstilts.executors import LocalExecutor, Outcome
from xstilts.graph import Plan, Step
from xstilts.models.files import EncoderFiles, inspect
from xstilts.phases.examples import READ
from xstilts.phases.layers import CARRY, MERGE, REINIT
from xstilts.phases.steps import PREDICT, RANK, RETRIEVE, SCORE, TOKENS, TRAIN, VECTORS
from xstilts.prediction.spec import Predict
from xstilts.retrieve.spec import Rank, Retrieve, Vectors
from xstilts.scoring.spec import score_of
from xstilts.store import Digests, Store
from xstilts.tasks import get_task
from xstilts.train.layers_spec import MERGED, Carried, Carry, Merged, Reinit
from xstilts.train.spec import PLAIN, FineTune, How, Layers, Mix, Mixture, Select

TRAINED = {"pair": "mnli", "choice": "hellaswag", "span": "squad_v1", "tagging": "udpos"}
TRAINED |= {"ranking": "squad_v1_retrieval"}
KINDS = tuple(TRAINED)


def how(**changes: Any) -> How:
    """Hyper-parameters of a short run that learns something."""
    select = Select(**{"every": 10, "patience": 50} | changes.pop("select", {}))
    said = {"lr": 3e-3, "epochs": 2, "batch_size": 16, "warmup": 0.1, "weight_decay": 0.01}
    said |= {"clip": 1.0, "dropout": 0.0, "precision": "fp32"}
    return How(**said | changes, select=select)


@dataclass
class Workbench:
    """One data folder, one encoder, one store."""

    data: Path
    encoder: Path
    store: Store
    runtime: Runtime = field(
        default_factory=lambda: Runtime(threads=1, micro_tokens=1024, keep_weights="all")
    )
    sources: dict[str, Path] = field(default_factory=dict)

    def __post_init__(self) -> None:
        digests = Digests(self.store.root / "digests.json")
        self.files: EncoderFiles = inspect(self.encoder, digests, where="a test")
        self.sources |= {self.files.digest: self.encoder, self.files.tokenizer: self.encoder}
        self.digests = digests

    def examples(self, name: str, split: Any = "train", language: str = "en", **draw: Any) -> Step:
        task = get_task(name)
        found = find(task, split, language, [self.data])
        assert found is not None, (name, split, language)
        digests = tuple(self.digests.of(p) for p in found.paths)
        self.sources |= dict(zip(digests, found.paths, strict=True))
        config = Slice(
            task=name,
            version=task.version,
            kind=task.kind,
            labels=task.labels,
            format=found.files.format,
            columns=found.files.columns,
            parallel=task.parallel,
            language=language,
            split=split,
            digests=digests,
            **draw,
        )
        return Step(READ, f"{name}.{language}.{split}", config)

    def tokens(self, examples: Step, max_length: int = 64, stride: int = 24) -> Step:
        said = examples.config
        assert isinstance(said, Slice)
        config = Tokens(
            tokenizer=self.files.tokenizer,
            kind=said.kind,
            labels=said.labels,
            max_length=max_length,
            stride=stride if said.kind == "span" else 0,
        )
        return Step(TOKENS, examples.label, config, {"examples": examples})

    def train(
        self,
        name: str,
        said: How | None = None,
        *,
        seed: int = 0,
        start: Step | None = None,
        train: Step | None = None,
        layers: Layers = PLAIN,
    ) -> Step:
        task = get_task(name)
        held = self.examples(name, "dev")
        config = FineTune(
            task=name,
            kind=task.kind,
            labels=task.labels,
            metric=task.metric,
            answers=task.answers,
            encoder=None if start else self.files.digest,
            how=said or how(),
            seed=seed,
            layers=layers,
        )
        inputs = {"train": self.tokens(train or self.examples(name))}
        inputs |= {"dev": self.tokens(held), "dev_examples": held}
        label = f"{start.label}.{name}" if start else name
        return Step(TRAIN, label, config, inputs | ({"start": start} if start else {}))

    def mix(
        self,
        names: Sequence[str],
        said: How | None = None,
        mix: Mix | None = None,
        *,
        seed: int = 0,
        start: Step | None = None,
        layers: Layers = PLAIN,
    ) -> Step:
        """One stage on several tasks."""
        alone = {name: self.train(name, said, seed=seed, start=start) for name in sorted(names)}
        config = Mixture(
            heads=tuple(step.config.heads[0] for step in alone.values()),  # type: ignore[attr-defined]
            mix=mix or Mix(),
            encoder=None if start else self.files.digest,
            how=said or how(),
            seed=seed,
            layers=layers,
        )
        inputs = {
            f"{key}.{name}": needed
            for name, step in alone.items()
            for key, needed in step.inputs.items()
            if key != "start"
        }
        label = f"{start.label}.{config.task}" if start else config.task
        return Step(TRAIN, label, config, inputs | ({"start": start} if start else {}))

    def carry(self, trained: Step, **said: Any) -> Step:
        """The encoder with some layers of a trained one."""
        config = Carried(carry=Carry(**said), encoder=self.files.digest)
        return Step(CARRY, trained.label, config, {"start": trained})

    def reinit(self, blocks: int, seed: int = 0, start: Step | None = None) -> Step:
        """The encoder, or a trained one, with its top blocks drawn anew."""
        config = Reinit(blocks=blocks, seed=seed, encoder=None if start else self.files.digest)
        return Step(REINIT, "encoder", config, {"start": start} if start else {})

    def merge(self, shares: Mapping[Step, float]) -> Step:
        """The encoder with the weighted sum of what trainings changed in it, in this order."""
        inputs = {f"{MERGED}{i}": step for i, step in enumerate(shares, 1)}
        config = Merged(weights=tuple(shares.values()), encoder=self.files.digest)
        return Step(MERGE, "some", config, inputs)

    def predict(self, model: Step, examples: Step) -> Step:
        said = examples.config
        assert isinstance(said, Slice)
        if said.kind == "ranking":
            return self.rank(model, examples)
        no_answer = get_task(said.task).answers == "squad_v2"
        config = Predict(kind=said.kind, labels=said.labels, precision="fp32", no_answer=no_answer)
        inputs = {"model": model, "tokens": self.tokens(examples), "examples": examples}
        return Step(PREDICT, f"{model.label}/{said.task}.{said.language}", config, inputs)

    def rank(self, model: Step | None, examples: Step, max_length: int = 64) -> Step:
        """Queries among the candidates of their own slice, by the top block's first piece."""
        encoder = None if model else self.files.digest
        config = Vectors(encoder=encoder, layer="top", pooling="first", precision="fp32")
        inputs = {"tokens": self.tokens(examples, max_length), "examples": examples}
        inputs |= {"model": model} if model else {}
        vectors = Step(VECTORS, examples.label, config, inputs)
        inputs = {"vectors.en": vectors, "examples.en": examples, "examples": examples}
        return Step(RANK, examples.label, Rank(language="en", pool=("en",)), inputs)

    def retrieve(
        self, examples: Step, model: Step | None = None, layer: float = 0.58, sweep: bool = False
    ) -> Step:
        encoder = None if model else self.files.digest
        config = Retrieve(encoder=encoder, layer=layer, precision="fp32", sweep=sweep)
        inputs = {"tokens": self.tokens(examples), "examples": examples}
        return Step(RETRIEVE, examples.label, config, inputs | ({"model": model} if model else {}))

    def score(self, predictions: Step) -> Step:
        examples = predictions.inputs["examples"]
        assert isinstance(examples.config, Slice)
        inputs = {"predictions": predictions, "examples": examples}
        config = score_of(get_task(examples.config.task), examples.config.language)
        return Step(SCORE, predictions.label, config, inputs)

    def run(self, *goals: Step, runtime: Runtime | None = None) -> Outcome:
        """Build what is missing; what failed is in the outcome."""
        plan = Plan({s.address: s for s in goals}, list(goals), self.sources)
        say = self.said.append
        return LocalExecutor().run(plan, list(goals), self.store, runtime or self.runtime, say)

    said: list[str] = field(default_factory=list)

    def build(self, step: Step, runtime: Runtime | None = None) -> Result:
        """The result of one step, built if it is missing; its errors are raised."""
        outcome = self.run(step, runtime=runtime)
        for error in outcome.failed.values():
            raise error
        assert not outcome.blocked and not outcome.not_run
        return self.open(step)

    def open(self, step: Step) -> Result:
        return self.store.open(step.address, step.key, step.identity)

    def slice(self, examples: Step) -> list[Any]:
        """The examples of a slice."""
        assert isinstance(examples.config, Slice)
        return read_examples(self.build(examples).folder, examples.config.kind)

    def arrays(self, tokens: Step, side: str = "") -> TokenArrays:
        """The token arrays of a slice, memory-mapped; queries with their right candidates."""
        found = self.build(tokens)
        if tokens.config.kind == "ranking" and not side:  # type: ignore[attr-defined]
            return paired(*(self.arrays(tokens, x) for x in ("query-", "candidate-")))
        return TokenArrays.load(found.folder, found.value["pad"], side)

    @property
    def context(self) -> Context:
        return Context(self.runtime, self.sources)
