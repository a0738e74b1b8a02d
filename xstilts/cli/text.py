"""Commands on text: an encoder from it, vectors of its sentences, and pairs of them."""

from pathlib import Path
from typing import Annotated

import typer

from xstilts import api
from xstilts.cli.words import DataOption, SetOption, StoreOption, app, say


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
    """Make a tokenizer and a small encoder from text, by masked and translation LM."""
    found = api.pretrain(declaration, *(set_ or []), out=out, store=store, data=data, say=say)
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
        say(f"{found.shortened} sentences have over {found.longest} pieces and lost their end")
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
    say(f"{len(found.scores)} pairs")
    print(out)
