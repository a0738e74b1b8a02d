"""What one machine publishes another finds, whatever happens on the way; on a real S3 server."""

import json

import pytest
from misbehaving_s3 import SECRET
from toy_results import ADDRESS, IDENTITY, KEY, build

from xstilts.core.errors import CorruptResultError, StoreError
from xstilts.store import Store
from xstilts.store.remote import without_secrets

NAME = (ADDRESS, KEY)


@pytest.fixture
def published(s3, machine):
    """A store whose toy result is on the server."""
    store = machine("first", s3.url)
    build(store)
    store.publish(*NAME)
    s3.requests.clear()
    return store


@pytest.fixture
def objects(s3):
    """The server's objects: what each is called, with a file system to change it."""
    import s3fs

    fs = s3fs.S3FileSystem(use_listings_cache=False, skip_instance_cache=True)

    def named(part):
        (found,) = [p for p in fs.find(s3.url) if part in p]
        return fs, found

    return named


def digest_of(store, name):
    return store.record(*NAME)["files"][name]["sha256"]


def test_another_machine_opens_what_one_has_published(s3, published, machine):
    other = machine("second", s3.url)
    result = other.open(*NAME, IDENTITY)
    assert (result.folder / "whole.txt").read_text() == "all of it"
    assert result.value == {"n": 2}
    assert result.folder.is_relative_to(other.root)
    assert other.record(*NAME) == published.record(*NAME)


def test_what_is_published_is_not_built_again_elsewhere(s3, published, machine):
    assert not build(machine("second", s3.url))


def test_a_record_is_written_after_all_its_files(s3, machine):
    store = machine("first", s3.url)
    build(store)
    store.publish(*NAME)
    written = [path for method, path in s3.requests if method == "PUT" and "/prefix/" in path]
    assert ["/steps/" in path for path in written] == [True, True, False]


def test_what_was_fetched_once_is_not_fetched_again(s3, published, machine):
    machine("second", s3.url).open(*NAME)
    s3.requests.clear()
    assert machine("second", s3.url).open(*NAME).value == {"n": 2}
    assert s3.requests == []


def test_a_plan_asks_once_however_many_steps_it_has(s3, published, machine):
    steps = [(ADDRESS, f"{i:016x}") for i in range(500)]
    other = machine("second", s3.url)
    other.gather([*steps, NAME])
    assert [name for name in (*steps, NAME) if other.record(*name)] == [NAME]
    assert len(s3.requests) == 2, "the listing, and the one record that is there"
    again = machine("second", s3.url)
    s3.requests.clear()
    again.gather([*steps, NAME])
    assert again.record(*NAME) and len(s3.requests) == 1


def test_records_of_an_address_are_those_of_all_machines(s3, published, machine):
    other = machine("second", s3.url)
    other.build(ADDRESS, "f" * 16, IDENTITY, lambda folder: {"n": 3}, made={})
    assert [r["value"]["n"] for r in other.records(ADDRESS)] == [3, 2]
    assert other.records("toy/other") == []


def test_of_two_publishers_the_first_record_stays_and_both_results_are_whole(s3, machine):
    first, second = machine("first", s3.url), machine("second", s3.url)
    for store in (first, second):  # neither has seen the other's
        store.build(*NAME, IDENTITY, lambda f, s=store: written(f, s.root.name), made={})
    for store in (first, second):
        store.publish(*NAME)
    assert machine("third", s3.url).open(*NAME).value == {"by": "first"}
    assert second.open(*NAME).value == {"by": "second"}
    s3.requests.clear()
    second.publish(*NAME)
    assert s3.requests == [], "it knows now that the result is there"


def written(folder, text):
    (folder / "whole.txt").write_text(text)
    return {"by": text}


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda fs, path: fs.pipe_file(path, b"all"), "has 3 bytes, its record says 9"),
        (lambda fs, path: fs.pipe_file(path, b"all of IT"), "does not match its checksum"),
        (lambda fs, path: fs.rm_file(path), r"whole\.txt is gone"),
    ],
    ids=["truncated", "changed", "missing"],
)
def test_a_damaged_object_is_refused_set_aside_and_built_anew(
    s3, published, machine, objects, damage, said
):
    damage(*objects(digest_of(published, "whole.txt")))
    other = machine("second", s3.url)
    with pytest.raises(CorruptResultError, match=f"{said}, as fetched from {s3.url}"):
        other.open(*NAME)
    aside = other.set_aside(*NAME)
    assert (aside / "record.json").exists()
    assert other.record(*NAME) is None
    assert machine("third", s3.url).record(*NAME) is None
    assert json.loads(objects("/aside/")[0].cat_file(objects("/aside/")[1]))["key"] == KEY
    assert build(other)
    other.publish(*NAME)
    assert machine("fourth", s3.url).open(*NAME).value == {"n": 2}


