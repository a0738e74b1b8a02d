"""The verbs of xstilts. The command line calls only these.

Imports happen inside the functions, so that `import xstilts` and `xstilts --help` stay fast and
planning never loads torch.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from xstilts.data.files import FileState
    from xstilts.data.leaks import Overlap
    from xstilts.lab.describe import Described
    from xstilts.phases.estimate import Estimate
    from xstilts.phases.export import Exported
    from xstilts.phases.planned import Planned
    from xstilts.phases.running import Pretrained, Results
    from xstilts.phases.workplace import Workplace
    from xstilts.retrieve.margin import Mined
    from xstilts.retrieve.sentences import Embedded

_MARK = "report.of"  # beside a run's report: the digest of what it shows

Folder = str | Path | None
Say = Callable[[str], None]


def run(
    recipe: str,
    *changes: str,
    store: Folder = None,
    data: Folder = None,
    say: Say = lambda line: None,
) -> "Results":
    """Run what is missing of a recipe and publish its tables and report.

    Args:
        recipe: a shipped name or the path of a YAML file.
        changes: ``key.path=VALUE``, as `--set` takes them.
        store: where results lie (``$XSTILTS_HOME``, else ``./xstilts-store``).
        data: the data folder (``$XSTILTS_DATA``).
        say: takes lines of progress.

    Raises:
        UserError: for what the caller can mend.
        StepFailedError: when steps failed; all that did not need them are finished.
    """
    from xstilts.executors import LocalExecutor
    from xstilts.phases.running import refuse_failed, run_recipe

    place = _workplace(store, data)
    found = run_recipe(_recipe(recipe, changes), place, LocalExecutor(), say)
    page, mark = found.folder / "report.html", found.folder / _MARK
    there = all((found.folder / name).exists() for name in _pages(found, page).values())
    if not (there and mark.exists() and mark.read_text() == found.digest):
        _write_report(found, place, page)
        mark.write_text(found.digest)
    refuse_failed(found.outcome)
    return found


def plan(
    recipe: str, *changes: str, store: Folder = None, data: Folder = None
) -> tuple["Planned", "Estimate"]:
    """Every step of a recipe, what is there already, and what the rest costs; starts nothing."""
    from xstilts.phases.estimate import estimate

    place = _workplace(store, data)
    planned = _planned(recipe, changes, place)
    return planned, estimate(planned, place.store)


def why(
    recipe: str, step: str, *changes: str, store: Folder = None, data: Folder = None
) -> tuple[str, list[str]]:
    """A step's full name, and the fields that differ from its nearest finished rival.

    The list is empty for a step that is done.
    """
    from xstilts.graph import why as explain

    place = _workplace(store, data)
    name, found = _planned(recipe, changes, place).plan.find(step)
    return name, explain(found, place.store)


def results(recipe: str, *changes: str, store: Folder = None, data: Folder = None) -> "Results":
    """The tables of all finished cells of a recipe; runs nothing."""
    from xstilts.executors import Outcome
    from xstilts.phases.running import collect

    place = _workplace(store, data)
    planned, found = _planned_with_leaks(recipe, changes, place)
    return collect(planned, place, Outcome(), found)


def report(
    recipe: str, *changes: str, out: Folder = None, store: Folder = None, data: Folder = None
) -> Path:
    """Write the self-contained HTML report of all finished cells; returns its path.

    Of several encoders the first is at that path, and links to the pages of the others beside it.
    """
    found = results(recipe, *changes, store=store, data=data)
    path = Path(out) if out else found.folder / "report.html"
    if not out:
        (found.folder / _MARK).unlink(missing_ok=True)  # the next run writes its own again
    _write_report(found, _workplace(store, data), path)
    return path


def check_data(tasks: Iterable[str] = (), *, data: Folder = None) -> "list[FileState]":
    """State of every file of some tasks (all by default) in the data folders.

    A task is named, or is the YAML file of a user's own one.
    """
    from xstilts.data.files import check
    from xstilts.phases.workplace import Workplace
    from xstilts.tasks import open_task, task_names

    names = list(tasks) or task_names()
    return check([open_task(n) for n in names], Workplace.of(data=data).data)


def leaks(
    recipe: str,
    *changes: str,
    store: Folder = None,
    data: Folder = None,
    say: Say = lambda line: None,
) -> "list[Overlap]":
    """Texts that a recipe trains or selects on and reports; reads files, trains nothing."""
    from xstilts.executors import LocalExecutor
    from xstilts.phases.running import prepare

    place = _workplace(store, data)
    allowed = (*changes, "leaks=allow")
    return prepare(_recipe(recipe, allowed), place, LocalExecutor(), say)[1]


def score(
    task: str,
    gold: Path,
    pred: Path,
    *,
    language: str | None = None,
    na_prob: Path | None = None,
    say: Say = lambda line: None,
) -> dict[str, Any]:
    """The official metrics of anyone's predictions against an official gold file.

    Args:
        task: its name, or the YAML file of a user's own one.
        gold: as the task's lines of `xstilts tasks NAME` say, ``gold`` and ``pred``.
        pred: likewise.
        language: of the files; by default what the release's name of ``gold`` tells, then English.
        na_prob: ``{id: probability of no answer}`` in JSON, for questions by SQuAD 2.0's rules.
        say: takes a line where English was taken by default.

    Returns:
        ``{"task", "language", "n", "metrics": {name: 0-100}}``, and ``"ignored"`` where there are
        answers to that many questions that the gold file does not have. With ``na_prob`` the
        metrics also have the best scores that a threshold on it can reach, and the thresholds.
    """
    from xstilts.scoring.files import score_files
    from xstilts.tasks import open_task

    return score_files(open_task(task).name, gold, pred, language, na_prob, say)


def export(
    recipe: str,
    *changes: str,
    out: Path,
    format: str = "xtreme",
    arm: str | None = None,
    seed: int | None = None,
    store: Folder = None,
    data: Folder = None,
) -> "list[Exported]":
    """Write finished predictions in the layout that a benchmark's own evaluation reads.

    Args:
        recipe: a shipped name or the path of a YAML file.
        changes: ``key.path=VALUE``, as `--set` takes them.
        out: a new or empty folder.
        format: ``xtreme``.
        arm: one arm; all by default, each in a folder of its own.
        seed: one seed; all by default.
        store: where results lie.
        data: the data folder.

    Raises:
        UserError: for an unknown format, arm or seed, a folder in use, or nothing to write.
    """
    from xstilts.core.errors import UnknownNameError
    from xstilts.phases.export import export_xtreme

    if format != "xtreme":
        do = "xstilts export RECIPE --format xtreme --out DIR"
        raise UnknownNameError("format", format, ["xtreme"], where="--format", do=do)
    place = _workplace(store, data)
    planned = _planned(recipe, changes, place)
    return export_xtreme(planned, place.store, Path(out), arm=arm, seed=seed)


def pretrain(
    declaration: str,
    *changes: str,
    out: Folder = None,
    store: Folder = None,
    data: Folder = None,
    say: Say = lambda line: None,
) -> "Pretrained":
    """Make an encoder from text: a Unigram tokenizer, and masked-LM pretraining.

    Args:
        declaration: a shipped name (``lab/encoder``) or the path of a YAML file.
        changes: ``key.path=VALUE``, as `--set` takes them.
        out: a new or empty folder that gets a copy, which any `AutoModel` loads.
        store: where results lie; what is there already is not made again.
        data: a folder under which its text is searched, too.
        say: takes lines of progress.

    Raises:
        UserError: for what the caller can mend.
        StepFailedError: when a step failed, or the training diverged.
    """
    from xstilts.executors import LocalExecutor
    from xstilts.phases.pretraining import promise
    from xstilts.phases.running import run_pretraining

    place = _workplace(store, data)
    promised = promise(declaration, place, changes=changes)
    return run_pretraining(promised, place, LocalExecutor(), say, Path(out) if out else None)


def embed(
    encoder: str | Path,
    text: "Path | Sequence[str]",
    out: Path | None = None,
    *,
    layer: int | float | None = 0.58,
    pooling: str = "mean",
) -> "Embedded":
    """Vectors of sentences, from one pass over them, shortest first.

    Args:
        encoder: its folder, here or under ``$XSTILTS_MODELS``.
        text: a file with one sentence a line, or sentences.
        out: the ``.npy`` file to stream to, which the vectors are then mapped from; None keeps
            them in memory.
        layer: 0 for the embeddings, i for block i, a share of depth in (0, 1) (0.58 is the block
            14 of 24 that X-STILTs compares), or None for all, in one pass.
        pooling: ``mean`` over every attended piece, special ones counted, the ``first``, or both in
            one pass: ``mean,first`` or ``all``. All layers come before poolings, and both before
            sentences: :class:`~xstilts.retrieve.sentences.Embedded`.

    Raises:
        UserError: for an encoder, file or layer that is not there, and an ``out`` that is read.
    """
    from xstilts.phases.encoder_choice import EncoderChoice
    from xstilts.retrieve.sentences import embed_sentences, sentences_of
    from xstilts.retrieve.vectors import require_apart

    if out and isinstance(text, Path):
        require_apart(out, text)
    texts = sentences_of(text)
    files = _workplace(None, None).encoder(EncoderChoice(path=str(encoder)), "--encoder")
    assert files is not None, "an encoder with a path is a folder"
    return embed_sentences(files, texts, out, layer=layer, pooling=pooling)


def retrieve(queries: Path, corpus: Path, out: Path, *, k: int) -> None:
    """Write the ``k`` nearest vectors of ``corpus`` to every query, by cosine, best first.

    One line a neighbour: query (0-based), rank (from 1), index (0-based), cosine; tabs between.

    Raises:
        UserError: for a file that does not hold vectors, or cannot be written.
    """
    from xstilts.retrieve.files import write_nearest

    write_nearest(queries, corpus, out, k)


def mine(
    source: Path,
    target: Path,
    out: Path | None = None,
    *,
    k: int = 4,
    margin: str = "ratio",
    strategy: str = "max",
) -> "Mined":
    """Pairs of sentences that translate each other, by the margin of their cosine; best first.

    Args:
        source: the vectors of one side, ``.npy``.
        target: the vectors of the other side.
        out: where to write one line a pair: score, source and target (0-based), tabs between.
        k: neighbours that make up a sentence's neighbourhood.
        margin: ``ratio``, ``distance`` or ``absolute``: :func:`xstilts.retrieve.margin.mine`.
        strategy: ``forward``, ``backward``, ``intersect`` or ``max``, likewise.

    Raises:
        UserError: for a file that does not hold vectors, or cannot be written.
    """
    from xstilts.retrieve.files import mine_files

    return mine_files(source, target, out, k, margin, strategy)


def describe_lab() -> "list[Described]":
    """The laboratory's languages: their knobs, and a sentence in each of them with its gloss."""
    from xstilts.lab.describe import described

    return list(described())


