"""Tasks: what one is (`spec`), the shape of its examples (`examples`), and the catalogue."""

from xstilts.tasks.registry import declare, get_task, know, open_task, own_tasks, task_names
from xstilts.tasks.spec import Split, Task

__all__ = [
    "Split",
    "Task",
    "declare",
    "get_task",
    "know",
    "open_task",
    "own_tasks",
    "task_names",
]
