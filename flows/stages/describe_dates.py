"""Dates of a page: every one that can be read, what it is evidence of, and which of them is the publication.

Part of the describe stage. Own patterns over a closed table of month names rather than a parser library: such a library
(dateparser, dateutil) fills in what is not there (this month, the reader's day order), takes milliseconds a call and
does not say where in the text a date stands, which is what the evidence column needs. Every hit is checked against the
calendar. A date that can be read in two ways is given at the precision on which both readings agree.
"""

import json
import re
from bisect import bisect_left
from collections.abc import Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import NamedTuple

from flows.traced import Block

WORDS = Path(__file__).with_name("describe.json")


class Stamp(NamedTuple):
    """A date read at characters [start, end) of a text; value in ISO 8601, as short as its precision."""

    start: int
    end: int
    value: str
    precision: str
    weekday: bool


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


@cache
def words() -> dict:
    """The word lists of the stage, as in describe.json."""
    return json.loads(WORDS.read_text(encoding="utf-8"))


def fold(text: str) -> str:
    """Case folded; İ becomes i, so that Turkish capitals meet the small letters."""
    return text.replace("İ", "i").casefold().replace("\u0307", "")


# ---------------------------------------------------------------- reading dates

YEARS = range(1800, 2100)  # outside of these, four digits in a news text are a quantity
JALALI_YEARS = range(1300, 1450)
BUDDHIST_YEARS, BUDDHIST_AHEAD = range(2400, 2643), 543  # as Thailand counts
# Every part is bounded, so that no pattern reads a long run of digits or letters twice.
# Letters with the vowel signs of India, Burma and Cambodia, which `re` does not count as letters.
WORD = r"[^\W\d_][\w\u0900-\u0dff\u1000-\u109f\u1780-\u17ff.'’ʼ]{1,13}?"
YEAR = r"(?P<y>\d{4})(?![\d%])"
GAP = r"[\s\u00a0\u202f]"
PATTERNS = [
    re.compile(r"(?<![\d.,/-])(?P<y>\d{4})(?P<sep>[-/.])[ ]?(?P<m>\d{1,2})(?P=sep)[ ]?(?P<d>\d{1,2})(?!\d|[-/]\d)"),
    re.compile(r"(?<!\d)(?P<y>\d{4})[ ]?[年년][ ]?(?P<m>\d{1,2})[ ]?[月월](?:[ ]?(?P<d>\d{1,2})[ ]?[日일])?"),
    re.compile(r"(?<![\d.,/])(?<!\d-)(?P<a>\d{1,2})(?P<sep>[-/.])[ ]?(?P<b>\d{1,2})(?P=sep)[ ]?(?P<y>\d{4}|\d{2})(?![\d%]|[-/.]\d)"),
    re.compile(
        rf"(?<![\d.,:/-])(?P<d>\d{{1,2}})(?:st|nd|rd|th|er|re|ère|º|ª|°|\.|-[^\W\d_]{{1,3}}(?![^\W\d_]))?[\s\u00a0\u202f./-]{{0,2}}"
        rf"(?:(?:de|of|di|ta['’]){GAP}|d['’]|ב)?(?P<m>{WORD})[.,/-]{{0,2}}{GAP}{{0,2}}"
        rf"(?:(?:de|del|do|год|року){GAP})?['’]?(?P<y>\d{{4}}|(?<=[-/'’])\d{{2}})(?![\d%])"
    ),
    re.compile(rf"(?<![^\W\d_])(?P<m>{WORD})[.,]?{GAP}{{0,2}}(?P<d>\d{{1,2}})(?:st|nd|rd|th)?[.,]{{0,2}}{GAP}{{1,2}}{YEAR}"),
    re.compile(rf"(?<![\d.,/-])(?P<y>\d{{4}})[.,]?{GAP}(?:(?:m|gada|год|ж)\.?{GAP})?(?P<m>{WORD})[.,]?{GAP}(?P<d>\d{{1,2}})(?!\d)"),
    re.compile(rf"(?<!\d)(?P<d>\d{{1,2}}){GAP}tháng{GAP}(?P<m>\d{{1,2}})(?:{GAP}năm|,)?{GAP}{YEAR}"),
    re.compile(rf"(?<!\d)(?P<y>\d{{4}})\.?[ -]?(?:gada|жылғы|жылы|жылдын){GAP}(?P<d>\d{{1,2}})\.?[ -]?(?P<m>{WORD})(?!\w)"),
    re.compile(rf"(?<![^\W\d_])(?<!\d )(?<!\d\. )(?P<m>{WORD})[.,]?{GAP}(?:(?:de|del|of){GAP})?{YEAR}"),
]  # fmt: skip
NUMERIC = PATTERNS[2]
SLASHED = re.compile(r"/(?<=\d/)[ ]?\d")  # quicker than NUMERIC, and in all it finds with a slash
# Where a date can be: at a year, or at a day and month in figures. The patterns are tried only about these places. (It begins with
# one set of characters, as then what begins no match is passed over quickly; so do others below.)
PLACE = re.compile(r"[\d/'’-](?:(?<=\d)(?:(?<!\d\d)\d{3}(?!\d)|[-/.][ ]?\d{1,2}[-/.])|(?<!\d)\d\d(?!\d))")
REACH = 48  # characters on each side of such a place that a date may take