def export_lab(
    folder: str | Path,
    *changes: str,
    seed: int = 0,
    translated: Sequence[str] = (),
) -> list[Path]:
    """Write the laboratory's tasks in the official file formats; returns the files.

    Args:
        folder: where; the files of a task come into a folder of its name.
        changes: ``TASK.KNOB=VALUE`` or ``sizes.PART=NUMBER``.
        seed: of all that is drawn.
        translated: languages into which the English training data are put as well.

    Raises:
        UserError: for an unknown task, knob, part or language, and a value that cannot be.
    """
    from xstilts.lab.asked import asked_for
    from xstilts.lab.export import export
    from xstilts.lab.languages import language

    for code in translated:
        language(code)
    sizes, knobs = asked_for(changes)
    return export(Path(folder), seed=seed, sizes=sizes, knobs=knobs, translated=translated)


def _workplace(store: Folder, data: Folder) -> "Workplace":
    from xstilts.phases.workplace import Workplace

    place = Workplace.of(store, data)
    place.require_store()
    return place


def _recipe(name: str, changes: Iterable[str]) -> Any:
    from xstilts.phases.loading import load

    return load(name, changes)


def _planned(recipe: str, changes: Iterable[str], place: "Workplace") -> "Planned":
    return _planned_with_leaks(recipe, changes, place)[0]


def _planned_with_leaks(
    recipe: str, changes: Iterable[str], place: "Workplace"
) -> "tuple[Planned, list[Overlap]]":
    """The plan as a run would make it: with what an earlier leak check found and left out."""
    from xstilts.phases import leaks
    from xstilts.phases.planning import make_plan

    def look(at: "Planned") -> "list[Overlap]":
        return leaks.remembered(at, place.store) or []

    planned = make_plan(_recipe(recipe, changes), place)
    if planned.recipe.leaks == "drop":
        return leaks.drop(planned, place, look)
    return planned, look(planned)


def _write_report(found: "Results", place: "Workplace", path: Path) -> None:
    from xstilts.phases.results import publish
    from xstilts.reports.gather import report_input
    from xstilts.reports.html import render

    pages = _pages(found, path)
    for label, name in pages.items():
        others = {other: quote(page) for other, page in pages.items() if other != label}
        page = render(report_input(found, place.store, label, others))
        publish(path.parent, {name: page.encode()})


def _pages(found: "Results", path: Path) -> dict[str, str]:
    """Encoder -> file name of its report: the first has the name itself."""
    first, *others = found.planned.encoders
    return {first: path.name} | {o: f"{path.stem}-{o}{path.suffix}" for o in others}
