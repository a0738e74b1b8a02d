import pytest

from xstilts.core.spec import Spec
from xstilts.graph import Stage, Step, why
from xstilts.store import Store


class How(Spec):
    lr: float = 0.0001
    epochs: int = 2


class Toy(Spec):
    how: How = How()
    task: str = "mnli"


STAGE = Stage("train", 1, "nowhere:nothing")


def step(label="mnli", stage=STAGE, task="mnli", inputs=None, **how):
    return Step(stage, label, Toy(how=How(**how), task=task), inputs or {})


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


def finish(store, *steps):
    for s in steps:
        store.build(s.address, s.key, s.identity, lambda folder: {}, made={})


def test_a_finished_step_has_no_reason_to_run(store):
    finish(store, step())
    assert why(step(), store) == []


def test_a_step_that_never_ran_says_so(store):
    finish(store, step("other"))
    assert why(step(), store) == ["never built"]


def test_the_changed_field_is_named_with_both_values(store):
    finish(store, step())
    assert why(step(lr=0.0002), store) == ["config.how.lr: 0.0001 -> 0.0002"]


def test_the_nearest_of_several_finished_ones_is_compared_with(store):
    finish(store, step(epochs=5, lr=0.5, task="x"), step(lr=0.0002), step(epochs=9, lr=0.7))
    assert why(step(lr=0.0002, epochs=3), store) == ["config.how.epochs: 2 -> 3"]


def test_a_new_version_of_a_stage_is_a_reason(store):
    finish(store, step())
    newer = step(stage=Stage("train", 2, "nowhere:nothing"))
    assert why(newer, store) == ['stage: "train@1" -> "train@2"']


def test_a_changed_input_is_followed_to_the_field_that_changed_there(store):
    def target(lr):
        start = step("first", lr=lr, inputs={"data": step("data")})
        return step("mnli", inputs={"start": start})

    old = target(0.0001)
    finish(store, old.inputs["start"].inputs["data"], old.inputs["start"], old)
    found = why(target(0.0002), store)
    assert found == ["inputs.start.config.how.lr: 0.0001 -> 0.0002"]


def test_a_change_two_inputs_deep_is_followed_too(store):
    def target(task):
        data = step("data", task=task)
        start = step("first", inputs={"data": data})
        return step("mnli", inputs={"start": start})

    old = target("a")
    finish(store, old.inputs["start"].inputs["data"], old.inputs["start"], old)
    assert why(target("b"), store) == ['inputs.start.inputs.data.config.task: "a" -> "b"']


def test_an_input_from_another_address_is_named_by_address_and_key(store):
    old = step(inputs={"start": step("first")})
    finish(store, old)
    new = step(inputs={"start": step("second")})
    (line,) = why(new, store)
    assert line.startswith('inputs.start: "train/first@')
    assert ' -> "train/second@' in line


def test_an_input_that_came_or_went_is_named(store):
    finish(store, step())
    (line,) = why(step(inputs={"start": step("first")}), store)
    assert line.startswith('inputs.start: absent -> "train/first@')
