"""graft evaluate, compared with rouge_score, sacrebleu, SQuAD's rules, transformers' generate and lm-evaluation-harness.

evaluation.py make FOLDER writes rows and questions; Graft scores them with the starter model (graft.mjs); evaluation.py
check MODEL FOLDER computes the same with the libraries.
"""

import contextlib
import io
import json
import os
import re
import string
import sys
from pathlib import Path

os.environ["TQDM_DISABLE"] = "1"
os.environ["HF_DATASETS_OFFLINE"] = "1"

# Log-likelihoods are sums of float32 numbers.
LIKELIHOOD_TOLERANCE = 1e-4
SCORE_TOLERANCE = 1e-9
NEW_TOKENS = 24

ROWS = [
    ("What is the opposite of big?", "The opposite of big is small."),
    ("Goodbye!", "Goodbye!  See you, soon."),
    ("Who is Pip?", "Pip is an owl; he is the watchman (of the tower)."),
    ("What food does Gus like?", "apples"),
    ("Hello", "你好，世界！"),
    ("Count to three.", "one two three"),
    ("What sound does a cow make?", "A cow says “Moo”."),
    ("Tell me about Zip.", "Zip\nis the\trobot's friend"),
]

ARC = [
    {
        "question": "What does Gus eat?",
        "choices": {"text": ["apples", "old stones and houses", "a clock"], "label": ["A", "B", "C"]},
        "answerKey": "A",
    },
    {
        "question": "Which one can fly?",
        "choices": {"text": ["a very big house", "an owl", "the river", "rain"], "label": ["1", "2", "3", "4"]},
        "answerKey": "2",
    },
    {
        "question": "The opposite of old is",
        "choices": {"text": ["new", "old", "opposite", "is"], "label": ["A", "B", "C", "D"]},
        "answerKey": "A",
    },
]

MMLU = [
    {"question": " Which is more? ", "choices": ["one", "two", "zero", "none"], "answer": 1, "subject": "small_numbers"},
    {"question": "Who is an owl?", "choices": ["Gus", "Pip", "Zip", "Momo"], "answer": 1, "subject": "small_numbers"},
]

# Examples from a file of their own; enough that Python draws from a set.
SHOTS = [
    {
        "question": f"What comes after {i}?",
        "choices": {"text": [str(i + 1), "an owl"], "label": ["A", "B"]},
        "answerKey": "AB"[i % 2],
    }
    for i in range(40)
]


def lines(rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def make(folder: Path):
    folder.mkdir(parents=True, exist_ok=True)
    rows = [{"prompt": prompt, "completion": completion} for prompt, completion in ROWS]
    (folder / "rows.jsonl").write_text(lines(rows), "utf-8")
    (folder / "arc.jsonl").write_text(lines(ARC), "utf-8")
    (folder / "mmlu.jsonl").write_text(lines(MMLU), "utf-8")
    (folder / "shots.jsonl").write_text(lines(SHOTS), "utf-8")


def report(name, ok, detail=""):
    print(f"{'ok' if ok else 'FAIL'} evaluate: {name}{'' if ok else f': {detail}'}")


def squad_normalized(text):
    """normalize_answer of SQuAD's evaluate-v1.1.py."""
    text = "".join(ch for ch in text.lower() if ch not in set(string.punctuation))
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", text).split())


def check_answers(model_path: str, folder: Path):
    import torch
    from rouge_score import rouge_scorer
    from sacrebleu.metrics import CHRF
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model_path)
    model = AutoModelForCausalLM.from_pretrained(model_path, dtype=torch.float32)
    rouge = rouge_scorer.RougeScorer(["rougeL"], use_stemmer=False)
    chrf = CHRF()
    made = json.loads((folder / "rows.json").read_text("utf-8"))
    by_line = {row["line"]: row for row in made["rows"]}
    sums = {}
    for line, (prompt, expected) in enumerate(ROWS, 1):
        system = by_line[line]["systems"][0]
        chat = [{"role": "user", "content": prompt}]
        ids = tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_tensors="pt", return_dict=True)
        out = model.generate(**ids, do_sample=False, max_new_tokens=NEW_TOKENS)
        answer = tokenizer.decode(out[0, ids["input_ids"].shape[1] :], skip_special_tokens=True)
        report(f"row {line} is answered as by transformers", system["answer"] == answer, f"{system['answer']!r}, {answer!r}")
        scores = {
            "exact": float(squad_normalized(answer) == squad_normalized(expected)),
            "contains": float(squad_normalized(expected) in squad_normalized(answer)),
            "rouge-l": rouge.score(expected, answer)["rougeL"].fmeasure,
            "chrf": chrf.sentence_score(answer, [expected]).score,
        }
        for name, value in scores.items():
            found = system["scores"][name]
            sums[name] = sums.get(name, 0) + value
            report(f"row {line}, {name}", abs(found - value) <= SCORE_TOLERANCE * max(1, value), f"{found}, {value}")
    for name, total in sums.items():
        found = made["systems"][0]["figures"][name]
        report(f"mean {name}", abs(found - total / len(ROWS)) <= SCORE_TOLERANCE * 100, f"{found}, {total / len(ROWS)}")


