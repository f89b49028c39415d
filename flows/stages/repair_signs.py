"""Which characters of a text concern which step of repair. Most text holds none, and is passed over at memory speed."""

import re
from functools import cache, lru_cache, reduce
from itertools import compress
from operator import or_
from typing import NamedTuple

import numpy as np

from flows.stages.repair_codecs import NARROW, WIDE, narrow_signs, shown, wide_leads

# What no step looks at, but for references such as &amp;.
PLAIN = bytes((9, 10, *range(0x20, 0x7F)))
PLAIN_OR_HIGH = PLAIN + bytes(range(0x80, 0x100))
TO_SPACE = bytes(0x20 if b < 0x80 else b for b in range(0x100))
NON_ASCII = re.compile(r"[^\x00-\x7f]+")
# A text of at most so many characters, few of them not ASCII (counted in bytes beyond one, and against all), is looked at run by
# run: the same few come again and again.
LONG, FEW, FEW_OF = 1 << 15, 1 << 10, 4
STRETCH = 1 << 12  # characters of any other looked at together: most stretches of a page are plain

# Beyond what is damage by a codec, ftfy sees C1 controls, and a lead byte whose no-break space became a space.
LATIN_1 = re.compile("[\x80-\x9f]|[ÃÂ](?![A-Za-z])")
NARROW_BITS = 0xFF00
WIDE_LEAD, LATIN, LINE_END, UNSEEN, BIDI, COMBINING, FOLLOWING, FIRST = (1 << i for i in range(8))
ALL_SIGNS = FOLLOWING - 1  # FIRST and FOLLOWING are none alone: with codecs of one byte per character, UTF-8 shows as one and the others
_UNSEEN = (0, 9), (0x0B, 0x20), (0x7F, 0xA0), (0xAD, 0xAE), (0x200B, 0x200E), (0x2060, 0x2070), (0xFEFF, 0xFF00), (0xFFF9, 0xFFFC)
SIGNS = {
    LATIN: "".join(map(chr, range(0x80, 0xA0))) + "ÃÂ",
    LINE_END: "\r\x0b\x0c\u2028\u2029",
    UNSEEN: "".join(chr(c) for a, b in _UNSEEN for c in range(a, b)),
    BIDI: "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
    COMBINING: "".join(map(chr, range(0x300, 0x370))),
}


class Signs(NamedTuple):
    """What concerns a step in a text. Where it was looked at by stretches, `at` is where its signs are, `signs` which, and `shown`
    where characters of UTF-8 begin as codecs show them."""

    text: str
    kinds: int  # the signs there are
    narrow: int  # a bit for each codec of one byte per character that shows characters of UTF-8
    at: np.ndarray | None = None
    signs: np.ndarray | None = None
    shown: list[int] | None = None

    def places(self, kind: int) -> list[int]:
        """Where signs of a kind are."""
        if not self.kinds & kind:
            return []
        if self.at is None or self.signs is None:
            return [m.start() for m in _finder(kind).finditer(self.text)]
        return self.at[self.signs & kind != 0].tolist()

    def codecs(self) -> list[str]:
        """The codecs that show characters of UTF-8, or may."""
        return [WIDE] * bool(self.kinds & WIDE_LEAD) + [codec for i, codec in enumerate(NARROW) if self.narrow >> i & 1]

    def damage(self) -> list[int]:
        """Where codecs show characters of UTF-8, or the wide one may, or ftfy may see something."""
        if not (self.narrow or self.kinds & (WIDE_LEAD | LATIN)):
            return []
        if self.shown is None:
            return [m.start() for m in NON_ASCII.finditer(self.text) if _shows(m)]
        latin = [i for i in self.places(LATIN) if LATIN_1.match(self.text, i)]
        wide = self.places(WIDE_LEAD)
        return sorted({*latin, *self.shown, *wide}) if latin or wide else self.shown


NOTHING = Signs("", 0, 0)


def signs_of(text: str) -> Signs:
    """NOTHING where there are none."""
    if len(text) > LONG:
        return _signs_of_stretches(text)
    data = text.encode("utf-8", "surrogatepass")
    if len(data) - len(text) > min(FEW, len(text) // FEW_OF) or data.translate(None, PLAIN_OR_HIGH):
        return _signs_of_stretches(text)
    if text.isascii():
        return NOTHING
    found = 0
    for run in data.translate(TO_SPACE).split():
        found |= _signs_of_run(run)
    return Signs(text, found & 0xFF, found >> 8) if found else NOTHING


def _shows(run: re.Match) -> bool:
    found = _signs_of_run(run[0].encode("utf-8", "surrogatepass"))
    return bool(found & (WIDE_LEAD | NARROW_BITS) or (found & LATIN and LATIN_1.search(run.string, run.start(), run.end() + 1)))


@lru_cache(1 << 16)
def _signs_of_run(run: bytes) -> int:
    """Its kinds of signs, and as NARROW_BITS the codecs that show characters of UTF-8."""
    text, found = run.decode("utf-8", "surrogatepass"), 0
    for kind in (WIDE_LEAD, *SIGNS):
        found |= kind * bool(_finder(kind).search(text))
    if shown(*NARROW).search(text):
        found |= sum(1 << 8 + i for i, codec in enumerate(NARROW) if shown(codec).search(text))
    return found


@cache
def _finder(kind: int) -> re.Pattern[str]:
    return re.compile(f"[{wide_leads() if kind == WIDE_LEAD else re.escape(SIGNS[kind])}]")


def _signs_of_stretches(text: str) -> Signs:
    places: list[np.ndarray] = []
    signs: list[np.ndarray] = []
    shown: list[int] = []
    narrow: set[int] = set()
    for start in range(0, len(text), STRETCH):
        part = text[start : start + STRETCH + 1]
        if part.isascii() and not part.encode().translate(None, PLAIN):
            continue
        found = _table().take(_codes(part), mode="clip")
        at = (found[:STRETCH] & ALL_SIGNS).nonzero()[0]
        places.append(at + start)
        signs.append(found[at])
        first = (((found[:-1] >> 7) & (found[1:] >> 6) & 1).nonzero()[0] + start).tolist()  # FIRST, and FOLLOWING after it
        codecs = [_shown_first(text[i : i + 4]) for i in first]
        shown += compress(first, codecs)
        narrow.update(codecs)
    kinds = int(np.bitwise_or.reduce(np.concatenate(signs))) & ALL_SIGNS if any(map(len, signs)) else 0
    every = reduce(or_, narrow, 0)
    return Signs(text, kinds, every, np.concatenate(places), np.concatenate(signs), shown) if kinds or every else NOTHING


@lru_cache(1 << 14)
def _shown_first(four: str) -> int:
    """The codecs, a bit each, that show a character of UTF-8 in the first of four characters."""
    return sum(1 << i for i, codec in enumerate(NARROW) if shown(codec).match(four))


@cache
def _table() -> np.ndarray:
    """The signs that each character of the basic plane is; no other character is one."""
    table = np.zeros(1 << 16, np.uint8)
    for codec in NARROW:
        leads, following = narrow_signs(codec)
        table[_codes("".join(leads.values()))] |= FIRST
        table[_codes(following)] |= FOLLOWING
    for sign, characters in {**SIGNS, WIDE_LEAD: wide_leads()}.items():
        table[_codes(characters)] |= sign
    return table


def _codes(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")


def line_around(text: str, at: int) -> tuple[int, int]:
    """Where the line that holds a place begins, and where it ends."""
    end = text.find("\n", at)
    return text.rfind("\n", 0, at) + 1, end if end >= 0 else len(text)
