"""Exact match and F1 of extracted answers, as the SQuAD 1.1 and 2.0 scripts define them."""

import math
import re
import string
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeAlias

Answers: TypeAlias = Mapping[str, Sequence[str]]
ItemScores: TypeAlias = dict[str, tuple[float, float]]
Normalize: TypeAlias = Callable[[str], str]

_ARTICLE = re.compile(r"\b(?:a|an|the)\b")
_WITHOUT_PUNCTUATION = str.maketrans("", "", string.punctuation)
_NA_PROB_THRESH = 1.0  # what `evaluate-v2.0.py` takes unless told otherwise


def normalize_answer(text: str) -> str:
    """Lower case, no ASCII punctuation, no English article, single spaces; in that order.

    Source: XTREME's `third_party/evaluate_squad.py`, used for every language of XQuAD and
    TyDiQA. Punctuation beyond ASCII stays (`«`, `。`, `’`) and articles of other languages
    stay. Punctuation goes first, so `the-end` becomes the one word `theend`.
    """
    bare = text.lower().translate(_WITHOUT_PUNCTUATION)
    return " ".join(_ARTICLE.sub(" ", bare).split())


def squad_items(
    gold: Answers, pred: Mapping[str, str], normalize: Normalize = normalize_answer
) -> ItemScores:
    """Exact match and token F1 of each question, SQuAD 1.1 rules.

    Both are the best over the gold answers, each for itself. A question without a prediction
    scores 0; predictions for other questions are not looked at. Two texts that both normalise
    to nothing match exactly but share no token, so they score `(1.0, 0.0)`, as in the script.

    Source: XTREME's `third_party/evaluate_squad.py` (Rajpurkar et al. 2016, section 6.1).

    Args:
        gold: question id to its acceptable answers.
        pred: question id to the predicted answer.
        normalize: what is compared of an answer.

    Returns:
        Question id to `(exact match, F1)`, each 0-1, in the order of `gold`.

    Raises:
        ValueError: a question has no gold answer (that is SQuAD 2.0: `squad_v2`).
    """
    for question, answers in gold.items():
        if not answers:
            raise ValueError(f"question {question!r} has no gold answer; SQuAD 1.1 needs one")
    return {
        question: _best(answers, pred.get(question), _token_f1, normalize)
        for question, answers in gold.items()
    }


def squad(
    gold: Answers, pred: Mapping[str, str], normalize: Normalize = normalize_answer
) -> dict[str, float]:
    """Exact match and F1 over all questions, SQuAD 1.1 rules.

    Source: XTREME's `third_party/evaluate_squad.py`; `em_f1` is the mean of the two, which
    `evaluate.py` averages over languages for XQuAD and TyDiQA.

    Args:
        gold: question id to its acceptable answers.
        pred: question id to the predicted answer; an absent one scores 0.
        normalize: what is compared of an answer.

    Returns:
        `exact_match`, `f1` and `em_f1`, 0-100.

    Raises:
        ValueError: no question is given, or one has no gold answer.
    """
    items = squad_items(gold, pred, normalize)
    return _percentages(items, items)


def squad_v2(
    gold: Answers, pred: Mapping[str, str], na_prob: Mapping[str, float] | None = None
) -> dict[str, float]:
    """Exact match and F1 over questions of which some have no answer, SQuAD 2.0 rules.

    An unanswerable question is right when the prediction normalises to nothing. Gold answers
    that normalise to nothing are dropped before scoring; a question left with none still
    counts as answerable but wants the empty answer.

    Source: `evaluate-v2.0.py` of the SQuAD site, with `--na-prob-file` where `na_prob` is given.
    That script stops at a question without a prediction; here such a question scores 0, as in
    SQuAD 1.1.

    Args:
        gold: question id to its acceptable answers; none for an unanswerable question.
        pred: question id to the predicted answer, `""` for "no answer".
        na_prob: question id to how likely "no answer" is, for every question with a prediction,
            on any scale; above 1.0, the script's own threshold, its answer counts as none.

    Returns:
        `exact_match`, `f1` and `em_f1`, 0-100; then the first two over answerable questions
        (`HasAns_exact`, `HasAns_f1`) and unanswerable ones (`NoAns_exact`, `NoAns_f1`), each
        pair only where such questions exist. With `na_prob` also `best_exact` and `best_f1`, what
        the best threshold on these very questions reaches, and `best_exact_thresh` and
        `best_f1_thresh`, those thresholds on the scale of `na_prob`.

    Raises:
        ValueError: no question is given, or one with a prediction is not in `na_prob`.
    """
    raw = items = squad_v2_items(gold, pred)
    if na_prob is not None:
        items = {q: _unless_unsure(q, raw[q], gold, pred, na_prob) for q in raw}
    scores = _percentages(items, items)
    groups = {
        "HasAns": [question for question, answers in gold.items() if answers],
        "NoAns": [question for question, answers in gold.items() if not answers],
    }
    for name, questions in groups.items():
        if questions:
            part = _percentages(items, questions)
            scores |= {f"{name}_exact": part["exact_match"], f"{name}_f1": part["f1"]}
    if na_prob is not None:
        for place, name in enumerate(("best_exact", "best_f1")):
            best, cut = _best_cut(gold, pred, na_prob, raw, place)
            scores |= {name: best, f"{name}_thresh": 0.0 if cut is None else cut}
    return scores


