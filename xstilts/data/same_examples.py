"""Translations that a user gives: they are to be the English examples, in other words."""

from collections.abc import Mapping, Sequence

from xstilts.core.errors import DataError
from xstilts.tasks.examples import Choice, Example, Pair

MEND = "give the English training file, translated row by row: its ids and labels kept"


def refuse_others(
    told: Sequence[Example],
    english: Mapping[str, Example],
    *,
    task: str,
    where: str,
    original: str,
) -> None:
    """Refuse translations that are not those of the English examples, by their ids and labels.

    Labels are compared where they are one for the whole example. Tags are not: they belong to the
    words of one language.

    Args:
        told: examples of the translation.
        english: examples of the English slice by their ids.
        task: named in messages.
        where: the files of the translation.
        original: the English files.

    Raises:
        DataError: where no id is an English one, for the first example with another label, and for
            a translation in which every example is the English one.
    """
    found = [e for e in told if e.id in english]
    if not found:
        raise DataError(
            f"None of the {len(told)} translated examples of {task} has the id of one of the "
            f"{len(english)} English ones that are trained on",
            where=where,
            expected=f"ids of {original}, such as {', '.join([*english][:3])}",
            do=MEND,
        )
    wrong = [e for e in found if _label(e) != _label(english[e.id])]
    if wrong:
        first = wrong[0]
        raise DataError(
            f"{len(wrong)} of {len(found)} translated examples of {task} are labelled otherwise "
            f"than in English: {first.id} is {_label(first)!r}",
            where=f"{where}: {first.id}",
            expected=f"{_label(english[first.id])!r}, as in {original}: {first.id}",
            do=MEND,
        )
    if all(e == english[e.id] for e in found):
        raise DataError(
            f"All {len(found)} translated examples of {task} are the English ones, word for word",
            where=where,
            expected="texts in the language that the stage names",
            do="translate them, or leave language and translated out of the stage",
        )


def _label(example: Example) -> str | int | None:
    return example.label if isinstance(example, Pair | Choice) else None
