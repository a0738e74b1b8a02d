"""A task of the catalogue as text."""

from collections.abc import Iterator

from xstilts.scoring.forms import FORMS
from xstilts.tasks import Task


def task_lines(task: Task, *, full: bool) -> Iterator[str]:
    """One line a task; ``full``: all that its declaration says, for readers."""
    yield f"{task.name:<14} {task.kind:<10} {len(task.languages):>3} languages  {task.metric}"
    if not full:
        return
    yield f"  {task.about}"
    yield f"  citation: {task.citation}"
    yield f"  licence:  {task.license}"
    yield f"  languages: {' '.join(task.languages)}"
    yield f"  hub: {_hub(task)}"
    yield f"  trained on: {task.train or 'nothing'}  scored on: {task.score}"
    yield f"  floor: {task.floor}"
    forms = FORMS[task.kind]
    yield f"  gold: {forms.gold}"
    yield f"  pred: {forms.pred}"
    sizes = {split: sizes for split, sizes in task.sizes.model_dump().items() if sizes}
    yield f"  sizes: {sizes or 'not known'}"
    for made, parts in task.parts.items():
        yield f"  {made}: {' + '.join(f'{t} ({s})' for t, s in parts.items())}"
    for files in task.files:
        for split, names in files.names.items():
            only = f" ({' '.join(files.languages)} only)" if files.languages else ""
            yield f"  {split}: {' or '.join(files.folders)}/{' + '.join(names)}{only}"


def _hub(task: Task) -> str:
    if task.hub is None:
        return "none"
    seen = "verified" if task.hub.verified else "unverified"
    return f"{task.hub.repo} {task.hub.revision or 'unpinned'}, {seen}"
