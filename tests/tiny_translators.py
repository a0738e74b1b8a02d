"""Small translation models, and how one is trained on sentence pairs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from torch import Tensor
from transformers import (
    M2M100Config,
    M2M100ForConditionalGeneration,
    MarianConfig,
    MarianMTModel,
    NllbTokenizer,
    PreTrainedTokenizerFast,
)

PAD, END, UNKNOWN = "<pad>", "</s>", "<unk>"


def write_translator(
    folder: Path, texts: Sequence[str], *, width: int = 32, layers: int = 1
) -> Path:
    """Config, safetensors weights drawn at random, and a tokenizer of the words in ``texts``."""
    tokenizer = Tokenizer(models.WordLevel(unk_token=UNKNOWN))
    words, marks = pre_tokenizers.Metaspace(prepend_scheme="first"), pre_tokenizers.Punctuation()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([words, marks])
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.WordLevelTrainer(special_tokens=[PAD, END, UNKNOWN], show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"$A {END}", special_tokens=[(END, 1)]
    )
    names: dict[str, Any] = {"pad_token": PAD, "eos_token": END, "unk_token": UNKNOWN}
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=64, **names)
    fast.save_pretrained(folder)
    config = MarianConfig(
        vocab_size=len(fast),
        d_model=width,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=2 * width,
        decoder_ffn_dim=2 * width,
        max_position_embeddings=64,
        activation_function="relu",
        dropout=0.0,
        scale_embedding=True,
        init_std=0.08,
        pad_token_id=0,
        eos_token_id=1,
        decoder_start_token_id=0,
        forced_eos_token_id=None,
        bos_token_id=None,
    )
    torch.manual_seed(0)
    MarianMTModel(config).save_pretrained(folder)
    return folder


def write_coded_translator(folder: Path, letters: str) -> Path:
    """A model of NLLB's family with random weights, which is told its languages; reads letters."""
    names = ["<s>", "<pad>", "</s>", "<unk>", "▁", *sorted(set(letters) - {" "})]
    tokenizer = NllbTokenizer(vocab={name: i for i, name in enumerate(names)}, model_max_length=64)
    tokenizer.save_pretrained(folder)
    sizes: dict[str, Any] = {"d_model": 32, "max_position_embeddings": 64, "dropout": 0.0}
    for side in ("encoder", "decoder"):
        sizes |= {f"{side}_layers": 1, f"{side}_attention_heads": 4, f"{side}_ffn_dim": 64}
    torch.manual_seed(0)
    M2M100ForConditionalGeneration(
        M2M100Config(vocab_size=len(tokenizer), **sizes)
    ).save_pretrained(folder)
    return folder


def train_translator(
    folder: Path, pairs: Sequence[tuple[str, str]], *, updates: int, lr: float = 2e-3
) -> list[float]:
    """Train the model in ``folder`` on pairs of sentences; the loss of every update."""
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    model = MarianMTModel.from_pretrained(folder).train()
    source = tokenizer([a for a, _ in pairs])["input_ids"]
    target = tokenizer([b for _, b in pairs])["input_ids"]
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.01)
    warm = max(1, updates // 10)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda i: min((i + 1) / warm, (updates - i) / (updates - warm))
    )
    torch.manual_seed(0)
    losses = []
    for _ in range(updates):
        chosen = torch.randint(len(pairs), (64,)).tolist()
        ids = _rows([source[i] for i in chosen], 0)
        labels = _rows([target[i] for i in chosen], -100)
        loss = model(input_ids=ids, attention_mask=(ids != 0).long(), labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    model.save_pretrained(folder)
    return losses


def _rows(rows: Sequence[Sequence[int]], fill: int) -> Tensor:
    padded = [torch.tensor(row) for row in rows]
    return torch.nn.utils.rnn.pad_sequence(padded, batch_first=True, padding_value=fill)
