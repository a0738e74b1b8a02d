"""A translation model of the library: sentences in, sentences out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer
from transformers.utils import logging

from xstilts.core.errors import EncoderError
from xstilts.models.files import positions

logging.set_verbosity_error()
logging.disable_progress_bar()
LEAST, GROWTH = 16, 3  # a translation has at most so many pieces, and so many a source piece


@dataclass(frozen=True, slots=True)
class Said:
    """A translation.

    Attributes:
        text: without special pieces.
        pieces: that were written, the end included.
        unfinished: whether it is as long as it may be.
    """

    text: str
    pieces: int
    unfinished: bool


class Translator:
    """A sequence-to-sequence model from one language to another."""

    def __init__(
        self,
        folder: Path,
        device: torch.device,
        *,
        source: str | None = None,
        target: str | None = None,
        prefix: str = "",
        beams: int = 1,
    ) -> None:
        """Load the model in fp32; nothing in its folder is run.

        Args:
            folder: config, safetensors weights and tokenizer.
            device: to run on.
            source: code of the language of the texts, where the tokenizer knows several.
            target: likewise of their translations.
            prefix: put before every text; ``{code}`` in it is ``target``.
            beams: kept while decoding; 1 is greedy.

        Raises:
            EncoderError: for a code that the tokenizer does not know.
        """
        safe: dict[str, Any] = {"trust_remote_code": False, "local_files_only": True}
        self.tokenizer = AutoTokenizer.from_pretrained(folder, **safe)
        model = AutoModelForSeq2SeqLM.from_pretrained(
            folder, use_safetensors=True, dtype=torch.float32, **safe
        )
        self.model = model.to(device).eval()
        self.device, self.beams = device, beams
        self.prefix = prefix.replace("{code}", target or "")
        self.begin = None
        if source and target and "{code}" not in prefix:
            self._code(source)
            self.tokenizer.src_lang = source
            self.begin = self._code(target)
        limits = (positions(self.model.config.to_dict()), self.tokenizer.model_max_length)
        self.limit = min(limit for limit in limits if limit is not None)

    def _code(self, code: str) -> int:
        """The piece that stands for a language."""
        unknown = self.tokenizer.unk_token_id
        for name in (code, f"__{code}__"):  # NLLB and mBART, M2M
            piece = self.tokenizer.convert_tokens_to_ids(name)
            if piece is not None and piece != unknown:
                return int(piece)
        raise EncoderError(
            f"The tokenizer knows no language {code!r}",
            where="translated: codes",
            expected="codes as its model card lists them",
            do="mend `codes`",
        )

    def pieces(self, texts: Sequence[str]) -> tuple[list[list[int]], int]:
        """The pieces of every text, special ones included, and how many texts had to be cut."""
        said = [self.prefix + text for text in texts]
        found = self.tokenizer(said, truncation=False, verbose=False)["input_ids"]
        long = [i for i, ids in enumerate(found) if len(ids) > self.limit]
        for i in long:
            found[i] = self.tokenizer(said[i], truncation=True, max_length=self.limit)["input_ids"]
        return found, len(long)

    @torch.inference_mode()
    def translate(self, rows: Sequence[Sequence[int]]) -> list[Said]:
        """Translate texts of one number of pieces, so that none of them is padded.

        Args:
            rows: their pieces, ``(texts, pieces)``.
        """
        ids = torch.tensor(rows, device=self.device)
        most = min(LEAST + GROWTH * ids.shape[1], self.limit - 1)
        written = self.model.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            do_sample=False,
            num_beams=self.beams,
            max_new_tokens=most,
            **({} if self.begin is None else {"forced_bos_token_id": self.begin}),
        ).cpu()
        texts = self.tokenizer.batch_decode(
            written, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        sizes = self._sizes(written).tolist()
        return [Said(t.strip(), n, n >= most) for t, n in zip(texts, sizes, strict=True)]

    def _sizes(self, written: torch.Tensor) -> torch.Tensor:
        """How many pieces of each row were written, up to the one that ends it."""
        end = self.model.generation_config.eos_token_id
        after = written[:, 1:]  # without the piece that decoding starts from
        over = torch.isin(after, torch.tensor([] if end is None else end, dtype=after.dtype))
        return torch.where(over.any(1), over.int().argmax(1) + 1, after.shape[1])
