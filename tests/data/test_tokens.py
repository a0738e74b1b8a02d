"""Examples as pieces: nothing that carries a label is lost."""

import json
import random

import numpy as np
import pytest
from tiny_encoders import tokenizer_of, write_tokenizer

from xstilts.core.context import Context, Result
from xstilts.core.errors import RecipeError
from xstilts.data.batches import IGNORED, TokenArrays
from xstilts.data.read import EXAMPLES, write_examples
from xstilts.data.tokens import QUESTION_MOST, Tokens, labels_of, load_tokenizer, tokens
from xstilts.phases.refusals import windows_move_on
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

CLS, PAD, SEP, UNK = 0, 1, 2, 3
TAGS = ("A", "B")


@pytest.fixture(scope="module", params=["words", "types", "metaspace"])
def tokenizer(request, tmp_path_factory, release_texts):
    """XLM-R's and BERT's layout of pairs, and a tokenizer whose pieces hold the space before."""
    folder = tmp_path_factory.mktemp(request.param)
    how = {"types": {"types": True}, "metaspace": {"metaspace_only": True}}
    write_tokenizer(folder, release_texts, **how.get(request.param, {}))
    return folder


@pytest.fixture
def encode(tokenizer, tmp_path):
    """Token arrays of some examples, and the record of the stage."""

    def run(kind, examples, max_length=32, stride=12, labels=TAGS):
        source, folder = tmp_path / "examples", tmp_path / "tokens"
        for place in (source, folder):
            place.mkdir(exist_ok=True)
        write_examples(source / EXAMPLES, examples)
        config = Tokens(
            tokenizer="t", kind=kind, labels=labels, max_length=max_length, stride=stride
        )
        inputs = {"examples": Result(source, {}, "key")}
        value = tokens(config, inputs, folder, Context(sources={"t": tokenizer}))
        return folder, value

    return run


def arrays_of(run, side=""):
    folder, value = run
    return TokenArrays.load(folder, value["pad"], side), value


def spans(n, seed=0):
    """Questions on contexts of many lengths, with answers anywhere, of one to four words."""
    rng = random.Random(seed)
    found = []
    for i in range(n):
        words = ["".join(rng.choices("abdegiklmnorstu", k=rng.randint(1, 6))) for _ in range(60)]
        words = words[: rng.randint(1, 60)]
        first = rng.randrange(len(words))
        answer = " ".join(words[first : first + rng.randint(1, 4)])
        context = " ".join(words)
        start = len(" ".join(words[:first])) + (first > 0)
        assert context.startswith(answer, start)
        question = " ".join(rng.sample(words, min(3, len(words)))) + "?"
        found.append(Span(str(i), str(i), context, question, (answer,), (start,)))
    return found


def test_every_answer_survives_in_at_least_one_window(encode):
    examples = spans(80)
    arrays, value = arrays_of(encode("span", examples, max_length=60, stride=30))
    assert value["rows"] > len(examples) + 20, "contexts are to have several windows"
    found = {i: set() for i in range(len(examples))}
    for row, example in enumerate(arrays.example):
        first, last = arrays.extra["first"][row], arrays.extra["last"][row]
        if (first, last) != (0, 0):
            at = arrays.starts[row]
            begin, end = arrays.extra["begin"][at + first], arrays.extra["end"][at + last]
            found[example].add(examples[example].context[begin:end].strip())
    for i, example in enumerate(examples):
        assert found[i], f"the answer of {i} is in no window"
        for text in found[i]:
            assert example.answers[0] in text
            assert len(text) - len(example.answers[0]) < 12, "only whole pieces more"


def test_a_window_without_the_whole_answer_points_at_its_first_piece(encode):
    words = ["ba"] * 120
    context = " ".join(words)
    span = Span("0", "0", context, "Q?", ("ba ba",), (len(context) - 5,))
    arrays, _ = arrays_of(encode("span", [span]))
    assert arrays.examples == 1 and len(arrays.lengths) > 5
    pointing = [(f, z) for f, z in zip(arrays.extra["first"], arrays.extra["last"], strict=True)]
    assert pointing[0] == (0, 0)
    assert pointing[-1] != (0, 0)
    assert arrays.ids[arrays.starts[0]] == CLS


