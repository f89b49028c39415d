"""Fingerprint: what of a document is compared with all others, to find its copies and other reports on its event.

It says nothing of any other document; which are alike `flows/corpus` tells. Documents likely to be are found by MinHash with banding
(Broder 1997; Leskovec, Rajaraman and Ullman, "Mining of Massive Datasets", ch. 3), so that nobody has to look at all pairs.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from rensa import RMinHash

from flows.stages.fingerprint_names import said

# Words in a row that are compared. Of texts in which three words in ten were replaced, 15 to 30 % of these runs are left
# in common (8 % where sentences were cut and added too); of unrelated articles in one language, less than 1 %.
SHINGLE = 3
# 512 bands of two rows, of which two must agree: a pair is looked at with a probability of .84 at 8 % in common, of .995
# at 12 %, and of one in ten thousand at half a per cent. With 256 bands, one copy in fifty of the benchmark is missed.
# For stories 128: of pairs that have a fifth of all their names and figures in common 96 % are looked at, of those with a quarter 99 %.
BANDS, STORY_BANDS, ROWS = 512, 128, 2
# A page with fewer runs of words than this says too little to be called a copy of another.
MIN_SHINGLES = 20
# Names and figures of a document that can be compared at all.
MIN_SAID = 5
# Copies are told from the first so many characters, 30,000 words or so: the comparison of two books stays cheap.
COMPARED = 200_000
# Characters that are read for a story: what an article is about stands at its beginning; of a live blog or a book, no more is compared.
READ = 20_000
# A band's key: 32 bits, in which two that differ are the same about never.
KEY = np.dtype("<u4")
# Scripts without spaces are compared by character.
SPACELESS = r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f"
WORDS = re.compile(rf"[{SPACELESS}]|[^\W{SPACELESS}]+")


class Fingerprint(NamedTuple):
    """`copies` and `stories`: BANDS and STORY_BANDS keys of the type KEY, as bytes; null where there is too little to compare. `said`:
    the names and figures in it, sorted."""

    copies: bytes | None
    stories: bytes | None
    said: list[str]


def fingerprint(text: str, language: str | None) -> Fingerprint:
    found, facts = words(text[:COMPARED]), sorted(said(text[:READ], language))
    shingles = set(map(" ".join, zip(*(found[i:] for i in range(SHINGLE)), strict=False)))
    return Fingerprint(_keys(list(shingles), BANDS, MIN_SHINGLES), _keys(facts, STORY_BANDS, MIN_SAID), facts)


@lru_cache(maxsize=8)
def words(text: str) -> Sequence[str]:
    """The words of a text as they are compared."""
    return WORDS.findall(text.casefold())


def _keys(members: list[str], bands: int, least: int) -> bytes | None:
    """A key for each band, of ROWS MinHash values each, of a set. (A value is the least of a hash of all members, in whatever order.)"""
    if len(members) < least:
        return None
    (digest,) = RMinHash.digests_from_token_sets([members], bands * ROWS, 1)
    keys = np.zeros(bands, np.uint64)
    for row in np.array(digest, np.uint64).reshape(bands, ROWS).T:
        keys = (keys ^ row) * np.uint64(0xD6E8FEB86659FD93)
        keys = keys ^ (keys >> np.uint64(32))
    return (keys >> np.uint64(32)).astype(KEY).tobytes()
