"""Queries and the candidates that they are ranked against: LAReQA and Mewsli-X."""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from xstilts.core.errors import DataError
from xstilts.data.readers.json_values import Node, json_lines, parse
from xstilts.data.readers.sentences import sentence_spans
from xstilts.data.readers.source import FETCH_AGAIN, Source, whole
from xstilts.data.readers.squad import squad_json
from xstilts.tasks.examples import Candidate, Query, Span

Ranked = Iterator[Query | Candidate]


def xquadr_json(source: Source) -> Ranked:
    """LAReQA's XQuAD-R: the questions, and every sentence of the paragraphs as a candidate.

    A candidate is called ``en_3_0``: language, number of the paragraph in the file from 1, number
    of the sentence from 0 (XTREME's ``utils_lareqa.py``). It comes with its paragraph, newlines
    removed. Right is the sentence in which the answer starts, and any other sentence of the
    paragraph with the same words. A question has its official id, the same in every language.
    """
    document = parse(whole(source.path), source.path)
    number = 0
    for a, article in enumerate(document.nodes("data", "article")):
        for p, paragraph in enumerate(article.nodes("paragraphs", "paragraph")):
            number += 1
            name, group = f"{source.code}_{number}", f"{source.prefix}{a}:{p}"
            context = paragraph.text("context")
            sentences = [context[i:j] for i, j in _breaks(paragraph, len(context))]
            yield from _candidates(name, group, sentences, context)
            for question in paragraph.nodes("qas", "question"):
                gold = _same(name, sentences, _right_sentence(question, paragraph, context))
                own, text = question.text("id"), question.text("question")
                yield Query(source.prefix + own, group, text, gold)


def squad_sentences(source: Source) -> Ranked:
    """SQuAD's questions, and the sentences of its paragraphs in the form of XQuAD-R's.

    SQuAD does not say where sentences end: :func:`sentence_spans` does. Right is the sentence in
    which the first answer starts, and any other of the paragraph with the same words. A question
    that the paragraph does not answer (SQuAD 2.0) is left out. Groups are those of the questions,
    so that drawing takes the same paragraphs as from SQuAD itself.
    """
    for group, questions in groupby(squad_json(source), lambda question: question.group):
        asked = list(questions)
        context = asked[0].context
        spans = sentence_spans(context)
        sentences = [context[i:j] for i, j in spans]
        yield from _candidates(group, group, sentences, context)
        for question in asked:
            if question.answers:
                right = _around(question, spans, source)
                gold = _same(group, sentences, context[slice(*right)])
                yield Query(question.id, group, question.question, gold)


def _candidates(name: str, group: str, sentences: Sequence[str], context: str) -> Ranked:
    for position, sentence in enumerate(sentences):
        yield Candidate(f"{name}_{position}", group, _flat(sentence), _flat(context))


def _same(name: str, sentences: Sequence[str], right: str) -> tuple[str, ...]:
    return tuple(f"{name}_{i}" for i, s in enumerate(sentences) if s == right)


def _around(question: Span, spans: Sequence[tuple[int, int]], source: Source) -> tuple[int, int]:
    """The sentence with the answer's start, or the next where it starts in white space."""
    for span in spans:
        if question.starts[0] < span[1]:
            return span
    raise DataError(
        f"No sentence holds character {question.starts[0]}, where the answer starts",
        where=f"{source.path} (id {question.id})",
        expected="an answer with a word",
        do=FETCH_AGAIN,
    )


def _breaks(paragraph: Node, length: int) -> list[tuple[int, int]]:
    """First and last character + 1 of each sentence."""
    breaks = paragraph.values.get("sentence_breaks")
    good = isinstance(breaks, list) and all(_is_span(x, length) for x in breaks)
    if not good:
        raise paragraph.error(
            "'sentence_breaks' is missing or holds something that is no span of the context",
            "[first character, last character + 1] a sentence, as in XQuAD-R",
        )
    return [(i, j) for i, j in breaks or []]


