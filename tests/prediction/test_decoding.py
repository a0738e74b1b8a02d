"""Logits to predictions, against slow and plain versions written from the scripts' rules."""

import hypothesis
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xstilts.core.context import Context, Result
from xstilts.data.batches import TokenArrays
from xstilts.data.read import EXAMPLES, write_examples
from xstilts.data.tokens import Tokens, load_tokenizer, tokens
from xstilts.prediction.decode import (
    ANSWER_MOST,
    BEST,
    answered,
    chosen_threshold,
    decode,
    null_margins,
    widest_window,
)
from xstilts.tasks.examples import Choice, Pair, Span, Tagged


def windows_of(rng, examples, pieces):
    """Span arrays: example i has `pieces[i]` windows; a context piece is two characters."""
    starts, example, begin, end = [0], [], [], []
    for i, sizes in enumerate(pieces):
        at = 0
        for n in sizes:
            question = int(rng.integers(1, 4))
            begin += [-1] * question + list(range(at, at + 2 * n, 2)) + [-1]
            end += [-1] * question + list(range(at + 2, at + 2 * n + 2, 2)) + [-1]
            starts.append(starts[-1] + question + n + 1)
            example.append(i)
            at += max(2, n)  # windows overlap
    ids = np.zeros(starts[-1], np.int64)
    extra = {"begin": np.array(begin), "end": np.array(end)}
    return TokenArrays(ids, None, np.array(starts), np.array(example), extra, pad=0)


def slow_widest(windows):
    """Which window of a question each of its pieces belongs to, in loops."""
    best = {}
    for w, (begin, end, *_) in enumerate(windows):
        context = [(begin[p], end[p]) for p in range(len(begin)) if begin[p] >= 0]
        for i, piece in enumerate(context):
            score = min(i, len(context) - 1 - i) + 0.01 * len(context)
            if piece not in best or score > best[piece][0]:
                best[piece] = score, w
    return {piece: w for piece, (_, w) in best.items()}


def slow_spans(example, windows):
    """The n-best rule of the SQuAD scripts: 20 starts times 20 ends of each window, in loops.

    `windows`: (begin, end, logits of first, logits of last), each one number a piece.
    """
    found = {}
    widest = slow_widest(windows)
    for w, (begin, end, first, last) in enumerate(windows):
        context = [p for p in range(len(begin)) if begin[p] >= 0]
        starts = [p for p in context if widest[begin[p], end[p]] == w]
        starts = sorted(starts, key=lambda p: (-first[p], p))[:20]
        ends = sorted(context, key=lambda p: (-last[p], p))[:20]
        for s in starts:
            for e in ends:
                if s <= e and e - s + 1 <= 30:
                    text = example.context[begin[s] : end[e]].strip()
                    score = first[s] + last[e]
                    found[text] = max(score, found.get(text, -np.inf))
    return found


sizes = st.lists(st.lists(st.integers(1, 70), min_size=1, max_size=3), min_size=1, max_size=4)


@settings(max_examples=40, deadline=None)
@hypothesis.example(
    16692, [[1, 9], [1], [1, 1]]
)  # more than 20 spans of a window, fewer of their texts
@given(st.integers(0, 10**6), sizes)
def test_spans_are_those_of_the_slow_rule(seed, pieces):
    rng = np.random.default_rng(seed)
    arrays = windows_of(rng, len(pieces), pieces)
    size = 2 * sum(max(p) for p in pieces) + 400
    contexts = ["".join(rng.choice(list("abcdefghij "), size)) for _ in pieces]
    examples = [Span(f"q{i}", f"g{i}", c, "?", (), ()) for i, c in enumerate(contexts)]
    rows = rng.permutation(len(arrays.lengths))
    out = rng.normal(size=(len(rows), int(arrays.lengths.max()), 2)).astype(np.float32)
    half = len(rows) // 2
    parts = [
        (arrays.example[rows[part]], rows[part], out[part, : int(arrays.lengths[rows[part]].max())])
        for part in (slice(0, half), slice(half, None))
        if len(rows[part])
    ]
    columns = decode("span", examples, arrays, parts, ())
    for i, example in enumerate(examples):
        windows, nulls = [], []
        for k, row in sorted(enumerate(rows), key=lambda pair: pair[1]):
            if arrays.example[row] == i:
                piece = slice(arrays.starts[row], arrays.starts[row + 1])
                n = int(arrays.lengths[row])
                begin, end = arrays.extra["begin"][piece], arrays.extra["end"][piece]
                windows.append((begin, end, out[k, :n, 0], out[k, :n, 1]))
                nulls.append(out[k, 0, 0] + out[k, 0, 1])
        expected = slow_spans(example, windows)
        texts, scores = columns["texts"][i], columns["scores"][i]
        assert columns["prediction"][i] == texts[0]
        assert scores == sorted(scores, reverse=True)
        assert len(texts) == len(set(texts)) <= BEST == 20
        assert scores[0] == pytest.approx(max(expected.values()))
        for text, score in zip(texts, scores, strict=True):
            assert score == pytest.approx(expected[text])
        missed = [s for t, s in expected.items() if t not in texts]
        assert len(texts) == min(20, len(expected)) or max(missed) <= scores[-1] + 1e-6
        assert columns["null_score"][i] == pytest.approx(min(nulls))


