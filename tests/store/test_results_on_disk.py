import json
import shutil
from pathlib import Path

import pytest
from toy_results import ADDRESS, IDENTITY, KEY, build

from xstilts.core.errors import CorruptResultError
from xstilts.store import Store


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


@pytest.fixture
def built(store):
    assert build(store)
    return store


def place(store, name="whole.txt"):
    return store.path(ADDRESS, KEY) / name


def test_a_result_is_opened_as_it_was_written(built):
    result = built.open(ADDRESS, KEY, IDENTITY)
    assert result.value == {"n": 2}
    assert result.key == KEY
    assert (result.folder / "whole.txt").read_text() == "all of it"


def test_the_record_holds_identity_checksums_and_how_it_was_made(built):
    record = json.loads(place(built, "record.json").read_text())
    assert record["identity"] == IDENTITY
    assert set(record["files"]) == {"part.txt", "whole.txt"}
    assert record["files"]["whole.txt"]["bytes"] == 9
    assert record["made"]["by"] == "toy"
    assert record["made"]["seconds"] >= 0


def test_building_twice_builds_once(built):
    assert not build(built)


def test_a_crash_while_writing_leaves_nothing_that_looks_finished(store):
    def crash(folder):
        (folder / "whole.txt").write_text("all of it")
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        store.build(ADDRESS, KEY, IDENTITY, crash, made={})
    assert store.record(ADDRESS, KEY) is None
    assert not list(store.root.rglob("record.json"))
    assert build(store)


def test_a_value_that_is_no_json_leaves_nothing_that_looks_finished(store):
    with pytest.raises(ValueError, match="JSON compliant"):
        store.build(ADDRESS, KEY, IDENTITY, lambda folder: {"score": float("nan")}, made={})
    assert store.record(ADDRESS, KEY) is None


def test_what_a_crash_left_is_removed_unless_the_stage_resumes(store):
    def crash(folder):
        (folder / "left.txt").write_text("over")
        raise RuntimeError

    def look(folder):
        return {"left": (folder / "left.txt").exists()}

    for resumes in (False, True):
        with pytest.raises(RuntimeError):
            store.build(ADDRESS, f"{resumes:1}", IDENTITY, crash, made={})
        store.build(ADDRESS, f"{resumes:1}", IDENTITY, look, made={}, resumes=resumes)
        record = json.loads((store.path(ADDRESS, f"{resumes:1}") / "record.json").read_text())
        assert record["value"] == {"left": resumes}


def test_a_crash_between_record_and_rename_is_mended_by_the_next_build(store, monkeypatch):
    def no_rename(self, target):
        raise OSError("power cut")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", no_rename)
        with pytest.raises(OSError, match="power cut"):
            build(store, resumes=True)
    assert store.record(ADDRESS, KEY) is None
    assert build(store, resumes=True)
    assert store.open(ADDRESS, KEY, IDENTITY).value == {"n": 2}


def test_a_changed_byte_is_found_when_a_result_is_opened(built):
    place(built).write_text("all of IT")
    assert built.record(ADDRESS, KEY) is not None, "same size: only the checksum can tell"
    with pytest.raises(CorruptResultError, match=r"whole\.txt does not match its checksum"):
        Store(built.root).open(ADDRESS, KEY, IDENTITY)


def test_a_byte_that_changes_after_it_was_checked_is_found_too(built):
    built.open(ADDRESS, KEY, IDENTITY)
    place(built).write_text("all of IT")
    with pytest.raises(CorruptResultError, match="checksum"):
        built.open(ADDRESS, KEY, IDENTITY)


def test_a_truncated_file_is_found_by_reading_the_record_alone(built):
    place(built).write_text("all")
    with pytest.raises(CorruptResultError, match="has 3 bytes, its record says 9"):
        built.record(ADDRESS, KEY)


def test_an_absent_file_is_found_by_reading_the_record_alone(built):
    place(built).unlink()
    with pytest.raises(CorruptResultError, match=r"whole\.txt is gone"):
        built.record(ADDRESS, KEY)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"address": "toy/slow"}'])
def test_a_broken_record_is_refused(built, text):
    place(built, "record.json").write_text(text)
    with pytest.raises(CorruptResultError, match="is not a record"):
        built.record(ADDRESS, KEY)


def test_the_record_of_another_result_is_refused(built):
    shutil.copytree(built.path(ADDRESS, KEY), built.path(ADDRESS, "f" * 16))
    with pytest.raises(CorruptResultError, match="the record of another result"):
        built.open(ADDRESS, "f" * 16)


def test_a_record_with_another_identity_is_refused(built):
    with pytest.raises(CorruptResultError, match="the record of another result"):
        built.record(ADDRESS, KEY, IDENTITY.replace("Toy", "Tot"))


def test_what_is_not_there_has_no_record_and_cannot_be_opened(store):
    assert store.record(ADDRESS, KEY) is None
    with pytest.raises(CorruptResultError, match="is not there"):
        store.open(ADDRESS, KEY)


def test_setting_aside_keeps_the_files_and_frees_the_place(built):
    aside = built.set_aside(ADDRESS, KEY)
    assert (aside / "whole.txt").read_text() == "all of it"
    assert built.record(ADDRESS, KEY) is None
    assert build(built)
    assert built.set_aside(ADDRESS, KEY) != aside


def test_pruning_deletes_files_and_keeps_the_record(built):
    built.prune(ADDRESS, KEY, ["whole.txt"])
    record = built.record(ADDRESS, KEY, IDENTITY)
    assert record["pruned"] == ["whole.txt"]
    assert record["value"] == {"n": 2}
    assert not place(built).exists()
    assert place(built, "part.txt").exists()
    assert built.open(ADDRESS, KEY, IDENTITY).value == {"n": 2}


def test_pruning_what_is_not_there_does_nothing(store):
    store.prune(ADDRESS, KEY, ["whole.txt"])
    assert store.record(ADDRESS, KEY) is None


def test_records_of_an_address_come_newest_first(store):
    for i, key in enumerate(["a" * 16, "b" * 16, "c" * 16]):
        store.build(ADDRESS, key, IDENTITY, lambda folder, i=i: {"n": i}, made={})
    assert [r["value"]["n"] for r in store.records(ADDRESS)] == [2, 1, 0]
    assert store.records("toy/other") == []


def test_a_broken_record_is_left_out_of_the_records_of_its_address(store):
    for key in ("a" * 16, "b" * 16):
        store.build(ADDRESS, key, IDENTITY, lambda folder: {}, made={})
    (store.path(ADDRESS, "a" * 16) / "record.json").write_text('{"addre')
    assert [r["key"] for r in store.records(ADDRESS)] == ["b" * 16]
    assert store.sound(ADDRESS, "a" * 16) is None


def test_setting_aside_what_another_run_has_set_aside_is_no_error(built):
    built.set_aside(ADDRESS, KEY)
    built.set_aside(ADDRESS, KEY)
    assert built.record(ADDRESS, KEY) is None


def test_half_a_record_of_a_killed_build_is_no_file_of_the_result(store):
    def crash(folder):
        (folder / "record.json.123").write_text("{")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        store.build(ADDRESS, KEY, IDENTITY, crash, made={})
    store.build(ADDRESS, KEY, IDENTITY, lambda folder: {}, made={}, resumes=True)
    assert store.record(ADDRESS, KEY)["files"] == {}
