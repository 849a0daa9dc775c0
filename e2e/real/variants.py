"""Small tokenizer.json files for every component and option, seeded: `make(folder, seed, count)` writes them."""
import json
import os
import random

from tokenizers import Tokenizer, trainers

CORPUS = [
    "The quick brown fox jumps over the lazy dog. It's 2024, isn't it? We'll see: 3.14 and 1,000.",
    "def foo(bar):\n    return bar + 1  # 42\n\nprint(foo(41))\n",
    "Les élèves français mangent déjà des œufs à Noël; Größe, Straße, naïve, café.",
    "Съешь ещё этих мягких французских булок, да выпей чаю. Привет, мир!",
    "漢字とかなを混ぜた文章です。今日は天気がいいですね。東京タワー",
    "the cat and the dog in the house, the cats and the dogs. Hello, world! hello hello",
    "مرحبا بالعالم  שלום עולם  สวัสดี नमस्ते 안녕하세요 한국어",
    "½ ① ² ٣ １ x² m³ → ≠ © ™ € £5 $10",
] * 3

PATTERNS = [
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+",
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    r"[一-龥぀-ゟ゠-ヿ]+", r"\p{N}{1,3}", r"\p{Han}+|[^\p{Han}]+", r"\p{Hiragana}|\p{Katakana}+", r"\s+", r"\s", r"\S+", r"\d+", r"\d", r"\w+", r"\W+",
    r"[[:punct:]]+", r"[[:space:]]+", r"[[:alpha:]]+|[[:digit:]]", r"[^[:alnum:]\s]+", r"[\w&&[^\d_]]+", r"\b", r"\B", r"^", r"$", r"\A.", r".\z", r".\Z",
    r"(?m:.)", r".", r".+", r"\R", r"\h+", r"\H+", r"(?<=\s)\S", r"(?<!\p{L})\p{L}", r"(?=\p{Lu})", r"(?>a+)b|a", r"a*+b|[ab]", r"(?<name>e)", r"[A-Za-z]+",
    r"\p{^L}+", r"\P{L}+", r"\p{Alphabetic}+", r"\p{Upper}\p{Lower}*", "(?x: \\p{L} + # letters\n )", r"x{2,}|e{1,2}", r"[\[\]\-\\]", r"\u00e9|\x{e8}", r"[^\n]+", r"(?i)the", r"(?i:[k-t]+)", r"\p{Cyrillic}+|\p{Arabic}+", r" ?\p{Thai}+", r"\N+", r"(?:a|e)?+\p{L}",
    r"\p{Nd}+|\p{No}|\p{Nl}", r"\p{M}+", r"\p{So}|\p{Sc}|\p{Sm}|\p{Sk}", r"\p{Pd}|\p{Po}", r"\p{Cf}|\p{Cc}", r"\p{C}+", r"\p{Z}+", r"[\p{L}\p{M}]+", r"( |\n)+", r"$\n?", r"^ +",
]
STRINGS = [" ", "  ", "▁", "e", "th", ".", "\n", "é", "'", "漢", "a.b", "$"]
BEHAVIORS = ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"]


ATOMS = [
    "a", "e", "th", " ", ".", r"\.", r"\s", r"\S", r"\d", r"\w", r"\W", r"\p{L}", r"\p{Lu}", r"\p{N}", r"\P{N}", r"\p{M}", r"\p{P}", r"\p{Han}", r"\p{Latin}", r"\h",
    "[a-e]", "[^a-z]", r"[\s\d]", r"[^\s\p{L}]", "[[:upper:]x]", r"[\p{L}&&[^aeiou]]", r"[\r\n]", "é", "漢", "🍣", r"\n", r"\t", "'", r"\R", "[^[:^alpha:]]", r"[\w']", r"[\x{61}-\u0065]",
]


def random_pattern(rng, depth=0):
    """A pattern of Oniguruma's; whether it is a valid one is for the library to say."""
    parts = []
    for _ in range(rng.randrange(1, 4)):
        kind = rng.random()
        if kind < 0.65 or depth > 1:
            part = rng.choice(ATOMS)
        elif kind < 0.8:
            part = rng.choice(["(?:", "(", "(?>", "(?i:", "(?<x>", "(?m:"]) + random_pattern(rng, depth + 1) + ")"
        elif kind < 0.9:
            part = rng.choice(["(?=", "(?!", "(?<=", "(?<!"]) + rng.choice(ATOMS) + ")"
        else:
            part = rng.choice(["^", "$", r"\b", r"\B", r"\A", r"\z", r"\Z"])
        if rng.random() < 0.4:
            part += rng.choice(["*", "+", "?", "*?", "+?", "??", "*+", "++", "?+", "{2}", "{1,2}", "{2,}", "{,2}", "{1,3}+"])
        parts.append(part)
    whole = "".join(parts)
    return whole + "|" + random_pattern(rng, depth + 1) if rng.random() < 0.3 and depth < 2 else whole


