"""The command line: the only place that prints. Every command calls one function of the API."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from xstilts import api
from xstilts.core.errors import CorruptResultError, StepFailedError, UserError

app = typer.Typer(
    name="xstilts",
    help="Which English intermediate training makes a multilingual encoder better elsewhere?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
data_app = typer.Typer(help="Official data files: check, and look for leaks.", no_args_is_help=True)
app.add_typer(data_app, name="data")
lab_app = typer.Typer(help="The laboratory's artificial languages.", no_args_is_help=True)
app.add_typer(lab_app, name="lab")

Recipe = Annotated[str, typer.Argument(metavar="RECIPE", help="A shipped name or a YAML file.")]
StoreOption = Annotated[
    Path | None, typer.Option("--store", help="Where results lie ($XSTILTS_HOME).")
]
DataOption = Annotated[Path | None, typer.Option("--data", help="The data folder ($XSTILTS_DATA).")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a key of the recipe; repeatable."),
]


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


@app.command()
def run(
    recipe: Recipe, store: StoreOption = None, data: DataOption = None, set_: SetOption = None
) -> None:
    """Plan, run what is missing, write results and report."""
    from xstilts.phases.cuts import cut_lines

    found = api.run(recipe, *(set_ or []), store=store, data=data, say=_say)
    ran, blocked = len(found.outcome.ran), len(found.outcome.blocked)
    print(f"{ran} steps ran, {len(found.outcome.reused)} were built by another process", end="")
    print(f", {blocked} are blocked behind a diverged training" if blocked else "")
    for line in cut_lines(found.cuts):
        print(line)
    print(found.folder / "results.csv")
    print(found.folder / "report.html")


@app.command()
def plan(
    recipe: Recipe,
    store: StoreOption = None,
    data: DataOption = None,
    set_: SetOption = None,
    steps: Annotated[bool, typer.Option("--steps", help="List every step by name.")] = False,
) -> None:
    """Say what is there already and what the rest costs; start nothing."""
    from xstilts.phases.results import silent_lines

    planned, found = api.plan(recipe, *(set_ or []), store=store, data=data)
    if steps:
        for name, step in planned.plan.steps.items():
            print(f"{name}\t{step.address}@{step.key}")
        return
    print(f"{planned.recipe.recipe}: {planned.recipe.question}\n")
    print(f"{'stage':<10}{'steps':>8}{'to run':>8}")
    for stage, (every, left) in found.steps.items():
        print(f"{stage:<10}{every:>8}{left:>8}")
    trained, read = found.tokens
    print(f"\nleft to train    {trained:10,.1f} million tokens")
    print(f"left to predict  {read:10,.1f} million tokens")
    hours = "unknown: " if found.hours is None else f"{found.hours:10,.2f} hours from "
    print(f"time             {hours}{found.basis}")
    print(f"accelerator      {found.accelerator_hours:10,.2f} hours at 100 TFLOP/s sustained")
    print(f"disk             {found.gigabytes:10,.2f} GB")
    for name, origin in found.selection.items():
        print(f"selection        {name}: {origin}")
    for name, (law, wanted) in found.mixtures.items():
        counts = ", ".join(f"{task} {examples:,.0f}" for task, examples in wanted.items())
        print(f"mixture          {name}: {law}; examples expected: {counts}")
    for target, points in found.detectable.items():
        told = "nothing: too few seeds for a verdict"
        if points is not None:
            told = f"{points:.1f} points (80 % power, 1 point between seeds)"
        print(f"detectable       {target}: {told}")
    for label, encoder in planned.encoders.items():
        if encoder.away and encoder.choice.revision is None:
            print(f"unpinned         {label}: {encoder.choice.hub} has no revision, it cannot run")
    for line in found.corrupt.values():
        print(f"corrupt          {line}; will be built anew")
    for line in found.blocked:
        print(f"blocked          {line}: its training diverged")
    for line in silent_lines(planned):
        print(f"without gold     {line}")
    for line in planned.absent[:20]:
        print(f"missing          {line}")
    if len(planned.absent) > 20:
        print(f"missing          … and {len(planned.absent) - 20} more files")


@app.command()
def why(
    recipe: Recipe,
    step: Annotated[str, typer.Argument(help="A step's name, or a prefix only it has.")],
    store: StoreOption = None,
    data: DataOption = None,
    set_: SetOption = None,
) -> None:
    """Say why a step would run: the fields that changed since its nearest finished rival."""
    name, lines = api.why(recipe, step, *(set_ or []), store=store, data=data)
    print(f"{name}: " + ("done" if not lines else ""))
    for line in lines:
        print(f"  {line}")


@app.command()
def results(
    recipe: Recipe,
    format: Annotated[str, typer.Option("--format", help="table, csv, json or latex.")] = "table",
    store: StoreOption = None,
    data: DataOption = None,
    set_: SetOption = None,
) -> None:
    """Print the long table of results."""
    from xstilts.reports.benchmarks import benchmark_text
    from xstilts.reports.tables import long_table

    found = api.results(recipe, *(set_ or []), store=store, data=data)
    print(long_table(found.rows, format))
    if format == "table" and found.planned.recipe.data is None:
        print(benchmark_text(found.counted))


@app.command()
def report(
    recipe: Recipe,
    out: Annotated[Path | None, typer.Option("--out", help="Where to write it.")] = None,
    store: StoreOption = None,
    data: DataOption = None,
    set_: SetOption = None,
) -> None:
    """Write one self-contained report.html."""
    print(api.report(recipe, *(set_ or []), out=out, store=store, data=data))


@app.command()
def tasks(
    name: Annotated[
        str | None, typer.Argument(help="One task, or the YAML file of your own, in full.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False,
) -> None:
    """Show the catalogue of tasks."""
    from xstilts.reports.catalogue import task_lines
    from xstilts.tasks import open_task, task_names

    chosen = [open_task(n) for n in ([name] if name else task_names())]
    if as_json:
        dumped = [t.model_dump() for t in chosen]
        print(json.dumps(dumped[0] if name else dumped, indent=1, ensure_ascii=False))
        return
    for task in chosen:
        print("\n".join(task_lines(task, full=bool(name))))


@app.command()
def score(
    task: Annotated[str, typer.Argument(metavar="TASK")],
    gold: Annotated[Path, typer.Option("--gold", help="See: xstilts tasks TASK.")],
    pred: Annotated[Path, typer.Option("--pred", help="See: xstilts tasks TASK.")],
    language: Annotated[
        str | None, typer.Option("--language", help="By default what gold's name tells, else en.")
    ] = None,
    na_prob: Annotated[Path | None, typer.Option("--na-prob-file", help="For SQuAD 2.0.")] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """The official metrics on anyone's predictions; `xstilts tasks TASK` says the files' forms."""
    found = api.score(task, gold, pred, language=language, na_prob=na_prob, say=_say)
    if as_json:
        print(json.dumps(found))
        return
    print(" ".join(filter(None, [task, found["language"]])) + f", {found['n']} examples")
    if "ignored" in found:
        print(f"  {found['ignored']} answers to questions that the gold file lacks are ignored")
    for metric, value in found["metrics"].items():
        print(f"  {metric:<17} {value:.4f}")


@app.command()
def export(
    recipe: Recipe,
    out: Annotated[Path, typer.Option("--out", help="A new or empty folder.")],
    format: Annotated[str, typer.Option("--format", help="xtreme.")] = "xtreme",
    arm: Annotated[str | None, typer.Option("--arm", help="One arm; all by default.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="One seed; all by default.")] = None,
    store: StoreOption = None,
    data: DataOption = None,
    set_: SetOption = None,
) -> None:
    """Write finished predictions as XTREME's evaluate.py reads them."""
    found = api.export(
        recipe, *(set_ or []), out=out, format=format, arm=arm, seed=seed, store=store, data=data
    )
    for model in found:
        print(model.folder)
        for task, languages in model.written.items():
            absent = model.missing.get(task)
            lacks = f"; incomplete, missing {' '.join(absent)}" if absent else "; complete"
            drawn = model.sampled.get(task, {}).items()
            cut = [f"a sample of {n} in {language}" for language, n in drawn]
            note = f"; no labels, {', '.join(cut)}" if cut else ""
            print(f"  {task:<10} {model.splits[task]}, {len(languages)} languages{lacks}{note}")
        for task in model.left_out:
            print(f"  {task:<10} left out: no form in this layout yet")


