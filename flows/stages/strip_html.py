"""Say of every line of a rendered HTML page whether it is the article, and what it is.

A line is kept with a unit (title, standfirst, byline, heading, paragraph, list_item, quote, caption, table, note) or removed under a
rule (navigation, advertisement, widget, share, related, author_box, comments, subscription, cookie, footer, hidden). Whether it is
content is the verdict of gradient-boosted trees over what the line looks like and where it stands in the document; a
second stage sees the first one's verdict on its neighbours. What it is follows from tags, class names and words.
The labeller only labels: it changes no text, and it knows no site.

The trees were trained on pages with hand-made gold by tests/benchmarks/train_strip_html.py; strip_html_model.json says on what.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from flows.stages.strip import is_note
from flows.traced import Block, Traced

HERE = Path(__file__).parent
WINDOW = 2000  # characters of a line, and of a start tag, that are looked at
NAME = 60  # characters of one class name that are looked at
FAR = 12  # levels of elements, and
FAR_LINES = 40  # lines, beyond which a distance says no more

# ---------------------------------------------------------------- what class names and ids speak of

# Patterns on lower-case names, by what they speak of; the first that matches counts.
HINTS: dict[str, list[str]] = json.loads((HERE / "strip_html_hints.json").read_text(encoding="utf-8"))
HINT = re.compile("|".join(f"(?P<{name}>{'|'.join(patterns)})" for name, patterns in HINTS.items()))
HINT_ORDER = {name: i for i, name in enumerate(HINTS)}
NAMING = re.compile(
    r"""\b(?:class|id|role|itemprop|data-(?:testid|component|type|qa|module|block))[ \n]*=[ \n]*("[^"]*"|'[^']*'|[^\s>]+)""", re.I
)
CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")

AROUND = [
    "article", "main", "nav", "aside", "footer", "header", "figure", "form", "ul", "ol", "dl", "table", "blockquote", "section",
    "button", "dialog", "figcaption", "details", "address", "p", "li",
]  # fmt: skip
KINDS_OF_TAG = [
    kind.split() for kind in (
        "p", "div", "li", "h1", "h2", "h3", "h4 h5 h6", "td th tr", "blockquote", "figcaption caption", "section article main",
        "button option legend summary", "dt dd", "pre",
    )
]  # fmt: skip
KINDS_OF_INNER = [kind.split() for kind in ("a", "span", "strong b", "em i", "time", "label small cite", "font")]
TAG_OF = {tag: i for i, tags in enumerate(KINDS_OF_TAG) for tag in tags}
INNER_OF = {tag: i for i, tags in enumerate(KINDS_OF_INNER) for tag in tags}
AROUND_AT = {tag: i for i, tag in enumerate(AROUND)}
N_DISTANCES = len(AROUND) + len(HINTS)
ONE_MORE = bytes(min(i + 1, FAR) for i in range(256))  # a table for bytes.translate: one level further away


@lru_cache(maxsize=1 << 14)
def _hints(written: str) -> bytes:
    """Columns, in a row of levels, of what the names in a start tag speak of."""
    return bytes(
        {len(AROUND) + i for names in NAMING.findall(written) for name in names.strip("\"'").split() for i in _spoken(name[:NAME])}
    )


@lru_cache(maxsize=1 << 16)
def _spoken(name: str) -> bytes:
    return bytes({HINT_ORDER[m.lastgroup] for m in HINT.finditer(CAMEL.sub("-", name).lower())})


def _distances(nodes, wanted: Sequence[int]) -> dict[int, bytes]:
    """For the wanted elements and all around them: levels up to the nearest element of each tag in AROUND and each hint."""
    found = {0: bytes([FAR]) * N_DISTANCES}
    for node in wanted:
        chain = []
        while node not in found:
            chain.append(node)
            node = nodes.parents[node]
        row = found[node]
        for node in reversed(chain):
            row = row.translate(ONE_MORE)
            tag, written = nodes.tags[node], nodes.attributes[node]
            own = _hints(written[:WINDOW]) if written else b""
            if own or tag in AROUND_AT:
                row = bytearray(row)
                for i in own:
                    row[i] = 0
                if tag in AROUND_AT:
                    row[AROUND_AT[tag]] = 0
                row = bytes(row)
            found[node] = row
    return found