def pattern(rng):
    kind = rng.random()
    if kind < 0.45:
        return {"Regex": rng.choice(PATTERNS)}
    return {"Regex": random_pattern(rng)} if kind < 0.75 else {"String": rng.choice(STRINGS)}


def normalizer(rng, depth=0):
    flag = lambda: rng.random() < 0.5
    kinds = [
        lambda: {"type": rng.choice(["NFC", "NFD", "NFKC", "NFKD"])},
        lambda: {"type": "Lowercase"},
        lambda: {"type": "Strip", "strip_left": flag(), "strip_right": flag()},
        lambda: {"type": "StripAccents"},
        lambda: {"type": "Prepend", "prepend": rng.choice(["▁", "▁▁", "x", "é"])},
        lambda: {"type": "Replace", "pattern": pattern(rng), "content": rng.choice(["▁", " ", "", "xy", "é", "漢"])},
        lambda: {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
        lambda: {"type": "Nmt"},
        lambda: {"type": "BertNormalizer", "clean_text": flag(), "handle_chinese_chars": flag(), "strip_accents": rng.choice([None, True, False]), "lowercase": flag()},
    ]
    if depth == 0:
        kinds += [lambda: {"type": "Sequence", "normalizers": [normalizer(rng, 1) for _ in range(rng.randrange(0, 4))]}] * 6
        kinds += [lambda: {"type": "ByteLevel"}]
        kinds += [lambda: {"type": "Precompiled", "precompiled_charsmap": charsmap(rng)}] * 2
    return rng.choice(kinds)()


def charsmap(rng):
    """A table of replacements as SentencePiece compiles it: a double-array trie, then the texts."""
    import base64
    import struct

    table = {}
    for key in ["ﬁ", "①", "½", "\u3000", "\u00a0", "\t", "e\u0301", "Ａ", "が", "か\u3099", "ﷺ", "\u200b", "é", "한", "a", "\r\n", "²"]:
        if rng.random() < 0.6:
            table[key.encode()] = rng.choice(["fi", "1", "1⁄2", " ", "", "é", "A", "か", "가나", "xyz", "x"]).encode()
    units = [0] * 4096
    used = {0}
    texts = b""
    offsets = {}
    for key in sorted(table):
        offsets[key] = len(texts)
        texts += table[key] + b"\0"

    def place(prefix, position):
        """Lays out the children of a node, whose unit is at `position`."""
        children = sorted({key[len(prefix)] for key in table if len(key) > len(prefix) and key.startswith(prefix)})
        leaf = prefix in table
        for base in range(1, 3800):
            slots = [base ^ child for child in children] + ([base] if leaf else [])
            if not any(slot in used for slot in slots):
                break
        used.update(slots)
        offset = position ^ base
        assert offset < 1 << 21
        units[position] |= offset << 10
        if leaf:
            units[position] |= 1 << 8
            units[base] = offsets[prefix] | 1 << 31
        for child in children:
            units[base ^ child] |= child
            place(prefix + bytes([child]), base ^ child)

    place(b"", 0)
    size = max(used) + 257
    blob = struct.pack("<I", size * 4) + struct.pack(f"<{size}I", *units[:size]) + texts
    return base64.b64encode(blob).decode()


def pre_tokenizer(rng, depth=0):
    flag = lambda: rng.random() < 0.5
    kinds = [
        lambda: {"type": "ByteLevel", "add_prefix_space": flag(), "trim_offsets": flag(), "use_regex": flag()},
        lambda: {"type": "Split", "pattern": pattern(rng), "behavior": rng.choice(BEHAVIORS), "invert": rng.random() < 0.3},
        lambda: {"type": "Split", "pattern": pattern(rng), "behavior": "Isolated", "invert": False},
        lambda: {"type": "Split", "pattern": pattern(rng), "behavior": rng.choice(BEHAVIORS), "invert": rng.random() < 0.3},
        lambda: {"type": "Digits", "individual_digits": flag()},
        lambda: {"type": "Metaspace", "replacement": rng.choice("▁▁▁_"), "prepend_scheme": rng.choice(["first", "always", "never"]), "split": flag()},
        lambda: {"type": "Metaspace", "replacement": "▁", "add_prefix_space": True},
        lambda: {"type": "Whitespace"},
        lambda: {"type": "WhitespaceSplit"},
        lambda: {"type": "Punctuation", "behavior": rng.choice(BEHAVIORS)},
        lambda: {"type": "BertPreTokenizer"},
        lambda: {"type": "CharDelimiterSplit", "delimiter": rng.choice(" ▁e漢")},
        lambda: {"type": "UnicodeScripts"},
        lambda: {"type": "FixedLength", "length": rng.randrange(1, 6)},
    ]
    if depth == 0:
        def sequence():
            steps = [pre_tokenizer(rng, 1) for _ in range(rng.randrange(1, 4))]
            if flag():
                steps.append({"type": "ByteLevel", "add_prefix_space": flag(), "trim_offsets": flag(), "use_regex": flag()})
            return {"type": "Sequence", "pretokenizers": steps}
        kinds += [sequence] * 10
    return rng.choice(kinds)()


def decoder(rng):
    sentencepiece = [
        {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
    ]
    return rng.choice([
        None,
        {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        {"type": "Sequence", "decoders": sentencepiece + [{"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
        {"type": "Sequence", "decoders": sentencepiece},
        {"type": "Metaspace", "replacement": "▁", "prepend_scheme": rng.choice(["first", "always", "never"]), "split": True},
        {"type": "WordPiece", "prefix": "##", "cleanup": rng.random() < 0.5},
        {"type": "BPEDecoder", "suffix": rng.choice(["</w>", "e"])},
        {"type": "Sequence", "decoders": [{"type": "ByteFallback"}, {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}]},
        {"type": "Sequence", "decoders": [{"type": "Fuse"}, {"type": "Replace", "pattern": pattern(rng), "content": rng.choice(["", " ", "xy"])}]},
        {"type": "Strip", "content": rng.choice(" ea"), "start": rng.randrange(0, 3), "stop": 0},
    ])


TOKENS = ["<s>", "</s>", "<pad>", "<|im_start|>", "<|im_end|>", "[MASK]", "the", "The", "▁▁", "  ", "<tok>", "é", "E", "cat", "ĠĠ", "漢字", "\n\n", "<0x0A>", "'s", "<|im", "½"]


def added_tokens(rng, normal):
    """Some added tokens; none that its normalizer makes empty, with which the library takes all memory there is."""
    flag = lambda share: rng.random() < share
    steps = Tokenizer.from_str(json.dumps({"version": "1.0", "added_tokens": [], "normalizer": normal, "model": {"type": "BPE", "vocab": {}, "merges": []}})).normalizer
    contents = [content for content in TOKENS if steps is None or steps.normalize_str(content) != ""]
    return [
        {"id": 0, "content": content, "single_word": flag(0.2), "lstrip": flag(0.2), "rstrip": flag(0.2), "normalized": flag(0.4), "special": flag(0.6)}
        for content in rng.sample(contents, rng.randrange(0, min(7, len(contents) + 1)))
    ]


def post_processor(rng, json_model):
    ids = [i for i in range(3)]
    special = {"<a>": {"id": "<a>", "ids": [ids[0]], "tokens": ["<a>"]}, "<b>": {"id": "<b>", "ids": ids[1:], "tokens": ["<b>", "<c>"]}}
    text = {"Sequence": {"id": "A", "type_id": 0}}
    piece = lambda name: {"SpecialToken": {"id": name, "type_id": 0}}
    template = lambda single: {"type": "TemplateProcessing", "single": single, "pair": [text, {"Sequence": {"id": "B", "type_id": 1}}], "special_tokens": special}
    byte_level = {"type": "ByteLevel", "add_prefix_space": rng.random() < 0.5, "trim_offsets": rng.random() < 0.5, "use_regex": True}
    return rng.choice([
        None,
        byte_level,
        template([piece("<a>"), text]),
        template([piece("<a>"), text, piece("<b>")]),
        template([text, piece("<b>")]),
        {"type": "BertProcessing", "sep": ["<b>", 1], "cls": ["<a>", 0]},
        {"type": "RobertaProcessing", "sep": ["<b>", 1], "cls": ["<a>", 0], "trim_offsets": True, "add_prefix_space": False},
        {"type": "Sequence", "processors": [byte_level, template([piece("<a>"), text])]},
    ])


def model(rng, normal, pre):
    """A model trained on the corpus behind the given steps, then with its options changed."""
    kind = rng.choice(["BPE", "BPE", "BPE", "Unigram", "WordPiece", "WordLevel"])
    flag = lambda share: rng.random() < share
    empty = {
        "BPE": {"type": "BPE", "vocab": {}, "merges": []},
        "Unigram": {"type": "Unigram", "vocab": [["<unk>", 0.0]], "unk_id": 0},
        "WordPiece": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100, "vocab": {"[UNK]": 0}},
        "WordLevel": {"type": "WordLevel", "unk_token": "[UNK]", "vocab": {"[UNK]": 0}},
    }[kind]
    tokenizer = Tokenizer.from_str(json.dumps({"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": normal, "pre_tokenizer": pre, "post_processor": None, "decoder": None, "model": empty}))
    size = rng.randrange(150, 500)
    unk = ["[UNK]"]
    affixes = {}
    if kind == "BPE":
        alphabet = []
        if flag(0.6):
            from tokenizers.pre_tokenizers import ByteLevel
            alphabet = ByteLevel.alphabet()
        if flag(0.15):
            affixes = {"continuing_subword_prefix": "##"}
        if flag(0.15):
            affixes["end_of_word_suffix"] = "</w>"
        trainer = trainers.BpeTrainer(vocab_size=size + 300, special_tokens=unk, initial_alphabet=alphabet, show_progress=False, **affixes)
    elif kind == "Unigram":
        trainer = trainers.UnigramTrainer(vocab_size=size, special_tokens=["<unk>"], unk_token="<unk>", show_progress=False)
    elif kind == "WordPiece":
        trainer = trainers.WordPieceTrainer(vocab_size=size, special_tokens=unk, show_progress=False)
    else:
        trainer = trainers.WordLevelTrainer(vocab_size=size, special_tokens=unk, show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    made = json.loads(tokenizer.to_str())["model"]
    bytes_ = [f"<0x{byte:02X}>" for byte in range(256)]
    if kind == "BPE":
        # What becomes of the bytes of an affix is known for no model.
        if flag(0.4) and not affixes:
            for token in bytes_[: rng.choice([256, 256, 200])]:
                made["vocab"].setdefault(token, len(made["vocab"]))
            made["byte_fallback"] = True
        made["unk_token"] = rng.choice([None, "[UNK]"])
        made["fuse_unk"] = flag(0.5)
        made["ignore_merges"] = flag(0.3)
        if flag(0.4):
            made["merges"] = [" ".join(pair) for pair in made["merges"] if not any(" " in part for part in pair)]
        if flag(0.1):
            made["dropout"] = rng.choice([0.0, 0.1])
        # Drops some characters, so that there are unknown ones.
        if flag(0.4) and not affixes:
            parts = {part for pair in made["merges"] for part in (pair.split(" ") if isinstance(pair, str) else pair)}
            joined = {"".join(pair.split(" ") if isinstance(pair, str) else pair) for pair in made["merges"]}
            kept = [t for t in made["vocab"] if t in parts or t in joined or len(t) != 1 or flag(0.6)]
            made["vocab"] = {token: i for i, token in enumerate(kept)}
    elif kind == "Unigram":
        if flag(0.5):
            known = {token for token, _ in made["vocab"]}
            made["vocab"] += [[token, 0.0 if flag(0.5) else -3.0] for token in bytes_ if token not in known]
            made["byte_fallback"] = True
        if flag(0.15):
            made["unk_id"] = None
        if flag(0.2):
            made["vocab"] += [["<unk><unk>", -1.0], made["vocab"][5]]
    elif kind == "WordPiece":
        made["max_input_chars_per_word"] = rng.choice([5, 100])
    return made


def make(folder, seed, count):
    """Writes `count` folders with a tokenizer.json each; returns their paths."""
    made = []
    number = 0
    while len(made) < count:
        rng = random.Random(f"{seed}/{number}")
        number += 1
        normal = normalizer(rng) if rng.random() < 0.6 else None
        pre = pre_tokenizer(rng) if rng.random() < 0.85 else None
        try:
            trained = model(rng, normal, pre)
        except BaseException:
            # The library's trainers refuse some combinations.
            continue
        whole = {
            "version": "1.0", "truncation": None, "padding": None, "added_tokens": added_tokens(rng, normal),
            "normalizer": normal, "pre_tokenizer": pre, "post_processor": post_processor(rng, trained),
            "decoder": decoder(rng), "model": trained,
        }
        path = os.path.join(folder, f"variant-{number - 1}")
        os.makedirs(path)
        with open(os.path.join(path, "tokenizer.json"), "w", encoding="utf-8") as file:
            json.dump(whole, file, ensure_ascii=False)
        made.append(path)
    return made
