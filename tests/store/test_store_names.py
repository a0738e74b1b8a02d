"""Which folder or URL a user may name."""

import pickle
from pathlib import Path

import pytest

from xstilts.core.errors import StoreError
from xstilts.store import store_at


@pytest.fixture(autouse=True)
def caches(tmp_path, monkeypatch):
    monkeypatch.setenv("XSTILTS_CACHE", str(tmp_path))
    monkeypatch.delenv("XSTILTS_CACHE_GIGABYTES", raising=False)
    return tmp_path


def test_a_path_is_a_folder_without_anything_behind_it(tmp_path):
    store = store_at(tmp_path / "here")
    assert (store.root, store.remote) == (tmp_path / "here", None)
    assert store_at("~/here").root == Path.home() / "here"


def test_every_url_has_a_cache_of_its_own(caches):
    roots = {store_at(f"s3://{x}").root for x in ("b/p", "b/q", "b-p", "c/p", "b/p/")}
    assert len(roots) == 4, "a slash at the end makes no difference"
    assert all(root.parent == caches for root in roots)


def test_a_store_crosses_to_another_process_as_its_address():
    store = store_at("s3://bucket/prefix")
    copy = pickle.loads(pickle.dumps(store))
    assert (copy.root, copy.remote.url) == (store.root, "s3://bucket/prefix")


@pytest.mark.parametrize(
    "url", ["s3://key:hush-hush@bucket/p", "s3://b/p?secret=hush-hush", "file:///tmp/hush-hush"]
)
def test_a_url_with_credentials_or_of_a_plain_folder_is_refused_and_not_repeated(url):
    with pytest.raises(StoreError, match="AWS_PROFILE") as told:
        store_at(url)
    assert "hush" not in str(told.value)


@pytest.mark.parametrize("said", ["many", "-1", "nan", "inf"])
def test_a_bound_that_is_none_is_refused(said, monkeypatch):
    monkeypatch.setenv("XSTILTS_CACHE_GIGABYTES", said)
    with pytest.raises(StoreError, match=f"{said}.*gigabytes"):
        store_at("s3://bucket/prefix")


def test_an_unknown_kind_of_url_and_a_missing_package_are_said_with_what_to_do(monkeypatch):
    with pytest.raises(StoreError, match="No store can lie behind nowhere://"):
        store_at("nowhere://bucket")

    def absent(*arguments, **options):
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr("fsspec.core.url_to_fs", absent)
    with pytest.raises(StoreError, match=r"pip install 'xstilts\[s3\]'"):
        store_at("s3://bucket/prefix").gather([("a", "b")])