# ---------------------------------------------------------------- what a line looks like

UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
WORD = re.compile(r"\w+")
FINISHED = re.compile(r"[.!?…。！？।؟۔][\"'”’»«）)\]」』]*$")
SENTENCE = re.compile(r"[.!?…。！？।؟۔][\"'”’»）)\]」』]*\s")
DATE = re.compile(r"\b(?:19|20)\d\d\b|\b\d{1,2}[:.h]\d\d\b|\b\d{1,2}[./-]\d{1,2}[./-]\d\d")
QUOTES = "\"'„“‘«”’»「『"
BULLETS = "•●▪◦‣■○*·–—-►▶›>|+#→"
DIGIT, COMMA, BAR, QUOTE, SIGN = (re.compile(f"[{characters}]") for characters in (r"\d", ",、，", "|/•·", '"„“«「', "(@©"))
NUMBERED = re.compile(r"\(?\d{1,2}[.)]\s")


class Line(NamedTuple):
    """A line's first WINDOW characters, its words (casefolded), the same as one string, and their number (two letters of a
    script without spaces count as one word)."""

    text: str
    words: list[str]
    norm: str
    count: float


def _line(text: str) -> Line:
    text = text[:WINDOW]
    words = WORD.findall(text.casefold())
    unspaced = 0 if text.isascii() else len(UNSPACED.findall(text))
    return Line(text, words, " ".join(words), len(words) + unspaced / 2)


SAMPLE = 300  # characters of a line on which shares are measured


def _shape(line: Line) -> list[float]:
    text, words, norm, count = line
    n, letters = len(text), len(norm) - max(len(words) - 1, 0)
    sample = text[:SAMPLE]
    parts, digits = sample.split(), len(DIGIT.findall(sample))
    return [
        n, count, letters / max(len(words), 1), bool(FINISHED.search(text[-8:])), text.endswith(("...", "…")),
        text[-1] == ":", text[-1] in ",;", text[-1].isdigit(), text[0] in QUOTES, text[0].islower(), text[0].isdigit(), text[0] in BULLETS,
        bool(NUMBERED.match(text)),
        sum([w[0].isupper() for w in parts]) / max(len(parts), 1), sample.isupper(), digits / len(sample), len(COMMA.findall(text)),
        len(BAR.findall(sample)), len(SENTENCE.findall(text)), digits > 0 and bool(DATE.search(text[:200])), len(QUOTE.findall(text)),
        len(SIGN.findall(sample)),
        letters / n, "?" in text[-3:], n - letters,
    ]  # fmt: skip


# ---------------------------------------------------------------- what a line says

RULES = ("navigation", "advertisement", "widget", "share", "related", "author_box", "comments", "subscription", "cookie", "footer")
LABELLED = re.compile(r"\s*[:|»>]")
START_WORDS = 14  # a line that merely begins like furniture is furniture only when it is short


@cache
def _words() -> tuple[dict[str, str], dict[str, list[tuple[str, str]]], frozenset[str], frozenset[str], frozenset[str], frozenset[str]]:
    """Rule by whole line; (beginning, rule) by first word; words of bylines, of dates, of the site, of picture credits."""
    lists = json.loads((HERE / "strip_words.json").read_text(encoding="utf-8"))
    whole, starts = {}, defaultdict(list)
    for rule, words in lists["rules"].items():
        rule = rule if rule in RULES else "widget"
        whole |= dict.fromkeys(words["lines"], rule)
        for start in words["starts"]:
            starts[start.split()[0]].append((start, rule))
    return whole, dict(starts), *(frozenset(lists[name]) for name in ("by", "published", "site", "credit"))


def _rule(line: Line) -> str | None:
    """The rule that a line names by its own words; a longer one only if they stand before a colon or the like."""
    if not line.words:
        return None
    whole, starts = _words()[:2]
    norm = line.norm
    named = ((start, rule) for start, rule in starts.get(line.words[0], ()) if norm.startswith(start))
    if line.count > START_WORDS:
        return next((rule for start, rule in named if LABELLED.match(line.text, len(start))), None)
    return whole.get(norm) or next((rule for _, rule in named), None)


