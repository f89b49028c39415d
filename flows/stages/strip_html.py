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
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from functools import cache
from itertools import islice, repeat
from pathlib import Path
from typing import NamedTuple

import numpy as np

from flows import shapes
from flows.stages.strip_lines import is_note
from flows.traced import Block, Traced

HERE = Path(__file__).parent
WINDOW = 2000  # characters of a start tag, and of what the page says of itself, that are looked at
NAME = 60  # characters of one class name that are looked at
FAR = 12  # levels of elements, and
FAR_LINES = 40  # lines, beyond which a distance says no more

# ---------------------------------------------------------------- what class names and ids speak of

# Patterns on lower-case names, by what they speak of; the first that matches counts.
HINTS: dict[str, list[str]] = json.loads((HERE / "strip_html_hints.json").read_text(encoding="utf-8"))
HINT_ORDER = {name: i for i, name in enumerate(HINTS)}
# The first letter stands in a class of its own, and outside (?i:), since only then the search skips to it.
NAMING = re.compile(
    r"""[cidrCIDR](?<=\b.)(?i:(?<=c)lass|(?<=i)d|(?<=i)temprop|(?<=r)ole|(?<=d)ata-(?:testid|component|type|qa|module|block))"""
    r"""[ \n]*=[ \n]*("[^"]*"|'[^']*'|[^\s>]+)"""
)
LINE_END = re.compile("\n")
CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
INITIAL = re.compile(r"(\\b)?([a-z]|\[.*?\])")


@cache
def _topics() -> tuple[re.Pattern[str], re.Pattern[str], list[bytes]]:
    """All patterns as one, gathered by first letter, which is much quicker; the same in groups, and of each group the column."""
    initials: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for name, patterns in HINTS.items():
        for pattern in patterns:
            heads, rest = pattern[3:].split(")", 1) if pattern.startswith("(?:") else (pattern, "")
            for whole in [head + rest for head in heads.split("|")] if rest else [pattern]:
                _, bound, initial, others = INITIAL.split(whole, maxsplit=1)
                initials[initial].append((rf"(?<=\b{initial})" + others if bound else others, HINT_ORDER[name]))
    plain, grouped = (
        "|".join(f"{initial}(?:{'|'.join(around + pattern + ')' for pattern, _ in found)})" for initial, found in initials.items())
        for around in ("(?:", "(")
    )
    return re.compile(plain), re.compile(grouped), [bytes([len(AROUND) + hint]) for found in initials.values() for _, hint in found]


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


# What was found on other pages, since an outlet's pages are written alike, and many outlets with the same software.
TAGS_MET: dict[str, bytes] = {}
NAMES_MET: dict[str, bytes] = {}
MEMO_SIZE = 1 << 14


def _remembered(memo: dict[str, bytes], wanted: set[str], find: Callable[[list[str]], dict[str, bytes]]) -> dict[str, bytes]:
    """What `find` says of each that is wanted; it is asked for those that `memo` does not know."""
    found = {each: memo[each] for each in wanted if each in memo}
    new = find([each for each in wanted if each not in memo])
    if len(memo) > MEMO_SIZE:
        memo.clear()
    memo.update(new)
    return found | new


def _hints(written: list[str]) -> dict[str, bytes]:
    """Of each start tag the columns, in a row of levels, of what the names in it speak of."""
    names = {tag: [name[:NAME] for m in NAMING.findall(tag[:WINDOW]) for name in m.strip("\"'").split()] for tag in written}
    spoken = _remembered(NAMES_MET, {name for each in names.values() for name in each}, _spoken)
    return {tag: b"".join([spoken[name] for name in each]) for tag, each in names.items()}


def _spoken(names: list[str]) -> dict[str, bytes]:
    """Of each name the columns of the hints in it. All are searched at once, each on a line."""
    plain, grouped, hints = _topics()
    lines = CAMEL.sub("-", "\n".join(names)).lower()
    ends, found = [m.start() for m in LINE_END.finditer(lines)], dict.fromkeys(names, b"")
    for m in plain.finditer(lines):
        at = m.start()
        group = grouped.match(lines, at)
        if group and group.lastindex:
            found[names[bisect_left(ends, at)]] += hints[group.lastindex - 1]
    return found


