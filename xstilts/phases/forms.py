"""Words of a stage beside its tasks: on what text, in which language, on which layers."""

import re
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    model_validator,
)

from xstilts.core.hub_names import Commit, HubName
from xstilts.core.validation import form, refusal
from xstilts.data.masking import Masking
from xstilts.phases.sections import Distinct, Section, as_list
from xstilts.tasks.spec import Split
from xstilts.train.layers_spec import Carry, Lora
from xstilts.train.text_spec import MASKING

LAB = "lab"  # in the place of a folder: what the laboratory says
OWN = "own"  # the language that is reported, for each of them
SOURCE = "en"
CODE = "{code}"  # in a translator's prefix: the code of the language

STARTS = (  # one of them a stage has
    "train: TASK",
    "mlm: {}",
    "checkpoint: {path: DIR}",
    "merge: {ARM: 1.0}",
    "reinit_top: 2",
    "freeze: {blocks: 6, during: target}",
    "layer_mix: {during: target}",
    "lora: {rank: 8}",
    "few_shot: {k: 100}",
    "longer: ARM",
    "language: LANGUAGE",
)

ABSENT = {  # key -> why a stage has none, and what it has
    "dual": (
        "A stage needs no key dual: tasks of the kind ranking are trained with a dual encoder",
        "{train: squad_v1_retrieval}, or another task of that kind",
    ),
}


class FewShot(Section):
    """Each target goes on with a few of its own examples in a language, and is reported there.

    Attributes:
        k: how many.
        draw: which draw; fewer of the same draw are always among more of it.
        after: ``target``: the target's model goes on, its head kept. ``arm``: there is no training
            on the English target data; the examples follow the arm's stages, with a new head.
        from_: the split that they are drawn from; absent = the first of train and dev that has
            files in every reported language and is not reported, else the reported split, which
            then lacks them for all arms alike.
        training: hyper-parameters that differ from the target's.
    """

    k: int = Field(ge=1)
    draw: int = Field(default=0, ge=0)
    after: Literal["target", "arm"] = "target"
    from_: Split | None = Field(default=None, alias="from")
    training: dict[str, Any] = {}


class TranslatorChoice(Section):
    """A translation model of the library, which is run as a step.

    Attributes:
        path: its folder; a relative one is also searched under ``$XSTILTS_MODELS``.
        hub: ``ORG/NAME``.
        revision: 40 hex digits.
        codes: languages as its tokenizer has them, where it needs to be told (NLLB, M2M, mBART).
        prefix: put before every sentence, as T5 or Marian's models of several languages need it;
            ``{code}`` is the code of the language.
        beams: kept while decoding; 1 is greedy.
    """

    path: str | None = None
    hub: HubName | None = None
    revision: Commit | None = None
    codes: dict[str, str] = {}
    prefix: str = ""
    beams: int = Field(default=1, ge=1, le=32)

    def __hash__(self) -> int:
        return hash(self.model_dump_json())

    def __str__(self) -> str:
        return self.path or f"{self.hub}@{self.revision}"

    @model_validator(mode="after")
    def _one_source(self) -> "TranslatorChoice":
        said = [key for key in ("path", "hub") if getattr(self, key) is not None]
        if len(said) != 1:
            what = f"The translation model has {' and '.join(said) or 'neither path nor hub'}"
            raise refusal("", what, "one of the two: {path: DIR} or {hub: ORG/NAME, revision}")
        if (self.hub is None) != (self.revision is None):
            what = "The translation model has hub or revision without the other"
            raise refusal("", what, "{hub: ORG/NAME, revision: COMMIT}, with 40 hex digits")
        return self


_WORD, _MODEL = form("folder"), form("model")


def _word_or_model(value: object) -> str:
    return _WORD if isinstance(value, str) else _MODEL


Translated = Annotated[
    Annotated[str, Tag(_WORD)] | Annotated[TranslatorChoice, Tag(_MODEL)],
    Discriminator(_word_or_model),
]


def _code(language: str) -> str:
    if not re.fullmatch(r"[a-z]{2,3}(-[A-Za-z0-9]+)*", language):
        meant = language.lower() if re.fullmatch(r"[A-Za-z]{2,3}", language) else "de"
        raise refusal("", f"{language!r} is no language", f"a code such as {meant}, or {OWN}")
    return language


class MixedText(Section):
    """Masked LM on text, beside the tasks of a stage or alone.

    Attributes:
        languages: of the text; all that have some if absent.
        share: of the updates that are on text, where the stage has tasks.
        examples: rows of the whole stage, where it has none; absent = ``epochs`` passes over all.
        text: folders as ``xstilts pretrain`` reads them, counted from a data folder; ``lab`` alone
            for the laboratory's stories. Absent = those with ``data: lab``, else every folder of
            text in ``text/`` of a data folder.
        tokens: words and marks of the laboratory's English stories; other languages have their
            declared share of them.
        held: most documents of a language that are held out, to measure its loss.
        sampling: exponent of the languages' shares: 1 in proportion to their text, 0 all alike.
        masking: what is predicted.
    """

    languages: Distinct | None = Field(default=None, min_length=1)
    share: float | None = Field(default=None, gt=0, lt=1)
    examples: int | None = Field(default=None, ge=1)
    text: Annotated[Distinct, Field(min_length=1), BeforeValidator(as_list)] | None = None
    tokens: int = Field(default=100_000, ge=1)
    held: int = Field(default=100, ge=1)
    sampling: float = Field(default=0.3, ge=0, le=1)
    masking: Masking = MASKING

    def refuse_contradictions(self, tasks: tuple[str, ...]) -> None:
        """Refuse a share of nothing, and a stage of two sizes.

        Raises:
            PydanticCustomError: naming the key.
        """
        if tasks and self.share is None:
            what = "mlm does not say at which share of the updates it reads text"
            raise refusal("", what, "mlm: {share: 0.2}, above 0 and below 1")
        if tasks and self.examples is not None:
            what = "mlm has as many updates as its share says, and examples beside"
            raise refusal("", what, "examples only in a stage without tasks")
        if not tasks and self.share is not None:
            what = "mlm has a share, and the stage has no tasks to share with"
            raise refusal("", what, "train: TASK, or no share")


