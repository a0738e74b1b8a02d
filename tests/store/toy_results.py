"""Builders of the same small result, run as processes of their own by the tests of the store."""

import sys
import time
from pathlib import Path

from xstilts.store import Store

ADDRESS, KEY, IDENTITY = "toy/slow", "0123456789abcdef", '{"config":{"kind":"Toy"}}'


def build(store: Store, seconds: float = 0.0, **how) -> bool:
    """Build the toy result; the builder says when it has begun."""

    def write(folder: Path) -> dict[str, object]:
        (folder / "part.txt").write_text("first half")
        print("began", flush=True)
        time.sleep(seconds)
        (folder / "whole.txt").write_text("all of it")
        return {"n": 2}

    return store.build(ADDRESS, KEY, IDENTITY, write, made={"by": "toy"}, **how)


if __name__ == "__main__":
    root, seconds = sys.argv[1:]
    waited: list[str] = []
    built = build(Store(Path(root)), float(seconds), waiting=waited.append)
    value = Store(Path(root)).open(ADDRESS, KEY, IDENTITY).value
    print(f"built={built} waited={','.join(waited)} value={value['n']}", flush=True)
