"""Where the sentences of an English paragraph begin and end, by rule.

XQuAD-R says where the sentences of its paragraphs end; SQuAD does not, so that is told here. A
sentence ends after ``.``, ``!`` or ``?`` (and closing quotes or brackets) before white space and a
capital letter, a digit or an opening quote or bracket. It goes on after letters with dots between
(``J.``, ``U.S.``) unless a word follows that often begins a sentence, and after abbreviations that
stand before names or numbers (``Dr.``, ``No.``).
"""

import re

_END = re.compile(r"""[.!?]+["'”’»)\]]*(?=\s+(\S+))""")
_OPENING = "\"'“‘«(["
_LETTERS = re.compile(r"(?:[^\W\d_]\.)+")
_BEFORE_NAMES = frozenset(
    "adm al approx apr aug ca capt cf co col dec dr feb ft gen gov jan jr jul jun lt maj mr mrs ms "
    "mt no nos nov oct op pp prof rep rev sen sept sgt sr st vol vs".split()
)
_BEGIN = frozenset(
    "A After All Although An And As At Because Both But By During For From He Her His However If "
    "In It Its Many Most No On Several She Since So Some That The Their There These They This "
    "Those Under We What When Where While With".split()
)


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """First character and last character + 1 of each sentence of an English paragraph.

    White space at the ends of a sentence is in none; a text of nothing else has none.
    """
    ends = [m.end() for m in _END.finditer(text) if _is_end(text, m)]
    spans, start = [], 0
    for end in [*ends, len(text)]:
        said = text[start:end].strip()
        if said:
            first = text.index(said, start)
            spans.append((first, first + len(said)))
        start = end
    return spans


def _is_end(text: str, found: re.Match[str]) -> bool:
    after = found[1]
    begins = after.lstrip(_OPENING)[:1]
    if not (begins.isupper() or begins.isdigit() or after[0] in _OPENING):
        return False
    if not found[0].startswith(".") or found[0].startswith(".."):
        return True
    word = text[: found.start() + 1].split()[-1].lstrip(_OPENING)
    if _LETTERS.fullmatch(word):
        return after.strip(f"{_OPENING},") in _BEGIN
    return word[:-1].lower() not in _BEFORE_NAMES
