"""The forms of the two files that are compared, kind by kind; `xstilts tasks NAME` shows them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from xstilts.tasks.spec import Kind


class Forms(NamedTuple):
    """What ``gold`` and ``pred`` of :func:`xstilts.scoring.files.score_files` hold."""

    gold: str
    pred: str


_RELEASED = "a file of the release, as named below"
FORMS: Mapping[Kind, Forms] = MappingProxyType(
    {
        "pair": Forms(_RELEASED, "one label a line, in the gold file's order"),
        "choice": Forms(
            _RELEASED,
            'one choice a line, from 0, in the gold file\'s order: 1, or {"label": 1} (XTREME-R)',
        ),
        "tagging": Forms(
            _RELEASED, "one tag a line (of more columns the last), a blank line between sentences"
        ),
        "span": Forms(_RELEASED, 'JSON, {"id": "answer"}; the empty answer for "no answer"'),
        "retrieval": Forms(
            "the right candidates: one index a line, from 0, in the queries' order",
            "the nearest candidates: one index a line, from 0, in the same order",
        ),
        "mining": Forms(
            "the pairs that translate each other: source id, tab, target id",
            "the pairs that were found: source id, tab, target id",
        ),
        "ranking": Forms(
            'JSON, {"query": ["right candidate", …]}',
            'JSON, {"query": ["candidate", …]}, best first',
        ),
    }
)
