"""The headline of a page, without what stands before it in the same line.

Part of the describe stage. A dump glues to the headline what the page sets apart from it by type alone: the way to the
page ("Home » News » …"), a section, a kicker. The border is never guessed from the line itself, since a colon or a dash
may be the headline's own: another line tells it, one that has the headline alone or that joins the same words otherwise.
"""

import re
from collections.abc import Iterator, Sequence

from flows.traced import Block

# Looked at on 636 pages (as many sites) whose headline the markup tells: a line alone within BELOW lines mends 22 titles and
# harms none; one above, or farther below, is a name in a menu or a heading that ends like the title as often as not.
BELOW = 10  # lines below the headline in which it may stand alone
AROUND = 30  # lines above and below in which the same words may stand joined otherwise
LONGEST = 400  # characters of the longest line that is looked at
WORDS, LETTERS = 2, 8  # of the shortest headline that is cut out
KICKER = 0.6  # share of the line's letters that a kicker may have
WORD, LETTER, NO_LETTER = re.compile(r"\w+"), re.compile(r"\w"), re.compile(r"\W+")
OPENING = "\"'“‘«‹„‚([¿¡"  # marks that belong to the headline behind them


def headline(text: str, blocks: Sequence[Block], title: int) -> str:
    """The words of block `title` from where the headline begins, as published."""
    line = _line(text, blocks[title])
    if len(line) > LONGEST:
        return line
    below = [_line(text, b) for b in blocks[title + 1 : title + 1 + BELOW] if b.end - b.start < len(line)]
    alone = max((other for other in below if _ends_with(line, other)), key=len, default=None)
    if alone:
        return alone
    around = [_line(text, b) for b in blocks[max(0, title - AROUND) : title + 1 + AROUND] if b.end - b.start <= LONGEST]
    return line[next(_seams(line, around), 0) :]


def _line(text: str, block: Block) -> str:
    return text[block.start : block.end].strip()


def _ends_with(line: str, other: str) -> bool:
    return len(other) >= LETTERS and line.endswith(other) and len(WORD.findall(other)) >= WORDS


def _seams(line: str, others: Sequence[str]) -> Iterator[int]:
    """Where the headline begins if another line joins the same letters otherwise in one place: "Kicker: Headline" and
    "Kicker – Headline", or "KickerHeadline" where the dump lost what stood between."""
    spelt = NO_LETTER.sub("", line)
    for other in others:
        first = LETTER.search(other)  # most lines begin otherwise
        if other == line or not first or first[0] != spelt[:1] or NO_LETTER.sub("", other) != spelt:
            continue
        letters, same = [*LETTER.finditer(line)], [*LETTER.finditer(other)]
        differing = [i for i in range(1, len(letters)) if _between(line, letters, i) != _between(other, same, i)]
        if len(differing) == 1 and differing[0] <= KICKER * len(letters) and len(letters) - differing[0] >= LETTERS:
            gap = line[letters[differing[0] - 1].end() : letters[differing[0]].start()]
            yield letters[differing[0]].start() - (len(gap) - len(gap.rstrip(OPENING)))


def _between(line: str, letters: Sequence[re.Match], i: int) -> str:
    """What stands between a letter and the one before, all white space alike."""
    gap = line[letters[i - 1].end() : letters[i].start()]
    return " ".join(gap.split()) or (gap and " ")