def test_windows_cover_the_whole_context(encode):
    examples = spans(40, seed=1)
    arrays, _ = arrays_of(encode("span", examples, max_length=48, stride=16))
    for i, example in enumerate(examples):
        covered = np.zeros(len(example.context), bool)
        for row in arrays.rows_of(np.array([i])):
            piece = slice(arrays.starts[row], arrays.starts[row + 1])
            pairs = zip(arrays.extra["begin"][piece], arrays.extra["end"][piece], strict=True)
            for begin, end in pairs:
                covered[max(begin, 0) : max(end, 0)] = True
        assert all(covered[k] or c == " " for k, c in enumerate(example.context))


def test_a_question_without_an_answer_points_at_the_first_piece(encode):
    arrays, _ = arrays_of(encode("span", [Span("0", "0", "ba be bi", "Q?", (), ())]))
    assert (arrays.extra["first"][0], arrays.extra["last"][0]) == (0, 0)


def test_a_long_question_is_cut_and_counted(encode):
    long = Span("0", "0", "ba be bi", "bu " * 200, ("be",), (3,))
    arrays, value = arrays_of(encode("span", [long, *spans(1)], max_length=144))
    assert value["shortened"] == 1
    context = arrays.extra["begin"][: arrays.starts[1]] >= 0
    assert context.sum() >= 3
    assert QUESTION_MOST <= (~context).sum() <= QUESTION_MOST + 6


@pytest.mark.parametrize(
    ("max_length", "stride"), [(96, 32), (64, 16), (96, 47), (32, 15), (33, 15)]
)
def test_no_question_is_too_long_for_windows_that_planning_accepts(encode, max_length, stride):
    windows_move_on("squad_v1", max_length, stride)
    context = " ".join(["ba"] * 150)
    asked = [1, 11, 12, 13, 31, 43, 44, 45, 63, 64, 65, 200]
    examples = [Span(str(n), "0", context, "bu " * n, ("ba",), (0,)) for n in asked]
    arrays, _ = arrays_of(encode("span", examples, max_length=max_length, stride=stride))
    assert max(arrays.lengths) <= max_length
    for i in range(len(asked)):
        last = arrays.rows_of(np.array([i]))[-1]
        ends = arrays.extra["end"][arrays.starts[last] : arrays.starts[last + 1]]
        assert ends.max() == len(context)


@pytest.mark.parametrize(("max_length", "stride"), [(96, 48), (64, 32), (31, 0), (200, 190)])
def test_windows_that_hardly_move_on_are_refused_and_the_advice_is_accepted(max_length, stride):
    said = {"max_length": max_length, "stride": stride}
    with pytest.raises(RecipeError) as caught:
        windows_move_on("squad_v1", **said)
    key, _, value = caught.value.do.rpartition(".")[2].partition("=")
    windows_move_on("squad_v1", **said | {key: int(value)})


def tagged(n=40, seed=0):
    rng = random.Random(seed)
    found = []
    for i in range(n):
        words = [
            "".join(rng.choices("abdegiklmnorstu", k=rng.randint(1, 14)))
            for _ in range(rng.randint(1, 60))
        ]
        tags = tuple(rng.choice(TAGS) for _ in words)
        found.append(Tagged(str(i), str(i), tuple(words), tags))
    return found


def labelled(arrays, examples):
    """(example, word, tag) of every labelled piece, in order."""
    rows = np.repeat(arrays.example, arrays.lengths)
    places = np.flatnonzero(arrays.extra["tag"] != IGNORED)
    return [(int(rows[p]), int(arrays.extra["word"][p]), arrays.extra["tag"][p]) for p in places]


def test_every_word_of_every_sentence_has_one_labelled_piece_its_first(encode):
    examples = tagged()
    arrays, value = arrays_of(encode("tagging", examples, max_length=24))
    assert value["rows"] > len(examples), "long sentences are to be split"
    assert value["shortened"] == 0
    expected = [
        (i, w, TAGS.index(tag)) for i, e in enumerate(examples) for w, tag in enumerate(e.tags)
    ]
    assert labelled(arrays, examples) == expected
    assert arrays.lengths.max() <= 24
    assert ((arrays.extra["word"] >= 0) == (arrays.extra["tag"] != IGNORED)).all()


@pytest.mark.parametrize("nothing", ["\u200b", "\u00ad", " ", "\ufeff", "\u0000"])
def test_a_word_without_any_piece_keeps_its_label(encode, nothing):
    words = ("ba", nothing, "be", nothing)
    sentence = Tagged("0", "0", words, ("A", "B", "A", "B"))
    arrays, _ = arrays_of(encode("tagging", [sentence]))
    assert labelled(arrays, [sentence]) == [(0, 0, 0), (0, 1, 1), (0, 2, 0), (0, 3, 1)]


