"""Tasks: what one is (`spec`), the shape of its examples (`examples`), and the catalogue."""

from xstilts.tasks.registry import get_task, task_names
from xstilts.tasks.spec import Split, Task

__all__ = ["Split", "Task", "get_task", "task_names"]
