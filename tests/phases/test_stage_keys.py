"""Every key of a stage, and what is answered to the mistakes that are easily made with it."""

import pytest

from xstilts.core.errors import RecipeError, UnknownNameError, UserError
from xstilts.phases.forms import ABSENT
from xstilts.phases.loading import load
from xstilts.phases.recipe import StageUse

# key -> a misspelt form, a value of the wrong form, a value that cannot be, what it cannot go with
MISTAKES = {
    "train": ["{trian: mnli}", "{train: 3}", "{train: [mnli]}", "{train: mnli, mix: {}}"],
    "mix": [
        "{train: [mnli, panx], mix: {laws: uniform}}",
        "{train: [mnli, panx], mix: uniform}",
        "{train: [mnli, panx], mix: {law: capped, cap: 0}}",
        "{mix: {law: uniform}}",
    ],
    "mlm": [
        "{mlm: {shares: 0.2}}",
        "{train: mnli, mlm: 0.2}",
        "{train: mnli, mlm: {share: 20}}",
        "{mlm: {share: 0.2}}",
    ],
    "language": [
        "{train: mnli, langage: de}",
        "{train: mnli, language: [de, fr]}",
        "{train: mnli, language: german}",
        "{train: mnli, language: own}",
    ],
    "translated": [
        "{train: mnli, language: de, translate: DIR}",
        "{train: mnli, language: de, translated: true}",
        "{train: mnli, language: de, translated: {hub: a/b, revision: main}}",
        "{train: mnli, translated: DIR}",
    ],
    "freeze": [
        "{train: mnli, freeze: {block: 6, during: both}}",
        "{train: mnli, freeze: 6}",
        "{train: mnli, freeze: {blocks: -1, during: both}}",
        "{freeze: {blocks: 6, during: intermediate}}",
    ],
    "carry": [
        "{train: mnli, carry: {blocks: 6, which: botom}}",
        "{train: mnli, carry: 6}",
        "{train: mnli, carry: {blocks: 0}}",
        "{carry: {blocks: 6}}",
    ],
    "reinit_top": [
        "{reinit_topp: 2}",
        "{reinit_top: {blocks: 2}}",
        "{reinit_top: 0}",
        "{reinit_top: 1, language: de}",
    ],
    "layer_mix": [
        "{layer_mix: {durign: target}}",
        "{train: mnli, layer_mix: true}",
        "{train: mnli, layer_mix: {during: always}}",
        "{layer_mix: {during: intermediate}}",
    ],
    "few_shot": [
        "{few_shots: {k: 100}}",
        "{few_shot: 100}",
        "{few_shot: {k: 0}}",
        "{train: mnli, few_shot: {k: 100}}",
    ],
    "longer": ["{longr: two}", "{longer: [two]}", "{longer: none}", "{train: mnli, longer: two}"],
    "checkpoint": [
        "{chekpoint: {path: DIR}}",
        "{checkpoint: DIR}",
        "{checkpoint: {hub: a/b, revision: main}}",
        "{checkpoint: {path: DIR}, train: mnli}",
    ],
    "dual": ["{train: lareqa, dual: true}", "{dual: true}"],
    "lora": [
        "{train: mnli, loar: {rank: 8}}",
        "{train: mnli, lora: 8}",
        "{train: mnli, lora: {rank: 0}}",
        "{train: mnli, lora: {rank: 8}, freeze: {blocks: 1, during: both}}",
    ],
    "merge": [
        "{merg: {two: 1.0}}",
        "{merge: [two]}",
        "{merge: {two: 0}}",
        "{merge: {two: 1.0}, train: mnli}",
    ],
}


def test_the_table_of_mistakes_has_every_key() -> None:
    assert set(MISTAKES) == set(StageUse.model_fields) | set(ABSENT)


@pytest.mark.parametrize(
    ("key", "stage"), [(key, stage) for key, stages in MISTAKES.items() for stage in stages]
)
def test_a_mistake_is_answered_in_four_parts_that_name_the_key(key: str, stage: str) -> None:
    said = f"arms={{none: [], two: [{{train: mnli}}], it: [{stage}]}}"
    with pytest.raises(UserError) as caught:
        load("first-light", [said])
    error = caught.value
    assert all(part.strip() for part in (error.what, error.where, error.expected, error.do))
    assert "arms.it" in error.where
    assert key in f"{error}" and "{key: value}" not in error.expected


def test_what_stands_in_a_list_is_set_with_its_whole_list() -> None:
    said = "arms={none: [], it: [{train: mnli}, {few_shot: {k: 1.5}}]}"
    with pytest.raises(RecipeError, match="k cannot be") as caught:
        load("first-light", [said])
    assert "--set arms.it='[{few_shot: {k: …}}]'" in caught.value.do
    with pytest.raises(RecipeError) as caught:
        load("first-light", ["training.epochs=x"])
    assert "--set training.epochs=VALUE" in caught.value.do


@pytest.mark.parametrize("key", [key for key in MISTAKES if key not in ABSENT])
def test_a_misspelt_key_suggests_the_right_one(key: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        load("first-light", [f"arms={{none: [], it: [{MISTAKES[key][0]}]}}"])
    assert "Did you mean" in caught.value.what


@pytest.mark.parametrize("key", ABSENT)
def test_a_key_that_this_version_lacks_says_so_and_suggests_no_other_word(key: str) -> None:
    with pytest.raises(RecipeError) as caught:
        load("first-light", [f"arms={{none: [], it: [{MISTAKES[key][0]}]}}"])
    assert "Did you mean" not in caught.value.what
    assert key in caught.value.what and caught.value.where == "first-light: arms.it.0"
    assert "train" in caught.value.expected or "freeze" in caught.value.expected