@app.command()
def pretrain(
    declaration: Annotated[
        str, typer.Argument(metavar="CONFIG", help="A shipped name (lab/encoder) or a YAML file.")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", help="A new or empty folder that gets the encoder.")
    ] = None,
    store: StoreOption = None,
    data: DataOption = None,
    set_: SetOption = None,
) -> None:
    """Make a tokenizer and a small encoder from text, by masked LM."""
    found = api.pretrain(declaration, *(set_ or []), out=out, store=store, data=data, say=_say)
    print(f"{'language':<10}{'pieces':>12}{'seen':>12}{'loss':>8}{'by frequency':>14}")
    for language, facts in found.value["languages"].items():
        losses = f"{facts['held_loss']:>8.3f}{facts['held_unigram_loss']:>14.3f}"
        print(f"{language:<10}{facts['pieces']:>12,}{facts['seen']:>12,}{losses}")
    print(found.folder)


@app.command()
def embed(
    encoder: Annotated[
        str, typer.Option("--encoder", help="A folder, also under $XSTILTS_MODELS.")
    ],
    text: Annotated[Path, typer.Option("--text", help="One sentence a line, UTF-8.")],
    out: Annotated[Path, typer.Option("--out", help="The .npy file: (sentences, dim), fp32.")],
    layer: Annotated[
        str, typer.Option("--layer", help="Block, share of depth, or `all`: an axis in front.")
    ] = "0.58",
    pooling: Annotated[
        str, typer.Option("--pooling", help="mean, first (piece), or `all`: an axis after layers.")
    ] = "mean",
) -> None:
    """Write the vectors of sentences; all layers and poolings: (layers, poolings, n, dim)."""
    from xstilts.retrieve.spec import layer_named

    found = api.embed(encoder, text, out, layer=layer_named(layer), pooling=pooling)
    if found.shortened:
        _say(f"{found.shortened} sentences have over {found.longest} pieces and lost their end")
    print(out)


