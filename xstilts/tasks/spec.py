"""What a task is: a data source, an example kind, languages, splits, metrics and a floor.

A task is declared in one YAML file (`catalog/NAME.yaml`). Nothing of it is hashed as a whole: a
stage is given a :class:`~xstilts.data.slices.Slice`, the one split in one language that it reads.
"""

from typing import Literal

from pydantic import Field, model_validator

from xstilts.core.spec import Spec

Split = Literal["train", "dev", "test"]
Kind = Literal["pair", "choice", "span", "tagging", "retrieval", "mining", "ranking"]
AnswerRules = Literal["squad", "squad_v2", "mlqa"]
Format = Literal[
    "glue_tsv",
    "nli_jsonl",
    "pair_tsv",
    "xnli_tsv",
    "squad_json",
    "hellaswag_jsonl",
    "cosmosqa_csv",
    "commonsenseqa_jsonl",
    "ccg_auto",
    "conllu",
    "tagged_tsv",
    "tatoeba_lines",
    "bucc_lines",
]


class FileSet(Spec):
    """One release of the task's files: how they are named and what is in them.

    Attributes:
        format: the reader.
        folders: accepted folder names under a data folder, in order.
        names: the release file name of each split; ``{code}`` is the language's code in this
            release, ``*`` matches any text (several files are read in sorted order). A list gives
            files that belong together.
        codes: the release's code of a language where it is not our own.
        columns: the columns to read, for formats whose releases name them differently.
    """

    format: Format
    folders: tuple[str, ...] = Field(min_length=1)
    names: dict[Split, tuple[str, ...]]
    codes: dict[str, str] = {}
    columns: dict[str, str] = {}


class HubSource(Spec):
    """Where the hub keeps the same files.

    Attributes:
        repo: the data set's repository.
        revision: 40 hex digits, or None where nobody could read one: shown as unpinned.
        files: path of each split's file in the repository, ``{code}`` as in a file set.
        verified: whether these files were opened and read by this library's readers.
        note: what is known to differ.
    """

    repo: str = Field(pattern=r"^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*$")
    revision: str | None = Field(default=None, pattern=r"^[0-9a-f]{40}$")
    files: dict[Split, str] = {}
    verified: bool = False
    note: str = ""


class Sizes(Spec):
    """Official numbers of examples, for planning where no file is at hand.

    ``test`` holds one number a language, or ``default`` for all others.
    """

    train: int | None = None
    dev: int | None = None
    test: dict[str, int] = {}


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
        max_length: pieces an example may have by default.
        files: releases, in the order in which they are searched.
        hub: the hub's copy, or None.
        sizes: official sizes.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    version: int = Field(ge=1)
    kind: Kind
    about: str
    citation: str
    license: str
    labels: tuple[str, ...] = ()
    choices: int | None = None
    metrics: tuple[str, ...] = Field(min_length=1)
    answers: AnswerRules = "squad"
    train: str | None = None
    languages: tuple[str, ...] = Field(min_length=1)
    parallel: bool = False
    score: Split = "test"
    dev_overlaps: tuple[str, ...] = ()
    files: tuple[FileSet, ...]
    hub: HubSource | None = None
    sizes: Sizes = Sizes()

    @property
    def metric(self) -> str:
        """The main metric."""
        return self.metrics[0]

    @model_validator(mode="after")
    def _consistent(self) -> "Task":
        if self.kind in ("pair", "tagging") and not self.labels:
            raise ValueError(f"task {self.name}: a {self.kind} task lists its labels")
        if self.kind == "choice" and not self.choices:
            raise ValueError(f"task {self.name}: a choice task says how many choices there are")
        if list(self.languages) != sorted(set(self.languages)):
            raise ValueError(f"task {self.name}: languages are sorted and unique")
        return self
