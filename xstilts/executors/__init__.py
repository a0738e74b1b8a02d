"""Who runs the steps of a plan: one small interface, this machine behind it."""

from xstilts.executors.base import Executor, Outcome
from xstilts.executors.local import LocalExecutor

__all__ = ["Executor", "LocalExecutor", "Outcome"]
