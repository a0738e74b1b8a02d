"""From files or the laboratory to documents, a tokenizer, and rows of pieces."""

import gzip
import hashlib

import numpy as np
import pytest
from small_encoders import PROVERBS, build, promised, write_declaration, write_texts
from transformers import AutoTokenizer

from xstilts.core.errors import DataError, RecipeError
from xstilts.data.batches import TokenArrays
from xstilts.data.corpora import shares
from xstilts.data.text import HELD, documents_of
from xstilts.lab.documents import documents

LAB = {"lab": {"tokens": 40_000, "languages": ["en", "qfi", "qme", "qpa"]}}


@pytest.fixture
def home(tmp_path):
    write_texts(tmp_path / "texts")
    return tmp_path


def made(home, **changes):
    return promised(write_declaration(home, **changes), home / "store")


def result(home, step, promise):
    return build(promise, home / "store", step)


def test_documents_are_read_with_their_names_and_some_are_held_out(home):
    promise = made(home)
    found = result(home, promise.texts["en"], promise)
    train, held = documents_of(found), documents_of(found, HELD)
    assert (len(train), len(held)) == (180, 20)
    assert (found.value["documents"], found.value["held"]) == (180, 20)
    lines = (home / "texts" / "en.txt").read_text().splitlines()
    assert sorted(train + held) == sorted(line.split("\t")[1] for line in lines)


def test_translations_of_one_name_are_held_out_together(home):
    for language in PROVERBS:
        lines = [f"verse {i}\t{language} text number {i}" for i in range(200)]
        (home / "texts" / f"{language}.txt").write_text("\n".join(lines))
    promise = made(home)
    held = {
        tuple(sorted(x.split()[-1] for x in documents_of(result(home, step, promise), HELD)))
        for step in promise.texts.values()
    }
    assert len(held) == 1
    assert len(held.pop()) == 20


def test_text_that_stands_twice_is_never_on_both_sides(home):
    lines = [f"sentence number {i % 30}" for i in range(300)]
    (home / "texts" / "en.txt").write_text("\n".join(lines))
    promise = made(home)
    found = result(home, promise.texts["en"], promise)
    train, held = set(documents_of(found)), set(documents_of(found, HELD))
    assert (len(train), len(held)) == (27, 3)
    assert not train & held


def test_packed_files_are_read_like_plain_ones_but_have_keys_of_their_own(home):
    plain = made(home)
    before = documents_of(result(home, plain.texts["de"], plain))
    file = home / "texts" / "de.txt"
    with gzip.open(home / "texts" / "de.txt.gz", "wb") as packed:
        packed.write(file.read_bytes())
    file.unlink()
    packed = made(home)
    assert packed.texts["de"].key != plain.texts["de"].key
    assert packed.texts["en"].key == plain.texts["en"].key
    assert documents_of(result(home, packed.texts["de"], packed)) == before


def test_what_is_no_text_is_told_with_its_file(home):
    (home / "texts" / "de.txt.gz").write_bytes(b"no gzip")
    (home / "texts" / "de.txt").unlink()
    promise = made(home)
    with pytest.raises(DataError, match=r"de\.txt\.gz cannot be read"):
        result(home, promise.texts["de"], promise)


def test_a_file_that_changes_after_planning_is_refused(home):
    promise = made(home)
    (home / "texts" / "en.txt").write_text("another text\n" * 50)
    with pytest.raises(DataError, match="changed while it was in use"):
        result(home, promise.texts["en"], promise)


def test_too_few_documents_are_refused(home):
    (home / "texts" / "en.txt").write_text("one\ntwo\n")
    promise = made(home)
    with pytest.raises(DataError, match="2 documents of en are too few"):
        result(home, promise.texts["en"], promise)


def test_the_laboratory_tells_its_stories_and_its_amounts(home):
    promise = made(home, text=LAB)
    found = {code: result(home, step, promise) for code, step in promise.texts.items()}
    told = documents_of(found["qfi"]) + documents_of(found["qfi"], HELD)
    assert sorted(told) == sorted(documents("qfi", 40_000))
    words = {code: r.value["words"] for code, r in found.items()}
    assert words["qme"] < 0.3 * words["qpa"] < 0.1 * words["en"]


