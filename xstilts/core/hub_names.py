"""Names of the Hugging Face hub, checked before anything is asked of it.

Messages never repeat what was written: a token that was pasted into the wrong place stays out of
them.
"""

import re
from typing import Annotated

from pydantic import AfterValidator

from xstilts.core.validation import refusal

# The hub's own rules (huggingface_hub.utils.validate_repo_id), for names with an owner.
_PART = r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,94}[A-Za-z0-9_])?"
_NAME = re.compile(f"{_PART}/{_PART}")
_COMMIT = re.compile(r"[0-9a-f]{40}")


def _name(said: str) -> str:
    wrong = not _NAME.fullmatch(said) or "--" in said or ".." in said or said.endswith(".git")
    if wrong:
        expected = "ORG/NAME, in letters, digits, _ - and ., without the hub's address or a token"
        raise refusal("", "No repository of the hub can be called that", expected)
    return said


def _commit(said: str) -> str:
    if not _COMMIT.fullmatch(said):
        expected = "the 40 hex digits of a commit: a branch or tag may be another one tomorrow"
        raise refusal("", "That is no commit", expected)
    return said


HubName = Annotated[str, AfterValidator(_name)]
Commit = Annotated[str, AfterValidator(_commit)]
