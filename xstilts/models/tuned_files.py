"""What a model that was fine-tuned elsewhere says of its outputs, read without torch."""

import json

from xstilts.core.errors import EncoderError
from xstilts.core.spec import Spec
from xstilts.models.files import EncoderFiles
from xstilts.tasks.spec import Kind, Task

HEADED: tuple[Kind, ...] = ("pair", "choice", "span", "tagging")


class Tuned(Spec):
    """A model that was fine-tuned elsewhere, with its head.

    Attributes:
        encoder: digest of its weight and config files.
        kind: the example kind that its head answers.
        labels: in the order of its outputs; none for choices and spans.
    """

    encoder: str
    kind: Kind
    labels: tuple[str, ...]


def inspect_tuned(files: EncoderFiles, task: Task) -> Tuned:
    """What is known of the head in ``files`` for a task.

    Raises:
        EncoderError: when the config does not name the task's labels, each once.
    """
    if task.kind not in ("pair", "tagging"):
        return Tuned(encoder=files.digest, kind=task.kind, labels=())
    config = json.loads((files.folder / "config.json").read_text("utf-8"))
    named = config.get("id2label")
    try:
        labels = tuple(str(named[str(i)]) for i in range(len(named)))
    except (TypeError, KeyError):
        labels = ()
    if sorted(labels) != sorted(task.labels):
        raise EncoderError(
            f"The outputs of {files.folder} are not the labels of {task.name}",
            where=f"{files.folder / 'config.json'}: id2label",
            expected=f"each once, in the order of the outputs: {', '.join(task.labels)}",
            do="name the outputs there as the task does; which is which, its model card says",
        )
    return Tuned(encoder=files.digest, kind=task.kind, labels=labels)
