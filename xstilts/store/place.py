"""A store from what a user names: a folder, or a URL with its cache."""

import hashlib
import os
import re
from pathlib import Path

from xstilts.core.errors import StoreError
from xstilts.store.store import Store

_GIGABYTES = "50"


def store_at(address: str | Path) -> Store:
    """The store in a folder or behind a URL.

    Results of a URL are worked on and kept in a folder of their own in ``$XSTILTS_CACHE`` (else
    ``~/.cache/xstilts``), up to ``$XSTILTS_CACHE_GIGABYTES`` (else 50).

    Raises:
        StoreError: for an unknown kind of URL, credentials in it, or a bound that is none.
    """
    if "://" not in str(address):
        return Store(Path(address).expanduser())
    url = str(address).rstrip("/")
    scheme, _, rest = url.partition("://")
    _require_known(scheme)
    if "@" in rest or "?" in rest or scheme in ("", "file", "local"):
        raise StoreError(
            f"A store cannot be named like this {scheme or 'empty'} URL",  # it may hold a secret
            where="--store, or XSTILTS_HOME",
            expected="SCHEME://BUCKET/PREFIX with no user, password or query, or a folder by its "
            "path; credentials come from the environment (AWS_PROFILE, AWS_ACCESS_KEY_ID …)",
            do="--store s3://BUCKET/PREFIX, or --store DIR",
        )
    said = os.environ.get("XSTILTS_CACHE_GIGABYTES") or _GIGABYTES
    try:
        limit = int(float(said) * 1e9)
    except (ValueError, OverflowError):
        limit = -1
    if limit < 0:
        raise StoreError(
            f"The cache cannot be bounded by {said!r} gigabytes",
            where="XSTILTS_CACHE_GIGABYTES",
            expected="a number of at least 0",
            do=f"export XSTILTS_CACHE_GIGABYTES={_GIGABYTES}",
        )
    caches = Path(os.environ.get("XSTILTS_CACHE") or "~/.cache/xstilts").expanduser()
    name = re.sub(r"[^A-Za-z0-9.]+", "-", url).strip("-.")[-60:]
    folder = caches / f"{name}-{hashlib.sha256(url.encode()).hexdigest()[:8]}"
    return Store(folder, url, limit)


def _require_known(scheme: str) -> None:
    from fsspec import available_protocols

    if scheme not in available_protocols():
        raise StoreError(
            f"No store can lie behind {scheme}://",
            where="--store, or XSTILTS_HOME",
            expected="a kind of URL that fsspec knows, such as s3, gs, abfs",
            do="--store s3://BUCKET/PREFIX, or --store DIR",
        )
