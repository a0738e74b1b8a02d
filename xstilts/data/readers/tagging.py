"""Words with tags: CoNLL-U, XTREME's two columns, CCGbank's derivations."""

import re
from collections.abc import Iterator

from xstilts.data.readers.source import NO_GOLD, Source, lines
from xstilts.tasks.examples import Tagged

_COLUMNS = 10
_LEAF = re.compile(r"<L (\S+) (\S+) (\S+) (\S+) (\S+)>")
_CCG_ID = re.compile(r"ID=(\S+) ")


def tagged_tsv(source: Source) -> Iterator[Tagged]:
    """XTREME's tagging files: word, tab, tag; a blank line between sentences."""
    pairs: list[tuple[str, str]] = []
    count = 0
    for number, line in _with_end(source):
        if line.strip(" "):
            pairs.append(_word_and_tag(source, number, line, first=not pairs and not count))
        elif pairs:
            yield _sentence(f"{source.prefix}{count}", pairs)
            pairs, count = [], count + 1


def _word_and_tag(source: Source, number: int, line: str, *, first: bool) -> tuple[str, str]:
    cells = line.split("\t")
    if first and len(cells) == 1:
        raise source.error(
            "The file has no gold: the column of tags is absent",
            number,
            expected="word, tab, tag",
            do=NO_GOLD,
        )
    if len(cells) != 2 or not cells[0]:
        raise source.error(
            f"The row has {len(cells)} columns" if cells[0] else "The word is empty",
            number,
            expected="word, tab, tag",
        )
    return cells[0], source.label(cells[1], f"{source.path}:{number}")


def tagged_tsv_has_gold(source: Source) -> bool:
    """Whether the first word has a tag."""
    first = next((line for _, line in lines(source.path) if line.strip(" ")), "\t")
    return "\t" in first


def conllu(source: Source) -> Iterator[Tagged]:
    """Universal Dependencies: forms and UPOS tags of the syntactic words.

    Multiword tokens (``1-2``) and empty nodes (``1.1``) are no words of their own. An id is the
    release's ``sent_id``, else the sentence's number from 0. Sentences of treebanks that come
    without their text (``_`` for all words, or all but one) are left out, as in XTREME's
    ``utils_preprocess.py``.
    """
    pairs: list[tuple[str, str]] = []
    own: str | None = None
    count = 0
    for number, line in _with_end(source):
        if line.startswith("#"):
            key, _, value = line[1:].partition("=")
            own = value.strip() if key.strip() == "sent_id" else own
        elif line.strip():
            pairs.extend(_syntactic_word(source, number, line))
        elif pairs:
            if _has_text(pairs):
                yield _sentence(f"{source.prefix}{own or count}", pairs)
            pairs, own, count = [], None, count + 1


def _with_end(source: Source) -> Iterator[tuple[int, str]]:
    """The lines, and a blank one for files that end without."""
    yield from lines(source.path)
    yield 0, ""


def _syntactic_word(source: Source, number: int, line: str) -> list[tuple[str, str]]:
    cells = line.split("\t")
    if len(cells) != _COLUMNS:
        raise source.error(
            f"The row has {len(cells)} columns", number, expected="10, as in CoNLL-U"
        )
    if re.fullmatch(r"[0-9]+[-.][0-9]+", cells[0]):
        return []
    if not re.fullmatch(r"[0-9]+", cells[0]) or not cells[1]:
        raise source.error(
            f"The row is no word: id {cells[0]!r}, form {cells[1]!r}",
            number,
            expected="an id such as 3, 3-4 or 3.1, and a form",
        )
    return [(cells[1], source.label(cells[3], f"{source.path}:{number}"))]


def _has_text(pairs: list[tuple[str, str]]) -> bool:
    hidden = sum(word == "_" for word, _ in pairs)
    return hidden == 0 or hidden < len(pairs) - 1


def ccg_auto(source: Source) -> Iterator[Tagged]:
    """CCGbank's ``.auto`` files: words and lexical categories at the leaves of derivations.

    The categories are an open set, so they are not compared with the task's list.
    """
    own: str | None = None
    for number, line in lines(source.path):
        header = _CCG_ID.match(line)
        if header:
            own = header[1]
        elif line.strip():
            leaves = _LEAF.findall(line)
            if own is None or not leaves or line.count("<L ") != len(leaves):
                raise source.error(
                    "The line is no derivation",
                    number,
                    expected="a line ID=… and then (<T …> (<L category tag tag word category>) …)",
                )
            yield _sentence(source.prefix + own, [(leaf[3], leaf[0]) for leaf in leaves])
            own = None


def _sentence(own: str, pairs: list[tuple[str, str]]) -> Tagged:
    words, tags = zip(*pairs, strict=True)
    return Tagged(id=own, group=own, words=words, tags=tags)
