"""A sweep over the blocks of an encoder: three protocols of one pass, and who may choose."""

import gzip
import random
import re
import shutil
from pathlib import Path
from statistics import fmean

import made_up_world
import pandas as pd
import pytest
from made_up_world import RECIPE

import xstilts
from xstilts.core.errors import DataError, LeakError, RecipeError, UnknownNameError
from xstilts.data.slices import Slice
from xstilts.graph import Step
from xstilts.graph.plan import in_order
from xstilts.phases.loading import load
from xstilts.phases.planning import Planned, make_plan
from xstilts.phases.running import Results
from xstilts.phases.workplace import Workplace
from xstilts.reports.gather import report_input
from xstilts.reports.html import render
from xstilts.reports.numbers import numbers
from xstilts.store import Store
from xstilts.tasks import registry

README = Path(__file__).parent.parent.parent / "README.md"
SWEPT = (
    "data=null",
    "seeds=[0]",
    "languages=present",
    "leaks=drop",
    "training.epochs=0.5",
    "runtime.threads=1",
    "targets=[tatoeba, bucc2018]",
    "arms={none: [], udpos: [{train: udpos}]}",
    "tasks.tatoeba={layer: 0.58, sweep: {aligned: ntrex}}",
    "tasks.bucc2018={layer: 0.58, sweep: {aligned: ntrex}}",
)
UNTOUCHED = "arms={none: []}"
KEYS = ["arm", "target", "seed"]


