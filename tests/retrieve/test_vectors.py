"""`embed`, `retrieve` and `mine`: files in, files out, and what is wrong with a file is said."""

import io
import os
import shutil

import numpy as np
import pytest
from slips import slips, write_anew

import xstilts
from xstilts import api
from xstilts.cli import main
from xstilts.core.errors import DataError, EncoderError, UnknownNameError
from xstilts.data.tokens import encode_texts, load_tokenizer
from xstilts.retrieve import sentences
from xstilts.retrieve.vectors import read_vectors


@pytest.fixture
def sides(tmp_path):
    rng = np.random.default_rng(0)
    a = rng.standard_normal((20, 8)).astype(np.float32)
    b = np.concatenate([a[::-1] + 0.01, rng.standard_normal((5, 8)).astype(np.float32)])
    for name, vectors in (("a", a), ("b", b)):
        np.save(tmp_path / f"{name}.npy", vectors)
    return tmp_path / "a.npy", tmp_path / "b.npy"


def cells(path):
    return [line.split("\t") for line in path.read_text().splitlines()]


def test_pairs_are_written_best_first_and_given_back(sides, tmp_path):
    out = tmp_path / "pairs.tsv"
    mined = xstilts.mine(*sides, out)
    rows = cells(out)
    assert [float(x) for x, _, _ in rows] == pytest.approx(mined.scores.tolist())
    assert [[int(i), int(j)] for _, i, j in rows[:20]] == [
        [i, j] for i, j in zip(mined.source[:20].tolist(), mined.target[:20].tolist(), strict=True)
    ]
    assert {(int(i), int(j)) for _, i, j in rows[:20]} == {(i, 19 - i) for i in range(20)}


def test_neighbours_are_written_query_by_query_with_their_rank(sides, tmp_path):
    out = tmp_path / "near.tsv"
    api.retrieve(*sides, out, k=3)
    rows = cells(out)
    assert [row[:2] for row in rows] == [[str(q), str(r)] for q in range(20) for r in (1, 2, 3)]
    assert [int(row[2]) for row in rows[::3]] == [19 - i for i in range(20)]
    assert all(-1.000001 <= float(row[3]) <= 1.000001 for row in rows)


def test_more_neighbours_than_there_are_give_all(sides, tmp_path):
    api.retrieve(*sides, tmp_path / "near.tsv", k=99)
    assert len(cells(tmp_path / "near.tsv")) == 20 * 25


@pytest.mark.parametrize(
    ("spoiled", "said"),
    [
        (lambda v: v[0], "has the shape"),
        (lambda v: v[:0], "has the shape"),
        (lambda v: v.astype(np.int32), "holds int32"),
        (lambda v: np.array([["a", "b"]]), "holds <U1"),
        (lambda v: np.where(np.arange(20)[:, None] == 7, np.nan, v), "Vector 7"),
        (lambda v: np.where(np.arange(20)[:, None] == 3, np.inf, v), "Vector 3"),
        (lambda v: np.array([[{}]], object), "no array of numbers"),
        (lambda v: v[:, :5], "Vectors of 5 and of 8"),
        (lambda v: b"no numpy file", "no array of numbers"),
        (lambda v: b"", "no array of numbers"),
    ],
)
def test_a_file_that_holds_no_vectors_is_refused(sides, tmp_path, spoiled, said):
    bad = spoiled(np.load(sides[0]))
    if isinstance(bad, bytes):
        sides[0].write_bytes(bad)
    else:
        np.save(sides[0], bad, allow_pickle=True)
    with pytest.raises(DataError, match=said) as caught:
        xstilts.mine(*sides, tmp_path / "out.tsv")
    assert all((caught.value.where, caught.value.expected, caught.value.do))
    assert not (tmp_path / "out.tsv").exists()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.npy", "b.npy"]


