"""Results on disk and behind a URL, locks, and digests of files."""

from xstilts.store.digests import Digests
from xstilts.store.place import store_at
from xstilts.store.store import Store

__all__ = ["Digests", "Store", "store_at"]
