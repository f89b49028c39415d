"""Strip the boilerplate from a plain-text dump of a news page.

Every non-blank line becomes one block: kept with a unit (title, standfirst, byline, heading, paragraph, list_item, quote,
note, table) or removed with the rule that says what it is (navigation, advertisement, related, author_box ...). The
stage removes whole lines only: it never changes a character of a line it keeps, joins lines, or reorders them.
"""

import json
import re
import unicodedata
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from functools import cache
from itertools import chain, compress, groupby, repeat
from pathlib import Path
from typing import NamedTuple

import numpy as np

from flows.traced import Block, Change, Traced

WORDS = Path(__file__).with_name("strip_words.json")
MODEL = Path(__file__).with_name("strip_model.npz")


class Stripped(NamedTuple):
    """The text after removal; every non-blank line of the text before, in its offsets; the kept ones in new offsets."""

    text: Traced
    blocks: list[Block]
    kept: list[Block]


class Cut(NamedTuple):
    """The non-blank lines of a text: where they stand without outer white space, where they begin with it, line ends since the
    line before, and the lines."""

    spans: list[tuple[int, int]]
    begins: list[int]
    gaps: list[int]
    lines: list[str]


class Page(NamedTuple):
    """The lines of a text: line ends since the line before, their words (casefolded, without punctuation), the same words one by
    one with the line each stands in, what the lines look like (see _shapes), their word counts, and how many words they hold of
    each vocabulary (see _vocabulary)."""

    gaps: list[int]
    lines: list[str]
    norms: list[str]
    words: list[str]
    rows: np.ndarray
    shapes: np.ndarray
    counts: list[int]
    vocabulary: np.ndarray


def strip(text: Traced, keep: Sequence[str] = (), remove: Sequence[str] = (), blocks: Sequence[Block] | None = None) -> Stripped:
    """Keep the article, remove the rest, line by line.

    blocks, in order, say what the lines are where more is known of them than their text.
    keep and remove are an outlet's own regexes; one that matches a whole line (without its outer white space) overrules
    the stage, keep before remove. A page without a body comes back with everything removed.
    Raises re.error for a pattern of the outlet that is no regex; nothing else, whatever the text.
    """
    cut = _cut(text.text)
    labels = _told(cut, blocks) if blocks else _labels(_look(cut))
    if keep or remove:
        labels = [_overruled(line, label, keep, remove) for line, label in zip(cut.lines, labels, strict=True)]
    blocks = [Block(start, end, *label) for (start, end), label in zip(cut.spans, labels, strict=True)]
    changes = _changes(text.text, cut.begins, blocks)
    return Stripped(text.apply("strip", changes), blocks, _moved(blocks, changes))


# ---------------------------------------------------------------- lines

LINE_ENDS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
# In the white space between two lines: a line that holds some, with the empty lines after it.
WHITE_LINES = re.compile(f"(?<=[{LINE_ENDS}])[^{LINE_ENDS}]+[{LINE_ENDS}][{LINE_ENDS}\\s]*")
WORD = re.compile(r"\w+")
WINDOW = 4000  # characters of a line that are looked at, half at each end: no headline, note or furniture is longer


def _cut(text: str) -> Cut:
    spans, begins, gaps, lines, at, before = [], [], [], [], 0, 0
    for i, line in enumerate(text.splitlines(keepends=True)):
        body = line.strip()
        if body:
            start = at if line[0] == body[0] else at + line.index(body[0])
            spans.append((start, start + len(body)))
            begins.append(at)
            gaps.append(i - before)
            lines.append(body)
            before = i
        at += len(line)
    return Cut(spans, begins, gaps, lines)


def parse(text: str) -> Page:
    """Cut the text into its lines and look at each by itself."""
    return _look(_cut(text))


def _look(cut: Cut) -> Page:
    lines = cut.lines
    seen = [line if len(line) <= WINDOW else f"{line[: WINDOW // 2]} {line[-WINDOW // 2 :]}" for line in lines]
    codes = np.frombuffer("\n".join([*seen, ""]).encode("utf-32-le", "surrogatepass"), np.uint32)
    kinds = _kinds()[np.minimum(codes, 0xFFFF)]
    spaced = np.where((kinds <= DIGIT) | (codes == 10), codes, 32).tobytes().decode("utf-32-le", "surrogatepass")
    parts = list(map(str.split, spaced.casefold().split("\n")[:-1]))
    words = list(chain.from_iterable(parts))
    rows = np.repeat(np.arange(len(lines)), np.fromiter(map(len, parts), np.int64, len(parts)))
    shapes = _shapes(codes, kinds)
    counts = shapes[1].astype(int).tolist()
    return Page(cut.gaps, lines, list(map(" ".join, parts)), words, rows, shapes, counts, _vocabulary(words, rows, len(lines)))