def stamps(text: str, language: str | None = None, order: str | None = None) -> list[Stamp]:
    """Every date with a year in `text`, in reading order, none overlapping another.

    order (`dm`, `md` or null) decides 3/4/2025 where neither a number above 12, a weekday nor a time zone does; null
    leaves it at the year.
    """
    found: list[Stamp] = []
    for start, end in _places(text):
        here: list[Stamp] = []
        for pattern in PATTERNS:
            taken = sorted(here)
            for m in pattern.finditer(text, start, end):
                before = bisect_left(taken, (m.end(),)) - 1
                if before < 0 or taken[before].end <= m.start():
                    here += _read(m, text, language, order)
        found += sorted(here)
    return _with_times_before(text, found)


def _places(text: str) -> list[tuple[int, int]]:
    """The stretches of `text` in which dates can stand, in order, disjoint."""
    out: list[tuple[int, int]] = []
    for m in PLACE.finditer(text):
        start, end = max(0, m.start() - REACH), min(len(text), m.end() + REACH)
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], end)
        else:
            out.append((start, end))
    return out


def _read(m: re.Match, text: str, language: str | None, order: str | None) -> list[Stamp]:
    """The date a match spells, with the time that follows it; nothing where the calendar knows no such day."""
    parts = m.groupdict()
    weekday = _weekday_before(text, m.start(), language)
    year = int(parts["y"]) + (2000 if len(parts["y"]) == 2 else 0)
    if "a" in parts:
        if len(parts["y"]) == 2 and parts["sep"] == "-":
            return []  # a score, a range, a phone number
        order = order or ("dm" if parts["sep"] == "." else _order_of_zone(text[m.end() : m.end() + CLOCK_WINDOW]))
        day, month = _ordered(int(parts["a"]), int(parts["b"]), year, weekday, order)
    else:
        month = int(parts["m"]) if parts["m"].isdecimal() else _month(parts["m"], language, "d" in parts)
        day = int(parts["d"]) if parts.get("d") else None
    if month and year in JALALI_YEARS and (language == "fa" or month > 12):
        year, month, day = _gregorian(year, (month - 1) % 12 + 1, day)
    if language == "th" and year in BUDDHIST_YEARS:
        year -= BUDDHIST_AHEAD
    value = _value(year, month, day)
    if not value:
        return []
    precision = ("year", "month", "day")[value.count("-")]
    clock, end = _time_after(text, m.end()) if precision == "day" else (None, m.end())
    if clock:
        return [Stamp(m.start(), end, f"{value}T{clock}", "time", weekday is not None)]
    return [Stamp(m.start(), end, value, precision, weekday is not None)]


def _value(year: int, month: int | None, day: int | None) -> str | None:
    if year not in YEARS:
        return None
    if month is None:
        return f"{year:04d}"
    try:
        valid = date(year, month, 1 if day is None else day)
    except ValueError:
        return None
    return valid.isoformat()[:7] if day is None else valid.isoformat()


# ---------------------------------------------------------------- day-month order


