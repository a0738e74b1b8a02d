"""Gold and predictions of anyone's are scored, or refused in four parts, and nothing else."""

import json
from pathlib import Path

import pytest
from slips import slips, write_anew

from xstilts.core.errors import DataError
from xstilts.scoring.files import score_files

QUESTIONS = [
    {"id": i, "question": "?", "answers": [{"text": "mill", "answer_start": 4}]} for i in "ab"
]
DOCUMENT = {"data": [{"paragraphs": [{"context": "The mill", "qas": QUESTIONS}]}]}
TABLE = "language\tgold_label\tsentence1\tsentence2\tpromptID\tpairID\tmatch\n"
ROW = "en\tneutral\tA.\tB.\t1\t1\tTrue\n"
CHOICE = {"premise": "p", "choice1": "a", "choice2": "b", "question": "cause", "label": 1, "idx": 3}
CASES = {
    "labels": ("xnli", "xnli.test.tsv", TABLE + ROW + ROW, "neutral\nentailment\n"),
    "choices": ("copa", "val.jsonl", json.dumps(CHOICE) + "\n", "1\n"),
    "tags": ("panx", "test-en.tsv", "Ida\tB-PER\nsang\tO\n\nFaro\tB-LOC\n", "B-PER\nO\n\nB-LOC\n"),
    "answers": ("xquad", "xquad.en.json", json.dumps(DOCUMENT), '{"a": "the mill", "b": ""}'),
    "neighbours": ("tatoeba", "gold", "1\n0\n2\n", "1\n[2]\n2\n"),
    "pairs": ("bucc2018", "de-en.test.gold", "de-1\ten-1\nde-2\ten-2\n", "de-1\ten-1\n"),
    "rankings": ("lareqa", "gold.json", '{"q": ["a", "b"], "r": ["c"]}', '{"q": ["a", "x"]}'),
}
LANGUAGES = {"tatoeba": "sw", "bucc2018": "de"}
WHOLE = (
    b"",
    b"\xff",
    b"\xef\xbb\xbf",
    b"[" * 100_000,
    b"1" * 5000,
    b'{"a": "\\ud83d"}',
    b"\x00",
    b"\r",
)


@pytest.mark.parametrize("hurt", ["gold", "pred"])
@pytest.mark.parametrize("case", CASES)
def test_files_with_one_slip_are_scored_or_refused_in_four_parts(
    tmp_path: Path, case: str, hurt: str
) -> None:
    task, name, *contents = CASES[case]
    paths = {"gold": tmp_path / name, "pred": tmp_path / "pred"}
    sound = dict(zip(paths, (text.encode() for text in contents), strict=True))
    scored = 0
    for content in (sound[hurt], *slips(sound[hurt]), *WHOLE):
        for side, path in paths.items():
            write_anew(path, content if side == hurt else sound[side])
        try:
            found = score_files(task, paths["gold"], paths["pred"], LANGUAGES.get(task, "en"))
        except DataError as error:
            assert all(part.strip() for part in (error.what, error.where, error.expected, error.do))
            str(error).encode("utf-8", "surrogateescape")
        except Exception as error:
            raise AssertionError(content[:80]) from error
        else:
            scored += 1
            assert found["n"] > 0
            assert all(0 <= value <= 100 for value in found["metrics"].values()), content
    assert scored


def test_probabilities_with_one_slip_are_used_or_refused_in_four_parts(tmp_path: Path) -> None:
    gold, pred, prob = (tmp_path / name for name in ("dev-v2.0.json", "pred", "prob"))
    gold.write_text(json.dumps(DOCUMENT))
    pred.write_text('{"a": "the mill", "b": ""}')
    sound, scored = b'{"a": 0.25, "b": -3, "c": 1e3}', 0
    for content in (sound, *slips(sound), *WHOLE):
        write_anew(prob, content)
        try:
            found = score_files("squad_v2", gold, pred, "en", prob)["metrics"]
        except DataError as error:
            assert all(part.strip() for part in (error.what, error.where, error.expected, error.do))
            assert "prob" in error.where
        else:
            scored += 1
            assert found["best_f1"] == 50.0, content
    assert scored


def test_words_may_hold_separators_of_unicode(tmp_path: Path) -> None:
    gold, pred = tmp_path / "test-en.tsv", tmp_path / "pred"
    for path in (gold, pred):
        path.write_text("Ida\u2028\x85\tB-PER\nsang\tO\n", "utf-8")
    found = score_files("panx", gold, pred, "en")
    assert (found["n"], found["metrics"]["accuracy"]) == (1, 100.0)


def test_a_sentence_with_too_few_tags_is_named_by_its_line(tmp_path: Path) -> None:
    gold, pred = tmp_path / "test-en.tsv", tmp_path / "pred"
    gold.write_text("Ida\tB-PER\n\nMei\tB-PER\nsang\tO\n")
    pred.write_text("B-PER\n\n\nO\n")
    with pytest.raises(DataError, match="1 tags for 2") as caught:
        score_files("panx", gold, pred, "en")
    assert caught.value.where == f"{pred}:4"
