"""What an encoder's folder is taken for, and what is refused."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_encoders import LENGTH

from xstilts.core.errors import EncoderError
from xstilts.models.files import inspect, positions
from xstilts.models.task_model import load_encoder
from xstilts.store import Digests


@pytest.fixture
def copy(encoder_folder, tmp_path):
    """A copy of a tiny encoder that a test may spoil."""

    def make(name="xlmr", place="copy"):
        shutil.copytree(encoder_folder(name), tmp_path / place)
        return tmp_path / place

    return make


@pytest.fixture
def look(tmp_path):
    return lambda folder: inspect(folder, Digests(tmp_path / "memory.json"), where="encoder")


def test_sizes_are_read_from_the_config(copy, look):
    found = look(copy())
    assert (found.layers, found.positions) == (2, LENGTH)
    assert found.block_parameters == 2 * (4 * 32 * 32 + 2 * 32 * 48)
    assert found.languages is None


def test_the_same_files_elsewhere_have_the_same_digests(copy, look):
    one, other = look(copy(place="one")), look(copy(place="other"))
    assert (one.digest, one.tokenizer) == (other.digest, other.tokenizer)


def test_one_changed_byte_of_the_weights_is_another_encoder(copy, look):
    one, place = look(copy(place="one")), copy(place="other")
    file = place / "model.safetensors"
    raw = bytearray(file.read_bytes())
    raw[-1] ^= 1
    file.write_bytes(bytes(raw))
    other = look(place)
    assert other.digest != one.digest
    assert other.tokenizer == one.tokenizer


@pytest.mark.parametrize("name", ["spiece.model", "tokenizer.model", "sentencepiece.bpe.model"])
def test_the_pieces_of_a_tokenizer_count_under_every_name_they_have(copy, look, name):
    place = copy()
    found = []
    for pieces in (None, b"\x0a\x01", b"\x0a\x02"):
        if pieces is not None:
            (place / name).write_bytes(pieces)
        found.append(look(place))
    assert len({one.tokenizer for one in found}) == 3
    assert len({one.digest for one in found}) == 1


def test_a_changed_tokenizer_changes_its_own_digest_only(copy, look):
    one, place = look(copy(place="one")), copy(place="other")
    with (place / "tokenizer.json").open("a") as file:
        file.write(" ")
    other = look(place)
    assert other.tokenizer != one.tokenizer
    assert other.digest == one.digest


def test_a_changed_config_is_another_encoder_and_a_new_card_is_not(copy, look):
    one, place = look(copy(place="one")), copy(place="other")
    (place / "README.md").write_text("---\nlanguage: [en, sw]\n---\n# A model\n")
    other = look(place)
    assert other.digest == one.digest
    assert other.languages == ("en", "sw")
    config = json.loads((place / "config.json").read_text())
    (place / "config.json").write_text(json.dumps(config | {"layer_norm_eps": 1e-3}))
    assert look(place).digest != one.digest


@pytest.mark.parametrize(
    ("card", "languages"),
    [
        ("---\nlanguage: sw\n---\n", ("sw",)),
        ("---\nlanguage: [en, no]\ntitle: a --- b\n---\n# Text\n---\n", ("en", "no")),
        ("---\r\nlanguage:\r\n- no\r\n---\r\n", ("no",)),
        ("---\nlicense: mit\n---\n", None),
        ("# Text", None),
        ("---\nA line above. [Not: a head", None),
    ],
)
def test_a_card_may_name_one_language_or_none(copy, look, card, languages):
    place = copy()
    (place / "README.md").write_text(card)
    assert look(place).languages == languages


def test_pickled_weights_are_never_read(copy, look):
    place = copy()
    weights = load_file(place / "model.safetensors")
    (place / "model.safetensors").unlink()
    torch.save(weights, place / "pytorch_model.bin")
    with pytest.raises(EncoderError, match="no safetensors weights") as caught:
        look(place)
    assert "they can run code" in caught.value.expected
    with pytest.raises(OSError, match="safetensors"):
        load_encoder(place)


def test_a_card_that_is_not_yaml_is_refused_with_its_line(copy, look):
    place = copy()
    (place / "README.md").write_text("---\nlanguage: [en\nlicense: mit\n---\n")
    with pytest.raises(EncoderError, match="line 2") as caught:
        look(place)
    assert str(place / "README.md") in caught.value.what


def spoil_config(place, **said):
    file = place / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | said))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda p: shutil.rmtree(p), "No encoder lies at"),
        (lambda p: (p / "config.json").unlink(), "No encoder lies at"),
        (lambda p: (p / "config.json").write_text("{"), "is not JSON"),
        (lambda p: (p / "config.json").write_text("[]"), "holds no keys"),
        (lambda p: spoil_config(p, hidden_size=None), "hidden_size is None"),
        (lambda p: spoil_config(p, num_hidden_layers="six"), "num_hidden_layers is 'six'"),
        (lambda p: (p / "tokenizer.json").unlink(), "has no tokenizer"),
    ],
)
def test_a_folder_that_lacks_something_is_refused_by_name(copy, look, spoil, said):
    place = copy()
    for name in ("tokenizer_config.json", "special_tokens_map.json"):
        (place / name).unlink(missing_ok=True)
    spoil(place)
    with pytest.raises(EncoderError, match=said) as caught:
        look(place)
    assert str(place) in caught.value.what
    assert "--set encoder.path" in caught.value.do


@pytest.mark.parametrize(
    ("config", "rows"),
    [
        ({"model_type": "xlm-roberta", "max_position_embeddings": 514, "pad_token_id": 1}, 512),
        ({"model_type": "roberta", "max_position_embeddings": 514}, 512),
        ({"model_type": "bert", "max_position_embeddings": 512, "pad_token_id": 0}, 512),
        ({"model_type": "modernbert", "max_position_embeddings": 8192}, 8192),
        ({"model_type": "t5"}, None),
    ],
)
def test_positions_that_count_from_the_padding_piece_are_not_offered(config, rows):
    assert positions(config) == rows


def test_the_longest_row_runs_and_one_piece_more_does_not(encoder_folder):
    encoder = load_encoder(encoder_folder("xlmr"))
    ids = torch.full((1, LENGTH), 5)
    assert encoder(input_ids=ids).last_hidden_state.shape == (1, LENGTH, 32)
    with pytest.raises((IndexError, RuntimeError)):
        encoder(input_ids=torch.full((1, LENGTH + 1), 5))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_files_are_loaded_as_fp32_without_loss(copy, dtype):
    place = copy()
    file = place / "model.safetensors"
    stored = {k: v.to(dtype) for k, v in load_file(file).items()}
    save_file(stored, file, metadata={"format": "pt"})
    config = json.loads((place / "config.json").read_text())
    name = str(dtype).removeprefix("torch.")
    (place / "config.json").write_text(json.dumps(config | {"dtype": name}))
    state = load_encoder(place).state_dict()
    floats = [k for k, v in state.items() if v.is_floating_point()]
    assert len(floats) >= len(stored) - 2
    assert all(state[k].dtype == torch.float32 for k in floats)
    assert all(torch.equal(state[k], stored[k].float()) for k in floats if k in stored)
