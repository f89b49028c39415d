"""The lines of a plain-text dump: each by itself, its words and looks, and what it says it is, whatever stands around it.

Part of the strip stage.
"""

import json
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from flows import shapes
from flows.shapes import CHARS, DIGITS, FINISHED, N_WORDS, NUMBERS, SYMBOLS, UPPER_SHARE

WORDS = Path(__file__).with_name("strip_words.json")
LINE_ENDS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
BLOCK_UNITS = (6.0, 12.0, 24.0)  # words a line must have not to count against a block (Finn et al. 2001, on lines)
BLOCK_CAP = 60.0
LONG = 10  # words from which a finished line is taken for a paragraph
SHORT_WORD = 3  # letters; only longer words are looked for on other lines
BUCKETS = 1 << 14  # of word numbers, to count them: here and there two words share one


class Cut(NamedTuple):
    """The non-blank lines of a text: where they start and end without outer white space, where they begin with it, line ends since
    the line before, and the lines."""

    starts: list[int]
    ends: list[int]
    begins: list[int]
    gaps: np.ndarray
    lines: list[str]


class Page(NamedTuple):
    """The lines of a text: line ends since the line before; their words and looks (see shapes.Lines); of their longer words a number
    below BUCKETS, and the line each stands in; their word counts; what is known of the word each begins with (see FLAGS), how many
    words each holds of each vocabulary, and whether one of TELLING; dates and bylines (see _dated); first line and end of the
    densest stretches of lines, for each of BLOCK_UNITS."""

    gaps: np.ndarray
    lines: list[str]
    norms: list[str]
    shapes: np.ndarray
    words: np.ndarray
    rows: np.ndarray
    counts: list[int]
    opening: np.ndarray
    vocabulary: np.ndarray
    telling: np.ndarray
    dates: np.ndarray
    blocks: np.ndarray


def cut_lines(text: str) -> Cut:
    """Where the non-blank lines of a text stand."""
    whole = text.splitlines(keepends=True)
    bodies = list(map(str.strip, whole))
    lengths = np.fromiter(map(len, whole), np.int64, len(whole))
    solid = np.fromiter(map(len, bodies), np.int64, len(whole))
    outer = np.fromiter(map(len, map(str.lstrip, whole)), np.int64, len(whole))
    begins = lengths.cumsum() - lengths
    at = np.flatnonzero(solid)
    starts = (begins + lengths - outer)[at]
    gaps = at.copy()
    gaps[1:] -= at[:-1]
    return Cut(starts.tolist(), (starts + solid[at]).tolist(), begins[at].tolist(), gaps, list(filter(None, bodies)))


def parse(text: str) -> Page:
    """Cut the text into its lines and look at each by itself."""
    return look(cut_lines(text))


def look(cut: Cut) -> Page:
    """What is seen of each line by itself."""
    norms, looks, words, rows, letters = shapes.measure(cut.lines)
    n, flags = len(cut.lines), _flags(words)
    opening = np.zeros(n, np.uint8)
    opening[rows[::-1]] = flags[::-1]  # the first word of a line is the last to be written
    said = np.flatnonzero(flags & VOCABULARY)
    spoken = np.bincount(rows[said] * 4 + (flags[said] & VOCABULARY) - 1, minlength=n * 4).reshape(n, 4).T
    telling = np.zeros(n, bool)
    telling[rows[np.flatnonzero(flags & TELLS)]] = True
    counts, long = looks[N_WORDS].astype(int).tolist(), np.flatnonzero(letters > SHORT_WORD)
    words, rows = (words[long] & np.uint64(BUCKETS - 1)).view(np.int64), rows[long]
    dates, blocks = _dated(cut.lines, looks, opening), _blocks(looks)
    return Page(cut.gaps, cut.lines, norms, looks, words, rows, counts, opening, spoken, telling, dates, blocks)


def _blocks(looks: np.ndarray) -> np.ndarray:
    return shapes.densest(np.minimum(looks[N_WORDS], BLOCK_CAP), BLOCK_UNITS)


def part_of(page: Page, start: int, end: int) -> Page:
    """The lines from start to end as a page of their own."""
    a, b = np.searchsorted(page.rows, (start, end))
    gaps, lines, norms, looks, words, rows, counts, opening, vocabulary, telling, dates, _ = page
    some, told = slice(start, end), slice(a, b)
    return Page(
        gaps[some], lines[some], norms[some], looks[:, some], words[told], rows[told] - start,
        counts[some], opening[some], vocabulary[:, some], telling[some], dates[some], _blocks(looks[:, some]),
    )  # fmt: skip


# ---------------------------------------------------------------- what a line says it is


