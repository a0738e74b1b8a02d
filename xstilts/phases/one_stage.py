"""One training without a recipe of one's own, and what one model predicts.

A training is the plan of a recipe with one encoder, one target and no other arm than ``none``, so
that its steps are those of any recipe that trains the same, and lie in the same store.
"""

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from xstilts.core.errors import (
    DataError,
    EncoderError,
    RecipeError,
    StepFailedError,
    UnknownNameError,
)
from xstilts.core.spec import Runtime
from xstilts.data.files import expected, present
from xstilts.executors import Executor
from xstilts.graph import Plan, Stage, Step
from xstilts.graph.plan import is_barren
from xstilts.models.files import TOKENIZER
from xstilts.models.tuned_files import HEADED, inspect_tuned
from xstilts.phases.encoder_choice import EncoderChoice
from xstilts.phases.encoders import Encoder
from xstilts.phases.loading import recipe_of
from xstilts.phases.planned import Planned
from xstilts.phases.refusals import windows_move_on
from xstilts.phases.running import Say, prepare, refuse_failed, require_empty, with_encoders
from xstilts.phases.slices import Files
from xstilts.phases.steps import Builder, Model
from xstilts.phases.workplace import Workplace
from xstilts.prediction.spec import PREDICTIONS
from xstilts.store.cache import RECORD
from xstilts.tasks import Task, get_task
from xstilts.train.spec import WEIGHTS

if TYPE_CHECKING:
    import pandas as pd

TUNED = Stage("tuned", 1, "xstilts.models.tuned:tuned", weights=WEIGHTS)
_NAME = "finetune"  # of the recipe, in messages


@dataclass(frozen=True)
class Finetuned:
    """A model that was trained on one task.

    Attributes:
        folder: where it lies: in the store, or the copy that was asked for.
        value: its record: updates, score on held-out examples, lineage, verdict.
        planned: the plan that it is a step of.
        place: its store and data folders.
    """

    folder: Path
    value: dict[str, Any]
    planned: Planned
    place: Workplace

    @property
    def task(self) -> str:
        """What it was trained for."""
        return self.planned.recipe.targets[0]

    @property
    def step(self) -> Step:
        """The training."""
        (step,) = self.planned.models.values()
        return step


def finetuned(
    task: str,
    encoder: str | Path | Mapping[str, Any],
    training: Mapping[str, Any],
    changes: Iterable[str],
    seed: int,
    place: Workplace,
    executor: Executor,
    say: Say,
    out: Path | None,
) -> Finetuned:
    """``encoder`` trained on ``task``; what is there already is not made again.

    Raises:
        UserError: for what the user can mend.
        StepFailedError: when a step failed, or the training diverged.
    """
    if out is not None:
        require_empty(out)
    words = encoder if isinstance(encoder, Mapping) else {"path": str(encoder)}
    raw: dict[str, Any] = {
        "recipe": _NAME,
        "question": f"What does one training on {task} give?",
        "expectation": "none",
        "encoder": dict(words),
        "seeds": [seed],
        "training": dict(training),
        "arms": {"none": []},
        "targets": [task],
        "runtime": {"keep_weights": "all"},
    }
    recipe = recipe_of(raw, _NAME, changes)
    planned, leaking = prepare(recipe, place, executor, say)
    if len(planned.models) != 1 or recipe.targets != (task,):
        raise RecipeError(
            f"{task} alone gives {len(planned.models)} trained models, not one",
            where=f"{_NAME}: task and changes",
            expected="a target with training data, one encoder, one seed and the arm none",
            do="see what each task is trained on: xstilts tasks NAME",
        )
    planned = with_encoders(planned, place, leaking, say)
    (step,) = planned.models.values()
    _run(planned, [step], place, executor, say)
    found = place.store.open(step.address, step.key, step.identity)
    if is_barren(found.value):
        raise StepFailedError(f"{step.address} diverged after {found.value['updates']} updates")
    if out is not None:
        _copy(found.folder, planned, place, out)
    return Finetuned(out or found.folder, found.value, planned, place)


def _run(
    planned: Planned, goals: list[Step], place: Workplace, executor: Executor, say: Say
) -> None:
    """Build what ``goals`` need, and keep the weights of the model."""
    kept = planned.plan.kept | {step.key for step in planned.models.values()}
    plan = replace(planned.plan, goals=goals, kept=kept)
    refuse_failed(executor.run(plan, goals, place.store, planned.recipe.runtime, say))


