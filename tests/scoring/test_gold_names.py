"""The language of anyone's gold file is what its name says; what is no gold is refused."""

import json
from pathlib import Path

import pytest

from xstilts.core.errors import DataError
from xstilts.phases.xtreme_files import write_cell
from xstilts.reports.catalogue import task_lines
from xstilts.scoring.files import score_files
from xstilts.tasks import get_task, task_names
from xstilts.tasks.examples import Choice


@pytest.fixture
def german(tmp_path: Path):
    """Questions whose answers differ from the gold by a German article."""
    answers = [{"text": "Mühle", "answer_start": 4}]
    qas = [{"id": "a", "question": "?", "answers": answers}]
    paragraphs = [{"context": "Die Mühle", "qas": qas}]
    pred = tmp_path / "pred"
    pred.write_text(json.dumps({"a": "die Mühle"}), "utf-8")

    def score(name: str, language: str | None = None, said: list[str] | None = None):
        gold = tmp_path / name
        gold.write_text(json.dumps({"data": [{"paragraphs": paragraphs}]}), "utf-8")
        say = said.append if said is not None else lambda line: None
        return score_files("mlqa", gold, pred, language, say=say)

    return score


def test_the_name_of_a_release_tells_the_language_of_its_answers(german):
    said: list[str] = []
    found = german("dev-context-de-question-de.json", said=said)
    assert (found["language"], found["metrics"]["exact_match"], said) == ("de", 100.0, [])


def test_a_name_that_tells_no_language_is_english_and_says_so(german):
    said: list[str] = []
    found = german("mine.json", said=said)
    assert (found["language"], found["metrics"]["exact_match"]) == ("en", 0.0)
    assert said == ["language: en, the default, for the name mine.json tells none"]
    assert german("mine.json", "de", said)["metrics"]["exact_match"] == 100.0
    assert len(said) == 1


def test_another_language_than_the_names_is_refused(german):
    with pytest.raises(DataError, match="not in 'en': its name says de") as caught:
        german("test-context-de-question-de.json", "en")
    assert caught.value.where.endswith("test-context-de-question-de.json")


def test_a_name_with_two_languages_asks_for_that_of_the_answers(german):
    name = "dev-context-de-question-en.json"
    with pytest.raises(DataError, match="several languages: de and en"):
        german(name)
    assert german(name, "de")["metrics"]["exact_match"] == 100.0
    with pytest.raises(DataError, match="its name says de and en"):
        german(name, "hi")


def test_the_folder_tells_the_language_where_the_release_has_it_there(tmp_path):
    folder = tmp_path / "swh_Latn"
    folder.mkdir()
    gold = folder / "test.tsv"
    gold.write_text("index_id\tcategory\ttext\n1\tsports\tMpira\n")
    (tmp_path / "pred").write_text("sports\n")
    assert score_files("sib200", gold, tmp_path / "pred", None)["language"] == "sw"
    with pytest.raises(DataError, match="its name says sw"):
        score_files("sib200", gold, tmp_path / "pred", "en")


def test_no_language_is_asked_for_where_no_score_depends_on_it(tmp_path):
    gold, pred = tmp_path / "gold", tmp_path / "pred"
    gold.write_text("1\n0\n")
    pred.write_text("1\n0\n")
    found = score_files("tatoeba", gold, pred, None)
    assert (found["language"], found["metrics"]) == (None, {"accuracy": 100.0})
    gold.write_text("de-1\ten-1\n")
    assert score_files("bucc2018", gold, gold, None)["metrics"]["f1"] == 100.0
    named = gold.rename(tmp_path / "fr-en.dev.gold")
    assert score_files("bucc2018", named, named, None)["language"] == "fr"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("zh-en.dev.zh", "桥"),
        ("zh-en.training.en", "Bridges"),
        ("gold", "The bridge is old."),
        ("gold", "桥很旧。"),
    ],
)
def test_the_sentences_of_a_collection_are_no_gold_of_pairs(tmp_path, name, sentence):
    gold, pred = tmp_path / name, tmp_path / "pred"
    gold.write_text(f"zh-1\t{sentence}\n", "utf-8")
    pred.write_text("zh-1\ten-1\n")
    with pytest.raises(DataError) as caught:
        score_files("bucc2018", gold, pred, "zh")
    assert "source id, tab, target id" in caught.value.expected


def test_every_task_says_what_its_gold_and_prediction_files_hold():
    for name in task_names():
        told = list(task_lines(get_task(name), full=True))
        assert len([x for x in told if x.startswith(("  gold: ", "  pred: "))]) == 2, name
    assert any("index" in x for x in task_lines(get_task("tatoeba"), full=True) if "gold:" in x)


def test_choices_are_read_as_xtremes_submissions_write_them(tmp_path):
    row = {"premise": "p", "choice1": "a", "choice2": "b", "question": "cause", "idx": 3}
    gold, pred = tmp_path / "test-et.jsonl", tmp_path / "pred"
    gold.write_text("".join(json.dumps(row | {"label": x, "idx": x}) + "\n" for x in (0, 1)))
    for said in ('{"label": 0}\n{"label": 1}\n', "0\n1 \n", '0\n{"label": 1} \n'):
        pred.write_text(said)
        found = score_files("xcopa", gold, pred, None)
        assert (found["language"], found["metrics"]) == ("et", {"accuracy": 100.0})
    for slip in ('{"label": 0}\n{"label": true}\n', '0\n{"lebel": 1}\n', '0\n{"label": 1\n'):
        pred.write_text(slip)
        with pytest.raises(DataError) as caught:
            score_files("xcopa", gold, pred, None)
        assert caught.value.where.endswith("pred:2")
    pred.write_text('0\n{"label": 2}\n')
    with pytest.raises(DataError, match="No label of xcopa is '2'"):
        score_files("xcopa", gold, pred, None)


def test_exported_choices_score_as_the_run_scored_them(tmp_path):
    rows = [
        {"premise": "p", "choice1": "a", "choice2": "b", "question": "cause", "idx": i, "label": 1}
        for i in range(4)
    ]
    gold = tmp_path / "test.et.jsonl"
    gold.write_text("".join(json.dumps(row) + "\n" for row in rows))
    examples = [Choice(str(i), str(i), "p", "cause", ("a", "b"), 1) for i in range(4)]
    write_cell(tmp_path, "xcopa", "et", examples, [1, 1, 1, 0], labels=True)
    found = score_files("xcopa", gold, tmp_path / "xcopa" / "test-et.jsonl", None)
    assert (found["language"], found["metrics"]) == ("et", {"accuracy": 75.0})


def test_blanks_around_a_label_do_not_count(tmp_path):
    gold, pred = tmp_path / "xnli.dev.tsv", tmp_path / "pred"
    header = "language\tgold_label\tsentence1\tsentence2\tpromptID\tpairID\tmatch\n"
    gold.write_text(header + "en\tneutral\tA.\tB.\t1\t1\tTrue\n")
    pred.write_text("neutral \n")
    assert score_files("xnli", gold, pred, None)["metrics"] == {"accuracy": 100.0}