def _told(cut: Cut, blocks: Sequence[Block]) -> list[tuple]:
    """Of each line unit, rule and confidence of the last block that begins where it does or before."""
    starts = [block.start for block in blocks]
    return [tuple(blocks[max(0, bisect_right(starts, start) - 1)][2:]) for start, _ in cut.spans]


# ---------------------------------------------------------------- what a line says it is


class Words(NamedTuple):
    """Rule by whole line; (beginning, rule) by first word; beginnings of notes by first word; words of bylines, of dates; "and";
    number of the vocabulary by word; what a disclaimer speaks of: views, whose they are, that others do not share them."""

    lines: dict[str, str]
    starts: dict[str, list[tuple[str, str]]]
    notes: dict[str, list[str]]
    by: frozenset[str]
    published: frozenset[str]
    joining: frozenset[str]
    vocabulary: dict[str, int]
    disclaimer: list[tuple[tuple[str, ...], tuple[str, ...]]]


@cache
def _words() -> Words:
    lists = json.loads(WORDS.read_text(encoding="utf-8"))
    lines: dict[str, str] = {}
    starts: dict[str, list[tuple[str, str]]] = {}
    for rule, words in lists["rules"].items():
        for line in words["lines"]:
            lines.setdefault(line, rule)
        for start in words["starts"]:
            starts.setdefault(start.split()[0], []).append((start, rule))
    notes: dict[str, list[str]] = {}
    for start in lists["notes"]:
        notes.setdefault(start.split()[0], []).append(start)
    vocabulary = {word: i for i, name in enumerate(("reader", "site", "data", "credit"), 1) for word in lists[name]}
    stems = [(tuple(stems["words"]), tuple(stems["parts"])) for stems in lists["disclaimer"].values()]
    sets = (frozenset(lists[name]) for name in ("by", "published", "and"))
    return Words(lines, starts, notes, *sets, vocabulary, stems)


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
BYLINE_WORDS, FINISHED_BYLINE_WORDS = 16, 6
FINISHED = re.compile(r"(?<![ap]\.m)[.!?…。！？।؟۔][\"'”’»）)\]」』]*$")
BULLET = re.compile(r"(?:[•●▪◦‣■○*·–—-]|\d{1,2}[.)])\s")


def _rule_of(line: str, norm: str, count: int) -> str | None:
    """The rule a line names by its own words, whatever stands around it."""
    lines = _words().lines
    if not norm:
        return "widget"
    rule = lines.get(norm) or (lines.get(norm.lstrip("0123456789 ")) if norm[0].isdigit() else None)
    if rule or count > LONG_START_WORDS:
        return rule
    for start, named in _words().starts.get(norm.split(" ", 1)[0], ()):
        if norm.startswith(start) and (count <= START_WORDS or start.count(" ") >= LONG_START - 1):
            return named
    shaped = PATTERN.match(line) if count <= START_WORDS else None
    return shaped.lastgroup if shaped else None


def named_rules(page: Page) -> list[str | None]:
    """The rule each line names by its own words, or None."""
    return [_rule_of(*line) for line in zip(page.lines, page.norms, page.counts, strict=True)]


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
    if page.counts[i] > DISCLAIMER_WORDS or not page.shapes[2, i]:
        return False
    norm = page.norms[i]
    words = [f"{word} " for word in norm.split(" ")]  # a stem with a space behind it is a whole word
    return all(any(w.startswith(stems) for w in words) or any(part in norm for part in parts) for stems, parts in _words().disclaimer)


def _is_byline(line: str, norm: str, count: int) -> bool:
    """A short line, no sentence, that names an author or the day of publication."""
    if not 0 < count <= BYLINE_WORDS or (count > FINISHED_BYLINE_WORDS and FINISHED.search(line)):
        return False
    by, published = _words().by, _words().published
    first, rest = norm.split(" ", 1)[0], line[line.find(" ") + 1 :]
    signed = first in by and rest[:1].isalpha() and not rest[:1].islower()
    return signed or (first in published and any(c.isdigit() for c in line)) or bool(DATE.search(line))


# ---------------------------------------------------------------- features

