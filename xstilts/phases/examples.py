"""The steps that give the examples of a slice: read from files, or translated from English ones."""

from xstilts.data.slices import TRANSLATED, Slice
from xstilts.graph import Stage, Step

READ = Stage("read", 1, "xstilts.data.read:read")
TRANSLATE = Stage("translate", 1, "xstilts.prediction.translate:translate", resumes=True)


def slice_label(data: Slice) -> str:
    """The readable part of a slice's address: ``mnli.en.train``."""
    part = {"all": "", "train": "-rest", "held": "-held"}[data.part]
    part += "" if data.draw is None else f"-{data.sample}.{data.draw}"
    return f"{data.task}.{data.language}.{data.split}{part}"


def read_step(data: Slice) -> Step:
    """The examples of a slice.

    What a model translates is the English slice before a leak takes examples out of it, unless that
    changes which are drawn: a leak then costs no second translation.
    """
    if data.translation is None:
        return Step(READ, slice_label(data), data)
    assert data.translates is not None
    english = data.translates
    if english.sample is None:
        english = english.model_copy(update={"without": ()})
    told = Step(TRANSLATE, slice_label(data), data.translation, {"examples": read_step(english)})
    return Step(READ, slice_label(data), data, {TRANSLATED: told})
