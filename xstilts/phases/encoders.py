"""An encoder as plans know it: here, on the hub, or made when a step needs it."""

from dataclasses import dataclass

from xstilts.core.spec import Runtime
from xstilts.graph import Stage, Step
from xstilts.models.files import EncoderFiles, Ready
from xstilts.phases.encoder_choice import EncoderChoice
from xstilts.phases.pretraining import Promised, promise
from xstilts.phases.slices import Files
from xstilts.phases.workplace import Workplace
from xstilts.train.spec import WEIGHTS

CHECKPOINT = Stage("checkpoint", 1, "xstilts.models.ready:checkpoint", weights=WEIGHTS)


@dataclass(frozen=True)
class Encoder:
    """An encoder as steps know it.

    Attributes:
        label: its name in tables.
        digest: of its files; ``hub:ORG/NAME@REVISION`` while it is not here.
        tokenizer: digest of its tokenizer's files, or the same.
        choice: the recipe's words.
        files: what is known of it if it is here.
        made: the steps that make it if it is made here; its digests are their keys.
        ready: the step that takes it from a model trained elsewhere; None for the recipe's own.
    """

    label: str
    digest: str
    tokenizer: str
    choice: EncoderChoice
    files: EncoderFiles | None = None
    made: Promised | None = None
    ready: Step | None = None

    @property
    def away(self) -> bool:
        """Whether it is still on the hub."""
        return self.files is None and self.made is None

    @property
    def positions(self) -> int | None:
        """Longest row it can read, None where unlimited or unknown."""
        if self.made:
            return self.made.declared.model.positions
        return self.files.positions if self.files else None

    @property
    def layers(self) -> int | None:
        """Number of blocks, None where unknown."""
        if self.made:
            return self.made.declared.model.layers
        return self.files.layers if self.files else None

    @property
    def width(self) -> int | None:
        """Of what goes in and out of a block, None where unknown."""
        if self.made:
            return self.made.declared.model.width
        return self.files.width if self.files else None

    @property
    def block_parameters(self) -> float | None:
        """Weights in the blocks, None where unknown."""
        if self.made:
            return self.made.declared.model.block_parameters
        return self.files.block_parameters if self.files else self.choice.block_parameters

    @property
    def languages(self) -> tuple[str, ...] | None:
        """What it was pretrained on: what the recipe says, else its card; None where unknown."""
        if self.choice.languages is None and self.made:
            return tuple(self.made.texts)
        return self.choice.languages or (self.files.languages if self.files else None)

    @property
    def about(self) -> str:
        """One sentence on what it was trained on."""
        return self.choice.about or (self.made.declared.about if self.made else "")


def encoder_of(
    choice: EncoderChoice, workplace: Workplace, files: Files, runtime: Runtime
) -> Encoder:
    """What is known of an encoder before anything runs; ``files`` gets the places of its own."""
    if choice.pretrain is not None:
        made = promise(choice.pretrain, workplace, runtime)
        files.sources |= made.sources
        return Encoder(choice.label, made.step.key, made.tokenizer.key, choice, made=made)
    here = workplace.encoder(choice)
    if here is None:
        name = f"hub:{choice.hub}@{choice.revision or 'unpinned'}"
        return Encoder(choice.label, name, name, choice)
    files.sources |= {here.digest: here.folder, here.tokenizer: here.folder}
    return Encoder(choice.label, here.digest, here.tokenizer, choice, here)


def ready_of(label: str, choice: EncoderChoice, arm: str, files: Files) -> Encoder:
    """The encoder of a model that was trained elsewhere, in the place of the one called ``label``.

    Raises:
        EncoderError: when there is no usable model at its path.
    """
    here = files.workplace.encoder(choice, f"arms.{arm}: checkpoint.path")
    name = f"hub:{choice.hub}@{choice.revision or 'unpinned'}"
    digest, tokenizer = (here.digest, here.tokenizer) if here else (name, name)
    if here:
        files.sources |= {here.digest: here.folder, here.tokenizer: here.folder}
    label_of_bytes = digest[:12] if here else "away"  # the same bytes elsewhere are the same step
    step = Step(CHECKPOINT, label_of_bytes, Ready(encoder=digest))
    return Encoder(label, digest, tokenizer, choice, here, ready=step)