(UPPER, LOWER, LETTER, UNSPACED, DIGIT, SPACE, TERMINAL, COMMA, COLON, QUOTE, CLOSER, DASH, BAR, SYMBOL, OTHER) = range(15)
KINDS = 15
BY_CATEGORY = dict(Lu=UPPER, Lt=UPPER, Ll=LOWER, Lo=LETTER, Lm=LETTER, Mn=LETTER, Mc=LETTER, Nd=DIGIT)
BY_CATEGORY |= dict(Zs=SPACE, Zl=SPACE, Zp=SPACE, Cc=SPACE, Pd=DASH, Pi=QUOTE, Pf=CLOSER, Pe=CLOSER)
BY_CATEGORY |= dict(Sc=SYMBOL, So=SYMBOL, Sm=SYMBOL, Sk=SYMBOL)
BY_CHARACTER = (
    (".!?…。！？।؟۔", TERMINAL), (",;،、，؛；", COMMA), (":：", COLON),
    ("\"'„“‘«", QUOTE), ("”’»", CLOSER), ("|•·●▪◦‣■○›>/→*+#", BAR),
)  # fmt: skip
# Scripts written without spaces, where two characters count as a word.
SCRIPTS_UNSPACED = ((0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3040, 0x30FF), (0x3400, 0x9FFF), (0xF900, 0xFAFF))


@cache
def _kinds() -> np.ndarray:
    """The kind of every character of the Basic Multilingual Plane."""
    table = np.array([BY_CATEGORY.get(unicodedata.category(chr(code)), OTHER) for code in range(0x10000)], np.uint8)
    for first, last in SCRIPTS_UNSPACED:
        stretch = table[first : last + 1]
        stretch[stretch <= LETTER] = UNSPACED
    for characters, kind in BY_CHARACTER:
        table[[ord(c) for c in characters]] = kind
    return table


def _shapes(codes: np.ndarray, kinds: np.ndarray) -> np.ndarray:
    """What each line looks like by itself: (numbers, lines), bound to no language. The first two are characters and words.

    codes are the code points of all lines, each with a line end, kinds what they are."""
    ends = np.flatnonzero(codes == 10)
    n, starts = len(ends), np.concatenate(([0], ends + 1))[:-1]
    rows = np.repeat(np.arange(n) * KINDS, ends - starts + 1)
    count = _tally(rows + kinds, n)
    count[SPACE] -= 1  # the line end
    inside = kinds <= DIGIT
    begins = inside.copy()
    begins[1:] &= ~inside[:-1]
    begins = np.flatnonzero(begins)
    initial = _tally(rows[begins] + kinds[begins], n)
    stops = np.flatnonzero((kinds[:-1] == TERMINAL) & (kinds[1:] == SPACE))
    sentences = _tally(rows[stops], n)[0]
    solid = np.flatnonzero(~((kinds == CLOSER) | (kinds == SPACE) | (codes == 34) | (codes == 39)))
    tail = solid[np.maximum(np.searchsorted(solid, ends) - 1, 0)] if len(solid) else starts
    last = np.where(tail >= starts, kinds[tail], OTHER)
    first = kinds[starts]
    chars, letters = count.sum(0), count[:DIGIT].sum(0)
    words = initial[UPPER] + initial[LOWER] + initial[LETTER] + initial[DIGIT] + count[UNSPACED] / 2
    per_char, per_word = 1 / np.maximum(chars, 1), 1 / np.maximum(words, 1)
    dots = (last == TERMINAL) & (codes[np.maximum(tail - 1, 0)] == 46) & (codes[tail] == 46) | (codes[tail] == 0x2026)
    columns = [
        chars, words, last == TERMINAL, dots, last == COLON, last == COMMA, last == DIGIT, kinds[ends - 1] == CLOSER,
        first == LOWER, first == BAR, first == DIGIT, first == QUOTE, first == DASH, first == SYMBOL,
        count[UPPER] / np.maximum(letters, 1), initial[UPPER] * per_word, initial[DIGIT] * per_word,
        count[DIGIT] * per_char, count[COMMA] * per_word, count[BAR] * per_char, count[SYMBOL] * per_char,
        (count[QUOTE] + count[CLOSER]) * per_char, count[DASH] * per_char, count[COLON] * per_char,
        letters * per_word, np.maximum(sentences - 1, 0), count[UNSPACED] * per_char,
    ]  # fmt: skip
    return np.array(columns, np.float64)


def _tally(cells: np.ndarray, n: int) -> np.ndarray:
    return np.bincount(cells, minlength=n * KINDS).reshape(n, KINDS).T.astype(np.float64, order="C")


NUMBERS, BARS = 16, 19  # rows of the above: words that are numbers, bars and bullets
# How far, in lines, neighbours are looked at; the windows averaged over; both ends included.
NEIGHBOURS = (-3, -2, -1, 1, 2, 3)
WINDOWS = ((-2, 2), (-5, 5), (-12, 12), (-30, 30), (-6, -1), (1, 6), (-20, -1), (1, 20))
BLOCK_UNITS = (6.0, 12.0, 24.0)  # words a line must have not to count against a block (Finn et al. 2001, on lines)
BLOCK_CAP = 60.0
LONG = 10  # words from which a finished line is taken for a paragraph
FAR = 60.0  # lines beyond which a distance says no more
GROUPS = ("advertisement", "share", "related", "comments", "author_box", "subscription", "footer", "navigation")
GROUP_OF = {name: i for i, name in enumerate(GROUPS)} | {"cookie": 6, "widget": 7, "player": 7, "language_bar": 7, "blank": 7}


