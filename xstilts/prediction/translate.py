"""Stage `translate`: the examples of a slice in another language, by a translation model."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from xstilts.core.context import Context, Result
from xstilts.data.read import EXAMPLES, read_examples, write_examples
from xstilts.data.slices import Translation
from xstilts.data.translation import Told, sentences_of, translated
from xstilts.models.device import use
from xstilts.models.translator import GROWTH, LEAST, Said, Translator

_SAID = "said.jsonl"  # what an interrupted run had translated


def translate(
    config: Translation, inputs: Mapping[str, Result], folder: Path, context: Context
) -> dict[str, Any]:
    """Write the translated examples to ``examples.parquet``, in the order of the English ones.

    Every different sentence is translated once, with those of the same number of pieces, shortest
    first. What is translated is kept at once, so that an interrupted run goes on.

    Returns:
        counts: examples, those left out because no answer was found again or nothing was said,
        different sentences, those cut to the model's limit and those whose translation did not end,
        pieces read and written; the model, its languages and how it decodes.
    """
    examples = read_examples(inputs["examples"].folder, config.kind)
    sentences = list(dict.fromkeys(text for e in examples for text in sentences_of(e)))
    where = context.sources[config.model]
    model = Translator(
        where,
        use(context.runtime),
        source=config.source,
        target=config.target,
        prefix=config.prefix,
        beams=config.beams,
    )
    rows, cut = model.pieces(sentences)
    said = _said(model, sentences, rows, folder / _SAID, context)
    told = Told({text: found.text for text, found in said.items()})
    new = [found for e in examples if (found := translated(e, told)) is not None]
    write_examples(folder / EXAMPLES, new)
    (folder / _SAID).unlink(missing_ok=True)
    return {
        "examples": len(new),
        "left_out": len(examples) - len(new),
        "texts": len(sentences),
        "cut": cut,
        "unfinished": sum(found.unfinished for found in said.values()),
        "pieces": {"read": sum(map(len, rows)), "written": sum(s.pieces for s in said.values())},
        "model": {
            "family": model.model.config.model_type,
            "folder": where.name,
            "digest": config.model,
            "tokenizer": config.tokenizer,
        },
        "codes": [config.source, config.target],
        "decoding": {
            "beams": config.beams,
            "sampling": False,
            "precision": "fp32",
            "most_pieces": f"{LEAST} + {GROWTH} a source piece",
        },
    }


def _said(
    model: Translator,
    sentences: Sequence[str],
    rows: Sequence[Sequence[int]],
    file: Path,
    context: Context,
) -> dict[str, Said]:
    """The translation of every sentence."""
    known = _known(file)
    batches = list(_batches(rows, context.runtime.micro_tokens // model.beams))
    with file.open("a", encoding="utf-8") as kept:
        for number, batch in enumerate(batches, 1):
            if all(sentences[i] in known for i in batch):
                continue
            found = model.translate([rows[i] for i in batch])
            for i, said in zip(batch, found, strict=True):
                known[sentences[i]] = said
                line = [sentences[i], said.text, said.pieces, said.unfinished]
                kept.write(json.dumps(line) + "\n")
            kept.flush()
            if number % 100 == 0:
                context.say(f"{number}/{len(batches)} batches of sentences")
    return {text: known[text] for text in sentences}


def _known(file: Path) -> dict[str, Said]:
    """What an interrupted run had translated; a line that it was writing is taken away."""
    if not file.exists():
        return {}
    text = file.read_text("utf-8")
    whole = text[: text.rfind("\n") + 1]
    file.write_text(whole, "utf-8")
    return {line[0]: Said(*line[1:]) for line in map(json.loads, whole.splitlines())}


def _batches(rows: Sequence[Sequence[int]], most: int) -> Iterator[list[int]]:
    """Rows of one length, in batches of at most ``most`` pieces, shortest first."""
    by_length: dict[int, list[int]] = defaultdict(list)
    for i, row in enumerate(rows):
        by_length[len(row)].append(i)
    for length, same in sorted(by_length.items()):
        size = max(1, most // length)
        yield from (same[i : i + size] for i in range(0, len(same), size))
