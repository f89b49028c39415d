"""The sentences in which a target is named, by a mention of its entity or by its terms, and whose each of their words is.

Part of the attribute stage.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from flows.stages.attribute_rules import SENTENCE_WINDOW, SKIPPED, folded

Range = tuple[int, int]
TOKEN = re.compile(r"\w+(?:['-]\w+)*|[^\w\s]")


class Hit(NamedTuple):
    """A target named at [start, end); a demonym says that a noun has to follow."""

    start: int
    end: int
    target: int
    is_demonym: bool


class Sentence(NamedTuple):
    """A sentence by its words, the attribution in whose content each stands (None: it is the author's), and the mentions in it."""

    low: str
    place: int
    start: int
    end: int
    language: str
    words: list[str]
    ranges: list[Range]
    begins: list[int]
    owners: list[int | None]
    mentions: list


def sentences(
    text: str, segments: Sequence, attributions: Sequence, mentions: Sequence, targets: Sequence
) -> Iterator[tuple[Sentence, list[Hit]]]:
    """Each sentence, or block without any, in which targets are named, with the places, all in reading order."""
    if not targets:
        return
    low = folded(text)
    leaves = _leaves(segments)
    hits = _hits(low, segments, leaves, mentions, targets)
    if not hits:
        return
    near = _near(segments, leaves, attributions)
    inside = _inside(segments, leaves, mentions)
    for place in sorted(hits):
        yield _sentence(low, segments, place, near.get(place, []), inside.get(place, []), attributions), hits[place]


def _leaves(segments: Sequence) -> list[int]:
    """The places of the sentences, and of the blocks without any, in which a stance is looked for."""
    parents = {s.parent for s in segments}
    return [i for i, s in enumerate(segments) if i not in parents and _block(segments, i).unit not in SKIPPED and not _repeats(segments, i)]


def _block(segments: Sequence, i: int):
    parent = segments[i].parent
    return segments[i if parent is None else parent]


def _repeats(segments: Sequence, i: int) -> bool:
    return segments[i].repeat_of is not None or _block(segments, i).repeat_of is not None


def _leaf_at(starts: list[int], ends: list[int], leaves: list[int], at: int) -> int | None:
    n = bisect_right(starts, at) - 1
    return leaves[n] if n >= 0 and at < ends[n] else None


def _hits(low: str, segments: Sequence, leaves: list[int], mentions: Sequence, targets: Sequence) -> dict[int, list[Hit]]:
    """By sentence, where its targets are named, each place once."""
    starts, ends = [segments[i].start for i in leaves], [segments[i].end for i in leaves]
    entities: dict[str, list[int]] = {}
    for number, target in enumerate(targets):
        for entity_id in target.entity_ids:
            entities.setdefault(entity_id, []).append(number)
    found: list[Hit] = []
    for m in mentions:
        found += [Hit(m.start, m.end, number, m.mention_type == "demonym") for number in entities.get(m.entity_id, ())]
    for number, target in enumerate(targets):
        pattern = _terms(tuple(target.terms))
        for m in pattern.finditer(low) if pattern else ():
            if not (m.start() and (low[m.start() - 1].isalnum() or low[m.start() - 1] == "_")):
                found.append(Hit(m.start(), m.end(), number, False))
    hits: dict[int, list[Hit]] = {}
    for hit in sorted(set(found)):
        place = _leaf_at(starts, ends, leaves, hit.start)
        if place is not None and hit.end <= min(segments[place].end, segments[place].start + SENTENCE_WINDOW):
            hits.setdefault(place, []).append(hit)
    return hits


@lru_cache(maxsize=1024)
def _terms(terms: tuple[str, ...]) -> re.Pattern | None:
    """Any of the terms; what may not stand before one is looked at afterwards, which lets the search skip ahead."""
    longest_first = sorted({folded(t) for t in terms}, key=lambda t: (-len(t), t))
    escaped = [re.sub(r"(?:\\ )+", r"\\s+", re.escape(t)).replace(r"\*", r"\w{0,30}").replace(r"\-", "[-‐‑–—]") for t in longest_first]
    return re.compile(rf"(?:{'|'.join(escaped)})(?!\w)") if escaped else None


def _near(segments: Sequence, leaves: list[int], attributions: Sequence) -> dict[int, list[int]]:
    """By sentence, the attributions of which any words stand in it."""
    starts, ends = [segments[i].start for i in leaves], [segments[i].end for i in leaves]
    near: dict[int, list[int]] = {}
    for k, each in enumerate(attributions):
        places = {n for a, b in (*each.source, *each.cue, *each.content) for n in range(bisect_left(ends, a + 1), bisect_left(starts, b))}
        for n in sorted(places):
            near.setdefault(leaves[n], []).append(k)
    return near


def _inside(segments: Sequence, leaves: list[int], mentions: Sequence) -> dict[int, list]:
    starts, ends = [segments[i].start for i in leaves], [segments[i].end for i in leaves]
    inside: dict[int, list] = {}
    for m in mentions:
        place = _leaf_at(starts, ends, leaves, m.start)
        if place is not None:
            inside.setdefault(place, []).append(m)
    return inside


def _sentence(low: str, segments: Sequence, place: int, near: list[int], mentions: list, attributions: Sequence) -> Sentence:
    start, end = segments[place].start, min(segments[place].end, segments[place].start + SENTENCE_WINDOW)
    found = list(TOKEN.finditer(low, start, end))
    ranges = [m.span() for m in found]
    # The innermost attribution is the one whose content is the shortest.
    contents = sorted(((sum(b - a for a, b in attributions[k].content), k) for k in near), reverse=True)
    owners: list[int | None] = [None] * len(found)
    begins = [a for a, _ in ranges]
    for _, k in contents:
        for a, b in attributions[k].content:
            for n in range(bisect_left(begins, a), bisect_left(begins, b)):
                owners[n] = k
    language = segments[place].language
    return Sentence(low, place, start, end, language, [m[0] for m in found], ranges, begins, owners, mentions)