def test_a_word_longer_than_a_row_loses_its_end_and_no_other_word(encode):
    words = ("ba", "ba" * 300, "be")
    sentence = Tagged("0", "0", words, ("A", "B", "A"))
    arrays, value = arrays_of(encode("tagging", [sentence], max_length=16))
    assert labelled(arrays, [sentence]) == [(0, 0, 0), (0, 1, 1), (0, 2, 0)]
    assert arrays.lengths.max() <= 16
    assert value["shortened"] == 1


def test_words_with_spaces_inside_are_one_word(encode):
    sentence = Tagged("0", "0", ("ba be", "bi"), ("A", "B"))
    arrays, _ = arrays_of(encode("tagging", [sentence]))
    assert labelled(arrays, [sentence]) == [(0, 0, 0), (0, 1, 1)]


def test_a_pair_that_is_too_long_loses_the_end_of_its_longer_text(encode):
    short, long = "ba be bi", "bu " * 100
    pairs = [Pair("0", "0", short, long, "A"), Pair("1", "1", short, short, "B")]
    arrays, value = arrays_of(encode("pair", pairs))
    assert value["shortened"] == 1
    assert arrays.lengths[0] == 32
    whole = arrays.ids[arrays.starts[1] : arrays.starts[2]].tolist()
    first = whole[: whole.index(SEP)]
    assert arrays.ids[: len(first)].tolist() == first, "the short text is whole"
    assert arrays.extra["label"].tolist() == [0, 1]


def test_a_choice_is_one_row_a_candidate_and_stays_in_order(encode):
    choice = Choice("0", "0", "ba", "be?", ("bi", "bo bo", "bu", "da"), 2)
    arrays, value = arrays_of(encode("choice", [choice, choice], labels=()))
    assert arrays.example.tolist() == [0] * 4 + [1] * 4
    assert arrays.extra["label"].tolist() == [2, 2]
    assert value["examples"] == 2
    rows = [tuple(arrays.ids[a:b]) for a, b in zip(arrays.starts, arrays.starts[1:], strict=False)]
    assert rows[:4] == rows[4:]
    assert len(set(rows[:4])) == 4


def test_a_choice_that_is_too_long_is_cut_in_its_context_and_keeps_its_candidates(encode):
    choices = ("bi", "bo bo", "bu da")
    long = Choice("0", "0", "ba " * 60, "be?", choices, 2)
    short = Choice("1", "1", "ba", "be?", choices, 1)
    arrays, value = arrays_of(encode("choice", [long, short], labels=()))
    assert (value["shortened"], value["rows"]) == (3, 6), "each of three candidates is an input"
    assert arrays.extra["label"].tolist() == [2, 1]
    rows = [
        arrays.ids[a:b].tolist() for a, b in zip(arrays.starts, arrays.starts[1:], strict=False)
    ]
    assert [len(r) for r in rows[:3]] == [32] * 3
    for cut, whole in zip(rows[:3], rows[3:], strict=True):
        candidate = whole[whole.index(SEP) :]
        assert cut[-len(candidate) :] == candidate


def test_texts_that_are_compared_are_counted_where_they_are_too_long(encode):
    """Rows of both sides count; queries have 96 pieces at most, candidates share theirs."""
    long = "bu " * 200
    examples = [Parallel("0", "0", long, "ba"), Parallel("1", "1", "ba", "be")]
    value = encode("retrieval", examples)[1]
    assert (value["shortened"], value["rows"]) == (1, 4)
    sides = [Sentence("0", "0", "source", long, ("1",)), Sentence("1", "1", "target", long, ())]
    value = encode("mining", sides)[1]
    assert (value["shortened"], value["rows"]) == (2, 2)
    asked = [Query("0", "0", long, ("1",)), Query("1", "1", "bu " * 20, ("1",))]
    found = [Candidate("1", "1", "ba", long), Candidate("2", "2", "ba", "be")]
    value = encode("ranking", [*asked, *found], max_length=128)[1]
    assert (value["shortened"], value["rows"]) == (2, 4)


