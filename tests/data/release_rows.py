"""Rows as the releases write them, made up by us; and reading them without naming a task."""

import json

from xstilts.data.readers import read
from xstilts.tasks import get_task

TASK_OF = {
    "aligned_lines": "ntrex",
    "bucc_lines": "bucc2018",
    "ccg_auto": "ccg",
    "commonsenseqa_jsonl": "commonsenseqa",
    "conllu": "udpos",
    "csv": "cosmosqa",
    "glue_tsv": "mnli",
    "hellaswag_jsonl": "hellaswag",
    "json": "klue_nli",
    "jsonl": "siqa",
    "mewslix_jsonl": "mewslix",
    "mewslix_pairs": "mewslix_pairs",
    "nli_jsonl": "mnli",
    "pair_tsv": "xnli",
    "qqp_tsv": "qqp",
    "squad_json": "squad_v2",
    "squad_sentences": "squad_v1_retrieval",
    "supertag_conllu": "ud_supertags",
    "tagged_spaced": "masakhaner2",
    "tagged_tsv": "panx",
    "tatoeba_lines": "tatoeba",
    "xnli_tsv": "xnli",
    "xquadr_json": "lareqa",
}
OF_USERS = {"dictionary_tsv"}  # of no release: test_dictionary.py
MNLI_HEAD = (
    "index\tpromptID\tpairID\tgenre\tsentence1_binary_parse\tsentence2_binary_parse\t"
    "sentence1_parse\tsentence2_parse\tsentence1\tsentence2\tlabel1\tgold_label\n"
)
QQP_HEAD = "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n"
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


def release(form, task=None):
    """The first release in this format, as the catalogue declares it."""
    return next(f for f in get_task(task or TASK_OF[form]).files if f.format == form)


def read_paths(form, paths, language="en", task=None):
    """All examples of ``paths``."""
    name = task or TASK_OF[form]
    return list(read(get_task(name), release(form, name), paths, "dev", language))


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


def siqa(**changes):
    row = {"context": "Ida baked bread.", "question": "What will Ida do next?"}
    row |= {"answerA": "eat it", "answerB": "bury it", "answerC": "sue it", "correct": "A"}
    return json.dumps(row | changes, ensure_ascii=False)


def copa(own, label=0, question="cause", premise="The mill stood still."):
    row = {"premise": premise, "choice1": "The wind fell.", "choice2": "Ida sang."}
    return json.dumps(row | {"question": question, "label": label, "idx": own, "changed": False})


def klue(own="klue-nli-v1_dev_00000", label="entailment", **more):
    row = {"guid": own, "source": "wikitree", "premise": "물레방아가 돈다.", "hypothesis": "돈다."}
    return row | {"gold_label": label, "author": label, "label2": label} | more


SENTENCES = ("The mill is old.", "It burnt in 1794.", "It burnt in 1794.")


def xquad_r(*questions, sentences=SENTENCES, **more):
    """One paragraph of XQuAD-R; its sentences are separated by a space."""
    breaks, start = [], 0
    for sentence in sentences:
        breaks.append([start, start + len(sentence)])
        start += len(sentence) + 1
    paragraph = {"context": " ".join(sentences), "qas": list(questions)}
    paragraph |= {"sentence_breaks": breaks, "sentences": list(sentences)} | more
    return {"data": [{"title": "Mill", "paragraphs": [paragraph]}], "version": "1.1"}


ARTICLE = "Old news.\nThe verdict for {Ida} Ruiz  came. She left."


def mewsli_mention(language="en", text=ARTICLE, first=32, last=36, said="Ruiz", **more):
    context = {"document_id": f"{language}-1", "document_title": "News", "language": language}
    context |= {"document_url": "u", "section_title": "", "text": text}
    context["sentence_spans"] = [{"start": 10, "end": 43}, {"start": 44, "end": 53}]
    span = {"start": first, "end": last, "text": said}
    mention = {"example_id": f"{language}-7", "entity_id": "Q5", "mention_span": span}
    return json.dumps({"context": context, "mentions": [mention]} | more)


