"""Texts for the comparison of tokenizers: real ones of the project and seeded random ones of all of Unicode."""
import random
import unicodedata

SPECIAL_PLACES = [
    "\ufeff", "\u0085", "\u200b", "\u200d", "\u180e", "\u00a0", "\u2028", "\u2029", "\u3000", "\x00", "\x1c", "\x1f", "\x7f",
    "▁", "Ġ", "½", "²", "①", "٣", "１", "〇", "ſ", "\u212a", "ß", "ﬁ", "İ", "ı", "ς", "Σ", "Ǆ", "é", "e\u0301", "\u0301", "한", "\u1112\u1161\u11ab",
    "👩‍👩‍👧", "🇩🇪", "🍣", "👍🏽", "مرحبا", "שלום", "ไทย", "हिन्दी", "漢字", "かな", "カナ", "ー", "，", "。", "'s", "'S", "'ll", "'ſ", "n't", " .", " ?",
]
SPACES = [" ", "  ", "   ", "\n", "\n\n", "\r\n", "\r", "\t", " \n", "\n ", "        "]
WORDS = "the of and cat World HELLO don't 2024 3.14 100000 foo_bar getElementById x=1; /* */ https://a.b/c?d=e ... --- ###".split(" ")


def chars():
    """All assigned and some other code points, by plane."""
    return [chr(c) for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]


ALL = chars()
LETTERS = [c for c in ALL if unicodedata.category(c)[0] in "LMNPSZC"]
MARKS = [c for c in ALL if unicodedata.category(c)[0] == "M"]
LOW = [c for c in ALL if ord(c) < 0x3000]


def text(rng, tokens=()):
    """One random text of up to some 60 characters; `tokens` are quoted in some."""
    parts = []
    for _ in range(rng.randrange(0, 14)):
        kind = rng.random()
        if kind < 0.25:
            parts.append(rng.choice(WORDS))
        elif kind < 0.45:
            parts.append(rng.choice(SPACES))
        elif kind < 0.62:
            parts.append(rng.choice(SPECIAL_PLACES))
        elif kind < 0.72:
            parts.append("".join(rng.choice(LOW) for _ in range(rng.randrange(1, 4))))
        elif kind < 0.80:
            parts.append("".join(rng.choice(LETTERS) for _ in range(rng.randrange(1, 4))))
        elif kind < 0.86:
            parts.append(rng.choice("aeiounAZ漢") + "".join(rng.choice(MARKS) for _ in range(rng.randrange(1, 4))))
        elif kind < 0.92 and tokens:
            parts.append(rng.choice(tokens))
        else:
            parts.append(rng.choice([" ", ""]) + chr(rng.randrange(0x20, 0x7F)))
    return "".join(parts)


def texts(seed, count, tokens=()):
    rng = random.Random(seed)
    return [text(rng, tokens) for _ in range(count)]
