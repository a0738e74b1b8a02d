import pytest

from xstilts.data.leaks import MINIMUM, index, letters, overlaps, units
from xstilts.tasks.examples import Candidate, Choice, Pair, Parallel, Query, Sentence, Span, Tagged

LONG = "The old mill by the river has stood there since 1794."
OTHER = "Nobody knows why the bridge was never finished at all."


def span(own, context):
    return Span(own, own, context, "When?", ("1794",), (0,))


@pytest.mark.parametrize(
    "text",
    [
        "the OLD mill by the river has stood there since 1794",
        "The old mill , by the river , has stood there since 1794 .",
        "The old mill\nby  the river has  stood there — since “1794”!",
        "Ｔｈｅ old mill by the river has stood there since １７９４．",
    ],
)
def test_case_spacing_punctuation_and_width_do_not_hide_a_copy(text):
    assert letters(text) == letters(LONG) == "theoldmillbytheriverhasstoodtheresince1794"


def test_letters_of_every_script_count():
    assert letters("Σ! Привет, 世界… नमस्ते") != ""
    assert letters("Straße") == letters("STRASSE")


@pytest.mark.parametrize(
    ("kind", "example", "texts"),
    [
        ("pair", Pair("0", "g", "one", "two", "x"), ["one", "two"]),
        ("pair", Pair("0", "g", "one", None, "x"), ["one"]),
        ("mining", Sentence("0", "0", "source", "one", ()), ["one"]),
        ("ranking", Query("0", "g", "one", ("c",)), ["one"]),
        ("ranking", Candidate("c", "g", "one", "one two"), ["one", "one two"]),
        ("choice", Choice("0", "g", "context", "q", ("a", "b"), 0), ["context"]),
        ("span", span("0", "context"), ["context"]),
        ("tagging", Tagged("0", "g", ("one", "two"), ("A", "B")), ["onetwo"]),
        ("retrieval", Parallel("0", "g", "eins", "one"), ["eins", "one"]),
    ],
)
def test_every_kind_says_which_of_its_texts_must_not_be_shared(kind, example, texts):
    assert units(kind, example) == texts


def test_short_texts_are_no_evidence():
    short = "x" * (MINIMUM - 1)
    assert index("span", [span("0", short)]) == {}
    assert index("span", [span("0", short + "y")]) == {short + "y": ["0"]}


def test_overlap_counts_texts_and_names_every_trained_example_that_holds_one():
    trained = index("span", [span("a", LONG), span("b", LONG.upper()), span("c", OTHER)])
    reported = index("tagging", [Tagged("z", "z", tuple(LONG.split()), ("A",) * 11)])
    (found,) = overlaps([("squad_v1", "train", "squad.train", trained)], [("xquad.en", reported)])
    assert (found.trained, found.reported, found.task) == ("squad.train", "xquad.en", "squad_v1")
    assert found.units == 1
    assert found.examples == ("a", "b")
    assert found.sample == letters(LONG)


def test_slices_that_share_nothing_give_no_overlap():
    trained = index("span", [span("a", LONG)])
    assert (
        overlaps([("t", "train", "x", trained)], [("y", index("span", [span("b", OTHER)]))]) == []
    )


def test_every_pair_of_slices_is_compared():
    mine = index("span", [span("a", LONG), span("b", OTHER)])
    reported = [("y", index("span", [span("c", LONG)])), ("z", index("span", [span("d", OTHER)]))]
    found = overlaps([("t", "train", "x", mine), ("u", "train", "w", mine)], reported)
    assert [(o.trained, o.reported, o.examples) for o in found] == [
        ("x", "y", ("a",)),
        ("x", "z", ("b",)),
        ("w", "y", ("a",)),
        ("w", "z", ("b",)),
    ]


def test_an_example_with_two_shared_texts_is_named_once():
    trained = index("pair", [Pair("a", "a", LONG, OTHER, "x")])
    (found,) = overlaps([("t", "train", "x", trained)], [("y", trained)])
    assert (found.units, found.examples) == (2, ("a",))
