"""Encoders on the Hugging Face hub, at one commit, as files: safetensors, config, tokenizer, card.

The files lie in the hub's own cache (``HF_HOME``), so every other tool on the machine shares them.
Nothing is ever run from a repository, and pickled weights are not fetched.
"""

import json
from pathlib import Path

from xstilts.core.errors import EncoderError
from xstilts.models.files import TOKENIZER

_WANTED = ("*.json", "*.safetensors", "*.model", "*.spm", "vocab.txt", "merges.txt", "README.md")


def cached(repo: str, revision: str) -> Path | None:
    """The folder of a repository at a commit if all of it is in the cache; asks no network."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        found = snapshot_download(
            repo, revision=revision, allow_patterns=list(_WANTED), local_files_only=True
        )
    except LocalEntryNotFoundError:
        return None
    folder = Path(found)
    return folder if _whole(folder) else None


def _whole(folder: Path) -> bool:
    """Whether an interrupted download left nothing out that a model needs."""
    index = folder / "model.safetensors.index.json"
    weights = ["model.safetensors"]
    if index.exists():
        weights = list(json.loads(index.read_text())["weight_map"].values())
    tokenizer = [p for name in TOKENIZER if (p := folder / name).exists()]
    return bool(tokenizer) and all((folder / n).exists() for n in ("config.json", *weights))


def fetch(repo: str, revision: str, where: str = "encoder") -> Path:
    """Download a repository at a commit into the cache; ``where`` is the key that names it.

    Raises:
        EncoderError: without a network, or when the hub has no such repository or commit.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        found = snapshot_download(repo, revision=revision, allow_patterns=list(_WANTED))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise EncoderError(
            f"The model {repo} could not be fetched: {str(error).splitlines()[0]}",
            where=f"{where}.hub, revision {revision}",
            expected="a repository and commit that the hub has, and a network that reaches it",
            do="mend the name or the revision, or download it yourself and name the folder: "
            + ("--set encoder='{path: FOLDER}'" if where == "encoder" else "{path: FOLDER}"),
        ) from None
    return Path(found)
