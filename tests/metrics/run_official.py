"""Runs the official scripts on our edge cases: `python tests/metrics/run_official.py SCRIPTS`.

`SCRIPTS` holds checkouts of the repositories of `COMMITS` under their short names, unchanged;
without it the commands that make such a folder are printed. What the scripts print is written to
standard output as JSON; `oracles/official.json` is that, made with Python 3.11, seqeval 1.2.2 and
numpy 2.4.6. The tests compare our metrics with the file; `make evidence` runs the scripts again
where the variable XSTILTS_OFFICIAL names such a folder, and says so where it does not.

SQuAD 1.1's `evaluate-v1.1.py` was published on the task's page and never stood in its repository;
this one is the copy in bi-att-flow, which XTREME's derives from. TyDiQA-GoldP has no script of its
own: its authors and XTREME score it by SQuAD 1.1's (`third_party/evaluate_squad.py`), and so its
cases, like XQuAD's, are put to both copies. LAReQA is scored by XTREME's `utils_lareqa.py`.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from edge_cases import entities, mined, no_answer_cases, rankings, taken, world

from xstilts.phases.xtreme_files import write_cell
from xstilts.stats.benchmarks import XTREME, XTREME_R

COMMITS = {
    "xtreme": "838c13b69daafb9328785d16caae2711e4012123",
    "MLQA": "24bf470b2e68f2bfb93b2fd31c370bb8ee18d9ed",
    "SQuAD-explorer": "eee5fdbf62f8613a7812b03419e6b29617b74fd1",
    "bi-att-flow": "49004549e9a88b78c359b31481afa7792dbb3f4a",
}
_OWNERS = {
    "xtreme": "google-research",
    "MLQA": "facebookresearch",
    "SQuAD-explorer": "rajpurkar",
    "bi-att-flow": "allenai",
}

# The file imports faiss, which the search for a threshold does not use; an empty module stands in.
_THRESHOLDS = """
import json, sys, types
sys.modules["faiss"] = types.ModuleType("faiss")
sys.path.insert(0, "third_party")
import utils_retrieve
found = {}
for language, (gold, scores) in json.load(open(sys.argv[1])).items():
    pairs = {(one, other): score for one, other, score in scores}
    try:
        found[language] = utils_retrieve.bucc_optimize(pairs, {"\\t".join(p) for p in gold})
    except IndexError:
        found[language] = "IndexError"
print(json.dumps(found))
"""
_RANKED = """
import json, sys
import numpy as np
sys.path.insert(0, "third_party")
from utils_lareqa import average_precision_at_k
gold, ranked = json.load(open(sys.argv[1]))
print(json.dumps({str(k): float(np.mean([average_precision_at_k(g, r, k)
                                         for g, r in zip(gold, ranked)])) for k in (5, 20)}))
