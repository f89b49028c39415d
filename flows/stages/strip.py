"""Strip the boilerplate from a plain-text dump of a news page.

Every non-blank line becomes one block: kept with a unit (title, standfirst, byline, heading, paragraph, list_item, quote,
note, table) or removed with the rule that says what it is (navigation, advertisement, related, author_box ...). The
stage removes whole lines only: it never changes a character of a line it keeps, joins lines, or reorders them.
"""

import json
import math
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from functools import cache, partial
from itertools import groupby
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np
import regex

from flows import shapes
from flows.shapes import BARS, CAPITALISED, CHARS, DIGITS, FINISHED, N_WORDS, NUMBERS, SYMBOLS, UPPER_SHARE
from flows.traced import Block, Change, Rejected, Traced

WORDS = Path(__file__).with_name("strip_words.json")
MODEL = Path(__file__).with_name("strip_model.npz")


class Stripped(NamedTuple):
    """The text after removal; every non-blank line of the text before, in its offsets; the kept ones in new offsets. confidence is
    the probability that the page came out right: F1 of the body's characters at least .9, as on pages of unseen sites (its card,
    strip_model.json, says how well it held there); None where the lines were told by markup."""

    text: Traced
    blocks: list[Block]
    kept: list[Block]
    confidence: float | None = None


class Cut(NamedTuple):
    """The non-blank lines of a text: where they start and end without outer white space, where they begin with it, line ends since
    the line before, and the lines."""

    starts: list[int]
    ends: list[int]
    begins: list[int]
    gaps: np.ndarray
    lines: list[str]


class Page(NamedTuple):
    """The lines of a text: line ends since the line before; their words and looks (see shapes.Lines); their word counts; what is
    known of the word each begins with (see FLAGS), how many words each
    holds of each vocabulary, and whether one of TELLING; dates and bylines (see _dated); first line and end of the
    densest stretches of lines, for each of BLOCK_UNITS."""

    gaps: np.ndarray
    lines: list[str]
    norms: list[str]
    shapes: np.ndarray
    words: np.ndarray
    rows: np.ndarray
    letters: np.ndarray
    counts: list[int]
    opening: np.ndarray
    vocabulary: np.ndarray
    telling: np.ndarray
    dates: np.ndarray
    blocks: np.ndarray


def strip(text: Traced, keep: Sequence[str] = (), remove: Sequence[str] = (), blocks: Sequence[Block] | None = None) -> Stripped:
    """Keep the article, remove the rest, line by line.

    blocks, in order, say what the lines are where more is known of them than their text.
    keep and remove are an outlet's own regexes; one that matches a whole line (without its outer white space) overrules
    the stage, keep before remove. A page without a body comes back with everything removed.
    Raises Rejected for a pattern of the outlet that is no regex, or that takes too long on a line; nothing else, whatever the text.
    """
    cut = _cut(text.text)
    labels, confidence = (_told(cut, blocks), None) if blocks else _labels(_look(cut))
    if keep or remove:
        _overrule(cut.lines, labels, _compiled(keep), _compiled(remove))
    # As Block(...) for each line, in half the time.
    blocks = list(map(partial(tuple.__new__, Block), zip(cut.starts, cut.ends, *labels, strict=True)))
    changes = _changes(text.text, cut, blocks)
    return Stripped(text.apply("strip", changes), blocks, _moved(blocks, changes), confidence)


# ---------------------------------------------------------------- lines

LINE_ENDS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
# In the white space between two lines: a line that holds some, with the empty lines after it.
WHITE_LINES = re.compile(f"(?<=[{LINE_ENDS}])[^{LINE_ENDS}]+[{LINE_ENDS}][{LINE_ENDS}\\s]*")
WORD = re.compile(r"\w+")


def _cut(text: str) -> Cut:
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
    return _look(_cut(text))


def _look(cut: Cut) -> Page:
    norms, looks, words, rows, letters = shapes.measure(cut.lines)
    n, flags = len(cut.lines), _flags(words)
    opening = np.zeros(n, np.uint8)
    opening[rows[::-1]] = flags[::-1]  # the first word of a line is the last to be written
    said = np.flatnonzero(flags & VOCABULARY)
    spoken = np.bincount(rows[said] * 4 + (flags[said] & VOCABULARY) - 1, minlength=n * 4).reshape(n, 4).T
    telling = np.zeros(n, bool)
    telling[rows[np.flatnonzero(flags & TELLS)]] = True
    counts = looks[N_WORDS].astype(int).tolist()
    dates, blocks = _dated(cut.lines, looks, opening), _blocks(looks)
    return Page(cut.gaps, cut.lines, norms, looks, words, rows, letters, counts, opening, spoken, telling, dates, blocks)


def _blocks(looks: np.ndarray) -> np.ndarray:
    return shapes.densest(np.minimum(looks[N_WORDS], BLOCK_CAP), BLOCK_UNITS)


