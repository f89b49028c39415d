"""Attributions: who is reported to say, think or want what. Source, cue and content of each, as ranges of characters.

Rules over quotation marks and listed cues (attribute_cues.json): a clause, an infinitive or a phrase after its cue, a
clause before "X said" or "according to X", a quotation with what introduces or follows it. Definitions follow PARC
(Pareti 2012) and PolNeAR (Newell et al. 2018). The stage never changes the text, never makes up a source, and reads
only quotation marks in a sentence flagged for missing words. It says what was attributed, not whether it is true.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from flows.stages.attribute_content import Draft, indirect
from flows.stages.attribute_other import reported
from flows.stages.attribute_quotes import Range, is_speech, overlapping, quotations
from flows.stages.attribute_rules import LANGUAGES, SENTENCE_WINDOW
from flows.stages.attribute_words import words

Spans = tuple[Range, ...]
# Content that is quoted in more than this share of its characters is direct.
DIRECT_SHARE = 0.9
# A quotation fills its sentences if no more than white space and a full stop stand beside it, fewer characters than this.
MARGIN = 8
_WORD_CHARACTER = re.compile(r"[\w-]")
_BEFORE_INNER = frozenset("abcdefghijklmnopqrstuvwxyz,")
_OUTER = " \t\r\n\xa0,;:—–-"


class Attribution(NamedTuple):
    """Spans are character ranges of the text, ordered and disjoint. `segments` are places of the sentences the content
    touches (of the block, where that has none), `parent` the place of the attribution whose content it stands in."""

    segments: tuple[int, ...]
    parent: int | None
    source: Spans
    cue: Spans
    content: Spans
    type: str
    holder_name: str | None
    cue_class: str | None
    direction: str | None


def attributions(text: str, segments: Sequence, language: str | None) -> list[Attribution]:
    """Attributions in reading order. `segments` are blocks each followed by its sentences; `language` is the document's,
    for segments that name none. Linear in the length of the text."""
    quotes = quotations(text, [s for s in segments if s.parent is None])
    drafts: list[Draft] = []
    places: list[int] = []
    carried = None
    for units in _blocks(segments):
        found, carried = _block(text, [segments[i] for i in units], quotes, language, carried)
        drafts += found
        places += units
    return _assembled(text, drafts, quotes, segments, places)


def _blocks(segments: Sequence) -> Iterator[list[int]]:
    """The places of each block's sentences, or of the block itself where it has none."""
    at = 0
    while at < len(segments):
        units = [at]
        while at + len(units) < len(segments) and segments[at + len(units)].parent == at:
            units.append(at + len(units))
        yield units[1:] or units
        at = units[-1] + 1


def _block(
    text: str, units: Sequence, quotes: list[Range], language: str | None, carried: Draft | None
) -> tuple[list[Draft], Draft | None]:
    """The drafts of one block, each quotation with the one that takes it, and who may go on in the next block.

    `carried` is whoever was announced by a colon at the end of the block before, or was quoted last in it."""
    found: list[Draft] = []
    owners: dict[Range, list[Draft]] = {}
    for unit in units:
        for start in range(unit.start, unit.end, SENTENCE_WINDOW):
            end = min(unit.end, start + SENTENCE_WINDOW)
            inside = overlapping(quotes, start, end)
            here = _read(text, start, end, inside, unit, language)
            for quote in inside:
                owners.setdefault(quote, []).extend(d for d in here if _takes(d, quote, start, end))
            found += here
    speaker, ends = None, [u.end for u in units]
    for quote, taking in owners.items():
        alone = _is_alone(text, quote, units, ends)
        if not taking and (orphan := _orphan(text, quote, alone, speaker or carried)):
            taking = [orphan]
            if orphan is not speaker and orphan is not carried:
                found.append(orphan)
        for draft in taking:
            draft.content.append(quote)
        speaker = taking[0] if taking else speaker
    found.sort(key=lambda d: min([*d.content, *filter(None, [d.cue])]))
    announced = found[-1] if found and not found[-1].content else None
    return found, announced or speaker


def _read(text: str, start: int, end: int, quotes: list[Range], unit, language: str | None) -> list[Draft]:
    """The drafts of text[start:end] of a sentence; none where words are missing or there are no cues of its language."""
    spoken = unit.language or language
    if "elided_links" in getattr(unit, "defects", ()) or spoken not in LANGUAGES:
        return []
    sentence = words(text, start, end)
    return indirect(sentence, quotes) if spoken == "en" else reported(sentence, quotes, spoken)


def _takes(draft: Draft, quote: Range, start: int, end: int) -> bool:
    """Whether a draft's content holds most of what of the quotation stands in text[start:end], its cue standing outside."""
    start, end = max(quote[0], start), min(quote[1], end)
    if draft.cue and quote[0] < draft.cue[0] < quote[1]:
        return False
    return sum(max(0, min(end, b) - max(start, a)) for a, b in draft.content) * 2 > end - start