def line_features(page: Page, rules: list[str | None]) -> np.ndarray:
    """(features, lines): the shape of the line, of its neighbours and of the page around it."""
    shapes, n = page.shapes, len(page.lines)
    words, finished = np.minimum(shapes[1], BLOCK_CAP), shapes[2]
    long = finished * (words >= LONG)
    group = np.array([GROUP_OF[rule] if rule else -1 for rule in rules])
    furniture = (group >= 0).astype(float)
    times = Counter(page.norms)
    repeated = np.array([min(times[norm], 9) for norm in page.norms], float)
    gaps = np.minimum(np.array([*page.gaps, 2.0]), 4)
    dates = _dated(page)
    own = [*shapes, group, furniture, repeated, dates, gaps[:-1], gaps[1:], *page.vocabulary]
    own += [np.arange(n) / n, np.full(n, n), np.full(n, long.sum()), np.full(n, furniture.sum() / n)]
    beside = np.array([words, finished, long * words, furniture, shapes[15], shapes[9], repeated])
    around = [*(_shifted(beside, k) for k in NEIGHBOURS), *_windows(beside[:5], WINDOWS)]
    around.append(np.cumsum(beside[2:3], 1) / max(beside[2].sum(), 1))
    around += [_distances(marked) for marked in (long > 0, furniture > 0, (group >= 2) & (group <= 4), dates > 0)]
    around += [_densest(words, unit) for unit in BLOCK_UNITS]
    return np.concatenate([np.array(own), *around, _headed(group), [_shared(page, words)]]).astype(np.float32)


def _shifted(rows: np.ndarray, by: int) -> np.ndarray:
    """Each line's neighbour `by` lines on; -1 where there is none."""
    out = np.full_like(rows, -1.0)
    n = rows.shape[1]
    if by > 0:
        out[:, : max(n - by, 0)] = rows[:, by:]
    else:
        out[:, -by:] = rows[:, : max(n + by, 0)]
    return out


def _windows(rows: np.ndarray, windows: Sequence[tuple[int, int]]) -> list[np.ndarray]:
    """Means over the lines from `first` to `last` before or after each line, for each of `windows`."""
    n, widest = rows.shape[1], max(abs(k) for window in windows for k in window) + 1
    sums = np.zeros((len(rows) + 1, n + 2 * widest))
    sums[:-1, widest : widest + n] = rows
    sums[-1, widest : widest + n] = 1
    np.cumsum(sums, 1, out=sums)
    parts = [sums[:, widest + last : widest + last + n] - sums[:, widest + first - 1 : widest + first - 1 + n] for first, last in windows]
    return [part[:-1] / np.maximum(part[-1], 1) for part in parts]


def _distances(marked: np.ndarray) -> np.ndarray:
    """Lines to the nearest marked line before, to the nearest after (FAR at most), and marked lines up to here."""
    n = len(marked)
    at, out = np.arange(n), np.full((3, n), FAR)
    before = np.maximum.accumulate(np.where(marked, at, -int(FAR)))
    after = np.minimum.accumulate(np.where(marked, at, n + int(FAR))[::-1])[::-1]
    out[0, 1:] = np.minimum(at[1:] - before[:-1], FAR)
    out[1, :-1] = np.minimum(after[1:] - at[:-1], FAR)
    out[2] = marked.cumsum()
    return out


def _densest(words: np.ndarray, unit: float) -> np.ndarray:
    """The stretch of lines with the greatest sum of (words - unit): inside or not, lines from its start and to its end."""
    sums = np.zeros(len(words) + 1)
    (words - unit).cumsum(out=sums[1:])
    end = int((sums - np.minimum.accumulate(sums)).argmax())
    start = int(sums[: end + 1].argmin())
    at, out = np.arange(len(words)), np.zeros((3, len(words)))
    out[0, start:end] = 1
    out[1] = at - start
    out[2] = end - at
    return np.minimum(np.maximum(out, -FAR, out=out), FAR, out=out)


def _headed(group: np.ndarray) -> np.ndarray:
    """Which furniture stood last before each line, and which comes next."""
    at = np.arange(len(group))
    before = np.maximum.accumulate(np.where(group >= 0, at, -1))
    after = np.minimum.accumulate(np.where(group >= 0, at, len(group))[::-1])[::-1]
    return np.array([np.where(before >= 0, group[before], -1), np.append(group, -1)[after]])


