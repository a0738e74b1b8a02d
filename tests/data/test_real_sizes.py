"""Every size and code of the catalogue against the real files and their releases' own figures."""

import csv
import json
import os
from pathlib import Path

import pytest

from xstilts.data.files import check, find
from xstilts.tasks import get_task, task_names

DATA = os.environ.get("XSTILTS_DATA")
ROOT = Path(str(DATA))
FACTS = ROOT.parent / "facts" / "split_sizes.json"

WHOLE = {  # the splits that the data folder's README and manifest call whole
    "americasnli": ["dev", "test"],
    "anli": ["dev"],
    "bucc2018": ["dev"],
    "commonsenseqa": ["dev", "train"],
    "copa": ["dev", "test", "train"],
    "cosmosqa": ["dev"],
    "hellaswag": ["dev"],
    "klue_nli": ["dev"],
    "lareqa": ["test"],
    "masakhaner2": ["dev", "test"],
    "masakhapos": ["test"],
    "mlqa": ["dev"],
    "ntrex": ["test"],
    "rte": ["dev", "train"],
    "sib200": ["dev", "test", "train"],
    "sick": ["dev", "test", "train"],
    "siqa": ["dev", "test"],
    "snli": ["dev", "test"],
    "squad_v1": ["dev"],
    "tatoeba": ["test"],
    "tydiqa": ["dev", "train"],
    "udpos": ["dev", "train"],
    "xcopa": ["dev", "test"],
    "xnli": ["dev"],
    "xquad": ["test"],
}
UNSTATED = {  # by the catalogue
    "udpos": {"lt", "pl", "ro", "uk", "wo"},
    "tydiqa": {"bn", "ko"},  # 389 questions together
}
HERE = {("anli", "dev"): 3198}  # of 3,200: the third round's file holds 1,198 of 1,200
LABELLED = {("snli", "dev"): 9842, ("snli", "test"): 9824}  # of 10,000
UDPOS = {"ar": "Arabic", "en": "English", "fa": "Persian", "hi": "Hindi", "ja": "Japanese"}
UDPOS |= {"ko": "Korean", "mr": "Marathi", "te": "Telugu", "ur": "Urdu"}
UNREAD = (  # other uses, no gold, or behind a better release
    *("bucc2018/de-en", "bucc2018/fr-en", "bucc2018/ru-en", "ccg/", "text/bible/"),
    *("commonsenseqa/test", "klue/klue-sts", "rte/test", "official_samples/"),
    *("sib200/labels.txt", "tatoeba/README.md", "udpos_xtreme/test-"),
)
SPLIT = {"train": "train", "dev": "validation", "test": "test"}


def official(task, split, language, facts):
    """The release's figure for one language, and None where the facts have none."""
    code = get_task(task).files[0].codes.get(language, language)
    if task == "anli":
        return sum(facts["anli"]["plain_text"][f"{split}_r{n}"] for n in (1, 2, 3))
    if task in ("xnli", "tydiqa"):
        return None  # all languages together: below
    name, config, as_split = {
        "bucc2018": ("xtreme", f"bucc18.{code}", None),
        "commonsenseqa": ("commonsense_qa", "default", None),
        "copa": ("super_glue", "copa", None),
        "cosmosqa": ("cosmos_qa", "default", None),
        "hellaswag": ("hellaswag", "default", None),
        "lareqa": ("xquad_r", code, "validation"),
        "mlqa": ("xtreme", f"MLQA.{code}.{code}", None),
        "rte": ("glue", "rte", None),
        "siqa": ("social_i_qa", "default", None),
        "squad_v1": ("squad", "plain_text", None),
        "tatoeba": ("xtreme", f"tatoeba.{code}", "validation"),
        "udpos": ("xtreme", f"udpos.{UDPOS.get(language)}", None),
        "xcopa": ("xcopa", code, None),
        "xquad": ("xquad", f"xquad.{code}", "validation"),
    }.get(task, ("", "", None))
    return facts.get(name, {}).get(config, {}).get(as_split or SPLIT[split])


@pytest.mark.skipif(not DATA or not FACTS.is_file(), reason="no data folder with facts beside it")
def test_reader_catalogue_and_release_count_the_same_and_every_real_file_has_its_language():
    facts = json.loads(FACTS.read_text())
    wrong, compared = [], set()
    for state in check([get_task(name) for name in WHOLE], [ROOT]):
        place = task, split = state.task, state.split
        if split not in WHOLE[task] or state.state == "missing":
            continue
        if split == "train" and state.language != "en":
            continue  # only English training has a declared size
        declared = get_task(task).sizes.of(split, state.language)
        release = LABELLED.get(place, official(task, split, state.language, facts))
        if declared is None and state.language in UNSTATED.get(task, ()):
            continue
        if state.examples != HERE.get(place, declared) or release not in (None, declared):
            wrong.append((state, declared, release))
        compared.add(place)
    assert wrong == []
    assert compared == {(task, split) for task, splits in WHOLE.items() for split in splits}

    for task, split, unstated in (("xnli", "dev", 0), ("xnli", "test", 0), ("tydiqa", "dev", 389)):
        sizes = (get_task(task).sizes.of(split, code) for code in get_task(task).languages)
        together = facts["xtreme"]["XNLI" if task == "xnli" else task][SPLIT[split]]
        assert sum(size or 0 for size in sizes) + unstated == together, (task, split)

    found = {
        path
        for task in map(get_task, task_names())
        for split in task.splits
        for language in task.languages
        if (files := find(task, split, language, [ROOT]))
        for path in files.paths
    }
    with (ROOT / "MANIFEST.csv").open(encoding="utf-8", newline="") as file:
        listed = {row["file"] for row in csv.DictReader(file)}
    unread = {name for name in listed if ROOT / name not in found}
    assert {name for name in unread if not name.startswith(UNREAD)} == set()