@app.command()
def retrieve(
    queries: Annotated[Path, typer.Argument(metavar="QUERIES.npy")],
    corpus: Annotated[Path, typer.Argument(metavar="CORPUS.npy")],
    k: Annotated[int, typer.Option("--k", help="Neighbours of a query.")],
    out: Annotated[Path, typer.Option("--out", help="Lines of: query, rank, index, cosine.")],
) -> None:
    """Write the nearest vectors of a corpus to every query, by cosine, best first."""
    api.retrieve(queries, corpus, out, k=k)
    print(out)


@app.command()
def mine(
    source: Annotated[Path, typer.Argument(metavar="SRC.npy")],
    target: Annotated[Path, typer.Argument(metavar="TRG.npy")],
    out: Annotated[Path, typer.Option("--out", help="Lines of: score, source, target.")],
    k: Annotated[int, typer.Option("--k", help="Neighbours of a sentence.")] = 4,
    margin: Annotated[str, typer.Option("--margin", help="ratio, distance or absolute.")] = "ratio",
    strategy: Annotated[
        str, typer.Option("--strategy", help="forward, backward, intersect or max.")
    ] = "max",
) -> None:
    """Write pairs of sentences that translate each other, best first."""
    found = api.mine(source, target, out, k=k, margin=margin, strategy=strategy)
    _say(f"{len(found.scores)} pairs")
    print(out)


