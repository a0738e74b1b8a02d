"""Verbs of the laboratory."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xstilts.lab.describe import Described


def describe_lab() -> "list[Described]":
    """The laboratory's languages: their knobs, and a sentence in each of them with its gloss."""
    from xstilts.lab.describe import described

    return list(described())


def export_lab(
    folder: str | Path,
    *changes: str,
    seed: int = 0,
    translated: Sequence[str] = (),
) -> list[Path]:
    """Write the laboratory's tasks in the official file formats; returns the files.

    Args:
        folder: where; the files of a task come into a folder of its name.
        changes: ``TASK.KNOB=VALUE`` or ``sizes.PART=NUMBER``.
        seed: of all that is drawn.
        translated: languages into which the English training data are put as well.

    Raises:
        UserError: for an unknown task, knob, part or language, and a value that cannot be.
    """
    from xstilts.lab.asked import asked_for
    from xstilts.lab.export import export
    from xstilts.lab.languages import language

    for code in translated:
        language(code)
    sizes, knobs = asked_for(changes)
    return export(Path(folder), seed=seed, sizes=sizes, knobs=knobs, translated=translated)
