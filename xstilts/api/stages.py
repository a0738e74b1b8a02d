"""Verbs on one model: train it, and let it predict."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from xstilts.api import asked
from xstilts.api.asked import Folder, Say

if TYPE_CHECKING:
    import pandas as pd

    from xstilts.phases.one_stage import Finetuned


def finetune(
    task: str,
    *changes: str,
    encoder: str | Path | Mapping[str, Any],
    training: Mapping[str, Any],
    seed: int = 0,
    out: Folder = None,
    store: Folder = None,
    data: Folder = None,
    say: Say = lambda line: None,
) -> "Finetuned":
    """Train an encoder on one task in English; the steps are those of a recipe with that target.

    Args:
        task: what it is trained for; selection and the leak check are those of a target, so the
            files of its reported split must be there.
        changes: ``key.path=VALUE`` of a recipe, such as ``tasks.xnli.score.from=dev``.
        encoder: a folder, also under ``$XSTILTS_MODELS``, or as in a recipe: ``{"hub": "ORG/NAME",
            "revision": COMMIT}``, ``{"pretrain": NAME}``.
        training: the recipe's ``training``: at least ``lr``, ``epochs``, ``batch_size`` and
            ``max_length``.
        seed: of all that is drawn.
        out: a new or empty folder that gets a copy with its tokenizer, which any `AutoModel` loads.
        store: where results lie; what is there already is not made again.
        data: the data folder.
        say: takes lines of progress.

    Raises:
        UserError: for what the caller can mend.
        StepFailedError: when a step failed, or the training diverged.
    """
    from xstilts.executors import LocalExecutor
    from xstilts.phases.one_stage import finetuned

    place, copy = asked.workplace(store, data), Path(out) if out else None
    return finetuned(task, encoder, training, changes, seed, place, LocalExecutor(), say, copy)


def predict(
    model: "Finetuned | str | Path",
    task: str | None = None,
    *,
    languages: Sequence[str] = (),
    max_length: int | None = None,
    stride: int | None = None,
    precision: Literal["auto", "bf16", "fp32"] | None = None,
    store: Folder = None,
    data: Folder = None,
    say: Say = lambda line: None,
) -> "pd.DataFrame":
    """What a model predicts on the reported split of a task, with no further training.

    Args:
        model: what :func:`finetune` gave, which knows all of the rest but ``languages``; or the
            folder of a model that was fine-tuned elsewhere, with its head and tokenizer.
        task: for a folder: whose files are read; its labels are the folder's ``id2label``.
        languages: all with files if none are named.
        max_length: for a folder: pieces a row, special ones counted.
        stride: for a folder: pieces that windows of a question's context share; 32.
        precision: for a folder: of the products; ``auto``: bf16 where that is much faster.
        store: for a folder: where results lie.
        data: for a folder: the data folder.
        say: takes lines of progress.

    Returns:
        One row an example: ``language``, ``id``, ``group``, ``prediction``, and what the kind keeps
        beside: :func:`xstilts.prediction.decode.decode`.

    Raises:
        UserError: for what the caller can mend.
        StepFailedError: when a step failed.
    """
    from xstilts.core.errors import RecipeError
    from xstilts.executors import LocalExecutor
    from xstilts.phases.one_stage import Cut, Finetuned, predicted, predicted_by_checkpoint

    said = any(x is not None for x in (task, max_length, stride, precision, store, data))
    if isinstance(model, Finetuned) and not said:
        return predicted(model, languages, LocalExecutor(), say)
    if isinstance(model, Finetuned) or task is None or max_length is None:
        raise RecipeError(
            "The model and the rest do not go together",
            where="predict: what stands beside the model",
            expected="a result of finetune alone, or a folder with task and max_length",
            do='predict(model), or predict("FOLDER", "xnli", max_length=128)',
        )
    place = asked.workplace(store, data)
    cut = Cut(max_length, 32 if stride is None else stride, precision or "auto")
    return predicted_by_checkpoint(model, task, languages, cut, place, LocalExecutor(), say)
