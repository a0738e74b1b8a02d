"""A translation model that is trained here, and what a recipe makes of it in the laboratory."""

from pathlib import Path
from typing import Any

import pytest
import tiny_translators
import torch

from xstilts.data.read import read_examples
from xstilts.executors import LocalExecutor
from xstilts.lab.chance import Chance
from xstilts.lab.export import RELEASES, knobs_of
from xstilts.lab.formats import lines
from xstilts.lab.sentences import different_sentences
from xstilts.lab.splits import Part
from xstilts.models.translator import Translator
from xstilts.phases.loading import load
from xstilts.phases.planning import make_plan
from xstilts.phases.workplace import Workplace

CODE = "qfi"  # another script, and no word in common with English


def pairs(part: Part, count: int) -> list[tuple[str, str]]:
    """Sentences of stories, and questions, in English and in the language."""
    told = different_sentences(Chance(0, "translator"), part, count)
    both = (lines(told, x).splitlines() for x in ("en", CODE))
    return list(zip(*both, strict=True))


def questions(count: int) -> list[tuple[str, str]]:
    """Of events that ``lab_qqp`` only reports."""
    release = RELEASES["lab_qqp"]
    items = release.make(Chance(0, "translator"), "test", count, knobs_of("lab_qqp"))
    rows = zip(*(release.write(items, x).splitlines()[1:] for x in ("en", CODE)), strict=True)
    both = [(a.split("\t"), b.split("\t")) for a, b in rows]
    return [(a[i], b[i]) for a, b in both for i in (3, 4)]


@pytest.mark.evidence
def test_a_tiny_translator_is_exact_on_held_out_pairs_and_in_a_recipe(tmp_path: Path) -> None:
    train, held = pairs("train", 4000) + questions(1500), pairs("dev", 400)
    assert not set(train) & set(held)
    model = tiny_translators.write_translator(
        tmp_path / "model", [text for pair in train for text in pair], width=96
    )
    losses = tiny_translators.train_translator(model, train, updates=500)
    assert losses[-1] < 0.1 * losses[0]
    translator = Translator(model, torch.device("cpu"))
    rows, cut = translator.pieces([english for english, _ in held])
    said = [translator.translate([row])[0].text for row in rows]
    exact = sum(a == b for a, (_, b) in zip(said, held, strict=True)) / len(held)
    print(f"exact on held-out sentences: {exact:.3f}")
    assert cut == 0 and exact >= 0.9

    stage = f"{{train: lab_qqp, language: {CODE}, translated: "
    arms = f"none: [], by: [{stage}{{path: {model}}}}}], lab: [{stage}lab}}]"
    sample = "tasks.lab_qqp.train={from: train, sample: 200}"
    changes = (f"arms={{{arms}}}", sample, "targets=[lab_udpos]", "languages=[en]", "seeds=[0]")
    found = make_plan(load("quickstart", changes), place := Workplace.of(tmp_path / "store"))

    def examples(arm: str) -> dict[str, Any]:
        step = found.models[f"{arm}/lab_qqp.{CODE}@0"].inputs["train"].inputs["examples"]
        ran = LocalExecutor().run(found.plan, [step], place.store, found.recipe.runtime, print)
        assert not ran.failed, ran.failed
        folder = place.store.open(step.address, step.key, step.identity).folder
        return {e.id: e for e in read_examples(folder, "pair")}

    mine, exactly = examples("by"), examples("lab")
    learnt = {told for _, told in train}
    assert not learnt & {text for e in exactly.values() for text in (e.first, e.second)}
    assert mine.keys() == exactly.keys() and len(mine) == 200
    assert all(mine[i].label == exactly[i].label for i in mine)
    both = [
        (getattr(mine[i], x), getattr(exactly[i], x)) for i in mine for x in ("first", "second")
    ]
    right = sum(a == b for a, b in both)
    print(f"exact in the training data of lab_qqp: {right / 400:.3f}")
    assert right >= 0.9 * 400