def _part(page: Page, start: int, end: int) -> Page:
    """The lines from start to end as a page of their own."""
    a, b = np.searchsorted(page.rows, (start, end))
    gaps, lines, norms, looks, words, rows, letters, counts, opening, vocabulary, telling, dates, _ = page
    some, told = slice(start, end), slice(a, b)
    return Page(
        gaps[some], lines[some], norms[some], looks[:, some], words[told], rows[told] - start, letters[told],
        counts[some], opening[some], vocabulary[:, some], telling[some], dates[some], _blocks(looks[:, some]),
    )  # fmt: skip


class Labels(NamedTuple):
    """Of each line its unit, or the rule that removes it, and how sure that is."""

    units: list[str | None]
    rules: list[str | None]
    confidences: list[float]


def _told(cut: Cut, blocks: Sequence[Block]) -> Labels:
    """Of each line what is said of the last block that begins where it does or before."""
    starts = [block.start for block in blocks]
    said = [blocks[max(0, bisect_right(starts, start) - 1)] for start in cut.starts]
    return Labels([block.unit for block in said], [block.rule for block in said], [block.confidence for block in said])


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
def _words() -> Words:
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
    lists, out = _words(), np.zeros(len(words), np.uint8)
    at = np.flatnonzero(lists.slots[words & np.uint64(SLOTS - 1)])
    found = np.minimum(np.searchsorted(lists.numbers, words[at]), len(lists.numbers) - 1)
    out[at] = lists.flags[found] * (lists.numbers[found] == words[at])
    return out


START_WORDS = 14  # a line that merely begins like furniture is furniture only when it is short
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
MAYBE_DATE = re.compile(r"[12][09]\d\d|\d[./-]\d\d?[./-]\d|[۰-۹٠-٩]|\d{4}年")  # quick to say no
DATE_DIGITS = 4  # of a date in figures
BYLINE_WORDS, FINISHED_BYLINE_WORDS = 16, 6
SENTENCE = re.compile(r"(?<![ap]\.m)[.!?…。！？।؟۔][\"'”’»）)\]」』]*$")
BULLET = re.compile(r"(?:[•●▪◦‣■○*·–—-]|\d{1,2}[.)])\s")


def named_rules(page: Page) -> list[str | None]:
    """The rule each line names by its own words, whatever stands around it, or None."""
    lines, starts, looks = _words().lines, _words().starts, page.shapes
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
    for start in _words().notes.get(norm.split(" ", 1)[0], ()):
        if norm.startswith(start):
            head, colon, _ = line[len(start) :][:NOTE_HEAD].partition(":")
            dated = any(c.isdigit() for c in head) or not any(c.isalpha() for c in head)
            if " " in start or line[0] == "[" or (colon and dated):
                return True
    return False


def _is_disclaimer(page: Page, i: int) -> bool:
    """A short sentence on views, on whose they are, and that not everybody shares them: by the stems of its words, or by parts of
    the line in scripts written without spaces."""
    if page.counts[i] > DISCLAIMER_WORDS or not page.shapes[FINISHED, i]:
        return False
    norm = page.norms[i]
    words = [f"{word} " for word in norm.split(" ")]  # a stem with a space behind it is a whole word
    return all(any(w.startswith(stems) for w in words) or any(part in norm for part in parts) for stems, parts in _words().disclaimer)


def _is_byline(page: Page, i: int) -> bool:
    """A short line, no sentence, that names an author or the day of publication."""
    line, count = page.lines[i], page.counts[i]
    if not 0 < count <= BYLINE_WORDS or (count > FINISHED_BYLINE_WORDS and SENTENCE.search(line)):
        return False
    opening, rest = page.opening[i], line[line.find(" ") + 1 :]
    signed = opening & BY and rest[:1].isalpha() and not rest[:1].islower()
    return bool(signed or (opening & PUBLISHED and page.shapes[DIGITS, i] > 0) or page.dates[i] == 1)


# ---------------------------------------------------------------- features

# How far, in lines, neighbours are looked at; the windows summed over; both ends included.
NEIGHBOURS = (-3, -2, -1, 1, 2, 3)
WINDOWS = ((-2, 2), (-5, 5), (-12, 12), (-30, 30), (-20, -1), (1, 20))
BLOCK_UNITS = (6.0, 12.0, 24.0)  # words a line must have not to count against a block (Finn et al. 2001, on lines)
BLOCK_CAP = 60.0
LONG = 10  # words from which a finished line is taken for a paragraph
FAR = 60  # lines beyond which a distance says no more
GROUPS = ("advertisement", "share", "related", "comments", "author_box", "subscription", "footer", "navigation")
GROUP_OF = {name: i for i, name in enumerate(GROUPS)} | {"cookie": 6, "widget": 7, "player": 7, "language_bar": 7, "blank": 7, None: -1}


