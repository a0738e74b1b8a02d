"""What pretraining text, vocabularies and rows are told. No torch here, so planning stays light."""

from pydantic import Field

from xstilts.core.spec import Spec, added

SPECIAL = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")  # the first pieces, as in XLM-R
LANGUAGES = "text."  # before the language in the name of an input
FEWEST = 10  # different documents of a language of which one is held out: at most a tenth is


class FolderText(Spec):
    """Text of one language in files.

    Attributes:
        digests: SHA-256 of the files, in reading order.
    """

    digests: tuple[str, ...]


class LabText(Spec):
    """Stories of the laboratory, told in one of its languages.

    Attributes:
        tokens: words and marks, at least.
        seed: of the stories.
        version: of the generator; a test holds the bytes of each.
    """

    tokens: int
    seed: int
    version: int = 1


class Corpus(Spec):
    """The documents of one language, and how many of them are held out.

    Attributes:
        language: of the text.
        source: where it comes from.
        held: what is never trained on: a whole number is that of this language's documents, at most
            a tenth of all; a share below 1 is one of all names, drawn name by name, so that a name
            is held out in every language or in none, whichever others a language has.
    """

    language: str
    source: FolderText | LabText
    held: int | float


class Vocabulary(Spec):
    """A Unigram tokenizer (Kudo 2018).

    Attributes:
        size: most pieces, special ones counted.
        coverage: share of all letters that are not unknown, the frequent ones first.
        sampling: exponent of the languages' shares, see :func:`shares`.
        longest: pieces of a row that the tokenizer promises to fit.
    """

    size: int
    coverage: float
    sampling: float
    longest: int


class Rows(Spec):
    """How documents become rows.

    Attributes:
        length: most pieces of a row, special ones counted.
        names: keep which rows have one name, so that translations of each other can be found.
        tokenizer: digest of its files; None if it is that of a step.
    """

    length: int = Field(ge=8)
    names: bool = added(False, absent_when=False)
    tokenizer: str | None = added(None, absent_when=None)


class Start(Spec):
    """Vectors of pieces from aligned sentences.

    Attributes:
        width: of the vectors.
        seed: of the random projection.
    """

    width: int
    seed: int


def shares(sizes: dict[str, int], sampling: float) -> dict[str, float]:
    """How often each language is drawn: its share of the text to the power of ``sampling``.

    1 is in proportion to the text, 0 every language as often (Conneau & Lample 2019, section 3.1).
    """
    raised = {language: size**sampling for language, size in sizes.items()}
    return {language: x / sum(raised.values()) for language, x in raised.items()}
