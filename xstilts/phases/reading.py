"""The text that stages read: of the laboratory, or of folders with one file a language."""

from collections.abc import Sequence
from pathlib import Path

from xstilts.core.errors import DataError, EncoderError, RecipeError
from xstilts.data.corpora import Corpus, FolderText, LabText
from xstilts.phases.encoders import Encoder
from xstilts.phases.forms import LAB, MixedText
from xstilts.phases.recipe import Recipe
from xstilts.phases.slices import NOT_HERE, Files
from xstilts.phases.text_choice import Lab, TextChoice, corpora_of

FOLDERS = "text"  # of a data folder: where the user's text lies
_BYTES_A_PIECE, _PIECES_A_WORD = 3.5, 1.5  # guesses, for estimates

# Families whose masked LM in the library is encoder, then head; a test runs each.
FAMILIES = ("bert", "camembert", "deberta-v2", "modernbert", "roberta", "xlm-roberta")


def text_of(said: MixedText, recipe: Recipe, files: Files, arm: str) -> list[Corpus]:
    """The text of every language that a stage reads.

    Raises:
        RecipeError: for the laboratory's text where the recipe reads none of its data, or too
            little of it.
        DataError: where there is no text, or none in a language.
    """
    where = f"arms.{arm}: mlm"
    in_lab = said.text == (LAB,) or (said.text is None and recipe.data == "lab")
    if "tokens" in said.model_fields_set and not in_lab:
        raise RecipeError(
            "mlm counts words of the laboratory's stories, which it does not read",
            where=f"{where}.tokens",
            expected=f"mlm: {{text: {LAB}, tokens: …}} in a recipe with data: {LAB}",
            do="leave it out; files are read whole, and languages: […] names some",
        )
    if in_lab:
        if recipe.data != "lab":
            raise RecipeError(
                f"The recipe reads no generated data, and {LAB} names its stories",
                where=f"{where}.text",
                expected="folders with LANG.txt or LANG.txt.gz",
                do=f"name a folder, leave `text` out to read {FOLDERS}/, or --set data=lab",
            )
        languages = {} if said.languages is None else {"languages": said.languages}
        choice = TextChoice(lab=Lab(tokens=said.tokens, **languages))
    elif said.languages and not said.text and not files.workplace.data:
        return [_not_here(language, said, files) for language in said.languages]
    else:
        folders = said.text or _folders(files.workplace.data, where)
        choice = TextChoice.model_validate({"folder": list(folders), "languages": said.languages})
    keys = f"{where}.text", f"{where}.languages", f"{where}.tokens"
    return corpora_of(choice, said.held, (Path.cwd(),), files.workplace, files.sources, keys)


def _not_here(language: str, said: MixedText, files: Files) -> Corpus:
    """Text that a plan without data folders cannot find: nothing runs before it is there."""
    line = f"text {language}: {FOLDERS}/NAME/{language}.txt"
    files.absent += [] if line in files.absent else [line]
    return Corpus(language=language, source=FolderText(digests=(NOT_HERE,)), held=said.held)


def _folders(data: Sequence[Path], where: str) -> tuple[str, ...]:
    """Every folder of text in the data folders."""
    found = sorted(
        folder.relative_to(place).as_posix()
        for place in data
        for folder in (place / FOLDERS).glob("*/")
        if any(folder.glob("*.txt*"))
    )
    if not found:
        raise DataError(
            "There is no text to read",
            where=where,
            expected=" or ".join(str(d / FOLDERS / "NAME" / "LANG.txt.gz") for d in data)
            or "a data folder: --data DIR",
            do="put text there, one document a line, or name folders: mlm: {text: FOLDER}",
        )
    return tuple(found)


def pieces_of_text(corpora: Sequence[Corpus], files: Files) -> float:
    """A guess at the pieces of some text, for estimates."""
    told = 0.0
    for corpus in corpora:
        if isinstance(corpus.source, LabText):
            told += corpus.source.tokens * _PIECES_A_WORD
        else:
            there = [files.sources[d] for d in corpus.source.digests if d in files.sources]
            sizes = [file.stat().st_size for file in there]
            told += sum(sizes) / _BYTES_A_PIECE
    return told


def has_a_head(encoder: Encoder, arm: str) -> None:
    """Refuse masked LM on an architecture that the library has no such head for, or another's.

    Raises:
        EncoderError: naming the architectures that have one.
    """
    family = encoder.files.family if encoder.files else "xlm-roberta"
    if family not in FAMILIES:
        raise EncoderError(
            f"{encoder.label} ({family}) cannot be trained by masked LM here",
            where=f"arms.{arm}: mlm",
            expected=f"an architecture of: {', '.join(FAMILIES)}",
            do="take the arm out, or name another encoder",
        )
