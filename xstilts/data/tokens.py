"""Stage `tokens`: the examples of one slice as memory-mapped pieces, shared by all arms.

Nothing is cut where a label would be lost: long contexts become overlapping windows, long sentences
are split into windows of words (XTREME's utils_preprocess.py splits them too). Pairs and choices
that are too long lose the end of their longer text, questions all that half a row does not hold,
words what a whole row does not hold; how many inputs did is in the record (``shortened``): of the
examples for questions and sentences of words, else of the rows.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from xstilts.core.context import Context, Result
from xstilts.data.batches import IGNORED, TokenArrays
from xstilts.data.read import read_examples
from xstilts.data.slices import Tokens
from xstilts.tasks.examples import (
    Candidate,
    Choice,
    Pair,
    Parallel,
    Query,
    Sentence,
    Span,
    Tagged,
)

_TEXTS = 4096  # that are cut into pieces at a time, to bound memory
ASKED_MOST = 96  # pieces of a query that candidates are ranked for (XTREME's train_lareqa.sh)
QUESTION_MOST = 64  # pieces of a question, as in the SQuAD script of BERT (max_query_length)


class _Rows:
    """Rows that are being collected."""

    def __init__(self) -> None:
        self.ids: list[int] = []
        self.types: list[int] = []
        self.starts = [0]
        self.example: list[int] = []
        self.shortened = 0

    def add(self, ids: Sequence[int], types: Sequence[int], example: int) -> None:
        self.ids += ids
        self.types += types
        self.starts.append(len(self.ids))
        self.example.append(example)

    def arrays(self, pad: int, **extra: Sequence[int]) -> TokenArrays:
        return TokenArrays(
            np.array(self.ids, np.int32),
            np.array(self.types, np.int8) if any(self.types) else None,
            np.array(self.starts, np.int64),
            np.array(self.example, np.int64),
            {name: np.array(values, np.int32) for name, values in extra.items()},
            pad,
        )


def tokens(
    config: Tokens, inputs: Mapping[str, Result], folder: Path, context: Context
) -> dict[str, Any]:
    """Write the token arrays of ``inputs["examples"]``; returns counts and the padding piece.

    The tokenizer is that of ``inputs["tokenizer"]``, a step, if the config names none. Labels that
    are left open come from ``inputs["labels"]``, the training slice, into the record.
    """
    made = inputs.get("tokenizer")
    place = made.folder if made else context.sources[str(config.tokenizer)]
    tokenizer = load_tokenizer(place)
    examples = read_examples(inputs["examples"].folder, config.kind)
    learnt = inputs["labels"].value["labels"] if "labels" in inputs else None
    if learnt is not None:
        config = config.model_copy(update={"labels": tuple(learnt)})
    shortened = pieces = rows = 0
    for side, arrays, cut in _ENCODE[config.kind](tokenizer, examples, config):
        arrays.save(folder, side)
        shortened += cut
        pieces += len(arrays.ids)
        rows += len(arrays.example)
    return {
        "examples": len(examples),
        "rows": rows,
        "pieces": pieces,
        "shortened": shortened,
        "pad": tokenizer.pad_token_id,
        **({} if learnt is None else {"labels": learnt}),
    }


def labels_of(declared: tuple[str, ...], arrays: Result) -> tuple[str, ...]:
    """Labels in the order of the logits: those declared, else those that ``arrays`` found open."""
    return declared or tuple(arrays.value.get("labels", ()))


def load_tokenizer(folder: Path) -> Any:
    """The fast tokenizer in a folder; never runs code from it."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(folder), trust_remote_code=False, use_fast=True)
    tokenizer.model_max_length = sys.maxsize  # rows are cut here, by rule; no need to warn of it
    return tokenizer


_Encoded = list[tuple[str, TokenArrays, int]]


def _encode_pairs(tokenizer: Any, examples: list[Pair], config: Tokens) -> _Encoded:
    rows = _Rows()
    _two_texts(tokenizer, rows, [(e.first, e.second, i) for i, e in enumerate(examples)], config)
    labels = [config.labels.index(e.label) for e in examples]
    return [("", rows.arrays(tokenizer.pad_token_id, label=labels), rows.shortened)]


def _encode_choices(tokenizer: Any, examples: list[Choice], config: Tokens) -> _Encoded:
    rows = _Rows()
    texts = [
        (f"{e.context} {e.question}".strip(), choice, i)
        for i, e in enumerate(examples)
        for choice in e.choices
    ]
    _two_texts(tokenizer, rows, texts, config)
    labels = [e.label for e in examples]
    return [("", rows.arrays(tokenizer.pad_token_id, label=labels), rows.shortened)]