def line_features(page: Page, rules: list[str | None]) -> np.ndarray:
    """(features, lines): the shape of the line, of its neighbours and of the page around it."""
    looks, n = page.shapes, len(page.lines)
    words = np.minimum(looks[N_WORDS], BLOCK_CAP)
    long = looks[FINISHED] * (words >= LONG)
    group = np.fromiter(map(GROUP_OF.__getitem__, rules), np.float32, n)
    furniture = group >= 0
    times = Counter(page.norms)
    repeated = np.minimum(np.fromiter(map(times.__getitem__, page.norms), np.float32, n), 9)
    dates = page.dates
    own = np.empty((11, n), np.float32)
    own[0], own[1], own[2] = n, np.count_nonzero(long), np.count_nonzero(furniture) / n
    own[3] = np.arange(n) / n
    own[4], own[5, :-1], own[5, -1] = np.minimum(page.gaps, 4), np.minimum(page.gaps[1:], 4), 2
    own[6] = _share_up_to(long * words)
    own[7] = _shared(page, (page.rows >= page.blocks[1, 0]) & (page.rows < page.blocks[1, 1]))
    own[8], own[9], own[10] = group, repeated, dates
    beside = np.array([repeated, words, long * words, looks[CAPITALISED], looks[FINISHED], furniture])
    marked = np.array([long > 0, furniture, (group >= 2) & (group <= 4), dates > 0])
    around = (
        shapes.neighbours(beside[:4], NEIGHBOURS), shapes.windows(beside[1:], WINDOWS), shapes.distances(marked, FAR),
        shapes.placed(page.blocks, n, FAR),
    )  # fmt: skip
    headed = _headed(group)
    return np.concatenate([looks, page.vocabulary, own, headed, *(part.reshape(-1, n) for part in around)], dtype=np.float32)


def _share_up_to(amounts: np.ndarray) -> np.ndarray:
    sums = amounts.cumsum()
    return sums / max(sums[-1], 1)


def _headed(group: np.ndarray) -> np.ndarray:
    """Which furniture stood last before each line, and which comes next."""
    at = np.arange(len(group))
    before = np.maximum.accumulate(np.where(group >= 0, at, -1))
    after = np.minimum.accumulate(np.where(group >= 0, at, len(group))[::-1])[::-1]
    return np.array([np.where(before >= 0, group[before], -1), np.append(group, -1)[after]])


BUCKETS = 1 << 14  # of word numbers, to count them: here and there two words share one


def _shared(page: Page, inside: np.ndarray) -> np.ndarray:
    """Share of a line's longer words that stand on other lines too, among the words marked; -1 for a line that has none."""
    n, long = len(page.lines), np.flatnonzero(page.letters > 3)
    words, rows, marked = (page.words[long] & np.uint64(BUCKETS - 1)).view(np.int64), page.rows[long], inside[long]
    again = np.bincount(words[marked], minlength=BUCKETS)[words] > marked
    total = np.bincount(rows, minlength=n)
    return np.where(total > 0, np.bincount(rows, again, n) / np.maximum(total, 1), -1)


# ---------------------------------------------------------------- model


class Forest(NamedTuple):
    """Gradient-boosted trees of at most nine leaves. A tree's eight comparisons make a byte, and the byte finds the leaf.

    feature and threshold: (8 * trees), comparison by comparison; table: (trees * 256) leaf values."""

    feature: np.ndarray
    threshold: np.ndarray
    table: np.ndarray


@cache
def model() -> dict[str, Forest]:
    """The forests `line`, `page` (lines again, with what the first said of their neighbours) and `title`."""
    with np.load(MODEL) as arrays:
        return {name: Forest(*(arrays[f"{name}_{field}"] for field in Forest._fields)) for name in ("line", "page", "title")}


@cache
def calibration() -> np.ndarray:
    """Weights of `evidence` in the confidence of a page (logistic regression on pages of unseen sites)."""
    with np.load(MODEL) as arrays:
        return arrays["confidence"].astype(np.float64)


def probability(forest: Forest, features: np.ndarray) -> np.ndarray:
    """Of each column of features, rounded, so that the last bits of a platform's arithmetic decide nothing."""
    trees = len(forest.table) // 256
    answers = (features.take(forest.feature, 0) > forest.threshold[:, None]).view(np.uint8).reshape(8, trees, -1)
    leaf = answers[0]
    for answer in answers[1:]:
        leaf += leaf
        leaf += answer
    score = forest.table.take(leaf + np.arange(0, trees * 256, 256)[:, None]).sum(0, dtype=np.float64)
    return np.round(1 / (1 + np.exp(-score)), 4)


OFFSETS = (-3, -2, -1, 1, 2, 3, 4)
SPREADS = ((-3, 3), (-8, 8), (-20, 20))