@pytest.fixture(scope="module")
def data(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The generated world with two collections to mine, and aligned text in German alone."""
    folder = tmp_path_factory.mktemp("swept") / "data"
    shutil.copytree(world, folder)
    made, rng = made_up_world.World(), random.Random(99)
    said = [made.sentence(rng) for _ in range(200)]
    for split, some in (("dev", said[:60]), ("test", said[60:120])):
        write_collections(folder / "bucc2018", split, [made.text(s, "de") for s in some[:50]],
                          [made.text(s, "en") for s in some[10:]])  # fmt: skip
    for language in ("de", "en"):
        lines = [f"n:{i}\t{made.text(s, language)}\n" for i, s in enumerate(said[120:])]
        write_packed(folder / "text" / "ntrex" / f"{language}.txt.gz", "".join(lines))
    return folder


def write_collections(folder: Path, split: str, german: list[str], english: list[str]) -> None:
    """Sentence i + 10 of the one is sentence i of the other."""
    folder.mkdir(exist_ok=True)
    gold = [f"de-{i + 10}\ten-{i}" for i in range(len(german) - 10)]
    for side, lines in (
        ("de", [f"de-{i}\t{text}" for i, text in enumerate(german)]),
        ("en", [f"en-{i}\t{text}" for i, text in enumerate(english)]),
        ("gold", gold),
    ):
        (folder / f"de-en.{split}.{side}").write_text("".join(f"{x}\n" for x in lines))


def write_packed(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode(), mtime=0))


@pytest.fixture(scope="module")
def swept(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, Results]:
    """A small run of a sweep, and its store."""
    place = tmp_path_factory.mktemp("store")
    said = (*SWEPT, f"encoder.path={data / 'encoder'}")
    return Store(place), xstilts.run(RECIPE, *said, store=place, data=data)


def planned(data: Path, store: Path, *changes: str) -> Planned:
    said = (*SWEPT, f"encoder.path={data / 'encoder'}", *changes)
    return make_plan(load(RECIPE, said), Workplace.of(store, data))


def by_protocol(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    oracle = rows.protocol.str.contains("oracle")
    aligned = rows.protocol.str.contains("on ntrex")
    return {"fixed": rows[~oracle & ~aligned], "aligned": rows[aligned], "oracle": rows[oracle]}


def value(store: Store, step: Step) -> dict[str, object]:
    return store.open(step.address, step.key, step.identity).value


def test_every_cell_has_three_rows_that_their_protocols_tell_apart(
    swept: tuple[Store, Results],
) -> None:
    rows = swept[1].rows
    places = [*KEYS, "language", "metric"]
    assert rows.groupby(places, dropna=False).protocol.nunique().eq(3).all()
    assert len(rows) == 2 * 3 * (2 + 3)  # arms x protocols x (two languages, three metrics)
    found = by_protocol(rows)
    assert all(len(some) == len(rows) / 3 for some in found.values())
    tatoeba, bucc = (found["fixed"][found["fixed"].target == t] for t in ("tatoeba", "bucc2018"))
    assert set(tatoeba.protocol) == {"block 1/2, mean pooling, en->xx, cosine"}
    assert bucc.protocol.str.endswith("max, threshold of dev").all()
    ends = "on ntrex (1 language)"
    assert found["aligned"].protocol.str.endswith(f"best of blocks 0-2 {ends}").all()


def test_one_pass_a_model_and_language_gives_all_three(swept: tuple[Store, Results]) -> None:
    _, done = swept
    plan = done.planned.plan
    retrieved = [s for s in plan.unique() if s.stage.name in ("retrieve", "mine")]
    slices = [(s.label, s.inputs["examples"].config.payload) for s in retrieved]
    assert len(set(slices)) == len(retrieved), "nothing is embedded twice with one model"
    for arm, at in (("none", ""), ("udpos", "@0")):
        steps = [plan.steps[f"{arm}/tatoeba/{x}score.sw{at}"] for x in ("", "aligned.", "oracle.")]
        assert len({s.inputs["predictions"].key for s in steps}) == 1
        assert len({s.key for s in steps}) == 3


@pytest.mark.parametrize("block", [0, 1, 2])
def test_the_scores_of_a_block_are_those_of_a_run_at_that_block_alone(
    swept: tuple[Store, Results], data: Path, tmp_path: Path, block: int
) -> None:
    store, done = swept
    alone = [f"tasks.{t}={{layer: {block}}}" for t in ("tatoeba", "bucc2018")]
    said = (*SWEPT, UNTOUCHED, *alone, f"encoder.path={data / 'encoder'}")
    rows = xstilts.run(RECIPE, *said, store=tmp_path, data=data).rows
    assert len(rows) == 2 + 3
    for row in rows.itertuples():
        step = done.planned.plan.steps[f"none/{row.target}/score.{row.language}"]
        record = value(store, step)
        assert record["blocks"][block][row.metric] == row.value
        if block == record["block"]:
            assert (record["scores"][row.metric], record["protocol"]) == (row.value, row.protocol)


def test_the_aligned_block_is_the_best_on_aligned_text_which_alone_chooses_it(
    swept: tuple[Store, Results],
) -> None:
    store, done = swept
    steps = done.planned.plan.steps
    for arm, at in (("none", ""), ("udpos", "@0")):
        for target, language in (("tatoeba", "sw"), ("bucc2018", "de")):
            curve = value(store, steps[f"{arm}/{target}/ntrex.score.de{at}"])["blocks"]
            accuracies = [scores["accuracy"] for scores in curve]
            choice = steps[f"{arm}/{target}/block.aligned{at}"]
            assert value(store, choice)["block"] == accuracies.index(max(accuracies))
            assert tasks_read(choice) == {"ntrex", *([] if arm == "none" else ["udpos"])}
            score = value(store, steps[f"{arm}/{target}/aligned.score.{language}{at}"])
            block = accuracies.index(max(accuracies))
            assert score["block"] == block and f"block {block}/2" in score["protocol"]


def tasks_read(step: Step) -> set[str]:
    configs = [s.config for s in in_order([step])]
    return {c.task for c in configs if isinstance(c, Slice)}


def test_no_choice_has_a_better_mean_than_the_oracle(swept: tuple[Store, Results]) -> None:
    rows = swept[1].rows
    main = rows[
        rows.metric.isin(["accuracy"]) | ((rows.target == "bucc2018") & (rows.metric == "f1"))
    ]
    means = {
        name: some.groupby(KEYS, dropna=False).value.mean()
        for name, some in by_protocol(main).items()
    }
    assert len(means["oracle"]) == 4
    assert (means["oracle"] >= means["fixed"]).all() and (means["oracle"] >= means["aligned"]).all()
    assert (means["oracle"] > means["fixed"]).any(), "all blocks are alike: this shows nothing"


def test_means_and_gains_rest_on_the_fixed_block_alone(swept: tuple[Store, Results]) -> None:
    store, done = swept
    pd.testing.assert_frame_equal(done.counted, by_protocol(done.rows)["fixed"])
    report = report_input(done, store, "encoder")
    pd.testing.assert_frame_equal(report.rows, done.counted)
    found = numbers(report)
    for cell in found.cells:
        rows = done.counted[(done.counted.target == cell["target"])
                            & (done.counted.language == cell["language"])
                            & (done.counted.metric == cell["metric"])]  # fmt: skip
        mine, base = (rows[rows.arm == arm].value.item() for arm in ("udpos", "none"))
        assert cell["gain"] == pytest.approx(mine - base)


def test_the_report_shows_the_three_side_by_side_and_every_block(
    swept: tuple[Store, Results],
) -> None:
    store, done = swept
    page = render(report_input(done, store, "encoder"))
    section = page.split('<section id="layers">')[1].split("</section>")[0]
    assert section.count("<svg") == 2
    for head in ("fixed block", "best on ntrex", "oracle"):
        assert f">{head}</th>" in section
    for some in by_protocol(done.rows[done.rows.target == "tatoeba"]).values():
        assert f">{some[some.arm == 'none'].value.mean():.1f} <small>block" in section
    plain = [done.planned.plan.steps[f"none/tatoeba/score.{x}"] for x in ("de", "sw")]
    curves = [value(store, step)["blocks"] for step in plain]
    for block in zip(*curves, strict=True):
        assert f">{fmean(x['accuracy'] for x in block):.1f}</td>" in section


def test_a_second_run_does_nothing(swept: tuple[Store, Results], data: Path) -> None:
    said = (*SWEPT, f"encoder.path={data / 'encoder'}")
    again = xstilts.run(RECIPE, *said, store=swept[0].root, data=data)
    assert again.outcome.ran == []
    pd.testing.assert_frame_equal(again.rows, swept[1].rows)


def test_a_sweep_changes_the_key_of_nothing_but_what_it_sweeps(data: Path, tmp_path: Path) -> None:
    off = ("tasks.tatoeba.sweep=null", "tasks.bucc2018.sweep=null")
    without, with_one = planned(data, tmp_path, *off), planned(data, tmp_path, off[0])
    assert {c.chosen for c in without.scored} == {"fixed"}
    changed = {
        name
        for name, step in without.plan.steps.items()
        if with_one.plan.steps[name].key != step.key
    }
    assert changed == {
        f"{arm}/bucc2018/{what}.de{at}"
        for arm, at in (("none", ""), ("udpos", "@0"))
        for what in ("predict", "score")
    }


def test_other_bytes_of_the_aligned_text_change_the_keys_of_what_rests_on_it(
    data: Path, tmp_path: Path
) -> None:
    other = tmp_path / "data"
    shutil.copytree(data, other)
    text = gzip.decompress((other / "text/ntrex/en.txt.gz").read_bytes()).decode()
    write_packed(other / "text/ntrex/en.txt.gz", text.replace("n:7\t", "n:7\tAnother "))
    before, after = (
        planned(folder, tmp_path / "store", UNTOUCHED, f"encoder.path={data / 'encoder'}").plan
        for folder in (data, other)
    )
    changed = {name for name, step in before.steps.items() if after.steps[name].key != step.key}
    assert changed == {
        f"none/{target}/{what}"
        for target, languages in (("tatoeba", ("de", "sw")), ("bucc2018", ("de",)))
        for what in (
            "ntrex.predict.de",
            "ntrex.score.de",
            "block.aligned",
            *(f"aligned.score.{x}" for x in languages),
        )
    }


def test_aligned_text_that_a_target_reports_is_a_leak_and_can_be_left_out(
    data: Path, tmp_path: Path
) -> None:
    leaking = tmp_path / "data"
    shutil.copytree(data, leaking)
    reported = (leaking / "tatoeba/tatoeba.swh-eng.eng").read_text().splitlines()[3]
    english = leaking / "text/ntrex/en.txt.gz"
    text = gzip.decompress(english.read_bytes()).decode().splitlines()
    text[5] = f"n:5\t{reported}"
    write_packed(english, "".join(f"{line}\n" for line in text))
    said = (*SWEPT, UNTOUCHED, "targets=[tatoeba]", f"encoder.path={data / 'encoder'}")
    with pytest.raises(LeakError, match="ntrex") as caught:
        xstilts.run(RECIPE, *said, "leaks=error", store=tmp_path / "one", data=leaking)
    assert "ntrex.de.test shares 1 texts" in caught.value.where
    done = xstilts.run(RECIPE, *said, "leaks=drop", store=tmp_path / "two", data=leaking)
    assert [s.without for s in done.planned.aligned["tatoeba"]] == [("n:5",)]
    assert set(by_protocol(done.rows)["aligned"].language) == {"de", "sw"}


REFUSED = {
    "misspelt": (["tasks.tatoeba.sweep.aligned=ntrax"], UnknownNameError, "mean 'ntrex'"),
    "a target": (["tasks.tatoeba.sweep.aligned=tatoeba"], RecipeError, "it is a target"),
    "no text": (["tasks.tatoeba.sweep.aligned=xnli"], RecipeError, "of the kind pair"),
    "no sweep": (
        ["targets=[udpos]", "tasks.udpos={sweep: {aligned: ntrex}}"],
        RecipeError,
        "udpos has no layers to sweep",
    ),
    "elsewhere": (["languages=[sw]", "targets=[tatoeba]"], DataError, "no language of tatoeba"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_choose_a_block_is_refused_before_anything_runs(
    data: Path, tmp_path: Path, case: str
) -> None:
    changes, error, told = REFUSED[case]
    with pytest.raises(error, match=told) as caught:
        planned(data, tmp_path, *changes)
    assert all((caught.value.where, caught.value.expected, caught.value.do))


def test_a_run_without_the_aligned_text_names_the_files_that_are_missing(
    data: Path, tmp_path: Path
) -> None:
    bare = tmp_path / "data"
    shutil.copytree(data, bare)
    shutil.rmtree(bare / "text")
    with pytest.raises(DataError, match=r"data files? (is|are) missing") as caught:
        planned(bare, tmp_path / "store").require_files()
    assert "text/ntrex/de.txt.gz + text/ntrex/en.txt.gz" in caught.value.expected


def test_a_users_own_aligned_text_chooses_as_the_readme_says(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_own", {})
    declared = re.search(r"```yaml\n(name: verses\n.*?)```", README.read_text(), re.DOTALL)
    assert declared
    (tmp_path / "verses.yaml").write_text(declared.group(1))
    for language in ("sw", "en"):
        lines = [f"GEN 1:{i}\t{language} {i}\n" for i in range(20)]
        write_packed(tmp_path / f"{language}.txt.gz", "".join(lines))
    own = f"own_tasks=[{tmp_path / 'verses.yaml'}]"
    said = (own, "targets=[tatoeba]", "tasks.tatoeba.sweep.aligned=verses")
    (text,) = planned(data, tmp_path / "store", *said).aligned["tatoeba"]
    assert (text.task, text.language, text.format) == ("verses", "sw", "aligned_lines")


def test_a_plan_says_what_chooses_a_block(data: Path, tmp_path: Path) -> None:
    said = (*SWEPT, f"encoder.path={data / 'encoder'}")
    _, cost = xstilts.plan(RECIPE, *said, store=tmp_path, data=data)
    assert cost.selection["tatoeba, block"] == "the best on ntrex (de)"