def one_window(n):
    rng = np.random.default_rng(0)
    arrays = windows_of(rng, 1, [[n]])
    example = Span("q", "g", "".join(chr(97 + i % 26) for i in range(2 * n)), "?", (), ())
    context = int(np.flatnonzero(arrays.extra["begin"] >= 0)[0])
    return arrays, example, context, np.zeros((1, len(arrays.ids), 2), np.float32)


@pytest.mark.parametrize(("pieces", "allowed"), [(ANSWER_MOST, True), (ANSWER_MOST + 1, False)])
def test_an_answer_has_at_most_thirty_pieces(pieces, allowed):
    arrays, example, context, out = one_window(60)
    out[0, context + 2, 0] = out[0, context + 2 + pieces - 1, 1] = 10.0
    columns = decode("span", [example], arrays, [(np.array([0]), np.array([0]), out)], ())
    whole = example.context[4 : 4 + 2 * pieces]
    assert (columns["prediction"][0] == whole) == allowed
    assert ANSWER_MOST == 30


def test_an_answer_never_ends_before_it_begins():
    arrays, example, context, out = one_window(10)
    out[0, context + 7, 0] = out[0, context + 3, 1] = 10.0
    columns = decode("span", [example], arrays, [(np.array([0]), np.array([0]), out)], ())
    assert example.context.index(columns["prediction"][0]) >= 0
    assert columns["scores"][0][0] == pytest.approx(10.0)


def test_question_and_special_pieces_are_never_the_answer():
    arrays, example, context, out = one_window(10)
    out[0, :context] = 50.0
    out[0, -1] = 50.0
    columns = decode("span", [example], arrays, [(np.array([0]), np.array([0]), out)], ())
    assert columns["scores"][0][0] < 1.0
    assert columns["null_score"] == [100.0]


def test_the_best_window_of_a_question_wins():
    rng = np.random.default_rng(0)
    arrays = windows_of(rng, 1, [[5, 5]])
    example = Span("q", "g", "abcdefghijklmnopqrstuvwxyz", "?", (), ())
    out = np.zeros((2, int(arrays.lengths.max()), 2), np.float32)
    for row, height in ((0, 3.0), (1, 4.0)):
        begin = arrays.padded(np.array([row]), "begin", -1)[0]
        out[row, np.flatnonzero(begin >= 0)[0]] = height
    columns = decode("span", [example], arrays, [(np.array([0, 0]), np.array([0, 1]), out)], ())
    assert columns["prediction"] == ["fg"]
    assert columns["scores"][0][:2] == [8.0, 6.0] or columns["scores"][0][0] == 8.0


def test_an_answer_begins_in_the_window_that_shows_most_around_it():
    """Two windows of six pieces share four; the rule halves these between them."""
    begin = [-1, 0, 2, 4, 6, 8, 10, -1, -1, 4, 6, 8, 10, 12, 14, -1]
    extra = {"begin": np.array(begin), "end": np.array([b + 2 if b >= 0 else -1 for b in begin])}
    starts, example = np.array([0, 8, 16]), np.array([0, 0])
    arrays = TokenArrays(np.zeros(16, np.int64), None, starts, example, extra, pad=0)
    own = widest_window(arrays)
    assert [begin[i] for i in np.flatnonzero(own[:8])] == [0, 2, 4, 6]
    assert [begin[8 + i] for i in np.flatnonzero(own[8:])] == [8, 10, 12, 14]
    out = np.zeros((2, 8, 2), np.float32)
    out[0, 5:7] = 9.0  # pieces 8 and 10 of the first window, near its end
    out[1, 3:5] = 5.0  # the same in the second one
    span = Span("q", "g", "abcdefghijklmnop", "?", (), ())
    columns = decode("span", [span], arrays, [(example, np.array([0, 1]), out)], ())
    assert (columns["prediction"][0], columns["scores"][0][0]) == ("ij", 10.0)


def test_pieces_that_a_letter_is_torn_into_keep_their_order():
    begin = [-1, 0, 1, 1, 1, 2, -1, -1, 1, 1, 1, 2, 3, -1]
    extra = {"begin": np.array(begin), "end": np.array([b + 1 if b >= 0 else -1 for b in begin])}
    starts, example = np.array([0, 7, 14]), np.array([0, 0])
    arrays = TokenArrays(np.zeros(14, np.int64), None, starts, example, extra, pad=0)
    own = widest_window(arrays)
    assert own.sum() == 6, "six pieces in all, three of them of one letter"
    assert [i for i in np.flatnonzero(own)] == [1, 2, 3, 10, 11, 12]