def day_order(text: str, language: str | None, locale: str | None, url: str | None) -> str | None:
    """`dm` or `md`: how 3/4/2025 is read on this page, by what is known of it, else by its own unmistakable dates;
    null in English where nothing tells."""
    tag = locale if locale and locale[:2] == language else language or ""
    if tag.replace("_", "-") in words()["month_first"].split():
        return "md"
    if tag and tag != "en":
        return "dm"
    host = re.sub(r"^[a-z]+://([^/:?#]*).*", r"\1", url or "", flags=re.S)
    if host.rpartition(".")[2] in words()["day_first_domains"].split():
        return "dm"
    if not SLASHED.search(text):
        return None
    votes = {"dm" if int(m["a"]) > 12 else "md" for m in NUMERIC.finditer(text) if m["sep"] == "/" and max(int(m["a"]), int(m["b"])) > 12}
    return votes.pop() if len(votes) == 1 else None


def _order_of_zone(after: str) -> str | None:
    """America writes the month first; its time zones lie west of Greenwich."""
    if re.search(r"\b(?:[ECMP][SD]T|[ECMP]T)\b", after):
        return "md"
    return "dm" if re.search(r"\b(?:CES?T|EES?T|MSK|BST)\b|\b(?:GMT|UTC)\s?\+", after) else None


def _ordered(a: int, b: int, year: int, weekday: int | None, order: str | None) -> tuple[int | None, int | None]:
    """(day, month) of a/b; (None, None) where both readings stand, (0, 0) where none does."""
    readings = {(d, m) for d, m in ((a, b), (b, a)) if _value(year, m, d)}
    if weekday is not None:
        readings = {(d, m) for d, m in readings if date(year, m, d).weekday() == weekday} or readings
    if len(readings) == 1:
        return readings.pop()
    if not readings or not order:
        return (None, None) if readings else (0, 0)
    return (a, b) if order == "dm" else (b, a)


# ---------------------------------------------------------------- time of day

CLOCK_WINDOW = 40  # characters beside a date in which its time is looked for
CLOCK = re.compile(
    r"(?P<h>\d{1,2})(?:(?P<sep>[:.h])(?P<min>\d\d)(?!\d)(?::\d\d(?:\.\d+)?)?)?[ \u00a0\u202f]?(?P<half>[ap]\.?m\b\.?|Uhr\b|h\b)?"
    r"(?:\s?\(?(?P<zone>(?:GMT|UTC)?[+−-]\d{1,2}(?::?\d\d)?|Z\b|[A-ZМСК]{2,5}\b)\)?)?", re.I
)  # fmt: skip
BEFORE_CLOCK = re.compile(
    r"T|[\s,|•·–—@/()-]{0,5}(?:(?:um|at|à|a las|alle|alle ore|ore|às|kl\.?|o|о|в|om|pukul|jam|saat|as of|klo)\s{1,2})?[\s,|•·–—@-]{0,3}"
)
AFTER_CLOCK = re.compile(r"[\s,|•·–—-]{1,4}(?:on\s|am\s)?(?:[^\W\d_]{2,12}[.,]?\s)?")


def _time_after(text: str, at: int) -> tuple[str | None, int]:
    """The time of day that follows a date, hh:mm with its zone where given, and where it ends."""
    window = text[at : at + CLOCK_WINDOW]
    before = BEFORE_CLOCK.match(window)
    m = CLOCK.match(window, before.end() if before else 0)
    if not m or not (clock := _clock(m)):
        return None, at
    end = m.end() if clock[5:] or not m["zone"] else m.start("zone")
    return clock, at + len(window[:end].rstrip(" (\u00a0"))


def _with_times_before(text: str, found: list[Stamp]) -> list[Stamp]:
    """The dates, those without a time joined with one that stands right before them: 12:20pm Jan 7, 2024."""
    out, at = [], 0
    for s in found:
        start = max(at, s.start - CLOCK_WINDOW)
        if s.precision == "day":
            for m in CLOCK.finditer(text, start, s.start):
                clock = AFTER_CLOCK.fullmatch(text, m.end(), s.start) and _clock(m)
                if clock:
                    s = s._replace(start=m.start(), value=f"{s.value}T{clock}", precision="time")
                    break
        out.append(s)
        at = s.end
    return out