def test_damage_on_one_machine_only_is_mended_from_the_server(s3, published):
    (published.path(*NAME) / "whole.txt").write_text("all of IT")
    with pytest.raises(CorruptResultError, match="checksum"):
        Store(published.root, s3.url, 10**9).open(*NAME)
    published.set_aside(*NAME)
    assert (published.open(*NAME).folder / "whole.txt").read_text() == "all of it"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"address": "toy/slow"}'])
def test_a_broken_record_on_the_server_is_refused(s3, published, machine, objects, text):
    fs, path = objects("/records/")
    fs.pipe_file(path, text.encode())
    other = machine("second", s3.url)
    with pytest.raises(CorruptResultError, match=f"{s3.url}/records/.*is not a record"):
        other.record(*NAME)
    other.set_aside(*NAME)
    assert other.record(*NAME) is None


def test_a_record_that_names_a_file_elsewhere_writes_nothing_there(
    s3, published, machine, objects, tmp_path
):
    fs, path = objects("/records/")
    record = json.loads(fs.cat_file(path))
    record["files"]["../../../escaped.txt"] = record["files"].pop("whole.txt")
    fs.pipe_file(path, json.dumps(record).encode())
    with pytest.raises(CorruptResultError, match=r"names the file '\.\./\.\./\.\./escaped"):
        machine("second", s3.url).open(*NAME)
    assert not list(tmp_path.rglob("escaped.txt"))


@pytest.mark.parametrize("lost", ["/steps/", "/records/"])
def test_a_connection_lost_while_publishing_loses_nothing(s3, machine, lost):
    store = machine("first", s3.url)
    build(store)
    s3.refuse = lambda method, path: method == "PUT" and lost in path
    with pytest.raises(StoreError, match="cannot be written") as told:
        store.publish(*NAME)
    assert s3.url in told.value.what and str(store.root) in told.value.do
    assert store.open(*NAME).value == {"n": 2}
    s3.reset()
    assert machine("second", s3.url).record(*NAME) is None, "no record, no result"
    machine("first", s3.url).share([NAME])
    assert machine("second", s3.url).open(*NAME).value == {"n": 2}


def test_a_connection_lost_while_reading_leaves_nothing_that_looks_finished(s3, published, machine):
    other = machine("second", s3.url)
    s3.cut = lambda method, path: "/steps/" in path
    with pytest.raises(StoreError, match="cannot be read"):
        other.open(*NAME)
    assert not other.is_here(*NAME)
    s3.reset()
    assert (other.open(*NAME).folder / "whole.txt").read_text() == "all of it"


def test_a_server_that_is_away_is_an_error_before_anything_runs(s3, machine):
    s3.refuse = lambda method, path: True
    with pytest.raises(StoreError, match="cannot be listed") as told:
        machine("first", s3.url).gather([NAME])
    assert "Connection" in told.value.what or "closed" in told.value.what


def test_a_step_is_built_while_the_server_is_away(s3, machine):
    s3.refuse = lambda method, path: True
    assert build(machine("first", s3.url))


def test_a_bucket_that_does_not_exist_is_said_at_once(s3, machine):
    with pytest.raises(StoreError, match="does not exist"):
        machine("first", "s3://no-such-bucket/prefix").gather([NAME])


def test_no_secret_is_in_what_is_written_or_said(s3, published, monkeypatch):
    s3.refuse = lambda method, path: True
    with pytest.raises(StoreError) as told:
        Store(published.root / "x", s3.url, 1).gather([NAME])
    kept = [p.read_text() for p in published.root.rglob("*") if p.is_file()]
    assert not [text for text in [str(told.value), *kept] if SECRET in text]
    assert without_secrets(f"denied: {SECRET}!") == "denied: $AWS_SECRET_ACCESS_KEY!"


def test_pruned_files_are_gone_on_the_server_too_and_a_rebuild_brings_them_back(
    s3, published, machine
):
    published.prune(*NAME, ["whole.txt"])
    other = machine("second", s3.url)
    assert other.record(*NAME)["pruned"] == ["whole.txt"]
    folder = other.open(*NAME).folder
    assert {p.name for p in folder.iterdir()} == {"part.txt", "record.json"}
    assert build(other)
    other.share([NAME])
    third = machine("third", s3.url)
    assert (third.open(*NAME).folder / "whole.txt").read_text() == "all of it"


def test_what_another_machine_pruned_and_a_third_rebuilt_is_fetched_not_built(
    s3, published, machine
):
    published.prune(*NAME, ["whole.txt"])
    second = machine("second", s3.url)
    build(second)
    second.publish(*NAME)
    assert not build(published)
    assert (published.path(*NAME) / "whole.txt").exists()


def test_a_store_that_was_local_is_published_by_the_next_run(s3, machine, tmp_path):
    build(Store(tmp_path / "first"))
    machine("first", s3.url).share([NAME])
    assert machine("second", s3.url).open(*NAME).value == {"n": 2}


def test_deleting_takes_a_result_from_here_and_from_the_server(s3, published, machine):
    assert list(published.names()) == [NAME]
    published.delete(*NAME)
    assert published.names() == {} == machine("second", s3.url).names()
