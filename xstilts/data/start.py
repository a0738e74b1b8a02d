"""Stage `start`: vectors of pieces from the sentences in which they stand, in any language.

A sentence and its translations have one name, so a piece is told by the names of the sentences that
hold it, and pieces of several languages that translate each other are told alike: the sentence-ID
features of Levy et al. 2017 ("A Strong Baseline for Learning Cross-Lingual Word Embeddings from
Sentence Alignments"), as positive pointwise mutual information and reduced by a truncated SVD.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils.extmath import randomized_svd

from xstilts.core.context import Context, Result
from xstilts.core.errors import DataError
from xstilts.core.seeds import derive
from xstilts.data.batches import TokenArrays
from xstilts.data.corpora import Start

VECTORS = "vectors.npy"
_ITERATIONS = 4  # of the power method (Halko et al. 2011, algorithm 4.4)


def start(
    config: Start, inputs: Mapping[str, Result], folder: Path, context: Context
) -> dict[str, Any]:
    """Write ``vectors.npy``, ``(pieces, width)`` in fp32; 0 for pieces of no aligned sentence.

    Only what is trained on is read.

    Raises:
        DataError: where fewer sentences are aligned than vectors are wide.
    """
    source = inputs["rows"]
    arrays = TokenArrays.load(source.folder, source.value["pad"], "train-")
    table = incidence(arrays, int(source.value["pieces"]))
    if table.shape[1] <= config.width:
        raise DataError(
            f"{table.shape[1]} sentences stand in several languages, too few to start from",
            where=" ".join(source.value["languages"]),
            expected=f"more than {config.width}, the width of the model, with one name in each",
            do="give more aligned text, or set training.start=random",
        )
    vectors = reduced(informative(table), config.width, config.seed)
    np.save(folder / VECTORS, vectors, allow_pickle=False)
    return {"sentences": table.shape[1], "pieces": int(vectors.any(1).sum())}


def incidence(arrays: TokenArrays, pieces: int) -> sparse.csr_array:
    """Which pieces stand in which sentences, ``(pieces, sentences)`` of 0 and 1.

    Only names that stand in several languages count. The special piece at either end is left out.
    """
    names, spoken = arrays.extra["name"], arrays.extra["language"]
    known = np.unique(np.stack([names, spoken])[:, names >= 0], axis=1)[0]
    aligned, times = np.unique(known, return_counts=True)
    aligned = aligned[times > 1]
    rows = np.flatnonzero(np.isin(names, aligned))
    column = np.full(len(names), -1)
    column[rows] = np.searchsorted(aligned, names[rows])
    inside = np.ones(len(arrays.ids), bool)
    inside[arrays.starts[:-1]] = inside[arrays.starts[1:] - 1] = False
    columns = np.repeat(column, arrays.lengths)
    inside &= columns >= 0
    ids, places = np.asarray(arrays.ids)[inside], columns[inside]
    shape = (pieces, len(aligned))
    table = sparse.csr_array((np.ones(len(ids), np.float32), (ids, places)), shape=shape)
    table.sum_duplicates()
    table.data[:] = 1.0
    return table


def informative(table: sparse.csr_array) -> sparse.csr_array:
    """Positive pointwise mutual information of pieces and sentences, of the same shape."""
    found = table.tocoo()
    of_piece, of_sentence = table.sum(1), table.sum(0)
    expected = of_piece[found.row] * of_sentence[found.col] / table.sum()
    weights = np.maximum(np.log(found.data / expected), 0).astype(np.float32)
    return sparse.csr_array((weights, (found.row, found.col)), shape=table.shape)


def reduced(table: sparse.csr_array, width: int, seed: int) -> NDArray[np.float32]:
    """The left singular vectors, ``(pieces, width)``; the singular values are left out.

    Without them means of vectors found held-out translations best, ahead of weighting by their
    roots or by themselves (docs/decisions/0012; Levy, Goldberg & Dagan 2015 likewise).
    """
    seeded = derive(seed, "start") % 2**32
    left, _, _ = randomized_svd(table, width, n_iter=_ITERATIONS, random_state=seeded)
    left[np.diff(table.indptr) == 0] = 0.0  # but for rounding they are
    vectors: NDArray[np.float32] = left.astype(np.float32)
    return vectors