class Levels(NamedTuple):
    """Rows of levels up to the nearest element of each tag in AROUND and each hint, and the row of each element asked for."""

    rows: list[bytes]
    of: dict[int, int]


def _distances(nodes, wanted: Sequence[int]) -> Levels:
    """For the wanted elements and all around them. Elements that are written alike in the same place share a row."""
    parents, tags, attributes = nodes
    inside = {0}
    for node in wanted:
        while node not in inside:
            inside.add(node)
            node = parents[node]
    inside.remove(0)
    hints = _remembered(TAGS_MET, {attributes[node] for node in inside}, _hints)
    rows, of, made = [bytes([FAR]) * N_DISTANCES], {0: 0}, {}
    for node in sorted(inside):  # parents come first
        key = of[parents[node]], tags[node], attributes[node]
        if key not in made:
            made[key] = len(rows)
            rows.append(_nearer(rows[key[0]], key[1], hints[key[2]]))
        of[node] = made[key]
    return Levels(rows, of)


def _nearer(above: bytes, tag: str, hints: bytes) -> bytes:
    """The levels within an element, given those around it."""
    row = bytearray(above.translate(ONE_MORE))
    for column in hints:
        row[column] = 0
    if tag in AROUND_AT:
        row[AROUND_AT[tag]] = 0
    return bytes(row)


# ---------------------------------------------------------------- what a line says

RULES = ("navigation", "advertisement", "widget", "share", "related", "author_box", "comments", "subscription", "cookie", "footer")
LABELLED = re.compile(r"\s*[:|»>]")
START_WORDS = 14  # a line that merely begins like furniture is furniture only when it is short


@cache
def _words() -> tuple[dict[str, str], dict[str, list[tuple[str, str]]], frozenset[str], frozenset[str], frozenset[str], frozenset[str]]:
    """Rule by whole line; (beginning, rule) by first word; words of bylines, of dates, of the site, of picture credits."""
    lists = json.loads((HERE / "strip_words.json").read_text(encoding="utf-8"))
    whole: dict[str, str] = {}
    starts: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for rule, words in lists["rules"].items():
        rule = rule if rule in RULES else "widget"
        whole |= dict.fromkeys(words["lines"], rule)
        for start in words["starts"]:
            starts[start.split()[0]].append((start, rule))
    by, published, site, credit = (frozenset(lists[name]) for name in ("by", "published", "site", "credit"))
    return whole, dict(starts), by, published, site, credit


@cache
def _vocabulary() -> tuple[np.ndarray, np.ndarray]:
    """Numbers of words (see shapes.Lines), sorted, and of each the vocabularies that hold it, one to a bit."""
    flags: dict[int, int] = defaultdict(int)
    for bit, words in enumerate(_words()[2:]):
        for number in shapes.measure(sorted(words)).words.tolist():
            flags[number] |= 1 << bit
    return np.array(sorted(flags), np.uint64), np.array([flags[number] for number in sorted(flags)])


def _rule(text: str, norm: str, count: float) -> str | None:
    """The rule that a line names by its own words; a longer one only if they stand before a colon or the like."""
    whole, starts = _words()[:2]
    if count > START_WORDS:
        named = ((start, rule) for start, rule in starts.get(norm.split(" ", 1)[0], ()) if norm.startswith(start))
        return next((rule for start, rule in named if LABELLED.match(text, len(start))), None)
    found = whole.get(norm)
    if found is None:
        for start, rule in starts.get(norm.split(" ", 1)[0], ()):
            if norm.startswith(start):
                return rule
    return found


class Told(NamedTuple):
    """What the page's markup says of itself: its titles, its descriptions, and the body text where JSON-LD has it, in pieces."""

    titles: list[str]
    descriptions: list[str]
    body: list[str]


SAYING = dict.fromkeys(["title", "headline", "og:title", "twitter:title"], 0)
SAYING |= dict.fromkeys(["description", "og:description", "twitter:description"], 1) | {"articlebody": 2}
BEGINNING = 40  # characters by which a description is known
BODY_LENGTH = 300  # characters from which a body text is one


