"""A user's own task is one YAML file; what is wrong with it is said in four parts."""

from pathlib import Path

import pytest
from slips import slips, write_anew

from xstilts.core.errors import DataError, RecipeError, UnknownNameError, UserError
from xstilts.data.files import check, find
from xstilts.phases.loading import load
from xstilts.scoring.files import score_files
from xstilts.tasks import declare, get_task, open_task, registry, task_names

REVIEWS = """\
name: reviews
kind: pair
labels: [negative, positive]
languages: [rw, en]
files:
  format: csv
  names: {train: "{code}-train.csv", test: "{code}-test.csv"}
  columns: {first: text, label: sentiment}
"""
NAMES = """\
name: names
kind: tagging
labels: [O, B-PER, I-PER]
languages: [en, rw]
files:
  format: jsonl
  names: {train: "{code}-train.jsonl", test: "{code}-test.jsonl"}
  columns: {words: tokens, tags: ner}
"""
CSV = 'text,sentiment\n"Good, really.",positive\nBad.,negative\n'
JSONL = '{"tokens": ["Ida", "sang"], "ner": ["B-PER", "O"]}\n'


@pytest.fixture(autouse=True)
def nobody_elses_tasks(monkeypatch):
    monkeypatch.setattr(registry, "_own", {})


@pytest.fixture
def put(tmp_path):
    def run(name, content):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return path

    return run


def test_what_the_catalogue_always_says_may_be_left_out(put):
    task = declare(put("reviews.yaml", REVIEWS))
    assert task is get_task("reviews")
    assert (task.version, task.metrics, task.train) == (1, ("accuracy",), "reviews")
    assert task.languages == ("en", "rw")
    assert declare(put("names.yaml", NAMES)).metrics == ("f1", "accuracy")
    assert {"reviews", "names"} < set(task_names())


def test_files_lie_beside_the_declaration_or_in_a_data_folder(put, tmp_path):
    task = declare(put("mine/reviews.yaml", REVIEWS))
    elsewhere = put("data/rw-test.csv", CSV)
    assert find(task, "test", "rw", []) is None
    assert find(task, "test", "rw", [tmp_path / "data"]).paths == (elsewhere,)
    beside = put("mine/rw-test.csv", CSV)
    assert find(task, "test", "rw", [tmp_path / "data"]).paths == (beside,)


def test_a_file_names_a_task_for_the_commands_that_take_no_recipe(put):
    path = put("reviews.yaml", REVIEWS)
    put("rw-test.csv", CSV)
    assert open_task(str(path)).name == "reviews"
    states = {(s.split, s.language): s for s in check([open_task(str(path))], [])}
    assert (states["test", "rw"].state, states["test", "rw"].examples) == ("ok", 2)
    assert states["train", "en"].state == "missing"


def test_predictions_are_scored_against_ones_own_files(put):
    declare(put("reviews.yaml", REVIEWS))
    gold, pred = put("rw-test.csv", CSV), put("pred.txt", "positive\npositive\n")
    found = score_files("reviews", gold, pred, "rw")
    assert (found["n"], found["metrics"]["accuracy"]) == (2, 50.0)
    declare(put("names.yaml", NAMES))
    gold, pred = put("rw-test.jsonl", JSONL), put("tags.txt", "B-PER\nO\n")
    assert score_files("names", gold, pred, "rw")["metrics"]["accuracy"] == 100.0


def test_one_file_may_hold_all_languages(put, tmp_path):
    declaration = REVIEWS.replace("{code}-", "").replace("text,", "text, language: lang,")
    task = declare(
        put("reviews.yaml", declaration.replace("  columns", "  codes: {rw: kin}\n  columns"))
    )
    put("test.csv", "lang\ttext\tsentiment\nen\tGood.\tpositive\nkin\tNi byiza.\tpositive\n")
    states = {s.language: s for s in check([task], []) if s.split == "test"}
    assert [states[x].examples for x in ("en", "rw")] == [1, 1]


def test_a_recipe_names_own_tasks_from_its_folder_and_set_from_here(put, tmp_path, monkeypatch):
    put("mine/reviews.yaml", REVIEWS)
    put("here/names.yaml", NAMES)
    recipe = put("mine/r.yaml", "extends: first-light\nrecipe: r\nown_tasks: [reviews.yaml]\n")
    monkeypatch.chdir(tmp_path / "here")
    assert load(str(recipe)).own_tasks == (str(tmp_path / "mine" / "reviews.yaml"),)
    assert load("first-light", ["own_tasks=[names.yaml]"]).own_tasks == (
        str(tmp_path / "here" / "names.yaml"),
    )
    assert get_task("reviews").beside == str(tmp_path / "mine")
    assert get_task("names").kind == "tagging"
    child = put("else/c.yaml", f"extends: {recipe}\nrecipe: c\n")
    assert load(str(child)).own_tasks == (str(tmp_path / "mine" / "reviews.yaml"),)


