"""The vocabulary that makes words likeliest."""

import itertools
import json
import math
import os
import random
import subprocess
import sys
from collections import Counter

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from xstilts.data.unigram import LONGEST, vocabulary

CONSONANTS, VOWELS = "bdfgklmnprst", "aeiou"


def morphemes(count, seed, syllables):
    rng = random.Random(seed)
    made = set()
    while len(made) < count:
        made.add("".join(rng.choice(CONSONANTS) + rng.choice(VOWELS) for _ in range(syllables)))
    return sorted(made)


STEMS = morphemes(60, 1, 3)
ENDINGS = morphemes(8, 2, 1)


def words(seed=0, tokens=20_000):
    rng = random.Random(seed)
    told = Counter()
    for _ in range(tokens):
        stem = STEMS[min(int(rng.expovariate(0.05)), len(STEMS) - 1)]
        told["▁" + stem + rng.choice(["", *ENDINGS])] += 1
    return told


def cut(pieces, word):
    model = models.Unigram([("<unk>", 0.0), *pieces], unk_id=0)
    return [token.value for token in model.tokenize(word)]


def test_stems_and_endings_are_found_and_unseen_words_are_put_together_from_them():
    said = words()
    unseen = {"▁" + s + e for s, e in itertools.product(STEMS[:10], ENDINGS)}
    told = Counter({w: n for w, n in said.items() if w not in sorted(unseen)[::5]})
    pieces = vocabulary(told, size=110)
    right = [cut(pieces, w) == [w[:-2], w[-2:]] for w in sorted(unseen)[::5]]
    assert len(right) == 16
    assert sum(right) >= 15


def test_every_letter_is_a_piece_and_scores_are_log_probabilities():
    pieces = vocabulary(words(), size=110)
    names = [name for name, _ in pieces]
    assert len(names) == len(set(names)) == 110
    assert {*CONSONANTS, *VOWELS, "▁"} <= set(names)
    assert max(map(len, names)) <= LONGEST
    assert [s for _, s in pieces] == sorted((s for _, s in pieces), reverse=True)
    assert sum(math.exp(score) for _, score in pieces) == pytest.approx(1, abs=1e-3)


def test_text_becomes_as_short_as_with_the_librarys_trainer():
    told = words()
    ours = vocabulary(told, size=110)
    library = Tokenizer(models.Unigram())
    library.pre_tokenizer = pre_tokenizers.Metaspace()
    texts = [word[1:] for word, n in told.items() for _ in range(n)]
    trainer = trainers.UnigramTrainer(
        vocab_size=111, special_tokens=["<unk>"], unk_token="<unk>", show_progress=False
    )
    library.train_from_iterator(texts, trainer)
    theirs = sum(n * len(library.encode(word[1:]).ids) for word, n in told.items())
    assert sum(n * len(cut(ours, word)) for word, n in told.items()) <= 1.02 * theirs


def test_the_same_words_give_the_same_bytes_in_every_process_and_order():
    told = words()
    code = (
        "import sys, json; from xstilts.data.unigram import vocabulary;"
        "print(json.dumps(vocabulary(json.load(sys.stdin), 110)))"
    )
    found = set()
    for seed in ("0", "1", "2"):
        shuffled = list(told.items())
        random.Random(seed).shuffle(shuffled)
        done = subprocess.run(
            [sys.executable, "-c", code],
            input=json.dumps(dict(shuffled)),
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        found.add(done.stdout)
    assert len(found) == 1
    assert json.loads(found.pop()) == [list(pair) for pair in vocabulary(told, 110)]


def test_a_word_that_counts_more_gets_longer_pieces():
    told = words()
    rare = {"▁" + stem: 1.0 for stem in morphemes(30, 9, 4)}
    plain = vocabulary(told | rare, size=110)
    weighted = vocabulary(told | {word: 500.0 for word in rare}, size=110)
    lengths = [sum(len(cut(pieces, word)) for word in rare) for pieces in (plain, weighted)]
    assert lengths[1] < 0.6 * lengths[0]


def test_rare_letters_are_left_unknown_and_cost_no_pieces():
    told = words() | Counter({"▁ξένος": 1})
    names = {name for name, _ in vocabulary(told, size=110, coverage=0.999)}
    assert not names & set("ξένος")
    assert set("ξένος") <= {name for name, _ in vocabulary(told, size=110)}


def test_more_letters_than_pieces_are_refused():
    with pytest.raises(ValueError, match="18 letters do not fit into 17 pieces"):
        vocabulary(words(), size=17)


def test_a_word_of_any_length_is_taken():
    long = "▁" + "".join(random.Random(0).choices(STEMS, k=200))
    pieces = vocabulary(words() | Counter({long: 3}), size=110)
    assert "".join(cut(pieces, long)) == long