def _dated(page: Page) -> np.ndarray:
    """1 for a date (with or without a name), 2 for a name after a word such as "by"; longer lines are not looked at."""
    out, by = np.zeros(len(page.lines)), _words().by
    digits = (page.shapes[17] > 0).tolist()
    for i, count in enumerate(page.counts):
        if 0 < count <= BYLINE_WORDS:
            line = page.lines[i]
            if digits[i] and DATE.search(line):
                out[i] = 1
            elif page.norms[i].split(" ", 1)[0] in by and line[line.find(" ") + 1 :][:1].isupper():
                out[i] = 2
    return out


def _vocabulary(words: list[str], rows: np.ndarray, n: int) -> np.ndarray:
    """(4, lines): words that address the reader, that speak of the site, of cookies and data, that credit a picture or agency."""
    vocabulary = _words().vocabulary
    found = np.fromiter(map(vocabulary.get, words, repeat(0)), np.int64, len(words))
    return np.bincount(rows * 5 + found, minlength=n * 5).reshape(n, 5).T[1:]


def _shared(page: Page, words: np.ndarray) -> np.ndarray:
    """Share of a line's longer words that stand in the densest block, on other lines; -1 for a line that has none."""
    n = len(page.lines)
    long = np.fromiter(map(len, page.words), np.int64, len(page.words)) > 3
    found, rows = list(compress(page.words, long.tolist())), page.rows[long]
    inside = _densest(words, 12.0)[0][rows] > 0
    seen = dict(Counter(compress(found, inside.tolist())))
    again = np.fromiter(map(seen.get, found, repeat(0)), np.int64, len(found)) > inside
    total = np.bincount(rows, minlength=n)
    return np.where(total > 0, np.bincount(rows, again, n) / np.maximum(total, 1), -1.0)


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


def probability(forest: Forest, features: np.ndarray) -> np.ndarray:
    """Of each column of features, rounded, so that the last bits of a platform's arithmetic decide nothing."""
    trees = len(forest.table) // 256
    answers = (features[forest.feature] > forest.threshold[:, None]).view(np.uint8).reshape(8, trees, -1)
    leaf = answers[0].copy()
    for answer in answers[1:]:
        leaf <<= 1
        leaf |= answer
    score = forest.table.take(leaf + np.arange(0, trees * 256, 256)[:, None]).sum(0, dtype=np.float64)
    return np.round(1 / (1 + np.exp(-score)), 4)


OFFSETS = (-5, -4, -3, -2, -1, 1, 2, 3, 4, 5)
SPREADS = ((-3, 3), (-8, 8), (-20, 20), (-10, -1), (1, 10))


def context_features(features: np.ndarray, words: np.ndarray, p: np.ndarray) -> np.ndarray:
    """(features, lines): also what the first forest said of the line and of those around it; p is a probability per line."""
    n, at = len(p), np.arange(len(p))
    before, mass = np.cumsum(p), np.cumsum(p * np.minimum(words, BLOCK_CAP))
    rows = [p, *(_shifted(p[None], k)[0] for k in OFFSETS), *(part[0] for part in _windows(p[None], SPREADS))]
    rows += [before, before[-1] - before, before / (at + 1), mass / max(mass[-1], 1), np.full(n, mass[-1]), np.full(n, p.max())]
    rows += [*_distances(p > 0.5), *_distances(p > 0.8), *_densest(p * 2 * BLOCK_UNITS[1], BLOCK_UNITS[1] * 0.8)]
    return np.concatenate([features, np.array(rows, np.float32)])


PART = 5000  # lines looked at together: no page has more, and a text of millions of lines stays within memory


def _probabilities(page: Page, rules: list[str | None]) -> tuple[np.ndarray, np.ndarray]:
    """Of each line, to belong to the article's body and to be its title."""
    if len(rules) > PART:
        parts = range(0, len(rules), PART)
        each = [_probabilities(parse("\n".join(page.lines[i : i + PART])), rules[i : i + PART]) for i in parts]
        return np.concatenate([p for p, _ in each]), np.concatenate([q for _, q in each])
    words, features = page.shapes[1], line_features(page, rules)
    around = context_features(features, words, probability(model()["line"], features))
    titles, some = np.zeros(len(rules)), np.flatnonzero((words >= TITLE_WORDS[0]) & (words <= TITLE_WORDS[1]))
    titles[some] = probability(model()["title"], around[:, some])
    return probability(model()["page"], around), titles


# ---------------------------------------------------------------- labels