def _clock(m: re.Match) -> str | None:
    half = (m["half"] or "").casefold().replace(".", "")
    if half not in ("am", "pm") and not (m["min"] and (m["sep"] in ":hH" or half)):
        return None
    hour, minute = int(m["h"]), int(m["min"] or 0)
    if half in ("am", "pm") and 1 <= hour <= 12:
        hour = hour % 12 + (12 if half == "pm" else 0)
    return f"{hour:02d}:{minute:02d}{_zone(m['zone'])}" if hour < 24 and minute < 60 else None


def _zone(name: str | None) -> str:
    """The offset of a time zone, Z or +hh:mm; nothing for a name that means several."""
    m = re.fullmatch(r"(?:GMT|UTC)?([+−-])(\d{1,2}):?(\d\d)?", name or "", re.I)
    if not m or int(m[2]) > 14 or int(m[3] or 0) > 59:
        return words()["zones"].get((name or "").casefold(), "")
    return f"{'+' if m[1] == '+' else '-'}{int(m[2]):02d}:{int(m[3] or 0):02d}"


# ---------------------------------------------------------------- names of months and days


@cache
def _tables() -> tuple[dict[str, dict[str, int]], dict[str, dict[str, int]]]:
    """Months (1 to 12; Jalali ones 13 to 24) and weekdays (0 to 6) by name, then by language."""
    months: dict[str, dict[str, int]] = {}
    weekdays: dict[str, dict[str, int]] = {}
    for table, key, first in ((months, "months", 1), (weekdays, "weekdays", 0)):
        for language, packed in words()[key].items():
            for number, names in enumerate(packed.split("|"), first):
                for name in names.split():
                    table.setdefault(name, {})[language] = number
    for number, name in enumerate(words()["jalali_months"].split("|"), 13):
        months.setdefault(name, {})["fa"] = number
    return months, weekdays


SHORT = 3  # letters of a name that counts only in the language of the page: "set" is a month, "on" a weekday somewhere


def _month(name: str, language: str | None, has_day: bool) -> int:
    """The month a word names; 0 if none."""
    name = fold(name).strip(".'’ʼ")
    number = _meant(_tables()[0].get(name, {}), language, has_day or len(name) > SHORT)
    return 0 if number is None else number


def _meant(known: dict[str, int], language: str | None, sure: bool) -> int | None:
    """What a name means in the language of the page, else in English, else, if it is `sure`, where all languages agree."""
    for tag in (language, "en"):
        if tag in known:
            return known[tag]
    numbers = set(known.values())
    return numbers.pop() if len(numbers) == 1 and sure else None


WEEKDAY = re.compile(
    r"(?<![^\W\d_])(([^\W\d_]{2,15})(?:[-\u200c][^\W\d_]{3,10})?)[.,|]{0,2}[\s\u00a0]{0,3}(?:(?:den|der|dem|the|le|il|el)\s)?$"
)


def _weekday_before(text: str, at: int, language: str | None) -> int | None:
    m = WEEKDAY.search(text, max(0, at - 32), at)
    if not m:
        return None
    known = _tables()[1].get(fold(m[1])) or _tables()[1].get(fold(m[2]))
    return _meant(known, language, len(m[1]) > SHORT) if known else None


def _gregorian(year: int, month: int, day: int | None) -> tuple[int, int | None, int | None]:
    """A day of the Jalali calendar in the Gregorian one, by the 33-year rule (exact for the years 1244 to 1472); of a
    month alone, the year in which most of the Jalali year lies."""
    if day is None or not 1 <= day <= 31:
        return year + 621, None, None
    leaps = sum(y % 33 in (1, 5, 9, 13, 17, 22, 26, 30) for y in range(1300, year))
    days = 365 * (year - 1300) + leaps + (month - 1) * 31 - max(0, month - 7) + day - 1
    there = date.fromordinal(date(1921, 3, 21).toordinal() + days)
    return there.year, there.month, there.day


# ---------------------------------------------------------------- what a date is evidence of

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


