"""Strip the boilerplate from a plain-text dump of a news page.

Every non-blank line becomes one block: kept with a unit (title, standfirst, byline, heading, paragraph, list_item, quote,
note, table) or removed with the rule that says what it is (navigation, advertisement, related, author_box ...). The
stage removes whole lines only: it never changes a character of a line it keeps, joins lines, or reorders them.

    strip_lines.py   the lines, and what each says it is by itself
    strip_forest.py  how likely each belongs to the body
    strip_body.py    which ones do
    strip_front.py   title, bylines and standfirst
    strip_labels.py  the unit or the rule of each
    strip_html.py    the same for the lines of an HTML page
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import compress, groupby
from typing import NamedTuple

import regex

from flows.stages.strip_labels import Labels, label_lines
from flows.stages.strip_lines import LINE_ENDS, Cut, cut_lines, look
from flows.traced import Block, Change, Rejected, Traced


class Stripped(NamedTuple):
    """The text after removal; every non-blank line of the text before, in its offsets; the kept ones in new offsets. confidence is
    the probability that the page came out right: F1 of the body's characters at least .9, as on pages of unseen sites (its card,
    strip_model.json, says how well it held there); None where the lines were told by markup."""

    text: Traced
    blocks: list[Block]
    kept: list[Block]
    confidence: float | None = None


def strip(text: Traced, keep: Sequence[str] = (), remove: Sequence[str] = (), blocks: Sequence[Block] | None = None) -> Stripped:
    """Keep the article, remove the rest, line by line.

    blocks, in order, say what the lines are where more is known of them than their text.
    keep and remove are an outlet's own regexes; one that matches a whole line (without its outer white space) overrules
    the stage, keep before remove. A page without a body comes back with everything removed.
    Raises Rejected for a pattern of the outlet that is no regex, or that takes too long on a line; nothing else, whatever the text.
    """
    cut = cut_lines(text.text)
    labels, confidence = (_told(cut, blocks), None) if blocks else label_lines(look(cut))
    if keep or remove:
        _overrule(cut.lines, labels, _compiled(keep), _compiled(remove))
    # As Block(...) for each line, in half the time.
    found = list(map(partial(tuple.__new__, Block), zip(cut.starts, cut.ends, *labels, strict=True)))
    changes = _changes(text.text, cut, labels)
    return Stripped(text.apply("strip", changes), found, _moved(compress(found, labels.units), changes), confidence)


def _told(cut: Cut, blocks: Sequence[Block]) -> Labels:
    """Of each line what is said of the last block that begins where it does or before."""
    starts = [block.start for block in blocks]
    said = [blocks[max(0, bisect_right(starts, start) - 1)] for start in cut.starts]
    return Labels([block.unit for block in said], [block.rule for block in said], [block.confidence for block in said])


# ---------------------------------------------------------------- an outlet's own patterns

PATIENCE = 0.5  # seconds of processor time for a pattern on one line: a sound one takes millionths


def _compiled(patterns: Sequence[str]) -> list[regex.Pattern]:
    try:
        return [regex.compile(pattern) for pattern in patterns]
    except regex.error as error:
        raise Rejected("outlet_pattern_invalid", f"{error.pattern!r}: {error.msg}") from error


def _overrule(lines: list[str], labels: Labels, keep: list[regex.Pattern], remove: list[regex.Pattern]) -> None:
    for i, line in enumerate(lines):
        if any(_matches(pattern, line) for pattern in keep):
            if not labels.units[i]:
                labels.units[i], labels.rules[i], labels.confidences[i] = "paragraph", None, 1.0
        elif any(_matches(pattern, line) for pattern in remove):
            labels.units[i], labels.rules[i], labels.confidences[i] = None, "outlet", 1.0


def _matches(pattern: regex.Pattern, line: str) -> bool:
    try:
        return bool(pattern.fullmatch(line, timeout=PATIENCE))
    except TimeoutError as error:
        raise Rejected("outlet_pattern_timeout", f"{pattern.pattern!r} on a line of {len(line)} characters") from error


# ---------------------------------------------------------------- removal

# In the white space between two lines: a line that holds some, with the empty lines after it.
WHITE_LINES = re.compile(f"(?<=[{LINE_ENDS}])[^{LINE_ENDS}]+[{LINE_ENDS}][{LINE_ENDS}\\s]*")
Range = tuple[int, int, str, float]


def _changes(text: str, cut: Cut, labels: Labels) -> list[Change]:
    """What goes: removed lines with all that follows up to the next line that holds something, and lines of only white
    space; also the white space at both ends of what is left. Line ends between kept blocks stay."""
    begins, ends, gaps, at = [*cut.begins, len(text)], cut.ends, cut.gaps.tolist(), 0
    ranges = [(0, begins[0], "blank", 1.0)]
    first, last = _ends([i for i, unit in enumerate(labels.units) if unit])
    for rule, run in groupby([None if unit else rule or "" for unit, rule in zip(labels.units, labels.rules, strict=True)]):
        end = at + len(list(run))
        if rule is not None:
            ranges.append((begins[at], begins[end], rule, min(labels.confidences[at:end])))
            at = end
        for i in range(at, end):
            if i == first:
                ranges.append((begins[i], cut.starts[i], "blank", 1.0))
            if i == last:
                ranges.append((ends[i], begins[i + 1], "blank", 1.0))
            elif begins[i + 1] - ends[i] > gaps[i + 1] > 1:  # more than line ends
                ranges += _white_lines(text, ends[i], begins[i + 1])
        at = end
    return [Change(a, b, "", rule, "removed", confidence) for a, b, rule, confidence in _runs(ranges)]


def _ends(kept: list[int]) -> tuple[int, int]:
    return (kept[0], kept[-1]) if kept else (-1, -1)


def _white_lines(text: str, start: int, end: int) -> list[Range]:
    return [(start + m.start(), start + m.end(), "blank", 1.0) for m in WHITE_LINES.finditer(text[start:end])]


def _runs(ranges: list[Range]) -> list[Range]:
    """Without the empty ranges, and with neighbours under one rule joined; the run is as sure as its least sure line."""
    runs: list[Range] = []
    for start, end, rule, confidence in ranges:
        if runs and runs[-1][1] == start and runs[-1][2] == rule:
            runs[-1] = runs[-1][0], end, rule, min(confidence, runs[-1][3])
        elif start < end:
            runs.append((start, end, rule, confidence))
    return runs


def _moved(kept: Iterable[Block], changes: list[Change]) -> list[Block]:
    """The kept blocks in the offsets of the text after `changes`."""
    moved, shift, done = [], 0, 0
    for start, end, unit, rule, confidence in kept:
        while done < len(changes) and changes[done].end <= start:
            shift += changes[done].end - changes[done].start
            done += 1
        moved.append(Block(start - shift, end - shift, unit, rule, confidence))
    return moved
