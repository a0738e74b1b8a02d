"""Masked-LM batches: text of several languages, drawn and masked update by update.

Which rows an update reads, and what is masked in them, depends on the seed and the update only, and
is settled before rows are put into micro-batches.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from xstilts.core.context import Result
from xstilts.core.seeds import derive
from xstilts.data.batches import IGNORED, Ints, TokenArrays, micro_batches
from xstilts.data.corpora import shares
from xstilts.data.masking import Masking, Pieces, masked
from xstilts.data.translations import Translations, side_by_side
from xstilts.models.device import Precision, number_format
from xstilts.models.masked_lm import MaskedLM
from xstilts.prediction.forward import Floats, inputs_of
from xstilts.train.team import ALONE, Team


@dataclass(frozen=True)
class Guessing:
    """What guessing by frequency costs on held-out pieces of a language.

    Attributes:
        pieces: how many are asked for.
        loss: mean, in nats a piece, with the frequencies in what is trained on.
        entropy: of those frequencies, in nats: the loss on text in which they are the same.
    """

    pieces: int
    loss: float
    entropy: float


class MaskedText:
    """What stage `rows` wrote, with pieces masked.

    Attributes:
        languages: in the order of their numbers.
        shares: how often each is drawn.
        frequencies: share of each ordinary piece in every language's text, with one added to every
            count, ``(languages, ordinary)``.
        rows: language -> rows drawn so far; whoever resumes a run puts this back.
        pairs: likewise, how many of them were read beside a translation.
    """

    def __init__(
        self,
        source: Result,
        pieces: Pieces,
        masking: Masking,
        sampling: float,
        seed: int,
        translation: float = 0.0,
    ) -> None:
        """Draw from ``source``.

        Args:
            source: what stage `rows` wrote.
            pieces: of the tokenizer.
            masking: what is predicted.
            sampling: as in :func:`xstilts.data.corpora.shares`.
            seed: of all that is random.
            translation: share of the rows beside which a translation is read, if there is one.
        """
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
        self.pairs = dict.fromkeys(self.languages, 0)
        self._translation = translation
        if translation:
            extra = self.train.extra
            self._translations = Translations(extra["name"], extra["language"])
            self._longest = int(source.value["length"])
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
        chance = np.random.default_rng(derive(self.seed, "translations", update))
        rows, read = [], dict.fromkeys(self.languages, 0)
        for language in spoken:
            parts = self._with_translation(self._next_row(int(language)), chance)
            rows.append(np.concatenate([ids for _, ids in parts]))
            for name, ids in parts:
                read[name] += len(ids)
        return self._masked(rows, derive(self.seed, "mask", update)), read

    def _with_translation(self, row: int, chance: np.random.Generator) -> list[tuple[str, Ints]]:
        """Languages and pieces of what is read as one row: a row, or it and a translation of it."""
        language, ids = self._row(self.train, row)
        if not self._translation or chance.random() >= self._translation:
            return [(language, ids)]
        others = self._translations.of(row)
        if not len(others):
            return [(language, ids)]
        self.pairs[language] += 1
        other, translated = self._row(self.train, int(chance.choice(others)))
        first, second = side_by_side(ids, translated, self._longest)
        return [(language, first), (other, second)]

    def _row(self, arrays: TokenArrays, row: int) -> tuple[str, Ints]:
        ids = arrays.ids[arrays.starts[row] : arrays.starts[row + 1]]
        return self.languages[arrays.extra["language"][row]], ids

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
        ids = [self._row(self.held, int(row))[1] for row in rows]
        return self._masked(ids, derive(self.seed, "held", language))

    def plain_loss(self, language: str) -> float:
        """What guessing by frequency costs on held-out rows, in nats a piece.

        A model that learnt from context is below.
        """
        number = self.languages.index(language)
        said = self._counts(self.held, number)
        return float(-(said * np.log(self.frequencies[number])).sum() / said.sum())

    def guessing(self, language: str) -> Guessing:
        """What guessing by frequency costs on the very pieces that :meth:`held_out` asks for."""
        number = self.languages.index(language)
        labels = self.held_out(language).extra["label"]
        asked = np.searchsorted(self.pieces.ordinary, labels[labels != IGNORED])
        said = self._counts(self.train, number)
        entropy = np.log(said.sum()) - (said * np.log(np.maximum(said, 1))).sum() / said.sum()
        loss = -np.log(self.frequencies[number][asked]).mean()
        return Guessing(len(asked), float(loss), float(entropy))

    def _counts(self, arrays: TokenArrays, language: int) -> Ints:
        """How often each ordinary piece stands in the rows of a language, ``(ordinary,)``."""
        said = arrays.ids[np.repeat(arrays.extra["language"] == language, arrays.lengths)]
        ordinary = self.pieces.ordinary
        return np.bincount(said, minlength=int(ordinary.max()) + 1)[ordinary]

    def _masked(self, rows: list[Ints], seed: int) -> TokenArrays:
        rng = np.random.default_rng(seed)
        seen, labels = masked(np.concatenate(rows), self.masking, self.pieces, rng)
        starts = np.cumsum([0, *map(len, rows)])
        extra = {"label": labels}
        return TokenArrays(seen, None, starts, np.arange(len(rows)), extra, self.train.pad)


def masked_loss(
    model: MaskedLM,
    asked: TokenArrays,
    *,
    micro_tokens: int,
    precision: Precision,
    device: torch.device,
    team: Team = ALONE,
) -> float:
    """Mean loss over the labels in ``asked``, in nats; adds its gradient if gradients are on.

    The sum is divided by the number of labels in all rows, so how rows are put into micro-batches
    changes nothing but rounding. One of several processes adds and returns its part.
    """
    number = int((asked.extra["label"] != IGNORED).sum())
    total = torch.zeros((), dtype=torch.float64)
    for rows in micro_batches(asked, np.arange(asked.examples), micro_tokens, part=team.part):
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
