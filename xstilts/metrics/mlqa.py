"""Answers compared as MLQA compares them: punctuation, articles and words of each language."""

import re
import string
import unicodedata
from collections.abc import Callable, Mapping

from xstilts.metrics.spans import Answers, squad

# MLQA's lists. Hindi and Chinese have no articles. Arabic loses every "ال", also inside a word:
# the script's pattern has a second branch, for the start of a word, that can never match.
_ARTICLES = {
    "ar": re.compile("ال"),
    "de": re.compile(r"\b(?:ein|eine|einen|einem|eines|einer|der|die|das|den|dem|des)\b"),
    "en": re.compile(r"\b(?:a|an|the)\b"),
    "es": re.compile(r"\b(?:un|una|unos|unas|el|la|los|las)\b"),
    "hi": None,
    "vi": re.compile(r"\b(?:của|là|cái|chiếc|những)\b"),
    "zh": None,
}
_HAN = re.compile("([\u4e00-\u9fa5])")
MLQA_LANGUAGES = tuple(_ARTICLES)


def mlqa_normalizer(language: str) -> Callable[[str], str]:
    """What MLQA's script compares of an answer in ``language``.

    Lower case; no punctuation of any script (Unicode category P, and ASCII's); no article of the
    language; single spaces. Chinese is cut into single Han characters and runs of anything else.

    Source: `normalize_answer` of `mlqa_evaluation_v1.py` (Lewis et al. 2020), also XTREME's
    `third_party/evaluate_mlqa.py`.

    Raises:
        ValueError: MLQA has no rules for the language.
    """
    if language not in _ARTICLES:
        known = ", ".join(MLQA_LANGUAGES)
        raise ValueError(f"MLQA has no rules for answers in {language!r}, only for {known}")
    articles = _ARTICLES[language]

    def normalize(text: str) -> str:
        bare = "".join(ch for ch in text.lower() if not _is_punctuation(ch))
        if articles is not None:
            bare = articles.sub(" ", bare)
        if language == "zh":
            bare = _HAN.sub(r" \1 ", bare)
        return " ".join(bare.split())

    return normalize


def mlqa(gold: Answers, pred: Mapping[str, str], language: str) -> dict[str, float]:
    """Exact match and F1 over all questions, MLQA's rules.

    Source: `mlqa_evaluation_v1.py`, which is SQuAD 1.1's but for what is compared of an answer.

    Args:
        gold: question id to its acceptable answers.
        pred: question id to the predicted answer; an absent one scores 0.
        language: of the answers (in MLQA that of the context).

    Returns:
        `exact_match`, `f1` and `em_f1`, 0-100.

    Raises:
        ValueError: no question is given, one has no gold answer, or the language is not MLQA's.
    """
    return squad(gold, pred, mlqa_normalizer(language))


def _is_punctuation(character: str) -> bool:
    return character in string.punctuation or unicodedata.category(character).startswith("P")
