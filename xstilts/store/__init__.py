"""Results on disk, locks, and digests of files."""

from xstilts.store.digests import Digests
from xstilts.store.store import Store

__all__ = ["Digests", "Store"]
