"""Probes what the libraries under Python's `tokenizers` know of Unicode, as JSON for unicode_tables.mjs:
.venv/bin/python e2e/real/unicode_tables.py | node e2e/real/unicode_tables.mjs"""
import json
import sys

from tokenizers import Regex
from tokenizers import normalizers as N
from tokenizers import pre_tokenizers as P

POINTS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
ALL = "".join(map(chr, POINTS))
CATEGORIES = "Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Co".split()


def ranges(points):
    made = []
    for point in points:
        if made and made[-1][1] == point - 1:
            made[-1][1] = point
        else:
            made.append([point, point])
    return made


def kept(pre_tokenizer):
    """The code points that a pre-tokenizer doesn't remove."""
    found = []
    for _, (start, end) in pre_tokenizer.pre_tokenize_str(ALL):
        found += POINTS[start:end]
    return ranges(found)


def matched(pattern):
    return kept(P.Split(Regex(pattern), "removed", invert=True))


def numeric():
    text = "".join("x" + chr(c) for c in POINTS)
    pieces = P.Digits(individual_digits=True).pre_tokenize_str(text + "x")
    return ranges([POINTS[start // 2] for _, (start, end) in pieces if end - start == 1 and start % 2 == 1])


def removed(normalizer):
    return ranges([c for c in POINTS if normalizer.normalize_str(chr(c)) == ""])


def forms():
    """What each form makes of single characters, and NFD of two strings that show whether it orders a mark."""
    made = {name: {c: r for c in POINTS if (r := form.normalize_str(chr(c))) != chr(c)} for name, form in [("NFC", N.NFC()), ("NFD", N.NFD()), ("NFKC", N.NFKC()), ("NFKD", N.NFKD())]}
    nfd = N.NFD()
    marks = [c for c in POINTS if 0x300 <= c < 0x20000 or 0xE0000 <= c < 0xE01F0]
    made["order"] = {c: [nfd.normalize_str("a\u0345" + chr(c)), nfd.normalize_str("a" + chr(c) + "\u0334")] for c in marks}
    return made


def scripted():
    """Code points that UnicodeScripts sets apart from Latin or from Cyrillic letters: they have a script there."""
    pre = P.UnicodeScripts()
    alone = lambda letter, c: len(pre.pre_tokenize_str(letter + chr(c))) > 1
    return ranges([c for c in POINTS if c != 0x20 and (alone("a", c) or alone("б", c))])


json.dump(
    {
        "categories": {name: matched(r"\p{%s}" % name) for name in CATEGORIES},
        **{name: matched(r"\p{%s}" % name) for name in ["Alphabetic", "Uppercase", "Lowercase"]},
        "numeric": numeric(),
        "notPunctuation": kept(P.Punctuation("removed")),
        "marks": removed(N.StripAccents()),
        "accents": removed(N.BertNormalizer(False, False, True, False)),
        "controls": removed(N.BertNormalizer(True, False, False, False)),
        "forms": forms(),
        "scripted": scripted(),
    },
    sys.stdout,
)