def context_features(features: np.ndarray, words: np.ndarray, p: np.ndarray) -> np.ndarray:
    """(features, lines): also what the first forest said of the line and of those around it; p is a probability per line."""
    n = len(p)
    before, mass, sure = p.cumsum(), (p * np.minimum(words, BLOCK_CAP)).cumsum(), (p > 0.8).cumsum()
    own = np.empty((8, n), np.float32)
    own[0], own[1], own[2], own[3] = p, before, before[-1] - before, mass
    own[4], own[5], own[6], own[7] = mass[-1], p.max(), sure, sure[-1]
    block = shapes.densest(p * 2 * BLOCK_UNITS[1], (BLOCK_UNITS[1] * 0.8,))
    around = shapes.neighbours(p[None], OFFSETS), shapes.windows(p[None], SPREADS), shapes.placed(block, n, FAR)
    return np.concatenate([features, own, *(part.reshape(-1, n) for part in around)])


PART = 5000  # lines looked at together: no page has more, and a text of millions of lines stays within memory


def _probabilities(page: Page, rules: list[str | None]) -> tuple[np.ndarray, np.ndarray]:
    """Of each line, to belong to the article's body; and what that was seen by, (features, lines)."""
    if len(rules) > PART:
        each = [_probabilities(_part(page, i, i + PART), rules[i : i + PART]) for i in range(0, len(rules), PART)]
        return np.concatenate([p for p, _ in each]), np.concatenate([around for _, around in each], 1)
    words, features = page.shapes[N_WORDS], line_features(page, rules)
    p = probability(model()["line"], features)
    around = context_features(features, words, p)
    likely = np.flatnonzero(p > DISMISSED)
    p[likely] = probability(model()["page"], around[:, likely])
    return p, around


# ---------------------------------------------------------------- labels

# What counts as the article's text. Titles, bylines and notes are kept beside it.
BODY_UNITS = ("standfirst", "heading", "paragraph", "list_item", "quote", "table")
# Chosen by cross-validation over sites, on the scores of the whole stage; all of them are flat around these values.
DISMISSED = 0.005  # by the first forest, below which the second is not asked
KEEP, KEEP_IN_BLOCK = 0.5, 0.3  # doubtful paragraphs of the densest block are kept: better a teaser too many
SURE, DOUBT = 0.7, 0.35
LITTLE = 0.25  # of the densest block's words: a page of which less is kept is one the forests do not understand
OVER, MOST = ("author_box", "comments"), 0.6
# So much for a heading or pull quote between paragraphs, for a last line, for the mean of a list, of a list of key points.
HINT, CLOSING, LISTED, TOLD_LIST = 0.2, 0.4, 0.3, 0.1
KEY_POINTS = 8  # lines before the first paragraph in which a list may stand that belongs to the body
TITLE_WORDS, TITLE_SURE, TITLE_HINT = (3, 40), 0.1, 0.03
LEAD_WORDS, LEAD, LATER_LEAD = (6, 60), 0.1, 0.4
SHORTER, PARTED = 0.6, 0.75  # of the next paragraphs' words: a standfirst has no more, without and with furniture below it
NO_TITLE_LINES = 6  # lines before the first paragraph in which a byline is looked for when there is no title
AUTHOR_BOX_WORDS, CAPTION_WORDS, HEADING_WORDS, QUOTE_WORDS = 40, 20, 14, (6, 45)
SPOKEN_WORDS = 4  # of a pull quote that stands in quotation marks in the text
QUOTED_FROM = 200_000  # characters of body above which no pull quotes are looked for: it is no page
SHORT = 5  # words a sentence has that makes a body where there is nothing longer
STEM = 5  # letters that stand for a word whose ending changes


def _labels(page: Page) -> tuple[Labels, float]:
    """What every line is, and how surely the page as a whole is right."""
    rules = named_rules(page)
    if not rules:
        return Labels([], [], []), 0.0
    p, around = _probabilities(page, rules)
    _name_author_boxes(page, rules)
    _name_print_headers(page, rules)
    _name_captions(page, rules)
    within = np.flatnonzero(_inside(page, rules, p)).tolist()
    finished = [i for i in within if page.shapes[FINISHED, i] and page.counts[i] >= SHORT]
    body = [i for i in finished if page.counts[i] >= LONG] or [i for i in within if page.counts[i] >= LONG] or finished
    if not body:
        return Labels([None] * len(rules), [rule or "navigation" for rule in rules], [1.0] * len(rules)), 0.0
    units = _front(page, rules, within, body, p, around)
    text = "\n".join([page.norms[i] for i in within])
    twice = _twice(page, within) if len(text) < QUOTED_FROM else frozenset()
    for i, after in zip(within, [*within[1:], None], strict=True):
        if i not in units:
            units[i] = _unit(page, within, text, i, after, i in twice)
    _name_notes(page, rules, units, body)
    _sign_letters(page, rules, units, body)
    _end_author_notes(page, rules, units, body[-1])
    return _named(page, rules, units, p), _confidence(units, p, page.shapes)


