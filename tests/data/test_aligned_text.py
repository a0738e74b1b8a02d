"""Text with names in several languages: what is held out, paired, and started from."""

import os
from pathlib import Path

import numpy as np
import pytest
from small_encoders import ALIGNED, LETTERS, build, promised, write_aligned, write_declaration

from xstilts.core.errors import DataError
from xstilts.data.batches import TokenArrays
from xstilts.data.start import VECTORS
from xstilts.data.text import HELD, HELD_NAMES, NAMES, documents_of
from xstilts.data.tokens import load_tokenizer
from xstilts.data.translations import Translations, side_by_side

STARTS = {"training": {"start": "aligned"}, "model": {"width": 16}}


@pytest.fixture
def home(tmp_path):
    write_aligned(tmp_path / "aligned")
    return tmp_path


def made(home, **changes):
    return promised(write_declaration(home, **(ALIGNED | STARTS | changes)), home / "store")


def result(home, step, promise):
    return build(promise, home / "store", step)


def numbered(home, language):
    """Name -> sentence of a language's file."""
    lines = (home / "aligned" / f"{language}.txt").read_text().splitlines()
    return dict(line.split("\t") for line in lines)


def test_a_share_of_names_is_held_out_in_every_language_whatever_names_it_has(home):
    promise = made(home)
    held, trained = {}, {}
    for language, step in promise.texts.items():
        found = result(home, step, promise)
        trained[language] = documents_of(found, NAMES)
        every = numbered(home, language)
        held[language] = set(every) - set(trained[language])
        assert [every[name] for name in trained[language]] == documents_of(found)
        assert set(documents_of(found, HELD_NAMES)) == held[language]
        told = [every[name] for name in documents_of(found, HELD_NAMES)]
        assert told == documents_of(found, HELD)
    assert held["en"] == held["el"] != held["de"]
    assert held["de"] == held["en"] & set(numbered(home, "de"))
    assert not set().union(*held.values()) & set().union(*trained.values())
    assert len(held["en"]) == pytest.approx(40, abs=20)


def test_a_held_out_sentence_under_another_name_is_left_out(home):
    first = made(home)
    held = documents_of(result(home, first.texts["el"], first), HELD)[0]
    with (home / "aligned" / "el.txt").open("a") as file:
        file.writelines(f"more {i}\t{held}\n" for i in range(20))
    again = made(home)
    found = result(home, again.texts["el"], again)
    assert held not in documents_of(found)
    assert 10 < found.value["repeated"] <= 20
    assert len(documents_of(found)) == len(documents_of(found, NAMES))


def test_a_share_that_holds_nothing_out_is_told(home):
    promise = made(home, held=1e-9)
    with pytest.raises(DataError, match="too few to hold some out"):
        result(home, promise.texts["en"], promise)


def test_text_of_which_nothing_is_left_to_train_on_is_told(home):
    (home / "aligned" / "en.txt").write_text("".join(f"{i}\tA B\n" for i in range(100)))
    promise = made(home)
    with pytest.raises(DataError, match="100 documents of en are too few to hold some out"):
        result(home, promise.texts["en"], promise)


def test_rows_of_one_name_say_the_same_and_parts_of_long_ones_have_none(home):
    long = " ".join(LETTERS["en"] * 3)
    with (home / "aligned" / "en.txt").open("a") as file:
        file.write(f"0 long\t{long}\n")
    promise = made(home, training={"start": "aligned", "length": 32})
    found = result(home, promise.rows, promise)
    tokenizer = load_tokenizer(result(home, promise.tokenizer, promise).folder)
    arrays = TokenArrays.load(found.folder, found.value["pad"], "train-")
    texts = tokenizer.batch_decode(
        [arrays.ids[arrays.starts[r] : arrays.starts[r + 1]] for r in range(arrays.examples)],
        skip_special_tokens=True,
    )
    names, spoken = arrays.extra["name"], arrays.extra["language"]
    assert set(np.flatnonzero(names < 0)) == {r for r, x in enumerate(texts) if x in long}
    translations = Translations(names, spoken)
    letters = [LETTERS[language] for language in found.value["languages"]]
    for row in range(0, arrays.examples, 7):
        others = translations.of(row)
        assert spoken[row] not in spoken[others]
        for other in others:
            table = str.maketrans(letters[spoken[row]], letters[spoken[other]])
            assert texts[row].translate(table) == texts[other]
    assert sorted({len(translations.of(r)) for r in range(arrays.examples)}) == [0, 1, 2]


