import pytest

from xstilts.store import Store


@pytest.fixture
def machine(tmp_path):
    """A store on a machine of its own before the given URL."""

    def at(name, url, limit=10**9):
        return Store(tmp_path / name, url, limit)

    return at