def _two_texts(
    tokenizer: Any, rows: _Rows, texts: Sequence[tuple[str, str | None, int]], config: Tokens
) -> None:
    """One row a pair of texts, or a text where no example has a second one."""
    alone = texts[0][1] is None
    encoded = tokenizer(
        [a for a, _, _ in texts],
        None if alone else [b for _, b, _ in texts],
        truncation="longest_first",
        max_length=config.max_length,
    )
    for encoding, (_, _, example) in zip(encoded.encodings, texts, strict=True):
        rows.add(encoding.ids, _types(tokenizer, encoding), example)
        rows.shortened += bool(encoding.overflowing)


def _types(tokenizer: Any, encoding: Any) -> list[int]:
    """Token types, zero for encoders that have none."""
    uses = "token_type_ids" in tokenizer.model_input_names
    return list(encoding.type_ids) if uses else [0] * len(encoding.ids)


def _encode_spans(tokenizer: Any, examples: list[Span], config: Tokens) -> _Encoded:
    rows = _Rows()
    extra: dict[str, list[int]] = {"first": [], "last": [], "begin": [], "end": []}
    room = config.max_length // 2 - tokenizer.num_special_tokens_to_add(pair=True)
    questions, cut = _short_questions(tokenizer, examples, min(QUESTION_MOST, room))
    encoded = tokenizer(
        questions,
        [e.context for e in examples],
        truncation="only_second",
        max_length=config.max_length,
        stride=config.stride,
        return_overflowing_tokens=True,
    )
    for encoding, example in zip(
        encoded.encodings, encoded["overflow_to_sample_mapping"], strict=True
    ):
        rows.add(encoding.ids, _types(tokenizer, encoding), example)
        inside = [s == 1 for s in encoding.sequence_ids]
        begin = [o[0] if c else -1 for o, c in zip(encoding.offsets, inside, strict=True)]
        end = [o[1] if c else -1 for o, c in zip(encoding.offsets, inside, strict=True)]
        extra["begin"] += begin
        extra["end"] += end
        first, last = _answer_pieces(examples[example], begin, end)
        extra["first"].append(first)
        extra["last"].append(last)
    return [("", rows.arrays(tokenizer.pad_token_id, **extra), cut)]


def _short_questions(tokenizer: Any, examples: list[Span], most: int) -> tuple[list[str], int]:
    """Questions of at most ``most`` pieces, and how many were cut."""
    texts = [e.question.strip() for e in examples]
    encoded = tokenizer(texts, add_special_tokens=False, truncation=False)
    short = [
        text if len(enc.ids) <= most else _cut(tokenizer, text, enc.offsets, most)
        for text, enc in zip(texts, encoded.encodings, strict=True)
    ]
    return short, sum(a != b for a, b in zip(texts, short, strict=True))


def _cut(tokenizer: Any, text: str, offsets: Sequence[tuple[int, int]], most: int) -> str:
    """The longest beginning of at most ``most`` pieces; its own pieces count.

    They may be more than were cut: a piece of bytes can end inside of a letter.
    """
    beginnings = (text[:end] for _, end in reversed(offsets[:most]))
    return next(
        b for b in beginnings if len(tokenizer(b, add_special_tokens=False)["input_ids"]) <= most
    )


def _answer_pieces(example: Span, begin: list[int], end: list[int]) -> tuple[int, int]:
    """First and last piece of the first gold answer; (0, 0), the first piece, if not in here."""
    if not example.answers:
        return 0, 0
    start = example.starts[0]
    stop = start + len(example.answers[0])
    context = [i for i, b in enumerate(begin) if b >= 0]
    if not context or begin[context[0]] > start or end[context[-1]] < stop:
        return 0, 0
    covering = [i for i in context if end[i] > start and begin[i] < stop]
    return (covering[0], covering[-1]) if covering else (0, 0)


def _encode_tagged(tokenizer: Any, examples: list[Tagged], config: Tokens) -> _Encoded:
    rows = _Rows()
    extra: dict[str, list[int]] = {"tag": [], "word": []}
    tag_of = {label: i for i, label in enumerate(config.labels)}
    room = config.max_length - 2
    encoded = tokenizer(
        [list(e.words) for e in examples],
        is_split_into_words=True,
        add_special_tokens=False,
        truncation=False,
    )
    for i, (example, encoding) in enumerate(zip(examples, encoded.encodings, strict=True)):
        whole = _pieces_of_words(encoding, len(example.words), tokenizer.unk_token_id)
        pieces = [p[:room] for p in whole]
        rows.shortened += pieces != whole
        for window in _windows([len(p) for p in pieces], room):
            ids, tags, words = [tokenizer.cls_token_id], [IGNORED], [-1]
            for w in window:
                rest = len(pieces[w]) - 1
                ids += pieces[w]
                tags += [tag_of.get(example.tags[w], IGNORED)] + [IGNORED] * rest
                words += [w] + [-1] * rest
            rows.add([*ids, tokenizer.sep_token_id], [0] * (len(ids) + 1), i)
            extra["tag"] += [*tags, IGNORED]
            extra["word"] += [*words, -1]
    return [("", rows.arrays(tokenizer.pad_token_id, **extra), rows.shortened)]