def test_the_stories_of_version_1_are_these():
    """A generator that tells other stories needs another `LabText.version`."""
    told = "\n".join(x for code in ("en", "qme", "qno") for x in documents(code, 2000, 3))
    assert hashlib.sha256(told.encode()).hexdigest()[:16] == "c48b99cc6be98ca2"


def test_the_tokenizer_gives_all_languages_text_back(home):
    promise = made(home, text=LAB, tokenizer={"size": 700})
    tokenizer = AutoTokenizer.from_pretrained(result(home, promise.tokenizer, promise).folder)
    assert len(tokenizer) <= 700
    for step in promise.texts.values():
        for text in documents_of(result(home, step, promise), HELD):
            ids = tokenizer(text)["input_ids"]
            assert (ids[0], ids[-1]) == (tokenizer.bos_token_id, tokenizer.eos_token_id)
            assert tokenizer.unk_token_id not in ids
            assert tokenizer.decode(ids, skip_special_tokens=True) == text


def test_two_texts_stand_as_in_xlm_r(home):
    promise = made(home)
    tokenizer = AutoTokenizer.from_pretrained(result(home, promise.tokenizer, promise).folder)
    pieces = tokenizer.convert_ids_to_tokens(tokenizer("the bird", "no moss")["input_ids"])
    assert [p for p in pieces if p.startswith("<")] == ["<s>", "</s>", "</s>", "</s>"]
    named = [tokenizer.bos_token, tokenizer.pad_token, tokenizer.eos_token]
    named += [tokenizer.unk_token, tokenizer.mask_token]
    assert tokenizer.convert_tokens_to_ids(named) == [0, 1, 2, 3, 4]


def test_a_small_language_gets_whole_words_where_languages_are_drawn_alike(home):
    lines = (home / "texts" / "el.txt").read_text().splitlines()
    (home / "texts" / "el.txt").write_text("\n".join(lines[:12]))
    sizes = {}
    for sampling in (1.0, 0.0):
        promise = made(home, sampling=sampling, tokenizer={"size": 70})
        tokenizer = AutoTokenizer.from_pretrained(result(home, promise.tokenizer, promise).folder)
        sizes[sampling] = len(tokenizer(PROVERBS["el"].replace("|", " "))["input_ids"])
    assert sizes[0.0] < sizes[1.0]


def test_a_vocabulary_too_small_for_the_letters_is_told_with_the_remedy(home):
    promise = made(home, tokenizer={"size": 20})
    with pytest.raises(RecipeError, match="letters do not fit") as caught:
        result(home, promise.tokenizer, promise)
    assert "tokenizer.coverage" in caught.value.do


def test_every_piece_of_every_document_is_in_one_row(home):
    promise = made(home, training={"length": 12})
    found = result(home, promise.rows, promise)
    tokenizer = AutoTokenizer.from_pretrained(result(home, promise.tokenizer, promise).folder)
    for side, part in (("train-", "train.txt"), ("held-", HELD)):
        arrays = TokenArrays.load(found.folder, found.value["pad"], side)
        assert arrays.lengths.max() == 12
        for number, language in enumerate(found.value["languages"]):
            rows = np.flatnonzero(arrays.extra["language"] == number)
            cut = [arrays.ids[arrays.starts[r] : arrays.starts[r + 1]].tolist() for r in rows]
            assert all((row[0], row[-1]) == (0, 2) for row in cut)
            told = documents_of(result(home, promise.texts[language], promise), part)
            wanted = [tokenizer(x, add_special_tokens=False)["input_ids"] for x in told]
            assert [p for row in cut for p in row[1:-1]] == [p for ids in wanted for p in ids]
            assert found.value[f"{side}pieces"][language] == sum(map(len, cut))


def test_languages_are_drawn_by_the_power_of_their_share():
    sizes = {"en": 900, "sw": 100}
    assert shares(sizes, 1.0) == pytest.approx({"en": 0.9, "sw": 0.1})
    assert shares(sizes, 0.5) == pytest.approx({"en": 0.75, "sw": 0.25})
    assert shares(sizes, 0.0) == pytest.approx({"en": 0.5, "sw": 0.5})