def _copy(folder: Path, planned: Planned, place: Workplace, out: Path) -> None:
    """The model with its tokenizer and the names of its outputs, as any `AutoModel` reads them."""
    shutil.copytree(folder, out, ignore=lambda *_: [RECORD], dirs_exist_ok=True)
    (encoder,) = planned.encoders.values()
    if encoder.made is not None:
        step = encoder.made.tokenizer
        source = place.store.open(step.address, step.key, step.identity).folder
    else:
        assert encoder.files is not None, "what was trained is here"
        source = encoder.files.folder
    for name in TOKENIZER:
        if (source / name).is_file():
            shutil.copy(source / name, out)
    (task,) = planned.recipe.targets
    if labels := get_task(task).labels:
        config = json.loads((out / "config.json").read_text("utf-8"))
        config["id2label"] = {str(i): label for i, label in enumerate(labels)}
        config["label2id"] = {label: i for i, label in enumerate(labels)}
        (out / "config.json").write_text(json.dumps(config, indent=1), "utf-8")


def predicted(
    model: Finetuned, languages: Sequence[str], executor: Executor, say: Say
) -> "pd.DataFrame":
    """What a trained model predicts in ``languages``, in all that are here if none are named."""
    steps = {c.language: c.score.inputs["predictions"] for c in model.planned.cells}
    for language in languages:
        if language not in steps:
            do = f"see which files are here: xstilts data check {model.task}"
            raise UnknownNameError("language", language, steps, where="languages", do=do)
    wanted = {language: steps[language] for language in languages or steps}
    _run(model.planned, list(wanted.values()), model.place, executor, say)
    return _tables(wanted, model.place)


@dataclass(frozen=True)
class Cut:
    """How a checkpoint reads texts: pieces a row, pieces that windows share, and precision."""

    max_length: int
    stride: int
    precision: Literal["auto", "bf16", "fp32"]


def predicted_by_checkpoint(
    folder: str | Path,
    name: str,
    languages: Sequence[str],
    cut: Cut,
    place: Workplace,
    executor: Executor,
    say: Say,
) -> "pd.DataFrame":
    """What a model that was fine-tuned elsewhere predicts on the reported split of a task.

    Raises:
        EncoderError: when the folder holds no model with a head for the task.
        DataError: when there are no files in a language.
    """
    task, files = get_task(name), Files(place)
    if task.kind not in HEADED or task.open_labels:
        raise RecipeError(
            f"{name} has no head of its own in a checkpoint",
            where="the task to predict",
            expected=f"a task of the kind {', '.join(HEADED)} with labels that are known",
            do="finetune on it, or compare vectors: xstilts embed, xstilts retrieve",
        )
    choice = EncoderChoice(path=str(folder))
    here = place.encoder(choice, "the model's folder")
    assert here is not None, "an encoder with a path is a folder"
    if here.positions is not None and cut.max_length > here.positions:
        raise EncoderError(
            f"Rows of {cut.max_length} pieces do not fit the model",
            where="max_length",
            expected=f"at most {here.positions}",
            do=f"max_length={here.positions}",
        )
    if task.kind == "span":
        windows_move_on(name, cut.max_length, cut.stride)
    config = inspect_tuned(here, task)
    files.sources |= {here.digest: here.folder, here.tokenizer: here.folder}
    builder = Builder(Encoder(choice.label, here.digest, here.tokenizer, choice, here))
    step = Step(TUNED, here.digest[:12], config)
    runtime = Runtime()
    precision = place.resolved(cut.precision, runtime.threads)
    data = [files.slice(task, task.score, x) for x in _here(task, languages, place)]
    model = Model(step, ("tuned",), labels=config.labels)
    sizes = cut.max_length, cut.stride
    steps = {one.language: builder.predict(model, one, precision, *sizes) for one in data}
    plan = Plan(
        {f"predict.{x}": s for x, s in steps.items()},
        list(steps.values()),
        files.sources,
        frozenset([step.key]),
    )
    place.digests.save()
    refuse_failed(executor.run(plan, plan.goals, place.store, runtime, say))
    return _tables(steps, place)


def _here(task: Task, languages: Sequence[str], place: Workplace) -> Sequence[str]:
    """The languages asked for, all with files if none are named.

    Raises:
        DataError: when there are no files of one of them.
    """
    here = present(task, task.score, place.data)
    missing = [x for x in languages if x not in here]
    if missing or not here:
        language = next(iter([*missing, *task.languages]))
        raise DataError(
            f"{task.name} has no {task.score} files for {', '.join(missing) or 'any language'}",
            where=", ".join(map(str, place.data)) or "no data folder is named",
            expected=" or ".join(expected(task, task.score, language)[:4]),
            do="put the file there, or name the folder: data=DIR, or XSTILTS_DATA",
        )
    return languages or here


def _tables(steps: Mapping[str, Step], place: Workplace) -> "pd.DataFrame":
    """The predictions of all languages, one row an example."""
    import pandas as pd

    tables = []
    for language, step in steps.items():
        folder = place.store.open(step.address, step.key, step.identity).folder
        table = pd.read_parquet(folder / PREDICTIONS)
        table.insert(0, "language", language)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)