def _is_span(item: Any, length: int) -> bool:
    whole_numbers = isinstance(item, list) and [type(x) for x in item] == [int, int]
    return whole_numbers and 0 <= item[0] < item[1] <= length


def _right_sentence(question: Node, paragraph: Node, context: str) -> str:
    answers = question.nodes("answers", "answer")
    if len(answers) != 1:
        raise question.error(f"The question has {len(answers)} answers", "one answer")
    start = answers[0].number("answer_start")
    for i, j in _breaks(paragraph, len(context)):
        if i <= start < j:
            return context[i:j]
    raise question.error(
        f"No sentence holds character {start}, where the answer starts", "a sentence around it"
    )


def _flat(text: str) -> str:
    return text.replace("\n", "")


_BRACES = re.compile(r"\{(.*?)\}")


def mewslix_jsonl(source: Source) -> Ranked:
    """Mewsli-X: mentions of the language's articles, and the entities of all languages.

    A query is ``Smith: The verdict came back for { Smith }, who …``: the mention, and the sentence
    that it stands in with the mention marked. A candidate is the description of an entity. Both
    as in XTREME-R's ``utils_mewslix.py``: new lines become spaces, double spaces one.
    """
    mentions, entities = source.paths
    for _, row in json_lines(mentions):
        context = row.node("context")
        if context.text("language") == source.code:
            for mention in row.nodes("mentions", "mention"):
                yield _mention(mention, context, source)
    for _, row in json_lines(entities):
        yield _entity(row)


def mewslix_pairs(source: Source) -> Ranked:
    """The training pairs of Mewsli-X: a mention of an article and its entity a line.

    Texts are those of :func:`mewslix_jsonl`. An entity that is mentioned again is the same
    candidate, as its first line describes it.
    """
    described = set()
    for _, row in json_lines(source.path):
        mention, entity = row.node("contextual_mention"), _entity(row.node("entity"))
        context = mention.node("context")
        if context.text("language") != source.code:
            continue
        query = _mention(mention.node("mention"), context, source)
        if query.gold != (entity.id,):
            raise row.error(f"The mention is of {query.gold[0]}, the entity is {entity.id}", "one")
        yield query
        if entity.id not in described:
            described.add(entity.id)
            yield entity


def _mention(mention: Node, context: Node, source: Source) -> Query:
    own, gold = mention.text("example_id"), mention.text("entity_id")
    text = _marked(mention.node("mention_span"), context)
    return Query(source.prefix + own, context.text("document_id"), text, (gold,))


def _entity(row: Node) -> Candidate:
    description = row.text("description")
    sentences = (description[i:j] for i, j in _spans(row, len(description)))
    own = row.text("entity_id")
    return Candidate(own, own, _one_line(" ".join(sentences)), "")


def _marked(mention: Node, context: Node) -> str:
    text, said = context.text("text"), mention.text("text")
    first, last = mention.number("start"), mention.number("end")
    if not 0 <= first < last or text[first:last] != said:
        raise mention.error(
            f"The mention {said!r} does not stand at characters {first}-{last} of the article",
            "it there, in files that get-mewsli-x.sh has put the articles into",
        )
    for i, j in _spans(context, len(text)):
        if i <= first and last <= j:
            left, right = (_BRACES.sub(r"(\1)", t) for t in (text[i:first], text[last:j]))
            return _one_line(f"{said}: {left} {{ {said} }} {right}")
    raise mention.error("No sentence holds the whole mention", "a sentence around it")


def _spans(node: Node, length: int) -> list[tuple[int, int]]:
    spans = [(s.number("start"), s.number("end")) for s in node.nodes("sentence_spans", "sentence")]
    if not all(0 <= i < j <= length for i, j in spans):
        raise node.error("A sentence ends outside of the text", f"0 <= start < end <= {length}")
    return spans


def _one_line(text: str) -> str:
    return " ".join(text.splitlines()).replace("  ", " ").strip()
