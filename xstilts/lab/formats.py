"""Items of one split in one language as the text of an official file.

What each format needs is what the reader of the same task reads (``xstilts.data.readers``).
"""

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from xstilts.lab.choices import Choice
from xstilts.lab.grammar import grammar
from xstilts.lab.languages import SOURCE
from xstilts.lab.meaning import Sentence, Thing
from xstilts.lab.pairs import Pair
from xstilts.lab.questions import Paragraph
from xstilts.lab.rendering import laid_out, named, said
from xstilts.lab.supertags import bracketed, categories, derivation


def mnli_tsv(items: Sequence[Pair], code: str) -> str:
    """GLUE's MultiNLI."""
    rows = ["index promptID pairID genre sentence1 sentence2 label1 gold_label".split()]
    for i, item in enumerate(items):
        first, second = said(item.first, code), said(item.second, code)
        rows.append([str(i), str(i), str(i), "lab", first, second, item.label, item.label])
    return _rows(rows)


def anli_jsonl(items: Sequence[Pair], code: str) -> str:
    """ANLI's JSON Lines."""
    return _jsonl(
        {
            "uid": str(i),
            "context": said(item.first, code),
            "hypothesis": said(item.second, code),
            "label": item.label,
        }
        for i, item in enumerate(items)
    )


def qqp_tsv(items: Sequence[Pair], code: str) -> str:
    """GLUE's QQP."""
    rows = ["id qid1 qid2 question1 question2 is_duplicate".split()]
    for i, item in enumerate(items):
        first, second = said(item.first, code), said(item.second, code)
        rows.append([str(i), str(2 * i), str(2 * i + 1), first, second, item.label])
    return _rows(rows)


def pair_tsv(items: Sequence[Pair], code: str) -> str:
    """XTREME's tables of XNLI and PAWS-X."""
    return _rows([said(item.first, code), said(item.second, code), item.label] for item in items)


def squad_json(items: Sequence[Paragraph], code: str) -> str:
    """SQuAD's document, with ``is_impossible`` where a question has no answer."""
    return _squad(items, code, breaks=False)


def xquadr_json(items: Sequence[Paragraph], code: str) -> str:
    """XQuAD-R: SQuAD's document with the borders of sentences."""
    return _squad(items, code, breaks=True)


def _squad(items: Sequence[Paragraph], code: str, breaks: bool) -> str:
    paragraphs = []
    for p, item in enumerate(items):
        context = laid_out(item.sentences, code)
        asked = []
        for q, question in enumerate(item.questions):
            row: dict[str, Any] = {"id": f"{p}-{q}", "question": said([question.asked], code)}
            if question.sentence is None:
                row |= {"answers": [], "is_impossible": True}
            else:
                start, end = context.span(question.sentence, question.slot)
                row["answers"] = [{"text": context.text[start:end], "answer_start": start}]
            asked.append(row)
        paragraph: dict[str, Any] = {"context": context.text, "qas": asked}
        if breaks:
            paragraph["sentence_breaks"] = [list(span) for span in context.breaks]
        paragraphs.append(paragraph)
    document = {"version": "lab", "data": [{"title": "lab", "paragraphs": paragraphs}]}
    return json.dumps(document, ensure_ascii=False) + "\n"


def hellaswag_jsonl(items: Sequence[Choice], code: str) -> str:
    """HellaSwag's JSON Lines."""
    return _jsonl(
        {
            "ind": i,
            "ctx": said(item.context, code),
            "endings": _choices(item, code),
            "label": item.label,
            "source_id": f"lab~{i}",
        }
        for i, item in enumerate(items)
    )


def commonsenseqa_jsonl(items: Sequence[Choice], code: str) -> str:
    """CommonsenseQA's JSON Lines."""
    return _jsonl(
        {
            "id": str(i),
            "answerKey": "ABCDE"[item.label],
            "question": {
                "stem": _question(item, code),
                "choices": [
                    {"label": letter, "text": text}
                    for letter, text in zip("ABCDE", _choices(item, code), strict=True)
                ],
            },
        }
        for i, item in enumerate(items)
    )


def cosmosqa_csv(items: Sequence[Choice], code: str) -> str:
    """Cosmos QA's table."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow("id context question answer0 answer1 answer2 answer3 label".split())
    for i, item in enumerate(items):
        context, question = said(item.context, code), _question(item, code)
        writer.writerow([str(i), context, question, *_choices(item, code), str(item.label)])
    return out.getvalue()


def copa_jsonl(items: Sequence[Choice], code: str) -> str:
    """COPA's and XCOPA's JSON Lines."""
    return _jsonl(
        {
            "premise": said(item.context, code),
            "choice1": _choices(item, code)[0],
            "choice2": _choices(item, code)[1],
            "question": item.question,
            "label": item.label,
            "idx": i,
        }
        for i, item in enumerate(items)
    )


def _question(item: Choice, code: str) -> str:
    return item.question if isinstance(item.question, str) else said([item.question], code)


def _choices(item: Choice, code: str) -> list[str]:
    return [named(c, code) if isinstance(c, Thing) else said([c], code) for c in item.choices]


def pos_tsv(items: Sequence[Sentence], code: str) -> str:
    """XTREME's part-of-speech files."""
    return _tagged(items, code, 1)


def ner_tsv(items: Sequence[Sentence], code: str) -> str:
    """XTREME's PAN-X files."""
    return _tagged(items, code, 2)


def _tagged(items: Sequence[Sentence], code: str, column: int) -> str:
    spoken = grammar(code)
    sentences = (
        "".join(f"{token.form}\t{token[column]}\n" for token in spoken.tokens(item))
        for item in items
    )
    return "\n".join(sentences)


def ccg_auto(items: Sequence[Sentence], code: str) -> str:
    """CCGbank's derivations; only of the source language, whose categories these are."""
    assert code == SOURCE
    out = []
    for i, item in enumerate(items):
        tokens = grammar(code).tokens(item)
        found = derivation(categories(tokens))
        assert found is not None, "the grammar proves every sentence that it makes"
        out.append(f"ID=lab_0001.{i + 1} PARSER=GOLD NUMPARSE=1\n{bracketed(found, tokens)}\n")
    return "".join(out)


def lines(items: Sequence[Sentence], code: str) -> str:
    """A sentence a line, as Tatoeba's files are."""
    return "".join(said([item], code) + "\n" for item in items)


def numbered(items: Sequence[tuple[str, Sentence]], code: str) -> str:
    """BUCC's collections: id, tab, sentence."""
    return "".join(f"{own}\t{said([item], code)}\n" for own, item in items)


def _rows(rows: Any) -> str:
    return "".join("\t".join(row) + "\n" for row in rows)


def _jsonl(rows: Any) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