def _norm(text: str) -> str:
    return " ".join(WORD.findall(text.casefold()))


class Told(NamedTuple):
    """What the page's markup says of itself: its titles, its descriptions, and the body text where JSON-LD has it."""

    titles: frozenset[str]
    descriptions: tuple[str, ...]
    body: str


def _told(facts) -> Told:
    titles, descriptions, body = [], [], []
    for fact in facts:
        key = fact.key.rsplit(".", 1)[-1].lower()
        if fact.source == "title" or key in ("og:title", "twitter:title", "headline"):
            titles.append(_norm(fact.value[:WINDOW]))
        elif key in ("og:description", "description", "twitter:description"):
            descriptions.append(_norm(fact.value[:WINDOW]))
        elif key == "articlebody" and fact.source == "json-ld":
            body.append(_norm(fact.value))
    whole = " ".join(body)
    long = tuple(d for d in dict.fromkeys(descriptions) if len(d) > 20)
    return Told(frozenset(filter(None, titles)), long, whole if len(whole) > 300 else "")


def _said(line: Line, told: Told) -> list[float]:
    """How a line compares with what the page says of itself, and with words that speak of the site."""
    by, published, site, credit = _words()[2:]
    norm, few = line.norm, line.words[:40]
    title = norm in told.titles or (len(norm) > 15 and any(norm in t for t in told.titles))
    described = len(norm) > 20 and any(norm[:40] == d[:40] or (len(norm) > 30 and norm in d) for d in told.descriptions)
    quoted = (norm[:120] in told.body) if told.body and len(norm) > 10 else -1
    speaking = [sum([w in site for w in few]), sum([w in credit for w in few])]
    return [title, described, quoted, *speaking, bool(few) and few[0] in by, any(w in published for w in few[:4])]


# ---------------------------------------------------------------- where a line stands


def _homes(elements, nodes, alone: Counter) -> list[int]:
    """The container of each line: its block, or the block around that if the line has its block to itself."""
    own = [alone[e.node] == 1 or (e.broken == "block" and nodes.tags[e.node] == "p") for e in elements]
    return [nodes.parents[e.node] if yes else e.node for e, yes in zip(elements, own, strict=True)]


def _depths(nodes) -> np.ndarray:
    depths = [0]
    for parent in nodes.parents[1:]:
        depths.append(depths[parent] + 1)
    return np.array(depths)


def _sums(nodes, depths: np.ndarray, direct: np.ndarray) -> np.ndarray:
    """Sums over every element and all inside it: (nodes, values), from the values of the elements alone."""
    total, parents = direct.copy(), np.array(nodes.parents)
    order = np.argsort(-depths, kind="stable")
    for level in np.split(order, np.flatnonzero(np.diff(depths[order])) + 1)[:-1]:
        np.add.at(total, parents[level], total[level])
    return total


def _paths(nodes, homes: Sequence[int], best: int) -> dict[int, tuple[int, int]]:
    """For every container: levels up to the first element that also holds `best`, and from there down to `best`."""
    above, node, level = {}, best, 0
    while node:
        above[node] = level
        node, level = nodes.parents[node], level + 1
    above[0] = level
    found = {node: (0, level) for node, level in above.items()}
    for home in set(homes):
        chain = []
        while home not in found:
            chain.append(home)
            home = nodes.parents[home]
        up, down = found[home]
        for node in reversed(chain):
            up += 1
            found[node] = (up, down)
    return found