def test_both_sides_of_a_translation_are_kept_apart(encode):
    examples = [Parallel("0", "0", "ba be bi", "bu"), Parallel("1", "1", "ba", "da")]
    run = encode("retrieval", examples)
    text, english = arrays_of(run, "text-")[0], arrays_of(run, "english-")[0]
    assert text.examples == english.examples == 2
    assert text.lengths[0] > english.lengths[0]
    assert run[1]["rows"] == 4


def test_pieces_are_those_of_the_tokenizer_itself(encode, tokenizer):
    pair = Pair("0", "0", "Ba be.", "Bi bo!", "A")
    arrays, _ = arrays_of(encode("pair", [pair]))
    fast = load_tokenizer(tokenizer)
    said = fast(pair.first, pair.second)
    assert arrays.ids.tolist() == said["input_ids"]
    types = said.get("token_type_ids")
    assert (arrays.types is None) == (types is None)
    assert types is None or arrays.types.tolist() == types


def test_arrays_are_memory_mapped_and_numbers_are_small(encode):
    arrays, _ = arrays_of(encode("pair", [Pair("0", "0", "ba", "be", "A")]))
    assert all(isinstance(x, np.memmap) for x in (arrays.ids, arrays.starts, arrays.example))
    assert not arrays.ids.flags.writeable
    assert arrays.ids.dtype == np.int32


def test_the_record_counts_examples_rows_and_pieces(encode):
    arrays, value = arrays_of(encode("span", spans(10), max_length=48))
    assert value["examples"] == arrays.examples == 10
    assert value["rows"] == len(arrays.lengths)
    assert value["pieces"] == len(arrays.ids) == arrays.starts[-1]
    assert value["pad"] == PAD
    assert arrays.lengths.max() <= 48
    assert json.dumps(value)


def test_an_empty_folder_holds_no_arrays(tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no token arrays"):
        TokenArrays.load(tmp_path, 1)


def test_tokenizers_of_these_tests_do_differ(release_texts):
    plain = tokenizer_of(release_texts, pairs="$A $B")
    spaced = tokenizer_of(release_texts, pairs="$A $B", metaspace_only=True)
    ends = [[b for _, b in t.encode("ba  be").offsets] for t in (plain, spaced)]
    assert ends[0] != ends[1]


def test_a_text_that_is_labelled_alone_is_one_sequence(encode, tokenizer):
    examples = [Pair("0", "0", "ba be", None, "A"), Pair("1", "1", "bi " * 99, None, "B")]
    arrays, value = arrays_of(encode("pair", examples, labels=("A", "B")))
    alone = load_tokenizer(tokenizer)("ba be")["input_ids"]
    assert arrays.ids[: arrays.starts[1]].tolist() == alone
    assert arrays.extra["label"].tolist() == [0, 1]
    assert (value["shortened"], arrays.lengths.max()) == (1, 32)


def test_open_tags_are_numbered_by_the_training_slice_and_others_teach_nothing(tokenizer, tmp_path):
    write_examples(tmp_path / EXAMPLES, [Tagged("0", "0", ("ba", "be"), ("NEW", "OLD"))])
    config = Tokens(tokenizer="t", kind="tagging", labels=(), max_length=32, stride=0)
    learnt = Result(tmp_path, {"labels": ["ELSE", "OLD"]}, "train")
    inputs = {"examples": Result(tmp_path, {}, "key"), "labels": learnt}
    value = tokens(config, inputs, tmp_path, Context(sources={"t": tokenizer}))
    arrays = TokenArrays.load(tmp_path, value["pad"])
    tags = arrays.extra["tag"][arrays.extra["word"] >= 0].tolist()
    assert tags == [IGNORED, 1]
    assert labels_of((), Result(tmp_path, value, "key")) == ("ELSE", "OLD")
    assert labels_of(("A",), Result(tmp_path, value, "key")) == ("A",)


def test_the_right_candidate_of_a_query_is_a_row_and_equal_candidates_are_one(encode):
    said = ["bela domu", "domu bela", "bela domu", "nobody asks"]
    candidates = [Candidate(f"c{i}", "g", text, "and a text") for i, text in enumerate(said)]
    gold = [("c1",), ("c2",), ("c0", "c2"), ("elsewhere",), ("elsewhere", "c3")]
    queries = [Query(f"q{i}", "g", "who", right) for i, right in enumerate(gold)]
    arrays, _ = arrays_of(encode("ranking", [*queries, *candidates]), "query-")
    assert arrays.extra["right"].tolist() == [1, 2, 2, -1, 3]
