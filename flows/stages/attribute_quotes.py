"""Quotations: what stands between quotation marks, and whether it is somebody's words."""

import re
from bisect import bisect_left
from collections.abc import Sequence

Range = tuple[int, int]

_MARKS = re.compile(r"[\"“”„«»]|``|''")
# A quotation longer than this is a lost mark, not speech.
MAX_QUOTATION = 5000
# A stretch of fewer words between marks is a name, a title or words held at arm's length, unless a cue stands by.
MIN_WORDS = 4


def quotations(text: str, blocks: Sequence) -> list[Range]:
    """What stands between quotation marks, marks included, in order. One that is opened again at the start of the next
    paragraph runs to the end of its own; one that is never closed runs to the end of its paragraph if it began it."""
    found = []
    for at, block in enumerate(blocks):
        opened = None
        for match in _MARKS.finditer(text, block.start, block.end):
            if opened is None or (opened < match.start() and match[0] in "“„«" and match[0] != "„"):
                if _opens(text, match, block):
                    opened = match.start()
            elif not (match[0] == '"' and _opens(text, match, block) and not _closes(text, match, block)):
                if match.end() - opened <= MAX_QUOTATION:
                    found.append((opened, match.end()))
                opened = None
        again = at + 1 < len(blocks) and text[blocks[at + 1].start] in '"“„«'
        if opened is not None and (again or opened - block.start < 2) and block.end - opened <= MAX_QUOTATION:
            found.append((opened, block.end))
    return found


def _opens(text: str, match: re.Match, block) -> bool:
    if match[0] in "“„«" or match[0] == "``":
        return True
    if match[0] in "»''":
        return False
    before = text[match.start() - 1] if match.start() > block.start else " "
    after = text[match.end() : match.end() + 1]
    return (before.isspace() or before in "([—–-/:‘") and bool(after) and not after.isspace()


def _closes(text: str, match: re.Match, block) -> bool:
    return match.start() > block.start and not text[match.start() - 1].isspace()


def overlapping(quotes: list[Range], start: int, end: int) -> list[Range]:
    """Those of the quotations, in order, that have a character in [start, end)."""
    low = bisect_left(quotes, (start,))
    low -= low > 0 and quotes[low - 1][1] > start
    return quotes[low : bisect_left(quotes, (end,), low)]


_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")


def is_speech(quoted: str) -> bool:
    """Whether words between marks are somebody's, not a title or a name: enough of them, and not all capitalised."""
    tokens = _WORD.findall(quoted)
    if len(tokens) < MIN_WORDS:
        return False
    long = [w for w in tokens if len(w) > 3]
    return not long or sum(w[0].isupper() for w in long) < 0.8 * len(long)