# What is known of a word: the number of its vocabulary; whether furniture, a note of the editors, a byline or a date of publication
# begins with it; whether it is one of TELLING.
FLAGS = VOCABULARY, STARTS, NOTES, BY, PUBLISHED, TELLS = 7, 8, 16, 32, 64, 128
VOCABULARIES = ("reader", "site", "data", "credit")
TELLING = ("http", "https", "www", "c", "radio", "player", "podcast")  # without one of these words PATTERN need not be tried
SLOTS = 1 << 16  # marks of word numbers' last bits: most words of a page stand in no list


class Words(NamedTuple):
    """Rule by whole line; (beginning, rule) by first word; beginnings of notes by first word; words of bylines, of dates, "and", of
    credits; greetings; headings of a list that sums the article up;
    numbers of the words of which something is known in rising order, and what (see FLAGS); the slots of those numbers; what a
    disclaimer speaks of: views, whose they are, that others do not share them."""

    lines: dict[str, str]
    starts: dict[str, list[tuple[str, str]]]
    notes: dict[str, list[str]]
    by: frozenset[str]
    published: frozenset[str]
    joining: frozenset[str]
    credit: frozenset[str]
    greetings: tuple[str, ...]
    key_points: frozenset[str]
    numbers: np.ndarray
    flags: np.ndarray
    slots: np.ndarray
    disclaimer: list[tuple[tuple[str, ...], tuple[str, ...]]]


@cache
def known_words() -> Words:
    """The word lists of strip_words.json, as they are asked: lines and their beginnings as shapes.measure writes them."""
    lists = json.loads(WORDS.read_text(encoding="utf-8"))
    lines: dict[str, str] = {"": "widget"}
    starts: dict[str, list[tuple[str, str]]] = {}
    for rule, words in lists["rules"].items():
        for line in shapes.measure(words["lines"]).norms:
            lines.setdefault(line, rule)
        for start in shapes.measure(words["starts"]).norms:
            starts.setdefault(start.split()[0], []).append((start, rule))
    notes: dict[str, list[str]] = {}
    for start in lists["notes"]:
        notes.setdefault(start.split()[0], []).append(start)
    stems = [(tuple(stems["words"]), tuple(stems["parts"])) for stems in lists["disclaimer"].values()]
    by, published, joining, credit = (frozenset(lists[name]) for name in ("by", "published", "and", "credit"))
    known: Counter[str] = Counter({word: i for i, name in enumerate(VOCABULARIES, 1) for word in lists[name]})
    for flag, words in ((STARTS, starts), (NOTES, notes), (BY, by), (PUBLISHED, published), (TELLS, TELLING)):
        known.update(dict.fromkeys(words, flag))
    heads = tuple(lists["greetings"]), frozenset(lists["key_points"])
    return Words(lines, starts, notes, by, published, joining, credit, *heads, *_numbered(known), stems)