def _told(facts) -> Told:
    told: Told = Told([], [], [])
    for source, key, value, *_ in facts:
        which = SAYING.get(key.rsplit(".", 1)[-1].lower() if source == "json-ld" else key)
        if which == 2 and source == "json-ld":
            told.body.extend(value[i : i + WINDOW] for i in range(0, len(value), WINDOW))
        elif which is not None and which < 2 and len(told[which]) < MAX_TOLD:
            told[which].append(value[:WINDOW])
    return Told(*([value.replace("\n", " ") for value in dict.fromkeys(values)] for values in told))


MAX_TOLD = 100  # titles or descriptions of a page that are looked at


def _said(norms: list[str], told: Told) -> list[Sequence[float]]:
    """How the words of each line compare with those of what the page says of itself: its title, its description, its body (-1 where
    there is none)."""
    titles, body = "\n".join(["", *told.titles, ""]), " ".join(told.body)
    long = [d for d in told.descriptions if len(d) > 20]
    descriptions, beginnings = "\n".join(long), {d[:BEGINNING] for d in long}
    title = [(norm in titles if len(norm) > 15 else norm != "" and f"\n{norm}\n" in titles) for norm in norms]
    described = [len(norm) > 20 and (norm[:BEGINNING] in beginnings or (len(norm) > 30 and norm in descriptions)) for norm in norms]
    quoted = [len(norm) > 20 and norm[:120] in body for norm in norms] if len(body) > BODY_LENGTH else [-1] * len(norms)
    return [title, described, quoted]


DATE = re.compile(r"\b(?:19|20)\d\d\b|\b\d{1,2}[:.h]\d\d\b|\b\d{1,2}[./-]\d{1,2}[./-]\d\d")
FINISHED = re.compile(r"[.!?…。！？।؟۔][\"'”’»«）)\]」』]*$")


def _worded(words: np.ndarray, rows: np.ndarray, n: int) -> np.ndarray:
    """(4, lines): whether a line begins as bylines do, as dates do; its words that speak of the site, of picture credits."""
    vocabulary, flags = _vocabulary()
    at = np.minimum(np.searchsorted(vocabulary, words), len(vocabulary) - 1)
    known = np.flatnonzero(vocabulary[at] == words)
    rows_known, flag = rows[known], flags[at[known]]
    place = known - np.searchsorted(rows, rows_known)
    chosen = [(flag & 1 > 0) & (place == 0), (flag & 2 > 0) & (place < 4), flag & 4 > 0, flag & 8 > 0]
    found = np.array([np.bincount(rows_known[c], minlength=n) for c in chosen])
    found[:2] = found[:2] > 0
    return found


def _looked(texts: list[str], digits: np.ndarray) -> list:
    """What single characters of each line tell beyond its shape."""
    dated = np.zeros(len(texts), bool)
    for i in np.flatnonzero(digits > 0).tolist():
        dated[i] = DATE.search(texts[i], 0, 200) is not None
    return [
        dated, [t.endswith(("...", "…")) for t in texts], [t[-1] == "?" for t in texts], [t[0].islower() for t in texts],
        [t[0].isdigit() for t in texts], [t.count(". ") for t in texts],
    ]  # fmt: skip


# ---------------------------------------------------------------- where a line stands


def _homes(elements, nodes, alone: Counter) -> list[int]:
    """The container of each line: its block, or the block around that if the line has its block to itself."""
    own = [alone[e.node] == 1 or (e.broken == "block" and nodes.tags[e.node] == "p") for e in elements]
    return [nodes.parents[e.node] if yes else e.node for e, yes in zip(elements, own, strict=True)]


def _lasts(nodes) -> list[int]:
    """The last element inside each: elements stand in document order."""
    lasts, parents = list(range(len(nodes.tags))), nodes.parents
    for node in range(len(lasts) - 1, 0, -1):
        if lasts[parents[node]] < lasts[node]:
            lasts[parents[node]] = lasts[node]
    return lasts


