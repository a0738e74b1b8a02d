"""Steps, plans, and why a step would run."""

from xstilts.graph.plan import Plan, State
from xstilts.graph.step import Stage, Step, Work
from xstilts.graph.why import why

__all__ = ["Plan", "Stage", "State", "Step", "Work", "why"]