def test_two_rows_become_one_as_xlm_r_has_it():
    first, second = np.array([0, 11, 12, 2]), np.array([0, 21, 22, 23, 2])
    joined = np.concatenate(side_by_side(first, second, 9)).tolist()
    assert joined == [0, 11, 12, 2, 2, 21, 22, 23, 2]


@pytest.mark.parametrize(
    ("left", "right", "wanted"), [(9, 9, (5, 5)), (3, 9, (3, 7)), (9, 4, (6, 4))]
)
def test_two_rows_that_are_too_long_keep_their_beginnings(left, right, wanted):
    rows = [np.array([0, *range(10, 8 + n), 2]) for n in (left, right)]
    one, two = side_by_side(*rows, 10)
    assert (len(one), len(two)) == wanted
    assert (one[0], one[-1], two[0], two[-1]) == (0, 2, 2, 2)
    assert one[1:-1].tolist() == rows[0][1 : len(one) - 1].tolist()
    assert two[1:-1].tolist() == rows[1][1 : len(two) - 1].tolist()


def test_words_start_beside_their_translations(home):
    promise = made(home)
    found = result(home, promise.start, promise)
    vectors = np.load(found.folder / VECTORS)
    tokenizer = load_tokenizer(result(home, promise.tokenizer, promise).folder)
    ids = {
        language: tokenizer.convert_tokens_to_ids([f"▁{x}" for x in letters])
        for language, letters in LETTERS.items()
    }
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    for one, other in (("en", "de"), ("en", "el"), ("el", "de")):
        nearest = (unit[ids[one]] @ unit[ids[other]].T).argmax(1)
        assert nearest.tolist() == list(range(16))
    assert not vectors[:5].any()
    assert found.value["pieces"] == vectors.any(1).sum() >= 48


def test_what_is_held_out_moves_no_starting_vector(home):
    """Held-out sentences are other ones, of the same words; only names tell which are held out."""
    promise = made(home)
    before = np.load(result(home, promise.start, promise).folder / VECTORS)
    trained = set(documents_of(result(home, promise.texts["en"], promise), NAMES))
    for language in LETTERS:
        file = home / "aligned" / f"{language}.txt"
        lines = [
            f"{name}\t{said}" if name in trained else f"{name}\t{' '.join(LETTERS[language][:4])}"
            for name, said in numbered(home, language).items()
        ]
        file.write_text("\n".join(lines) + "\n")
    again = made(home)
    assert again.start.key != promise.start.key
    after = np.load(result(home, again.start, again).folder / VECTORS)
    np.testing.assert_array_equal(before, after)


def test_too_little_aligned_text_to_start_from_is_told(home):
    lines = [f"alone {name}\t{said}" for name, said in numbered(home, "en").items()]
    (home / "aligned" / "en.txt").write_text("\n".join(lines) + "\n")
    (home / "aligned" / "el.txt").unlink()
    promise = made(home)
    with pytest.raises(DataError, match="0 sentences stand in several languages"):
        result(home, promise.start, promise)


@pytest.mark.skipif("XSTILTS_DATA" not in os.environ, reason="needs the real text")
def test_real_aligned_text_holds_the_same_names_out(tmp_path):
    """Telugu has a quarter of the verses."""
    data = Path(os.environ["XSTILTS_DATA"])
    folders = [str(data / "text" / x) for x in ("ntrex", "bible")]
    if not all(map(os.path.isdir, folders)):
        pytest.skip("needs text/ntrex and text/bible")
    said = {"text": {"folder": folders, "languages": ["en", "te"]}, "held": 0.01}
    promise = promised(write_declaration(tmp_path, **said), tmp_path / "store")
    trained = {}
    for language, step in promise.texts.items():
        found = build(promise, tmp_path / "store", step)
        trained[language] = set(documents_of(found, NAMES))
        assert found.value["held"] > 50
        assert not set(documents_of(found)) & set(documents_of(found, HELD))
    assert len(trained["en"] & trained["te"]) > 9000