def _paths(nodes, homes: Sequence[int], best: int) -> dict[int, tuple[int, int, int]]:
    """For every container: levels up to the first element that also holds `best`, from there down to `best`, and that element."""
    above, node, level = {}, best, 0
    while node:
        above[node] = level
        node, level = nodes.parents[node], level + 1
    above[0] = level
    found = {node: (0, level, node) for node, level in above.items()}
    for home in set(homes):
        chain = []
        while home not in found:
            chain.append(home)
            home = nodes.parents[home]
        up, down, meeting = found[home]
        for node in reversed(chain):
            up += 1
            found[node] = (up, down, meeting)
    return found


class Standing(NamedTuple):
    """Columns on the container of each line, whether it is the one with most text, the containers, and levels to `best` (see _paths)."""

    columns: np.ndarray
    best: np.ndarray
    homes: list[int]
    paths: dict[int, tuple[int, int, int]]


def _standing(elements, nodes, linked: np.ndarray, mass: np.ndarray, count: np.ndarray) -> Standing:
    alone = Counter([e.node for e in elements])
    homes = _homes(elements, nodes, alone)
    values = np.array([np.ones(len(homes)), count, count * linked, mass])
    direct = np.zeros((4, len(nodes.tags) + 1))
    for into, value in zip(direct, values, strict=True):
        into[1:] = np.bincount(homes, value, len(nodes.tags))
    sums, direct = direct.cumsum(1), direct[:, 1:]
    lasts = np.array(_lasts(nodes)) + 1
    best = int(np.argmax(direct[3]))
    paths = _paths(nodes, homes, best)
    ways = np.array([paths[h][:2] for h in homes], np.float32).T
    above = [nodes.parents[h] for h in homes]
    home, own, around = direct[:, homes], *(sums[:, lasts[at]] - sums[:, at] for at in (homes, above))
    total = max(float(mass.sum()), 1.0)
    out = np.empty((17, len(homes)), np.float32)
    out[:2], out[2:4] = ways, home[:2]
    for row, (lines, words, links, text) in zip((4, 7, 10), (home, own, around), strict=True):
        out[row : row + 3] = text / total, links / np.maximum(words, 1), words / np.maximum(lines, 1)
    out[13], out[14] = around[0], [alone[e.node] for e in elements]
    out[15], out[16] = direct[3, best] / total, (sums[3, lasts[best]] - sums[3, best]) / total
    return Standing(out, np.array(homes) == best, homes, paths)


def _alike(elements, nodes) -> list[np.ndarray]:
    """Which lines stand in elements with the same tag and names; and also in such an element around those."""
    kinds: dict[tuple, int] = {}
    kind: dict[int, int] = {}  # by element
    parents, tags, attributes = nodes
    for e in elements:
        for node in (e.node, parents[e.node]):
            if node not in kind:
                kind[node] = kinds.setdefault((tags[node], attributes[node][:200] if tags[node] != "a" else ""), len(kinds))
    own = [kind[e.node] for e in elements]
    both: dict[tuple, int] = {}
    return [np.array(own), np.array([both.setdefault((k, kind[parents[e.node]]), len(both)) for k, e in zip(own, elements, strict=True)])]


def _pooled(groups: list[np.ndarray], *columns: np.ndarray) -> np.ndarray:
    """For each grouping of the lines: how many are in a line's group, and the means of the columns there."""
    found = []
    for group in groups:
        n = np.bincount(group)
        some = np.maximum(n, 1)
        found += [n[group], *[(np.bincount(group, values) / some)[group] for values in columns]]
    return np.array(found, np.float32)


# ---------------------------------------------------------------- features

NEIGHBOURS = (-3, -2, -1, 1, 2, 3)
WINDOWS = ((-2, 2), (-5, 5), (-12, 12), (-8, -1), (1, 8), (-25, -1), (1, 25))
BLOCK_UNITS = (8.0, 16.0)  # words a line must have not to count against a block (Finn et al. 2001, on lines)
LONG = 10  # words from which a finished line is taken for a paragraph
CAP = 80.0  # words of a line beyond which more say no more