def _standing(elements, nodes, depths: np.ndarray, mass: np.ndarray, count: np.ndarray) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Columns on the container of each line, whether it is the one with most text, and its container."""
    alone = Counter(e.node for e in elements)
    homes = _homes(elements, nodes, alone)
    linked = np.array([e.linked / max(e.end - e.start, 1) for e in elements])
    values = np.column_stack([np.ones(len(homes)), count, count * linked, mass])
    direct = np.zeros((len(nodes.tags), values.shape[1]))
    np.add.at(direct, homes, values)
    inside = _sums(nodes, depths, direct)
    best = int(np.argmax(direct[:, 3]))
    paths = _paths(nodes, homes, best)
    up, down = np.array([paths[h] for h in homes], float).reshape(-1, 2).T
    home = direct[homes]
    own = inside[homes]
    above = inside[[nodes.parents[h] for h in homes]]
    total = max(mass.sum(), 1)
    columns = [
        up, down, home[:, 0], home[:, 1], home[:, 2] / np.maximum(home[:, 1], 1), home[:, 3] / total, home[:, 1] / home[:, 0],
        own[:, 3] / total, own[:, 2] / np.maximum(own[:, 1], 1), own[:, 1] / np.maximum(own[:, 0], 1),
        above[:, 3] / total, above[:, 2] / np.maximum(above[:, 1], 1), above[:, 1] / np.maximum(above[:, 0], 1), above[:, 0],
        [alone[e.node] for e in elements], np.full(len(homes), direct[best, 3] / total), np.full(len(homes), inside[best, 3] / total),
    ]  # fmt: skip
    return np.column_stack(columns), (np.array(homes) == best).astype(float), homes


def _alike(elements, nodes) -> list[np.ndarray]:
    """Which lines stand in elements with the same tag and names; and also in such an element around those."""
    found = []
    for levels in (1, 2):
        keys: dict[tuple, int] = {}
        found.append(np.array([keys.setdefault(_signature(nodes, e.node, levels), len(keys)) for e in elements]))
    return found


def _pooled(groups: list[np.ndarray], *columns: np.ndarray) -> np.ndarray:
    """For each grouping of the lines: how many are in a line's group, and the means of the columns there."""
    found = []
    for group in groups:
        n = np.bincount(group)
        found += [n[group]] + [(np.bincount(group, values) / n)[group] for values in columns]
    return np.column_stack(found)


def _signature(nodes, node: int, levels: int) -> tuple[str, ...]:
    found = []
    for _ in range(levels):
        found += [nodes.tags[node], nodes.attributes[node][:200] if nodes.tags[node] != "a" else ""]
        node = nodes.parents[node]
    return tuple(found)


# ---------------------------------------------------------------- features

NEIGHBOURS = (-3, -2, -1, 1, 2, 3)
WINDOWS = ((-2, 2), (-5, 5), (-12, 12), (-8, -1), (1, 8), (-25, -1), (1, 25))
BLOCK_UNITS = (8.0, 16.0)  # words a line must have not to count against a block (Finn et al. 2001, on lines)
LONG = 10  # words from which a finished line is taken for a paragraph
CAP = 80.0  # words of a line beyond which more say no more


class Seen(NamedTuple):
    """The lines of a page, the rule each names, the levels around each (see _apart) and all columns: (lines, features)."""

    lines: list[Line]
    rules: list[str | None]
    apart: np.ndarray
    told: np.ndarray
    dated: np.ndarray
    groups: list[np.ndarray]
    features: np.ndarray


def features(text: str, elements, nodes, facts) -> Seen:
    """What the trees see of each line. `elements`, `nodes` and `facts` are those of flows.readers.html.Page; at least one line."""
    lines = [_line(text[e.start : e.end]) for e in elements]
    rules = [_rule(line) for line in lines]
    named_so = _told(facts)
    told = np.array([_said(line, named_so) for line in lines], float)
    shape = np.array([_shape(line) for line in lines], float)
    levels = _levels(elements, nodes)
    count, finished = np.minimum(shape[:, 1], CAP), shape[:, 3]
    linked = np.array([e.linked / max(e.end - e.start, 1) for e in elements]).clip(0, 1)
    long = finished * (count >= LONG) * (linked < 0.5)
    mass = count * long
    depths = _depths(nodes)
    standing, best, homes = _standing(elements, nodes, depths, mass, count)
    apart = _apart(elements, depths, homes, standing[:, 0], levels)
    alike = _alike(elements, nodes)
    named = np.array([-1 if rule is None else RULES.index(rule) for rule in rules])
    tags = _tags(elements, nodes)
    heading = tags[:, 3:7].sum(1)
    beside = np.column_stack([count, linked, finished, mass, best, heading, named >= 0, tags[:, 0], standing[:, 0]])
    n, at = len(lines), np.arange(len(lines), dtype=float)
    columns = [
        shape, told, tags, levels, apart, standing, best, _pooled(alike, count, finished, linked), linked, named,
        [(e.links, e.bold / (e.end - e.start), e.italic / (e.end - e.start), e.cells, e.hidden, e.broken == "br") for e in elements],
        _repeated(lines), at, n - at, at / n, np.full(n, n), np.full(n, long.sum()), np.cumsum(mass) / max(mass.sum(), 1),
        *[_shifted(beside, k) for k in NEIGHBOURS], *_means(beside[:, :7], WINDOWS),
        _nearest(long > 0), _nearest(best > 0), _nearest(heading > 0),
        _nearest(named >= 0), _headed(heading, named, mass), *[_densest(count * (1 - linked), unit) for unit in BLOCK_UNITS],
        _after(tags[:, 3] > 0), _after(told[:, 0] > 0),
    ]  # fmt: skip
    return Seen(
        lines,
        rules,
        apart,
        told,
        shape[:, 19],
        [np.unique(homes, return_inverse=True)[1], *alike],
        np.column_stack([np.asarray(c, np.float32) for c in columns]),
    )


