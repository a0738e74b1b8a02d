"""The stage that reads one slice of the official files."""

import shutil

import pytest

from xstilts.core.errors import DataError
from xstilts.data.draw import carve
from xstilts.tasks.examples import Candidate, Choice, Pair, Parallel, Query, Span, Tagged


@pytest.mark.parametrize(
    ("name", "split", "language", "kind", "n"),
    [
        ("mnli", "train", "en", Pair, 240),
        ("xnli", "test", "sw", Pair, 42),
        ("squad_v1", "train", "en", Span, 96),
        ("xquad", "test", "de", Span, 24),
        ("udpos", "train", "en", Tagged, 120),
        ("panx", "test", "de", Tagged, 30),
        ("hellaswag", "dev", "en", Choice, 40),
        ("tatoeba", "test", "sw", Parallel, 30),
    ],
)
def test_every_kind_of_file_is_read_whole(workbench, name, split, language, kind, n):
    bench = workbench()
    examples = bench.slice(bench.examples(name, split, language))
    assert len(examples) == n
    assert all(type(e) is kind for e in examples)


def test_examples_come_back_as_they_were_read(workbench, release):
    from xstilts.data.files import find
    from xstilts.data.readers import read
    from xstilts.tasks import get_task

    bench = workbench()
    for name in ("mnli", "squad_v1", "udpos", "hellaswag"):
        task = get_task(name)
        found = find(task, "dev", "en", [release])
        straight = list(read(task, found.files, found.paths, "dev", "en"))
        assert bench.slice(bench.examples(name, "dev")) == straight


def test_parts_samples_and_left_out_ids_are_drawn_in_this_order(workbench):
    bench = workbench()
    whole = bench.slice(bench.examples("squad_v1"))
    held = bench.slice(bench.examples("squad_v1", part="held"))
    assert held == carve(whole, "held")
    rest = bench.slice(bench.examples("squad_v1", part="train"))
    gone = (rest[0].id, rest[5].id)
    drawn = bench.slice(bench.examples("squad_v1", part="train", without=gone, sample=50))
    assert len(drawn) == 50
    assert not {e.id for e in drawn} & {*gone, *(e.id for e in held)}
    few = bench.slice(bench.examples("squad_v1", part="train", at_most=7))
    assert len(few) == 7
    assert bench.slice(bench.examples("squad_v1", part="held", at_most=7)) == held


def test_the_same_sample_is_drawn_in_every_parallel_language(workbench):
    bench = workbench()
    drawn = [
        [(e.id, e.group) for e in bench.slice(bench.examples("xnli", "test", x, sample=10))]
        for x in ("en", "de", "sw")
    ]
    assert drawn[0] == drawn[1] == drawn[2]


def test_a_slice_that_is_empty_is_an_error(workbench):
    bench = workbench()
    everyone = tuple(e.id for e in bench.slice(bench.examples("hellaswag", "dev")))
    with pytest.raises(DataError, match=r"No example is left of hellaswag \(dev, en\)"):
        bench.build(bench.examples("hellaswag", "dev", without=everyone))


def test_a_file_that_changed_since_the_plan_is_refused(workbench, release, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(release, data)
    bench = workbench(data=data)
    step = bench.examples("hellaswag", "dev")
    with (data / "hellaswag" / "hellaswag_val.jsonl").open("a") as file:
        file.write("\n")
    with pytest.raises(DataError, match="changed while it was in use"):
        bench.build(step)


def test_the_same_files_elsewhere_are_the_same_slice(workbench, release, tmp_path):
    shutil.copytree(release, tmp_path / "data")
    here, there = workbench(), workbench(data=tmp_path / "data")
    assert here.examples("mnli").key == there.examples("mnli").key
    assert here.examples("mnli").key != here.examples("mnli", "dev").key


def test_held_out_paragraphs_are_the_same_for_questions_and_for_their_sentences(workbench):
    bench = workbench()
    for part in ("train", "held"):
        spans, ranked = (
            bench.slice(bench.examples(name, part=part))
            for name in ("squad_v1", "squad_v1_retrieval")
        )
        queries = [e for e in ranked if isinstance(e, Query)]
        assert [q.id for q in queries] == [s.id for s in spans]
        assert {c.group for c in ranked} == {s.group for s in spans}


def test_training_sentences_come_with_the_questions_that_are_drawn(workbench):
    bench = workbench()
    drawn = bench.slice(bench.examples("squad_v1_retrieval", sample=9))
    queries = [e for e in drawn if isinstance(e, Query)]
    candidates = [e for e in drawn if isinstance(e, Candidate)]
    assert len(queries) == 9
    assert {c.group for c in candidates} == {q.group for q in queries}
    assert {g for q in queries for g in q.gold} <= {c.id for c in candidates}
    whole = bench.slice(bench.examples("squad_v1_retrieval"))
    assert len(candidates) < sum(isinstance(e, Candidate) for e in whole)


def test_a_sentence_that_is_left_out_takes_its_questions_along(workbench):
    bench = workbench()
    first = next(e for e in bench.slice(bench.examples("squad_v1_retrieval")) if e.gold)
    drawn = bench.slice(bench.examples("squad_v1_retrieval", without=first.gold))
    ids = {e.id for e in drawn}
    assert not ids & {first.id, *first.gold}
    assert {g for e in drawn if isinstance(e, Query) for g in e.gold} <= ids
