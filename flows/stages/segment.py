"""Segment: the kept lines of a stripped text become blocks and their sentences, each with its language.

Paragraphs that a dump wrapped hard are joined again, sentences tile their block (only white space lies between them),
and what repeats an earlier stretch, or the body as a pull quote does, says so. The stage never changes the text and
never drops a block: a repeat is marked, not removed.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from flows.stages.segment_language import Letters, counted, is_latin, language, languages, letters, own_languages
from flows.stages.segment_sentences import sentences
from flows.traced import Block, Traced

__all__ = ["Segment", "Segmented", "language", "segment", "sentences"]


class Segment(NamedTuple):
    """Characters [start, end) of the text. `parent` and `repeat_of` are places in the list of segments."""

    start: int
    end: int
    unit: str
    parent: int | None
    language: str | None
    repeat_of: int | None


class Segmented(NamedTuple):
    """`language` is that of the text, as ISO 639-1, and `confidence` how sure that is, 0 to 1; None and 0 for too few letters."""

    segments: list[Segment]
    language: str | None
    confidence: float


# Units that hold running text and so have sentences; the others are one piece each.
PROSE = frozenset({"paragraph", "standfirst", "quote", "list_item", "note", "caption"})


def segment(text: Traced, kept: Sequence[Block]) -> Segmented:
    """Blocks in reading order, each followed by its sentences. `kept` are line blocks, disjoint and in order. Ranges have no outer
    white space. Short segments take over the language of the text.
    """
    whole = text.text
    blocks, found = list(_unwrapped(whole, kept)), letters(whole)
    spans = [(start, end) for start, end, _ in blocks]
    main, confidence, own = languages(whole, found, spans)
    pieces = [_sentences(whole, *block, told) for block, told in zip(blocks, own, strict=True)]
    spoken = iter(_spoken(whole, found, spans, pieces, own))
    out: list[Segment] = []
    for (start, end, unit), told, inside in zip(blocks, own, pieces, strict=True):
        parent = len(out)
        out.append(Segment(start, end, unit, None, told, None))
        out += [Segment(a, b, "sentence", parent, next(spoken), None) for a, b in inside]
    return Segmented([Segment(*s[:-1], other) for s, other in zip(out, _repeats(whole, out), strict=True)], main, confidence)


def _sentences(text: str, start: int, end: int, unit: str, language: str | None) -> list[tuple[int, int]]:
    return [(start + a, start + b) for a, b in sentences(text[start:end], language)] if unit in PROSE else []


def _spoken(
    text: str, found: Letters, blocks: list[tuple[int, int]], pieces: list[list[tuple[int, int]]], own: list[str | None]
) -> list[str | None]:
    """The language of each sentence: its block's, unless it is a quotation, or mostly in another script, and surely another."""
    spans = [span for inside in pieces for span in inside]
    spoken = [told for inside, told in zip(pieces, own, strict=True) for _ in inside]
    mixed = [is_latin(*count) if all(count := counted(found, *block)) else None for block in blocks]
    script = [latin for inside, latin in zip(pieces, mixed, strict=True) for _ in inside]
    able = [
        i
        for i, (start, end) in enumerate(spans)
        if text[start] in "\"“„«‘'" or (script[i] is not None and is_latin(*counted(found, start, end)) != script[i])
    ]
    for i, told in zip(able, own_languages(text, found, [spans[i] for i in able], [spoken[i] for i in able]), strict=True):
        spoken[i] = told
    return spoken


# A dump's lines are as long as fits: a line is wrapped if the next line's first word would not have fitted into the
# longest line of its run. Widths are those of terminals, mails and prints; longer lines are paragraphs of their own.
WRAP_WIDTHS = range(40, 133)
MIN_WRAPPED_LINES = 3
_SENTENCE_END = re.compile(r"[.!?…:。！？][\"'”’»)\]]*$")


def _unwrapped(text: str, kept: Sequence[Block]) -> Iterator[tuple[int, int, str]]:
    """(start, end, unit) of the blocks, the lines of a hard-wrapped paragraph joined into one."""
    blocks = [b for b in kept if b.unit and text[b.start : b.end].strip()]
    whole, at = _is_wrapped(text, blocks), 0
    while at < len(blocks):
        run = _run(text, blocks, at, whole)
        if whole and len(run) > 1:
            yield run[0].start, run[-1].end, run[0].unit if run[0].unit in PROSE else "paragraph"
        else:
            for first, last in _paragraphs(text, run):
                yield run[first].start, run[last].end, run[first].unit or "paragraph"
        at += len(run)


# What a line of a wrapped text may have been taken for, and the least that shows that a whole text is wrapped: pairs of
# lines with nothing between them, the share of them in which the first is no end of a sentence, gaps between paragraphs.
WRAPPED_UNITS = frozenset({"paragraph", "standfirst", "heading", "quote"})
MIN_PAIRS, MIN_OPEN, MIN_GAPS = 8, 0.6, 3


def _is_wrapped(text: str, blocks: list[Block]) -> bool:
    """Whether lines end where they were full throughout the text, and empty lines part its paragraphs."""
    prose = [b for b in blocks if b.unit in WRAPPED_UNITS]
    if max((b.end - b.start for b in prose), default=0) not in WRAP_WIDTHS:
        return False
    close = [a for a, b in pairwise(prose) if _is_next_line(text, a, b)]
    open_ends = sum(not _SENTENCE_END.search(text[a.start : a.end]) for a in close)
    return len(close) >= MIN_PAIRS and open_ends >= MIN_OPEN * len(close) and len(prose) - len(close) > MIN_GAPS


