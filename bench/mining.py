"""Bitext mining beside two searches of faiss' exact index, and embedding every layer at once.

    python -m bench.mining [--only embedding|mining] [--sizes 10000,30000,100000]
                           [--random-sizes 300000] [--vectors DIR]

Ours and faiss mine the same vectors (k = 4, ratio margin, both directions) in processes of their
own, in turn, both orders; the pairs of a comparison of everything with everything in fp32 are the
reference. Real vectors are those of the aligned text under XSTILTS_DATA by the encoder under
XSTILTS_MODELS, the languages shared out between the two sides, duplicates kept. Without faiss
(`pip install faiss-cpu`, or its folder on PYTHONPATH) only ours is measured, and the table says so.
Writes ``docs/results/mining.csv`` and ``docs/results/embedding.csv``.
"""

import argparse
import gzip
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench.results import Row, write
from bench.worker import peak_megabytes
from xstilts.core.spec import Runtime
from xstilts.data.files import find, present
from xstilts.data.readers import read
from xstilts.data.tokens import encode_texts, load_tokenizer
from xstilts.models.device import faster_precision, measure, use
from xstilts.models.task_model import load_encoder
from xstilts.prediction.forward import embed
from xstilts.retrieve.margin import Mined, candidates, choose
from xstilts.retrieve.neighbours import Neighbours, in_full, nearest_both_ways
from xstilts.tasks import get_task
from xstilts.tasks.examples import Parallel

DIM = 256
K = 4
BEYOND = 60  # neighbours of the reference beyond k, so that ties are settled by index
THREADS = torch.get_num_threads()
Vectors = np.ndarray