def test_a_declaration_that_is_read_again_replaces_the_old_one(put):
    declare(put("reviews.yaml", REVIEWS))
    declare(put("reviews.yaml", REVIEWS.replace("negative, positive", "bad, good")))
    assert get_task("reviews").labels == ("bad", "good")


MISTAKES = {
    "misspelt key": (REVIEWS.replace("labels:", "lables:"), "Did you mean 'labels'"),
    "misspelt file key": (REVIEWS.replace("columns:", "colums:"), "Did you mean 'columns'"),
    "misspelt role": (REVIEWS.replace("label: sent", "lable: sent"), "which column is `label`"),
    "role of another kind": (REVIEWS.replace("first: text", "first: a, words: b"), "no `words`"),
    "unknown format": (REVIEWS.replace("csv\n", "xlsx\n"), "files.0.format"),
    "no labels": (REVIEWS.replace("labels: [negative, positive]\n", ""), "lists its labels"),
    "one label": (REVIEWS.replace("negative, ", ""), "two or more, each once"),
    "a label twice": (REVIEWS.replace("negative,", "positive,"), "positive, positive"),
    "labels are truth values": (REVIEWS.replace("negative, positive", "true, false"), "in quotes"),
    "labels in a row of words": (REVIEWS.replace("[negative, positive]", "bad, good"), "a list: ["),
    "a language in words": (REVIEWS.replace("[rw, en]", "[en, Kinyarwanda]"), "BCP-47 code"),
    "a code of no language": (
        REVIEWS.replace("  columns", "  codes: {kin: rw}\n  columns"),
        "none of the task's languages",
    ),
    "a name with a dash": (REVIEWS.replace("name: reviews", "name: my-reviews"), "small letters"),
    "an unknown metric": (REVIEWS + "metrics: [acc]\n", "No metric of a pair task"),
    "a metric of another kind": (REVIEWS + "metrics: [f1]\n", "one or more of: accuracy"),
    "another split": (REVIEWS.replace("test: ", "validation: "), "one of: dev, test, train"),
    "an absolute path": (REVIEWS.replace('"{code}-test', '"/data/{code}-test'), "below the folder"),
    "a path to above": (REVIEWS.replace('"{code}-test', '"../{code}-test'), "below the folder"),
    "another placeholder": (REVIEWS.replace('"{code}-test', '"{lang}-test'), "{code} stands for"),
    "one file for all languages": (REVIEWS.replace('"{code}-test', '"test'), "All languages would"),
    "how many choices": (REVIEWS.replace("kind: pair", "kind: choice"), "choices: 4"),
    "columns as a list": (
        REVIEWS.replace("{first: text, label: sentiment}", "[text, sentiment]"),
        "{key: value}",
    ),
    "a file's name alone": (
        REVIEWS[: REVIEWS.index("files:")] + "files: [a.csv]\n",
        "'a.csv' is a file's name alone",
    ),
    "a word where keys should stand": (REVIEWS + "sizes: many\n", "of: train, dev, test"),
    "a tab": (REVIEWS.replace("  format", "\tformat"), "mine.yaml:6"),
    "a colon without a space": (REVIEWS.replace("kind: pair", "kind:pair"), "a colon and a space"),
    "braces without quotes": (REVIEWS.replace('"{code}-test.csv"', "{code}-test.csv"), "quotes"),
    "nothing at all": ("", "holds no keys"),
    "labels are numbers": (REVIEWS.replace("negative, positive", "0, 1"), "labels.0 cannot be 0"),
    "no files": (NAMES[: NAMES.index("files:")], "files"),
    "no English to train on": (REVIEWS.replace("[rw, en]", "[rw]"), "no English"),
    "a name of the catalogue": (REVIEWS.replace("name: reviews", "name: xnli"), "my_xnli"),
    "no name": (REVIEWS.replace("name: reviews\n", ""), "name"),
    "no YAML": ("name: [\n", "is not YAML"),
    "a list": ("- reviews\n", "holds no keys"),
    "tags in a table": (NAMES.replace("jsonl\n", "csv\n"), "hold no tagging task"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_in_the_declaration_is_told_in_four_parts(put, case):
    content, told = MISTAKES[case]
    path = put("mine.yaml", content)
    with pytest.raises((DataError, UnknownNameError)) as caught:
        declare(path)
    four_parts(caught.value, told)
    assert "mine.yaml" in caught.value.where


def test_a_declaration_that_is_not_there_is_told_in_four_parts(tmp_path):
    with pytest.raises(DataError) as caught:
        load("first-light", [f"own_tasks=[{tmp_path / 'none.yaml'}]"])
    four_parts(caught.value, "cannot be read")


def four_parts(error: UserError, told: str) -> None:
    assert told in str(error)
    assert all(part.strip() for part in (error.what, error.where, error.expected, error.do))


ROWS = {
    "another header": ("csv", "review,sentiment\nGood.,positive\n", 1, "no column 'text'"),
    "a label that is not listed": ("csv", CSV + "So so.,neutral\n", 4, "'neutral' is no label"),
    "a comma outside of quotes": ("csv", CSV + "Good, really.,positive\n", 4, "3 columns"),
    "semicolons": ("csv", CSV.replace(",", ";"), 1, "commas or tabs"),
    "one semicolon": ("csv", CSV + "Fine.;positive\n", 4, "1 columns"),
    "no header": ("csv", "Good.,positive\n", 1, "no column 'text'"),
    "nothing": ("csv", "", 1, "no header"),
    "a column twice": ("csv", "text,text,sentiment\na,b,positive\n", 1, "2 columns 'text'"),
    "a header alone": ("csv", "text,sentiment\n", 1, "no example"),
    "line ends of old": ("csv", CSV.replace("\n", "\r"), 1, "carriage return stands alone"),
    "sixteen bits": ("csv", CSV.encode("utf-16"), 1, "not UTF-8"),
    "a blank before the label": ("csv", CSV + "So., positive\n", 4, "' positive' is no label"),
    "an open quote": ("csv", CSV + '"Good.,positive\n', 4, "CSV is broken"),
    "another encoding": ("csv", CSV.replace("Bad", "Bäd").encode("latin-1"), 3, "not UTF-8"),
    "tags for fewer words": ("jsonl", JSONL + '{"tokens": ["a", "b"], "ner": ["O"]}', 2, "1 tags"),
    "an empty word": ("jsonl", '{"tokens": ["a", ""], "ner": ["O", "O"]}', 1, "Word 1 is empty"),
    "no words": ("jsonl", '{"tokens": [], "ner": []}', 1, "0 words"),
    "a sentence as text": ("jsonl", '{"tokens": "Ida sang", "ner": ["O"]}', 1, "list of strings"),
    "numbers for tags": ("jsonl", '{"tokens": ["Ida"], "ner": [1]}', 1, "no string"),
    "another field": ("jsonl", '{"words": ["Ida"], "ner": ["O"]}', 1, "'tokens' is missing"),
    "a list": ("jsonl", "[" + JSONL + "]", 1, "one JSON object a line"),
    "a comma too many": ("jsonl", JSONL.replace("}", ",}"), 1, "JSON is broken"),
    "commas between lines": ("jsonl", JSONL.replace("}\n", "},\n") + JSONL, 1, "nothing between"),
    "single quotes": ("jsonl", JSONL.replace('"', "'"), 1, "JSON is broken"),
    "an object on many lines": ("jsonl", JSONL.replace(", ", ",\n "), 1, "one JSON object a line"),
    "a tag that is not listed": (
        "jsonl",
        JSONL.replace("B-PER", "B-LOC"),
        1,
        "'B-LOC' is no label",
    ),
}


@pytest.mark.parametrize("case", ROWS)
def test_a_mistake_in_the_files_is_told_with_its_line(put, tmp_path, case):
    form, content, line, told = ROWS[case]
    task = declare(put("mine.yaml", REVIEWS if form == "csv" else NAMES))
    path = tmp_path / f"rw-test.{form}"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    (state,) = [s for s in check([task], []) if (s.split, s.language) == ("test", "rw")]
    assert state.state == "corrupt"
    assert f"{path}:{line}" in state.detail
    assert told in state.detail
    assert all(part in state.detail for part in ("where:", "expected:", "do:"))
    assert "release" not in state.detail, "nobody released a user's own file"


@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_editors_of_windows_write_is_read(put, tmp_path, start, end):
    """Marks and line ends are no mistakes."""
    for name, declaration, content in (("a.csv", REVIEWS, CSV), ("a.jsonl", NAMES, JSONL)):
        task = declare(put("mine.yaml", start + declaration.replace("\n", end)))
        (tmp_path / f"rw-test{Path(name).suffix}").write_text(
            start + content.replace("\n", end), "utf-8", newline=""
        )
        (state,) = [s for s in check([task], []) if (s.split, s.language) == ("test", "rw")]
        assert (state.state, state.examples) == ("ok", content.count("\n") - (name == "a.csv"))


def test_a_column_that_nobody_reads_may_stand_twice(put):
    task = declare(put("mine.yaml", REVIEWS))
    put("rw-test.csv", "no,no,text,sentiment\n1,2,Good.,positive\n")
    (state,) = [s for s in check([task], []) if (s.split, s.language) == ("test", "rw")]
    assert (state.state, state.examples) == ("ok", 1)


def test_a_task_without_a_test_file_is_told_that_nothing_could_be_reported(put):
    train = REVIEWS.replace(', test: "{code}-test.csv"', "")
    assert train != REVIEWS
    task = declare(put("mine.yaml", train))
    put("en-train.csv", CSV)
    lacking = [s for s in check([task], []) if s.split == "test"]
    assert [s.language for s in lacking] == ["en", "rw"]
    assert {s.state for s in lacking} == {"missing"}
    assert all("nothing could be reported" in s.detail for s in lacking)
    assert "or score: dev" not in lacking[0].detail
    both = declare(put("mine.yaml", train.replace("{train:", '{dev: "{code}-dev.csv", train:')))
    assert "or score: dev" in next(s for s in check([both], []) if s.split == "test").detail


def test_an_id_that_stands_twice_in_ones_own_file_is_told_with_both_lines(put, tmp_path):
    task = declare(put("mine.yaml", REVIEWS.replace("first: text", "id: no, first: text")))
    path = put(
        "rw-test.csv", "no,text,sentiment\na,Good.,positive\nb,Bad.,negative\na,So.,negative\n"
    )
    (state,) = [s for s in check([task], []) if (s.split, s.language) == ("test", "rw")]
    assert f"'a' stands at {path}:2 already" in state.detail
    assert f"{path}:4" in state.detail


def test_two_files_that_declare_one_name_are_refused(put, tmp_path):
    put("a.yaml", REVIEWS)
    put("b.yaml", NAMES.replace("name: names", "name: reviews"))
    recipe = put("r.yaml", "extends: first-light\nrecipe: r\nown_tasks: [a.yaml, b.yaml]\n")
    with pytest.raises(RecipeError, match="Two tasks are called 'reviews'") as caught:
        load(str(recipe))
    four_parts(caught.value, "a.yaml")


@pytest.mark.parametrize(("key", "where"), [("targets", "targets"), ("arms", "arms.none")])
def test_a_task_that_a_recipe_misspells_is_told_with_its_key(put, key, where):
    put("reviews.yaml", REVIEWS)
    said = {"targets": "targets: [review]", "arms": "arms: {none: [{train: review}]}"}[key]
    recipe = put("r.yaml", f"extends: first-light\nrecipe: r\nown_tasks: [reviews.yaml]\n{said}\n")
    with pytest.raises(UnknownNameError, match="Did you mean 'reviews'") as caught:
        load(str(recipe))
    assert caught.value.where == f"{recipe}: {where}"
    assert "own_tasks" in caught.value.do


def test_choices_and_groups_are_named_by_their_columns(put, tmp_path):
    declaration = (
        "name: riddles\nkind: choice\nchoices: 2\nlanguages: [en]\nfiles:\n  format: csv\n"
        "  names: {train: r.csv}\n"
        "  columns: {group: who, question: q, choice0: a, choice1: b, label: right}\n"
    )
    task = declare(put("riddles.yaml", declaration))
    put("r.csv", 'who,q,a,b,right\nida,"What has a bed, but never sleeps?",a river,a cat,0\n')
    from xstilts.data.readers import read

    (row,) = read(task, task.files[0], [Path(tmp_path / "r.csv")], "train", "en")
    assert (row.group, row.context, row.choices, row.label) == ("ida", "", ("a river", "a cat"), 0)


@pytest.mark.parametrize(("name", "content"), [("reviews", REVIEWS), ("names", NAMES)])
def test_a_declaration_with_one_slip_is_taken_or_refused_in_four_parts(tmp_path, name, content):
    path = tmp_path / "mine.yaml"
    for slipped in slips(content.encode()):
        write_anew(path, slipped)
        try:
            task = declare(path)
        except UserError as error:
            four_parts(error, "")
            assert "mine.yaml" in error.where, slipped
        except Exception as error:
            raise AssertionError(slipped.decode()) from error
        else:
            check([task], [])


@pytest.mark.parametrize(("form", "content"), [("csv", CSV), ("jsonl", JSONL * 2)])
def test_ones_own_file_with_one_slip_is_read_or_refused_in_four_parts(put, tmp_path, form, content):
    task = declare(put("mine.yaml", REVIEWS if form == "csv" else NAMES))
    path = tmp_path / f"rw-test.{form}"
    for slipped in slips(content.encode()):
        write_anew(path, slipped)
        (state,) = [s for s in check([task], []) if (s.split, s.language) == ("test", "rw")]
        if state.state == "ok":
            assert state.examples in (1, 2)
        else:
            assert all(part in state.detail for part in ("where:", "expected:", "do:")), slipped
            assert str(path) in state.detail
