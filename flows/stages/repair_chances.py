"""Repair's model: how likely characters are in clean text. Counts and chances, trained by tests/benchmarks/train_repair.py."""

import gzip
import json
import math
import unicodedata
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

MODEL = Path(__file__).with_name("repair_model.json.gz")
ORDER = 5  # characters of an n-gram
SAME_SCRIPT = 5.0  # nats at most for a letter of the script that is being written: one of some hundred
UNIT = 100  # of a nat: a chance is stored as this many times its logarithm


class Model(NamedTuple):
    """Characters of clean text and how often they stood there; the chances of n-grams; punctuation by context; East Asian characters
    of genuine text."""

    letters: dict[str, int]
    grams: dict[str, int]  # chance of the last of two to five characters after the others
    backoffs: dict[str, int]  # by what an n-gram the file does not hold is less likely than without its first character, by what precedes
    slots: dict[str, dict[str, int]]
    genuine: dict[str, int]
    size: int
    genuine_size: int


@cache
def model() -> Model:
    raw = json.loads(gzip.decompress(MODEL.read_bytes()))
    return Model(**raw, size=sum(raw["letters"].values()), genuine_size=sum(raw["genuine"].values()))


# Letters and signs that the training data hold little or nothing of, as if seen this often: the Latin letters of Europe,
# Azerbaijani, currencies, combining marks.
KNOWN = {
    **dict.fromkeys("\u0300\u0301\u0302\u0303\u0308\u030a\u030c\u0323\u0327\u0331", 5),
    **dict.fromkeys("≈≤≥≠→←•·№™©®°²³½×", 20),
    **dict.fromkeys("áàâäãåæçéèêëíìîïñóòôöõøúùûüýþðßāąćďđėęěēğģīįıķłļńňņőœřśşťūůűųźżȘșȚț", 50),
    **dict.fromkeys("čšž", 100),
    **dict.fromkeys("ÁÀÂÄÃÅÆÇÉÈÊËÍÌÎÏÑÓÒÔÖÕØÚÙÛÜÝÞČĎĐĞİŁŐŘŚŠŞŤŮŰŻŽёіїєґўјљњћђџ", 20),
    **dict.fromkeys("£€−", 100),
    **dict.fromkeys("əƏ", 200),
}


@cache
def known() -> frozenset[str]:
    """The characters that the model has met, and what needs no meeting: ASCII, and U+FFFD."""
    return frozenset([*KNOWN, "\ufffd", *map(chr, range(0x80)), *(c for c, n in model().letters.items() if n > 1)])


def is_known(c: str) -> bool:
    return c in known()


def extra(c: str) -> float:
    """What a character counts beyond its occurrences: nothing is impossible."""
    if c in KNOWN:
        return KNOWN[c]
    if "\u0080" <= c <= "\u009f" or "\u0250" <= c <= "\u036f":
        return 0.0002
    category = unicodedata.category(c)
    if category in ("Cn", "Co", "Cs"):
        return 0.00001
    return 0.5 if category[0] == "L" and c < "\u2000" else 0.05


def chance(c: str) -> float:
    """Of a character, whatever stands before it."""
    return math.exp(log_chance(c))


@lru_cache(1 << 16)
def log_chance(gram: str) -> float:
    """Of the last character after the others, at most four: stored (as in ARPA files), or backed off from a shorter one."""
    m = model()
    if len(gram) == 1:
        return math.log((m.letters.get(gram, 0) + extra(gram)) / m.size)
    stored = m.grams.get(gram)
    return m.backoffs.get(gram[:-1], 0) / UNIT + log_chance(gram[1:]) if stored is None else stored / UNIT


def surprise(text: str, start: int) -> float:
    """In nats, of text[start:] after what stands before it."""
    return sum([gram_surprise(text[max(0, i - ORDER + 1) : i + 1]) for i in range(start, len(text))])


@lru_cache(1 << 15)
def gram_surprise(gram: str) -> float:
    """Of the last character after the others."""
    c, cost = gram[-1], -log_chance(gram)
    if c > "\u02ff" and len(gram) > 1 and ord(c) >> 7 == ord(gram[-2]) >> 7 and c.isalpha():
        return min(cost, SAME_SCRIPT)
    return cost


@lru_cache(1 << 15)
def genuine_surprise(c: str) -> float:
    """Of a character in East Asian text, or of any other character on its own."""
    if c < "\u2e80":
        return -log_chance(c)
    m = model()
    return -math.log((m.genuine.get(c, 0) + _standing(c)) / m.genuine_size)


@lru_cache(1 << 15)
def is_daily(c: str) -> bool:
    """Whether a character is in daily use in East Asia, as hardly one is that comes of damage."""
    return model().genuine.get(c, 0) > 0 or _standing(c) == 1.0


def _standing(c: str) -> float:
    # The first levels of the national sets hold the characters in daily use, the second level of GB 2312 3008 more.
    for encoding, first, count in (("gb2312", 0xD8, 1.0), ("shift_jis", 0x98, 1.0), ("big5", 0xC9, 1.0), ("gb2312", 0xFF, 0.1)):
        try:
            if c.encode(encoding)[0] < first:
                return count
        except UnicodeEncodeError:
            continue
    return 0.02