def _unless_unsure(
    question: str,
    scored: tuple[float, float],
    gold: Answers,
    pred: Mapping[str, str],
    na_prob: Mapping[str, float],
) -> tuple[float, float]:
    if question not in pred:
        return scored
    if question not in na_prob:
        raise ValueError(f"question {question!r} is answered and has no no-answer probability")
    silent = float(not gold[question])
    return (silent, silent) if na_prob[question] > _NA_PROB_THRESH else scored


def no_answer_threshold(
    gold: Answers, pred: Mapping[str, str], null_margin: Mapping[str, float]
) -> tuple[float, float]:
    """The highest F1 that leaving unsure questions unanswered can reach, and where to cut.

    Questions are answered from the surest on; a right "no answer" counts 1. Of equal F1 the lower
    threshold wins. Questions with equal margins are cut between as if one could, so with such ties
    the F1 may be out of reach; that too is the official rule.

    Source: `find_best_thresh` of `evaluate-v2.0.py`. Where no answer at all is best that script
    says 0.0, which suits probabilities; here the threshold then lies just below the smallest
    margin, so that it means the same for any score.

    Args:
        gold: question id to its acceptable answers; none for an unanswerable question.
        pred: question id to the best answer that is not empty.
        null_margin: question id to how much likelier "no answer" is than that answer, on any
            scale (probabilities, or differences of logits).

    Returns:
        F1, 0-100, and the threshold: a question whose margin is above it is left unanswered.

    Raises:
        ValueError: no question is given.
    """
    if not gold:
        raise ValueError("0 questions: a threshold needs at least one")
    f1, cut = _best_cut(gold, pred, null_margin, squad_v2_items(gold, pred), 1)
    return f1, math.nextafter(min(null_margin.values()), -math.inf) if cut is None else cut


def _best_cut(
    gold: Answers,
    pred: Mapping[str, str],
    null_margin: Mapping[str, float],
    items: ItemScores,
    place: int,
) -> tuple[float, float | None]:
    """The best score at ``place`` of the items, 0-100, and its threshold; None where silence is."""
    total = best = float(sum(1 for answers in gold.values() if not answers))
    threshold = None
    for question in sorted(null_margin, key=lambda question: null_margin[question]):
        if question in pred and question in gold:
            here = items[question][place]
            total += here if gold[question] else -float(bool(pred[question]))
        if total > best:
            best, threshold = total, null_margin[question]
    return 100.0 * best / len(gold), threshold


def squad_v2_items(gold: Answers, pred: Mapping[str, str]) -> ItemScores:
    """Exact match and token F1 of each question, SQuAD 2.0 rules, without a threshold.

    Returns:
        Question id to `(exact match, F1)`, each 0-1, in the order of `gold`.
    """
    return {
        question: _best(
            [answer for answer in answers if normalize_answer(answer)] or [""],
            pred.get(question),
            _token_f1_or_agreed_silence,
            normalize_answer,
        )
        for question, answers in gold.items()
    }


def _best(
    answers: Sequence[str],
    prediction: str | None,
    f1: Callable[[list[str], list[str]], float],
    normalize: Normalize,
) -> tuple[float, float]:
    if prediction is None:
        return 0.0, 0.0
    guess = normalize(prediction)
    targets = [normalize(answer) for answer in answers]
    return (
        float(guess in targets),
        max(f1(target.split(), guess.split()) for target in targets),
    )


def _token_f1(gold: list[str], pred: list[str]) -> float:
    same = (Counter(pred) & Counter(gold)).total()
    if same == 0:
        return 0.0
    precision, recall = same / len(pred), same / len(gold)
    return 2 * precision * recall / (precision + recall)


def _token_f1_or_agreed_silence(gold: list[str], pred: list[str]) -> float:
    return _token_f1(gold, pred) if gold and pred else float(gold == pred)


def _percentages(items: ItemScores, questions: Collection[str]) -> dict[str, float]:
    if not questions:
        raise ValueError("0 questions: a score needs at least one")
    exact = f1 = 0.0
    # Not `sum`: from Python 3.12 it compensates rounding, and the last digit would differ
    # from what the scripts print.
    for question in questions:
        exact += items[question][0]
        f1 += items[question][1]
    exact, f1 = 100.0 * exact / len(questions), 100.0 * f1 / len(questions)
    return {"exact_match": exact, "f1": f1, "em_f1": (exact + f1) / 2}