def mewsli_entity(own="Q5", description="Ida Ruiz  is a judge. She sings."):
    spans = [{"start": 0, "end": 21}, {"start": 22, "end": len(description)}]
    row = {"entity_id": own, "title": "Ida Ruiz", "description": description}
    row |= {"description_url": "u", "description_language": "es", "sentence_spans": spans}
    return json.dumps(row)


def mewsli_pair(mention=None, entity=None, **more):
    """A training pair of Mewsli-X: the first mention of an article, and an entity."""
    row = json.loads(mention or mewsli_mention())
    linked = {"context": row["context"], "mention": row["mentions"][0]}
    return json.dumps(
        {"contextual_mention": linked, "entity": json.loads(entity or mewsli_entity())} | more
    )


BUCC = (
    "zh-000000001\t磨坊很旧。\nzh-000000002\t它烧毁了。\nzh-000000003\t没有人。\n",
    "en-000000001\tNobody sang.\nen-000000002\tThe mill is old.\n",
    "zh-000000001\ten-000000002\n",
)
TREE = (
    "# sent_id = t-1\n"
    "1\tIda\tIda\tPROPN\t_\t_\t3\tnsubj\t_\t_\n"
    "2\tsurely\tsurely\tADV\t_\t_\t3\tadvmod:emph\t_\t_\n"
    "3\tgave\tgive\tVERB\t_\t_\t0\troot\t_\t_\n"
    "4\tme\tI\tPRON\t_\t_\t3\tiobj\t_\t_\n"
    "5\tbread\tbread\tNOUN\t_\t_\t3\tobj\t_\t_\n\n"
)
CCG = (
    "ID=wsj_0001.1 PARSER=GOLD NUMPARSE=1\n"
    "(<T S[dcl] 1 2> (<L NP NNP NNP Ida NP>) (<L S[dcl]\\NP VBD VBD sang S[dcl]\\NP_1>) )\n"
)


def one_of_each():
    """A small sound release in every format: the contents of its files."""
    return {
        "aligned_lines": ("n:1\tKwaheri.\nn:2\tNdiyo.\n", "n:1\tBye.\nn:2\tYes.\n"),
        "bucc_lines": BUCC,
        "ccg_auto": (CCG,),
        "commonsenseqa_jsonl": (commonsense() + "\n" + commonsense("c2"),),
        "conllu": (CONLLU,),
        "csv": (COSMOS_HEAD + 'b1,"He ""went"", so .\nThen",Why ?,a,"b, c",d,e,1\r\n',),
        "glue_tsv": (MNLI_HEAD + mnli_row("1e", "One.", "Two.", "entailment"),),
        "hellaswag_jsonl": (hellaswag() + "\n" + hellaswag(ind=25),),
        "json": (json.dumps([klue(), klue("b", "neutral")], indent=1, ensure_ascii=False),),
        "jsonl": (siqa() + "\n" + siqa(correct="C") + "\n",),
        "mewslix_jsonl": (mewsli_mention(), mewsli_entity() + "\n" + mewsli_entity("Q6")),
        "mewslix_pairs": (mewsli_pair() + "\n" + mewsli_pair(mewsli_mention("de")),),
        "nli_jsonl": (
            json.dumps(
                {"pairID": "1", "sentence1": "a", "sentence2": "b", "gold_label": "neutral"}
            ),
        ),
        "pair_tsv": ("A.\tB.\tneutral\r\nC.\tD.\tentailment\r\n",),
        "qqp_tsv": (QQP_HEAD + "5\t1\t2\tHow old is it?\tWhat is its age?\t1\n",),
        "squad_json": (json.dumps(squad(question("q1"), question("q2"))),),
        "squad_sentences": (json.dumps(squad(question("q1"), question("q2"))),),
        "supertag_conllu": (TREE,),
        "tagged_spaced": ("Ida B-PER\nsang O\n\nMei B-DATE\n. O\n",),
        "tagged_tsv": ("Ida\tB-PER\nsang\tO\n\nFaro\tB-LOC\n",),
        "tatoeba_lines": ("Kwaheri.\nNdiyo.\n", "Bye.\nYes.\n"),
        "xnli_tsv": (XNLI_HEAD + "en\tneutral\tIt was cold.\tIt snowed.\t1\t1\tTrue\n",),
        "xquadr_json": (json.dumps(xquad_r(question("q1", "1794", 29))),),
    }
