"""Encoders on the Hugging Face hub, at one commit, as files: safetensors, config, tokenizer, card.

Nothing is ever run from a repository, and pickled weights are not fetched.
"""

import json
from fnmatch import fnmatchcase
from pathlib import Path

from xstilts.models.files import TOKENIZER, unusable
from xstilts.store import hub

_WANTED = ("*.json", "*.safetensors", "*.model", "*.spm", "vocab.txt", "merges.txt", "README.md")


def cached(repo: str, revision: str) -> Path | None:
    """The folder of a repository at a commit if all of it is in the cache; asks no network."""
    from huggingface_hub import try_to_load_from_cache

    config = try_to_load_from_cache(repo, "config.json", revision=revision)
    if not isinstance(config, str):
        return None
    folder = Path(config).parent
    return folder if _whole(folder) else None


def _whole(folder: Path) -> bool:
    """Whether an interrupted download left nothing out that a model needs: weights come last."""
    index = folder / "model.safetensors.index.json"
    weights = ["model.safetensors"]
    if index.exists():
        weights = list(json.loads(index.read_text())["weight_map"].values())
    tokenizer = [p for name in TOKENIZER if (p := folder / name).exists()]
    return bool(tokenizer) and all((folder / n).exists() for n in ("config.json", *weights))


def fetch(repo: str, revision: str, where: str = "encoder") -> Path:
    """Download a repository at a commit into the cache; ``where`` is the key that names it.

    Raises:
        HubError: without a network, or when the hub does not give all of it.
        EncoderError: when it holds no model.
    """
    local = "--set encoder='{path: FOLDER}'" if where == "encoder" else "{path: FOLDER}"
    otherwise = f"download it yourself and name the folder: {local}"
    repository = hub.Repository(repo, revision, f"{where}.hub", otherwise)
    wanted = [file for file in hub.listed(repository) if _is_wanted(file.path)]
    if "config.json" not in [file.path for file in wanted]:
        raise unusable(f"{repo} holds no model", f"{where}.hub", "config.json at that revision")
    for file in sorted(wanted, key=lambda file: file.path.endswith(".safetensors")):
        folder = hub.fetched(repository, file).parent
    return folder


def _is_wanted(path: str) -> bool:
    return "/" not in path and any(fnmatchcase(path, pattern) for pattern in _WANTED)