def _confidence(units: dict[int, str], p: np.ndarray, looks: np.ndarray) -> float:
    """That F1 of the body's characters is at least .9: from the F1 to expect if each line is wrong as often as the forests say."""
    return round(1 / (1 + math.exp(-float(calibration() @ evidence(units, p, looks)))), 2)


def evidence(units: dict[int, str], p: np.ndarray, looks: np.ndarray) -> np.ndarray:
    """What the confidence of a page is reckoned from: 1, log odds of the expected F1, log of the body's words, share of doubtful ones."""
    inside, mass = [i for i, unit in units.items() if unit in BODY_UNITS], looks[CHARS] * p
    kept = looks[CHARS, inside].sum()
    expected = min(max(2 * mass[inside].sum() / max(kept + mass.sum(), 1), 0.01), 0.99)
    doubtful = looks[CHARS, np.abs(p - 0.5) < 0.3].sum() / max(kept, 1)
    return np.array([1, math.log(expected / (1 - expected)), math.log1p(looks[N_WORDS, inside].sum()), min(doubtful, 1)])


def _name_notes(page: Page, rules: list[str | None], units: dict[int, str], body: list[int]) -> None:
    """Notes of the editors, from the first unit to a little below the last paragraph; disclaimers only around the body."""
    start, end = min([body[0], *units]), min(body[-1] + 4, len(rules))
    notes = [i for i in np.flatnonzero(page.opening[start:end] & NOTES).tolist() if is_note(page.lines[start + i], page.norms[start + i])]
    found = [start + i for i in notes]
    found += [i for i in (*range(start, body[0]), *range(body[-2:][0], end)) if not rules[i] and _is_disclaimer(page, i)]
    units.update((i, "note") for i in found if units.get(i) not in ("title", "byline"))


def _twice(page: Page, within: list[int]) -> frozenset[int]:
    """Lines of the body that may stand in it twice: all their longer words do."""
    inside = np.zeros(len(page.lines), bool)
    inside[within] = True
    return frozenset(np.flatnonzero(np.abs(_shared(page, inside[page.rows])) == 1).tolist())


def _inside(page: Page, rules: list[str | None], p: np.ndarray) -> np.ndarray:
    """Which lines are the body: probable ones that name no rule, less sure ones between two sure ones or in the densest block,
    and nothing after a heading that says the article is over while little is left. Where next to nothing is probable, the
    paragraphs of the densest block."""
    words, free = page.shapes[N_WORDS], np.array([rule is None for rule in rules], bool)
    first, end = page.blocks[1].tolist()
    block = free & (words >= LONG) & (page.shapes[FINISHED] > 0)
    block[:first] = block[end:] = False
    inside = free & (p > KEEP) | block & (p > KEEP_IN_BLOCK)
    at = np.flatnonzero(free)
    sure = p[at] > SURE
    inside[at[1:-1][sure[:-2] & sure[2:] & (p[at[1:-1]] > DOUBT)]] = True
    if words[inside].sum() < LITTLE * words[block].sum():
        inside |= block
    _keep_lists(page, free, inside, p)
    _keep_between(page, free, inside, p)
    named = np.array([rule == "related" and count <= HEADING_WORDS / 3 for rule, count in zip(rules, page.counts, strict=True)][:-1], bool)
    inside[1:][named & (p[1:] < SURE) & (page.shapes[FINISHED, 1:] == 0)] = False  # "read also", and what
    read = np.cumsum(inside * words)
    for i in [i for i, rule in enumerate(rules) if rule in OVER]:
        if read[i] > MOST * read[-1] and page.norms[i] in _words().lines:
            inside[i:] = False
            break
    return inside


def _keep_lists(page: Page, free: np.ndarray, inside: np.ndarray, p: np.ndarray) -> None:
    """Add to the body the lists within it, or right above, that the forests doubt no more than its paragraphs, with what heads them."""
    items = [i for i in np.flatnonzero(free & (p > HINT / 2)).tolist() if BULLET.match(page.lines[i])]
    body = np.flatnonzero(inside)
    for _, run in groupby(enumerate(items), key=lambda item: item[1] - item[0]):
        first, *_, last = [i for _, i in run] * 2
        head = first - 1
        told = head >= 0 and page.norms[head] in _words().key_points
        around = first < last and len(body) and body[0] - KEY_POINTS < first < body[-1]
        if around and p[first : last + 1].mean() > (TOLD_LIST if told else LISTED):
            inside[first : last + 1] = True
            heads = free[head] and p[head] > HINT / 4 and not page.shapes[FINISHED, head] and page.counts[head] <= HEADING_WORDS
            inside[head] |= told or heads