Stages = Literal["intermediate", "target"]


class LayerMixing(Section):
    """A learned mix of all layers at the readout.

    Attributes:
        during: in this stage, in the target's, or in both.
    """

    during: Literal["intermediate", "target", "both"]

    def at(self, stage: Stages) -> bool:
        """Whether it is so in this stage, or in the target's."""
        return self.during in (stage, "both")


class Freeze(LayerMixing):
    """Layers that do not learn.

    Attributes:
        blocks: from the bottom, with the embeddings; 0 freezes the embeddings alone.
    """

    blocks: int = Field(ge=0)


class Said(Section):
    """The words of a stage that are not its tasks.

    Attributes:
        language: of the training data, English if absent. On the target stage also ``own``: each
            reported language is trained on, and reported, for itself.
        translated: a folder of translations of the training data, ``DIR/LANGUAGE/`` with files as a
            data folder has them; ``lab`` for the laboratory's own, which are exact; or a model that
            translates them.
        few_shot: how the target goes on.
        longer: the arm whose stages have as many updates as the target stage is given beside its
            own, in the place of those stages.
        mlm: masked LM on text, beside the tasks or, where there are none, alone.
        reinit_top: top blocks that are drawn anew before the training.
        freeze: layers that do not learn.
        carry: layers that go on top of the original encoder after the training.
        layer_mix: what heads read; masked LM reads the top block.
        lora: adapters that learn in the place of the encoder's weights; in a stage that makes no
            encoder those of the target's training.
    """

    language: Annotated[str, AfterValidator(_code)] | None = None
    translated: Translated | None = None
    few_shot: FewShot | None = None
    longer: str | None = None
    mlm: MixedText | None = None
    reinit_top: int | None = Field(default=None, ge=1)
    freeze: Freeze | None = None
    carry: Carry | None = None
    layer_mix: LayerMixing | None = None
    lora: Lora | None = None

    @model_validator(mode="before")
    @classmethod
    def _not_here(cls, said: Any) -> Any:
        """Refuse keys that this version lacks, which are no other key misspelt."""
        for key in sorted(set(ABSENT) & set(said if isinstance(said, dict) else ())):
            raise refusal("", *ABSENT[key])
        return said

    @property
    def on_target(self) -> list[str]:
        """The words that only a target stage takes."""
        return [name for name in ("few_shot", "longer") if getattr(self, name) is not None]

    def refuse_contradictions(self, tasks: tuple[str, ...]) -> None:
        """Refuse words that do not go together, or not with these tasks.

        Raises:
            PydanticCustomError: naming them.
        """
        if self.mlm is not None:
            self.mlm.refuse_contradictions(tasks)
        before = next((n for n in ("mlm", "reinit_top") if getattr(self, n)), None)
        said = [n for n in ("few_shot", "longer", "language", "translated") if getattr(self, n)]
        if before and said and not tasks:
            what = f"{before} stands beside {' and '.join(said)}, and there is nothing to train"
            raise refusal("", what, f"a stage of its own: {{{before}: …}}")
        self._refuse_idle_layers(tasks)
        self._refuse_adapters_beside(tasks)
        if tasks and self.on_target:
            name = self.on_target[0]
            what = f"{name} says how the target is trained, and {'+'.join(tasks)} is no target"
            raise refusal("", what, f"a stage of its own, the last of the arm: {{{name}: …}}")
        if len(self.on_target) > 1 or (self.on_target and (self.language or self.translated)):
            said = [*self.on_target, *(n for n in ("language", "translated") if getattr(self, n))]
            raise refusal("", f"{' and '.join(said)} stand in one stage", "one of them an arm")
        if tasks and self.language == OWN:
            what = "Only a target stage has a language of its own"
            raise refusal("", what, "the language of the training data, such as de")
        if self.translated and self.language in (None, SOURCE):
            what = "translated does not say into which language"
            if self.language:
                what = f"translated stands beside language: {SOURCE}, which is what is translated"
            expected = "language: de" if tasks else "language: de, or own for each reported one"
            raise refusal("", what, expected)

    def _refuse_idle_layers(self, tasks: tuple[str, ...]) -> None:
        """Refuse what is said of layers in a training that the stage does not have."""
        idle = "has no tasks" if self.mlm else "trains nothing"
        if self.carry is not None and not (tasks or self.mlm):
            raise refusal("", f"carry stands in a stage that {idle}", "train: TASK")
        of = {"freeze": (self.freeze, tasks or self.mlm), "layer_mix": (self.layer_mix, tasks)}
        for key, (said, there) in of.items():
            if said and not there and said.at("intermediate"):
                what = f"{key} is meant for a stage that {idle}"
                raise refusal("", what, "during: target, or train: TASK")

    def _refuse_adapters_beside(self, tasks: tuple[str, ...]) -> None:
        """Refuse adapters on blocks that would never learn, or that are said to learn nothing."""
        if self.lora is None:
            return
        if self.reinit_top:
            what = "lora holds the blocks that reinit_top draws anew: they would stay random"
            raise refusal("", what, "one of the two in a stage")
        training: Stages = "intermediate" if tasks or self.mlm else "target"
        if self.freeze is not None and self.freeze.at(training):
            what = "lora holds all of the encoder's weights, and freeze names some of them"
            raise refusal("", what, "one of the two in a training")
