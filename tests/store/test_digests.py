import hashlib
import os

from xstilts.store import Digests
from xstilts.store import digests as module


def test_a_digest_is_the_sha256_of_the_bytes(tmp_path):
    (tmp_path / "a").write_bytes(b"bytes")
    found = Digests(tmp_path / "memory.json").of(tmp_path / "a")
    assert found == hashlib.sha256(b"bytes").hexdigest()


def test_digests_are_remembered_between_processes(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(b"bytes")
    first = Digests(tmp_path / "deep" / "memory.json")
    found = first.of(tmp_path / "a")
    first.save()
    monkeypatch.setattr(module, "sha256", lambda path: "read again")
    assert Digests(tmp_path / "deep" / "memory.json").of(tmp_path / "a") == found


def test_a_file_that_changed_is_read_again(tmp_path):
    file = tmp_path / "a"
    file.write_bytes(b"bytes")
    digests = Digests(tmp_path / "memory.json")
    before = digests.of(file)
    file.write_bytes(b"other bytes")
    assert digests.of(file) == hashlib.sha256(b"other bytes").hexdigest() != before


def test_a_file_of_the_same_size_and_another_time_is_read_again(tmp_path):
    file = tmp_path / "a"
    file.write_bytes(b"bytes")
    digests = Digests(tmp_path / "memory.json")
    before = digests.of(file)
    file.write_bytes(b"BYTES")
    os.utime(file, ns=(1, 1))
    assert digests.of(file) != before


def test_another_file_moved_into_the_place_is_read_again(tmp_path):
    file, other = tmp_path / "a", tmp_path / "b"
    for path, text in ((file, b"bytes"), (other, b"BYTES")):
        path.write_bytes(text)
        os.utime(path, ns=(1, 1))
    digests = Digests(tmp_path / "memory.json")
    before = digests.of(file)
    other.rename(file)
    assert digests.of(file) != before


def test_a_broken_memory_is_forgotten(tmp_path):
    (tmp_path / "a").write_bytes(b"bytes")
    (tmp_path / "memory.json").write_text("{")
    digests = Digests(tmp_path / "memory.json")
    assert digests.of(tmp_path / "a") == hashlib.sha256(b"bytes").hexdigest()
    digests.save()
    assert (tmp_path / "memory.json").read_text().startswith('{"')


def test_the_digest_of_several_files_depends_on_names_and_bytes_not_on_the_place(tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        for name in ("a", "b"):
            (tmp_path / folder / name).write_text(name)
    digests = Digests(tmp_path / "memory.json")

    def of(folder):
        return digests.of_all([tmp_path / folder / name for name in ("a", "b")])

    assert of("one") == of("two")
    (tmp_path / "two" / "b").write_text("B")
    assert of("one") != of("two")