def _keep_between(page: Page, free: np.ndarray, inside: np.ndarray, p: np.ndarray) -> None:
    """Add to the body the doubtful lines that follow it and look like a heading, a pull quote or its last line."""
    at, finished = np.flatnonzero(free), page.shapes[FINISHED]
    doubtful = np.flatnonzero(~inside[at[1:]] & (p[at[1:]] > HINT / 2)) + 1
    text = "\n".join([page.norms[i] for i in np.flatnonzero(inside).tolist()]) if len(doubtful) else ""
    for k in doubtful.tolist():
        before, i, after = at[k - 1], at[k], at[min(k + 1, len(at) - 1)]
        if not inside[before]:
            continue
        count = page.counts[i]
        paragraph_follows = finished[after] and page.counts[after] >= LONG and p[after] > SURE
        plain = page.vocabulary[:, i].sum() <= page.shapes[N_WORDS, i] / 4 and not page.shapes[BARS, i]
        if finished[i]:
            inside[i] = p[i] > CLOSING and count >= SHORT
        elif p[i] > HINT and inside[after] and TIME.fullmatch(page.lines[i]):
            inside[i] = True  # the time of an entry in a live blog
        elif paragraph_follows and plain and count <= HEADING_WORDS and ": " not in page.lines[i]:
            inside[i] = True
        elif p[i] > HINT:
            inside[i] = QUOTE_WORDS[0] <= count <= QUOTE_WORDS[1] and len(text) < QUOTED_FROM and page.norms[i] in text


def _front(page: Page, rules: list[str | None], within: list[int], body: list[int], p: np.ndarray, around: np.ndarray) -> dict[int, str]:
    """Title, bylines and standfirst: they stand before the first paragraph, or among the first ones."""
    end = body[min(2, len(body) - 1)]
    start, units = max(0, body[0] - NO_TITLE_LINES), {}
    title = _title(page, rules, within, p, around[:, : end + 1])
    if title is not None:
        start, units = title + 1, {title: "title"}
    rest = [i for i in range(start, end + 1) if not rules[i]]
    units |= {i: "byline" for i in rest if _is_byline(page, i)}
    lead = _standfirst(page, [i for i in rest if i not in units], within, body, p) if title is not None else None
    return units | {i: "standfirst" for i in rest if lead is not None and page.norms[i] == page.norms[lead]}


def _standfirst(page: Page, rest: list[int], within: list[int], body: list[int], p: np.ndarray) -> int | None:
    """The first lines of prose if they stand before the first paragraph, before a heading, twice, or are much shorter than what follows."""
    likely = (i for i in rest if p[i] > (LEAD if i == rest[0] else LATER_LEAD) and LEAD_WORDS[0] <= page.counts[i] <= LEAD_WORDS[1])
    lead = next((i for i in likely if page.shapes[NUMBERS, i] < 0.3), None)
    if lead is None or lead > body[0]:
        return None
    following = [i for i in within if i > lead][:2]
    if lead < body[0] or (len(following) == 2 and _is_heading(page, *following)) or page.norms.count(page.norms[lead]) > 1:
        return lead
    paragraphs = [page.counts[i] for i in body[1:4]]
    place = page.lines[lead].split(" ", 1)[0]
    if not paragraphs or (place.isupper() and len(place) > 2):
        return None
    parted = following[0] > lead + 1
    return lead if page.counts[lead] <= (PARTED if parted else SHORTER) * median(paragraphs) else None


CRUMBS = re.compile(r"\s[›»>/|→·•]\s")
SUFFIX = re.compile(r"\s*[|·»–—-]\s")


def _title(page: Page, rules: list[str | None], within: list[int], p: np.ndarray, around: np.ndarray) -> int | None:
    """The likeliest line of those seen, of equals the first; none of those with a bullet, which lead to the page, stand above it and
    repeat its headline.
    A doubtful one must stand over a byline; one that ends with the outlet's name gives way to a line without."""
    words = page.shapes[N_WORDS, : around.shape[1]]
    some = np.flatnonzero((words >= TITLE_WORDS[0]) & (words <= TITLE_WORDS[1]))
    q = dict(zip(some.tolist(), probability(model()["title"], around[:, some]).tolist(), strict=True))
    found = [i for i in q if q[i] >= TITLE_HINT and not rules[i] and not BULLET.match(page.lines[i])]
    likely = [i for i in found if q[i] >= TITLE_SURE or _over_byline(page, i)]
    title = next((i for i in sorted(likely, key=lambda i: -round(q[i], 1)) if _shares_words(page, within, i)), None)
    if title is None:
        return _right_above(page, rules, within[0], p) if not likely else None
    line = page.lines[title]
    return next((i for i in found if line.startswith(page.lines[i]) and SUFFIX.match(line, len(page.lines[i]))), title)