@data_app.command("check")
def data_check(
    names: Annotated[list[str] | None, typer.Argument(metavar="[TASK]...")] = None,
    data: DataOption = None,
) -> None:
    """Read every official file of the tasks: ok, missing or corrupt."""
    states = api.check_data(names or [], data=data)
    for s in states:
        where = ", ".join(str(p) for p in s.paths) if s.paths else s.detail
        count = f"{s.examples} examples" if s.examples is not None else ""
        print(f"{s.state:<8} {s.task} {s.split} {s.language}  {count}  {where}")
        if s.state == "corrupt":
            print(f"         {s.detail}")
    if any(s.state == "corrupt" for s in states):
        raise typer.Exit(2)


@data_app.command("leaks")
def data_leaks(
    recipe: Recipe, store: StoreOption = None, data: DataOption = None, set_: SetOption = None
) -> None:
    """Texts that a recipe trains or selects on and also reports."""
    found = api.leaks(recipe, *(set_ or []), store=store, data=data, say=_say)
    for o in found:
        print(f"{o.trained} and {o.reported}: {o.units} texts, {len(o.examples)} examples")
        print(f"  such as: {o.sample[:100]}")
    print(f"{len(found)} pairs of slices share text" if found else "no shared text")


@lab_app.command("describe")
def lab_describe() -> None:
    """The languages and their knobs, and one sentence in each of them with its gloss."""
    from xstilts.lab.describe import described_lines

    print("\n".join(described_lines(api.describe_lab())))


@lab_app.command("export")
def lab_export(
    out: Annotated[Path, typer.Argument(metavar="DIR", help="A data folder; made if need be.")],
    seed: Annotated[int, typer.Option("--seed", help="Of all that is drawn.")] = 0,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="TASK.KNOB=VALUE", help="Or sizes.PART=N; repeatable."),
    ] = None,
    translated: Annotated[
        list[str] | None,
        typer.Option("--translated", metavar="CODE", help="Training data in it too; repeatable."),
    ] = None,
) -> None:
    """Write the tasks of the artificial languages in the official file formats."""
    found = api.export_lab(out, *(set_ or []), seed=seed, translated=translated or ())
    print(f"{len(found)} files")
    print(out)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; user errors end with 2, failed steps with 1, Ctrl-C with 130."""
    try:
        code: Any = app(arguments, standalone_mode=False)
        if code == 130:  # Typer makes Ctrl-C into a code, or, in older versions, into an Abort
            raise KeyboardInterrupt
    except UserError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except CorruptResultError as error:
        damaged = UserError(
            f"A stored result is damaged: {error}",
            where="the store (--store, XSTILTS_HOME)",
            expected="files as their record describes them",
            do="build it anew: xstilts run RECIPE",
        )
        print(damaged, file=sys.stderr)
        sys.exit(2)
    except StepFailedError as error:
        print(f"Some steps failed:\n{error}", file=sys.stderr)
        sys.exit(1)
    except (KeyboardInterrupt, typer.Abort):
        print("interrupted; a next run goes on from the last checkpoint", file=sys.stderr)
        sys.exit(130)
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        _say_misuse(error)
        sys.exit(2)
    sys.exit(code if isinstance(code, int) else 0)


def _say_misuse(error: Any) -> None:
    """A slip of the command line in four parts, or the help where nothing was asked for."""
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()
        return
    context = getattr(error, "ctx", None)  # some errors of the parser have none
    command = context.command_path if context else "xstilts COMMAND"
    usage = context.get_usage().removeprefix("Usage: ") if context else f"{command} [OPTIONS]"
    do = f"{command} --help"
    _say(str(UserError(error.format_message(), where=command, expected=usage, do=do)))
