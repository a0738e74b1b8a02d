"""Claims and their verdicts, as ``xstilts claims`` prints them: text, CSV or JSON."""

import json
import textwrap
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from xstilts.core.errors import UnknownNameError
from xstilts.studies.frames import plain_rows
from xstilts.studies.numerals import count, gain, interval

if TYPE_CHECKING:
    import pandas as pd

_WIDTH = 100


def claims_text(claims: "pd.DataFrame", format: str = "table") -> str:
    """Write claims, as ``xstilts.studies.verdicts`` returns them.

    ``csv`` and ``json`` hold every column with full precision; what does not apply is an empty
    field or ``null``.

    Raises:
        UnknownNameError: for another format than ``table``, ``csv`` and ``json``.
    """
    writers: dict[str, Callable[[pd.DataFrame], str]] = {
        "table": _text, "csv": _csv, "json": _json
    }  # fmt: skip
    if format not in writers:
        do = "xstilts claims RECIPE --format csv"
        raise UnknownNameError("format", format, writers, where="--format", do=do)
    return writers[format](claims)


def _csv(claims: "pd.DataFrame") -> str:
    return str(claims.to_csv(index=False, lineterminator="\n"))


def _json(claims: "pd.DataFrame") -> str:
    lines = [json.dumps(row, ensure_ascii=False, allow_nan=False) for row in plain_rows(claims)]
    return "[" + ",".join(f"\n  {line}" for line in lines) + "\n]\n"


def _text(claims: "pd.DataFrame") -> str:
    """A block a claim: a table of fourteen columns fits no screen."""
    rows = plain_rows(claims)
    several = len({row["encoder"] for row in rows}) > 1
    return "\n".join(_block(row, several) for row in rows)


def _block(row: dict[str, Any], several: bool) -> str:
    told = {
        "encoder": row["encoder"] if several else None,
        "effect": _effect(row),
        "published": _number(row["published"]),
        "scope": row["scope"],
        "cells": row["cells"],
        "note": row["note"],
        "source": _source(row),
    }
    lines = [f"{row['id']}: {row['verdict']}", *_wrapped("", row["statement"])]
    for name, text in told.items():
        lines += _wrapped(f"{name}: ", text) if text else []
    return "\n".join(lines) + "\n"


def _wrapped(name: str, text: str) -> list[str]:
    return textwrap.wrap(name + text, _WIDTH, initial_indent="  ", subsequent_indent="    ")


def _effect(row: dict[str, Any]) -> str | None:
    if row["effect"] is None:
        return None
    if row["low"] is None:
        return _number(row["effect"])
    return f"{gain(row['effect'])} points {interval(row['low'], row['high'])}"


def _number(value: float | None) -> str | None:
    """A number of a claim: whole ones as counts."""
    if value is None:
        return None
    return count(value) if float(value).is_integer() else f"{value:.1f}"


def _source(row: dict[str, Any]) -> str | None:
    if row["source"] is None:
        return None
    confidence = f", confidence {row['source_confidence']}" if row["source_confidence"] else ""
    verdict = f" ({row['source_verdict']}{confidence})" if row["source_verdict"] else ""
    return f"{row['source']}{verdict}"
