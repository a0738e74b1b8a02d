"""An encoder named by repository and commit is fetched once, then used like a folder."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from made_up_world import RECIPE
from small_hub import Fault, small_hub

REVISION = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def from_hub(world: Path, changes: tuple[str, ...], tmp_path: Path):
    """Run the small recipe in a process of its own, as the hub's address is read at import."""

    def command(verb: str, endpoint: str, revision: str = REVISION) -> subprocess.CompletedProcess:
        said = [c for c in changes if not c.startswith("encoder.path")]
        said += [f"encoder={{hub: our/encoder, revision: {revision}}}"]
        said += ["targets=[tatoeba]", "arms={none: []}"]
        sets = [part for c in said for part in ("--set", c)]
        places = ["--store", str(tmp_path / "store"), "--data", str(world)]
        own = {"HF_ENDPOINT": endpoint, "HF_HOME": str(tmp_path / "hub"), "HF_HUB_OFFLINE": "0"}
        return subprocess.run(
            [sys.executable, "-m", "xstilts", verb, RECIPE, *places, *sets],
            env=os.environ | own | {"HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_XET": "1"},
            capture_output=True,
            text=True,
            check=False,
        )

    return command


def test_a_pinned_encoder_is_fetched_once_through_a_fault_without_what_could_run_code(
    world: Path, tmp_path: Path, from_hub
) -> None:
    repository = shutil.copytree(world / "encoder", tmp_path / "repository")
    (repository / "pytorch_model.bin").write_bytes(b"a pickle")
    (repository / "modeling.py").write_text("print('run')")
    fault = Fault("model.safetensors", status=503, headers={"Retry-After": "0"})
    with small_hub(repository, "our/encoder", REVISION, fault) as (endpoint, asked):
        assert from_hub("plan", endpoint).returncode == 0
        assert asked == []
        failed = from_hub("run", endpoint)
        assert failed.returncode == 2 and "HTTP 503, in 5 tries" in failed.stderr
        assert "Traceback" not in failed.stderr
        fault.times = 0
        done = from_hub("run", endpoint)
        assert done.returncode == 0, done.stderr
        names = {path.rsplit("/", 1)[-1] for path in asked if "/resolve/" in path}
        assert {"config.json", "model.safetensors", "tokenizer.json"} <= names
        assert not names & {"pytorch_model.bin", "modeling.py"}
        assert len([path for path in asked if path.endswith("/config.json")]) == 2  # HEAD and GET
    again = from_hub("run", "http://127.0.0.1:9")  # nobody listens there
    assert again.returncode == 0, again.stderr


def test_a_commit_that_the_hub_does_not_have_is_told_in_four_parts(world: Path, from_hub) -> None:
    with small_hub(world / "encoder", "our/encoder", REVISION) as (endpoint, _):
        failed = from_hub("run", endpoint, "f" * 40)
    assert failed.returncode == 2
    assert "our/encoder could not be fetched" in failed.stderr
    assert "encoder={path: FOLDER}" in failed.stderr.replace("'", "")
    assert "Traceback" not in failed.stderr


def test_a_repository_with_pickled_weights_only_is_refused_before_anything_runs(
    world: Path, tmp_path: Path, from_hub
) -> None:
    repository = shutil.copytree(world / "encoder", tmp_path / "repository")
    (repository / "model.safetensors").rename(repository / "pytorch_model.bin")
    with small_hub(repository, "our/encoder", REVISION) as (endpoint, _):
        failed = from_hub("run", endpoint)
    assert failed.returncode == 2
    assert "has no safetensors weights" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert not (tmp_path / "store" / "steps" / "tokens").exists()
