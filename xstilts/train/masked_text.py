"""Masked-LM batches: text of several languages, drawn and masked update by update.

Which rows an update reads, and what is masked in them, depends on the seed and the update only, and
is settled before rows are put into micro-batches.
"""

import numpy as np
import torch
from torch.nn import functional as F

from xstilts.core.context import Result
from xstilts.core.seeds import derive
from xstilts.data.batches import IGNORED, Ints, TokenArrays, micro_batches
from xstilts.data.corpora import shares
from xstilts.data.masking import Masking, Pieces, masked
from xstilts.models.device import Precision, number_format
from xstilts.models.masked_lm import MaskedLM
from xstilts.prediction.forward import Floats, inputs_of


class MaskedText:
    """What stage `rows` wrote, with pieces masked.

    Attributes:
        languages: in the order of their numbers.
        shares: how often each is drawn.
        frequencies: share of each ordinary piece in every language's text, with one added to every
            count, ``(languages, ordinary)``.
        rows: language -> rows drawn so far; whoever resumes a run puts this back.
    """

    def __init__(
        self, source: Result, pieces: Pieces, masking: Masking, sampling: float, seed: int
    ) -> None:
        """Draw from ``source``; ``sampling`` as in :func:`xstilts.data.corpora.shares`."""
        self.pieces, self.masking, self.seed = pieces, masking, seed
        self.languages: list[str] = source.value["languages"]
        pad = source.value["pad"]
        self.train = TokenArrays.load(source.folder, pad, "train-")
        self.held = TokenArrays.load(source.folder, pad, "held-")
        self._rows = [np.flatnonzero(self.train.extra["language"] == i) for i in self._numbers]
        sizes = {x: len(rows) for x, rows in zip(self.languages, self._rows, strict=True)}
        self.shares = list(shares(sizes, sampling).values())
        found = np.stack([self._counts(self.train, i) for i in self._numbers]) + 1.0
        self.frequencies: Floats = found / found.sum(1, keepdims=True)
        self.rows = dict.fromkeys(self.languages, 0)
        self._orders: dict[int, tuple[int, Ints]] = {}  # language -> its epoch and row order

    @property
    def _numbers(self) -> range:
        return range(len(self.languages))

    def next(self, update: int, size: int) -> tuple[TokenArrays, dict[str, int]]:
        """The rows of an update: random languages, each language's rows epoch by epoch.

        Returns:
            the rows with pieces masked, those asked for as ``label``; and pieces by language.
        """
        spoken = self._spoken(update, size)
        rows = np.array([self._next_row(int(language)) for language in spoken])
        lengths = np.bincount(spoken, self.train.lengths[rows], len(self.languages))
        read = dict(zip(self.languages, map(int, lengths), strict=True))
        return self._masked(self.train, rows, derive(self.seed, "mask", update)), read

    def skip_to(self, update: int, size: int) -> None:
        """Stand where all updates before ``update`` have been drawn, each of ``size`` rows."""
        self.rows = dict.fromkeys(self.languages, 0)
        for earlier in range(update):
            for language in self._spoken(earlier, size):
                self.rows[self.languages[language]] += 1

    def _spoken(self, update: int, size: int) -> Ints:
        """The language of every row of an update."""
        rng = np.random.default_rng(derive(self.seed, "languages", update))
        return rng.choice(len(self.languages), size, p=self.shares)

    def _next_row(self, language: int) -> int:
        """A row of a language that its epoch has not had."""
        name, rows = self.languages[language], self._rows[language]
        epoch, place = divmod(self.rows[name], len(rows))
        known, order = self._orders.get(language, (-1, rows))
        if known != epoch:
            seed = derive(self.seed, "order", name, epoch)
            order = np.random.default_rng(seed).permutation(rows)
            self._orders[language] = epoch, order
        self.rows[name] += 1
        return int(order[place])

    def held_out(self, language: str) -> TokenArrays:
        """The held-out rows of a language, always masked alike."""
        rows = np.flatnonzero(self.held.extra["language"] == self.languages.index(language))
        return self._masked(self.held, rows, derive(self.seed, "held", language))

    def plain_loss(self, language: str) -> float:
        """What guessing by frequency costs on held-out rows, in nats a piece.

        A model that learnt from context is below.
        """
        number = self.languages.index(language)
        said = self._counts(self.held, number)
        return float(-(said * np.log(self.frequencies[number])).sum() / said.sum())

    def _counts(self, arrays: TokenArrays, language: int) -> Ints:
        """How often each ordinary piece stands in the rows of a language, ``(ordinary,)``."""
        said = arrays.ids[np.repeat(arrays.extra["language"] == language, arrays.lengths)]
        ordinary = self.pieces.ordinary
        return np.bincount(said, minlength=int(ordinary.max()) + 1)[ordinary]

    def _masked(self, arrays: TokenArrays, rows: Ints, seed: int) -> TokenArrays:
        ids = np.concatenate([arrays.ids[arrays.starts[r] : arrays.starts[r + 1]] for r in rows])
        seen, labels = masked(ids, self.masking, self.pieces, np.random.default_rng(seed))
        starts = np.concatenate([[0], np.cumsum(arrays.lengths[rows])])
        return TokenArrays(seen, None, starts, np.arange(len(rows)), {"label": labels}, arrays.pad)


def masked_loss(
    model: MaskedLM,
    asked: TokenArrays,
    *,
    micro_tokens: int,
    precision: Precision,
    device: torch.device,
) -> float:
    """Mean loss over the labels in ``asked``, in nats; adds its gradient if gradients are on.

    The sum is divided by the number of labels in all rows, so how rows are put into micro-batches
    changes nothing but rounding.
    """
    number = int((asked.extra["label"] != IGNORED).sum())
    total = torch.zeros((), dtype=torch.float64)
    for rows in micro_batches(asked, np.arange(asked.examples), micro_tokens):
        labels = torch.from_numpy(asked.padded(rows, "label", IGNORED)).to(device)
        wanted = labels != IGNORED
        if not wanted.any():
            continue
        with number_format(precision, device):
            logits = model(**inputs_of(asked, rows, device), asked=wanted)
        loss = F.cross_entropy(logits.float(), labels[wanted], reduction="sum") / number
        if torch.is_grad_enabled():
            loss.backward()  # type: ignore[no-untyped-call]
        total += loss.detach().double().cpu()
    return float(total)
