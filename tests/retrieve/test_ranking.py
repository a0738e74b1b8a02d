"""Queries of one language among the candidates of all, and the score of their order."""

import math
import random

import pyarrow.parquet as pq
import pytest

from xstilts.core.context import Context, Result
from xstilts.core.spec import Runtime
from xstilts.data.read import EXAMPLES, write_examples
from xstilts.data.slices import Tokens
from xstilts.data.tokens import tokens
from xstilts.metrics import mean_average_precision, random_order_floor
from xstilts.retrieve.ranking import rank, vectors
from xstilts.retrieve.spec import Rank, Vectors
from xstilts.scoring.spec import Score
from xstilts.scoring.stage import score
from xstilts.tasks.examples import Candidate, Query


def language(texts, code):
    """Twelve queries, each the very words of one candidate; 30 candidates with a context."""
    rng = random.Random(code)
    words = sorted({w for t in texts for w in t.split() if w.isalpha()})
    said = [" ".join(rng.choices(words, k=rng.randint(3, 9))) for _ in range(30)]
    queries = [Query(f"q{i}", f"g{i}", said[i], (f"{code}_{i}",)) for i in range(12)]
    return [*queries, *(Candidate(f"{code}_{i}", f"g{i}", t, "") for i, t in enumerate(said))]


@pytest.fixture
def ranked(tmp_path, encoder_folder, release_texts):
    """Results of `rank` and `score` for German queries, candidates in German and Swahili."""
    context = Context(Runtime(threads=1), {"e": encoder_folder(), "t": encoder_folder()})
    inputs = {}
    for code in ("de", "sw"):
        places = [tmp_path / f"{name}-{code}" for name in ("examples", "tokens", "vectors")]
        for place in places:
            place.mkdir()
        write_examples(places[0] / EXAMPLES, language(release_texts, code))
        examples = Result(places[0], {}, "examples")
        config = Tokens(tokenizer="t", kind="ranking", labels=(), max_length=64, stride=0)
        value = tokens(config, {"examples": examples}, places[1], context)
        how = Vectors(encoder="e", layer=1, precision="fp32")
        some = {"tokens": Result(places[1], value, "tokens"), "examples": examples}
        value = vectors(how, some, places[2], context)
        assert (value["query"], value["candidate"]) == (12, 30)
        inputs |= {f"vectors.{code}": Result(places[2], value, "v"), f"examples.{code}": examples}
    folder = tmp_path / "ranked"
    folder.mkdir()
    value = rank(Rank(language="de", pool=("de", "sw")), inputs, folder, context)
    predictions = Result(folder, value, "ranked")
    scored = {"predictions": predictions, "examples": inputs["examples.de"]}
    return predictions, score(Score(kind="ranking"), scored, tmp_path, context)


def test_every_query_finds_its_own_words_first_among_all_languages(ranked):
    predictions, record = ranked
    found = pq.read_table(predictions.folder / "predictions.parquet").to_pydict()
    assert [r[0] for r in found["prediction"]] == [f"de_{i}" for i in range(12)]
    assert all(
        len(r) == len(s) == 20 for r, s in zip(found["prediction"], found["scores"], strict=True)
    )
    assert {c.partition("_")[0] for r in found["prediction"] for c in r} == {"de", "sw"}
    assert found["gold"][3] == ["de_3", "sw_3"], "right are the candidates of all languages"
    assert record["n"] == 12
    assert 50 <= record["scores"]["map@20"] <= 100
    assert record["protocol"] == "block 1/2, mean pooling, cosine, candidates of de, sw"


def test_the_floor_is_the_mean_of_random_orders():
    rng = random.Random(0)
    gold, n, k = [1, 3, 30], 40, 20
    total = 0.0
    for _ in range(4000):
        orders = [rng.sample(range(n), n) for _ in gold]
        total += mean_average_precision([range(g) for g in gold], orders, k)
    assert math.isclose(random_order_floor(gold, n, k), total / 4000, rel_tol=0.02)