def main() -> None:
    """Measure, print, write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=("embedding", "mining"))
    parser.add_argument("--sizes", type=_sizes, default=_sizes("10000,30000,100000"))
    parser.add_argument("--random-sizes", type=_sizes, default=_sizes("300000"))
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--vectors", type=Path, help="where vectors are kept between runs")
    said = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = said.vectors or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        places = [Path(os.environ.get(f"XSTILTS_{x}", "")) for x in ("DATA", "MODELS")]
        real = all(os.environ.get(f"XSTILTS_{x}") for x in ("DATA", "MODELS"))
        rows: list[Row] = []
        if real and said.only != "mining":
            noted(
                "embedding",
                embedding(places[0], places[1], said.turns),
                "top layer alone and every layer, in turn",
            )
        for n in said.sizes if said.only != "embedding" else ():
            for kind in ("real", "random") if real else ("random",):
                rows.append(compared(kind, n, sides(kind, n, folder, places), said.turns, scratch))
                noted("mining", rows, "k 4, ratio margin, strategy max; medians of all turns")
        for n in said.random_sizes if said.only != "embedding" else ():
            rows.append(alone(n, sides("random", n, folder, places), scratch))
            noted("mining", rows, "k 4, ratio margin, strategy max; medians of all turns")


def _sizes(said: str) -> list[int]:
    return [int(x) for x in said.split(",") if x]


def sides(kind: str, n: int, folder: Path, places: list[Path]) -> tuple[Path, Path]:
    """Two files with ``n`` vectors each, made once."""
    source, target = (folder / f"{kind}-{n}-{side}.npy" for side in ("source", "target"))
    if not target.exists():
        if kind == "random":
            rng = np.random.default_rng(n)
            for path in (source, target):
                np.save(path, rng.standard_normal((n, DIM), dtype=np.float32))
        else:
            for path, texts in zip((source, target), aligned(places[0], n), strict=True):
                np.save(path, sentence_vectors(places[1] / "mini-xlmr", texts))
    return source, target


def aligned(data: Path, n: int) -> list[list[str]]:
    """``n`` sentences a side from the aligned text: one side's languages are not the other's."""
    files = sorted((data / "text").glob("*/*.txt.gz"))
    languages = sorted({p.name for p in files})
    texts: list[list[str]] = [[], []]
    for path in sorted(files, key=lambda p: (p.parent.name, languages.index(p.name))):
        side = texts[languages.index(path.name) % 2]
        with gzip.open(path, "rt", encoding="utf-8") as file:
            side += [line.rstrip("\n").split("\t", 1)[-1] for line in file]
    if min(map(len, texts)) < n:
        raise SystemExit(f"there are only {min(map(len, texts))} sentences a side in {data}/text")
    step = [len(t) / n for t in texts]
    return [[t[int(i * s)] for i in range(n)] for t, s in zip(texts, step, strict=True)]


def sentence_vectors(encoder: Path, texts: list[str]) -> Vectors:
    """Means of the fixed block, 14/24 of the depth."""
    device = use(Runtime(threads=THREADS))
    model = load_encoder(encoder).to(device)
    found: Vectors = embed(
        model,
        encode_texts(load_tokenizer(encoder), texts, 128)[0],
        layers=[int(0.58 * model.config.num_hidden_layers + 0.5)],
        micro_tokens=2**14,
        precision=faster_precision(measure(THREADS)),
        device=device,
    )
    vectors: Vectors = found[0, 0]
    return vectors


def compared(kind: str, n: int, files: tuple[Path, Path], turns: int, scratch: str) -> Row:
    """Ours and faiss in turn, and how many pairs differ from the reference."""
    subjects = ["ours", "faiss"] if importlib.util.find_spec("faiss") else ["ours"]
    found: dict[str, list[dict[str, float]]] = {s: [] for s in subjects}
    for turn in range(turns):
        for subject in subjects if turn % 2 == 0 else reversed(subjects):
            found[subject].append(worker(subject, files, scratch))
            print(kind, n, subject, found[subject][-1], flush=True)
    worker("reference", files, scratch)
    seconds = {s: statistics.median(r["seconds"] for r in v) for s, v in found.items()}
    memory = {s: max(r["megabytes"] for r in v) for s, v in found.items()}
    row = entry(kind, n, seconds["ours"], memory["ours"], found["ours"][0])
    reference = pairs(scratch, "reference")
    row["differing pairs"] = str(len(reference ^ pairs(scratch, "ours")) // 2)
    row["agreement"] = f"{len(reference & pairs(scratch, 'ours')) / len(reference):.4%}"
    if "faiss" in seconds:
        row["faiss s"] = f"{seconds['faiss']:.2f}"
        row["times faster"] = f"{seconds['faiss'] / seconds['ours']:.1f}"
        row["faiss peak MB"] = f"{memory['faiss']:.0f}"
    return row


def alone(n: int, files: tuple[Path, Path], scratch: str) -> Row:
    """Ours only: what two searches of faiss would take grows with the square of ``n``."""
    found = worker("ours", files, scratch)
    return entry("random", n, found["seconds"], found["megabytes"], found)


def entry(kind: str, n: int, seconds: float, megabytes: float, found: dict[str, float]) -> Row:
    """One line of the table."""
    row = {"vectors": kind, "n": str(n), "s": f"{seconds:.2f}", "faiss s": "not run"}
    row |= {"times faster": "", "peak MB": f"{megabytes:.0f}", "faiss peak MB": ""}
    row |= {"pairs": f"{found['pairs']:.0f}", "differing pairs": "not compared", "agreement": ""}
    return row | {"rows compared with all": f"{found['unproved']:.0f}"}


def worker(subject: str, files: tuple[Path, Path], scratch: str) -> dict[str, float]:
    """One measurement in a process of its own, so that peak memory is its own."""
    command = [sys.executable, "-m", "bench.mining", "--work", subject, *map(str, files), scratch]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{subject} failed on {files[0]}:\n{done.stderr}")
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def pairs(scratch: str, subject: str) -> set[tuple[int, int]]:
    """Pairs that a subject mined last."""
    return {(int(i), int(j)) for i, j in np.load(Path(scratch) / f"{subject}.npy")}


def work(subject: str, source: Path, target: Path, scratch: str) -> None:
    """Mine once and print what it took."""
    torch.set_num_threads(THREADS)
    a, b = (np.load(path, allow_pickle=False) for path in (source, target))
    began = time.perf_counter()
    ahead, back = SUBJECTS[subject](a, b)
    mined: Mined = choose(*candidates(ahead, back, "ratio"), "max")
    seconds = time.perf_counter() - began
    peak = peak_megabytes()
    np.save(Path(scratch) / f"{subject}.npy", np.stack([mined.source, mined.target], 1))
    found = {"seconds": seconds, "megabytes": peak, "pairs": len(mined.scores)}
    print(json.dumps({**found, "unproved": ahead.unproved + back.unproved}))


def ours(a: Vectors, b: Vectors) -> tuple[Neighbours, Neighbours]:
    """One fused pass."""
    return nearest_both_ways(a, b, K)


def with_faiss(a: Vectors, b: Vectors) -> tuple[Neighbours, Neighbours]:
    """Two searches of the exact index."""
    import faiss

    faiss.omp_set_num_threads(THREADS)
    for x in (a, b):
        faiss.normalize_L2(x)
    found = []
    for queries, corpus in ((a, b), (b, a)):
        index = faiss.IndexFlatIP(DIM)
        index.add(corpus)
        scores, indices = index.search(queries, K)
        found.append(Neighbours(indices, scores, 0))
    return found[0], found[1]


def reference(a: Vectors, b: Vectors) -> tuple[Neighbours, Neighbours]:
    """Every product in fp32, a block of rows at a time; of equal ones the lower index."""
    doubles = [torch.from_numpy(x).double() for x in (a, b)]
    sides = [torch.nn.functional.normalize(x, dim=1).float() for x in doubles]
    return _reference(sides[0], sides[1]), _reference(sides[1], sides[0])


def _scored(queries: torch.Tensor, corpus: torch.Tensor, indices: Vectors) -> Neighbours:
    """The products of neighbours as ours has them: the searches are compared, not their sums."""
    parts = zip(*(torch.split(x, 2048) for x in (queries, torch.from_numpy(indices))), strict=True)
    found = [in_full(rows, corpus, some) for rows, some in parts]
    indices, scores = (torch.cat(x)[:, :K].numpy() for x in zip(*found, strict=True))
    return Neighbours(indices, scores, 0)


def _reference(queries: torch.Tensor, corpus: torch.Tensor) -> Neighbours:
    indices = []
    for rows in torch.split(queries, 512):
        best = (rows @ corpus.T).topk(min(K + BEYOND, len(corpus)))
        order = np.lexsort((best.indices.numpy(), -best.values.numpy()))[:, : K + 4]
        indices.append(np.take_along_axis(best.indices.numpy(), order, 1))
    return _scored(queries, corpus, np.concatenate(indices))


SUBJECTS: dict[str, Callable[[Vectors, Vectors], tuple[Neighbours, Neighbours]]] = {
    "ours": ours,
    "faiss": with_faiss,
    "reference": reference,
}


def embedding(data: Path, models: Path, turns: int) -> list[Row]:
    """Every language of Tatoeba that is there, both sides: the top layer alone, and every layer."""
    task, encoder = get_task("tatoeba"), models / "mini-xlmr"
    tokenizer = load_tokenizer(encoder)
    parts = []
    for language in present(task, "test", [data]):
        found = find(task, "test", language, [data])
        assert found is not None
        read_in = read(task, found.files, found.paths, "test", language)
        examples = [e for e in read_in if isinstance(e, Parallel)]
        for texts in ([e.text for e in examples], [e.english for e in examples]):
            parts.append(encode_texts(tokenizer, texts, 128)[0])
    device = use(Runtime(threads=THREADS))
    model = load_encoder(encoder).to(device)
    top = int(model.config.num_hidden_layers)
    chosen = faster_precision(measure(THREADS))
    times: dict[str, list[float]] = {"top": [], "all": []}
    wanted: dict[str, tuple[list[int], list[Any]]] = {
        "top": ([top], ["mean"]),
        "all": (list(range(top + 1)), ["mean", "first"]),
    }
    for _ in range(turns):
        for name, (layers, poolings) in wanted.items():
            began = time.perf_counter()
            for arrays in parts:
                embed(
                    model,
                    arrays,
                    layers=layers,
                    poolings=poolings,
                    micro_tokens=2**14,
                    precision=chosen,
                    device=device,
                )
            times[name].append(time.perf_counter() - began)
    alone, every = (min(times[name]) for name in ("top", "all"))
    row = {"languages": str(len(parts) // 2), "sentences": str(sum(p.examples for p in parts))}
    row |= {"layers": str(top + 1), "top layer s": f"{alone:.2f}"}
    row |= {"every layer and pooling s": f"{every:.2f}", "ratio": f"{every / alone:.2f}"}
    return [row | {"precision": chosen}]


def noted(name: str, rows: list[Row], note: str) -> None:
    """The table and its origin."""
    faiss = version("faiss-cpu") if importlib.util.find_spec("faiss") else "not installed"
    note = f"faiss {faiss}; {THREADS} threads; {note}"
    write(name, rows, recipe="none", command="python -m bench.mining", note=note)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--work"]:
        work(sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]), sys.argv[5])
    else:
        main()
