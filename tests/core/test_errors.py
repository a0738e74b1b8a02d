import pickle

import pytest

from xstilts.core import errors
from xstilts.core.errors import DataError, UnknownNameError, UserError, XstiltsError


def test_an_error_says_what_where_what_was_expected_and_what_to_do():
    said = str(DataError("No gold", where="a.tsv:3", expected="a label", do="fetch it again"))
    parts = ["No gold", "where:    a.tsv:3", "expected: a label", "do:       fetch it again"]
    assert [line.strip() for line in said.splitlines()] == parts


def test_an_unknown_name_names_the_nearest_known_one():
    error = UnknownNameError("task", "xnly", ["squad_v1", "xnli"], where="here", do="look")
    assert error.what == "No task is called 'xnly'. Did you mean 'xnli'?"
    assert error.expected == "one of: squad_v1, xnli"


def test_an_unknown_name_far_from_all_others_gets_no_suggestion_and_a_short_list():
    error = UnknownNameError("task", "zzz", [f"t{i:02}" for i in range(20)], where="h", do="d")
    assert "Did you mean" not in error.what
    assert error.expected.endswith("t11 …")


@pytest.mark.parametrize(
    "error",
    [
        DataError("w", where="x", expected="y", do="z"),
        UnknownNameError("task", "xnly", ["xnli"], where="here", do="look"),
    ],
)
def test_errors_cross_a_process_boundary_whole(error):
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == str(error)
    assert (copy.what, copy.where, copy.expected, copy.do) == (
        error.what,
        error.where,
        error.expected,
        error.do,
    )


def test_the_drawn_tree_holds_every_error_there_is():
    drawn = errors.__doc__
    kinds = [x for x in vars(errors).values() if isinstance(x, type)]
    named = [x for x in kinds if issubclass(x, XstiltsError)]
    assert len(named) >= 10
    assert all(x.__name__ in drawn for x in named)
    mendable = [x for x in named if issubclass(x, UserError) and x is not UserError]
    assert all(f"- {x.__name__}" in drawn for x in mendable)
