"""Stages that probe: one slice of a task, or one encoder on one slice, into a few numbers."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.special import softmax

from xstilts.core.context import Context, Result
from xstilts.core.seeds import derive
from xstilts.data.read import read_examples
from xstilts.data.tokens import labels_of
from xstilts.models.device import use
from xstilts.models.task_model import load_trained
from xstilts.prediction.forward import logits
from xstilts.probe.gradients import fisher, fitted, mean_gradient, with_drawn_labels
from xstilts.probe.measures import h_score, label_entropy, leep, linear_cka, logme
from xstilts.probe.spec import (
    FISHER,
    GRADIENT,
    VECTOR,
    WORDS,
    Alignment,
    HeadFit,
    Information,
    Profile,
    TextEmbedding,
    Transferability,
)
from xstilts.probe.vectors import arrays_of, encoder_of, labelled, row_vectors, tagged
from xstilts.tasks.examples import (
    Candidate,
    Choice,
    Example,
    Pair,
    Query,
    Span,
    Tagged,
)

Inputs = Mapping[str, Result]


def profile(config: Profile, inputs: Inputs, folder: Path, context: Context) -> dict[str, Any]:
    """Write the vocabulary of a sample; returns all examples' number, mean length, and labels.

    ``label_entropy`` (bits) is that of the labels, or of the places of right choices; questions
    have none.

    Args:
        config: the kind.
        inputs: ``examples``, a sample, and ``whole``, that it is drawn from.
        folder: gets the words, in lower case.
        context: not used.
    """
    examples = read_examples(inputs["examples"].folder, config.kind)
    texts = [" ".join(texts_of(e)).lower().split() for e in examples]
    words = sorted({word for text in texts for word in text})
    (folder / WORDS).write_text(json.dumps(words, ensure_ascii=False))
    labels = [label for e in examples for label in _labels(e)]
    answers = labels or [str(e.label) for e in examples if isinstance(e, Choice)]
    value = {
        "examples": inputs["whole"].value["n"],
        "sample": len(examples),
        "words": float(np.mean([len(text) for text in texts])),
        "labels": sorted(set(labels)),
    }
    return value | ({"label_entropy": label_entropy(answers)} if answers else {})


def texts_of(example: Example) -> Iterator[str]:
    """All that is read of an example."""
    match example:
        case Pair():
            yield from (example.first, example.second or "")
        case Choice():
            yield from (example.context, example.question, *example.choices)
        case Span():
            yield from (example.question, example.context)
        case Tagged():
            yield from example.words
        case Query():
            yield example.text
        case Candidate():
            yield from (example.text, example.context)


def _labels(example: Example) -> tuple[str, ...]:
    """What a task calls its answers; none where they are places in the input."""
    if isinstance(example, Pair):
        return (example.label,)
    return example.tags if isinstance(example, Tagged) else ()


def text_embedding(
    config: TextEmbedding, inputs: Inputs, folder: Path, context: Context
) -> dict[str, Any]:
    """Write the mean over texts of the top block's mean over pieces.

    TextEmb of Vu et al. (2020), "Exploring and predicting transferability across NLP tasks", EMNLP.
    """
    encoder = encoder_of("model", config.encoder, inputs, context)
    arrays = arrays_of(config.kind, inputs["tokens"])
    [vectors] = row_vectors(encoder, arrays, [int(encoder.config.num_hidden_layers)], context)
    np.save(folder / VECTOR, vectors.astype(float).mean(axis=0), allow_pickle=False)
    return {"rows": len(vectors)}


def head_fit(config: HeadFit, inputs: Inputs, folder: Path, context: Context) -> dict[str, Any]:
    """Fit a head, then write the mean gradient in the blocks and their Fisher information.

    Returns the mean loss of the last tenth of the updates (nats a term), too.

    The Fisher information is that of Task2Vec (Achille et al. 2019): labels are drawn from what the
    model expects.
    """
    device = use(context.runtime)
    start = inputs["model"].folder if config.encoder is None else context.sources[config.encoder]
    arrays = arrays_of(config.kind, inputs["tokens"])
    labels = labels_of(config.labels, inputs["tokens"])
    model, loss = fitted(config, start, len(labels), arrays, device)
    np.save(folder / GRADIENT, mean_gradient(model, arrays, config.sketch), allow_pickle=False)
    drawn = with_drawn_labels(model, arrays, derive(config.seed, "labels"))
    np.save(folder / FISHER, fisher(model, drawn), allow_pickle=False)
    return {"examples": arrays.examples, "loss": loss}


def information(
    config: Information, inputs: Inputs, folder: Path, context: Context
) -> dict[str, Any]:
    """Write the empirical Fisher information of a trained model on a sample of its task.

    TaskEmb of Vu et al. (2020), with one number an output unit.
    """
    device = use(context.runtime)
    arrays = arrays_of(config.kind, inputs["tokens"])
    model = load_trained(inputs["model"].folder, 0.0).to(device).eval()
    np.save(folder / FISHER, fisher(model, arrays), allow_pickle=False)
    return {"examples": arrays.examples}


def transferability(
    config: Transferability, inputs: Inputs, folder: Path, context: Context
) -> dict[str, Any]:
    """LogME, H-score and LEEP of one model on one target's labelled English sample.

    A measure is left out where it is not defined: all where the sample has one label.
    """
    encoder = encoder_of("model", config.encoder, inputs, context)
    arrays = arrays_of(config.kind, inputs["tokens"])
    features, labels = labelled(config.kind, encoder, arrays, config.seed, context)
    value: dict[str, Any] = {"items": len(labels), "classes": len(np.unique(labels))}
    if value["classes"] > 1:
        value |= {"logme": logme(features, labels), "h_score": h_score(features, labels)}
    if config.by_head:
        value["leep"] = _leep(config, inputs, context)
    return value


def _leep(config: Transferability, inputs: Inputs, context: Context) -> float:
    """LEEP by the head of the model, which answers pairs or tags words as the target does."""
    device = use(context.runtime)
    arrays = arrays_of(config.kind, inputs["tokens"])
    model = load_trained(inputs["model"].folder, 0.0).to(device).eval()
    expected, labels = [], []
    budget = context.runtime.micro_tokens * 4
    known = tagged(arrays) if config.kind == "tagging" else {}
    for examples, rows, found in logits(
        model, arrays, micro_tokens=budget, precision="fp32", device=torch.device(device)
    ):
        if config.kind == "pair":
            expected.append(softmax(found, axis=-1))
            labels += arrays.extra["label"][examples].tolist()
            continue
        for i, row in enumerate(rows):
            start, end = int(arrays.starts[row]), int(arrays.starts[row + 1])
            places = [p for p in range(start, end) if p in known]
            expected.append(softmax(found[i, [p - start for p in places]], axis=-1))
            labels += [known[p] for p in places]
    return leep(np.concatenate(expected), np.array(labels))


def alignment(config: Alignment, inputs: Inputs, folder: Path, context: Context) -> dict[str, Any]:
    """Linear CKA of an encoder before and after a training, of every layer from the embeddings on.

    Args:
        config: the encoder before.
        inputs: ``tokens`` of the texts, the ``model`` after, and ``before`` if a step makes it.
        folder: gets nothing.
        context: where things lie and how to run.
    """
    arrays = arrays_of(config.kind, inputs["tokens"])
    sides = []
    for name, digest in (("before", config.before), ("model", None)):
        encoder = encoder_of(name, digest, inputs, context)
        layers = list(range(int(encoder.config.num_hidden_layers) + 1))
        sides.append(row_vectors(encoder, arrays, layers, context))
    pairs = zip(*sides, strict=True)
    return {"rows": sides[0].shape[1], "cka": [linear_cka(one, other) for one, other in pairs]}
