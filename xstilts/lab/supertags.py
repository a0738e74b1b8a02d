"""Combinatory categories of the source language's words, and the derivation that proves them.

Categories are those of combinatory categorial grammar (Steedman 2000), read off the slots of the
grammar. A derivation uses application only and ends in one ``S``.
"""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from xstilts.lab.grammar import Token
from xstilts.lab.words import CLASS_OF, NAMES

_DOES = "S\\NP"
_OF_DOING = f"({_DOES})\\({_DOES})"
_BEFORE = "(S/S)"


class Node(NamedTuple):
    """A constituent: its category, the tokens it covers, and its two parts (none for a word)."""

    category: str
    first: int
    last: int
    parts: tuple["Node", ...] = ()


def categories(tokens: Sequence[Token]) -> list[str]:
    """The category of every token of a sentence in the source language."""
    out = []
    fronted = _fronted(tokens)
    for at, token in enumerate(tokens):
        prefix = "second." if token.slot.startswith("second.") else ""
        there = {t.slot.removeprefix(prefix) for t in tokens if t.slot.startswith(prefix)}
        is_be = _is_be(tokens, prefix)
        out.append(_category(token, there, is_be, at in fronted))
    return out


def derivation(tags: Sequence[str]) -> Node | None:
    """A way to put the categories together to ``S`` by application; None where there is none."""
    size = len(tags)
    known: dict[tuple[int, int], dict[str, Node]] = {
        (i, i + 1): {tag: Node(tag, i, i + 1)} for i, tag in enumerate(tags)
    }
    for width in range(2, size + 1):
        for first in range(size - width + 1):
            last = first + width
            here = known[first, last] = {}
            for middle in range(first + 1, last):
                for left in known[first, middle].values():
                    for right in known[middle, last].values():
                        made = _applied(left.category, right.category)
                        if made and made not in here:
                            here[made] = Node(made, first, last, (left, right))
    return known[0, size].get("S")


def bracketed(node: Node, tokens: Sequence[Token]) -> str:
    """A derivation as CCGbank's ``.auto`` files write it."""
    if not node.parts:
        token = tokens[node.first]
        tag = token.tag
        return f"(<L {node.category} {tag} {tag} {token.form} {node.category}>)"
    left, right = node.parts
    head = 0 if _split(left.category)[1] == "/" else 1
    inside = f"{bracketed(left, tokens)} {bracketed(right, tokens)}"
    return f"(<T {node.category} {head} 2> {inside} )"


def _fronted(tokens: Sequence[Token]) -> set[int]:
    """The tokens of a place or time that stands first: before a comma, and no link."""
    commas = [i for i, t in enumerate(tokens) if t.word == ","]
    start = 2 if tokens[0].slot == "link" else 0
    return set(range(start, commas[-1])) if commas and commas[-1] > start else set()


def _is_be(tokens: Sequence[Token], prefix: str) -> bool:
    words = [t.word for t in tokens if t.slot == prefix + "auxiliary"]
    return words[0] in ("was", "is") if words else False


def _category(token: Token, there: set[str], is_be: bool, fronted: bool) -> str:
    name = CLASS_OF.get(token.word, "mark")
    slot = token.slot.removeprefix("second.")
    if name == "mark":
        return f"{_BEFORE}\\{_BEFORE}" if token.word == "," else "S\\S"
    if slot == "link":
        return "S/S"
    if slot == "joint":
        return "(S\\S)/S"
    if name == "with_noun":
        if fronted:
            return f"{_BEFORE}/NP"
        argument = slot == "other" or (slot == "place" and is_be)
        return "PP/NP" if argument else f"({_OF_DOING})/NP"
    if slot == "time" or token.word == "where":
        if fronted:
            return "S/S"
        return "PP" if is_be and slot == "place" else _OF_DOING
    if slot in ("auxiliary", "negated", "verb", "quality"):
        return _of_predicate(slot, there, is_be)
    if name in ("article", "number"):
        return "NP/N"
    if token.tag == "ADJ":
        return "N/N"
    if token.tag == "NOUN":
        return "N"
    return "NP\\NP" if name in NAMES and token.entity.startswith("I-") else "NP"


def _of_predicate(slot: str, there: set[str], is_be: bool) -> str:
    if slot == "quality":
        return _DOES
    if slot == "verb":
        of_object = f"({_DOES})/PP" if "other" in there else _DOES
        return f"({of_object})/NP" if "patient" in there else of_object
    if is_be and "quality" not in there:
        said = "NP" if "patient" in there else "PP"
        return f"{said}/{said}" if slot == "negated" else f"({_DOES})/{said}"
    return f"({_DOES})/({_DOES})"


def _applied(left: str, right: str) -> str | None:
    result, slash, argument = _split(left)
    if slash == "/" and argument == right:
        return result
    result, slash, argument = _split(right)
    return result if slash == "\\" and argument == left else None


@cache
def _split(category: str) -> tuple[str, str, str]:
    """Result, slash and argument of a category; an atom is its own result."""
    depth = 0
    for at in range(len(category) - 1, 0, -1):
        depth += (category[at] == ")") - (category[at] == "(")
        if depth == 0 and category[at] in "/\\":
            return _bare(category[:at]), category[at], _bare(category[at + 1 :])
    return category, "", ""


def _bare(category: str) -> str:
    return category[1:-1] if category.startswith("(") else category
