"""What translation LM teaches: a hidden word is read off the translation beside it."""

import numpy as np
import pytest
import torch
from small_encoders import ALIGNED, build, promised, write_declaration
from transformers import AutoModelForMaskedLM

from xstilts.data.text import HELD, HELD_NAMES, documents_of
from xstilts.data.tokens import load_tokenizer
from xstilts.lab.chance import Chance
from xstilts.lab.formats import lines
from xstilts.lab.sentences import different_sentences

OTHER = "qfi"  # another script, and no word in common with English
SAID = ALIGNED | {
    "model": {"width": 64, "inner": 128, "positions": 96},
    "tokenizer": {"size": 500},
    "masking": {"share": 0.3, "masked": 1.0, "random": 0.0},
    "training": {
        "updates": 800,
        "lr": 5e-3,
        "optimizer": "muon",
        "translation": 1.0,
        "start": "aligned",
    },
}


def write_sentences(folder, apart):
    """The laboratory's sentences in both languages; one name's are ``apart`` lines from another."""
    folder.mkdir()
    told = different_sentences(Chance(0, "tlm"), "train", 800)
    for language in ("en", OTHER):
        said = lines(told, language).splitlines()
        said = said[apart:] + said[:apart] if language == OTHER else said
        text = "".join(f"{i}\t{line}\n" for i, line in enumerate(said))
        (folder / f"{language}.txt").write_text(text, "utf-8")


def loss(folder, firsts, seconds):
    """Mean loss, in nats, of pieces hidden in the first sentences, the second ones beside them."""
    tokenizer = load_tokenizer(folder)
    model = AutoModelForMaskedLM.from_pretrained(folder).eval()
    rng, losses = np.random.default_rng(0), []
    for first, second in zip(firsts, seconds, strict=True):
        ids = torch.tensor(tokenizer(first, second)["input_ids"])
        words = len(tokenizer(first)["input_ids"]) - 2
        hidden = 1 + torch.tensor(rng.permutation(words)[: 1 + words // 4])
        seen = ids.clone()
        seen[hidden] = tokenizer.mask_token_id
        with torch.inference_mode():
            logits = model(seen[None]).logits[0, hidden]
        losses += torch.nn.functional.cross_entropy(logits, ids[hidden], reduction="none").tolist()
    return float(np.mean(losses))


def told_by_the_translation(home, apart=0):
    """By how many nats held-out pieces are likelier beside their translation than beside another.

    Also the loss beside the translation, and that of guessing by frequency.
    """
    write_sentences(home / "aligned", apart)
    promise = promised(write_declaration(home, **SAID), home / "store")
    result = build(promise, home / "store", promise.step)
    text = {x: build(promise, home / "store", step) for x, step in promise.texts.items()}
    english, other = (documents_of(text[x], HELD) for x in ("en", OTHER))
    assert documents_of(text["en"], HELD_NAMES) == documents_of(text[OTHER], HELD_NAMES)
    assert len(english) > 50
    right = loss(result.folder, english, other)
    wrong = loss(result.folder, english, other[1:] + other[:1])
    return wrong - right, right, result.value["held"]["unigram_loss"]


def test_a_hidden_word_is_likelier_beside_its_translation_than_beside_another_sentence(tmp_path):
    gain, right, guessing = told_by_the_translation(tmp_path)
    assert gain > 0.4
    assert right < guessing - 1.5


@pytest.mark.evidence
def test_nothing_is_told_by_sentences_that_translate_each_other_in_name_only(tmp_path):
    gain, _, _ = told_by_the_translation(tmp_path, apart=7)
    assert abs(gain) < 0.15