Label = tuple[str | None, str | None, float]
# What counts as the article's text. Titles, bylines and notes are kept beside it.
BODY_UNITS = ("standfirst", "heading", "paragraph", "list_item", "quote", "table")
# Chosen by cross-validation over sites, on the scores of the whole stage; all of them are flat around these values.
KEEP, KEEP_IN_BLOCK = 0.5, 0.3  # doubtful paragraphs of the densest block are kept: better a teaser too many
SURE, DOUBT = 0.7, 0.35
LITTLE = 0.25  # of the densest block's words: a page of which less is kept is one the forests do not understand
OVER, MOST = ("author_box", "comments"), 0.6
HINT, CLOSING, LISTED = 0.2, 0.4, 0.35  # so much for a heading or pull quote between paragraphs, for a last line, for the mean of a list
TITLE_WORDS, TITLE_SURE, TITLE_HINT = (3, 40), 0.1, 0.03
LEAD_WORDS, LEAD, LATER_LEAD = (6, 60), 0.1, 0.4
SHORTER, PARTED = 0.6, 0.75  # of the next paragraphs' words: a standfirst has no more, without and with furniture below it
NO_TITLE_LINES = 6  # lines before the first paragraph in which a byline is looked for when there is no title
AUTHOR_BOX_WORDS, CAPTION_WORDS, HEADING_WORDS, QUOTE_WORDS = 40, 20, 14, (6, 45)
SPOKEN_WORDS = 4  # of a pull quote that stands in quotation marks in the text
QUOTED_FROM = 200_000  # characters of body above which no pull quotes are looked for: it is no page
SHORT = 5  # words a sentence has that makes a body where there is nothing longer
STEM = 5  # letters that stand for a word whose ending changes


def _labels(page: Page) -> list[Label]:
    rules = named_rules(page)
    if not rules:
        return []
    p, q = _probabilities(page, rules)
    _name_author_boxes(page, rules)
    _name_print_headers(page, rules)
    _name_captions(page, rules)
    within = np.flatnonzero(_inside(page, rules, p)).tolist()
    finished = [i for i in within if page.shapes[2, i] and page.counts[i] >= SHORT]
    body = [i for i in finished if page.counts[i] >= LONG] or [i for i in within if page.counts[i] >= LONG] or finished
    if not body:
        return [(None, rule or "navigation", 1.0) for rule in rules]
    units = _front(page, rules, within, body, p, q)
    text = "\n".join([page.norms[i] for i in within])
    for i, after in zip(within, [*within[1:], None], strict=True):
        if i not in units:
            units[i] = _unit(page, within, text if len(text) < QUOTED_FROM else "", i, after)
    for i in range(min([body[0], *units]), min(body[-1] + 4, len(rules))):
        among = body[0] <= i < body[-2:][0]
        if units.get(i) not in ("title", "byline") and (is_note(page.lines[i], page.norms[i]) or (not among and not rules[i] and _is_disclaimer(page, i))):
            units[i] = "note"
    _end_author_notes(page, rules, units, body[-1])
    return _named(page, rules, units, p)


def _inside(page: Page, rules: list[str | None], p: np.ndarray) -> np.ndarray:
    """Which lines are the body: probable ones that name no rule, less sure ones between two sure ones or in the densest block,
    and nothing after a heading that says the article is over while little is left. Where next to nothing is probable, the
    paragraphs of the densest block."""
    words, free = page.shapes[1], np.array([rule is None for rule in rules], bool)
    block = free & (words >= LONG) & (page.shapes[2] > 0) & (_densest(np.minimum(words, BLOCK_CAP), BLOCK_UNITS[1])[0] > 0)
    inside = free & (p > KEEP) | block & (p > KEEP_IN_BLOCK)
    at = np.flatnonzero(free)
    sure = p[at] > SURE
    inside[at[1:-1][sure[:-2] & sure[2:] & (p[at[1:-1]] > DOUBT)]] = True
    if words[inside].sum() < LITTLE * words[block].sum():
        inside |= block
    _keep_lists(page, free, inside, p)
    _keep_between(page, free, inside, p)
    read = np.cumsum(inside * words)
    for i, rule in enumerate(rules):
        if rule in OVER and read[i] > MOST * read[-1] and page.norms[i] in _words().lines:
            inside[i:] = False
            break
    return inside


def _keep_lists(page: Page, free: np.ndarray, inside: np.ndarray, p: np.ndarray) -> None:
    """Add to the body the lists within it of which the forests doubt no more than of its paragraphs, with what heads them."""
    items = [i for i in np.flatnonzero(free & (p > HINT)).tolist() if BULLET.match(page.lines[i])]
    body = np.flatnonzero(inside)
    for _, run in groupby(enumerate(items), key=lambda item: item[1] - item[0]):
        first, *_, last = [i for _, i in run] * 2
        if first < last and len(body) and body[0] < first < body[-1] and p[first : last + 1].mean() > LISTED:
            inside[first : last + 1] = True
            head = first - 1
            inside[head] |= free[head] and p[head] > HINT / 4 and not page.shapes[2, head] and page.counts[head] <= HEADING_WORDS