URL_DAY = re.compile(r"(?<!\d)((?:19|20)\d\d)([-/_]?)(\d\d)\2(\d\d)(?!\d)")
URL_MONTH = re.compile(r"/((?:19|20)\d\d)[-/](\d\d)(?=/)")


def from_facts(url: str | None, retrieved: str | None) -> list[DateCandidate]:
    """What the address of a page and the list of captures say: the day (else the month) in the path, the day of retrieval."""
    path = re.sub(r"^[a-z]+://[^/]*", "", (url or "").split("?")[0].split("#")[0])
    days = [_value(int(m[1]), int(m[3]), int(m[4])) for m in URL_DAY.finditer(path)]
    months = [_value(int(m[1]), int(m[2]), None) for m in URL_MONTH.finditer(path)]
    value = next((v for v in days + months if v), None)
    out = [DateCandidate("published", value, "day" if len(value) == 10 else "month", "url", None, None)] if value else []
    if retrieved:
        precision = ("year", "month", "day", "time")[min(retrieved[:10].count("-"), 2) + (len(retrieved) > 10)]
        out.append(DateCandidate("retrieved", retrieved, precision, "capture", None, None))
    return out


# ---------------------------------------------------------------- choosing

# From the surest source to the least. A label beats all; an address with a day was set once, an unlabelled line may be
# rewritten; what stands above the title may be another article's, what stands below the body mostly is.
SOURCES = ("label", "url", "byline", "masthead", "dateline", "listing", "endnote")
UNANIMOUS = ("listing", "endnote")


def choose(found: Sequence[DateCandidate], titled: bool) -> DateCandidate | None:
    """The publication: of the finest precision the surest source, of that the first. A source that names several days
    where only one can be meant names none; nothing lies after the day of retrieval; a year alone is no date."""
    limit = next((c.value[:10] for c in found if c.source == "capture"), None)
    able = [c for c in found if c.role == "published" and c.precision != "year" and (not limit or c.value[: len(limit)] <= limit)]
    for source in UNANIMOUS if titled else (*UNANIMOUS, "byline", "masthead"):
        if len({c.value[:10] for c in able if c.source == source}) > 1:
            able = [c for c in able if c.source != source]
    return min(able, key=lambda c: (c.precision == "month", SOURCES.index(c.source)), default=None)


# Sources that speak of this article only: what is listed, stands above the title or below the body may be another's.
OWN = ("label", "url", "byline", "dateline")


def is_disputed(found: Sequence[DateCandidate], published: DateCandidate | None) -> bool:
    """Whether as many sources name a day apart from the one that was chosen as name it. Of each source its first counts: a
    second date beside it is mostly that of a change."""
    first: dict[str, str] = {}
    for c in found:
        if c.role == "published" and c.source in OWN:
            first.setdefault(c.source, c.value)
    against = sum(are_apart(value, published.value) for value in first.values()) if published else 0
    return against > 0 and 2 * against >= len(first)


def are_apart(one: str, other: str) -> bool:
    """Whether two dates in ISO 8601 are more than a day apart, as far as both are told: a day may be another in another zone."""
    width = min(len(one), len(other), len("2025-07-06"))
    if width < len("2025-07-06"):
        return one[:width] != other[:width]
    return abs(date.fromisoformat(one[:width]) - date.fromisoformat(other[:width])).days > 1


def bounds(found: Sequence[DateCandidate], published: DateCandidate | None) -> tuple[str | None, str | None, str | None]:
    """(modified, not before, not after): the last change; the latest past day or month the body speaks of; the earliest
    day known to follow publication, be it of a change or of retrieval. What lies before the publication that was chosen
    is left out: it stands among the candidates."""
    day = published.value[:10] if published else ""
    changes = [c.value for c in found if c.role == "modified" and c.precision in ("day", "time") and c.value[: len(day)] >= day]
    seen = [c.value[:10] for c in found if c.role == "retrieved" and c.value[: len(day)] >= day]
    after = min([v[:10] for v in changes] + seen, default=None)
    limit = min([d for d in (after, day) if d], default=None)
    past = [c.value[:10] for c in found if c.role == "mention"]
    before = max([v for v in past if not limit or v[: len(limit)] <= limit[: len(v)]], default=None)
    return max(changes, default=None), before, after
