"""The command line: frozen, fast, and clear about what went wrong."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from xstilts import api, cli
from xstilts.core.errors import CorruptResultError, StepFailedError

COMMANDS = {"run", "plan", "why", "results", "report", "tasks", "score", "export", "data"}
COMMANDS |= {"claims", "embed", "gc", "pretrain", "recommend", "retrieve", "mine", "lab"}
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith("XSTILTS_")}


def xstilts(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "xstilts", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env=ENVIRONMENT,
    )


def test_the_commands_are_these_and_no_others() -> None:
    names = {c.name or getattr(c.callback, "__name__", "") for c in cli.app.registered_commands}
    assert names | {g.name for g in cli.app.registered_groups} == COMMANDS


def test_help_is_quick_and_loads_nothing_heavy() -> None:
    code = (
        "import sys; from xstilts.cli import app;"
        "print([m for m in ('torch', 'pandas', 'numpy', 'pydantic') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
    times = []
    for _ in range(3):
        began = time.monotonic()
        assert xstilts("--help").returncode == 0
        times.append(time.monotonic() - began)
    assert min(times) < 0.8  # 0.3 s on an idle machine; CI machines are shared


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "first-lite"], "Did you mean 'first-light'"),
        (["run", "first-light", "--set", "targts=[a]"], "Did you mean 'targets'"),
        (["tasks", "xnly"], "Did you mean 'xnli'"),
        (["run", "first-light", "--set", "encoder.path=/no/such"], "no encoder folder"),
        (["score", "xnli", "--gold", "no", "--pred", "no"], "There is no file"),
        (["score", "tatoeba", "--gold", "no", "--pred", "no"], "There is no file"),
        (["export", "quickstart", "--format", "hff", "--out", "x"], "'hff'"),
        (["export", "quickstart", "--arm", "lab_mnly", "--out", "x"], "Did you mean 'lab_mnli'"),
        (["results", "quickstart", "--format", "xml"], "xml"),
        (["plan", "quickstart", "--data", "here"], "--set data=null"),
        (["mine", "no.npy", "no.npy", "--out", "x.tsv"], "There is no file"),
        (["mine", "no.npy", "no.npy", "--out", "x.tsv", "--margin", "ration"], "mean 'ratio'"),
        (["retrieve", "no.npy", "no.npy", "--k", "0", "--out", "x.tsv"], "0 neighbours"),
        (["embed", "--encoder", "no", "--text", "no", "--out", "x.npy"], "no"),
        (["embed", "--encoder", "no", "--text", __file__, "--out", "x.npy"], "--encoder FOLDER"),
        (
            ["embed", "--encoder", "no", "--text", "no", "--out", "x.npy", "--layer", "foo"],
            "'foo' is no layer",
        ),
        (["retrieve", "no.npy", "no.npy", "--k", "foo", "--out", "x.tsv"], "'--k'"),
        (["retrieve", "no.npy", "--k", "3", "--out", "x.tsv"], "Missing argument"),
        (["score", "xnli", "--gold"], "requires an argument"),
        (["scoer", "xnli"], "Did you mean 'score'"),
        (["mine", "--strtegy", "max"], "No such option"),
        (["plan", "quickstart", "--store", "/proc/x"], "No results can be kept in /proc/x"),
        (["run", "quickstart", "--store", __file__], "No results can be kept in"),
        (["plan", "quickstart", "--store", "s3://key:secret@b"], "cannot be named like this"),
        (["plan", "quickstart", "--store", "nowhere://b"], "lie behind nowhere"),
        (["gc", "first-lite"], "Did you mean 'first-light'"),
    ],
)
def test_what_the_user_can_mend_ends_with_2_and_no_traceback(
    arguments: list[str], said: str, tmp_path: Path
) -> None:
    done = xstilts(*arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert all(word in done.stderr for word in ("where:", "expected:", "do:"))


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (KeyboardInterrupt(), 130, "interrupted; a next run goes on from the last checkpoint"),
        (CorruptResultError("a.bin is gone"), 2, "do:       build it anew: xstilts run RECIPE"),
        (StepFailedError("mnli/xnli@0: no"), 1, "mnli/xnli@0: no"),
    ],
)
def test_how_a_run_ends_is_said_and_told_by_its_code(
    error: BaseException,
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def stop(*arguments: object, **more: object) -> None:
        raise error

    monkeypatch.setattr(api, "run", stop)
    with pytest.raises(SystemExit) as ended:
        cli.main(["run", "quickstart"])
    assert ended.value.code == code
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("seeds", "said"), [("[0, 1]", "nothing: too few seeds"), ("[0, 1, 2]", r"\d\.\d points")]
)
def test_a_plan_says_what_its_seeds_can_tell(seeds: str, said: str, tmp_path: Path) -> None:
    done = xstilts("plan", "quickstart", "--set", f"seeds={seeds}", cwd=tmp_path)
    assert re.search(f"detectable .*{said}", done.stdout), done.stdout + done.stderr


def test_the_catalogue_can_be_read_by_people_and_programs() -> None:
    assert "xquad" in xstilts("tasks").stdout
    assert "languages:" in xstilts("tasks", "xquad").stdout
    assert xstilts("tasks", "xquad", "--json").stdout.startswith("{")


def test_a_task_says_its_floor_and_whether_anyone_read_its_files_from_the_hub() -> None:
    shown = xstilts("tasks", "tatoeba").stdout
    assert "floor: a random candidate" in shown
    assert "trained on: nothing" in shown
    (hub,) = [line for line in shown.splitlines() if "hub:" in line]
    assert re.fullmatch(r"  hub: \S+/\S+ [0-9a-f]{40}, unverified", hub)
    assert "unpinned, unverified" in xstilts("tasks", "xquad").stdout
    assert "hub: none" in xstilts("tasks", "ud_supertags").stdout


def test_answers_to_unknown_questions_are_ignored_aloud() -> None:
    oracles = Path(__file__).parent.parent / "metrics" / "oracles"
    files = [f"--{side}={oracles / f'squad_v1.{side}.json'}" for side in ("gold", "pred")]
    assert (
        "1 answers to questions that the gold file lacks"
        in xstilts("score", "xquad", *files).stdout
    )
    assert json.loads(xstilts("score", "xquad", *files, "--json").stdout)["ignored"] == 1


def test_every_task_of_the_study_is_listed_for_programs() -> None:
    listed = {task["name"]: task for task in json.loads(xstilts("tasks", "--json").stdout)}
    assert len(listed) == 81
    assert {"anli_plus_mini", "ud_supertags", "lareqa", "mewslix", "masakhapos"} < set(listed)
    told = ("kind", "languages", "sizes", "metrics", "floor", "license", "citation", "hub", "files")
    assert all(key in task for task in listed.values() for key in told)
    assert listed["anli_plus"]["sizes"]["train"] == 1_104_934
    assert listed["anli_plus"]["parts"]["dev"] == {"snli": "dev", "mnli": "dev", "anli": "dev"}


def test_a_file_with_a_task_of_ones_own_is_shown_and_checked(tmp_path: Path) -> None:
    (tmp_path / "reviews.yaml").write_text(
        "name: reviews\nkind: pair\nlabels: [bad, good]\nlanguages: [en]\n"
        "files: {format: csv, names: {test: t.csv}, columns: {first: text, label: is}}\n"
    )
    (tmp_path / "t.csv").write_text("text,is\nFine.,good\n")
    assert "reviews" in xstilts("tasks", "reviews.yaml", cwd=tmp_path).stdout
    checked = xstilts("data", "check", "reviews.yaml", cwd=tmp_path)
    assert (checked.returncode, "1 examples" in checked.stdout) == (0, True)
    (tmp_path / "t.csv").write_text("text,is\nFine.,fine\n")
    broken = xstilts("data", "check", "reviews.yaml", cwd=tmp_path)
    assert (broken.returncode, "t.csv:2" in broken.stdout) == (2, True)
    (tmp_path / "reviews.yaml").write_text("name: reviews\nkind: pear\n")
    wrong = xstilts("tasks", "reviews.yaml", cwd=tmp_path)
    assert wrong.returncode == 2 and "Traceback" not in wrong.stderr
    assert all(word in wrong.stderr for word in ("where:", "expected:", "do:"))


def test_the_languages_of_the_laboratory_are_shown_with_knobs_and_a_glossed_sentence() -> None:
    done = xstilts("lab", "describe")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split() == (
        "code name distance overlap order adjective morphology script amount".split()
    )
    assert "qpa   Pasht" in done.stdout
    row = next(line for line in lines if line.startswith("qor"))
    assert row.split() == "qor Orvek 0.80 0.00 SOV before agglutinating tifinagh 0.008".split()
    at = next(i for i, line in enumerate(lines) if line.startswith("qco  Mara"))
    assert lines[at] == "qco  Mara Velt Tavo in the farmer from two red apple buy not did."
    assert lines[at + 1].split() == lines[at].removesuffix(".").split()[1:]


def test_the_tasks_of_the_laboratory_are_written_where_they_are_read(tmp_path: Path) -> None:
    sizes = ("--set", "sizes.train=8", "--set", "sizes.dev=8", "--set", "sizes.test=8")
    done = xstilts("lab", "export", str(tmp_path / "data"), *sizes, "--translated", "qab")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == str(tmp_path / "data")
    checked = xstilts("data", "check", "lab_xnli", "lab_lareqa", "--data", str(tmp_path / "data"))
    assert checked.returncode == 0
    assert {line.split()[0] for line in checked.stdout.splitlines()} == {"ok"}
    assert (tmp_path / "data" / "translated" / "qab" / "lab_mnli" / "train.tsv").is_file()
    wrong = xstilts("lab", "export", str(tmp_path / "data"), "--set", "lab_mnli.nose=1")
    assert wrong.returncode == 2
    assert "Did you mean 'noise'" in wrong.stderr
