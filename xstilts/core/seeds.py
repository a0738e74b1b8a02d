"""One way to turn a declared seed into the many streams that a run needs."""

import hashlib


def derive(seed: int, *purpose: str | int) -> int:
    """A 63-bit seed for one purpose, independent of every other purpose.

    A hash, not ``seed + offset``: neighbouring run seeds must not share streams.
    """
    text = "\x1f".join(str(part) for part in (seed, *purpose))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def rank(seed: int, name: str) -> str:
    """A sort key that puts names in a seeded random order, each name on its own.

    Adding or removing one name never changes the order of the others.
    """
    return hashlib.sha256(f"{seed}\x1f{name}".encode()).hexdigest()
