"""Dates as they are written in a text, each with its place.

Part of the describe stage. Own patterns over a closed table of month names rather than a parser library: such a library
(dateparser, dateutil) fills in what is not there (this month, the reader's day order), takes milliseconds a call and
does not say where in the text a date stands, which is what the evidence column needs. Every hit is checked against the
calendar. A date that can be read in two ways is given at the precision on which both readings agree.
"""

import re
from bisect import bisect_left
from datetime import date
from typing import NamedTuple

from flows.stages.describe_calendar import gregorian, iso_date, month_named, weekday_before
from flows.stages.describe_clock import CLOCK_WINDOW, time_after, time_before
from flows.stages.describe_words import words

JALALI_YEARS = range(1300, 1450)
BUDDHIST_YEARS, BUDDHIST_AHEAD = range(2400, 2643), 543  # as Thailand counts
# Every part is bounded, so that no pattern reads a long run of digits or letters twice. What must not stand before a number is looked
# at behind its first digit, so that the search can skip to digits.
# Letters with the vowel signs of India, Burma and Cambodia, which `re` does not count as letters.
WORD = r"[^\W\d_][\w\u0900-\u0dff\u1000-\u109f\u1780-\u17ff.'’ʼ]{1,13}?"
YEAR = r"(?P<y>\d{4})(?![\d%])"
GAP = r"[\s\u00a0\u202f]"
PATTERNS = [
    re.compile(r"(?P<y>\d(?<![\d.,/-]\d)\d{3})(?P<sep>[-/.])[ ]?(?P<m>\d{1,2})(?P=sep)[ ]?(?P<d>\d{1,2})(?!\d|[-/]\d)"),
    re.compile(r"(?P<y>\d(?<!\d\d)\d{3})[ ]?[年년][ ]?(?P<m>\d{1,2})[ ]?[月월](?:[ ]?(?P<d>\d{1,2})[ ]?[日일])?"),
    re.compile(r"(?P<a>\d(?<![\d.,/]\d)(?<!\d-\d)\d?)(?P<sep>[-/.])[ ]?(?P<b>\d{1,2})(?P=sep)[ ]?(?P<y>\d{4}|\d{2})(?![\d%]|[-/.]\d)"),
    re.compile(
        rf"(?P<d>\d(?<![\d.,:/-]\d)\d?)(?:st|nd|rd|th|er|re|ère|º|ª|°|\.|-[^\W\d_]{{1,3}}(?![^\W\d_]))?[\s\u00a0\u202f./-]{{0,2}}"
        rf"(?:(?:de|of|di|ta['’]){GAP}|d['’]|ב)?(?P<m>{WORD})[.,/-]{{0,2}}{GAP}{{0,2}}"
        rf"(?:(?:de|del|do|год|року){GAP})?['’]?(?P<y>\d{{4}}|(?<=[-/'’])\d{{2}})(?![\d%])"
    ),
    re.compile(rf"(?<![^\W\d_])(?P<m>{WORD})[.,]?{GAP}{{0,2}}(?P<d>\d{{1,2}})(?:st|nd|rd|th)?[.,]{{0,2}}{GAP}{{1,2}}{YEAR}"),
    re.compile(rf"(?P<y>\d(?<![\d.,/-]\d)\d{{3}})[.,]?{GAP}(?:(?:m|gada|год|ж)\.?{GAP})?(?P<m>{WORD})[.,]?{GAP}(?P<d>\d{{1,2}})(?!\d)"),
    re.compile(rf"(?P<d>\d(?<!\d\d)\d?){GAP}tháng{GAP}(?P<m>\d{{1,2}})(?:{GAP}năm|,)?{GAP}{YEAR}"),
    re.compile(rf"(?P<y>\d(?<!\d\d)\d{{3}})\.?[ -]?(?:gada|жылғы|жылы|жылдын){GAP}(?P<d>\d{{1,2}})\.?[ -]?(?P<m>{WORD})(?!\w)"),
    re.compile(rf"(?<![^\W\d_])(?<!\d )(?<!\d\. )(?P<m>{WORD})[.,]?{GAP}(?:(?:de|del|of){GAP})?{YEAR}"),
]  # fmt: skip
NUMERIC = PATTERNS[2]
SLASHED = re.compile(r"/(?<=\d/)[ ]?\d")  # quicker than NUMERIC, and in all it finds with a slash
# Where a date can be: at a year, or at a day and month in figures. The patterns are tried only about these places. (It begins with
# one set of characters, as then what begins no match is passed over quickly; so do other patterns of the stage.)
PLACE = re.compile(r"[\d/'’-](?:(?<=\d)(?:(?<!\d\d)\d{3}(?!\d)|[-/.][ ]?\d{1,2}[-/.])|(?<!\d)\d\d(?!\d))")
REACH = 48  # characters on each side of such a place that a date may take


class Stamp(NamedTuple):
    """A date read at characters [start, end) of a text; value in ISO 8601, as short as its precision."""

    start: int
    end: int
    value: str
    precision: str
    weekday: bool


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
    weekday = weekday_before(text, m.start(), language)
    year = int(parts["y"]) + (2000 if len(parts["y"]) == 2 else 0)
    if "a" in parts:
        if len(parts["y"]) == 2 and parts["sep"] == "-":
            return []  # a score, a range, a phone number
        order = order or ("dm" if parts["sep"] == "." else _order_of_zone(text[m.end() : m.end() + CLOCK_WINDOW]))
        day, month = _ordered(int(parts["a"]), int(parts["b"]), year, weekday, order)
    else:
        month = int(parts["m"]) if parts["m"].isdecimal() else month_named(parts["m"], language, "d" in parts)
        day = int(parts["d"]) if parts.get("d") else None
    if month and year in JALALI_YEARS and (language == "fa" or month > 12):
        year, month, day = gregorian(year, (month - 1) % 12 + 1, day)
    if language == "th" and year in BUDDHIST_YEARS:
        year -= BUDDHIST_AHEAD
    value = iso_date(year, month, day)
    if not value:
        return []
    precision = ("year", "month", "day")[value.count("-")]
    clock, end = time_after(text, m.end()) if precision == "day" else (None, m.end())
    if clock:
        return [Stamp(m.start(), end, f"{value}T{clock}", "time", weekday is not None)]
    return [Stamp(m.start(), end, value, precision, weekday is not None)]


def _with_times_before(text: str, found: list[Stamp]) -> list[Stamp]:
    """The dates, those without a time joined with one that stands right before them."""
    out, at = [], 0
    for s in found:
        clock, start = time_before(text, at, s.start) if s.precision == "day" else (None, s.start)
        out.append(s._replace(start=start, value=f"{s.value}T{clock}", precision="time") if clock else s)
        at = s.end
    return out


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
    readings = {(d, m) for d, m in ((a, b), (b, a)) if iso_date(year, m, d)}
    if weekday is not None:
        readings = {(d, m) for d, m in readings if date(year, m, d).weekday() == weekday} or readings
    if len(readings) == 1:
        return readings.pop()
    if not readings or not order:
        return (None, None) if readings else (0, 0)
    return (a, b) if order == "dm" else (b, a)
