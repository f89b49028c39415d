"""What each date of a page is evidence of: publication, change, retrieval, copyright, or something the text tells of.

Part of the describe stage.
"""

import re
from bisect import bisect_left
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from flows.stages.describe_calendar import iso_date
from flows.stages.describe_stamps import Stamp
from flows.stages.describe_words import fold, words
from flows.traced import Block

LABEL_WINDOW = 48  # characters before a date in which the word that explains it stands
LABEL_GAP = 14  # characters between such a word and its date inside a sentence: "updated on Monday, "
DATE_LINE = 160  # characters of the longest line that is a date line rather than a sentence
LINE_WORDS = 9  # words a date line may hold beside its date: a name, a place, a reading time
PREPOSITION = 3  # letters of the longest word that, before a date at the head of a line, begins a sentence: "On", "Am", "Den"
ABOUT_BYLINE = 3  # lines on each side of a byline that may hold its date
TENSE_WINDOW = 160  # characters on each side of a mention that are looked at for its tense
NO_EVIDENCE = ("comments", "related", "advertisement")  # rules of lines that speak of another text
BODY = ("title", "standfirst", "paragraph", "quote", "list_item", "heading", "caption")
COPYRIGHT = re.compile(r"©|\(c\)\s|copyright|all rights reserved|alle rechte|℗|tous droits|todos los derechos", re.I)
COPYRIGHT_YEAR = re.compile(r"[12](?<!\d\d)(?:(?<=1)9|(?<=2)0)\d\d(?!\d)")
TEMPERATURE = re.compile(
    r"\W{0,3}(?:[^\W\d_]{2,20}\W{1,3})?[-+−]?\d{1,3}(?:[.,]\d)?\s?(?:[°º˚]\s?[CF]?|[CF])(?!\w)\W{0,3}(?:[^\W\d_]{2,20}\W{0,3}){0,2}"
)
DATELINE = re.compile(r"\W{0,3}[^\W\d_][^\W\d_'’.-]*[A-ZÀ-ÞА-ЯІЇЄҐİƏ]+[\w .'’/()-]{0,30}[,:(]?\s{0,2}")
DATELINE_END = re.compile(r"[^\S\n]?[)(\w /]{0,20}[—–:.-]")
SENTENCE_END = re.compile(r"(?<=[^\d\s][.!?…])\s")
URL_DAY = re.compile(r"(?<!\d)((?:19|20)\d\d)([-/_]?)(\d\d)\2(\d\d)(?!\d)")
URL_MONTH = re.compile(r"/((?:19|20)\d\d)[-/](\d\d)(?=/)")


class DateCandidate(NamedTuple):
    """A date and what it is evidence of; start and end are null where it stands outside the text."""

    role: str
    value: str
    precision: str
    source: str
    start: int | None
    end: int | None


class Zones(NamedTuple):
    """Numbers of blocks: the title; those about title and beginning of the body, where byline and date stand; those
    right after the body; the byline."""

    title: int | None
    head: range
    tail: range
    byline: int | None = None


def candidates(text: str, blocks: Sequence[Block], zones: Zones, found: Sequence[Stamp], language: str | None) -> list[DateCandidate]:
    """Every date found, in reading order, and the years of copyright lines, each with its role and source."""
    starts = [s.start for s in found]
    out = []
    for i, block in enumerate(blocks):
        here = found[bisect_left(starts, block.start) : bisect_left(starts, block.end)]
        line = text[block.start : min(block.end, block.start + DATE_LINE + 1)]
        dated = len(line) <= DATE_LINE and (here or COPYRIGHT_YEAR.search(line))
        notice = COPYRIGHT.search(line) if dated else None
        owned = block.start + notice.start() if notice else block.end
        for stamp in here:
            if stamp.start < owned:
                role, source = _role(text, blocks, i, stamp, here, zones, language)
                out.append(DateCandidate(role, stamp.value, stamp.precision, source, stamp.start, stamp.end))
        for m in COPYRIGHT_YEAR.finditer(line if notice else ""):
            if block.start + m.start() > owned:
                out.append(DateCandidate("copyright", m[0], "year", "copyright", block.start + m.start(), block.start + m.end()))
    return out


