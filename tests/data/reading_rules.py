"""What must hold of whatever is read, told in a line or two a format, without the readers."""

import csv
import io
import json
import re

from xstilts.tasks.examples import Candidate, Choice, Pair, Query, Sentence, Span, Tagged, asked


def covered():
    """The formats that are counted."""
    return set(_COUNT)


def lines(text):
    """Lines end with a line feed; what follows the last one counts if there is anything."""
    return text.removesuffix("\n").split("\n") if text else []


def _objects(text):
    return [json.loads(line) for line in lines(text) if line.strip()]


def _asked(text):
    document = json.loads(text)
    return [q for a in document["data"] for p in a["paragraphs"] for q in p["qas"]]


def _table(text, code=None):
    header, *rows = (line.rstrip("\r").split("\t") for line in lines(text))
    if code is None:
        return len(rows)
    return sum(row[header.index("language")] == code for row in rows)


def _whole_rows(text):
    header, *rows = lines(text)
    return sum(row.count("\t") == header.count("\t") for row in rows)


def _quoted(text):
    delimiter = "\t" if "\t" in lines(text)[0] else ","
    return sum(map(bool, csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))) - 1


def _labelled(text):
    keys = ["gold_label" if "sentence1" in row else "label" for row in _objects(text)]
    return sum(row[key] != "-" for row, key in zip(_objects(text), keys, strict=True))


def _blocks(text, blank):
    """Neighbouring lines, parted by blank ones."""
    found = [[]]
    for line in lines(text):
        if line.rstrip("\r").strip(blank):
            found[-1].append(line)
        else:
            found.append([])
    return [block for block in found if block]


def _trees(text):
    """The forms of each sentence that has its text."""
    found = []
    for block in _blocks(text, None):
        cells = [line.split("\t") for line in block if not line.startswith("#")]
        forms = [row[1] for row in cells if re.fullmatch("[0-9]+", row[0])]
        hidden = forms.count("_")
        if forms and (hidden == 0 or hidden < len(forms) - 1):
            found.append(forms)
    return found


def _derivations(text):
    return [line for line in lines(text) if line.strip() and not re.match(r"ID=\S+ ", line)]


def _ids(text):
    return {line.split("\t")[0] for line in lines(text)}


_COUNT = {
    "aligned_lines": lambda ours, theirs, code: len(_ids(ours) & _ids(theirs)),
    "bucc_lines": lambda ours, english, gold, code: len(lines(gold)),
    "ccg_auto": lambda text, code: len(_derivations(text)),
    "commonsenseqa_jsonl": lambda text, code: len(_objects(text)),
    "conllu": lambda text, code: len(_trees(text)),
    "csv": lambda text, code: _quoted(text),
    "glue_tsv": lambda text, code: _table(text),
    "hellaswag_jsonl": lambda text, code: len(_objects(text)),
    "json": lambda text, code: len(json.loads(text)),
    "jsonl": lambda text, code: len(_objects(text)),
    "mewslix_jsonl": lambda mentions, entities, code: sum(
        len(row["mentions"]) for row in _objects(mentions) if row["context"]["language"] == code
    ),
    "mewslix_pairs": lambda text, code: sum(
        row["contextual_mention"]["context"]["language"] == code for row in _objects(text)
    ),
    "nli_jsonl": lambda text, code: _labelled(text),
    "pair_tsv": lambda text, code: len(lines(text)),
    "qqp_tsv": lambda text, code: _whole_rows(text),
    "squad_json": lambda text, code: len(_asked(text)),
    "squad_sentences": lambda text, code: sum(bool(q["answers"]) for q in _asked(text)),
    "supertag_conllu": lambda text, code: len(_trees(text)),
    "tagged_spaced": lambda text, code: len(_blocks(text, " ")),
    "tagged_tsv": lambda text, code: len(_blocks(text, " ")),
    "tatoeba_lines": lambda ours, english, code: len(lines(ours)),
    "xnli_tsv": lambda text, code: _table(text, code),
    "xquadr_json": lambda text, code: len(_asked(text)),
}  # fmt: skip


_WORDS = {
    "ccg_auto": lambda text: sum(line.count("<L ") for line in _derivations(text)),
    "conllu": lambda text: sum(map(len, _trees(text))),
    "supertag_conllu": lambda text: sum(map(len, _trees(text))),
    "tagged_spaced": lambda text: sum(map(len, _blocks(text, " "))),
    "tagged_tsv": lambda text: sum(map(len, _blocks(text, " "))),
}


def assert_counted(form, texts, code, rows):
    """No example is lost or made up, and no word of a sentence."""
    assert sum(map(asked, rows)) == _COUNT[form](*texts, code=code)
    if form in _WORDS:
        assert sum(len(row.words) for row in rows) == _WORDS[form](*texts)


def assert_sound(task, rows):
    """What a reader promises of every example of a task."""
    known = {row.id for row in rows if isinstance(row, Candidate)}
    targets = {row.id for row in rows if isinstance(row, Sentence) and row.side == "target"}
    for row in rows:
        if isinstance(row, Pair):
            assert row.label in task.labels, row
        elif isinstance(row, Choice):
            assert len(row.choices) == task.choices and 0 <= row.label < task.choices, row
        elif isinstance(row, Span):
            assert row.answers or task.answers == "squad_v2", row
            pairs = zip(row.answers, row.starts, strict=True)
            assert all(text and row.context[at : at + len(text)] == text for text, at in pairs), row
        elif isinstance(row, Tagged):
            assert len(row.words) == len(row.tags) > 0 and all(row.words), row
            assert task.open_labels or set(row.tags) <= set(task.labels), row
        elif isinstance(row, Sentence):
            assert set(row.gold) <= targets and (row.side == "source" or not row.gold), row
        elif isinstance(row, Query):
            assert row.gold and (not task.parallel or set(row.gold) <= known), row


_SEPARATOR = {  # of formats whose cells stand in the examples as they are
    "bucc_lines": "\t", "conllu": "\t", "glue_tsv": "\t", "pair_tsv": "\t", "qqp_tsv": "\t",
    "supertag_conllu": "\t", "tagged_spaced": " ", "tagged_tsv": "\t", "tatoeba_lines": "\n",
    "xnli_tsv": "\t",
}  # fmt: skip


def assert_verbatim(form, texts, rows):
    """Every text of an example is a cell of the files, not a part of one or several."""
    if form not in _SEPARATOR:
        return
    every = (line.removesuffix("\r") for text in texts for line in lines(text))
    cells = {cell for line in every for cell in line.split(_SEPARATOR[form])}
    for row in rows:
        names = [n for n in ("first", "second", "text", "english") if hasattr(row, n)]
        said = [getattr(row, n) for n in names] + list(getattr(row, "words", ()))
        assert {text for text in said if text is not None} <= cells, row
