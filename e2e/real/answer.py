"""Python's answers to a list of jobs: answer.py JOBS.json ANSWERS.json. A kind of job is a function of KINDS."""
import json
import os
import sys

# The Rust library panics on some odd tokenizers, and would look up where for each.
os.environ["RUST_BACKTRACE"] = "0"

from tokenizers import Tokenizer


def places(text, offsets):
    """Offsets of code points as offsets of UTF-16 units."""
    units = [0]
    for char in text:
        units.append(units[-1] + (2 if ord(char) > 0xFFFF else 1))
    return [[units[start], units[end]] for start, end in offsets]


def encode(job):
    """Ids with and without special tokens, where each is from, and the text they decode to."""
    path = job["folder"]
    try:
        if job.get("auto"):
            from transformers import AutoTokenizer

            auto = AutoTokenizer.from_pretrained(path)
            tokenizer = auto.backend_tokenizer
        else:
            auto = None
            tokenizer = Tokenizer.from_file(f"{path}/tokenizer.json")
            tokenizer.no_padding()
            tokenizer.no_truncation()
    except BaseException as error:
        return {"refused": str(error)[:300]}
    ids = lambda text, special: auto(text, add_special_tokens=special)["input_ids"] if auto else tokenizer.encode(text, add_special_tokens=special).ids
    text_of = lambda ids, skip: (
        auto.decode(ids, skip_special_tokens=skip, clean_up_tokenization_spaces=False) if auto else tokenizer.decode(ids, skip_special_tokens=skip)
    )
    answers = []
    for text in job["texts"]:
        try:
            answers.append({"with": ids(text, True), "without": ids(text, False)})
        except BaseException as error:
            answers.append({"refused": str(error)[:300]})
            continue
        for name, skip in [("text", False), ("textOnly", True)]:
            # A decoder may panic on an empty list.
            try:
                answers[-1][name] = text_of(answers[-1]["with"], skip)
            except BaseException:
                answers[-1][name] = None
    # What a post-processor trims from the offsets belongs to the tokens nevertheless.
    from tokenizers.processors import TemplateProcessing

    tokenizer.post_processor = TemplateProcessing(single="$A", pair="$A $B", special_tokens=[])
    for text, answer in zip(job["texts"], answers):
        if "refused" in answer:
            continue
        try:
            answer["places"] = places(text, tokenizer.encode(text, add_special_tokens=False).offsets)
        except BaseException:
            answer["places"] = None
    return {"answers": answers}


TOKENIZERS = {}


def chat(job):
    """A rendered chat, its ids, and the places of those that are trained: each answer from the generation prompt on, to the
    token that ends its turn. `trained` is null where the template writes an answer otherwise inside a chat than at its end."""
    from transformers import AutoTokenizer

    path = job["folder"]
    if path not in TOKENIZERS:
        TOKENIZERS[path] = AutoTokenizer.from_pretrained(path)
    tokenizer = TOKENIZERS[path]
    messages, tools = job["messages"], job.get("tools")

    def render(count, prompt=False):
        try:
            return tokenizer.apply_chat_template(messages[:count], tools=tools, tokenize=False, add_generation_prompt=prompt)
        except Exception as error:
            return None

    text = render(len(messages))
    if text is None:
        return {"refused": True}
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    ids, offsets = encoded["input_ids"], encoded["offset_mapping"]
    special = {token.content for token in tokenizer.added_tokens_decoder.values() if token.special}
    ends = {i for i, token in enumerate(ids) if tokenizer.convert_ids_to_tokens(token) in special}
    trained = []
    for i, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        begun, done = render(i, True), text if i == len(messages) - 1 else render(i + 1)
        if begun is None or done is None or not text.startswith(begun) or not text.startswith(done):
            trained = None
            break
        span = [k for k, (start, end) in enumerate(offsets) if end > len(begun) and start < len(done)]
        last = max((k for k in span if k in ends), default=span[-1])
        trained += [k for k in span if k <= last]
    return {"text": text, "ids": ids, "trained": trained}


KINDS = {"encode": encode, "chat": chat}

if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        jobs = json.load(file)
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        for job in jobs:
            file.write(json.dumps(KINDS[job["kind"]](job)) + "\n")