def task(name, file, context, choices, target, description="", shots=0, shots_from=None, sampler="default"):
    """As the task's file in lm_eval/tasks, on a local file."""
    files = {"test": str(file), **({"train": str(shots_from)} if shots_from else {})}
    return {
        "task": name,
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": files},
        "test_split": "test",
        "fewshot_split": "train" if shots_from else "test",
        "fewshot_config": {"sampler": sampler},
        "num_fewshot": shots,
        "output_type": "multiple_choice",
        "description": description,
        "doc_to_text": context,
        "doc_to_choice": choices,
        "doc_to_target": target,
        "metric_list": [{"metric": name, "aggregation": "mean", "higher_is_better": True} for name in ("acc", "acc_norm")],
    }


def check_choices(model_path: str, folder: Path):
    from lm_eval import simple_evaluate
    from lm_eval.models.huggingface import HFLM

    options = "".join(f"{letter}. {{{{choices[{i}]}}}}\n" for i, letter in enumerate("ABCD"))
    arc = (
        folder / "arc.jsonl",
        "Question: {{question}}\nAnswer:",
        "{{choices.text}}",
        "{{choices.label.index(answerKey)}}",
    )
    mmlu = (
        folder / "mmlu.jsonl",
        "{{question.strip()}}\n" + options + "Answer:",
        ["A", "B", "C", "D"],
        "answer",
        "The following are multiple choice questions (with answers) about small numbers.\n\n",
    )
    tasks = [
        task("arc", *arc),
        task("arc-own", *arc, shots=2),
        task("arc-other", *arc, shots=3, shots_from=folder / "shots.jsonl"),
        task("mmlu", *mmlu),
        task("mmlu-own", *mmlu, shots=1, sampler="first_n"),
    ]
    # Its progress is no result.
    with contextlib.redirect_stderr(io.StringIO()):
        lm = HFLM(pretrained=model_path, dtype="float32", device="cpu", batch_size=2)
        results = simple_evaluate(model=lm, tasks=tasks, log_samples=True, bootstrap_iters=0, cache_requests=False)
    for name in ("arc", "arc-own", "arc-other", "mmlu", "mmlu-own"):
        made = json.loads((folder / f"{name}.json").read_text("utf-8"))
        by_line = {row["line"]: row["systems"][0] for row in made["rows"]}
        for sample in results["samples"][name]:
            line = sample["doc_id"] + 1
            expected = [float(likelihood) for likelihood, _ in sample["filtered_resps"]]
            found = by_line[line]["logLikelihoods"]
            worst = max(abs(a - b) for a, b in zip(found, expected, strict=True))
            report(f"{name} {line}, log-likelihoods", worst <= LIKELIHOOD_TOLERANCE, f"{found}, {expected}")
            for metric in ("acc", "acc_norm"):
                report(f"{name} {line}, {metric}", by_line[line]["scores"][metric] == sample[metric], sample[metric])
        for metric in ("acc", "acc_norm"):
            value = results["results"][name][f"{metric},none"]
            found = made["systems"][0]["figures"][metric]
            report(f"{name}, {metric}", abs(found - value) < SCORE_TOLERANCE, f"{found}, {value}")


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(Path(sys.argv[2]))
    else:
        check_answers(sys.argv[2], Path(sys.argv[3]))
        check_choices(sys.argv[2], Path(sys.argv[3]))
