import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xstilts.core.errors import FingerprintError
from xstilts.core.spec import Runtime, Spec, added, fingerprint, payload

_FRESH = """
from xstilts.core.spec import Spec, fingerprint
class Inner(Spec):
    words: tuple[str, ...]
class Outer(Spec):
    rate: float
    inner: Inner
    table: dict[str, int]
print(fingerprint(Outer(rate=1e-5, inner=Inner(words=("ü", "b")), table={"z": 1, "a": 2})))
"""


class Inner(Spec):
    words: tuple[str, ...]


class Outer(Spec):
    rate: float
    inner: Inner
    table: dict[str, int]


class Loose(Spec):
    value: object


class Old(Spec):
    rate: float


def outer(**changes):
    said = {"rate": 1e-5, "inner": Inner(words=("ü", "b")), "table": {"z": 1, "a": 2}}
    return Outer(**(said | changes))


@pytest.mark.parametrize("seed", ["0", "1", "4242"])
def test_a_fingerprint_is_the_same_in_a_fresh_process_with_another_hash_seed(seed):
    environment = os.environ | {"PYTHONHASHSEED": seed}
    found = subprocess.run(
        [sys.executable, "-c", _FRESH], env=environment, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == fingerprint(outer())


def test_any_changed_field_changes_the_fingerprint():
    changed = [
        outer(rate=2e-5),
        outer(inner=Inner(words=("b", "ü"))),
        outer(inner=Inner(words=("üb",))),
        outer(table={"z": 1, "a": 3}),
        outer(table={"z": 1}),
    ]
    assert len({fingerprint(x) for x in [outer(), *changed]}) == len(changed) + 1


def test_a_changed_copy_has_a_text_of_its_own():
    one = Loose(value=1)
    assert one.payload == payload(one)
    other = one.model_copy(update={"value": 2})
    assert other.payload == Loose(value=2).payload != one.payload


def test_the_order_of_a_mapping_is_not_identity():
    assert fingerprint(outer(table={"a": 2, "z": 1})) == fingerprint(outer())


def test_kinds_with_the_same_fields_are_told_apart():
    class Other(Spec):
        rate: float

    assert fingerprint(Old(rate=1.0)) != fingerprint(Other(rate=1.0))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_finite_number_keeps_all_its_digits(number):
    assert repr(number) in payload(Old(rate=number)) or float(repr(number)) == number
    assert fingerprint(Old(rate=number)) == fingerprint(Old(rate=float(repr(number))))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (len, "builtin_function_or_method"),
        (lambda: None, "function"),
        (object(), "object"),
        ({1, 2}, "set"),
        (float("nan"), "nan is not finite"),
        (float("inf"), "inf is not finite"),
    ],
)
def test_a_value_without_an_identity_is_refused_with_its_place(value, said):
    with pytest.raises(FingerprintError, match=said) as caught:
        fingerprint(Loose(value={"deep": [0, value]}))
    assert str(caught.value).startswith("spec.value['deep'][1]: ")


def test_a_field_added_later_keeps_the_keys_of_what_was_there_before():
    before = fingerprint(Old(rate=0.1))

    def grown(default):
        return type(
            "Old", (Spec,), {"__annotations__": {"rate": float, "more": int}, "more": default}
        )

    same = grown(added(0, absent_when=0))
    assert fingerprint(same(rate=0.1)) == before
    assert fingerprint(same(rate=0.1, more=1)) != before


def test_a_changed_default_of_an_added_field_changes_the_keys_that_relied_on_it():
    class Old(Spec):
        rate: float
        more: int = added(5, absent_when=0)

    before = fingerprint(type("Old", (Spec,), {"__annotations__": {"rate": float}})(rate=0.1))
    assert fingerprint(Old(rate=0.1)) != before
    assert fingerprint(Old(rate=0.1, more=0)) == before


def test_a_runtime_has_no_identity():
    with pytest.raises(FingerprintError, match="Runtime has no stable identity"):
        fingerprint(Loose(value=Runtime()))


def test_a_spec_cannot_be_changed_and_knows_its_fields():
    with pytest.raises(ValueError, match="frozen"):
        outer().rate = 3.0
    with pytest.raises(ValueError, match="Extra inputs are not permitted"):
        outer(unknown=1)