"""


def how_to_fetch() -> str:
    """The commands that make the folder of official scripts."""
    commands = [
        f"git clone https://github.com/{_OWNERS[name]}/{name} official/{name}"
        f" && git -C official/{name} checkout {commit}"
        for name, commit in COMMITS.items()
    ]
    return "\n".join(["mkdir -p official", *commands, "export XSTILTS_OFFICIAL=$PWD/official"])


def write_folder(out: Path) -> None:
    """Every edge case as `xstilts export` writes it, and its labels; Mewsli-X beside."""
    for (task, language), (examples, said) in world().items():
        write_cell(out, task, language, examples, said, labels=True)
    for language in XTREME.languages["bucc2018"]:
        write_cell(out, "bucc2018", language, *taken(language), labels=True)
    for language in XTREME_R.languages["mewslix"]:
        gold_ids, ranked = entities(language)
        name = f"mewslix/test-{language}.json"
        _write(out / name, json.dumps(ranked))
        _write(out / "labels" / name, json.dumps(gold_ids))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def evaluate(scripts: Path, folder: Path, version: str) -> dict[str, Any]:
    """What `evaluate.py` writes."""
    out = folder.parent / f"{version}.json"
    _python(
        scripts / "xtreme",
        "evaluate.py", "--prediction_folder", folder, "--label_folder", folder / "labels",
        "--xtreme_version", version, "--output_file", out,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(out.read_text())
    return found


def run(scripts: Path) -> dict[str, Any]:
    """Everything that the scripts say about the edge cases."""
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        folder = work / "export"
        write_folder(folder)
        said: dict[str, Any] = {"commits": COMMITS}
        for version in ("xtreme", "xtreme-r"):
            said[version] = evaluate(scripts, folder, version)
        said["mlqa"] = {
            language: _mlqa(scripts, folder, work, language)
            for language in XTREME.languages["mlqa"]
        }
        said["squad_v1"] = {
            f"{task} {language}": _squad_v1(scripts, folder, work, task, language)
            for task in ("xquad", "tydiqa")
            for language in XTREME_R.languages[task]
        }
        for case, files in no_answer_cases().items():
            said[case] = _squad_v2(scripts, work, *files)
        pairs = {x: mined(x) for x in XTREME.languages["bucc2018"]}
        plain = {x: [g, [[*p, s] for p, s in scores.items()]] for x, (g, scores) in pairs.items()}
        said["bucc_thresholds"] = _snippet(scripts, work, _THRESHOLDS, plain)
        said["lareqa"] = _snippet(scripts, work, _RANKED, rankings())
        return said


def _squad_v1(
    scripts: Path, folder: Path, work: Path, task: str, language: str
) -> dict[str, float]:
    labels = json.loads((folder / "labels" / task / f"test-{language}.json").read_text("utf-8"))
    gold = work / "squad_v1.json"
    gold.write_text(json.dumps(labels | {"version": "1.1"}))
    said = folder / task / f"test-{language}.json"
    found: dict[str, float] = json.loads(
        _python(scripts / "bi-att-flow", "squad/evaluate-v1.1.py", gold, said)
    )
    return found


def _mlqa(scripts: Path, folder: Path, work: Path, language: str) -> dict[str, float]:
    labels = json.loads((folder / "labels" / "mlqa" / f"test-{language}.json").read_text("utf-8"))
    gold = work / "mlqa.json"
    gold.write_text(json.dumps(labels | {"version": 1.0}))
    said = folder / "mlqa" / f"test-{language}.json"
    found: dict[str, float] = json.loads(
        _python(scripts / "MLQA", "mlqa_evaluation_v1.py", gold, said, language)
    )
    return found


def _squad_v2(
    scripts: Path,
    work: Path,
    gold: dict[str, list[str]],
    said: dict[str, str],
    sure: dict[str, float],
) -> dict[str, float]:
    qas = [
        {"id": q, "question": "?", "answers": [{"text": a, "answer_start": 0} for a in answers],
         "is_impossible": not answers}
        for q, answers in gold.items()
    ]  # fmt: skip
    document = {"version": "v2.0", "data": [{"title": "", "paragraphs": [{"qas": qas}]}]}
    names = [work / f"squad_v2.{part}.json" for part in ("gold", "pred", "prob")]
    for path, value in zip(names, (document, said, sure), strict=True):
        path.write_text(json.dumps(value))
    gold_file, said_file, sure_file = names
    command = ["evaluate-v2.0.py", gold_file, said_file, "--na-prob-file", sure_file]
    found: dict[str, float] = json.loads(_python(scripts / "SQuAD-explorer", *command))
    return found


def _snippet(scripts: Path, work: Path, code: str, value: Any) -> Any:
    path = work / "input.json"
    path.write_text(json.dumps(value))
    return json.loads(_python(scripts / "xtreme", "-c", code, path))


def _python(folder: Path, *arguments: object) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", *map(str, arguments)],
        cwd=folder,
        # `evaluate.py` sums over a set of names, so that the last digit depends on their hashes.
        env=os.environ | {"PYTHONUTF8": "1", "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


if __name__ == "__main__":
    if len(sys.argv) == 1:
        sys.exit(how_to_fetch())
    print(json.dumps(run(Path(sys.argv[1]).absolute()), indent=1))