def _right_above(page: Page, rules: list[str | None], first: int, p: np.ndarray) -> int | None:
    """A line of some words that might be of the body, and stands over its first one."""
    i = first - 1
    maybe = i >= 0 and not rules[i] and p[i] > HINT and TITLE_WORDS[0] <= page.counts[i] <= HEADING_WORDS
    return i if maybe and not page.shapes[FINISHED, i] and not _is_byline(page, i) else None


def _over_byline(page: Page, i: int) -> bool:
    """Whether one of the two lines below is a byline, and this one is none."""
    own, *below = [_is_byline(page, j) for j in range(i, min(i + 3, len(page.lines)))]
    return any(below) and not own and not CRUMBS.search(page.lines[i])


def _shares_words(page: Page, within: list[int], i: int) -> bool:
    """Whether the beginning of a longer word of line i stands in the body: a headline has one, the name of a blog has not."""
    stems = {w[:STEM] for w in page.norms[i].split(" ") if len(w) >= STEM}
    return not stems or any(w[:STEM] in stems for j in within if j != i for w in page.norms[j].split(" "))


def _is_heading(page: Page, i: int, after: int | None) -> bool:
    """A short line that no sentence ends, before a longer one of the body."""
    line = page.lines[i]
    if after is None or line[-1] in ".,;:…" or line[0].islower():
        return False
    return 1 <= page.counts[i] <= HEADING_WORDS and page.counts[i] < page.counts[after]


GREETED = re.compile(r"(?: [^\W\d]+){0,3}\s?(?:[,:!،—–-]|$)")
TIME = re.compile(r"\d{1,2}[:.h]\d\d(?:\s?[ap]\.?m\.?)?", re.IGNORECASE)
OPENING = '“"„«‘‹「『'


def _unit(page: Page, within: list[int], body: str, i: int, after: int | None, twice: bool) -> str:
    line, norm, count = page.lines[i], page.norms[i], page.counts[i]
    if BULLET.match(line):
        return "list_item"
    if line.count("\t") + line.count(" | ") >= 2:
        return "table"
    if twice and SPOKEN_WORDS <= count <= QUOTE_WORDS[1] and body.count(norm) > 1 and _is_pulled(page, within, line, count):
        timed = i > 0 and TIME.fullmatch(page.lines[i - 1])  # above a line of a live blog: its heading
        if not timed:
            return "quote"
    return "heading" if _is_heading(page, i, after) else "paragraph"


def _is_pulled(page: Page, within: list[int], line: str, count: int) -> bool:
    """Whether a line that stands twice is no chance: it is long enough, or stands in quotation marks elsewhere."""
    return count >= QUOTE_WORDS[0] or any(f"{mark}{line}" in page.lines[i] for i in within for mark in OPENING)


SIGNATURE_WORDS = 8


def _sign_letters(page: Page, rules: list[str | None], units: dict[int, str], body: list[int]) -> None:
    """A letter to the editor keeps its greeting, and below its last paragraph its writer: short lines in capitals that end no
    sentence."""
    greeted = [i for i in range(max(0, body[0] - 2), body[0] + 1) if not rules[i] and _is_greeting(page.lines[i], page.norms[i])]
    units.update((i, "paragraph") for i in greeted if i not in units)
    for i in range(body[-1] + 1, min(body[-1] + 3, len(rules)) if greeted else 0):
        words = page.lines[i].split()
        names = sum(word.strip("(—–-")[:1].isupper() for word in words)
        plain = not rules[i] and not page.vocabulary[:, i].any() and not page.shapes[DIGITS, i] and not page.shapes[FINISHED, i]
        if not (plain and len(words) <= SIGNATURE_WORDS and 2 * names > len(words)):
            break
        units[i] = "byline"


def _is_greeting(line: str, norm: str) -> bool:
    """Words such as "Dear Sir" with little and a comma, colon or dash behind them."""
    greeting = next((start for start in _words().greetings if norm.startswith(start)), None)
    return bool(greeting and GREETED.match(line, len(greeting)))


def _end_author_notes(page: Page, rules: list[str | None], units: dict[int, str], last: int) -> None:
    """Lines from the last paragraph on that begin with a name of the byline say who the author is."""
    names = []
    for i in (i for i, unit in units.items() if unit == "byline"):
        words = WORD.findall(DATE.sub(" ", page.lines[i]).split(",")[0].casefold())
        words = words[1:] if words and words[0] in _words().by else words
        each = [list(name) for joined, name in groupby(words, key=_words().joining.__contains__) if not joined]
        names += [" ".join(name) for name in each if 2 <= len(name) <= 5]
    for i in range(last, len(rules) if names else 0):
        if units.get(i, "paragraph") == "paragraph" and page.counts[i] <= AUTHOR_BOX_WORDS and page.norms[i].startswith(tuple(names)):
            units.pop(i, None)
            rules[i] = "author_box"