class Seen(NamedTuple):
    """The lines of a page, their words (see shapes.Lines) and how many, the rule each names, the levels around each (see _apart),
    whether title, description or body of the page have it, whether it begins as bylines do, whether a date stands in it, groupings of
    the lines, and all columns: (features, lines)."""

    texts: list[str]
    norms: list[str]
    counts: list[float]
    rules: list[str | None]
    apart: np.ndarray
    told: np.ndarray
    by: np.ndarray
    dated: np.ndarray
    groups: list[np.ndarray]
    features: np.ndarray


def features(text: str, elements, nodes, facts) -> Seen:
    """What the trees see of each line. `elements`, `nodes` and `facts` are those of flows.readers.html.Page; at least one line."""
    texts = [text[e[0] : e[1]] for e in elements]
    n, told = len(texts), _told(facts)
    norms, looks, words, rows, _ = shapes.measure([*texts, *told.titles, *told.descriptions, *told.body])
    of_lines, others = np.searchsorted(rows, n), iter(norms[n:])
    norms, looks, words, rows = norms[:n], looks[:, :n], words[:of_lines], rows[:of_lines]
    counts = looks[shapes.N_WORDS].tolist()
    rules = list(map(_rule, texts, norms, counts))
    said, worded = _said(norms, Told(*(list(islice(others, len(part))) for part in told))), _worded(words, rows, n)
    seen = _looked(texts, looks[shapes.DIGITS])
    start, end, node, inner, linked, links, bold, italic, broken, cells, hidden = zip(*elements, strict=True)
    width = np.array(end) - start
    linked, bold, italic = np.array([linked, bold, italic], np.float32).clip(0, width) / width
    count, finished = np.minimum(looks[shapes.N_WORDS], CAP), looks[shapes.FINISHED]
    long = finished * (count >= LONG) * (linked < 0.5)
    mass = count * long
    standing = _standing(elements, nodes, linked, mass, count)
    levels = _levels(inner, nodes)
    apart = _apart(inner, nodes, standing, levels)
    groups = _alike(elements, nodes)
    named = np.array([-1 if rule is None else RULES.index(rule) for rule in rules])
    tags = _tags(node, inner, nodes)
    heading = np.logical_or.reduce(tags[3:7])
    beside = np.array([count, linked, finished, mass, standing.best, heading, named >= 0, tags[0], standing.columns[0]], np.float32)
    at, repeated = np.arange(n), Counter(norms)
    page = [at, n - at, at / n, np.full(n, n), np.full(n, long.sum()), np.cumsum(mass) / max(float(mass.sum()), 1.0)]
    own = [
        linked, bold, italic, links, cells, hidden, [b == "br" for b in broken], named, [repeated[norm] for norm in norms], *seen,
        _after(tags[3]), _after(np.array(said[0])), *page, standing.best, *said,
    ]  # fmt: skip
    marked = np.array([long > 0, standing.best, heading, named >= 0])
    blocks = shapes.densest(count * (1 - linked), BLOCK_UNITS)
    parts = [
        looks, worded, tags, levels, apart, standing.columns, own, _pooled(groups, count, finished, linked),
        shapes.neighbours(beside, NEIGHBOURS), _means(beside[:7], WINDOWS), shapes.distances(marked, FAR_LINES),
        _headed(heading, named, mass), shapes.placed(blocks, n, FAR_LINES),
    ]  # fmt: skip
    columns = np.concatenate([np.asarray(part, np.float32).reshape(-1, n) for part in parts])
    _, home = np.unique(standing.homes, return_inverse=True)
    return Seen(texts, norms, counts, rules, apart, np.array(said), worded[0], seen[0], [home, *groups], columns)


def _levels(inner: Sequence[int], nodes) -> np.ndarray:
    rows, of = _distances(nodes, inner)
    return np.frombuffer(b"".join(rows), np.uint8).reshape(-1, N_DISTANCES).T[:, [of[node] for node in inner]]


def _apart(inner: Sequence[int], nodes, standing: Standing, levels: np.ndarray) -> np.ndarray:
    """The levels again, of elements that do not also hold the container with most text: what is said of the whole page says nothing."""
    within, parents = {}, nodes.parents
    for node in inner:
        at, level = node, 0
        while at not in standing.paths:
            at, level = parents[at], level + 1
        within[node] = level + standing.paths[at][0]
    return np.where(levels < np.array([within[i] for i in inner]), levels, np.uint8(FAR))


