"""A recipe with all its promises."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from xstilts.core.errors import DataError, EncoderError
from xstilts.data.slices import Slice
from xstilts.graph import Plan, Step
from xstilts.phases.encoders import Encoder
from xstilts.phases.examples import read_step
from xstilts.phases.forms import TranslatorChoice
from xstilts.phases.probes import Probe
from xstilts.phases.recipe import Recipe
from xstilts.phases.slices import Trained
from xstilts.phases.spoken import Other
from xstilts.phases.sweep import Chosen


@dataclass(frozen=True)
class Cell:
    """One score of the results: who was evaluated on what, and what chose the block of a sweep.

    ``source`` is the language of the target's training data; empty where it was not trained on.
    """

    encoder: str
    arm: str
    target: str
    language: str
    split: str
    source: str
    seed: int | None
    score: Step
    chosen: Chosen = "fixed"


@dataclass
class Planned:
    """A recipe with all its promises.

    Attributes:
        recipe: as it was read.
        plan: steps by name, goals, sources.
        scored: every score that the recipe asks for; of a sweep all three.
        trainings: slices of every trained task, by the name that the recipe uses.
        reported: every slice that is reported.
        originals: English slices of parallel sets that are reported in other languages only; the
            leak check needs them, because a translation shares no letters with its original.
        aligned: target -> slices that choose its block; none without a sweep.
        others: what arms train on in other languages, and their few shots.
        models: training steps by name, for lineage and cost.
        absent: files that are missing; nothing runs while there are any.
        silent: target -> languages without gold here.
        encoders: the encoders, by label.
        ready: the models trained elsewhere that arms start from, by arm.
        translators: translation models that are still on the hub.
        probes: measurements that the recipe's study asks for beside the scores.
    """

    recipe: Recipe
    plan: Plan
    scored: list[Cell]
    trainings: Mapping[str, Trained]
    reported: list[Slice]
    originals: list[Slice]
    aligned: Mapping[str, list[Slice]]
    others: Other
    models: Mapping[str, Step]
    absent: list[str]
    silent: Mapping[str, tuple[str, ...]]
    encoders: Mapping[str, Encoder]
    ready: Mapping[str, Encoder]
    translators: list[TranslatorChoice]
    probes: list[Probe] = field(default_factory=list)

    @property
    def away(self) -> list[Encoder]:
        """What is still on the hub."""
        return [e for e in (*self.encoders.values(), *self.ready.values()) if e.away]

    @property
    def cells(self) -> list[Cell]:
        """The scores that means, gains and answers rest on: of a sweep those of the fixed block."""
        return [cell for cell in self.scored if cell.chosen == "fixed"]

    @property
    def used(self) -> list[Slice]:
        """Every slice that is trained or selected on, and the text that chooses blocks."""
        trained = [*self.trainings.values(), *self.others.values()]
        found = [side for data in trained for side in data.slices]
        return found + [side for text in self.aligned.values() for side in text]

    @cached_property
    def reads(self) -> list[Step]:
        """Steps that read and check official files."""
        beside = [read_step(s) for s in self.originals]
        return [s for s in self.plan.unique() if s.stage.name == "read"] + beside

    def require_files(self) -> None:
        """Refuse to start while something is missing that no download can bring.

        Raises:
            DataError: naming every missing file.
            EncoderError: for an encoder of the hub at no revision.
        """
        where = {id(e): f"arms.{arm}: checkpoint." for arm, e in self.ready.items()}
        for encoder in self.away:
            if encoder.choice.revision is None:
                place = where.get(id(encoder), "encoder.")
                own = "--set encoder.revision=COMMIT, or --set encoder='{path: FOLDER}'"
                raise EncoderError(
                    f"The encoder {encoder.choice.hub} has no revision",
                    where=f"{place}revision",
                    expected="the 40 hex digits of a commit, or a folder: what the hub shows today "
                    "may differ tomorrow",
                    do=own if place == "encoder." else "name its revision, or a path: FOLDER",
                )
        if self.absent:
            files = (
                "1 data file is" if len(self.absent) == 1 else f"{len(self.absent)} data files are"
            )
            raise DataError(
                f"{files} missing",
                where="the data folders (--data, XSTILTS_DATA)",
                expected="\n            ".join(self.absent),
                do="put them there, or see what the catalogue accepts: xstilts data check",
            )