def _pieces_of_words(encoding: Any, n: int, unknown: int) -> list[list[int]]:
    """The pieces of each word; a word without any gets the unknown piece."""
    pieces: list[list[int]] = [[] for _ in range(n)]
    for piece, word in zip(encoding.ids, encoding.word_ids, strict=True):
        pieces[word].append(piece)
    return [p or [unknown] for p in pieces]


def _windows(sizes: list[int], room: int) -> list[list[int]]:
    """Neighbouring words, as many as fit."""
    windows: list[list[int]] = [[]]
    used = 0
    for i, size in enumerate(sizes):
        if used + size > room:
            windows.append([])
            used = 0
        windows[-1].append(i)
        used += size
    return windows


def _encode_parallel(tokenizer: Any, examples: list[Parallel], config: Tokens) -> _Encoded:
    sides = {"text-": [e.text for e in examples], "english-": [e.english for e in examples]}
    return [(s, *encode_texts(tokenizer, t, config.max_length)) for s, t in sides.items()]


def _encode_sentences(tokenizer: Any, examples: list[Sentence], config: Tokens) -> _Encoded:
    out = []
    for side in ("source", "target"):
        texts = [e.text for e in examples if e.side == side]
        out.append((f"{side}-", *encode_texts(tokenizer, texts, config.max_length)))
    return out


def _encode_ranked(tokenizer: Any, examples: list[Query | Candidate], config: Tokens) -> _Encoded:
    """Queries alone; candidates with the text that they stand in, if there is one."""
    queries = [e for e in examples if isinstance(e, Query)]
    short = min(config.max_length, ASKED_MOST)
    asked, cut = encode_texts(tokenizer, [q.text for q in queries], short)
    rows, candidates = _Rows(), [e for e in examples if isinstance(e, Candidate)]
    alone = not any(c.context for c in candidates)
    encoded = tokenizer(
        [c.text for c in candidates],
        None if alone else [c.context for c in candidates],
        truncation="longest_first",
        max_length=config.max_length,
    )
    for i, encoding in enumerate(encoded.encodings):
        rows.add(encoding.ids, _types(tokenizer, encoding), i)
        rows.shortened += bool(encoding.overflowing)
    found = rows.arrays(tokenizer.pad_token_id)
    right = _right_rows(queries, candidates, found)
    return [
        ("query-", replace(asked, extra={"right": np.array(right, np.int64)}), cut),
        ("candidate-", found, rows.shortened),
    ]


def _right_rows(queries: list[Query], candidates: list[Candidate], rows: TokenArrays) -> list[int]:
    """The row of each query's first right candidate, -1 if it has none here.

    Of candidates that are the same to an encoder, piece for piece, it is the one asked for first.
    """
    row_of = {c.id: i for i, c in enumerate(candidates)}
    first: dict[bytes, int] = {}
    right = []
    for query in queries:
        row = next((row_of[own] for own in query.gold if own in row_of), -1)
        pieces = rows.ids[rows.starts[row] : rows.starts[row + 1]].tobytes()
        right.append(row if row < 0 else first.setdefault(pieces, row))
    return right


def encode_texts(tokenizer: Any, texts: Sequence[str], max_length: int) -> tuple[TokenArrays, int]:
    """One row a text, and how many texts were too long and lost their end."""
    ids, types, shortened = [], [], 0
    for first in range(0, len(texts), _TEXTS):
        some = list(texts[first : first + _TEXTS])
        for encoding in tokenizer(some, truncation=True, max_length=max_length).encodings:
            ids.append(np.array(encoding.ids, np.int32))
            types.append(np.array(_types(tokenizer, encoding), np.int8))
            shortened += bool(encoding.overflowing)
    starts = np.cumsum([0, *map(len, ids)], dtype=np.int64)
    every = np.concatenate(types)
    arrays = TokenArrays(
        np.concatenate(ids),
        every if every.any() else None,
        starts,
        np.arange(len(ids)),
        {},
        tokenizer.pad_token_id,
    )
    return arrays, shortened


_ENCODE: dict[str, Callable[[Any, list[Any], Tokens], _Encoded]] = {
    "pair": _encode_pairs,
    "choice": _encode_choices,
    "span": _encode_spans,
    "tagging": _encode_tagged,
    "retrieval": _encode_parallel,
    "mining": _encode_sentences,
    "ranking": _encode_ranked,
}