def _keep_between(page: Page, free: np.ndarray, inside: np.ndarray, p: np.ndarray) -> None:
    """Add to the body the doubtful lines that follow it and look like a heading, a pull quote or its last line."""
    at, finished = np.flatnonzero(free).tolist(), page.shapes[2]
    text = "\n".join([page.norms[i] for i in at if inside[i]])
    plain = (page.vocabulary.sum(0) <= page.shapes[1] / 4) & (page.shapes[BARS] == 0)
    for before, i, after in zip(at, at[1:], [*at[2:], *at[-1:]], strict=False):
        if inside[i] or p[i] <= HINT or not inside[before]:
            continue
        count = page.counts[i]
        paragraph_follows = finished[after] and page.counts[after] >= LONG and p[after] > SURE
        if finished[i]:
            inside[i] = p[i] > CLOSING and count >= SHORT
        elif paragraph_follows and plain[i] and count <= HEADING_WORDS and ": " not in page.lines[i]:
            inside[i] = True
        else:
            inside[i] = QUOTE_WORDS[0] <= count <= QUOTE_WORDS[1] and len(text) < QUOTED_FROM and page.norms[i] in text


def _front(page: Page, rules: list[str | None], within: list[int], body: list[int], p: np.ndarray, q: np.ndarray) -> dict[int, str]:
    """Title, bylines and standfirst: they stand before the first paragraph, or among the first ones."""
    end = body[min(2, len(body) - 1)]
    start, units = max(0, body[0] - NO_TITLE_LINES), {}
    title = _title(page, rules, within, q[: end + 1])
    if title is not None:
        start, units = title + 1, {title: "title"}
    rest = [i for i in range(start, end + 1) if not rules[i]]
    units |= {i: "byline" for i in rest if _is_byline(page.lines[i], page.norms[i], page.counts[i])}
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
    return lead if page.counts[lead] <= (PARTED if parted else SHORTER) * np.median(paragraphs) else None


CRUMBS = re.compile(r"\s[›»>/|→·•]\s")
SUFFIX = re.compile(r"\s*[|·»–—-]\s")


def _title(page: Page, rules: list[str | None], within: list[int], q: np.ndarray) -> int | None:
    """The likeliest line of q; none of those with a bullet, which lead to the page, stand above it and repeat its headline.
    A doubtful one must stand over a byline; one that ends with the outlet's name gives way to a line without."""
    found = [i for i in np.flatnonzero(q >= TITLE_HINT).tolist() if not rules[i] and not BULLET.match(page.lines[i])]
    likely = [i for i in found if q[i] >= TITLE_SURE or _over_byline(page, i)]
    title = next((i for i in sorted(likely, key=lambda i: -q[i]) if _shares_words(page, within, i)), None)
    if title is None:
        return None
    line = page.lines[title]
    return next((i for i in found if line.startswith(page.lines[i]) and SUFFIX.match(line, len(page.lines[i]))), title)


def _over_byline(page: Page, i: int) -> bool:
    """Whether one of the two lines below is a byline, and this one is none."""
    around = zip(page.lines[i : i + 3], page.norms[i : i + 3], page.counts[i : i + 3], strict=True)
    own, *below = [_is_byline(*line) for line in around]
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


TIME = re.compile(r"\d{1,2}[:.h]\d\d(?:\s?[ap]\.?m\.?)?", re.IGNORECASE)
OPENING = '“"„«‘‹「『'


def _unit(page: Page, within: list[int], body: str, i: int, after: int | None) -> str:
    line, norm, count = page.lines[i], page.norms[i], page.counts[i]
    if BULLET.match(line):
        return "list_item"
    if line.count("\t") + line.count(" | ") >= 2:
        return "table"
    timed = i > 0 and TIME.fullmatch(page.lines[i - 1])  # above a line of a live blog: its heading
    if not timed and SPOKEN_WORDS <= count <= QUOTE_WORDS[1] and body.count(norm) > 1 and _is_pulled(page, within, line, count):
        return "quote"
    return "heading" if _is_heading(page, i, after) else "paragraph"


def _is_pulled(page: Page, within: list[int], line: str, count: int) -> bool:
    """Whether a line that stands twice is no chance: it is long enough, or stands in quotation marks elsewhere."""
    return count >= QUOTE_WORDS[0] or any(f"{mark}{line}" in page.lines[i] for i in within for mark in OPENING)


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
            if i + 2 < len(page.lines) and not page.shapes[2, i + 2] and page.counts[i + 2] > 5:
                boxes.add(page.norms[i + 2])
    for i, norm in enumerate(page.norms) if boxes else ():
        if norm in boxes and not rules[i]:
            rules[i] = "author_box"


