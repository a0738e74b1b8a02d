"""Arms that are another arm with something added: masked LM mixed in, or translated data."""

from collections.abc import Iterator, Sequence
from typing import Literal

from xstilts.studies.arms import Settings, members, twin

Kind = Literal["mlm", "translated"]
_ADDED: dict[Kind, tuple[str, ...]] = {
    "mlm": ("mlm_share", "mlm_languages"),
    "translated": ("translated", "language"),
}


def pairs(arms: Sequence[Settings], kind: Kind) -> list[tuple[str, str]]:
    """(version, plain): arms with that addition, each with its twin without."""
    return list(_pairs(arms, _ADDED[kind]))


def _pairs(arms: Sequence[Settings], added: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for arm in arms:
        if arm[added[0]] is None or not members(arm):
            continue
        plain = twin(arm, arms, **dict.fromkeys(added))
        if plain is not None:
            yield str(arm["arm"]), str(plain["arm"])
