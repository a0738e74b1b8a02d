"""What reading and tokenising are told: the one part of a task, and how it is cut into pieces."""

from typing import Literal

from xstilts.core.spec import Spec, added
from xstilts.tasks.spec import Format, Kind, Split

Part = Literal["all", "train", "held"]
TRANSLATED = "translated"  # the input that holds what a model translated


class Translation(Spec):
    """By what a slice is translated.

    Attributes:
        kind: of the examples.
        model: digest of the translation model's weight and config files.
        tokenizer: digest of its tokenizer's files.
        source: the code by which its tokenizer knows the language of the texts; None where it
            translates from one language only.
        target: likewise of their translations.
        prefix: stands before every sentence; ``{code}`` in it is ``target``.
        beams: kept while decoding; 1 is greedy.
    """

    kind: Kind
    model: str
    tokenizer: str
    source: str | None = None
    target: str | None = None
    prefix: str = ""
    beams: int = 1


class Slice(Spec):
    """One split in one language, or a drawn part of it.

    The other languages, the description and the licence of the task stay out of it, so a better
    description or a 51st language retrains nothing.

    Attributes:
        task: the task's name.
        version: the version of its examples.
        kind: the example kind.
        labels: labels in the order of the logits.
        format: the reader.
        columns: column names of the release.
        parallel: whether ids and groups are those of a parallel set.
        language: of the text.
        split: of the release.
        digests: SHA-256 of the files, in reading order.
        part: all of it; or what is left for training, or held out for selection, after carving.
        sample: how many examples are drawn from the part, None for all.
        at_most: a draw of this many where there are more, None for all.
        without: ids of examples left out because a reported split holds their text.
        rename: labels, tags or questions that the release writes in another way.
        codes: the release's code of the language where it picks rows of a file.
        parts: the slices that this one is put together from; their files are ``digests``.
        draw: the number of the few-shot draw that ``sample`` is, None for the draw of all recipes.
        apart: slices whose groups are left out before anything is drawn: the few-shot examples
            that a reported split gives away.
        translates: the English slice whose examples these are, by their ids.
        translation: how a model translates them; None for a folder of translations.
    """

    task: str
    version: int
    kind: Kind
    labels: tuple[str, ...]
    format: Format
    columns: dict[str, str]
    parallel: bool
    language: str
    split: Split
    digests: tuple[str, ...]
    part: Part = "all"
    sample: int | None = None
    at_most: int | None = None
    without: tuple[str, ...] = ()
    rename: dict[str, str] = added({}, absent_when={})
    codes: dict[str, str] = added({}, absent_when={})
    parts: "tuple[Slice, ...]" = added((), absent_when=())
    draw: int | None = added(None, absent_when=None)
    apart: "tuple[Slice, ...]" = added((), absent_when=())
    translates: "Slice | None" = added(None, absent_when=None)
    translation: Translation | None = added(None, absent_when=None)


class Tokens(Spec):
    """How a slice is cut into pieces.

    Attributes:
        tokenizer: digest of the tokenizer's files; None if it is that of a step.
        kind: the example kind.
        labels: labels in the order of the logits; none where those of the training slice count.
        max_length: most pieces of a row, special ones counted.
        stride: pieces that neighbouring windows of a context share.
    """

    tokenizer: str | None
    kind: Kind
    labels: tuple[str, ...]
    max_length: int
    stride: int
