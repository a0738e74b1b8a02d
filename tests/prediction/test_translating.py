"""The stage that translates a slice: what it writes and tells, and that it runs once."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import tiny_translators
import torch

from xstilts.core.errors import EncoderError
from xstilts.core.spec import Runtime
from xstilts.data.read import read_examples
from xstilts.data.slices import Translation
from xstilts.graph import Step
from xstilts.models.translator import GROWTH, LEAST, Translator
from xstilts.models.translator_files import inspect_translator
from xstilts.phases.examples import TRANSLATE
from xstilts.prediction import translate
from xstilts.store import Digests


@pytest.fixture(scope="session")
def model(release_texts: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_translators.write_translator(tmp_path_factory.mktemp("marian"), release_texts)


def step(bench: Any, model: Path, name: str, **changes: Any) -> Step:
    found = inspect_translator(model, Digests(bench.store.root / "d.json"), where="a test")
    bench.sources |= {found.digest: model, found.tokenizer: model}
    examples = bench.examples(name, **({"sample": 12} if name == "mnli" else {}))
    said = {"kind": examples.config.kind, "model": found.digest, "tokenizer": found.tokenizer}
    return Step(TRANSLATE, f"{name}.de", Translation(**said | changes), {"examples": examples})


@pytest.mark.parametrize("name", ["mnli", "hellaswag", "squad_v1", "squad_v1_retrieval"])
def test_labels_and_ids_are_carried_whatever_is_said(workbench, model: Path, name: str) -> None:
    bench = workbench()
    found = step(bench, model, name)
    result, kind = bench.build(found), found.config.kind  # type: ignore[attr-defined]
    english = {(type(e), e.id): e for e in bench.slice(found.inputs["examples"])}
    new = read_examples(result.folder, kind) if result.value["examples"] else []
    assert len(new) == result.value["examples"] == len(english) - result.value["left_out"]
    for example in new:
        old = english[type(example), example.id]
        for field in ("label", "group", "gold"):
            assert getattr(example, field, None) == getattr(old, field, None)
        if kind == "span":
            for answer, start in zip(example.answers, example.starts, strict=True):
                assert example.context.startswith(answer, start)
    if kind in ("pair", "choice"):
        assert result.value["left_out"] == 0
    if kind == "span":  # a random model hardly says an answer again
        assert result.value["left_out"] > 0


@pytest.mark.parametrize("beams", [1, 3])
def test_translations_do_not_depend_on_how_many_are_made_at_a_time(
    workbench, model: Path, beams: int
) -> None:
    found, values = [], []
    for budget in (1, 500, 10**6):
        bench = workbench(store=f"{beams}.{budget}")
        runtime = Runtime(threads=1, micro_tokens=budget)
        result = bench.build(step(bench, model, "mnli", beams=beams), runtime)
        found.append(read_examples(result.folder, "pair"))
        values.append(result.value)
    assert found[0] == found[1] == found[2]
    assert values[0] == values[1] == values[2]
    assert len({e.first for e in found[0]}) > 5  # it does not say the same of all


def test_the_record_tells_the_model_how_it_decodes_and_what_was_cut(
    workbench, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = workbench()
    made = step(bench, model, "mnli", prefix="Ida ")
    value = bench.build(made).value
    english = bench.slice(made.inputs["examples"])
    texts = {t for e in english for t in (e.first, e.second)}
    assert value["texts"] == len(texts) and value["cut"] == 0
    config: Translation = made.config  # type: ignore[assignment]
    assert value["model"] == {
        "family": "marian",
        "folder": model.name,
        "digest": config.model,
        "tokenizer": config.tokenizer,
    }
    assert value["decoding"]["beams"] == 1 and value["decoding"]["sampling"] is False
    assert value["pieces"]["read"] > 3 * len(texts) and value["pieces"]["written"] > len(texts)
    monkeypatch.setattr("xstilts.models.translator.positions", lambda config: 4)
    again = workbench(store="short")
    value = again.build(step(again, model, "mnli", prefix="Ida ")).value
    assert value["cut"] == len(texts) and value["pieces"]["read"] == 4 * len(texts)


def test_a_second_run_translates_nothing_and_other_settings_are_another_step(
    workbench, model: Path
) -> None:
    bench = workbench()
    first = step(bench, model, "mnli")
    assert "translate/mnli.de" in bench.run(first).ran
    assert bench.run(step(bench, model, "mnli")).ran == []
    others = [step(bench, model, "mnli", **x) for x in ({"beams": 2}, {"prefix": ">>de<< "})]
    assert len({first.key, *(s.key for s in others)}) == 3


def test_an_interrupted_run_goes_on_where_it_was(
    workbench, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = workbench()
    made = step(bench, model, "mnli")
    whole = read_examples(bench.build(made).folder, "pair")
    inputs = {"examples": bench.open(made.inputs["examples"])}
    asked: list[int] = []
    real = Translator.translate

    def counted(self: Translator, rows: Any) -> Any:
        asked.append(len(rows))
        if len(asked) == 3:
            raise KeyboardInterrupt
        return real(self, rows)

    monkeypatch.setattr(Translator, "translate", counted)
    with pytest.raises(KeyboardInterrupt):
        translate.translate(made.config, inputs, tmp_path, bench.context)  # type: ignore[arg-type]
    with (tmp_path / "said.jsonl").open("a") as file:
        file.write('["a line that was torn')
    done = sum(asked[:2])
    value = translate.translate(made.config, inputs, tmp_path, bench.context)  # type: ignore[arg-type]
    assert sum(asked) - sum(asked[:3]) == value["texts"] - done
    assert read_examples(tmp_path, "pair") == whole
    assert sorted(p.name for p in tmp_path.glob("*.*")) == ["examples.parquet"]


def test_a_model_of_many_languages_is_told_from_which_and_into_which(
    release_texts: list[str], tmp_path: Path
) -> None:
    folder = tiny_translators.write_coded_translator(tmp_path, "".join(release_texts))
    found = inspect_translator(folder, Digests(tmp_path / "d.json"), where="a test")
    assert found.family == "m2m_100" and {"eng_Latn", "swh_Latn", "deu_Latn"} <= found.codes
    for source, target in (("eng_Latn", "swh_Latn"), ("deu_Latn", "eng_Latn")):
        told = Translator(folder, torch.device("cpu"), source=source, target=target)
        code = told.tokenizer.convert_tokens_to_ids
        rows, _ = told.pieces(["Ida sang."])
        assert rows[0][0] == code(source) != code(target)
        written: list[torch.Tensor] = []
        real = told.model.generate

        def generate(
            real: Any = real, written: list[torch.Tensor] = written, **said: Any
        ) -> torch.Tensor:
            written.append(real(**said))
            return written[0]

        told.model.generate = generate
        assert target not in told.translate(rows)[0].text
        assert written[0][0, 1] == code(target)


def test_no_translation_is_longer_than_it_may_be(model: Path) -> None:
    found = Translator(model, torch.device("cpu"))
    rows, _ = found.pieces(["Ida sang."])
    said = found.translate(rows)[0]
    most = LEAST + GROWTH * len(rows[0])
    assert said.pieces <= most and said.unfinished == (said.pieces == most)


def test_a_code_that_the_tokenizer_lacks_is_told(model: Path) -> None:
    with pytest.raises(EncoderError, match="no language 'xx_XX'"):
        Translator(model, torch.device("cpu"), source="xx_XX", target="en_XX")


@pytest.mark.parametrize(
    ("slip", "told"),
    [
        ("bert", "translates nothing"),
        ("no config", "No model lies at"),
        ("torn config", "is not JSON"),
        ("a list", "holds no keys"),
        ("pickled", "has no safetensors weights"),
        ("no tokenizer", "has no tokenizer"),
    ],
)
def test_a_folder_that_holds_no_translation_model_is_refused(
    model: Path, tmp_path: Path, slip: str, told: str
) -> None:
    folder = Path(shutil.copytree(model, tmp_path / "model"))
    config = folder / "config.json"
    if slip == "bert":
        config.write_text(json.dumps({"model_type": "bert"}))
    elif slip == "no config":
        config.unlink()
    elif slip == "torn config":
        config.write_text("{")
    elif slip == "a list":
        config.write_text("[]")
    elif slip == "pickled":
        (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    else:
        for file in folder.glob("*token*"):
            file.unlink()
    with pytest.raises(EncoderError, match=told) as caught:
        inspect_translator(folder, Digests(tmp_path / "d.json"), where="arms.de: translated")
    assert caught.value.where == "arms.de: translated" and caught.value.do
