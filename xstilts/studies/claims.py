"""Published statements and how each is tested: the registry, and what users add to it.

A claim names its test before anything is run; what the tests mean is in
:mod:`xstilts.studies.predicates`.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from xstilts.core import yaml12
from xstilts.core.errors import RecipeError, UnknownNameError
from xstilts.core.validation import refusal, validated
from xstilts.phases.recipe import STUDIES
from xstilts.tasks import task_names
from xstilts.tasks.spec import Split

REGISTRY = Path(__file__).with_name("claims.yaml")

Tasks = Annotated[tuple[str, ...], Field(min_length=1)]


class _Claim(BaseModel):
    """What all claims have.

    Attributes:
        id: lower case, digits and ``-``.
        statement: what is claimed, one sentence.
        source: who says so, and where.
        source_verdict: what the source itself says of it.
        source_confidence: likewise, in the source's own terms.
        published: the value that was published; None without one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    statement: str = Field(min_length=1)
    source: str = ""
    source_verdict: str = ""
    source_confidence: str = ""
    published: float | None = None


class Gains(_Claim):
    """One stage raises the mean over targets: the interval of its mean gain lies above 0.

    Attributes:
        tasks: of the stage; several are a mixture.
        targets: each has one vote.
    """

    predicate: Literal["gain"]
    tasks: Tasks
    targets: Tasks


class AlmostEvery(_Claim):
    """Of several single tasks at least so many raise the mean over targets, after Holm.

    Attributes:
        tasks: each an intermediate stage of its own.
        targets: each has one vote.
        at_least: how many; by default 8 of 9, or as large a share of other numbers.
    """

    predicate: Literal["almost_every"]
    tasks: Tasks
    targets: Tasks
    at_least: int | None = Field(default=None, ge=1)

    @property
    def needed(self) -> int:
        """How many of the tasks have to gain."""
        return self.at_least or -(-8 * len(self.tasks) // 9)

    @model_validator(mode="after")
    def _possible(self) -> "AlmostEvery":
        if self.needed > len(self.tasks):
            what = f"{self.needed} of {len(self.tasks)} tasks cannot gain"
            raise refusal("at_least", what, f"at most {len(self.tasks)}")
        return self


class NoBenefit(_Claim):
    """The mean gain of several single tasks lies within ``within`` points of 0, or is a loss.

    Attributes:
        tasks: each an intermediate stage of its own; their mean is judged.
        targets: each has one vote.
        within: points.
    """

    predicate: Literal["no_benefit"]
    tasks: Tasks
    targets: Tasks
    within: float = Field(default=1.0, gt=0)


class Best(_Claim):
    """No other arm has a larger mean gain, with a probability of at least 0.95.

    A mixture is judged where at least half of its tasks are there as arms of their own.

    Attributes:
        tasks: of the stage; several are a mixture.
        targets: each has one vote.
    """

    predicate: Literal["best"]
    tasks: Tasks
    targets: Tasks


class Beats(_Claim):
    """Plain English stages do better than the same stages with something added.

    Attributes:
        instead: ``mlm``, masked LM mixed in, or ``translated``, the data put into other languages.
        targets: each has one vote.
        pairs: how many stages the source compared.
    """

    predicate: Literal["beats"]
    instead: Literal["mlm", "translated"]
    targets: Tasks
    pairs: int = Field(default=1, ge=1)


class BestPerTarget(_Claim):
    """The arms chosen target by target on English development data raise the mean over targets.

    Attributes:
        targets: each has one vote.
    """

    predicate: Literal["best_per_target"]
    targets: Tasks


class Examples(_Claim):
    """A split has as many examples as were published: its files are counted.

    Attributes:
        task: as in the catalogue.
        split: in English.
    """

    predicate: Literal["examples"]
    task: str
    split: Split = "train"
    published: float


class Languages(_Claim):
    """Tasks are in as many languages, all together, as were published: files are counted.

    Attributes:
        tasks: as in the catalogue.
    """

    predicate: Literal["languages"]
    tasks: Tasks
    published: float


class Untrained(_Claim):
    """Tasks come without training data: no training file of theirs is there.

    Attributes:
        tasks: as in the catalogue.
    """

    predicate: Literal["untrained"]
    tasks: Tasks


class Reported(_Claim):
    """A fact of the source's own runs, which no other run can judge."""

    predicate: Literal["reported"]


class Question(_Claim):
    """An open question, which a study answers.

    Attributes:
        study: its name.
    """

    predicate: Literal["question"]
    study: STUDIES


Claim = (
    Gains
    | AlmostEvery
    | NoBenefit
    | Best
    | Beats
    | BestPerTarget
    | Examples
    | Languages
    | Untrained
    | Reported
    | Question
)
PREDICATES: dict[str, type[Claim]] = {
    get_args(of.model_fields["predicate"].annotation)[0]: of for of in get_args(Claim)
}


def claims(files: Iterable[Path] = ()) -> list[Claim]:
    """The claims of the registry, then those of the user's files.

    Raises:
        RecipeError: for a file that is not there or no list of claims, and for two of one id.
        UnknownNameError: for a predicate, key, task or study that does not exist.
    """
    found: dict[str, Claim] = {}
    for file in (REGISTRY, *files):
        for claim, place in _read(file):
            if claim.id in found:
                raise RecipeError(
                    f"Two claims are called {claim.id!r}",
                    where=f"{place}: id",
                    expected="an id that no claim of the registry or of another file has",
                    do="call it otherwise; `xstilts claims RECIPE` lists those there are",
                )
            found[claim.id] = claim
    return list(found.values())


def _read(file: Path) -> Iterator[tuple[Claim, str]]:
    """Each claim of a file, and where it stands."""
    do = "start from an example of the README"
    keys = "claims: [{id: …, statement: …, predicate: …}]"
    try:
        raw = yaml12.keys_in(file, RecipeError, expected=keys, do=do)
    except OSError as error:
        raise RecipeError(
            f"The claims cannot be read: {error.strerror or error}",
            where=str(file.absolute()),
            expected="a YAML file of claims",
            do="check the path (a recipe's counts from its folder, --claims from here)",
        ) from None
    for key in raw:
        if key != "claims":
            place = f"{file}: {key}"
            raise UnknownNameError("key", key, ["claims"], where=place, do="correct the key")
    listed = raw.get("claims")
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        what = f"{file.name} holds no list of claims"
        raise RecipeError(what, where=f"{file}: claims", expected=keys, do=do)
    for number, one in enumerate(listed):
        place = f"{file}: claims.{one.get('id', number)}"
        yield _claim(one, place), place


def _claim(raw: dict[str, Any], place: str) -> Claim:
    do = "mend {key} in the file"
    predicate = raw.get("predicate")
    if predicate not in PREDICATES:
        name = "" if predicate is None else str(predicate)
        where = f"{place}: predicate"
        raise UnknownNameError("predicate", name, PREDICATES, where=where, do="name one of them")
    claim = validated(PREDICATES[predicate], raw, place, do=do)
    named = [*getattr(claim, "tasks", ()), *getattr(claim, "targets", ())]
    for task in [*named, *([claim.task] if isinstance(claim, Examples) else [])]:
        if task not in task_names():
            do = "list them: xstilts tasks; a task of your own is known by the recipe's own_tasks"
            raise UnknownNameError("task", task, task_names(), where=place, do=do)
    return claim
