"""Every task of the catalogue reads a small file of each of its releases, found by its name."""

import gzip
import json

import pytest
from release_rows import one_of_each

from xstilts.data.files import find
from xstilts.data.readers import has_gold, read
from xstilts.tasks import get_task, task_names
from xstilts.tasks.examples import Kinds, asked

RELEASES = [
    (name, place, split)
    for name in task_names()
    for place, files in enumerate(get_task(name).files)
    for split in files.names
]


def language_of(task):
    return "en" if "en" in task.languages else task.languages[0]


def record(task, files):
    """The columns of one example, with a label as this release writes it."""
    written = {ours: theirs for theirs, ours in files.rename.items()}
    label = "0" if task.choices else (*task.labels, "")[0]
    values = {"label": written.get(label, label), "words": ["Ida"], "tags": [label]}
    values |= {"language": files.codes.get(language_of(task), language_of(task))}
    return {
        column: values.get(role, written.get("effect", "Why?") if role == "question" else role)
        for role, column in files.columns.items()
    }


def contents(task, files):
    """The files of one split, in the official format."""
    row = record(task, files)
    if files.format in ("glue_tsv", "qqp_tsv", "csv"):
        separator = "," if files.format == "csv" else "\t"
        return [separator.join(row) + "\n" + separator.join(row.values()) + "\n"]
    if files.format == "jsonl":
        return [json.dumps(row) + "\n"]
    if files.format == "json":
        return [json.dumps([row])]
    if files.format == "pair_tsv":
        return [f"A mill.\tA house.\t{task.labels[0]}\n"]
    if files.format in ("tagged_tsv", "tagged_spaced"):
        return [f"Ida{' ' if files.format == 'tagged_spaced' else chr(9)}{task.labels[0]}\n"]
    if files.format == "nli_jsonl":
        written = {ours: theirs for theirs, ours in files.rename.items()}
        fields = ("uid", "context", "hypothesis", "label")
        fields = fields if written else ("pairID", "sentence1", "sentence2", "gold_label")
        label = written.get(task.labels[0], task.labels[0])
        return [json.dumps(dict(zip(fields, ("1", "a", "b", label), strict=True))) + "\n"]
    return list(one_of_each()[files.format])


@pytest.mark.parametrize(("name", "place", "split"), RELEASES)
def test_a_file_under_a_releases_name_is_found_and_read(tmp_path, name, place, split):
    task = get_task(name)
    files = task.files[place]
    language = files.languages[0] if files.languages else language_of(task)
    if files.format == "bucc_lines":
        language = "zh"
    code = files.codes.get(language, language)
    paths = [
        tmp_path / files.folders[-1] / pattern.replace("{code}", code).replace("*", "x")
        for pattern in files.names[split]
    ]
    written = contents(task, files)
    for path, text in zip(paths, written * (len(paths) // len(written)), strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        raw = text.encode()
        path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)
    found = find(task, split, language, [tmp_path])
    assert found is not None and set(found.paths) == set(paths)
    examples = list(read(task, files, found.paths, split, language))
    assert has_gold(task, files, found.paths)
    assert sum(map(asked, examples)) > 0
    assert {type(e) for e in examples} <= set(Kinds.BY_NAME[task.kind])


def test_no_task_is_without_a_release_or_parts_that_have_some():
    told = {name for name, _, _ in RELEASES}
    for name in set(task_names()) - told:
        parts = {part for split in get_task(name).parts.values() for part in split}
        assert parts and parts <= told
