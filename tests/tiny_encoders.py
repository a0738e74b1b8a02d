"""Encoders of several architectures with two blocks of width 32 and random weights."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoConfig, AutoModel, PreTrainedTokenizerFast

SPECIAL = {"cls_token": "<s>", "pad_token": "<pad>", "sep_token": "</s>"}
SPECIAL |= {"unk_token": "<unk>", "mask_token": "<mask>"}
LENGTH = 96
_SIZES = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "pad_token_id": 1,
}
_PLAIN = {"max_position_embeddings": LENGTH, "type_vocab_size": 1}
_DEBERTA = {
    "max_position_embeddings": LENGTH,
    "relative_attention": True,
    "pos_att_type": ["c2p", "p2c"],
    "position_biased_input": False,
    "type_vocab_size": 0,
    "share_att_key": True,
    "norm_rel_ebd": "layer_norm",
    "position_buckets": 16,
}
_MODERN = {"max_position_embeddings": LENGTH, "local_attention": 16, "reference_compile": False}
_MODERN |= {"cls_token_id": 0, "bos_token_id": 0, "sep_token_id": 2, "eos_token_id": 2}
ARCHITECTURES: dict[str, tuple[str, dict[str, Any]]] = {
    "xlmr": ("xlm-roberta", {"max_position_embeddings": LENGTH + 2, "type_vocab_size": 1}),
    "bert": ("bert", {"max_position_embeddings": LENGTH, "type_vocab_size": 2}),
    "deberta": ("deberta-v2", _DEBERTA),
    "modernbert": ("modernbert", _MODERN),
    "jina": ("jina_embeddings_v3", {"max_position_embeddings": LENGTH, "type_vocab_size": 1}),
    "deberta-v1": ("deberta", _PLAIN | {"type_vocab_size": 0, "relative_attention": False}),
}
BLOCKS = {  # where an architecture keeps its blocks
    "xlmr": "encoder.layer",
    "bert": "encoder.layer",
    "deberta": "encoder.layer",
    "modernbert": "layers",
}


def tokenizer_of(texts: list[str], *, pairs: str, metaspace_only: bool = False) -> Tokenizer:
    """A Unigram tokenizer; ``pairs`` is the template of two texts."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    space = pre_tokenizers.Metaspace()
    split = pre_tokenizers.WhitespaceSplit()
    tokenizer.pre_tokenizer = space if metaspace_only else pre_tokenizers.Sequence([split, space])
    trainer = trainers.UnigramTrainer(
        vocab_size=400,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
        unk_token="<unk>",
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair=pairs, special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer


def write_tokenizer(folder: Path, texts: list[str], *, types: bool = False, **how: bool) -> None:
    """A tokenizer's files in ``folder``, with token types as BERT has them, or as XLM-R."""
    pairs = "<s> $A </s> $B:1 </s>:1" if types else "<s> $A </s> </s> $B </s>"
    names = ["input_ids", "token_type_ids", "attention_mask"]
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer_of(texts, pairs=pairs, **how),
        model_input_names=names if types else [names[0], names[2]],
        model_max_length=LENGTH,
        **SPECIAL,
    )
    fast.save_pretrained(folder)


def write_encoder(folder: Path, name: str, texts: list[str], **changes: Any) -> Path:
    """Config, safetensors weights and tokenizer of one architecture."""
    write_tokenizer(folder, texts, types=name == "bert")
    size = len(PreTrainedTokenizerFast.from_pretrained(folder))
    model_type, more = ARCHITECTURES[name]
    config = AutoConfig.for_model(model_type, vocab_size=size, **(_SIZES | more | changes))
    torch.manual_seed(0)
    model = AutoModel.from_config(config, dtype=torch.float32)
    _spread(model)
    model.save_pretrained(folder)
    return folder


def _spread(model: torch.nn.Module) -> None:
    """Larger weights than the library starts from, so that a few updates teach something."""
    chosen: Callable[[str], bool] = lambda name: "norm" not in name.lower()  # noqa: E731
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if chosen(name) and weight.ndim > 1:
                weight.mul_(4.0)
