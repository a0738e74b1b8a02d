"""How XTREME's `evaluate.py` wants each task: the names of its files and what is in them.

From google-research/xtreme (838c13b6), `evaluate.py` and its README.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

Write: TypeAlias = Callable[[Sequence[Any], Sequence[Any]], str]


def write_cell(
    folder: Path,
    task: str,
    language: str,
    examples: Sequence[Any],
    said: Sequence[Any],
    *,
    labels: bool,
) -> None:
    """Write the predictions of one language, and the gold in the same form under ``labels``."""
    form = FORMS[task]
    name = f"{task}/test-{language}.{form.suffix}"
    _write(folder / name, form.predictions(examples, said))
    if labels:
        _write(folder / "labels" / name, form.labels(examples, said))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def _lines(items: Iterable[Any]) -> str:
    return "".join(f"{item}\n" for item in items)


def _labels(examples: Sequence[Any], said: Sequence[Any]) -> str:
    return _lines(said)


def _gold_labels(examples: Sequence[Any], said: Sequence[Any]) -> str:
    return _lines(e.label for e in examples)


def _choices(examples: Sequence[Any], said: Sequence[Any]) -> str:
    return _lines(json.dumps({"label": label}) for label in said)


def _gold_choices(examples: Sequence[Any], said: Sequence[Any]) -> str:
    return _choices(examples, [e.label for e in examples])


def _tags(examples: Sequence[Any], said: Sequence[Any]) -> str:
    return _lines(line for tags in said for line in (*tags, ""))


def _gold_tags(examples: Sequence[Any], said: Sequence[Any]) -> str:
    return _tags(examples, [e.tags for e in examples])


def _answers(examples: Sequence[Any], said: Sequence[Any]) -> str:
    answers = {e.id: text for e, text in zip(examples, said, strict=True)}
    return json.dumps(answers, ensure_ascii=False, indent=1) + "\n"


def _gold_answers(examples: Sequence[Any], said: Sequence[Any]) -> str:
    """The SQuAD document, one paragraph a question."""
    paragraphs = [
        {
            "context": e.context,
            "qas": [
                {
                    "id": e.id,
                    "question": e.question,
                    "answers": [
                        {"text": text, "answer_start": start}
                        for text, start in zip(e.answers, e.starts, strict=True)
                    ],
                }
            ],
        }
        for e in examples
    ]
    return json.dumps({"data": [{"title": "", "paragraphs": paragraphs}]}, ensure_ascii=False)


def _english_order(examples: Sequence[Any]) -> list[int]:
    """XTREME sorts the English side of Tatoeba (its `utils_preprocess.py`), and so its queries."""
    return sorted(range(len(examples)), key=lambda i: examples[i].english.strip())


def _neighbours(examples: Sequence[Any], said: Sequence[Any]) -> str:
    return _lines(said[i] for i in _english_order(examples))


def _gold_neighbours(examples: Sequence[Any], said: Sequence[Any]) -> str:
    return _lines(_english_order(examples))


def _pairs(examples: Sequence[Any], said: Sequence[Any]) -> str:
    return _lines("\t".join(pair) for pair in said)


def _gold_pairs(examples: Sequence[Any], said: Sequence[Any]) -> str:
    return _pairs(examples, [(e.id, other) for e in examples for other in e.gold])


@dataclass(frozen=True)
class Form:
    """How `evaluate.py` wants a task: the ends of its file names, predictions, labels."""

    suffix: str
    predictions: Write
    labels: Write


_LABELLED = Form("tsv", _labels, _gold_labels)
_TAGGED = Form("tsv", _tags, _gold_tags)
_ANSWERED = Form("json", _answers, _gold_answers)

FORMS = {
    "xnli": _LABELLED,
    "pawsx": _LABELLED,
    "udpos": _TAGGED,
    "panx": _TAGGED,
    "xquad": _ANSWERED,
    "mlqa": _ANSWERED,
    "tydiqa": _ANSWERED,
    "bucc2018": Form("tsv", _pairs, _gold_pairs),
    "tatoeba": Form("tsv", _neighbours, _gold_neighbours),
    "xcopa": Form("jsonl", _choices, _gold_choices),
}