def _is_alone(text: str, quote: Range, units: Sequence, ends: list[int]) -> bool:
    """Whether a quotation fills the sentences it stands in."""
    first = units[bisect_right(ends, quote[0])].start
    final = ends[min(bisect_left(ends, quote[1]), len(ends) - 1)]
    if max(quote[0] - first, final - quote[1]) > MARGIN:
        return False
    return not text[first : quote[0]].strip() and not text[quote[1] : final].strip(" .,")


def _orphan(text: str, quote: Range, alone: bool, speaker: Draft | None) -> Draft | None:
    """The draft of a quotation that no cue of its sentences takes: one that fills its sentences goes on with what its
    speaker said; words held at arm's length are nobody's; others have no source."""
    if alone and speaker:
        return speaker
    return Draft(None, None, []) if alone or is_speech(text[quote[0] : quote[1]]) else None


def _assembled(text: str, drafts: list[Draft], quotes: list[Range], segments: Sequence, units: list[int]) -> list[Attribution]:
    """Attributions of the drafts that have content, with segments (of `units`), types and parents."""
    ends = [segments[i].end for i in units]
    kept = [(d, content) for d in drafts if (content := _merged(text, d.content))]
    names = _names(text, {d.holder for d, _ in kept if d.holder})
    parents = _parents(kept)
    out = []
    for (draft, content), parent in zip(kept, parents, strict=True):
        touched = [range(bisect_right(ends, a), bisect_left(ends, b) + 1) for a, b in content]
        places = tuple(sorted({units[k] for r in touched for k in r if k < len(units) and segments[units[k]].start < content[-1][1]}))
        source, cue = ((s,) if s else () for s in (draft.source, draft.cue))
        kind = _type(content, quotes)
        holder = draft.holder if draft.holder in names else None
        out.append(Attribution(places, parent, source, cue, content, kind, holder, draft.cue_class, draft.direction))
    return out


def _names(text: str, holders: set[str]) -> set[str]:
    """The holders that are names. One capitalised word may only begin its sentence: how the document writes it elsewhere tells."""
    doubtful = {h for h in holders if " " not in h and not any(_is_inner(text, at) for at in _places(text, h))}
    return holders - {h for h in doubtful if any(True for _ in _places(text, h.lower())) or (h.endswith("s") and not h.isupper())}


def _places(text: str, word: str) -> Iterator[int]:
    """Where the word stands by itself."""
    at = text.find(word)
    while at >= 0:
        end = at + len(word)
        if not _WORD_CHARACTER.match(text, end) and not (at and _WORD_CHARACTER.match(text, at - 1)):
            yield at
        at = text.find(word, end)


def _is_inner(text: str, at: int) -> bool:
    """Whether the word at `at` does not begin a sentence: after a word in lower case, or a comma."""
    return text[at - 1 : at] == " " and text[at - 2 : at - 1] in _BEFORE_INNER


def _parents(kept: list[tuple[Draft, Spans]]) -> list[int | None]:
    """The place of the shortest longer content that holds each draft's cue, or its content where it has none."""
    sizes = [sum(b - a for a, b in content) for _, content in kept]
    spans = sorted((a, b, at) for at, (_, content) in enumerate(kept) for a, b in content)
    parents: list[int | None] = [None] * len(kept)
    active: list[tuple[int, int, int]] = []
    at = 0
    for child in sorted(range(len(kept)), key=lambda i: kept[i][0].cue or kept[i][1][0]):
        start, end = kept[child][0].cue or kept[child][1][0]
        while at < len(spans) and spans[at][0] <= start:
            active.append(spans[at])
            at += 1
        active = [s for s in active if s[1] > start]
        holding = [(sizes[i], i) for a, b, i in active if b >= end and sizes[i] > sizes[child]]
        parents[child] = min(holding)[1] if holding else None
    return parents


def _merged(text: str, spans: list[Range]) -> Spans:
    """Spans without outer white space and commas, in order, those joined that touch or have only white space between."""
    out: list[Range] = []
    for start, end in sorted(spans):
        piece = text[start:end]
        start, end = end - len(piece.lstrip(_OUTER)), start + len(piece.rstrip(_OUTER))
        if start >= end:
            continue
        if out and (start <= out[-1][1] or not text[out[-1][1] : start].strip()):
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((start, end))
    return tuple(out)


def _type(content: Spans, quotes: list[Range]) -> str:
    quoted = sum(min(b, d) - max(a, c) for a, b in content for c, d in overlapping(quotes, a, b))
    share = quoted / sum(b - a for a, b in content)
    return "indirect" if not quoted else "direct" if round(share, 6) > DIRECT_SHARE else "mixed"
