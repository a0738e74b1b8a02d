"""Encoders that are made here: a YAML declaration -> the steps that pretrain them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from xstilts.core import yaml12
from xstilts.core.errors import RecipeError, UnknownNameError
from xstilts.core.spec import Runtime
from xstilts.core.validation import put, refusal, validated
from xstilts.data.corpora import LANGUAGES, Rows, Start, Vocabulary
from xstilts.data.masking import Masking
from xstilts.graph import Stage, Step, Work
from xstilts.lab.languages import language
from xstilts.models.shape import Architecture
from xstilts.phases.sections import Section
from xstilts.phases.text_choice import TextChoice, corpora_of
from xstilts.phases.workplace import Workplace
from xstilts.train.pretrain_spec import Pretrain
from xstilts.train.spec import WEIGHTS, joint_name

TEXT = Stage("text", 1, "xstilts.data.text:text")
TOKENIZER = Stage("tokenizer", 1, "xstilts.data.vocabularies:tokenizer")
ROWS = Stage("rows", 1, "xstilts.data.rows:rows")
START = Stage("start", 1, "xstilts.data.start:start")
PRETRAIN = Stage(
    "pretrain",
    1,
    "xstilts.train.pretraining:pretrain",
    resumes=True,
    weights=WEIGHTS,
    alone=True,
)

_SHIPPED = Path(__file__).parent.parent / "encoders"


class Pieces(Section):
    """The tokenizer.

    Attributes:
        size: most pieces, special ones counted.
        coverage: share of all letters that are not unknown.
    """

    size: int = Field(ge=16)
    coverage: float = Field(default=1.0, gt=0, le=1)


class Training(Section):
    """How long and how the encoder is trained; see :class:`xstilts.train.pretrain_spec.Pretrain`.

    Attributes:
        length: most pieces of a row; the positions of the model by default.
        start: where the vectors of pieces start: at random, or from the sentences that they stand
            in (:mod:`xstilts.data.start`), so that translations of one name start close together.
    """

    updates: int | None = Field(default=None, ge=1)
    tokens: int | None = Field(default=None, ge=1)
    minutes: float | None = Field(default=None, gt=0)
    translation: float = Field(default=0.0, ge=0, le=1)
    start: Literal["random", "aligned"] = "random"
    batch_size: int = Field(ge=1)
    length: int | None = Field(default=None, ge=8)
    optimizer: Literal["adamw", "muon"] = "adamw"
    lr: float = Field(gt=0)
    warmup: float = Field(default=0.1, ge=0, lt=1)
    weight_decay: float = Field(default=0.01, ge=0)
    clip: float = Field(default=1.0, gt=0)
    precision: Literal["auto", "bf16", "fp32"] = "auto"

    @model_validator(mode="after")
    def _one_budget(self) -> "Training":
        bounds = {"updates": self.updates, "tokens": self.tokens, "minutes": self.minutes}
        said = [name for name, bound in bounds.items() if bound is not None]
        if len(said) != 1:
            what = f"The budget has {' and '.join(said) or 'no bound'}"
            raise refusal("training", what, "one of `updates`, `tokens` and `minutes`")
        return self

    @property
    def aligned(self) -> bool:
        """Whether translations are looked for."""
        return self.translation > 0 or self.start == "aligned"

    def most(self, length: int) -> float:
        """Pieces that are read at most; 0 where only time bounds them."""
        return float(self.tokens or (self.updates or 0) * self.batch_size * length)


class Declaration(Section):
    """An encoder that is made from text.

    Attributes:
        about: one sentence, for reports.
        text: what it reads.
        held: what is held out to measure each language's loss: a number of its documents, or a
            share of all names, the same in every language (:class:`xstilts.data.corpora.Corpus`).
        sampling: exponent of the languages' shares: 1 in proportion to their text, 0 all alike.
        tokenizer: its pieces.
        model: its sizes.
        masking: what it is asked for.
        training: how long and how.
        seed: of everything that is random but the text.
        runtime: of ``xstilts pretrain``; inside a recipe the recipe's counts.
    """

    about: str = ""
    text: TextChoice
    held: int | float = Field(default=100, gt=0)
    sampling: float = Field(ge=0, le=1)
    tokenizer: Pieces
    model: Architecture
    masking: Masking
    training: Training
    seed: int = 0
    runtime: Runtime = Runtime()

    @model_validator(mode="after")
    def _rows_fit(self) -> "Declaration":
        if self.length > self.model.positions:
            what = f"Rows of {self.length} pieces do not fit {self.model.positions} positions"
            raise refusal("training.length", what, f"at most {self.model.positions}")
        return self

    @model_validator(mode="after")
    def _held_makes_sense(self) -> "Declaration":
        if isinstance(self.held, float) and self.held >= 1:
            what = f"{self.held} is neither a number of documents nor a share"
            raise refusal("held", what, "a whole number, or a share below 1")
        if self.training.aligned and self.text.lab is not None:
            what = "The laboratory's stories are not translations of each other"
            raise refusal("training", what, "text: {folder: …}, no translation and start: random")
        if self.training.aligned and isinstance(self.held, int):
            what = f"{self.held} documents of each language: another one may train on translations"
            raise refusal("held", what, "a share of all names, such as 0.02")
        return self

    @property
    def length(self) -> int:
        """Most pieces of a row."""
        return self.training.length or self.model.positions


def shipped() -> tuple[str, ...]:
    """Names of the declarations that come with the package."""
    names = (p.relative_to(_SHIPPED).with_suffix("") for p in _SHIPPED.rglob("*.yaml"))
    return tuple(sorted(name.as_posix() for name in names))


def load(name: str, changes: Iterable[str] = ()) -> tuple[Declaration, Path]:
    """The shipped declaration or YAML file called ``name``, and the folder that it lies in.

    Args:
        name: of a shipped one, or the path of a file.
        changes: ``a.b=VALUE``, put in before it is checked.

    Raises:
        UnknownNameError: for an unknown name or key.
        RecipeError: for YAML or values that cannot be.
    """
    file = _SHIPPED / f"{name}.yaml" if name in shipped() else Path(name)
    if file.suffix not in (".yaml", ".yml"):
        do = "give one of these names, or a .yaml file"
        raise UnknownNameError("encoder", name, shipped(), where="pretrain", do=do)
    if not file.is_file():
        raise RecipeError(
            f"There is no file {name}",
            where=str(file.absolute()),
            expected="the declaration of an encoder in YAML",
            do="check the path",
        )
    raw = yaml12.keys_in(
        file,
        RecipeError,
        expected="text:, tokenizer:, model:, masking:, training: …",
        do=f"start from a shipped one: {', '.join(shipped())}",
    )
    for change in changes:
        put(raw, change)
    declared = validated(Declaration, raw, name, do="change {key} in the declaration")
    for code in declared.text.lab.languages if declared.text.lab else ():
        language(code)
    return declared, file.parent


@dataclass(frozen=True)
class Promised:
    """An encoder that is made when a step needs it.

    Attributes:
        declared: its declaration.
        texts: the text of every language.
        tokenizer: the step that makes its tokenizer.
        rows: the text in pieces.
        start: the vectors that pieces start from, None for random ones.
        step: the pretraining.
        sources: path of every file that is read, by digest.
    """

    declared: Declaration
    texts: Mapping[str, Step]
    tokenizer: Step
    rows: Step
    start: Step | None
    step: Step
    sources: Mapping[str, Path]

    @cached_property
    def steps(self) -> dict[str, Step]:
        """Every step by a readable name; no arm has stages of these names."""
        texts = {f"encoder/text.{language}": step for language, step in self.texts.items()}
        made = {"tokenizer": self.tokenizer, "rows": self.rows, "pretrain": self.step}
        if self.start is not None:
            made["start"] = self.start
        return texts | {f"encoder/{name}": step for name, step in made.items()}


def promise(
    name: str,
    workplace: Workplace,
    runtime: Runtime | None = None,
    changes: Iterable[str] = (),
) -> Promised:
    """The steps that make an encoder.

    Args:
        name: of its declaration.
        workplace: for data folders and digests.
        runtime: for what ``precision: auto`` means there; the declaration's own if None.
        changes: to the declaration.

    Raises:
        UserError: for a declaration or a text that cannot be.
    """
    declared, beside = load(name, changes)
    label = Path(name).stem
    sources: dict[str, Path] = {}
    corpora = corpora_of(declared.text, declared.held, (beside,), workplace, sources)
    texts = {c.language: Step(TEXT, c.language, c) for c in corpora}
    if declared.training.aligned and len(texts) == 1:
        raise RecipeError(
            f"Translations are looked for, and there is text in {joint_name(texts)} alone",
            where=f"{name}: text.languages",
            expected="text of two languages or more",
            do="add a language, or read without: training.translation=0, training.start=random",
        )
    inputs = {f"{LANGUAGES}{language}": step for language, step in texts.items()}
    vocabulary = Vocabulary(
        size=declared.tokenizer.size,
        coverage=declared.tokenizer.coverage,
        sampling=declared.sampling,
        longest=declared.model.positions,
    )
    spoken = joint_name(texts)  # not the encoder's name: encoders may share text and tokenizer
    tokenizer = Step(TOKENIZER, spoken, vocabulary, inputs)
    said, threads = declared.training, (runtime or declared.runtime).undivided.threads
    cut = Rows(length=declared.length, names=said.aligned)
    rows = Step(ROWS, spoken, cut, inputs | {"tokenizer": tokenizer})
    made = {"rows": rows, "tokenizer": tokenizer}
    start = None
    if said.start == "aligned":
        wanted = Start(width=declared.model.width, seed=declared.seed)
        start = made["start"] = Step(START, spoken, wanted, {"rows": rows})
    config = Pretrain(
        **said.model_dump(exclude={"length", "precision", "start"}),
        model=declared.model,
        masking=declared.masking,
        sampling=declared.sampling,
        precision=workplace.resolved(said.precision, threads),
        seed=declared.seed,
    )
    work = Work(said.most(declared.length), training=True, seconds=60 * (said.minutes or 0))
    step = Step(PRETRAIN, label, config, made, work)
    return Promised(declared, texts, tokenizer, rows, start, step, sources)
