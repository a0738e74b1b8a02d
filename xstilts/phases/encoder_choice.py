"""Which encoder a recipe starts from."""

from pathlib import Path

from pydantic import model_validator

from xstilts.core.hub_names import Commit, HubName
from xstilts.core.validation import refusal
from xstilts.phases.sections import Section


class EncoderChoice(Section):
    """Where the encoder comes from: a folder, a hub repository at one revision, or pretraining.

    Attributes:
        path: a folder; a relative one is also searched under ``$XSTILTS_MODELS``.
        pretrain: a declaration of an encoder, by shipped name or as a YAML file.
        hub: ``ORG/NAME``.
        revision: 40 hex digits; None is shown as unpinned and cannot run.
        languages: what it was pretrained on; absent = what its model card says.
        about: one sentence on what it was trained on, for the report.
        block_parameters: weights in its blocks, to estimate the cost of one that is not here.
    """

    path: str | None = None
    pretrain: str | None = None
    hub: HubName | None = None
    revision: Commit | None = None
    languages: tuple[str, ...] | None = None
    about: str = ""
    block_parameters: float | None = None

    @model_validator(mode="after")
    def _one_source(self) -> "EncoderChoice":
        said = [k for k in ("path", "hub", "pretrain") if getattr(self, k) is not None]
        if len(said) != 1:
            what = f"An encoder has {' and '.join(said) or 'none'} of path, hub and pretrain"
            raise refusal("", what, "one of `path`, `hub` and `pretrain`")
        if self.revision is not None and self.hub is None:
            raise refusal("", f"A {said[0]} has no revision", "revision beside hub alone")
        return self

    @property
    def label(self) -> str:
        """The encoder's short name in tables."""
        if self.pretrain:
            return Path(self.pretrain).stem
        return Path(self.path).name if self.path else str(self.hub).split("/")[-1]
