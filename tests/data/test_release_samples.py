"""The first examples of the releases themselves, where they are at hand."""

import os
from pathlib import Path

import pytest

from xstilts.data.readers import read
from xstilts.tasks import get_task

DATA = os.environ.get("XSTILTS_DATA")
SAMPLES = [
    ("glue/mnli/1.0.0/MNLI/train.tsv", "mnli", 0, "en", 3),
    ("glue/mnli/1.0.0/MNLI/dev_matched.tsv", "mnli", 0, "en", 2),
    ("glue/qqp/1.0.0/QQP/train.tsv", "qqp", 0, "en", 3),
    ("hellaswag/0.1.0/hellaswag_train.jsonl", "hellaswag", 0, "en", None),
    ("hellaswag/0.1.0/hellaswag_val.jsonl", "hellaswag", 0, "en", None),
    ("squad_v2/squad_v2/2.0.0/train-v2.0.json", "squad_v2", 0, "en", 2),
    ("squad_v2/squad_v2/2.0.0/dev-v2.0.json", "squad_v2", 0, "en", 2),
    ("xtreme/XQuAD.ar/1.0.0/xquad.ar.json", "xquad", 0, "ar", 4),
    ("xnli/plain_text/1.0.0/XNLI-1.0/xnli.test.tsv", "xnli", 1, "ar", None),
    ("xnli/all_languages/1.1.0/XNLI-1.0.zip/XNLI-1.0/xnli.dev.tsv", "xnli", 1, "sw", 1),
    ("paws-x/de/1.1.0/x-final.tar.gz/x-final/de/dev_2k.tsv", "pawsx", 1, "de", None),
    ("paws-x/ko/1.1.0/x-final.tar.gz/x-final/ko/translated_train.tsv", "pawsx", 2, "ko", None),
    ("anli/plain_text/0.1.0/anli_v0.1/R1/train.jsonl", "anli", 0, "en", 3),
    ("commonsense_qa/0.1.0/train_rand_split.jsonl", "commonsenseqa", 0, "en", 5),
    ("cosmos_qa/0.1.0/train.csv", "cosmosqa", 0, "en", 2),
    ("mlqa/mlqa.en.en/1.0.0/MLQA_V1/test/test-context-en-question-en.json", "mlqa", 1, "en", 1),
    ("tydiqa/secondary_task/1.0.0/tydiqa-goldp-v1.1-dev.json", "tydiqa", 0, "ar", None),
]


@pytest.mark.skipif(not DATA, reason="XSTILTS_DATA names no data folder")
@pytest.mark.parametrize("name, task, files, language, count", SAMPLES, ids=lambda x: str(x)[-40:])
def test_first_rows_of_the_releases_are_read(name, task, files, language, count):
    path = Path(str(DATA)) / "official_samples" / name
    if not path.exists():
        pytest.skip(f"{name} is not in the data folder")
    task = get_task(task)
    rows = list(read(task, task.files[files], [path], "dev", language))
    assert rows and len({r.id for r in rows}) == len(rows)
    assert count is None or len(rows) == count
