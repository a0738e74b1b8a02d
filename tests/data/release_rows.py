"""Rows as the releases write them, made up by us; and reading them without naming a task."""

import json

from xstilts.data.readers import read
from xstilts.tasks import get_task
from xstilts.tasks.spec import FileSet

GLUE = {"id": "pairID", "first": "sentence1", "second": "sentence2", "label": "gold_label"}
TASK_OF = {
    "glue_tsv": "mnli",
    "nli_jsonl": "mnli",
    "pair_tsv": "xnli",
    "xnli_tsv": "xnli",
    "squad_json": "squad_v2",
    "hellaswag_jsonl": "hellaswag",
    "cosmosqa_csv": "cosmosqa",
    "commonsenseqa_jsonl": "commonsenseqa",
    "ccg_auto": "ccg",
    "conllu": "udpos",
    "tagged_tsv": "panx",
    "tatoeba_lines": "tatoeba",
}
MNLI_HEAD = (
    "index\tpromptID\tpairID\tgenre\tsentence1_binary_parse\tsentence2_binary_parse\t"
    "sentence1_parse\tsentence2_parse\tsentence1\tsentence2\tlabel1\tgold_label\n"
)
XNLI_HEAD = "language\tgold_label\tsentence1\tsentence2\tpromptID\tpairID\tmatch\n"
COSMOS_HEAD = "id,context,question,answer0,answer1,answer2,answer3,label\r\n"
CONLLU = (
    "# newdoc id = d\n# sent_id = d-1\n# text = Vámonos.\n"
    "1-2\tVámonos\t_\t_\t_\t_\t_\t_\t_\tSpaceAfter=No\n"
    "1\tVamos\tir\tVERB\t_\t_\t0\troot\t_\t_\n"
    "2\tnos\tnosotros\tPRON\t_\t_\t1\tobj\t_\t_\n"
    "2.1\tya\tya\tADV\t_\t_\t_\t_\t_\t_\n"
    "3\t.\t.\tPUNCT\t_\t_\t1\tpunct\t_\t_\n\n"
    "1\t#\t#\tSYM\t_\t_\t0\troot\t_\t_\n\n"
    "# sent_id = d-3\n1\tSí\tsí\tINTJ\t_\t_\t0\troot\t_\t_\n"
)


def release(form):
    """A release in this format, as the catalogue declares it."""
    columns = GLUE if form == "glue_tsv" else {}
    return FileSet(format=form, folders=("x",), names={}, columns=columns)


def read_paths(form, paths, language="en", task=None):
    """All examples of ``paths``."""
    task = get_task(task or TASK_OF[form])
    return list(read(task, release(form), paths, "dev", language))


def mnli_row(pair, first, second, label, index=0):
    return f"{index}\t7\t{pair}\tfiction\t\t\t\t\t{first}\t{second}\t{label}\t{label}\n"


def squad(*questions, context="Die Mühle steht seit 1794 am Bach.", **more):
    paragraph = {"context": context, "qas": list(questions)}
    return {"version": 1.0, "data": [{"title": "Mühle", "paragraphs": [paragraph]}], **more}


def question(own, text="1794", start=21, **more):
    answers = [{"text": text, "answer_start": start}] if text is not None else []
    return {"id": own, "question": f"{own}?", "answers": answers, **more}


def hellaswag(**changes):
    row = {
        "ind": 24,
        "activity_label": "Sailing",
        "ctx_a": "A boat leaves.",
        "ctx_b": "it",
        "ctx": "A boat leaves. it",
        "split": "val",
        "split_type": "indomain",
        "label": 2,
        "endings": ["sinks.", "sings.", "sails.", "sleeps."],
        "source_id": "video~7",
    }
    return json.dumps({k: v for k, v in (row | changes).items() if v is not None})


def commonsense(own="c1", key="B", letters="ABCDE"):
    choices = [{"label": x, "text": f"thing {x}"} for x in letters]
    concept = {"question_concept": "thing", "choices": choices, "stem": f"Which is {own}?"}
    return json.dumps({"id": own, "answerKey": key, "question": concept})
