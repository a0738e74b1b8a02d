"""Words of a stage beside its tasks: on what text, in which language, from how few examples."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from xstilts.core.validation import refusal
from xstilts.tasks.spec import Split

OWN = "own"  # the language that is reported, for each of them


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class FewShot(_Section):
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


class Said(_Section):
    """The words of a stage that are not its tasks.

    Attributes:
        language: of the training data, English if absent. On the target stage also ``own``: each
            reported language is trained on, and reported, for itself.
        translated: a folder of translations of the training data, ``DIR/LANGUAGE/`` with files as a
            data folder has them; ``lab`` for the laboratory's own, which are exact.
        few_shot: how the target goes on.
        longer: the arm whose stages have as many updates as the target stage is given beside its
            own, in the place of those stages.
    """

    language: str | None = Field(default=None, pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]+)*$")
    translated: str | None = None
    few_shot: FewShot | None = None
    longer: str | None = None

    @property
    def on_target(self) -> list[str]:
        """The words that only a target stage takes."""
        return [name for name in ("few_shot", "longer") if getattr(self, name) is not None]

    def refuse_contradictions(self, tasks: tuple[str, ...]) -> None:
        """Refuse words that do not go together, or not with these tasks.

        Raises:
            PydanticCustomError: naming them.
        """
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
        if self.translated and self.language is None:
            what = "translated does not say into which language"
            expected = "language: de" if tasks else "language: de, or own for each reported one"
            raise refusal("", what, expected)
