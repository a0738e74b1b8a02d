"""Whatever is written in a release's format is read back; whatever is not is refused."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reading_rules import assert_counted, assert_sound, assert_verbatim, covered
from release_rows import (
    COSMOS_HEAD,
    MNLI_HEAD,
    OF_USERS,
    TASK_OF,
    XNLI_HEAD,
    hellaswag,
    mnli_row,
    one_of_each,
    read_paths,
    release,
)
from slips import TOKENS, VALUES, slips, write_anew

from xstilts.core.errors import DataError
from xstilts.data.readers import READERS, has_gold
from xstilts.tasks import get_task
from xstilts.tasks.examples import Kinds

quick = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
any_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\t"))
cell = any_text.filter(lambda x: not x.startswith("\ufeff"))
word = st.text(
    st.characters(exclude_categories=["Cs", "Zs", "Cc"], exclude_characters="\ufeff_"), min_size=1
)
nli_label = st.sampled_from(["contradiction", "entailment", "neutral"])
nli_rows = st.lists(st.tuples(cell, cell, nli_label), min_size=1, max_size=6)
line_end = st.sampled_from(["\n", "\r\n"])


@quick
@given(rows=nli_rows, end=line_end)
def test_any_pairs_written_as_xtreme_tables_are_read_back(parse, rows, end):
    read_back = parse("pair_tsv", "".join("\t".join(row) + end for row in rows))
    assert [(r.first, r.second, r.label) for r in read_back] == rows


@quick
@given(rows=nli_rows, end=line_end)
def test_any_pairs_written_as_glue_tables_are_read_back(parse, rows, end):
    text = "".join(mnli_row(f"{i}", *row) for i, row in enumerate(rows)).replace("\n", end)
    read_back = parse("glue_tsv", MNLI_HEAD.replace("\n", end) + text)
    assert [(r.first, r.second, r.label) for r in read_back] == rows
    assert [r.id for r in read_back] == [str(i) for i in range(len(rows))]


@quick
@given(rows=nli_rows)
def test_any_pairs_written_as_the_xnli_release_are_read_back(parse, rows):
    text = "".join(
        f"{language}\t{label}\t{first}\t{second}\t1\t{i}\tTrue\n"
        for i, (first, second, label) in enumerate(rows)
        for language in ("de", "en")
    )
    read_back = parse("xnli_tsv", XNLI_HEAD + text)
    assert [(r.first, r.second, r.label) for r in read_back] == rows


@quick
@given(rows=nli_rows, escape=st.booleans())
def test_any_pairs_written_as_json_lines_are_read_back(parse, rows, escape):
    text = "\n".join(
        json.dumps(
            {"pairID": str(i), "sentence1": a, "sentence2": b, "gold_label": label},
            ensure_ascii=escape,
        )
        for i, (a, b, label) in enumerate(rows)
    )
    assert [(r.first, r.second, r.label) for r in parse("nli_jsonl", text)] == rows


sentences = st.lists(
    st.lists(st.tuples(word, st.sampled_from(["O", "B-LOC", "I-PER"])), min_size=1, max_size=5),
    min_size=1,
    max_size=4,
)


@quick
@given(examples=sentences, end=line_end)
def test_any_tagged_sentences_are_read_back(parse, examples, end):
    text = end.join("".join(f"{w}\t{t}{end}" for w, t in rows) for rows in examples)
    read_back = parse("tagged_tsv", text)
    assert [list(zip(r.words, r.tags, strict=True)) for r in read_back] == examples


@quick
@given(examples=sentences)
def test_any_words_written_as_conllu_are_read_back(parse, examples):
    text = ""
    for i, rows in enumerate(examples):
        text += f"# sent_id = s{i}\n1-2\tx" + "\t_" * 8 + "\n"
        for j, (form, _) in enumerate(rows, start=1):
            text += f"{j}\t{form}\t_\tNOUN" + "\t_" * 6 + "\n"
        text += "\n"
    read_back = parse("conllu", text)
    assert [r.words for r in read_back] == [tuple(w for w, _ in rows) for rows in examples]
    assert [r.id for r in read_back] == [f"s{i}" for i in range(len(examples))]


@quick
@given(rows=st.lists(st.tuples(cell, cell), min_size=1, max_size=8), end=line_end)
def test_any_translations_are_read_back(parse, rows, end):
    texts = ["".join(row[side] + end for row in rows) for side in (0, 1)]
    assert [(r.text, r.english) for r in parse("tatoeba_lines", *texts)] == rows


@quick
@given(
    rows=st.lists(
        st.tuples(st.text(st.characters(exclude_categories=["Cs"])), st.integers(0, 3)),
        min_size=1,
        max_size=4,
    )
)
def test_any_contexts_written_as_hellaswag_are_read_back(parse, rows):
    text = "\n".join(
        hellaswag(ind=i, ctx=context, label=label) for i, (context, label) in enumerate(rows)
    )
    assert [(r.context, r.label) for r in parse("hellaswag_jsonl", text)] == rows


SCRAPS = [
    b"\t", b"\n", b"\r", b'"', b",", b"{", b"}", b"[", b":", b"\xff", b"\xef\xbb\xbf", b"O", b"1",
    b"neutral", b"pairID\tsentence1\tsentence2\tgold_label\n", b'"data"', b'"text": "', b"ID=a ",
    b"<L a a a a a>", COSMOS_HEAD.encode(), XNLI_HEAD.encode(), b"\x00", b"\\ud800", b'"ctx"',
]  # fmt: skip


@pytest.mark.parametrize("form", TASK_OF)
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.one_of(st.binary(max_size=80), st.lists(st.sampled_from(SCRAPS)).map(b"".join)))
def test_arbitrary_bytes_are_read_or_refused_but_never_crash(tmp_path, form, data):
    path = write_anew(tmp_path / "file", data)
    paths = [path] * len(one_of_each()[form])
    assert has_gold(get_task(TASK_OF[form]), release(form), paths) in (True, False)
    try:
        assert read_paths(form, paths)
    except DataError as error:
        assert str(path) in error.where
        str(error).encode()


def test_every_reader_is_fed_mutated_files_and_its_examples_are_counted():
    assert set(READERS) - OF_USERS == set(one_of_each()) == set(TASK_OF)
    assert covered() == set(TASK_OF)


@st.composite
def mutations(draw, content):
    """``content`` with a few values changed, or pieces cut out, doubled, moved or written over."""
    data = bytearray(content)
    for _ in range(draw(st.integers(1, 3))):
        how = draw(st.sampled_from(["value", "cut", "double", "move", "scrap", "replace"]))
        values = list(TOKENS.finditer(data)) if how == "value" else []
        if values:
            found = draw(st.sampled_from(values))
            data[found.start() : found.end()] = draw(st.sampled_from(VALUES))
            continue
        first, last = sorted(draw(st.integers(0, len(data))) for _ in range(2))
        piece = bytes(data[first:last])
        at = draw(st.integers(0, len(data)))
        if how in ("cut", "move", "replace"):
            del data[first:last]
        if how in ("double", "move"):
            data[at:at] = piece
        if how in ("scrap", "replace"):
            data[first:first] = draw(st.sampled_from(SCRAPS) | st.binary(max_size=3))
    return bytes(data)


def assert_read_rightly_or_refused(form, contents, folder):
    paths = [folder / f"file{i}" for i in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        write_anew(path, content)
    language = {"bucc_lines": "zh"}.get(form, "en")
    try:
        rows = read_paths(form, paths, language)
    except DataError as error:
        assert any(str(path) in error.where for path in paths)
        assert all(part.strip() for part in (error.what, error.where, error.expected, error.do))
        str(error).encode()
        return
    task, texts = get_task(TASK_OF[form]), [c.decode().removeprefix("\ufeff") for c in contents]
    code = release(form).codes.get(language, language)
    assert_counted(form, texts, code, rows)
    assert_sound(task, rows)
    assert_verbatim(form, texts, rows)
    assert len({(type(row), row.id) for row in rows}) == len(rows)
    assert all(type(row) in Kinds.BY_NAME[task.kind] for row in rows)


@pytest.mark.parametrize("form", TASK_OF)
def test_a_file_with_one_slip_in_it_is_read_rightly_or_refused_in_four_parts(tmp_path, form):
    contents = [text.encode() for text in one_of_each()[form]]
    for hurt, content in enumerate(contents):
        for slipped in slips(content):
            changed = [*contents[:hurt], slipped, *contents[hurt + 1 :]]
            try:
                assert_read_rightly_or_refused(form, changed, tmp_path)
            except Exception as error:
                raise AssertionError(slipped.decode(errors="replace")) from error


@pytest.mark.parametrize("form", TASK_OF)
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_mutated_release_files_are_read_rightly_or_refused_in_four_parts(tmp_path, form, data):
    contents = [text.encode() for text in one_of_each()[form]]
    hurt = data.draw(st.integers(0, len(contents) - 1))
    contents[hurt] = data.draw(mutations(contents[hurt]))
    assert_read_rightly_or_refused(form, contents, tmp_path)