def _is_next_line(text: str, before: Block, after: Block) -> bool:
    return text[before.end : after.start].strip(" \t\r") == "\n"


def _run(text: str, blocks: list[Block], at: int, whole: bool) -> list[Block]:
    """blocks[at] and those on the very next lines that could be of one wrapped text; all of them where the whole is wrapped."""
    end = at + 1
    if whole and blocks[at].unit in WRAPPED_UNITS:
        while end < len(blocks) and blocks[end].unit in WRAPPED_UNITS and _is_next_line(text, blocks[end - 1], blocks[end]):
            end += 1
        return blocks[at:end]
    while end < len(blocks) and blocks[at].unit in PROSE:
        before, after = (text[b.start : b.end] for b in blocks[end - 1 : end + 1])
        # The short last line of a paragraph may have been taken for a heading.
        goes_on = blocks[end].unit == blocks[at].unit or (after[0].islower() and not _SENTENCE_END.search(before))
        if not goes_on or not _is_next_line(text, blocks[end - 1], blocks[end]):
            break
        end += 1
    return blocks[at:end]


_LISTED = re.compile(r"[•●▪◦‣■○*·⁃–—-]\s|\d{1,2}[.)]\s")


def _paragraphs(text: str, run: list[Block]) -> Iterator[tuple[int, int]]:
    """First and last line of each paragraph in a run of lines."""
    lines = [text[b.start : b.end] for b in run]
    width = max(map(len, lines))
    open_ends = sum(not _SENTENCE_END.search(line) for line in lines)
    wrapped = len(lines) >= MIN_WRAPPED_LINES and width in WRAP_WIDTHS and 2 * open_ends >= len(lines) - 1
    first = 0
    for i, line in enumerate(lines):
        listed = i + 1 < len(lines) and run[i + 1].unit == "list_item" and _LISTED.match(lines[i + 1])
        if i + 1 < len(lines) and not listed and wrapped and len(line) + 1 + len(lines[i + 1].split(None, 1)[0]) > width:
            continue
        yield first, i
        first = i + 1


# Letters and digits that two stretches must share to be called a repeat, and how alike a pull quote and its source are.
MIN_REPEATED = 25
PULL_QUOTE_LIKENESS = 90
# A longer quotation is a source quoted at length, not a line of the page's own shown large.
MAX_PULL_QUOTE = 400
_SPOKEN = re.compile(r"[^\W_]+")


def _repeats(text: str, found: list[Segment]) -> list[int | None]:
    """For each segment the one it repeats: the first of the same words, or for a pull quote its source in the body."""
    said = _said(text, found)
    quoted = [s.unit == "quote" or (s.parent is not None and found[s.parent].unit == "quote") for s in found]
    first: tuple[dict[str, int], dict[str, int]] = ({}, {})  # of sentences, of blocks
    # The body before the quotes, so that a quote that stands above its source is the repeat, not the source.
    for i in sorted(range(len(found)), key=quoted.__getitem__):
        first[found[i].parent is None].setdefault(said[i], i)
    repeats: list[int | None] = []
    for i, s in enumerate(found):
        is_block = s.parent is None
        # Like points at like if it can.
        same = (first[is_block].get(said[i]), first[not is_block].get(said[i]))
        other = next((j for j in same if j is not None and _may_repeat(found, quoted, i, j)), None)
        if s.unit == "quote" and other is None and len(said[i]) <= MAX_PULL_QUOTE:
            other = _source(said, found, quoted, i)
        repeats.append(other if len(said[i]) >= MIN_REPEATED else None)
    return repeats


def _said(text: str, found: list[Segment]) -> list[str]:
    """The letters and digits of each segment, all small."""
    folded = _folds().take(np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4"))
    spoken = folded > 0
    letters = folded[spoken].tobytes().decode("utf-32-le", "surrogatepass")
    before = np.concatenate(([0], np.cumsum(spoken, dtype=np.int32)))
    return [letters[a:b] for a, b in before[[(s.start, s.end) for s in found]].tolist()] if found else []


@cache
def _folds() -> np.ndarray:
    """Of each code point its small letter or digit, one for one, so that nothing moves; 0 for all else."""
    characters = np.arange(0x110000, dtype="<u4").tobytes().decode("utf-32-le", "surrogatepass")
    folds = np.zeros(len(characters), "<u4")
    for run in _SPOKEN.finditer(characters):
        folds[run.start() : run.end()] = [ord(c.casefold()[0]) for c in run[0]]
    return folds


def _may_repeat(found: list[Segment], quoted: list[bool], i: int, j: int) -> bool:
    """Repeats point back, or from a quote to the body; a block of one sentence and that sentence do not repeat each other."""
    back = j < i if quoted[i] == quoted[j] else quoted[i]
    return back and found[i].parent != j and found[j].parent != i


def _source(said: list[str], found: list[Segment], quoted: list[bool], quote: int) -> int | None:
    """The first block of the body that holds the words of a pull quote, or nearly them."""
    for i, s in enumerate(found):
        body = s.parent is None and s.unit in PROSE and not quoted[i]
        if body and len(said[i]) * 100 >= len(said[quote]) * PULL_QUOTE_LIKENESS and _holds(said[i], said[quote]):
            return i
    return None


def _holds(whole: str, part: str) -> bool:
    if part in whole:
        return True
    from rapidfuzz import fuzz  # few documents need it, and it is slow to load

    return fuzz.partial_ratio(part, whole, score_cutoff=PULL_QUOTE_LIKENESS) > 0
