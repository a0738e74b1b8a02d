"""Counts by item group: the official scores come out of them, whole and of any drawn groups."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xstilts.core.context import Context, Result
from xstilts.data.read import EXAMPLES, write_examples
from xstilts.metrics import bitext_f1, seqeval_f1
from xstilts.scoring.counts import item_counts, pair_counts, read_counts, write_counts
from xstilts.scoring.measure import measure
from xstilts.scoring.spec import COUNTS, USUAL, Score, score_of
from xstilts.scoring.stage import score
from xstilts.tasks import get_task, task_names
from xstilts.tasks.consistency import METRICS
from xstilts.tasks.examples import Candidate, Choice, Pair, Parallel, Query, Sentence, Span, Tagged

TAGS = ["O", "B-PER", "I-PER", "B-LOC", "X", "CCONJ", "NOUN", "_"]
TEXTS = ["", "the mill", "Mill", "an old mill", "1794", "die Mühle", "the old old mill"]
OPTIONS = {"squad": [""], "squad_v2": [""], "mlqa": ["de", "en", "zh"]}


def drawn_slice(config: Score, rng: np.random.Generator) -> tuple[list, list]:
    """Examples of a kind in groups of several, and what a model may have said."""
    n = int(rng.integers(1, 30))
    groups = [f"ü{g}" for g in rng.integers(0, max(2, n // 3), n)]

    def some(of: list) -> list:
        return [of[i] for i in rng.integers(0, len(of), n)]

    if config.kind == "pair":
        labels = list(zip(some("ABC"), groups, strict=True))
        return [Pair(str(i), g, "a", "b", x) for i, (x, g) in enumerate(labels)], some("ABCD")
    if config.kind == "choice":
        labels = list(zip(some([0, 1, 2]), groups, strict=True))
        examples = [Choice(str(i), g, "a", "", ("x",) * 3, x) for i, (x, g) in enumerate(labels)]
        return examples, some([0, 1, 2])
    if config.kind == "retrieval":
        examples = [Parallel(str(i), g, "x", "y") for i, g in enumerate(groups)]
        near = [i if rng.random() < 0.5 else int(rng.integers(n)) for i in range(n)]
        return examples, near
    if config.kind == "tagging":
        sizes = [int(k) for k in rng.integers(1, 6, n)]
        gold = [tuple(rng.choice(TAGS, k).tolist()) for k in sizes]
        said = [[t if rng.random() < 0.6 else str(rng.choice(TAGS)) for t in tags] for tags in gold]
        tagged = zip(gold, groups, strict=True)
        return [Tagged(str(i), g, t, t) for i, (t, g) in enumerate(tagged)], said
    least = 0 if config.answers == "squad_v2" else 1
    answers = [tuple(rng.choice(TEXTS, int(rng.integers(least, 3))).tolist()) for _ in range(n)]
    asked = zip(answers, groups, strict=True)
    spans = [Span(str(i), g, "text", "?", a, (0,) * len(a)) for i, (a, g) in enumerate(asked)]
    return spans, [text if rng.random() < 0.9 else None for text in some(TEXTS)]


def registered() -> list[Score]:
    """Every way to score examples that a task of the catalogue, or one's own, can ask for."""
    ways = {score_of(get_task(name), "en") for name in task_names()}
    ways |= {Score(kind=kind, metrics=names) for kind, names in METRICS.items()}
    ways |= {Score(kind="span", answers=a, language=x) for a, ls in OPTIONS.items() for x in ls}
    rules = {way for way in ways if way.kind not in ("mining", "ranking")}
    return sorted({way.model_copy(update={"threshold": "held out"}) for way in rules}, key=str)


@pytest.mark.parametrize("config", registered(), ids=str)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_every_official_score_is_the_ratio_of_its_counts(
    tmp_path_factory: pytest.TempPathFactory, config: Score, seed: int
) -> None:
    examples, said = drawn_slice(config, np.random.default_rng(seed))
    official, _ = measure(config, examples, said)
    counts = item_counts(config, examples, said)
    assert set(counts.dtype.names) == {"group", *official}
    assert [g.decode() for g in counts["group"]] == sorted({e.group for e in examples})
    folder = tmp_path_factory.mktemp("score")
    write_counts(folder, counts)
    for metric, value in official.items():
        assert read_counts(folder, metric).score == pytest.approx(value, abs=1e-9)
    assert np.load(folder / COUNTS, allow_pickle=False).dtype == counts.dtype


def test_the_catalogue_has_every_kind_of_score() -> None:
    kinds = {score_of(get_task(name), "en").kind for name in task_names()}
    assert kinds == set(USUAL) and {way.kind for way in registered()} >= kinds - {
        "mining",
        "ranking",
    }


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_counts_of_some_groups_are_the_official_score_of_these_groups(seed: int) -> None:
    """What a resample relies on: no count of a group rests on another group."""
    rng = np.random.default_rng(seed)
    config = Score(kind="tagging")
    bio = [t for t in TAGS if t not in ("X", "_")]  # with these two the order of sentences counts
    gold = [rng.choice(bio, rng.integers(1, 6)).tolist() for _ in range(20)]
    said = [[t if rng.random() < 0.7 else str(rng.choice(bio)) for t in tags] for tags in gold]
    examples = [Tagged(str(i), f"{i % 7}", tuple(t), tuple(t)) for i, t in enumerate(gold)]
    counts = item_counts(config, examples, said)
    few = [i for i in range(20) if i % 7 in (1, 4)]
    rows = counts["f1"][np.isin(counts["group"], [b"1", b"4"])]
    above, below = rows.sum(axis=(0, 1))
    official = seqeval_f1([gold[i] for i in few], [said[i] for i in few])
    assert (100 * above / below if below else 0.0) == pytest.approx(official, abs=1e-9)


