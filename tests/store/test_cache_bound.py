"""A cache stays within its bound, and keeps what is used."""

import pytest
from toy_results import ADDRESS, IDENTITY

from xstilts.store import Store

KEYS = [f"{i:016x}" for i in range(6)]
SIZE = 10_000


@pytest.fixture
def cache(tmp_path, request):
    """A cache for about four results before a memory that lasts as long as the process."""
    pytest.importorskip("fsspec")
    return Store(tmp_path / "cache", f"memory://{tmp_path.name}-{request.node.name}", 4 * SIZE)


def make(store, key):
    store.build(ADDRESS, key, IDENTITY, filled, made={})
    store.publish(ADDRESS, key)


def filled(folder):
    (folder / "bytes").write_bytes(bytes(SIZE))
    return {}


def here(store):
    return [key for key in KEYS if store.is_here(ADDRESS, key)]


def test_what_was_used_longest_ago_goes_first_and_can_be_had_again(cache):
    for key in KEYS[:3]:
        make(cache, key)
    with cache.uses.scope():
        cache.open(ADDRESS, KEYS[0])
    make(cache, KEYS[3])
    assert here(cache) == [KEYS[0], KEYS[2], KEYS[3]]
    assert cache.record(ADDRESS, KEYS[1]) is not None
    assert (cache.open(ADDRESS, KEYS[1]).folder / "bytes").stat().st_size == SIZE


def test_the_bound_holds_after_every_result(cache):
    for key in KEYS:
        make(cache, key)
        steps = [p for p in (cache.root / "steps").rglob("*") if p.is_file()]
        assert sum(p.stat().st_size for p in steps) <= 4 * SIZE


def test_what_is_in_use_is_never_evicted_and_is_when_it_is_no_more(cache):
    with cache.uses.scope():
        for key in KEYS[:2]:
            make(cache, key)
            cache.open(ADDRESS, key)
        other = Store(cache.root, cache.remote.url, 4 * SIZE)  # as another process would
        for key in KEYS[2:]:
            make(other, key)
        assert here(cache)[:2] == KEYS[:2]
    for key in ("e" * 16, "f" * 16):
        make(cache, key)
    assert not set(here(cache)) & set(KEYS[:2])


def test_what_could_not_be_published_is_never_evicted(cache):
    for key in KEYS:
        cache.build(ADDRESS, key, IDENTITY, filled, made={})
    assert here(cache) == KEYS
    cache.share([(ADDRESS, key) for key in KEYS])
    make(cache, "f" * 16)
    assert len(here(cache)) < 4
    assert all(cache.record(ADDRESS, key) for key in KEYS)


def test_a_plain_folder_has_no_bound(tmp_path):
    store = Store(tmp_path)
    for key in KEYS:
        make(store, key)
    assert here(store) == KEYS
