"""What a task is: a data source, an example kind, languages, splits, metrics and a floor.

A task is declared in one YAML file (`catalog/NAME.yaml`). Nothing of it is hashed as a whole: a
stage is given a :class:`~xstilts.data.slices.Slice`, the one split in one language that it reads.
"""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, computed_field, model_validator

from xstilts.core.hub_names import Commit, HubName
from xstilts.core.spec import Spec
from xstilts.core.validation import refusal
from xstilts.tasks.consistency import refuse_inconsistent

Split = Literal["train", "dev", "test"]
SPLITS: tuple[Split, ...] = ("train", "dev", "test")
Kind = Literal["pair", "choice", "span", "tagging", "retrieval", "mining", "ranking"]
AnswerRules = Literal["squad", "squad_v2", "mlqa"]
Format = Literal[
    "aligned_lines",
    "bucc_lines",
    "ccg_auto",
    "commonsenseqa_jsonl",
    "conllu",
    "csv",
    "dictionary_tsv",
    "glue_tsv",
    "hellaswag_jsonl",
    "json",
    "jsonl",
    "mewslix_jsonl",
    "mewslix_pairs",
    "nli_jsonl",
    "pair_tsv",
    "parts",
    "qqp_tsv",
    "squad_json",
    "squad_sentences",
    "supertag_conllu",
    "tagged_spaced",
    "tagged_tsv",
    "tatoeba_lines",
    "xnli_tsv",
    "xquadr_json",
]
_FLOORS: dict[Kind, str] = {
    "pair": "the most frequent label",
    "choice": "the most frequent place of the right choice",
    "span": "empty answers",
    "tagging": "the most frequent tag",
    "retrieval": "a random candidate",
    "mining": "no pair at all: 0",
    "ranking": "a random order",
}


def _listed(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else [value]


def _releases(value: Any) -> Any:
    """A list of releases; one alone is a list, too."""
    releases = _listed(value)
    for release in releases:
        if isinstance(release, str):
            what = f"{release!r} is a file's name alone"
            expected = "what is in it, too: {format: csv, names: {test: FILE}, columns: {…}}"
            raise refusal("files", what, expected)
    return releases


class FileSet(Spec):
    """One release of the task's files: how they are named and what is in them.

    Attributes:
        format: the reader.
        folders: accepted folder names under a data folder, in order.
        names: the release file name of each split; ``{code}`` is the language's code in this
            release, ``*`` matches any text (several files are read in sorted order). A list gives
            files that belong together.
        languages: those that are read from this release; all of the task's by default.
        codes: the release's code of a language where it is not our own.
        columns: the columns to read, for formats whose releases name them differently.
        rename: labels, tags or questions that the release writes in another way.
    """

    format: Format
    folders: Annotated[tuple[str, ...], BeforeValidator(_listed)] = Field((".",), min_length=1)
    names: dict[Split, Annotated[tuple[str, ...], BeforeValidator(_listed)]]
    languages: tuple[str, ...] = ()
    codes: dict[str, str] = {}
    columns: dict[str, str] = {}
    rename: dict[str, str] = {}

    def has(self, split: str, language: str) -> bool:
        """Whether the release has a split in a language."""
        return split in self.names and (not self.languages or language in self.languages)


class HubFile(Spec):
    """A release file in a repository of the hub.

    Attributes:
        path: in the repository.
        sha256: 64 hex digits.
    """

    path: str = Field(pattern=r"^[^/\\]+(/[^/\\]+)*$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class HubSource(Spec):
    """Where the hub keeps the same files.

    Attributes:
        repo: the data set's repository.
        revision: 40 hex digits, or None where nobody could read one: shown as unpinned.
        files: those of the release that can be fetched, by their place under a data folder; none
            where nobody could read their checksums.
        verified: whether these files were opened and read by this library's readers.
        note: what is known to differ.
    """

    repo: HubName
    revision: Commit | None = None
    files: dict[str, HubFile] = {}
    verified: bool = False
    note: str = ""


def _by_language(value: Any) -> Any:
    return {"default": value} if isinstance(value, int) else value


class Sizes(Spec):
    """Official numbers of examples, for planning where no file is at hand.

    A number that no source states is left out.

    Attributes:
        train: in English; nothing is trained on other languages' files.
        dev: one number a language, or ``default`` for all others.
        test: likewise.
    """

    train: int | None = None
    dev: Annotated[dict[str, int], BeforeValidator(_by_language)] = {}
    test: Annotated[dict[str, int], BeforeValidator(_by_language)] = {}

    def of(self, split: Split, language: str) -> int | None:
        """Examples of a split in one language; None where nobody says."""
        if split == "train":
            return self.train if language == "en" else None
        known = self.dev if split == "dev" else self.test
        return known.get(language, known.get("default"))


class Task(Spec):
    """A data source, the shape of one example, languages, and the scores that count.

    Attributes:
        name: as in the catalogue.
        version: bumped when the examples that a model sees change.
        kind: the example kind.
        about: one sentence for readers.
        citation: the paper, as a key or an arXiv id.
        license: of the data.
        labels: labels or tags in the order of the logits; empty for span and retrieval.
        open_labels: the tags are those of the training slice, sorted; others stay gold that no
            prediction can match.
        choices: candidates of a choice task.
        metrics: the first one is the main metric.
        answers: whose script compares answers: SQuAD 1.1's (also XQuAD, TyDiQA), SQuAD 2.0's,
            where a question may have none, or MLQA's, with rules of each language.
        train: the task whose English training data a target is trained on; itself by default,
            None where nothing is trained (retrieval).
        languages: shortest BCP-47 codes, sorted.
        parallel: whether item i is the same content in every language.
        score: the split that is reported.
        dev_overlaps: tasks whose reported text stands in this task's official dev split.
        files: releases, in the order in which they are searched.
        parts: split -> the tasks, and of each the split, that it is made of, instead of files.
        hub: the hub's copy, or None.
        sizes: official sizes.
        beside: folder of the declaration of a user's own task, searched before the data folders.
        knobs: how hard a task of the laboratory is, as :class:`xstilts.lab.knobs.Knobs` says.
        variant_of: the task that this one is, with one knob turned.
    """

    name: str
    version: int = Field(ge=1)
    kind: Kind
    about: str
    citation: str
    license: str
    labels: tuple[str, ...] = ()
    open_labels: bool = False
    choices: int | None = None
    metrics: tuple[str, ...] = Field(min_length=1)
    answers: AnswerRules = "squad"
    train: str | None = None
    languages: tuple[str, ...] = Field(min_length=1)
    parallel: bool = False
    score: Split = "test"
    dev_overlaps: tuple[str, ...] = ()
    files: Annotated[tuple[FileSet, ...], BeforeValidator(_releases)] = ()
    parts: dict[Split, dict[str, Split]] = {}
    hub: HubSource | None = None
    sizes: Sizes = Sizes()
    beside: str = ""
    knobs: dict[str, int | float] = {}
    variant_of: str = ""

    @property
    def metric(self) -> str:
        """The main metric."""
        return self.metrics[0]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def floor(self) -> str:
        """What takes no skill, in words; its score is worked out from each split's gold."""
        return _FLOORS[self.kind]

    @property
    def splits(self) -> tuple[Split, ...]:
        """The splits that some release of the task has."""
        served = set(self.parts).union(*(files.names for files in self.files))
        return tuple(split for split in SPLITS if split in served)

    @model_validator(mode="after")
    def _consistent(self) -> "Task":
        refuse_inconsistent(self)
        return self