def _tags(node: Sequence[int], inner: Sequence[int], nodes) -> np.ndarray:
    found = np.zeros((len(KINDS_OF_TAG) + len(KINDS_OF_INNER) + 1, len(node)), bool)  # the last row is for all other tags
    tags, at = nodes.tags, np.arange(len(node))
    found[list(map(TAG_OF.get, [tags[i] for i in node], repeat(-1))), at] = True
    found[list(map(INNER_OF.get, [tags[i] for i in inner], repeat(-1))), at] = True
    return found[:-1]


def _means(rows: np.ndarray, limits: Sequence[tuple[int, int]]) -> np.ndarray:
    """(limits, rows, lines): means over the lines from `first` to `last` before or after each line, as far as there are lines."""
    sums = shapes.windows(np.vstack([rows, np.ones(rows.shape[1], np.float32)]), limits)
    return sums[:, :-1] / np.maximum(sums[:, -1:], 1)


def _after(marked: np.ndarray) -> np.ndarray:
    """Lines since the first marked line, negative before it; 0 where there is none."""
    if not marked.any():
        return np.zeros(len(marked))
    return np.clip(np.arange(len(marked)) - int(np.argmax(marked)), -FAR_LINES, FAR_LINES)


def _headed(heading: np.ndarray, named: np.ndarray, mass: np.ndarray) -> np.ndarray:
    """The rule that the last heading or furniture before each line names, how far it is, and the text mass since and until the next."""
    marks = heading | (named >= 0)
    n, at = len(heading), np.arange(len(heading))
    last = np.maximum.accumulate(np.where(marks, at, -1))
    sums = np.concatenate(([0.0], np.cumsum(mass)))
    following = np.minimum.accumulate(np.where(marks, at, n)[::-1])[::-1]
    following = np.append(following[1:], n)
    since, until = sums[at] - sums[np.maximum(last, 0)], sums[following] - sums[at]
    return np.array([np.where(last >= 0, named[last], -2), np.minimum(at - last, FAR_LINES), since, until])


VERDICT_WINDOWS = ((-1, 1), (-3, 3), (-8, 8), (-6, -1), (1, 6), (-20, -1), (1, 20))
VERDICT_NEIGHBOURS = (-4, -3, -2, -1, 1, 2, 3, 4)


def second(seen: Seen, content: np.ndarray) -> np.ndarray:
    """The columns of the second stage: those of the first, and its verdicts on the line, its neighbours and its like."""
    content = np.round(content, 4)
    n, words = len(content), np.minimum(seen.counts, CAP)
    mass = content * words
    block = shapes.densest(words * (content - 0.5), (0.0,))
    parts = [
        content, np.cumsum(mass) / max(mass.sum(), 1), np.full(n, content.mean()), np.full(n, mass.sum()),
        shapes.neighbours(content[None], VERDICT_NEIGHBOURS), _means(np.array([content, mass, words]), VERDICT_WINDOWS),
        _pooled(seen.groups, content, mass), shapes.distances(content[None] > 0.5, FAR_LINES), shapes.placed(block, n, FAR_LINES),
    ]  # fmt: skip
    return np.concatenate([seen.features, *[np.asarray(part, np.float32).reshape(-1, n) for part in parts]])


# ---------------------------------------------------------------- trees

CHUNK = 1024  # lines walked through the trees at a time


class Trees(NamedTuple):
    """Trees of at most nine leaves. A tree's eight comparisons make a byte, and the byte finds the leaf.

    columns and thresholds: (8 * trees), comparison by comparison; values: (trees * 256)."""

    columns: np.ndarray
    thresholds: np.ndarray
    values: np.ndarray


@cache
def _model() -> tuple[Trees, Trees]:
    with np.load(HERE / "strip_html_model.npz") as file:
        first, then = (Trees(*(file[f"{stage}_{name}"] for name in Trees._fields)) for stage in ("first", "second"))
    return first, then