def test_mined_pairs_belong_to_the_group_of_their_source_and_count_once() -> None:
    sentences = [
        Sentence("s1", "a", "source", "x", ("t1",)),
        Sentence("s2", "b", "source", "x", ("t2",)),
        Sentence("s3", "b", "source", "x", ()),
        Sentence("t1", "t", "target", "x", ()),
    ]
    gold = [("s1", "t1"), ("s2", "t2"), ("s2", "t2")]
    taken = [("s1", "t1"), ("s3", "t1")]
    counts = pair_counts(sentences, gold, taken)
    assert counts["group"].tolist() == [b"a", b"b"]
    assert counts["f1"][:, 0].tolist() == [[2, 2], [0, 2]]
    official = bitext_f1(gold, taken)
    for metric, value in official.items():
        above, below = counts[metric].sum(axis=(0, 1))
        assert 100 * above / below == pytest.approx(value, abs=1e-9)
    none = pair_counts(sentences, gold, [])
    assert none["f1"].sum(axis=(0, 1)).tolist() == [0, 2]
    assert none["precision"].sum() == 0


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_the_f1_of_any_mined_pairs_is_the_ratio_of_its_counts(data: st.DataObject) -> None:
    ids = st.integers(0, 9)
    pairs = st.lists(st.tuples(ids.map("s{}".format), ids.map("t{}".format)), max_size=12)
    gold, taken = data.draw(pairs.filter(len)), data.draw(pairs)
    sentences = [Sentence(f"s{i}", f"g{i // 2}", "source", "", ()) for i in range(10)]
    counts = pair_counts(sentences, gold, taken)
    for metric, value in bitext_f1(gold, taken).items():
        above, below = counts[metric].sum(axis=(0, 1))
        assert (100 * above / below if below else 0) == pytest.approx(value, abs=1e-9)


def test_the_stage_writes_the_counts_of_ranked_queries(tmp_path: Path) -> None:
    queries = [Query(str(i), f"p{i // 2}", "?", ("c1",)) for i in range(4)]
    write_examples(tmp_path / EXAMPLES, [*queries, Candidate("c1", "p0", "x", "")])
    ranked = [["c1", "c2"], ["c2", "c1"], ["c3"], ["c2", "c3"]]
    columns = {
        "id": [q.id for q in queries],
        "group": [q.group for q in queries],
        "prediction": ranked,
        "gold": [["c1"], ["c1", "c2"], ["c1"], ["c1", "c3"]],
    }
    pq.write_table(pa.table(columns), tmp_path / "predictions.parquet")
    told = Result(tmp_path, {"candidates": 3, "protocol": "p"}, "k")
    value = score(Score(kind="ranking"), {"predictions": told}, tmp_path, Context())
    found = read_counts(tmp_path, "map@20")
    assert found.groups.tolist() == [b"p0", b"p1"]
    assert found.score == pytest.approx(value["scores"]["map@20"], abs=1e-9)
    with pytest.raises(KeyError, match="no counts of f1"):
        read_counts(tmp_path, "f1")


@pytest.mark.parametrize("block", [None, 0, 1])
def test_of_a_sweep_the_counts_are_those_of_the_block_that_is_reported(
    tmp_path: Path, block: int | None
) -> None:
    examples = [Parallel(str(i), str(i), "x", "y") for i in range(4)]
    write_examples(tmp_path / EXAMPLES, examples)
    fixed, first, second = [0, 1, 0, 0], [0, 0, 0, 0], [0, 1, 2, 0]
    ids = [e.id for e in examples]
    table = pa.table({"id": ids, "prediction": fixed})
    pq.write_table(table, tmp_path / "predictions.parquet")
    every = pa.table(
        {"id": ids * 2, "prediction": first + second, "block": [0] * 4 + [1] * 4},
    )
    pq.write_table(every, tmp_path / "blocks.parquet")
    value = {"protocol": "block 0", "block": 0, "blocks": ["0", "1"]}
    inputs = {"examples": Result(tmp_path, {}, "k"), "predictions": Result(tmp_path, value, "k")}
    if block is not None:
        inputs["choice"] = Result(tmp_path, {"block": block, "said": "oracle"}, "k")
    found = score(Score(kind="retrieval"), inputs, tmp_path, Context())
    assert read_counts(tmp_path, "accuracy").score == found["scores"]["accuracy"]
    assert found["scores"]["accuracy"] == {None: 50.0, 0: 25.0, 1: 75.0}[block]
