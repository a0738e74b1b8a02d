import pytest
import yaml

from xstilts.core.yaml12 import parse


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-5", 1e-5),
        ("1.0e-4", 1e-4),
        ("2E3", 2000.0),
        (".5", 0.5),
        ("-1.", -1.0),
        ("+3.25", 3.25),
        ("12", 12),
        ("-7", -7),
        ("0", 0),
    ],
)
def test_a_number_is_a_number(text, value):
    found = parse(f"x: {text}")["x"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "text", ["no", "yes", "on", "off", "NO", "y", "12:30", "2020-01-01", "1_000", "1e", "e5", "."]
)
def test_a_word_is_text(text):
    assert parse(f"[{text}]") == [text]


@pytest.mark.parametrize(("text", "value"), [("true", True), ("False", False), ("null", None)])
def test_only_the_words_of_yaml_1_2_are_values(text, value):
    assert parse(f"x: {text}") == {"x": value}


def test_leading_zeros_are_decimal():
    assert parse("x: 010") == {"x": 10}


def test_the_norwegian_language_stays_a_language():
    assert parse("languages: [de, no, sw]") == {"languages": ["de", "no", "sw"]}


@pytest.mark.parametrize("text", ["a: 1\nb: 2\na: 3", "x:\n  - {k: 1, k: 1}", "{a: 1, 'a': 2}"])
def test_a_key_that_stands_twice_is_an_error_with_its_place(text):
    with pytest.raises(yaml.YAMLError, match="stands here twice") as caught:
        parse(text)
    assert caught.value.problem_mark.line == text.count("\n")


def test_a_merged_mapping_may_be_overridden():
    found = parse("base: &b {lr: 1, epochs: 2}\nmine: {<<: *b, lr: 3}")
    assert found["mine"] == {"lr": 3, "epochs": 2}


@pytest.mark.parametrize(
    "text", ["? [a, b]\n: 1", "{{a: 1}: 2}", "a: [", "!!python/name:os.system"]
)
def test_what_is_no_plain_value_is_a_yaml_error(text):
    with pytest.raises(yaml.YAMLError):
        parse(text)
