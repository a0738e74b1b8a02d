"""Translating examples: which sentences are translated, and what becomes of the labels.

Texts are translated sentence by sentence, as translation models are trained. Labels are carried.
The answer of a question is translated alone and must be found again in the translation of the
sentence that it stands in: once, as whole words where the sentence has spaces. An example whose
answer is not found is left out (docs/decisions/0016-translations.md).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from xstilts.data.readers.sentences import sentence_spans
from xstilts.tasks.examples import Candidate, Choice, Example, Pair, Query, Span

TRANSLATABLE = ("pair", "choice", "span", "ranking")  # kinds whose labels a translation keeps
_ENDS = ".!?。！？।؟ "  # which models put after a part of a sentence


@dataclass(frozen=True)
class Told:
    """Translations of sentences, put together to texts.

    Attributes:
        sentences: a sentence's translation.
    """

    sentences: Mapping[str, str]

    def text(self, text: str) -> str:
        """``text`` with every sentence translated; the white space between them stays."""
        return self.aligned(text)[0]

    def aligned(self, text: str) -> tuple[str, list[tuple[range, slice]]]:
        """``text`` translated, and for each sentence where it and its translation stand."""
        told, places, last = "", [], 0
        for first, end in sentence_spans(text):
            told += text[last:first]
            begins, last = len(told), end
            told += self.sentences[text[first:end]]
            places.append((range(first, end), slice(begins, len(told))))
        return told + text[last:], places


def sentences_of(example: Example) -> Iterator[str]:
    """Every sentence of an example that is translated."""
    for text in _texts(example):
        for first, end in sentence_spans(text):
            yield text[first:end]


def _texts(example: Example) -> list[str]:
    """What of an example is in its language, answers last."""
    match example:
        case Pair():
            return [example.first, example.second or ""]
        case Choice():
            return [example.context, example.question, *example.choices]
        case Span():
            return [example.context, example.question, *example.answers]
        case Query():
            return [example.text]
        case Candidate():
            return [example.text, example.context]
    raise _untold(example)


def translated(example: Example, told: Told) -> Example | None:
    """An example in the other language; None if no answer is found again, or nothing is said."""
    new = _in_other_words(example, told)
    if new is None:
        return None
    both = zip(_texts(example), _texts(new), strict=False)  # some answers may be lost
    return None if any(old.strip() and not said.strip() for old, said in both) else new


def _in_other_words(example: Example, told: Told) -> Example | None:
    match example:
        case Pair():
            second = None if example.second is None else told.text(example.second)
            return replace(example, first=told.text(example.first), second=second)
        case Choice():
            return replace(
                example,
                context=told.text(example.context),
                question=told.text(example.question),
                choices=tuple(map(told.text, example.choices)),
            )
        case Span():
            return _span(example, told)
        case Query():
            return replace(example, text=told.text(example.text))
        case Candidate():
            return replace(
                example, text=told.text(example.text), context=told.text(example.context)
            )
    raise _untold(example)


def _span(example: Span, told: Told) -> Span | None:
    context, places = told.aligned(example.context)
    found = []
    for answer, start in zip(example.answers, example.starts, strict=True):
        for sentence, there in places:
            if start in sentence and start + len(answer) <= sentence.stop:
                found += _found(told.text(answer).strip(), answer, context[there], there.start)
    if example.answers and not found:
        return None
    return replace(
        example,
        context=context,
        question=told.text(example.question),
        answers=tuple(said for said, _ in found),
        starts=tuple(start for _, start in found),
    )


def _found(said: str, answer: str, sentence: str, begins: int) -> list[tuple[str, int]]:
    """The translated answer as it is written in the sentence, and where; nothing if not once."""
    if answer[-1] not in _ENDS:
        said = said.rstrip(_ENDS)
    if not said:
        return []
    pattern = re.escape(said)
    if " " in sentence:
        pattern = rf"(?<!\w){pattern}(?!\w)"
    there = list(re.finditer(pattern, sentence, re.IGNORECASE))
    return [(m[0], begins + m.start()) for m in there] if len(there) == 1 else []


def _untold(example: Example) -> TypeError:
    return TypeError(f"the labels of a {type(example).__name__} are lost in translation")