def _verdicts(trees: Trees, columns: np.ndarray) -> np.ndarray:
    """The probability of content by line; columns are (features, lines). Rounded, so that a platform's arithmetic decides nothing."""
    found = []
    tables = np.arange(0, len(trees.values), 256)[:, None]
    for first in range(0, columns.shape[1], CHUNK):
        chunk = columns[:, first : first + CHUNK]
        answers = (chunk.take(trees.columns, 0) > trees.thresholds[:, None]).view(np.uint8).reshape(8, len(tables), -1)
        leaf = answers[0]
        for answer in answers[1:]:
            leaf += leaf
            leaf += answer
        found.append(trees.values.take(leaf + tables).sum(0, dtype=np.float64))
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
CAPTION_LEVELS, COOKIE_LEVELS = 2, 3
SUBHEADINGS, HEADING_REACH = frozenset(["h2", "h3", "h4", "h5", "h6"]), 2  # lines to the text a heading stands over
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
    if np.dot(seen.counts, kept) < SHORT:
        kept = content >= CONTENT_OF_SHORT
    units = _units(elements, nodes, seen, kept)
    rules = _rules(elements, seen, units)
    blocks = zip(elements, units, rules, content.tolist(), strict=True)
    return [Block(e.start, e.end, unit, rule, p if unit in BODY else round(1 - p, 4)) for e, unit, rule, p in blocks]


# How many of the pages that expected so high an F1 reached ENOUGH, by cross-validation on the two sets with whole texts.
ENOUGH = 0.9
EXPECTED = (0.7, 0.8, 0.9, 0.93, 0.95, 0.98)
REACHED = (0.1, 0.4, 0.65, 0.8, 0.95, 0.99)


def confidence(blocks: Sequence[Block]) -> float:
    """How likely the body of a page, as labelled, is the article: has an F1 (word 4-grams) of ENOUGH or more against it; 0 if empty.

    Each block's confidence is the probability that it is rightly in the body or out of it, so that what is kept rightly, kept
    wrongly and missed can be expected, and an F1 from them (as Ye et al. 2012 expect it); REACHED says what such pages came to.
    """
    right = sum((b.end - b.start) * b.confidence for b in blocks if b.unit in BODY)
    wrong = sum((b.end - b.start) * (1 - b.confidence) for b in blocks)
    return round(float(np.interp(2 * right / (2 * right + wrong), EXPECTED, REACHED)), 2) if right else 0.0


def _content(seen: Seen) -> np.ndarray:
    first, then = _model()
    return _verdicts(then, second(seen, _verdicts(first, seen.features)))


def _settled(elements, nodes, seen: Seen, content: np.ndarray) -> np.ndarray:
    """The verdicts, corrected where the page says outright what a line is: a caption, what stands in a window over the page and
    a line that names itself furniture go; a heading stays with the text under it, and the page's own description of itself with
    the text after it."""
    settled = content.copy()
    captions = seen.apart[AROUND_AT["figcaption"]] <= CAPTION_LEVELS
    windows = seen.apart[len(AROUND) + HINT_ORDER["cookie"]] <= COOKIE_LEVELS
    named = np.array([rule is not None for rule in seen.rules]) & (content < CERTAIN)
    gone = captions | windows | named
    settled[gone] = np.minimum(content, UNLIKELY)[gone]
    long = np.flatnonzero((settled >= LIKELY) & (np.array(seen.counts) >= LONG)).tolist()
    for i in np.flatnonzero((settled >= HEADING_FROM) & (settled < LIKELY) & ~gone).tolist():
        if nodes.tags[elements[i].node] in SUBHEADINGS and settled[i + 1 : i + 1 + HEADING_REACH].max(initial=0) >= LIKELY:
            settled[i] = LIKELY
    for i in range(max(0, long[0] - LEAD_LINES), long[0]) if long else ():
        e = elements[i]
        if seen.told[1, i] and LEAD_FROM <= settled[i] < LIKELY and not e.hidden and nodes.tags[e.node] not in ("li", "h1"):
            settled[i] = LIKELY
            break
    return settled


