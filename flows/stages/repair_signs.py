"""Which characters of a text concern which step of repair. Most text holds none, and is passed over at memory speed."""

import re
from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np

from flows.stages.repair_codecs import NARROW, WIDE, narrow_signs, shown, wide_leads

# What no step looks at, but for references such as &amp;.
PLAIN = bytes((9, 10, *range(0x20, 0x7F)))
PLAIN_OR_HIGH = PLAIN + bytes(range(0x80, 0x100))
TO_SPACE = bytes(0x20 if b < 0x80 else b for b in range(0x100))
NON_ASCII = re.compile(r"[^\x00-\x7f]+")
# A text of at most so many characters, few of them not ASCII, is looked at run by run: the same few come again and again.
LONG, FEW = 1 << 15, 1 << 10
STRETCH = 1 << 12  # characters of any other looked at together: most stretches of a page are plain

# Beyond what is damage by a codec, ftfy sees C1 controls, and a lead byte whose no-break space became a space.
LATIN_1 = re.compile("[\x80-\x9f]|[ÃÂ](?![A-Za-z])")
NARROW_BITS = 0xFF00
WIDE_LEAD, LATIN, LINE_END, UNSEEN, BIDI, COMBINING = (1 << i for i in range(6))
_UNSEEN = (0, 9), (0x0B, 0x20), (0x7F, 0xA0), (0xAD, 0xAE), (0x200B, 0x200E), (0x2060, 0x2070), (0xFEFF, 0xFF00), (0xFFF9, 0xFFFC)
SIGNS = {
    LATIN: "".join(map(chr, range(0x80, 0xA0))) + "ÃÂ",
    LINE_END: "\r\x0b\x0c\u2028\u2029",
    UNSEEN: "".join(chr(c) for a, b in _UNSEEN for c in range(a, b)),
    BIDI: "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
    COMBINING: "".join(map(chr, range(0x300, 0x370))),
}
# The columns of the table: what is told by a bit for each codec of one byte per character, and the signs.
FIRST, FIRST_OF_2, FIRST_OF_3, FIRST_OF_4, FOLLOWING, SIGN = range(6)


class Signs(NamedTuple):
    """What concerns a step in a text. Where it was looked at by stretches, `at` is where, `rows` the rows of the table, and `shown`
    those that begin a character of UTF-8."""

    text: str
    kinds: int  # the signs there are
    narrow: int  # a bit for each codec of one byte per character that shows characters of UTF-8
    at: np.ndarray | None = None
    rows: np.ndarray | None = None
    shown: np.ndarray | None = None

    def places(self, kind: int) -> list[int]:
        """Where signs of a kind are."""
        if not self.kinds & kind:
            return []
        if self.at is None or self.rows is None:
            return [m.start() for m in _finder(kind).finditer(self.text)]
        return self.at[self.rows[:, SIGN] & kind != 0].tolist()

    def codecs(self) -> list[str]:
        """The codecs that show characters of UTF-8, or may."""
        return [WIDE] * bool(self.kinds & WIDE_LEAD) + [codec for i, codec in enumerate(NARROW) if self.narrow >> i & 1]

    def damage(self) -> list[int]:
        """Where codecs show characters of UTF-8, or the wide one may, or ftfy may see something."""
        if not (self.narrow or self.kinds & (WIDE_LEAD | LATIN)):
            return []
        if self.at is None:
            return [m.start() for m in NON_ASCII.finditer(self.text) if _shows(m)]
        latin = [i for i in self.places(LATIN) if LATIN_1.match(self.text, i)]
        shown = self.at[self.shown].tolist()
        wide = self.places(WIDE_LEAD)
        return sorted({*latin, *shown, *wide}) if latin or wide else shown


NOTHING = Signs("", 0, 0)


def signs_of(text: str) -> Signs:
    """NOTHING where there are none."""
    if len(text) > LONG:
        return _signs_of_stretches(text)
    data = text.encode("utf-8", "surrogatepass")
    if len(data) - len(text) > FEW or data.translate(None, PLAIN_OR_HIGH):
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
    taken: list[np.ndarray] = []
    for start in range(0, len(text), STRETCH):
        part = text[start : start + STRETCH]
        if part.isascii() and not part.encode().translate(None, PLAIN):
            continue
        codes = _codes(part)
        odd = (codes - 0x20 > 0x5E).nonzero()[0]  # not printable ASCII: below 0x20, the difference is a large number
        places.append(odd + start)
        taken.append(_table().take(codes[odd], mode="clip"))
    if not places:
        return NOTHING
    at, marked = np.concatenate(places), np.concatenate(taken)
    rows = marked.view(np.uint8).reshape(-1, 8)
    kinds = int(np.bitwise_or.reduce(marked, initial=0).reshape(1).view(np.uint8)[SIGN])
    first, whole = _whole(at, rows)
    narrow = int(np.bitwise_or.reduce(whole, initial=0))
    return Signs(text, kinds, narrow, at, rows, first) if kinds or narrow else NOTHING


def _whole(at: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The signs that begin a character of UTF-8 as codecs of one byte per character show it, and those codecs, a bit each."""
    first = (rows[:-1, FIRST] & rows[1:, FOLLOWING]).nonzero()[0]
    first = first[at[first + 1] == at[first] + 1]
    row, one = rows[first], rows[first + 1, FOLLOWING]
    two: np.ndarray | int = 0
    three: np.ndarray | int = 0
    if row[:, FIRST_OF_3 : FIRST_OF_4 + 1].any():
        two = one & _following(at, rows, first, 2)
    if row[:, FIRST_OF_4].any():
        three = two & _following(at, rows, first, 3)
    whole = (row[:, FIRST_OF_2] & one) | (row[:, FIRST_OF_3] & two) | (row[:, FIRST_OF_4] & three)
    return first[whole != 0], whole[whole != 0]


def _following(at: np.ndarray, rows: np.ndarray, first: np.ndarray, n: int) -> np.ndarray:
    """The codecs in which the n-th character after each of `first` is none that begins one."""
    there = np.minimum(first + n, len(at) - 1)
    return rows[there, FOLLOWING] * (at[there] == at[first] + n)


@cache
def _table() -> np.ndarray:
    """A row of eight bytes for each character of the basic plane, as one number. No other character is a sign."""
    rows = np.zeros((1 << 16, 8), np.uint8)
    for i, codec in enumerate(NARROW):
        leads, following = narrow_signs(codec)
        for width, column in ((2, FIRST_OF_2), (3, FIRST_OF_3), (4, FIRST_OF_4)):
            rows[_codes(leads[width]), column] |= 1 << i
            rows[_codes(leads[width]), FIRST] |= 1 << i
        rows[_codes(following), FOLLOWING] |= 1 << i
    for sign, characters in {**SIGNS, WIDE_LEAD: wide_leads()}.items():
        rows[_codes(characters), SIGN] |= sign
    return rows.view(np.uint64).ravel()


def _codes(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")


def line_around(text: str, at: int) -> tuple[int, int]:
    """Where the line that holds a place begins, and where it ends."""
    end = text.find("\n", at)
    return text.rfind("\n", 0, at) + 1, end if end >= 0 else len(text)