def _numbered(known: dict[str, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    found = shapes.measure(list(known))
    single = np.bincount(found.rows)[found.rows] == 1
    numbers, flags = found.words[single], np.array(list(known.values()), np.uint8)[found.rows[single]]
    order, slots = numbers.argsort(), np.zeros(SLOTS, bool)
    slots[numbers & np.uint64(SLOTS - 1)] = True
    return numbers[order], flags[order], slots


def _flags(words: np.ndarray) -> np.ndarray:
    lists, out = known_words(), np.zeros(len(words), np.uint8)
    at = np.flatnonzero(lists.slots[words & np.uint64(SLOTS - 1)])
    found = np.minimum(np.searchsorted(lists.numbers, words[at]), len(lists.numbers) - 1)
    out[at] = lists.flags[found] * (lists.numbers[found] == words[at])
    return out


START_WORDS = 14  # a line that merely begins like furniture is furniture only when it is short; no line of the lists is longer
LONG_START, LONG_START_WORDS = 4, 40  # or when it begins with this many words of it
PATTERN = re.compile(
    r"(?P<language_bar>[A-Z]{2}(?:\s*[|/·•,\s]\s*[A-Z]{2})+$)"
    r"|(?P<widget>[-+−]?\d{1,3}(?:[.,]\d)?\s?°?\s?[CF]?$)"
    r"|(?P<footer>©|\([cC]\)\s)"
    r"|(?P<share>(?:[hH]ttps?://|www\.)\S+$)"
    r"|(?P<player>(?:\w+\s){1,2}(?:Radio|Player|Podcast)$)"
)
DATE = re.compile(
    r"\b(?:19|20)\d\d[-/.年]\s?\d{1,2}[-/.月]|\b\d{1,2}[./-]\d{1,2}[./-](?:19|20)?\d\d\b"
    r"|\b\d{1,2}(?:st|nd|rd|th|\.)?\s(?:de\s|of\s)?\w{3,12}\.?,?\s(?:de\s)?(?:19|20)\d\d\b"
    r"|\b[^\W\d]{3,12}\.?\s\d{1,2}(?:st|nd|rd|th)?,?\s(?:19|20)\d\d\b|\b\d{4}年"
    r"|[۰-۹]{1,2}\s\w{2,12}\s[۰-۹]{4}|[٠-٩]{1,2}\s\w{2,12}\s[٠-٩]{4}"
)
# Quick to say no: all begin with a digit, to which the search skips.
MAYBE_DATE = re.compile(r"\d(?:(?<=[12])[09]\d\d|[./-]\d\d?[./-]\d|(?<=[۰-۹٠-٩])|\d{3}年)")
DATE_DIGITS = 4  # of a date in figures
BYLINE_WORDS, FINISHED_BYLINE_WORDS = 16, 6
SENTENCE = re.compile(r"(?<![ap]\.m)[.!?…。！？।؟۔][\"'”’»）)\]」』]*$")
BULLET = re.compile(r"(?:[•●▪◦‣■○*·–—-]|\d{1,2}[.)])\s")
TIME = re.compile(r"\d{1,2}[:.h]\d\d(?:\s?[ap]\.?m\.?)?", re.IGNORECASE)


def named_rules(page: Page) -> list[str | None]:
    """The rule each line names by its own words, whatever stands around it, or None."""
    lines, starts, looks = known_words().lines, known_words().starts, page.shapes
    rules = list(map(lines.get, page.norms))
    for i in np.flatnonzero(looks[NUMBERS] > 0).tolist():
        if not rules[i] and (rest := page.norms[i].lstrip("0123456789 ")):
            rules[i] = lines.get(rest)
    for i in np.flatnonzero((page.opening & STARTS > 0) & (looks[N_WORDS] <= LONG_START_WORDS)).tolist():
        norm = page.norms[i]
        for start, rule in starts[norm.split(" ", 1)[0]] if not rules[i] else ():
            if norm.startswith(start) and (page.counts[i] <= START_WORDS or start.count(" ") >= LONG_START - 1):
                rules[i] = rule
                break
    shaped = (looks[SYMBOLS] > 0) | (looks[UPPER_SHARE] == 1) | (looks[DIGITS] > 0) & (looks[CHARS] <= 9) | page.telling
    for i in np.flatnonzero(shaped & (looks[N_WORDS] <= START_WORDS)).tolist():
        if not rules[i] and (found := PATTERN.match(page.lines[i])):
            rules[i] = found.lastgroup
    return rules


def _dated(lines: list[str], looks: np.ndarray, opening: np.ndarray) -> np.ndarray:
    """1 for a date (with or without a name), 2 for a name after a word such as "by"; longer lines are not looked at."""
    out, short = np.zeros(len(lines), np.float32), looks[N_WORDS] <= BYLINE_WORDS
    for i in np.flatnonzero(short & (opening & BY > 0)).tolist():
        line = lines[i]
        out[i] = 2 * line[line.find(" ") + 1 :][:1].isupper()
    for i in np.flatnonzero(short & (looks[DIGITS] * looks[CHARS] > DATE_DIGITS - 0.5)).tolist():
        line = lines[i]
        if MAYBE_DATE.search(line) and DATE.search(line):
            out[i] = 1
    return out


NOTE_HEAD = 40  # characters after "Correction" in which a colon ends its date
DISCLAIMER_WORDS = 40


def is_note(line: str, norm: str) -> bool:
    """A line of the editors on the article; one word such as "update" opens it only in brackets or, but for a date, before a colon."""
    for start in known_words().notes.get(norm.split(" ", 1)[0], ()):
        if norm.startswith(start):
            head, colon, _ = line[len(start) :][:NOTE_HEAD].partition(":")
            dated = any(c.isdigit() for c in head) or not any(c.isalpha() for c in head)
            if " " in start or line[0] == "[" or (colon and dated):
                return True
    return False


def is_disclaimer(page: Page, i: int) -> bool:
    """A short sentence on views, on whose they are, and that not everybody shares them: by the stems of its words, or by parts of
    the line in scripts written without spaces."""
    if page.counts[i] > DISCLAIMER_WORDS or not page.shapes[FINISHED, i]:
        return False
    norm = page.norms[i]
    words = [f"{word} " for word in norm.split(" ")]  # a stem with a space behind it is a whole word
    return all(any(w.startswith(stems) for w in words) or any(part in norm for part in parts) for stems, parts in known_words().disclaimer)


def is_byline(page: Page, i: int) -> bool:
    """A short line, no sentence, that names an author or the day of publication."""
    line, count = page.lines[i], page.counts[i]
    if not 0 < count <= BYLINE_WORDS or (count > FINISHED_BYLINE_WORDS and SENTENCE.search(line)):
        return False
    opening, rest = page.opening[i], line[line.find(" ") + 1 :]
    signed = opening & BY and rest[:1].isalpha() and not rest[:1].islower()
    return bool(signed or (opening & PUBLISHED and page.shapes[DIGITS, i] > 0) or page.dates[i] == 1)