def _role(
    text: str, blocks: Sequence[Block], i: int, stamp: Stamp, here: Sequence[Stamp], zones: Zones, language: str | None
) -> tuple[str, str]:
    """(role, source) of a date in block i; `here` are all dates of the block."""
    block = blocks[i]
    inside = i in zones.head or (zones.byline is not None and abs(i - zones.byline) <= ABOUT_BYLINE)
    alone = (i == zones.byline and block.end - block.start <= DATE_LINE) or _is_date_line(text, block, here)
    label = _label(text, blocks, i, stamp, alone)
    if label == "updated" and (inside or (block.rule not in NO_EVIDENCE and (block.unit or i < zones.tail.stop))):
        return "modified", "update_note"
    if alone and (_is_widget(text, blocks, i) or _is_masthead(i, stamp, here, zones, label)):
        return "retrieved", "widget"
    if inside and alone and (stamp.precision in ("day", "time") or label or i == zones.byline):
        above = zones.title is not None and i < zones.title
        return "published", "masthead" if above else "label" if label else "byline"
    if inside and _is_dateline(text, block, stamp):
        return "published", "dateline"
    if label == "published" and (alone or not block.unit) and i < zones.tail.stop and block.rule not in NO_EVIDENCE:
        return "published", "endnote"
    if zones.title is not None and alone and len(here) == 1 and _is_title_with_date(text, blocks[zones.title], block, stamp):
        return "published", "listing"
    if block.unit in BODY and not alone:
        return "mention" if _is_past(text, block, stamp, language) else "other", "body"
    return "other", block.rule or block.unit or "body"


def _is_title_with_date(text: str, title: Block, block: Block, stamp: Stamp) -> bool:
    """The title again with a date, as in a list of the latest articles."""
    rest = text[block.start : stamp.start] + text[stamp.end : block.end]
    return re.findall(r"\w+", rest) == re.findall(r"\w+", text[title.start : title.end][:DATE_LINE])


def _is_masthead(i: int, stamp: Stamp, here: Sequence[Stamp], zones: Zones, label: str | None) -> bool:
    """A weekday and a date above title or byline, without a time: what a site prints on every page, the day it is read."""
    first = next((k for k in (zones.title, zones.byline) if k is not None), zones.head.stop)
    return i < first and stamp.weekday and stamp.precision == "day" and not label and len(here) == 1


@cache
def _labels() -> re.Pattern:
    """The words that say a date is one of publication or of an update; the longest first, as each may begin another."""
    lists = {key: sorted({w for ws in words()[key].values() for w in ws}, key=lambda w: (-len(w), w)) for key in ("updated", "published")}
    either = "|".join(f"(?P<{key}>{'|'.join(map(re.escape, ws))})" for key, ws in lists.items())
    return re.compile(rf"(?<!\w)(?:{either})(?![^\W\d_])")


def has_label(text: str) -> bool:
    """Whether a word of publication or update stands in `text`."""
    return bool(_labels().search(fold(text)))


def _label(text: str, blocks: Sequence[Block], i: int, stamp: Stamp, alone: bool) -> str | None:
    """`published` or `updated`, by the word before a date: in its line, or as the whole of the line before. A date in
    front of the word for updates is the publication; inside a sentence the word must stand close."""
    block = blocks[i]
    before = fold(text[max(block.start, stamp.start - LABEL_WINDOW) : stamp.start])
    if not re.search(r"\w", before) and i and blocks[i - 1].end - blocks[i - 1].start < LABEL_WINDOW // 2:
        before = fold(text[blocks[i - 1].start : blocks[i - 1].end])
    last = next(reversed([*_labels().finditer(before)]), None)
    if last and not alone and block.unit != "note":
        first = not re.search(r"\w", before[: last.start()]) and stamp.start - block.start < LABEL_WINDOW
        itself = any(word in before for word in words()["self_reference"])
        return last.lastgroup if len(before) - last.end() <= LABEL_GAP and (first or itself) else None
    if not last and alone:
        after = _labels().search(fold(text[stamp.end : min(block.end, stamp.end + LABEL_WINDOW)]))
        return "published" if after and after.lastgroup == "updated" else None
    return last and last.lastgroup