def _units(elements, nodes, seen: Seen, kept: np.ndarray) -> list[str | None]:
    body = [i for i, yes in enumerate(kept.tolist()) if yes and not _is_title(elements[i], nodes, seen, i)]
    if not body:
        return [None] * len(elements)
    units: list[str | None] = [None] * len(elements)
    start = next((i for i in body if seen.counts[i] >= LONG and _unit(elements[i], nodes, seen, i) == "paragraph"), body[0])
    title = _title(elements, nodes, seen, start)
    for i in body:
        units[i] = _unit(elements[i], nodes, seen, i)
        if i <= start and units[i] == "paragraph" and (seen.told[1, i] or _hint(seen, i, "lead") <= 2) and i < body[-1]:
            units[i] = "standfirst"
    for i in range(max(body[0] - BYLINE_LINES, 0), body[-1] + 1):
        if units[i] is None and i != title:
            units[i] = _beside(elements[i], seen, i, i <= start + 1)
    if title is not None:
        units[title] = "title"
    return units


def _is_title(element, nodes, seen: Seen, i: int) -> bool:
    return nodes.tags[element.node] == "h1" or bool(seen.told[0, i])


def _title(elements, nodes, seen: Seen, start: int) -> int | None:
    """The last <h1> before the text, one that the page also names as its title if there is such; else a line so named."""
    candidates = [i for i in range(start + 1) if _is_title(elements[i], nodes, seen, i) and not elements[i].hidden]
    return max(
        candidates,
        key=lambda i: ((nodes.tags[elements[i].node] == "h1") + (seen.told[0, i] > 0) + (seen.counts[i] > 2), i),
        default=None,
    )


def _hint(seen: Seen, i: int, name: str) -> float:
    return seen.apart[len(AROUND) + HINT_ORDER[name], i]


def _unit(element, nodes, seen: Seen, i: int) -> str:
    """What a line of the body is."""
    text, tag = seen.texts[i], nodes.tags[element.node]
    finished = FINISHED.search(text[-8:])
    if tag in ("h1", "h2", "h3", "h4", "h5", "h6") or (
        element.bold >= 0.9 * (element.end - element.start) and seen.counts[i] <= HEADING_WORDS and not finished
    ):
        return "heading"
    if tag in ("li", "dd", "dt"):
        return "list_item"
    if tag in ("td", "th", "tr", "caption") or element.cells:
        return "table"
    if seen.apart[AROUND_AT["blockquote"], i] <= 2 or re.search(r"pull-?quote", nodes.attributes[element.node][:WINDOW]):
        return "quote"
    return "note" if is_note(text, seen.norms[i]) else "paragraph"


def _beside(element, seen: Seen, i: int, early: bool) -> str | None:
    """What stands beside the body and belongs to the article without being its text: a byline or a caption."""
    count = seen.counts[i]
    if seen.rules[i] or element.hidden:
        return None
    if (
        early
        and 0 < count <= BYLINE_WORDS
        and (_hint(seen, i, "author") <= 2 or seen.by[i] or (seen.dated[i] and _hint(seen, i, "date") <= 2))
    ):
        return "byline"
    captioned = seen.apart[[AROUND_AT["figcaption"], AROUND_AT["figure"]], i].min() <= CAPTION_LEVELS
    return "caption" if captioned and count > 2 else None


def _rules(elements, seen: Seen, units: list[str | None]) -> list[str | None]:
    """Why each line without a unit goes: what it says, what the markup around it says, or what the lines before it were."""
    kept = [i for i, unit in enumerate(units) if unit]
    around = seen.apart[[column for column, _ in RULE_COLUMNS]]
    nearest, levels = around.argmin(0).tolist(), around.min(0).tolist()
    found: list[str | None] = []
    for i, (e, unit) in enumerate(zip(elements, units, strict=True)):
        place = "navigation" if not kept or i < kept[0] else "footer" if i > kept[-1] else "widget"
        by_markup = RULE_COLUMNS[nearest[i]][1] if levels[i] < FAR else None
        found.append(None if unit else "hidden" if e.hidden else seen.rules[i] or by_markup or place)
    return found
