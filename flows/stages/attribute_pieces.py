"""A document as the words in which names are looked for, and the words listed in attribute_mentions.json.

Part of the attribute stage. What can be written in several ways is read as one; places in the text stay.
"""

import json
import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

# Addresses are one word each, so that no name is found in them. Marks that combine belong to their letter. Most words are plain letters
# before a space: tried first, for speed.
_WORD = re.compile(r"((?=\S)(?:[A-Za-z]++(?=[ ,])|(?:https?:|www\.)\S+|@?[^\W_][\w\u0300-\u036f\u064b-\u065f\u0670]*(?:@[\w.-]+)?))")
_COMBINING = re.compile(r"[\u0300-\u036f]")
# Characters that only look different: all of one width, so that places in the text stay.
_ALIKE = {"’": "'", "ʼ": "'", "‘": "'", "‐": "-", "‑": "-", "–": "-", "\xa0": " ", "\u202f": " ", "ё": "е", "Ё": "Е", "ي": "ی", "ك": "ک"}
# A longer stretch without a sentence's end is no prose; it is taken in pieces. Of a longer document the words are not kept
# for the second reading: a million characters' take some fifty megabytes.
MAX_PIECE, MAX_KEPT = 20_000, 1_000_000
# Units in which every word may have a capital.
HEADINGS = ("title", "heading")


@cache
def word_lists() -> dict[str, Any]:
    return json.loads(Path(__file__).with_name("attribute_mentions.json").read_text(encoding="utf-8"))


@cache
def listed(*names: str) -> frozenset[str]:
    return frozenset(word for name in names for word in word_lists()[name].split())


def _plain(text: str) -> str:
    """The text with one spelling of what can be written in several, as long as before."""
    if not text.isascii():
        for written, meant in _ALIKE.items():  # many times faster than translate
            text = text.replace(written, meant)
    return text


def cut_name(name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Its words as a text is cut into them, and what stands between them."""
    plain = _plain(unicodedata.normalize("NFC", name))
    if plain.isalpha():
        return (plain,), ()
    parts = _WORD.split(plain)
    return tuple(parts[1::2]), tuple(parts[2:-1:2])


class Piece(NamedTuple):
    """A segment, or a stretch of a very long one, as words; `marked` are the places of those not in lower case."""

    segment: int
    unit: str
    language: str | None
    has_holes: bool
    words: list[str]
    gaps: list[str]
    starts: list[int]
    ends: list[int]
    marked: list[int]

    def gap(self, i: int) -> str:
        """What stands between word i and the next; runs of white space are one space."""
        if not 0 <= i < len(self.words) - 1:
            return "\n"
        gap = self.gaps[i]
        return " " if gap.isspace() else gap

    def word(self, i: int) -> str:
        return self.words[i] if 0 <= i < len(self.words) else ""

    def low(self, i: int) -> str:
        return self.word(i).lower()


class _Words(NamedTuple):
    """The words of a stretch of text, what stands after each, and where it begins and ends."""

    words: list[str]
    gaps: list[str]
    starts: list[int]
    ends: list[int]


def cut_text(text: str, segments: Sequence) -> Iterator[Piece]:
    """The segments without parts of their own, in reading order."""
    plain, parents = _plain(text), {s.parent for s in segments}
    composed = not _COMBINING.search(plain)
    leaves = [(n, *window) for n, s in enumerate(segments) if n not in parents for window in _windows(plain, s.start, s.end)]
    for batch in _batches(leaves):
        found = _words(plain, batch[0][1], batch[-1][2])
        for number, start, end in batch:
            words, gaps, starts, ends = _part(found, start, end) or _words(plain, start, end)
            if not composed:
                words = [w if w.isascii() else _plain(unicodedata.normalize("NFC", w)) for w in words]
            marked = [i for i, word in enumerate(words) if not word.islower()]
            segment = segments[number]
            has_holes = "elided_links" in getattr(segment, "defects", ())
            yield Piece(number, segment.unit, segment.language, has_holes, words, gaps, starts, ends, marked)


def _batches(leaves: list[tuple[int, int, int]]) -> Iterator[list[tuple[int, int, int]]]:
    """Stretches that are cut into words together, which is faster than one by one."""
    at = 0
    while at < len(leaves):
        stop = at + 1
        while stop < len(leaves) and leaves[stop][2] - leaves[at][1] <= MAX_PIECE:
            stop += 1
        yield leaves[at:stop]
        at = stop


def _words(plain: str, start: int, end: int) -> _Words:
    parts = _WORD.split(plain[start:end])
    edges = list(accumulate(map(len, parts), initial=start))
    return _Words(parts[1::2], parts[2::2], edges[1:-1:2], edges[2::2])


def _part(found: _Words, start: int, end: int) -> _Words | None:
    """The words in text[start:end]; None where a word stands across its edge."""
    low, high = bisect_left(found.starts, start), bisect_left(found.starts, end)
    if (low and found.ends[low - 1] > start) or (low < high and found.ends[high - 1] > end):
        return None
    words, gaps, starts, ends = found
    return _Words(words[low:high], gaps[low:high], starts[low:high], ends[low:high])


def _windows(plain: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while end - start > MAX_PIECE:
        cut = plain.rfind(" ", start, start + MAX_PIECE) + 1 or start + MAX_PIECE
        yield start, cut
        start = cut
    yield start, end
