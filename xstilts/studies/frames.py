"""Data frames in and out: what is missing is None, never NaN."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd


def plain_rows(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a frame; what is missing, or an empty text, is None."""
    names = [str(column) for column in rows.columns]
    return [
        {name: _plain(value) for name, value in zip(names, row, strict=True)}
        for row in rows.itertuples(index=False, name=None)
    ]


def _plain(value: Any) -> Any:
    missing = pd.api.types.is_scalar(value) and pd.isna(value)
    return None if missing or (isinstance(value, str) and not value) else value


def frame(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Rows as a frame in which None stays, also for what a row does not say."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    return pd.DataFrame([{name: row.get(name) for name in names} for row in rows], dtype=object)
