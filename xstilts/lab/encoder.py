"""A tiny encoder with random weights, in XLM-R's architecture, written without torch.

It stands where a pretrained encoder would. Nothing was learned before the recipe runs, so what
transfers is only what languages share on the surface.
"""

import json
import re
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

_SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
_HIDDEN, _INNER, _LAYERS, _HEADS, _LENGTH = 64, 128, 2, 4, 128


def export(folder: Path, texts: list[str], seed: int = 0) -> None:
    """Write tokenizer, config and weights; the same bytes for the same texts and seed."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = _tokenizer(texts)
    tokenizer.save(str(folder / "tokenizer.json"))
    size = tokenizer.get_vocab_size()
    named = dict(zip(("bos", "pad", "eos", "unk", "mask"), _SPECIAL, strict=True))
    described = {f"{k}_token": v for k, v in named.items()} | {
        "cls_token": "<s>",
        "sep_token": "</s>",
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": _LENGTH,
        "model_input_names": ["input_ids", "attention_mask"],
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(described, indent=1))
    (folder / "config.json").write_text(json.dumps(_config(size), indent=1))
    save_file(_weights(size, seed), folder / "model.safetensors")


def _tokenizer(texts: list[str]) -> Tokenizer:
    """Whole words, else letters; no trainer, so its bytes depend on nothing but the texts."""
    words = sorted({w for text in texts for w in re.findall(r"\w+|[^\w\s]", text)})
    letters = sorted({c for word in words for c in word})
    pieces = [*_SPECIAL, *words, *letters, *(f"##{c}" for c in letters)]
    vocabulary = {piece: i for i, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    return tokenizer


def _config(size: int) -> dict[str, object]:
    return {
        "architectures": ["XLMRobertaModel"],
        "model_type": "xlm-roberta",
        "vocab_size": size,
        "hidden_size": _HIDDEN,
        "intermediate_size": _INNER,
        "num_hidden_layers": _LAYERS,
        "num_attention_heads": _HEADS,
        "max_position_embeddings": _LENGTH + 2,
        "type_vocab_size": 1,
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-5,
        "bos_token_id": 0,
        "pad_token_id": 1,
        "eos_token_id": 2,
        "dtype": "float32",
    }


def _weights(size: int, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)

    def matrix(*shape: int, std: float = 0.05) -> np.ndarray:
        return rng.normal(0, std, shape).astype(np.float32)

    out = {
        "embeddings.word_embeddings.weight": matrix(size, _HIDDEN, std=0.3),
        "embeddings.position_embeddings.weight": matrix(_LENGTH + 2, _HIDDEN),
        "embeddings.token_type_embeddings.weight": matrix(1, _HIDDEN),
    }
    dense = {"attention.self.query": (_HIDDEN, _HIDDEN), "attention.self.key": (_HIDDEN, _HIDDEN)}
    dense |= {"attention.self.value": (_HIDDEN, _HIDDEN)}
    dense |= {"attention.output.dense": (_HIDDEN, _HIDDEN)}
    dense |= {"intermediate.dense": (_INNER, _HIDDEN), "output.dense": (_HIDDEN, _INNER)}
    norms = ["embeddings.LayerNorm"]
    for i in range(_LAYERS):
        for name, shape in dense.items():
            out[f"encoder.layer.{i}.{name}.weight"] = matrix(*shape, std=0.1)
            out[f"encoder.layer.{i}.{name}.bias"] = np.zeros(shape[0], np.float32)
        norms += [f"encoder.layer.{i}.{n}.LayerNorm" for n in ("attention.output", "output")]
    for name in norms:
        out[f"{name}.weight"] = np.ones(_HIDDEN, np.float32)
        out[f"{name}.bias"] = np.zeros(_HIDDEN, np.float32)
    return out
