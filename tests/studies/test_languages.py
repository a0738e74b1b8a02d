"""What is known of languages, and that what nobody knows stays unknown."""

from pathlib import Path

import pytest
from small_encoders import build, promised, write_declaration, write_texts

from xstilts.phases.encoders import Encoder, encoder_of
from xstilts.phases.recipe import EncoderChoice
from xstilts.phases.slices import Files
from xstilts.phases.workplace import Workplace
from xstilts.studies.languages import distance_of, language_rows, tokens_of

CARD = "# small\n\n2 languages, tokens in millions: en 15.22 de\n1.5. All lower case.\n"


def with_card(folder: Path, text: str, tmp_path: Path) -> tuple[Encoder, Workplace]:
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in folder.iterdir():
        (copy / file.name).symlink_to(file)
    (copy / "README.md").unlink(missing_ok=True)
    (copy / "README.md").write_text(text)
    place = Workplace.of(tmp_path / "store")
    choice = EncoderChoice(path=str(copy))
    found = place.encoder(choice)
    assert found is not None
    return Encoder("copy", found.digest, found.tokenizer, choice, found), place


def rows_of(encoder: Encoder, place: Workplace, *languages: str) -> dict[str, object]:
    table = language_rows(languages, encoder, place.store)
    return {row.language: row.tokens for row in table.itertuples()}


def test_a_card_that_counts_tokens_is_believed_and_other_languages_are_unseen(
    encoder_folder, tmp_path
):
    encoder, place = with_card(encoder_folder(), CARD, tmp_path)
    assert rows_of(encoder, place, "en", "de", "sw") == {"en": 15.22e6, "de": 1.5e6, "sw": 0.0}


def test_of_a_card_without_figures_only_what_it_leaves_out_is_known(encoder_folder, tmp_path):
    encoder, place = with_card(encoder_folder(), "---\nlanguage: [en, de]\n---\n", tmp_path)
    assert rows_of(encoder, place, "en", "sw") == {"en": None, "sw": 0.0}


def test_of_an_encoder_that_nobody_describes_nothing_is_known(encoder_folder, tmp_path):
    encoder, place = with_card(encoder_folder(), "A model.", tmp_path)
    assert rows_of(encoder, place, "en", "sw") == {"en": None, "sw": None}


def test_a_cards_other_tables_count_no_tokens(encoder_folder, tmp_path):
    scores = "| language | examples | accuracy |\n|---|---|---|\n| de | 5010 | 85 |\n"
    encoder, place = with_card(encoder_folder(), scores, tmp_path)
    assert rows_of(encoder, place, "de", "sw") == {"de": None, "sw": None}


def test_figures_of_xlm_r_are_those_of_its_paper():
    choice = EncoderChoice(hub="FacebookAI/xlm-roberta-large")
    encoder, place = Encoder("x", "d", "t", choice), Workplace.of("nowhere")
    found = tokens_of(encoder, place.store)
    assert found is not None
    assert found["en"] == 55_608e6 and found["sw"] == 275e6
    assert rows_of(encoder, place, "mn", "cs", "qu") == {"mn": 248e6, "cs": 2_498e6, "qu": 0}
    other = EncoderChoice(hub="somebody/else")
    assert tokens_of(Encoder("x", "d", "t", other), Workplace.of("nowhere").store) is None


def test_an_encoder_made_here_is_known_by_its_record_and_by_the_card_it_leaves(tmp_path):
    write_texts(tmp_path / "texts")
    file = write_declaration(tmp_path)
    place = Workplace.of(tmp_path / "store")
    files = Files(place)
    made = promised(file, tmp_path / "store")
    encoder = encoder_of(EncoderChoice(pretrain=str(file)), place, files, made.declared.runtime)
    assert rows_of(encoder, place, "en", "sw") == {"en": None, "sw": 0.0}  # before it is made
    result = build(made, tmp_path / "store", made.step)
    seen = {x: float(facts["seen"]) for x, facts in result.value["languages"].items()}
    assert tokens_of(encoder, place.store) == seen
    card, other = with_card(result.folder, (result.folder / "README.md").read_text(), tmp_path)
    assert tokens_of(card, other.store) == seen


@pytest.mark.parametrize(("one", "other"), [("de", "zh"), ("qco", "qpa"), ("fr", "sw")])
def test_distances_grow_from_english_on(one, other):
    assert 0 == distance_of("en") < distance_of(one) < distance_of(other) <= 1
    assert distance_of("xx") is None
