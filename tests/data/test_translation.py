"""What of an example is translated, and where its answer is found again."""

import re
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from xstilts.data.readers import read
from xstilts.data.readers.sentences import sentence_spans
from xstilts.data.translation import Told, sentences_of, translated
from xstilts.lab.chance import Chance
from xstilts.lab.export import RELEASES, knobs_of
from xstilts.tasks import get_task
from xstilts.tasks.examples import Candidate, Choice, Pair, Query, Span, Tagged

SAID = {
    "Ida came.": "Ida kam.",
    "She sang in Rome.": "Sie sang in Rom.",
    "Where?": "Wo?",
    "in Rome": "In Rom.",
    "She": "Sie",
    "he": "er",
    "Ida": "Ida",
}
TOLD = Told(SAID)
CONTEXT = "Ida came.  She sang in Rome."


def test_texts_are_translated_by_sentence_and_labels_are_carried() -> None:
    pair = Pair("7", "g", CONTEXT, None, "neutral")
    assert translated(pair, TOLD) == Pair("7", "g", "Ida kam.  Sie sang in Rom.", None, "neutral")
    choice = Choice("7", "g", "Ida came.", "", ("She", "he"), 1)
    assert translated(choice, TOLD) == Choice("7", "g", "Ida kam.", "", ("Sie", "er"), 1)
    query = Query("7", "g", "Where?", ("7",))
    assert translated(query, TOLD) == Query("7", "g", "Wo?", ("7",))
    found = translated(Candidate("7", "g", "She sang in Rome.", CONTEXT), TOLD)
    assert isinstance(found, Candidate) and found.text in found.context
    assert list(sentences_of(choice)) == ["Ida came.", "She", "he"]


def asked(answer: str, start: int, **more: str) -> Span | None:
    example = Span("7", "g", CONTEXT, "Where?", (answer,), (start,))
    new = translated(example, Told(SAID | more))
    assert new is None or isinstance(new, Span)
    return new


def test_an_answer_is_found_again_in_the_sentence_that_it_stands_in() -> None:
    found = asked("in Rome", CONTEXT.index("in Rome"))
    assert found is not None and (found.question, found.answers) == ("Wo?", ("in Rom",))
    assert found.context[found.starts[0] :].startswith("in Rom.")
    found = asked("Ida", 0, **{"She sang in Rome.": "Ida sang in Rom."})
    assert found is not None and found.starts == (0,)  # not the other sentence's


@pytest.mark.parametrize(
    "said",
    [
        {"in Rome": "nach Rom"},  # said otherwise
        {"in Rome": ""},
        {"in Rome": "in R"},  # a part of a word
        {"She sang in Rome.": "In Rom sang sie in Rom."},  # twice
        {"Where?": "  "},  # no question is left
    ],
)
def test_an_example_without_its_answer_is_left_out(said: dict[str, str]) -> None:
    assert asked("in Rome", CONTEXT.index("in Rome"), **said) is None


def test_an_answer_in_a_language_without_spaces_may_be_a_part_of_the_line() -> None:
    said = {"She sang in Rome.": "她在罗马唱歌。", "in Rome": "在罗马"}
    found = asked("in Rome", CONTEXT.index("in Rome"), **said)
    assert found is not None and found.answers == ("在罗马",)
    assert found.context[found.starts[0] :] == "在罗马唱歌。"


def test_a_question_without_an_answer_stays_one() -> None:
    new = translated(Span("7", "g", CONTEXT, "Where?", (), ()), TOLD)
    assert isinstance(new, Span) and new.answers == () and new.question == "Wo?"


def test_tags_are_never_carried_over() -> None:
    with pytest.raises(TypeError, match="Tagged"):
        translated(Tagged("7", "g", ("Ida",), ("B-PER",)), TOLD)


def test_the_laboratorys_exact_translations_put_most_answers_where_they_are(tmp_path: Path) -> None:
    release, task = RELEASES["lab_squad_v1"], get_task("lab_squad_v1")
    items = release.make(Chance(0, "answers"), "train", 150, knobs_of("lab_squad_v1"))

    def examples(code: str) -> list[Any]:
        (tmp_path / code).write_text(release.write(items, code), "utf-8")
        return list(read(task, task.files[0], [tmp_path / code], "train", code))

    english, exact = examples("en"), examples("qfi")
    said: dict[str, str] = {}
    for ours, theirs in zip(english, exact, strict=True):
        left = iter(re.findall(r"[^.?]+[.?]", theirs.context))
        for text in (ours.context[a:b] for a, b in sentence_spans(ours.context)):
            said[text] = "".join(islice(left, text.count("."))).strip()
        said[ours.question] = theirs.question
        said |= dict(zip(ours.answers, theirs.answers, strict=True))
    told = Told(said)
    found = [translated(e, told) for e in english]
    right = [new == old for new, old in zip(found, exact, strict=True)]
    assert all(r for r, f in zip(right, found, strict=True) if f is not None)
    assert sum(right) >= 0.9 * len(right) == 0.9 * 150
