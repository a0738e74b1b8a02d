"""Arms of layers that change nothing, or throw away what they made: refused while planning."""

from collections.abc import Callable

import pytest

from xstilts.core.errors import RecipeError
from xstilts.phases.loading import load
from xstilts.phases.planned import Planned
from xstilts.phases.planning import make_plan
from xstilts.phases.workplace import Workplace

SIX = """\
text: {lab: {tokens: 9000, languages: [en, qfi]}}
sampling: 1.0
tokenizer: {size: 500}
model: {layers: 6, width: 32, inner: 64, heads: 4, positions: 128}
masking: {share: 0.3, masked: 0.8, random: 0.1}
training: {updates: 10, batch_size: 16, optimizer: muon, lr: 5.0e-3, precision: fp32}
seed: 0
"""
Plan = Callable[..., Planned]


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """What is planned of one arm of ``lab/forms`` on an encoder of 2 blocks, or of 6."""
    place = Workplace.of(tmp_path_factory.mktemp("store"))
    six = tmp_path_factory.mktemp("six") / "six.yaml"
    six.write_text(SIX, "utf-8")

    def plan(stages: str, blocks: int, more: str = "") -> Planned:
        encoder = {2: "{path: lab/encoder}", 6: f"{{pretrain: {six}}}"}[blocks]
        arms = f"arms={{none: [], {more} it: [{stages}]}}"
        said = (arms, "targets=[lab_xnli]", f"encoder={encoder}")
        return make_plan(load("lab/forms", said), place)

    return plan


def frozen(blocks: int, more: str = "", task: str = "train: lab_mnli") -> str:
    return f"{{{task}, freeze: {{blocks: {blocks}, during: intermediate}}{more}}}"


TRAINED = "{train: lab_mnli, carry: {blocks: 3}}"
READ = "mlm: {tokens: 2000, languages: [qfi]}"


@pytest.mark.parametrize(
    ("stages", "blocks", "told", "remedy"),
    [
        (frozen(1, ", carry: {blocks: 1}"), 2, "block 1 stayed frozen", "which: top"),
        (frozen(3, ", carry: {blocks: 2}"), 6, "blocks 1, 2 stayed frozen", "which: top"),
        (
            frozen(1, ", carry: {blocks: 1, embeddings: true}"),
            6,
            "block 1 stayed frozen",
            "freeze fewer",
        ),
        (frozen(2), 2, "All 2 blocks are frozen", "freeze fewer"),
        (frozen(6, task=READ), 6, "All 6 blocks are frozen", "freeze fewer"),
        (frozen(2, task="train: [lab_mnli, lab_panx]"), 2, "All 2 blocks", "freeze fewer"),
        (
            "{train: lab_mnli, freeze: {blocks: 2, during: both}}",
            2,
            "All 2 blocks are frozen",
            "freeze fewer",
        ),
        (f"{TRAINED}, {{reinit_top: 4}}", 6, "block 3 would be drawn anew", "carry fewer"),
        (f"{TRAINED}, {{reinit_top: 6}}", 6, "blocks 1, 2, 3 would be drawn", "carry fewer"),
        ("{reinit_top: 2}, {reinit_top: 3}", 6, "top 2 blocks were drawn anew", "reinit_top: 2}"),
        ("{reinit_top: 3}, {reinit_top: 2}", 6, "top 3 blocks were drawn anew", "reinit_top: 2}"),
        (
            "{reinit_top: 2}, {train: lab_mnli, reinit_top: 1}",
            6,
            "top 2 blocks were drawn anew",
            "reinit_top: 1}",
        ),
        (f"{frozen(4)}, {{reinit_top: 2}}", 6, "All that was trained, blocks 5, 6,", "fewer"),
        (
            "{train: lab_mnli, lora: {rank: 2}}, {reinit_top: 2}",
            2,
            "All that was trained, blocks 1, 2,",
            "draw fewer",
        ),
    ],
)
def test_an_arm_that_would_throw_away_what_it_trains_is_refused(
    planned: Plan, stages: str, blocks: int, told: str, remedy: str
) -> None:
    with pytest.raises(RecipeError) as caught:
        planned(stages, blocks)
    error = caught.value
    assert told in error.what
    assert "arms.it: " in error.where and error.expected
    assert remedy in error.do


@pytest.mark.parametrize(
    ("stages", "blocks"),
    [
        (frozen(1, ", carry: {blocks: 1, which: top}"), 2),
        (frozen(1, ", carry: {blocks: 2}"), 6),
        (frozen(5), 6),
        ("{freeze: {blocks: 2, during: target}}", 2),  # what the head alone can do
        (f"{TRAINED}, {{reinit_top: 3}}", 6),
        (f"{TRAINED}, {{train: lab_panx}}, {{reinit_top: 4}}", 6),
        ("{reinit_top: 2}, {train: lab_mnli}, {reinit_top: 3}", 6),
        (f"{frozen(4)}, {{reinit_top: 1}}", 6),
        ("{train: lab_mnli}, {reinit_top: 2}", 2),  # its embeddings stay
    ],
)
def test_an_arm_that_hands_something_on_is_planned(planned: Plan, stages: str, blocks: int) -> None:
    assert "it/lab_xnli@0" in planned(stages, blocks).models


def test_what_a_sum_hands_on_is_what_its_arms_trained(planned: Plan) -> None:
    more = f"low: [{frozen(1)}],"
    planned("{merge: {low: 1.0}}", 2, more)
    with pytest.raises(RecipeError, match="All that was trained, block 2,"):
        planned("{merge: {low: 1.0}}, {reinit_top: 1}", 2, more)
