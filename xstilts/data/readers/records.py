"""Examples from records: rows of a table or JSON objects, whose fields have been given roles.

The roles are those of ``columns`` in a task's declaration: ``first``, ``second`` and ``label`` of a
pair; ``context``, ``question``, ``choice0`` … and ``label`` of a choice; ``words`` and ``tags`` of
a tagged sentence; ``id``, ``group`` and ``language`` of any of them.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from xstilts.core.errors import DataError
from xstilts.data.readers.json_values import Node, json_lines, json_list
from xstilts.data.readers.source import FETCH_AGAIN, Source, groups_of
from xstilts.tasks.examples import Choice, Example, Pair, Tagged


@dataclass(frozen=True, slots=True)
class Record:
    """The fields of one example, by role, and the place where they stand.

    Attributes:
        where: file and line.
        values: strings, or lists of strings for words and tags; only roles that the file has.
    """

    where: str
    values: Mapping[str, Any]

    def error(self, what: str, expected: str, do: str = FETCH_AGAIN) -> DataError:
        """A :class:`DataError` at this record."""
        return DataError(what, where=self.where, expected=expected, do=do)


def json_objects(source: Source) -> Iterator[Example]:
    """JSON Lines: one object a line."""
    return examples(source, _of_nodes(source, (node for _, node in json_lines(source.path))))


def json_document(source: Source) -> Iterator[Example]:
    """One JSON document: a list of objects."""
    return examples(source, _of_nodes(source, json_list(source.path)))


def _of_nodes(source: Source, nodes: Iterator[Node]) -> Iterator[Record]:
    for node in nodes:
        values = {
            role: node.texts(name) if role in ("words", "tags") else node.plain(name)
            for role, name in source.files.columns.items()
        }
        if values.get("language", source.code) == source.code:
            yield Record(node.where, values)


def examples(source: Source, records: Iterator[Record]) -> Iterator[Example]:
    """One example a record; an id is the record's own, else its number from 0.

    Raises:
        DataError: also for an id that stands twice in a user's own file; releases have such.
    """
    make = _MAKE[source.task.kind]
    group = groups_of(source)
    seen: dict[str, str] = {}
    for number, record in enumerate(records):
        own = source.prefix + record.values.get("id", str(number))
        if source.task.beside and own in seen:
            raise record.error(f"The id {own!r} stands at {seen[own]} already", "each id once")
        seen[own] = record.where
        yield make(source, record, own, group)


Group = Callable[[str], str]


def _group(record: Record, group: Group, text: str) -> str:
    own: str | None = record.values.get("group")
    return group(text) if own is None else own


def _pair(source: Source, record: Record, own: str, group: Group) -> Pair:
    first = record.values["first"]
    return Pair(
        id=own,
        group=_group(record, group, first),
        first=first,
        second=record.values.get("second"),
        label=source.label(record.values["label"], record.where),
    )


def _choice(source: Source, record: Record, own: str, group: Group) -> Choice:
    """A question such as COPA's ``cause`` is read as the task's ``rename`` has it."""
    number = source.task.choices or 0
    choices = tuple(record.values[f"choice{i}"] for i in range(number))
    context = record.values.get("context", "")
    question = source.renamed(record.values.get("question", ""))
    label = source.renamed(record.values["label"])
    if label not in map(str, range(number)):
        raise record.error("The label names no choice", f"a number from 0 to {number - 1}")
    return Choice(
        id=own,
        group=_group(record, group, context or question),
        context=context,
        question=question,
        choices=choices,
        label=int(label),
    )


def _tagged(source: Source, record: Record, own: str, group: Group) -> Tagged:
    words, tags = record.values["words"], record.values["tags"]
    if len(words) != len(tags) or not words:
        raise record.error(
            f"There are {len(words)} words and {len(tags)} tags", "one tag a word, and a word"
        )
    if "" in words:
        raise record.error(f"Word {words.index('')} is empty", "words with letters in them")
    known = tuple(source.label(tag, record.where) for tag in tags)
    return Tagged(id=own, group=record.values.get("group", own), words=words, tags=known)


_MAKE: dict[str, Callable[[Source, Record, str, Group], Example]] = {
    "pair": _pair,
    "choice": _choice,
    "tagging": _tagged,
}