PAGE_NUMBER = re.compile(r"\d{1,3}\s?/\s?\d{1,3}")


def _name_print_headers(page: Page, rules: list[str | None]) -> None:
    """The page numbers of a print, and the lines that stand again and again beside them."""
    short = (page.shapes[0] <= 9) & (page.shapes[17] > 0)
    numbers = [i for i in np.flatnonzero(short).tolist() if PAGE_NUMBER.fullmatch(page.lines[i])]
    beside = [page.norms[j] for i in numbers for j in range(max(0, i - 3), min(i + 4, len(rules))) if page.counts[j] <= BYLINE_WORDS]
    headers = {norm for norm in beside if page.norms.count(norm) > 1} | {page.norms[i] for i in numbers}
    for i, norm in enumerate(page.norms) if headers else ():
        if norm in headers:
            rules[i] = rules[i] or "navigation"


CREDIT = re.compile(r"\(?([^\W\d]+)(?: [^\W\d]+)?\s?[:/©]")


def _name_captions(page: Page, rules: list[str | None]) -> None:
    """A short line, no sentence, that begins with a word such as "photo" and a colon."""
    for i in np.flatnonzero((page.vocabulary[3] > 0) & (page.shapes[1] <= CAPTION_WORDS) & (page.shapes[2] == 0)).tolist():
        credit = CREDIT.match(page.lines[i])
        if credit and _words().vocabulary.get(credit[1].casefold()) == 4:
            rules[i] = rules[i] or "caption"


def _named(page: Page, rules: list[str | None], units: dict[int, str], p: np.ndarray) -> list[Label]:
    """Lines that name no rule take that of the line before them, or of the place they stand in."""
    labels: list[Label] = []
    last = max(units)
    credited, kept, removed = (page.vocabulary[3] > 0).tolist(), np.round(p, 2).tolist(), np.round(1 - p, 2).tolist()
    section = "navigation"
    for i, rule in enumerate(rules):
        if i in units:
            section = "related" if i < last else "footer"
            labels.append((units[i], None, kept[i]))
        elif rule:
            section = rule
            labels.append((None, rule, 1.0))
        else:
            labels.append((None, "caption" if credited[i] and section != "navigation" else section, removed[i]))
    return labels


def _overruled(line: str, label: Label, keep: Sequence[str], remove: Sequence[str]) -> Label:
    if any(re.fullmatch(pattern, line) for pattern in keep):
        return label if label[0] else ("paragraph", None, 1.0)
    if any(re.fullmatch(pattern, line) for pattern in remove):
        return None, "outlet", 1.0
    return label


# ---------------------------------------------------------------- removal


def _changes(text: str, begins: list[int], blocks: list[Block]) -> list[Change]:
    """What goes: removed lines with all that follows up to the next line that holds something, and lines of only white
    space; also the white space at both ends of what is left. Line ends between kept blocks stay."""
    begins = [*begins, len(text)]
    kept = [i for i, block in enumerate(blocks) if block.unit]
    first, last = (kept[0], kept[-1]) if kept else (-1, -1)
    ranges = [(0, begins[0], "blank", 1.0)]
    for i, block in enumerate(blocks):
        if not block.unit:
            ranges.append((begins[i], begins[i + 1], block.rule or "", block.confidence))
            continue
        if i == first:
            ranges.append((begins[i], block.start, "blank", 1.0))
        if i == last:
            ranges.append((block.end, begins[i + 1], "blank", 1.0))
        else:
            white = WHITE_LINES.finditer(text[block.end : begins[i + 1]])
            ranges += [(block.end + m.start(), block.end + m.end(), "blank", 1.0) for m in white]
    return [Change(a, b, "", rule, "removed", confidence) for a, b, rule, confidence in _runs(ranges)]


def _runs(ranges: list[tuple[int, int, str, float]]) -> list[tuple[int, int, str, float]]:
    """Without the empty ranges, and with neighbours under one rule joined; the run is as sure as its least sure line."""
    runs: list[tuple[int, int, str, float]] = []
    for start, end, rule, confidence in ranges:
        if runs and runs[-1][1] == start and runs[-1][2] == rule:
            runs[-1] = runs[-1][0], end, rule, min(confidence, runs[-1][3])
        elif start < end:
            runs.append((start, end, rule, confidence))
    return runs


def _moved(blocks: list[Block], changes: list[Change]) -> list[Block]:
    """The kept blocks in the offsets of the text after `changes`."""
    kept, shift, done = [], 0, 0
    for block in blocks:
        while done < len(changes) and changes[done].end <= block.start:
            shift += changes[done].end - changes[done].start
            done += 1
        if block.unit:
            kept.append(block._replace(start=block.start - shift, end=block.end - shift))
    return kept
