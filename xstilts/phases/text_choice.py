"""Where text comes from that encoders are made from, or that stages read."""

from collections.abc import Mapping
from functools import cache
from itertools import islice
from math import ceil
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, model_validator

from xstilts.core.errors import DataError, RecipeError
from xstilts.core.validation import refusal
from xstilts.data.corpora import FEWEST, Corpus, FolderText, LabText
from xstilts.lab.documents import documents
from xstilts.lab.languages import CODES, SOURCE, language
from xstilts.phases.sections import Distinct, Section, as_list
from xstilts.phases.workplace import Workplace

_ENDINGS = (".txt", ".txt.gz")


class Lab(Section):
    """Stories of the laboratory.

    Attributes:
        tokens: words and marks in the source language; another one has its declared share of them.
        languages: some of the laboratory's; all of them by default.
        seed: of the stories.
    """

    tokens: int = Field(ge=1)
    languages: Distinct = CODES
    seed: int = 0


class TextChoice(Section):
    """Where the text comes from: the laboratory, or folders with one file a language.

    Attributes:
        lab: what the laboratory tells.
        folder: one or several; counted from the declaration's folder, else from a data folder. A
            language's file is ``LANG.txt`` or ``LANG.txt.gz``, one document a line; what stands
            before a tab is the document's name.
        languages: of the folders; all that have a file by default.
    """

    lab: Lab | None = None
    folder: Annotated[Distinct, BeforeValidator(as_list)] = ()
    languages: Distinct | None = None

    @model_validator(mode="after")
    def _one_source(self) -> "TextChoice":
        if (self.lab is None) == (not self.folder):
            said = "both" if self.lab else "neither"
            raise refusal("text", f"The text has {said} of lab and folder", "`lab` or `folder`")
        if self.lab is not None and self.languages is not None:
            what = "languages stands beside lab"
            raise refusal("text.languages", what, "text: {lab: {languages: […]}}")
        return self


def corpora_of(
    said: TextChoice,
    held: int | float,
    beside: tuple[Path, ...],
    workplace: Workplace,
    sources: dict[str, Path],
    keys: tuple[str, str, str] = ("text.folder", "text.languages", "text.lab.tokens"),
) -> list[Corpus]:
    """The text of every language.

    Args:
        said: where it comes from.
        held: most documents of a language that are held out, or a share of their names.
        beside: where folders are sought before the data folders.
        workplace: for its data folders and digests.
        sources: gets the path of every file that is read, by digest.
        keys: which name folders, languages and the laboratory's words, for messages.

    Raises:
        DataError: for a folder that is not there, or a language without a file.
        RecipeError: for so few words that no story could be held out.
    """
    if said.lab is not None:
        whole = said.lab.tokens / language(SOURCE).amount
        told = {
            code: LabText(tokens=round(whole * language(code).amount), seed=said.lab.seed)
            for code in said.lab.languages
        }
        if isinstance(held, int):
            _refuse_too_few(told, said.lab.tokens, keys[2])
        return [Corpus(language=code, source=told[code], held=held) for code in told]
    files = _files(said, (*beside, *workplace.data), *keys[:2])
    digests = {c: tuple(workplace.digests.of(f) for f in found) for c, found in files.items()}
    for code, found in files.items():
        sources |= dict(zip(digests[code], found, strict=True))
    return [
        Corpus(language=code, source=FolderText(digests=some), held=held)
        for code, some in digests.items()
    ]


def _refuse_too_few(told: Mapping[str, LabText], tokens: int, key: str) -> None:
    """Refuse so few words that some language has no story to hold out.

    The stories are told to be counted, no more of them than are needed.

    Raises:
        RecipeError: naming those languages, and how many words are enough.
    """
    enough = {code: _enough(code, text.tokens, text.seed) for code, text in told.items()}
    short = [code for code in told if enough[code] > told[code].tokens]
    if not short:
        return
    words = max(ceil(enough[code] / language(code).amount) for code in short)
    raise RecipeError(
        f"{tokens} words, and of other languages their share of them, are too few stories in "
        f"{', '.join(short)} to hold some out and train",
        where=key,
        expected=f"at least {FEWEST} different stories of each language",
        do=f"raise it, as to tokens: {words}, or name other languages",
    )


@cache
def _enough(code: str, tokens: int, seed: int) -> int:
    """``tokens`` if they are enough stories to hold one out, else more that are."""
    while len(set(islice(documents(code, tokens, seed), FEWEST))) < FEWEST:
        tokens = 2 * max(tokens, 100)
    return tokens


def _files(
    said: TextChoice, places: tuple[Path, ...], folders: str, languages: str
) -> dict[str, list[Path]]:
    """The files of every language, folder after folder.

    Raises:
        DataError: for a folder that is not there, or a language without a file.
    """
    files: dict[str, list[Path]] = {}
    for name in said.folder:
        path = Path(name).expanduser()
        folder = next((p / path for p in places if (p / path).is_dir()), None)
        if folder is None:
            raise DataError(
                f"There is no folder {name}",
                where=folders,
                expected=" or ".join(str((p / path).absolute()) for p in places),
                do="name a folder with files LANG.txt or LANG.txt.gz, or set XSTILTS_DATA",
            )
        for file in sorted(folder.iterdir()):
            code = next((file.name.removesuffix(x) for x in _ENDINGS if file.name.endswith(x)), "")
            if code and (said.languages is None or code in said.languages):
                files.setdefault(code, []).append(file)
    absent = [code for code in said.languages or () if code not in files]
    if absent or not files:
        raise DataError(
            f"There is no text in {', '.join(absent) or 'any language'}",
            where=f"{folders}: {', '.join(said.folder)}",
            expected=" or ".join(f"{absent[0] if absent else 'LANG'}{x}" for x in _ENDINGS),
            do=f"add the file, or change {languages}",
        )
    return {code: files[code] for code in sorted(files)}