def test_every_piece_of_a_context_is_in_one_window_only_also_from_a_tokenizer(
    tmp_path, encoder_folder
):
    words = [f"ba{'be' * (i % 3)}" for i in range(200)]
    spans = [Span("q", "g", " ".join(words), "who?", (), ()), Span("r", "g", "short", "?", (), ())]
    places = [tmp_path / name for name in ("examples", "tokens")]
    for place in places:
        place.mkdir()
    write_examples(places[0] / EXAMPLES, spans)
    config = Tokens(tokenizer="t", kind="span", labels=(), max_length=40, stride=11)
    context = Context(sources={"t": encoder_folder()})
    value = tokens(config, {"examples": Result(places[0], {}, "k")}, places[1], context)
    arrays = TokenArrays.load(places[1], value["pad"])
    own = widest_window(arrays)
    pieces = load_tokenizer(encoder_folder())(spans[0].context, add_special_tokens=False)
    rows = arrays.rows_of(np.array([0]))
    assert len(rows) > 5
    mine = np.flatnonzero(own[: arrays.starts[rows[-1] + 1]])
    assert len(mine) == len(pieces["input_ids"])
    assert sorted(arrays.ids[mine].tolist()) == sorted(pieces["input_ids"])
    assert own[arrays.starts[rows[-1] + 1] :].sum() > 0, "the other question has one window"


def test_a_question_is_left_unanswered_only_above_the_threshold():
    columns = {
        "id": ["p", "q", "r"],
        "null_score": [5.0, 5.0, 1.0],
        "texts": [["", "mill"], ["stone"], []],
        "scores": [[9.0, 4.0], [1.0], []],
        "prediction": ["", "stone", ""],
    }
    assert null_margins(columns) == [1.0, 4.0, float("inf")]
    assert answered(columns, 2.0)["prediction"] == ["mill", "", ""]
    assert answered(columns, 0.0)["prediction"] == ["", "", ""]
    assert columns["prediction"] == ["", "stone", ""], "the columns given are left alone"


def test_the_threshold_is_the_one_with_the_best_f1_on_the_examples_given():
    examples = [Span("p", "g", "mill", "?", ("mill",), (0,)), Span("q", "g", "mill", "?", (), ())]
    columns = {
        "id": ["p", "q"],
        "null_score": [5.0, 5.0],
        "texts": [["mill"], ["mill"]],
        "scores": [[4.0], [1.0]],
    }
    assert chosen_threshold(examples, columns) == 1.0


TAGS = ("A", "B", "C")


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.lists(st.integers(1, 20), min_size=1, max_size=6))
def test_every_word_gets_the_tag_of_its_first_piece_also_in_split_sentences(seed, sizes):
    rng = np.random.default_rng(seed)
    starts, example, word = [0], [], []
    for i, n in enumerate(sizes):
        for at in range(0, n, 7):  # windows of seven words
            row = [-1]
            for w in range(at, min(n, at + 7)):
                row += [w] + [-1] * int(rng.integers(0, 3))
            word += [*row, -1]
            starts.append(starts[-1] + len(row) + 1)
            example.append(i)
    extra = {"word": np.array(word)}
    ids = np.zeros(len(word), np.int64)
    arrays = TokenArrays(ids, None, np.array(starts), np.array(example), extra, pad=0)
    examples = [Tagged(f"{i}", f"{i}", ("w",) * n, ("A",) * n) for i, n in enumerate(sizes)]
    rows = rng.permutation(len(example))
    out = rng.normal(size=(len(rows), int(arrays.lengths.max()), 3)).astype(np.float32)
    columns = decode("tagging", examples, arrays, [(arrays.example[rows], rows, out)], TAGS)
    for k, row in enumerate(rows):
        for place, w in enumerate(arrays.extra["word"][starts[row] : starts[row + 1]]):
            if w >= 0:
                share = np.exp(out[k, place]) / np.exp(out[k, place]).sum()
                i = example[row]
                assert columns["prediction"][i][w] == TAGS[int(out[k, place].argmax())]
                assert columns["probabilities"][i][w] == pytest.approx(share.max(), rel=1e-5)
    assert all(tag in TAGS for tags in columns["prediction"] for tag in tags)


def test_labels_and_choices_come_in_slice_order_with_their_logits():
    pairs = [Pair(f"p{i}", f"g{i}", "a", "b", "A") for i in range(4)]
    out = np.array([[0, 1, 2], [3, 1, 0], [0, 9, 1], [5, 5, 5]], np.float32)
    order = np.array([2, 0, 3, 1])
    arrays = TokenArrays(np.zeros(4), None, np.arange(5), np.arange(4), {}, 0)
    parts = [(order[:3], order[:3], out[order[:3]]), (order[3:], order[3:], out[order[3:]])]
    columns = decode("pair", pairs, arrays, parts, TAGS)
    assert columns["prediction"] == ["C", "A", "B", "A"], "the first of equal logits"
    assert columns["logits"] == out.tolist()
    assert (columns["id"], columns["group"]) == (["p0", "p1", "p2", "p3"], ["g0", "g1", "g2", "g3"])
    choices = [Choice(f"c{i}", "g", "a", "", ("x", "y", "z"), 0) for i in range(4)]
    assert decode("choice", choices, arrays, parts, ())["prediction"] == [2, 0, 1, 0]