class _Trap:
    """Makes a folder when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def npy(array):
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


def headed(header):
    text = str(header).encode()
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(64)


def claiming(shape, kind="<f4"):
    return headed({"descr": kind, "fortran_order": False, "shape": shape})


def archive():
    file = io.BytesIO()
    np.savez(file, a=np.ones((2, 2)))
    return file.getvalue()


SOUND = npy(np.arange(6, dtype=np.float32).reshape(2, 3))
HOSTILE = [
    *(SOUND[:n] for n in range(len(SOUND))),
    *(claiming(s) for s in [(-1, 4), (2**32, 2**32), (10**20, 4), (True, 4), (2,), (0, 4), ()]),
    *(claiming((2, 2), k) for k in ["|O", "|V0", "<i8", "<f16", "<,4", [("a", "<f4")]]),
    *(headed(h) for h in ["(" * 5000, "{[]: 1}", "{1: 2, b'a': 3}", "{", "", "1", "x" * 60_000]),
    archive(),
    archive()[:-30],
    b"PK\x03\x04",
    b"\x80\x04\x95",
]


def test_hostile_files_hold_vectors_or_are_refused_in_four_parts(tmp_path):
    path, read = tmp_path / "x.npy", 0
    for content in (SOUND, *slips(SOUND[:128]), *HOSTILE):
        write_anew(path, content)
        try:
            found = read_vectors(path)
        except DataError as error:
            assert str(path) in error.where and error.expected and error.do
            assert error.what and "\n" not in error.what
        else:
            read += 1
            assert found.ndim == 2 and found.size and np.isfinite(found).all(), content[:130]
    assert read


def test_no_object_in_a_file_is_ever_made(tmp_path):
    trap = tmp_path / "sprung"
    for content in (npy(np.array([[_Trap(trap)]], object)), npy(np.array(_Trap(trap)))):
        path = write_anew(tmp_path / "x.npy", content)
        with pytest.raises(DataError, match="Python objects"):
            read_vectors(path)
        assert not trap.exists()
        np.load(path, allow_pickle=True)[()]
        assert trap.exists(), "the trap works"
        trap.rmdir()


def test_what_cannot_be_asked_for_is_refused_before_anything_is_read(sides, tmp_path):
    with pytest.raises(DataError, match="0 neighbours"):
        xstilts.mine(*sides, k=0)
    with pytest.raises(UnknownNameError, match="Did you mean 'distance'"):
        xstilts.mine(*sides, margin="distence")
    with pytest.raises(DataError, match="cannot be written"):
        xstilts.mine(*sides, tmp_path / "no" / "out.tsv")
    with pytest.raises(DataError, match="There is no file"):
        xstilts.mine(sides[0], tmp_path / "no.npy")


TEXTS = ["Bela domu.", "", "nevo Bela domu kati lumi sano", "Bela domu.", "x" * 300]


def test_vectors_of_a_file_are_those_of_its_sentences(tmp_path, encoder_folder):
    text, out = tmp_path / "text.txt", tmp_path / "x.npy"
    text.write_text("".join(f"{t}\n" for t in TEXTS))
    found = xstilts.embed(encoder_folder(), text, out)
    kept = np.load(out, allow_pickle=False)
    assert kept.shape == (5, 32) and kept.dtype == np.float32
    np.testing.assert_array_equal(found.vectors, kept)
    np.testing.assert_array_equal(kept[0], kept[3])
    np.testing.assert_allclose(
        xstilts.embed(encoder_folder(), TEXTS).vectors, kept, rtol=1e-5, atol=1e-6
    )
    assert found.shortened == 1 and found.longest == 96
    every = xstilts.embed(encoder_folder(), TEXTS, layer=None).vectors
    assert every.shape == (3, 5, 32)
    for layer in range(3):
        alone = xstilts.embed(encoder_folder(), TEXTS, layer=layer).vectors
        np.testing.assert_allclose(every[layer], alone, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(every[1], kept, rtol=1e-5, atol=1e-6)  # 0.58 of two blocks
    first = xstilts.embed(encoder_folder(), TEXTS, pooling="first").vectors
    assert np.abs(first - kept).max() > 1e-3


@pytest.mark.parametrize(("asked", "order"), [("all", "mean first"), ("first,mean", "first mean")])
def test_all_layers_and_poolings_come_from_one_pass(
    tmp_path, encoder_folder, monkeypatch, asked, order
):
    """The file's axes are layers, poolings, sentences, dim."""
    passes = []
    run = sentences.embed
    monkeypatch.setattr(sentences, "embed", lambda *a, **kw: passes.append(1) or run(*a, **kw))
    text, out = tmp_path / "text.txt", tmp_path / "x.npy"
    text.write_text("".join(f"{t}\n" for t in TEXTS))
    files = ["--encoder", str(encoder_folder()), "--text", str(text), "--out", str(out)]
    with pytest.raises(SystemExit) as done:
        main(["embed", *files, "--layer", "all", "--pooling", asked])
    assert done.value.code == 0 and len(passes) == 1
    every = np.load(out)
    assert every.shape == (3, 2, 5, 32) and every.dtype == np.float32
    for layer in range(3):
        for place, pooling in enumerate(order.split()):
            alone = xstilts.embed(encoder_folder(), TEXTS, layer=layer, pooling=pooling).vectors
            np.testing.assert_allclose(every[layer, place], alone, rtol=1e-5, atol=1e-6)
    one = xstilts.embed(encoder_folder(), TEXTS, layer=1, pooling=asked).vectors
    np.testing.assert_allclose(one, every[1], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("asked", ["mean,mean", "mean,", "", "mean,last"])
def test_poolings_that_are_none_or_named_twice_are_refused(encoder_folder, asked):
    with pytest.raises(UnknownNameError, match="pooling") as caught:
        xstilts.embed(encoder_folder(), TEXTS, pooling=asked)
    assert "mean,first" in caught.value.expected and "all" in caught.value.expected


def test_an_encoder_layer_or_text_that_is_not_there_is_refused(tmp_path, encoder_folder):
    with pytest.raises(EncoderError, match="no layer 3"):
        xstilts.embed(encoder_folder(), TEXTS, layer=3)
    with pytest.raises(EncoderError, match=r"no layer 1\.5"):
        xstilts.embed(encoder_folder(), TEXTS, layer=1.5)
    for layer in (float("nan"), float("inf"), 10**400, -1, -0.5):
        with pytest.raises(EncoderError, match="no layer"):
            xstilts.embed(encoder_folder(), TEXTS, layer=layer)
    with pytest.raises(EncoderError, match="no encoder folder") as absent:
        xstilts.embed(tmp_path / "no", TEXTS)
    assert absent.value.where == "--encoder" and "--encoder FOLDER" in absent.value.do
    with pytest.raises(UnknownNameError, match="Did you mean 'mean'"):
        xstilts.embed(encoder_folder(), TEXTS, pooling="meen")
    with pytest.raises(DataError, match="There is no sentence"):
        xstilts.embed(encoder_folder(), [])
    (tmp_path / "latin.txt").write_bytes("é\n".encode("latin-1"))
    with pytest.raises(DataError, match="not UTF-8") as caught:
        xstilts.embed(encoder_folder(), tmp_path / "latin.txt")
    assert caught.value.do == "save the file as UTF-8"


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json"])
def test_an_encoder_whose_files_are_damaged_is_refused(tmp_path, encoder_folder, name):
    folder = tmp_path / "damaged"
    shutil.copytree(encoder_folder(), folder)
    (folder / name).write_bytes((folder / name).read_bytes()[:-100])
    with pytest.raises(EncoderError, match="cannot be loaded") as caught:
        xstilts.embed(folder, TEXTS)
    assert caught.value.where == str(folder)


def test_cutting_texts_a_few_at_a_time_changes_nothing(encoder_folder, monkeypatch):
    tokenizer = load_tokenizer(encoder_folder())
    whole, cut = encode_texts(tokenizer, TEXTS, 20)
    monkeypatch.setattr("xstilts.data.tokens._TEXTS", 2)
    parts, also_cut = encode_texts(tokenizer, TEXTS, 20)
    assert cut == also_cut > 0 and len(whole.lengths) == 5
    for name in ("ids", "starts", "example"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(parts, name))


def test_no_input_is_overwritten_be_it_by_another_name(sides, tmp_path):
    a, b = sides
    before = [path.read_bytes() for path in sides]
    (tmp_path / "link.npy").symlink_to(b)
    for out in (a, b, tmp_path / "link.npy", tmp_path / ".." / tmp_path.name / "a.npy"):
        for write in (lambda out: api.mine(a, b, out), lambda out: api.retrieve(a, b, out, k=3)):
            with pytest.raises(DataError, match="is an input"):
                write(out)
    text = tmp_path / "text"
    text.write_text("One.\n")
    with pytest.raises(DataError, match="is an input"):
        api.embed("no encoder", text, text)
    assert [path.read_bytes() for path in sides] == before
    assert text.read_text() == "One.\n"
