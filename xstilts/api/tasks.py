"""Verbs on tasks: their data, and anyone's predictions."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xstilts.api.asked import Folder, Say

if TYPE_CHECKING:
    from xstilts.data.fetching import Fetched
    from xstilts.data.files import FileState


def check_data(tasks: Iterable[str] = (), *, data: Folder = None) -> "list[FileState]":
    """State of every file of some tasks (all by default) in the data folders.

    A task is named, or is the YAML file of a user's own one.
    """
    from xstilts.data.files import check
    from xstilts.phases.workplace import Workplace
    from xstilts.tasks import open_task, task_names

    names = list(tasks) or task_names()
    return check([open_task(n) for n in names], Workplace.of(data=data).data)


def fetch_data(
    tasks: Iterable[str] = (), *, data: Folder = None, say: Say = lambda line: None
) -> "list[Fetched]":
    """Bring the official files of some tasks (all by default) from the hub into the data folder.

    A file comes from a pinned commit and is kept only with the SHA-256 that the task declares. What
    cannot be fetched is told with the reason.

    Raises:
        DataError: without a data folder, and for a place that holds another file.
        HubError: when the hub does not give a file; what came before it is kept.
    """
    from xstilts.data.fetching import fetch
    from xstilts.phases.workplace import Workplace
    from xstilts.tasks import open_task, task_names

    names = list(tasks) or task_names()
    return fetch([open_task(n) for n in names], Workplace.of(data=data).data, say)


def score(
    task: str,
    gold: Path,
    pred: Path,
    *,
    language: str | None = None,
    na_prob: Path | None = None,
    say: Say = lambda line: None,
) -> dict[str, Any]:
    """The official metrics of anyone's predictions against an official gold file.

    Args:
        task: its name, or the YAML file of a user's own one.
        gold: as the task's lines of `xstilts tasks NAME` say, ``gold`` and ``pred``.
        pred: likewise.
        language: of the files; by default what the release's name of ``gold`` tells, then English.
        na_prob: ``{id: probability of no answer}`` in JSON, for questions by SQuAD 2.0's rules.
        say: takes a line where English was taken by default.

    Returns:
        ``{"task", "language", "n", "metrics": {name: 0-100}}``, and ``"ignored"`` where there are
        answers to that many questions that the gold file does not have. With ``na_prob`` the
        metrics also have the best scores that a threshold on it can reach, and the thresholds.
    """
    from xstilts.scoring.files import score_files
    from xstilts.tasks import open_task

    return score_files(open_task(task).name, gold, pred, language, na_prob, say)
