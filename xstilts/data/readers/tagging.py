"""Words with tags: CoNLL-U, two columns (XTREME's, Masakhane's), CCGbank's derivations."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from xstilts.data.readers.source import NO_GOLD, Source, head, lines
from xstilts.tasks.examples import Tagged

_COLUMNS = 10
_CORE = ("nsubj", "csubj", "obj", "iobj", "ccomp", "xcomp")
_LEAF = re.compile(r"<L (\S+) (\S+) (\S+) (\S+) (\S+)>")
_CCG_ID = re.compile(r"ID=(\S+) ")


def tagged_tsv(source: Source) -> Iterator[Tagged]:
    """XTREME's tagging files: word, tab, tag; a blank line between sentences."""
    return _two_columns(source, "\t", " ", "word, tab, tag")


def tagged_spaced(source: Source) -> Iterator[Tagged]:
    """CoNLL's and Masakhane's files: word, space, tag; a blank line between sentences."""
    return _two_columns(source, " ", "\t", "word, space, tag")


def _two_columns(source: Source, separator: str, wrong: str, shape: str) -> Iterator[Tagged]:
    pairs: list[tuple[str, str]] = []
    count = 0
    for number, line in _with_end(source):
        if line.strip(" "):
            cells = line.split(separator)
            if (
                not pairs
                and not count
                and len(cells) == 1
                and not _has_tags(source, separator, wrong)
            ):
                raise source.error(
                    "The file has no gold: the column of tags is absent",
                    number,
                    expected=shape,
                    do=NO_GOLD,
                )
            if len(cells) != 2 or not cells[0]:
                raise source.error(
                    f"The row has {len(cells)} columns" if cells[0] else "The word is empty",
                    number,
                    expected=shape,
                )
            pairs.append((cells[0], source.label(cells[1], f"{source.path}:{number}")))
        elif pairs:
            yield _sentence(f"{source.prefix}{count}", pairs)
            pairs, count = [], count + 1


def tagged_tsv_has_gold(source: Source) -> bool:
    """Whether one of the first rows has a tag, or each has a space where the tab should be."""
    return _has_tags(source, "\t", " ")


def _has_tags(source: Source, separator: str, wrong: str) -> bool:
    """A word may hold the wrong separator, so that one tells of a column only in all rows."""
    rows = head(source.path)
    return any(separator in row for row in rows) or all(wrong in row for row in rows)


def conllu(source: Source) -> Iterator[Tagged]:
    """Universal Dependencies: forms and UPOS tags of the syntactic words."""
    for own, words in _trees(source):
        pairs = [(w.form, source.label(w.upos, f"{source.path}:{w.line}")) for w in words]
        yield _sentence(own, pairs)


def supertag_conllu(source: Source) -> Iterator[Tagged]:
    """Universal Dependencies: forms, and supertags that are worked out from the tree.

    A supertag ``VERB|root|0|nsubj_obj`` holds the word's UPOS; its relation, without a language's
    subtype; the side of its head (``L``, ``R``, ``0`` for none); and the relations of its core
    arguments in the order of the sentence, ``_`` for the word itself. Supertags of relation,
    direction and dependents are those of Ouchi, Duh and Matsumoto (2014); the core arguments are
    those of universaldependencies.org/u/dep.
    """
    for own, words in _trees(source):
        yield _sentence(
            own, [*zip((w.form for w in words), _supertags(source, words), strict=True)]
        )


def _supertags(source: Source, words: list["_Word"]) -> Iterator[str]:
    place = {w.id: i for i, w in enumerate(words)}
    left: list[list[str]] = [[] for _ in words]
    right: list[list[str]] = [[] for _ in words]
    for i, word in enumerate(words):
        if word.head != "0" and (word.head not in place or word.head == word.id):
            raise source.error(
                f"The head {word.head!r} is no word of the sentence",
                word.line,
                expected="the id of another word, or 0",
            )
        relation = word.relation.partition(":")[0]
        if word.head != "0" and relation in _CORE:
            head = place[word.head]
            (left if i < head else right)[head].append(relation)
    for i, word in enumerate(words):
        side = "0" if word.head == "0" else "L" if place[word.head] < i else "R"
        pattern = f"{','.join(left[i])}_{','.join(right[i])}"
        yield f"{word.upos}|{word.relation.partition(':')[0]}|{side}|{pattern}"


@dataclass(frozen=True, slots=True)
class _Word:
    line: int
    id: str
    form: str
    upos: str
    head: str
    relation: str


def _trees(source: Source) -> Iterator[tuple[str, list[_Word]]]:
    """Id and syntactic words of each sentence.

    Multiword tokens (``1-2``) and empty nodes (``1.1``) are no words of their own. An id is the
    release's ``sent_id``, else the sentence's number from 0. Sentences of treebanks that come
    without their text (``_`` for all words, or all but one) are left out, as in XTREME's
    ``utils_preprocess.py``.
    """
    words: list[_Word] = []
    own: str | None = None
    count = 0
    for number, line in _with_end(source):
        if line.startswith("#"):
            key, _, value = line[1:].partition("=")
            own = value.strip() if key.strip() == "sent_id" else own
        elif line.strip():
            words.extend(_syntactic_word(source, number, line))
        elif words:
            if _has_text(words):
                yield f"{source.prefix}{own or count}", words
            words, own, count = [], None, count + 1


def _with_end(source: Source) -> Iterator[tuple[int, str]]:
    """The lines, and a blank one for files that end without."""
    yield from lines(source.path)
    yield 0, ""


def _syntactic_word(source: Source, number: int, line: str) -> list[_Word]:
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
    return [_Word(number, cells[0], cells[1], cells[3], cells[6], cells[7])]


def _has_text(words: list[_Word]) -> bool:
    hidden = sum(word.form == "_" for word in words)
    return hidden == 0 or hidden < len(words) - 1


def ccg_auto(source: Source) -> Iterator[Tagged]:
    """CCGbank's ``.auto`` files: words and lexical categories at the leaves of derivations.

    The categories are an open set: those of the training sections are learned.
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
            where = f"{source.path}:{number}"
            pairs = [(leaf[3], source.label(leaf[0], where)) for leaf in leaves]
            yield _sentence(source.prefix + own, pairs)
            own = None


def _sentence(own: str, pairs: list[tuple[str, str]]) -> Tagged:
    words, tags = zip(*pairs, strict=True)
    return Tagged(id=own, group=own, words=words, tags=tags)