def _name_author_boxes(page: Page, rules: list[str | None]) -> None:
    """A name printed twice in a row heads an author box; its description may stand again elsewhere."""
    boxes = set()
    for i, (norm, after) in enumerate(zip(page.norms, page.norms[1:], strict=False)):
        if norm == after and 2 <= page.counts[i] <= 5 and all(w[:1].isupper() for w in page.lines[i].split()):
            boxes.add(norm)
            if i + 2 < len(page.lines) and not page.shapes[FINISHED, i + 2] and page.counts[i + 2] > 5:
                boxes.add(page.norms[i + 2])
    for i, norm in enumerate(page.norms) if boxes else ():
        if norm in boxes and not rules[i]:
            rules[i] = "author_box"


PAGE_NUMBER = re.compile(r"\d{1,3}\s?/\s?\d{1,3}")


def _name_print_headers(page: Page, rules: list[str | None]) -> None:
    """The page numbers of a print, and the lines that stand again and again beside them."""
    short = (page.shapes[CHARS] <= 9) & (page.shapes[DIGITS] > 0)
    numbers = [i for i in np.flatnonzero(short).tolist() if PAGE_NUMBER.fullmatch(page.lines[i])]
    beside = [page.norms[j] for i in numbers for j in range(max(0, i - 3), min(i + 4, len(rules))) if page.counts[j] <= BYLINE_WORDS]
    headers = {norm for norm in beside if page.norms.count(norm) > 1} | {page.norms[i] for i in numbers}
    for i, norm in enumerate(page.norms) if headers else ():
        if norm in headers:
            rules[i] = rules[i] or "navigation"


CREDIT = re.compile(r"\(?([^\W\d]+)(?: [^\W\d]+)?\s?[:/©]")


def _name_captions(page: Page, rules: list[str | None]) -> None:
    """A short line, no sentence, that begins with a word such as "photo" and a colon."""
    for i in np.flatnonzero((page.vocabulary[3] > 0) & (page.shapes[N_WORDS] <= CAPTION_WORDS) & (page.shapes[FINISHED] == 0)).tolist():
        credit = CREDIT.match(page.lines[i])
        if credit and credit[1].casefold() in _words().credit:
            rules[i] = rules[i] or "caption"


def _named(page: Page, rules: list[str | None], units: dict[int, str], p: np.ndarray) -> Labels:
    """Lines that name no rule take that of the line before them, or of the place they stand in."""
    credited, last = page.vocabulary[3] > 0, max(units)
    confidences = np.round(1 - p, 2).tolist()
    section = "navigation"
    for i, rule in enumerate(rules):
        if i in units:
            section = "related" if i < last else "footer"
            confidences[i] = round(1 - confidences[i], 2)
        elif rule:
            section = rule
            confidences[i] = 1.0
        else:
            rules[i] = "caption" if credited[i] and section != "navigation" else section
    return Labels([units.get(i) for i in range(len(rules))], [None if i in units else rule for i, rule in enumerate(rules)], confidences)


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

Range = tuple[int, int, str, float]


def _changes(text: str, cut: Cut, blocks: list[Block]) -> list[Change]:
    """What goes: removed lines with all that follows up to the next line that holds something, and lines of only white
    space; also the white space at both ends of what is left. Line ends between kept blocks stay."""
    begins, gaps, at = [*cut.begins, len(text)], cut.gaps.tolist(), 0
    ranges = [(0, begins[0], "blank", 1.0)]
    first, last = _ends([i for i, block in enumerate(blocks) if block.unit])
    for rule, run in groupby([None if block.unit else block.rule or "" for block in blocks]):
        end = at + len(list(run))
        if rule is not None:
            ranges.append((begins[at], begins[end], rule, min([block.confidence for block in blocks[at:end]])))
            at = end
        for i in range(at, end):
            if i == first:
                ranges.append((begins[i], blocks[i].start, "blank", 1.0))
            if i == last:
                ranges.append((blocks[i].end, begins[i + 1], "blank", 1.0))
            elif begins[i + 1] - blocks[i].end > gaps[i + 1] > 1:  # more than line ends
                ranges += _white_lines(text, blocks[i].end, begins[i + 1])
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


def _moved(blocks: list[Block], changes: list[Change]) -> list[Block]:
    """The kept blocks in the offsets of the text after `changes`."""
    kept, shift, done = [], 0, 0
    for start, end, unit, rule, confidence in blocks:
        if unit:
            while done < len(changes) and changes[done].end <= start:
                shift += changes[done].end - changes[done].start
                done += 1
            kept.append(Block(start - shift, end - shift, unit, rule, confidence))
    return kept
