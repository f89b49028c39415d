"""Names and figures of a text, so that they are the same in other words and other languages.

Names are compared by their consonants in Latin script, so that spelling, inflection and alphabet matter little (cf. Philips,
"Hanging on the Metaphone", 1990). Scripts without capital letters give figures only.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from anyascii import anyascii

UPPER = "".join(c for c in map(chr, range(0x2000)) if unicodedata.category(c) == "Lu")
NAME = re.compile(rf"[{UPPER}]\w+")
ENDS = '.!?…:;»”"“«—–-•*('  # a capital letter after one of these may begin a sentence
CALENDAR = frozenset(
    "january february march april may june july august september october november december "
    "monday tuesday wednesday thursday friday saturday sunday".split()
)
NUMBER = re.compile(r"\d{1,15}(?:[.,\u00a0\u202f ]\d{3}){0,4}(?:[.,]\d{1,2})?(?!\w)")
TITLE_CASE = 0.6  # share of capitalised words that makes a line a heading, which says nothing of which words are names
SIBILANTS = str.maketrans("çčć", "sss")
SOUNDS = [(re.compile(a), b) for a, b in (
    ("dzh|tsch|sch|tch|zh|sh|ch|ts|tz|c(?=[eiy])|j", "s"), ("ph|w|f", "v"), ("kh|gh|ck|[cgqhx]", "k"), ("th|d", "t"), ("p", "b"),
    ("z", "s"), ("(?<!^)[aeiouy]|[^a-z]", ""), ("^[aeiouy]", "a"), (r"(.)\1+", r"\1"),
)]  # fmt: skip


def said(text: str, language: str | None) -> set[str]:
    """The names in a text as `consonants`, and its figures as `#` and the number."""
    names = {consonants(name) for line in text.split("\n") for name in _names(line, language)}
    return {name for name in names if len(name) >= 3} | _figures(text)


@lru_cache(maxsize=100_000)
def consonants(name: str) -> str:
    """The consonants of a name in ten classes that survive transliteration, and whether it begins with a vowel."""
    sounds = anyascii(name.casefold().translate(SIBILANTS)).lower()
    for pattern, sound in SOUNDS:
        sounds = pattern.sub(sound, sounds)
    return sounds


def _names(line: str, language: str | None) -> Iterator[str]:
    """Capitalised words that do not begin a sentence. German writes every noun so: there only those beside another one count."""
    found = list(NAME.finditer(line))
    if not found or len(found) > TITLE_CASE * (line.count(" ") + 1):
        return
    for i, m in enumerate(found):
        before = line[max(0, m.start() - 3) : m.start()]
        if not before.strip() or before.rstrip()[-1] in ENDS or before[-1].isalnum() or before[-1] in "'’_" or m[0].casefold() in CALENDAR:
            continue
        beside = (i and found[i - 1].end() + 1 == m.start()) or (i + 1 < len(found) and m.end() + 1 == found[i + 1].start())
        if language != "de" or beside:
            yield m[0]


def _figures(text: str) -> set[str]:
    """Numbers that stand for something: no small ones, no years, none that counts on from the one before (lists)."""
    found = set()
    for m in NUMBER.finditer(text):
        if m.start() and (text[m.start() - 1].isalnum() or text[m.start() - 1] in "_.,"):
            continue
        whole, point, part = re.sub(r"[\s\u00a0\u202f]|[.,](?=\d{3}(?!\d))", "", m[0]).replace(",", ".").partition(".")
        number = int(whole)
        if point or not (number <= 12 or 1900 <= number <= 2100):
            found.add(f"#{number}{point}{part and int(part):0{len(part)}}" if point else f"#{number}")
    return {f for f in found if "." in f or len(f) > 3 or not {f"#{int(f[1:]) - 1}", f"#{int(f[1:]) + 1}"} & found}
