from pathlib import Path

import pytest

from xstilts.core.errors import UnknownNameError
from xstilts.core.spec import Spec
from xstilts.graph import Plan, Stage, State, Step
from xstilts.graph.plan import in_order, status, unsound
from xstilts.store import Store


class Toy(Spec):
    n: int = 0


STAGE = Stage("toy", 1, "nowhere:nothing", weights=("*.bin",))


def step(label, n=0, **inputs):
    return Step(STAGE, label, Toy(n=n), inputs)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


def finish(store, *steps, **value):
    """Leave a result of each step as its stage would."""

    def write(folder: Path):
        (folder / "a.bin").write_text("weights")
        return value

    for s in steps:
        store.build(s.address, s.key, s.identity, write, made={})


@pytest.fixture
def chain():
    """data -> model -> {left, right} -> report"""
    data = step("data")
    model = step("model", data=data)
    left, right = step("left", model=model), step("right", model=model, data=data)
    return data, model, left, right, step("report", left=left, right=right)


def test_inputs_come_before_their_users_and_every_step_once(chain):
    data, model, left, right, report = chain
    assert list(in_order([report, left])) == [data, model, left, right, report]


def test_what_one_goal_needs_stands_together():
    one, two = step("one", a=step("a", 1)), step("two", b=step("b", 2))
    assert [s.label for s in in_order([one, two])] == ["a", "one", "b", "two"]


def test_equal_promises_are_one_step():
    goals = [step("x", data=step("data")), step("x", data=step("data"))]
    assert [s.label for s in Plan({}, goals).unique()] == ["data", "x"]


def test_nothing_is_there_at_first(chain, store):
    found = status([chain[-1]], store)
    assert found.to_run == list(chain)
    assert set(found.states.values()) == {State.MISSING}


def test_a_step_that_is_done_is_not_looked_behind(chain, store):
    _, _, left, _, report = chain
    finish(store, left)
    found = status([report], store)
    assert [s.label for s in found.to_run] == ["data", "model", "right", "report"]
    finish(store, report)
    found = status([report], store)
    assert found.to_run == []
    assert found.states == {report.key: State.DONE}


def test_a_changed_config_changes_the_keys_of_all_that_is_built_on_it(chain):
    changed = step("left", model=step("model", n=1, data=chain[0]))
    assert changed.key != chain[2].key
    assert step("left", model=step("model", data=step("data"))).key == chain[2].key


def test_a_version_and_the_name_of_an_input_are_identity():
    other = Stage("toy", 2, "nowhere:nothing")
    data = step("data")
    keys = {step("x", a=data).key, step("x", b=data).key, Step(other, "x", Toy(), {"a": data}).key}
    assert len(keys) == 3


def test_where_the_code_is_and_how_much_work_it_is_are_no_identity():
    from xstilts.graph import Work

    moved = Stage("toy", 1, "elsewhere:something", resumes=True)
    assert Step(moved, "x", Toy(), work=Work(5.0, True)).key == step("x").key


def test_all_behind_a_diverged_training_is_blocked(chain, store):
    data, model, _, _, report = chain
    finish(store, data)
    finish(store, model, verdict="diverged")
    found = status([report, data], store)
    assert found.to_run == []
    assert [s.label for s in found.blocked] == ["left", "right", "report"]
    assert found.states[report.key] is State.BLOCKED


def test_a_diverged_training_is_itself_done(chain, store):
    finish(store, chain[1], verdict="diverged")
    found = status([chain[1]], store)
    assert (found.to_run, found.blocked) == ([], [])


def test_pruned_weights_are_rebuilt_only_when_something_needs_them(chain, store):
    data, model, left, right, report = chain
    finish(store, data, model, left, right)
    store.prune(model.address, model.key, ["a.bin"])
    assert [s.label for s in status([report], store).to_run] == ["report"]
    assert status([model], store).to_run == []
    new = step("new", model=model)
    found = status([new], store)
    assert [s.label for s in found.to_run] == ["model", "new"]
    assert found.states[model.key] is State.PRUNED


def test_a_corrupt_result_is_to_run_and_says_what_is_wrong(chain, store):
    data, model, left, *_ = chain
    finish(store, data, model, left)
    (store.path(left.address, left.key) / "a.bin").unlink()
    found = status([left], store)
    assert found.states[left.key] is State.CORRUPT
    assert found.to_run == [left]
    [(step, reason)] = unsound([left], store)
    assert (step, reason.endswith("is gone")) == (left, True)


def test_a_step_is_found_by_its_name_or_a_prefix_that_only_it_has(chain):
    plan = Plan({"mnli/xnli@0": chain[0], "mnli/xnli@0/predict": chain[1], "none@1": chain[2]}, [])
    assert plan.find("mnli/xnli@0") == ("mnli/xnli@0", chain[0])
    assert plan.find("no") == ("none@1", chain[2])
    with pytest.raises(UnknownNameError, match="'mnli'"):
        plan.find("mnli")
    with pytest.raises(UnknownNameError, match="Did you mean 'none@1'"):
        plan.find("nune@1")


def test_what_is_unsound_is_found_behind_a_finished_goal_too(chain, store):
    data, model, left, *_ = chain
    finish(store, data, model, left)
    (store.path(model.address, model.key) / "a.bin").write_text("w")
    assert [s for s, _ in unsound([left], store)] == [model]
    store.prune(left.address, left.key, ["a.bin"])
    assert [s for s, _ in unsound([left], store)] == [model]


def test_a_step_is_called_by_its_first_name_or_by_address_and_key():
    named, other = step("model"), step("model", 1)
    plan = Plan({"none/x@0": named, "x/x@0": named}, [named, other])
    assert (plan.name(named), plan.name(other)) == ("none/x@0", f"toy/model@{other.key}")