def _levels(elements, nodes) -> np.ndarray:
    wanted = [e.inner for e in elements]
    distances = _distances(nodes, wanted + [e.node for e in elements])
    return np.frombuffer(b"".join(distances[e.inner] for e in elements), np.uint8).reshape(len(elements), N_DISTANCES).astype(float)


def _apart(elements, depths: np.ndarray, homes: list[int], up: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """The levels again, of elements that do not also hold the container with most text: what is said of the whole page says nothing."""
    within = depths[[e.inner for e in elements]] - depths[homes] + up
    return np.where(levels < within[:, None], levels, FAR)


def _tags(elements, nodes) -> np.ndarray:
    found = np.zeros((len(elements), len(KINDS_OF_TAG) + len(KINDS_OF_INNER)))
    for i, e in enumerate(elements):
        kind = TAG_OF.get(nodes.tags[e.node])
        if kind is not None:
            found[i, kind] = 1
        kind = INNER_OF.get(nodes.tags[e.inner])
        if kind is not None:
            found[i, len(KINDS_OF_TAG) + kind] = 1
    return found


def _repeated(lines: list[Line]) -> np.ndarray:
    times = Counter(line.text for line in lines)
    return np.array([times[line.text] for line in lines], float)


def _shifted(columns: np.ndarray, by: int) -> np.ndarray:
    """Each line's neighbour `by` lines on; -1 where there is none."""
    out = np.full_like(columns, -1.0)
    n = len(columns)
    if by > 0:
        out[: max(n - by, 0)] = columns[by:]
    else:
        out[-by:] = columns[: max(n + by, 0)]
    return out


def _means(columns: np.ndarray, windows) -> list[np.ndarray]:
    """Means over the lines from `first` to `last` before or after each line, for each window."""
    n = len(columns)
    sums = np.zeros((n + 1, columns.shape[1]))
    np.cumsum(columns, 0, out=sums[1:])
    at = np.arange(n)
    parts = []
    for first, last in windows:
        a, b = np.clip(at + first, 0, n), np.clip(at + last + 1, 0, n)
        parts.append((sums[b] - sums[a]) / np.maximum(b - a, 1)[:, None])
    return parts


def _nearest(marked: np.ndarray) -> np.ndarray:
    """Lines to the nearest marked line before and after (FAR_LINES at most), and the marked lines up to here."""
    n = len(marked)
    at = np.arange(n)
    before = np.maximum.accumulate(np.where(marked, at, -FAR_LINES))
    before = np.concatenate(([-FAR_LINES], before[:-1]))
    after = np.minimum.accumulate(np.where(marked, at, n + FAR_LINES)[::-1])[::-1]
    after = np.concatenate((after[1:], [n + FAR_LINES]))
    return np.column_stack([np.minimum(at - before, FAR_LINES), np.minimum(after - at, FAR_LINES), np.cumsum(marked)])


def _after(marked: np.ndarray) -> np.ndarray:
    """Lines since the first marked line, negative before it; 0 where there is none."""
    if not marked.any():
        return np.zeros(len(marked))
    return np.clip(np.arange(len(marked)) - int(np.argmax(marked)), -FAR_LINES, FAR_LINES)


def _headed(heading: np.ndarray, named: np.ndarray, mass: np.ndarray) -> np.ndarray:
    """The rule that the last heading or furniture before each line names, how far it is, and the text mass since and until the next."""
    marks = (heading > 0) | (named >= 0)
    n, at = len(heading), np.arange(len(heading))
    last = np.maximum.accumulate(np.where(marks, at, -1))
    sums = np.concatenate(([0.0], np.cumsum(mass)))
    following = np.minimum.accumulate(np.where(marks, at, n)[::-1])[::-1]
    following = np.append(following[1:], n)
    since, until = sums[at] - sums[np.maximum(last, 0)], sums[following] - sums[at]
    return np.column_stack([np.where(last >= 0, named[last], -2), np.minimum(at - last, FAR_LINES), since, until])


def _densest(words: np.ndarray, unit: float) -> np.ndarray:
    """The stretch of lines with the greatest sum of (words - unit): inside or not, lines from its start and to its end."""
    sums = np.concatenate(([0.0], np.cumsum(words - unit)))
    lows = np.minimum.accumulate(sums)
    end = int(np.argmax(sums - lows))
    start = int(np.argmin(sums[: end + 1]))
    at = np.arange(len(words))
    return np.column_stack(
        [(at >= start) & (at < end), np.clip(at - start, -FAR_LINES, FAR_LINES), np.clip(end - at, -FAR_LINES, FAR_LINES)]
    )


VERDICT_WINDOWS = ((-1, 1), (-3, 3), (-8, 8), (-6, -1), (1, 6), (-20, -1), (1, 20))


def second(seen: Seen, content: np.ndarray) -> np.ndarray:
    """The columns of the second stage: those of the first, and its verdicts on the line, its neighbours and its like."""
    content = np.round(content, 4)
    words = np.array([min(line.count, CAP) for line in seen.lines])
    beside = np.column_stack([content, content * words, words])
    sure = content > 0.5
    share = np.cumsum(content * words) / max((content * words).sum(), 1)
    pooled = [_pooled([group], content, content * words) for group in seen.groups]
    columns = [
        content,
        share,
        *[_shifted(content[:, None], k) for k in (-4, -3, -2, -1, 1, 2, 3, 4)],
        *_means(beside, VERDICT_WINDOWS),
        *pooled,
    ]
    columns += [
        _nearest(sure),
        _densest(words * (content - 0.5), 0.0),
        np.full(len(content), content.mean()),
        np.full(len(content), (content * words).sum()),
    ]
    return np.column_stack([seen.features, *[np.asarray(c, np.float32) for c in columns]])


# ---------------------------------------------------------------- trees

DEPTH = 7
CHUNK = 4096  # lines walked through the trees at a time


class Trees(NamedTuple):
    """The nodes of all trees: the column asked, the value up to which the answer is the first child, both children (of node n at
    2n and 2n + 1; a leaf leads to itself), the value of a leaf; and where each tree begins."""

    columns: np.ndarray
    thresholds: np.ndarray
    children: np.ndarray
    values: np.ndarray
    roots: np.ndarray


@cache
def _model() -> tuple[Trees, Trees]:
    with np.load(HERE / "strip_html_model.npz") as file:
        stages = [[file[f"{stage}_{name}"] for name in Trees._fields] for stage in ("first", "second")]
    first, then = (Trees(*(a if a.dtype.kind == "f" else a.astype(np.intp) for a in arrays)) for arrays in stages)
    return first, then


def _verdicts(trees: Trees, columns: np.ndarray) -> np.ndarray:
    """The probability of content by line; a leaf lies at most DEPTH steps under its root."""
    found = []
    for first in range(0, len(columns), CHUNK):
        chunk = columns[first : first + CHUNK]
        cells, begins = chunk.ravel(), np.arange(len(chunk))[:, None] * chunk.shape[1]
        at = np.repeat(trees.roots[None], len(chunk), 0)
        for _ in range(DEPTH):
            beyond = cells.take(trees.columns.take(at) + begins) > trees.thresholds.take(at)
            at = trees.children.take(2 * at + beyond)
        found.append(trees.values.take(at).sum(1))
    return np.round(1 / (1 + np.exp(-np.concatenate(found))), 4)


# ---------------------------------------------------------------- labels

# Where the two page sets, whose conventions differ, score best together; and for a page on which that leaves too few words.
CONTENT, CONTENT_OF_SHORT, SHORT = 0.6, 0.3, 40
# Verdicts that settle: above CERTAIN words do not overrule the trees; the others were the best of a few round figures.
CERTAIN, LIKELY, UNLIKELY, HEADING_FROM, LEAD_FROM, LEAD_LINES = 0.85, 0.65, 0.1, 0.25, 0.15, 8
BY_HINT = {
    "comment": "comments", "share": "share", "related": "related", "ad": "advertisement", "subscribe": "subscription", "nav": "navigation",
    "footer": "footer", "cookie": "cookie", "author": "author_box", "embed": "widget", "aside": "widget", "tags": "navigation",
    "list": "related", "box": "widget",
}  # fmt: skip
BY_TAG = {
    "nav": "navigation",
    "aside": "widget",
    "footer": "footer",
    "header": "navigation",
    "form": "subscription",
    "button": "widget",
    "dialog": "cookie",
}
# Where a tag and a name are equally near, the name says more.
RULE_COLUMNS = [(len(AROUND) + HINT_ORDER[hint], rule) for hint, rule in BY_HINT.items()]
RULE_COLUMNS += [(AROUND_AT[tag], rule) for tag, rule in BY_TAG.items()]
BYLINE_WORDS, BYLINE_LINES = 16, 12  # a byline has at most so many words, and stands so near before the text
CAPTION_LEVELS = 2
HEADING_WORDS = 16
BODY = frozenset(["standfirst", "heading", "paragraph", "list_item", "quote", "table", "note"])


def label(text: Traced, elements: Sequence, nodes, facts: Sequence = ()) -> list[Block]:
    """One block for each line of a rendered page (see flows.readers.html.Page), in order. Never raises."""
    if not elements:
        return []
    seen = features(text.text, elements, nodes, facts)
    return labelled(elements, nodes, seen, _content(seen))


def labelled(elements: Sequence, nodes, seen: Seen, content: np.ndarray) -> list[Block]:
    """The blocks, given each line's probability of being content."""
    content = _settled(elements, nodes, seen, content)
    kept = content >= CONTENT
    if sum(line.count for line, yes in zip(seen.lines, kept, strict=True) if yes) < SHORT:
        kept = content >= CONTENT_OF_SHORT
    units = _units(elements, nodes, seen, kept)
    rules = _rules(elements, seen, units)
    sure = np.maximum(content, 1 - content).tolist()
    return [Block(e.start, e.end, unit, rule, p) for e, unit, rule, p in zip(elements, units, rules, sure, strict=True)]


def _content(seen: Seen) -> np.ndarray:
    first, then = _model()
    return _verdicts(then, second(seen, _verdicts(first, seen.features)))


def _settled(elements, nodes, seen: Seen, content: np.ndarray) -> np.ndarray:
    """The verdicts, corrected where the page says outright what a line is: a caption and a line that names itself furniture
    go; a heading stays with the text under it, and the page's own description of itself with the text after it."""
    settled = content.copy()
    captions = seen.apart[:, AROUND_AT["figcaption"]] <= CAPTION_LEVELS
    named = np.array([rule is not None for rule in seen.rules]) & (content < CERTAIN)
    settled[captions | named] = np.minimum(content, UNLIKELY)[captions | named]
    long = [i for i, line in enumerate(seen.lines) if settled[i] >= LIKELY and line.count >= LONG]
    for i in range(len(elements) - 1):
        if nodes.tags[elements[i].node] in ("h2", "h3", "h4") and HEADING_FROM <= settled[i] < LIKELY <= settled[i + 1] and not named[i]:
            settled[i] = LIKELY
    for i in range(max(0, long[0] - LEAD_LINES), long[0]) if long else ():
        e = elements[i]
        if seen.told[i, 1] and LEAD_FROM <= settled[i] < LIKELY and not e.hidden and nodes.tags[e.node] not in ("li", "h1"):
            settled[i] = LIKELY
            break
    return settled


def _units(elements, nodes, seen: Seen, kept: np.ndarray) -> list[str | None]:
    body = [i for i, yes in enumerate(kept.tolist()) if yes and not _is_title(elements[i], nodes, seen, i)]
    if not body:
        return [None] * len(elements)
    units: list[str | None] = [None] * len(elements)
    start = next((i for i in body if seen.lines[i].count >= LONG and _unit(elements[i], nodes, seen, i) == "paragraph"), body[0])
    title = _title(elements, nodes, seen, start)
    for i in body:
        units[i] = _unit(elements[i], nodes, seen, i)
        if i <= start and units[i] == "paragraph" and (seen.told[i, 1] or _hint(seen, i, "lead") <= 2) and i < body[-1]:
            units[i] = "standfirst"
    for i in range(max(body[0] - BYLINE_LINES, 0), body[-1] + 1):
        if units[i] is None and i != title:
            units[i] = _beside(elements[i], seen, i, i <= start + 1)
    if title is not None:
        units[title] = "title"
    return units


def _is_title(element, nodes, seen: Seen, i: int) -> bool:
    return nodes.tags[element.node] == "h1" or bool(seen.told[i, 0])


def _title(elements, nodes, seen: Seen, start: int) -> int | None:
    """The last <h1> before the text, one that the page also names as its title if there is such; else a line so named."""
    candidates = [i for i in range(start + 1) if _is_title(elements[i], nodes, seen, i) and not elements[i].hidden]
    return max(
        candidates,
        key=lambda i: ((nodes.tags[elements[i].node] == "h1") + (seen.told[i, 0] > 0) + (seen.lines[i].count > 2), i),
        default=None,
    )


def _hint(seen: Seen, i: int, name: str) -> float:
    return seen.apart[i, len(AROUND) + HINT_ORDER[name]]


def _unit(element, nodes, seen: Seen, i: int) -> str:
    """What a line of the body is."""
    line, tag = seen.lines[i], nodes.tags[element.node]
    finished = FINISHED.search(line.text[-8:])
    if tag in ("h1", "h2", "h3", "h4", "h5", "h6") or (
        element.bold >= 0.9 * (element.end - element.start) and line.count <= HEADING_WORDS and not finished
    ):
        return "heading"
    if tag in ("li", "dd", "dt"):
        return "list_item"
    if tag in ("td", "th", "tr", "caption") or element.cells:
        return "table"
    if seen.apart[i, AROUND_AT["blockquote"]] <= 2 or re.search(r"pull-?quote", nodes.attributes[element.node][:WINDOW]):
        return "quote"
    return "note" if is_note(line.text, line.norm) else "paragraph"


def _beside(element, seen: Seen, i: int, early: bool) -> str | None:
    """What stands beside the body and belongs to the article without being its text: a byline or a caption."""
    line = seen.lines[i]
    if seen.rules[i] or element.hidden:
        return None
    if (
        early
        and 0 < line.count <= BYLINE_WORDS
        and (_hint(seen, i, "author") <= 2 or seen.told[i, 5] or (seen.dated[i] and _hint(seen, i, "date") <= 2))
    ):
        return "byline"
    captioned = seen.apart[i, AROUND_AT["figcaption"]] <= CAPTION_LEVELS or seen.apart[i, AROUND_AT["figure"]] <= CAPTION_LEVELS
    return "caption" if captioned and line.count > 2 else None


def _rules(elements, seen: Seen, units: list[str | None]) -> list[str | None]:
    """Why each line without a unit goes: what it says, what the markup around it says, or what the lines before it were."""
    kept = [i for i, unit in enumerate(units) if unit]
    columns = [column for column, _ in RULE_COLUMNS]
    nearest = seen.apart[:, columns].argmin(1)
    found: list[str | None] = []
    for i, (e, unit) in enumerate(zip(elements, units, strict=True)):
        place = "navigation" if not kept or i < kept[0] else "footer" if i > kept[-1] else "widget"
        by_markup = RULE_COLUMNS[nearest[i]][1] if seen.apart[i, columns[nearest[i]]] < FAR else None
        found.append(None if unit else "hidden" if e.hidden else seen.rules[i] or by_markup or place)
    return found