def _is_date_line(text: str, block: Block, here: Sequence[Stamp]) -> bool:
    """A line made of dates and little else: no sentence, no title, no "Vote set for 5 May 2025"."""
    if block.unit == "title" or block.end - block.start > DATE_LINE:
        return False
    rest, at = [], block.start
    for s in here:
        rest.append(text[at : s.start])
        at = s.end
    rest.append(text[at : block.end])
    told = any(map(has_label, rest))
    lead = re.search(r"(?<![^\W\d_])([^\W\d_]+)\s?$", rest[0])
    if lead and not (told or here[0].weekday) and (lead[1].islower() or (lead.start() < 2 and len(lead[1]) <= PREPOSITION)):
        return False
    words_left = len(re.findall(r"[^\W\d_]+", " ".join(rest)))
    framed = told or not rest[0].strip("•*- ") or not rest[-1].strip()
    most = LINE_WORDS if told or (framed and block.unit not in BODY) else LINE_WORDS // 2 if block.unit in BODY else LINE_WORDS * 2 // 3
    return words_left <= most and not (words_left > LINE_WORDS // 2 and text[block.end - 1] in '.!?…»”"')


def _is_widget(text: str, blocks: Sequence[Block], i: int) -> bool:
    """A temperature stands within two lines."""
    near = [text[b.start : b.end] for b in blocks[max(0, i - 2) : i + 3] if b.end - b.start < 32]
    return any(TEMPERATURE.fullmatch(line) for line in near)


def _is_dateline(text: str, block: Block, stamp: Stamp) -> bool:
    """PLACE, date (AGENCY) — at the beginning of a paragraph."""
    before, after = text[block.start : min(stamp.start, block.start + LABEL_WINDOW)], text[stamp.end : stamp.end + 24]
    return block.start + len(before) == stamp.start and bool(DATELINE.fullmatch(before) and DATELINE_END.match(after))


@cache
def _tense(language: str | None) -> tuple[re.Pattern, re.Pattern]:
    tag = language if language in words()["past"] else "en"
    past, future = (re.compile(rf"(?<!\w)(?:{words()[key][tag]})(?!\w)", re.I) for key in ("past", "future"))
    return past, future


def _is_past(text: str, block: Block, stamp: Stamp, language: str | None) -> bool:
    """Whether a sentence tells of a day or month that lay behind: a past tense and nothing that looks ahead. A bare
    year is too coarse to bound anything."""
    if stamp.precision == "year":
        return False
    past, future = _tense(language)
    before = SENTENCE_END.split(text[max(block.start, stamp.start - TENSE_WINDOW) : stamp.start])[-1]
    after = SENTENCE_END.split(text[stamp.end : min(block.end, stamp.end + TENSE_WINDOW)])[0]
    sentence = f"{before} {after}"
    return bool(past.search(sentence)) and not future.search(sentence)


def from_facts(url: str | None, retrieved: str | None) -> list[DateCandidate]:
    """What the address of a page and the list of captures say: the day (else the month) in the path, the day of retrieval."""
    path = re.sub(r"^[a-z]+://[^/]*", "", (url or "").split("?")[0].split("#")[0])
    days = [iso_date(int(m[1]), int(m[3]), int(m[4])) for m in URL_DAY.finditer(path)]
    months = [iso_date(int(m[1]), int(m[2]), None) for m in URL_MONTH.finditer(path)]
    value = next((v for v in days + months if v), None)
    out = [DateCandidate("published", value, "day" if len(value) == 10 else "month", "url", None, None)] if value else []
    if retrieved:
        precision = ("year", "month", "day", "time")[min(retrieved[:10].count("-"), 2) + (len(retrieved) > 10)]
        out.append(DateCandidate("retrieved", retrieved, precision, "capture", None, None))
    return out
