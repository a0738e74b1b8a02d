"""Verbs on text: an encoder from it, vectors of its sentences, and pairs of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from xstilts.api import asked
from xstilts.api.asked import Folder, Say

if TYPE_CHECKING:
    from xstilts.phases.running import Pretrained
    from xstilts.retrieve.margin import Mined
    from xstilts.retrieve.sentences import Embedded


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

    place = asked.workplace(store, data)
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
    files = asked.workplace(None, None).encoder(EncoderChoice(path=str(encoder)), "--encoder")
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
