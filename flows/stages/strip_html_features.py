"""What is seen of each line of an HTML page: what it says, its tags, where it stands, and what the lines around it are like.

Part of the strip stage.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import islice, repeat
from typing import NamedTuple

import numpy as np

from flows import shapes
from flows.stages.strip_html_hints import FAR, N_DISTANCES, WINDOW, levels_around
from flows.stages.strip_lines import LONG, SLOTS, START_WORDS, WORDS

FAR_LINES = 40  # lines beyond which a distance says no more
KINDS_OF_TAG = [
    kind.split() for kind in (
        "p", "div", "li", "h1", "h2", "h3", "h4 h5 h6", "td th tr", "blockquote", "figcaption caption", "section article main",
        "button option legend summary", "dt dd", "pre",
    )
]  # fmt: skip
KINDS_OF_INNER = [kind.split() for kind in ("a", "span", "strong b", "em i", "time", "label small cite", "font")]
TAG_OF = {tag: i for i, tags in enumerate(KINDS_OF_TAG) for tag in tags}
INNER_OF = {tag: i for i, tags in enumerate(KINDS_OF_INNER) for tag in tags}

# ---------------------------------------------------------------- what a line says

RULES = ("navigation", "advertisement", "widget", "share", "related", "author_box", "comments", "subscription", "cookie", "footer")
RULE_AT = {None: -1} | {rule: i for i, rule in enumerate(RULES)}
LABELLED = re.compile(r"\s*[:|»>]")


@cache
def _words() -> tuple[dict[str, str], dict[str, list[tuple[str, str]]], frozenset[str], frozenset[str], frozenset[str], frozenset[str]]:
    """Rule by whole line; (beginning, rule) by first word; words of bylines, of dates, of the site, of picture credits."""
    lists = json.loads(WORDS.read_text(encoding="utf-8"))
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
def _vocabulary() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Numbers of words (see shapes.Lines), sorted, of each the vocabularies that hold it, one to a bit, and the slots of the numbers."""
    flags: dict[int, int] = defaultdict(int)
    for bit, words in enumerate(_words()[2:]):
        for number in shapes.measure(sorted(words)).words.tolist():
            flags[number] |= 1 << bit
    numbers, slots = np.array(sorted(flags), np.uint64), np.zeros(SLOTS, bool)
    slots[numbers & np.uint64(SLOTS - 1)] = True
    return numbers, np.array([flags[number] for number in sorted(flags)]), slots


def _rules(texts: list[str], norms: list[str], counts: list[float]) -> list[str | None]:
    """The rule that each line names by its own words; a longer one only if they stand before a colon or the like."""
    whole, starts = _words()[:2]
    rules = list(map(whole.get, norms))
    for i, norm in enumerate(norms):
        first = norm.partition(" ")[0]
        if first in starts:
            named = ((start, rule) for start, rule in starts[first] if norm.startswith(start))
            if counts[i] > START_WORDS:
                rules[i] = next((rule for start, rule in named if LABELLED.match(texts[i], len(start))), None)
            elif rules[i] is None:
                rules[i] = next((rule for _, rule in named), None)
    return rules


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


def _true(answers: Iterable[bool]) -> np.ndarray:
    """1 or 0 for each; by way of bytes, which is ten times as quick as to make an array of Python's own."""
    return np.frombuffer(bytes(answers), np.uint8)


def _said(norms: list[str], told: Told) -> np.ndarray:
    """(3, lines): how the words of each line compare with those of what the page says of itself: its title, its description, its body
    (-1 where there is none)."""
    titles, body = "\n".join(["", *told.titles, ""]), " ".join(told.body)
    long = [d for d in told.descriptions if len(d) > 20]
    descriptions, beginnings = "\n".join(long), {d[:BEGINNING] for d in long}
    found = np.full((3, len(norms)), -1, np.int8)
    whole = set(filter(None, titles.split("\n")))
    found[0] = _true([(norm in titles if len(norm) > 15 else norm in whole) for norm in norms])
    found[1] = _true([len(norm) > 20 and (norm[:BEGINNING] in beginnings or (len(norm) > 30 and norm in descriptions)) for norm in norms])
    if len(body) > BODY_LENGTH:
        found[2] = _true([len(norm) > 20 and norm[:120] in body for norm in norms])
    return found


# 2021, 12:30 or 1.2.21. All begin with a digit, to which the search skips.
DATE = re.compile(r"\d(?<=\b.)(?:(?:(?<=1)9|(?<=2)0)\d\d\b|\d?[:.h]\d\d\b|\d?[./-]\d{1,2}[./-]\d\d)")


def _worded(words: np.ndarray, rows: np.ndarray, n: int) -> np.ndarray:
    """(4, lines): whether a line begins as bylines do, as dates do; its words that speak of the site, of picture credits."""
    vocabulary, flags, slots = _vocabulary()
    known = np.flatnonzero(slots[words & np.uint64(SLOTS - 1)])
    at = np.minimum(np.searchsorted(vocabulary, words[known]), len(vocabulary) - 1)
    sure = vocabulary[at] == words[known]
    known, flag = known[sure], flags[at[sure]]
    rows_known = rows[known]
    place = known - np.searchsorted(rows, rows_known)
    chosen = [(flag & 1 > 0) & (place == 0), (flag & 2 > 0) & (place < 4), flag & 4 > 0, flag & 8 > 0]
    found = np.array([np.bincount(rows_known[c], minlength=n) for c in chosen])
    found[:2] = found[:2] > 0
    return found


def _looked(texts: list[str], digits: np.ndarray) -> list[np.ndarray]:
    """What single characters of each line tell beyond its shape."""
    dated = np.zeros(len(texts), bool)
    for i in np.flatnonzero(digits > 0).tolist():
        dated[i] = DATE.search(texts[i], 0, 200) is not None
    first = [t[0] for t in texts]
    return [
        dated, _true([t.endswith(("...", "…")) for t in texts]), _true([t[-1] == "?" for t in texts]), _true(map(str.islower, first)),
        _true(map(str.isdigit, first)), np.array([t.count(". ") for t in texts]),
    ]  # fmt: skip


# ---------------------------------------------------------------- where a line stands


def _homes(elements, nodes, alone: list[int]) -> list[int]:
    """The container of each line: its block, or the block around that if the line has its block to itself."""
    return [
        nodes.parents[e.node] if lines == 1 or (e.broken == "block" and nodes.tags[e.node] == "p") else e.node
        for e, lines in zip(elements, alone, strict=True)
    ]


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
    at = [e.node for e in elements]
    alone = list(map(Counter(at).__getitem__, at))  # lines in the block of each
    homes = _homes(elements, nodes, alone)
    values = np.array([np.ones(len(homes)), count, count * linked, mass])
    direct = np.zeros((4, len(nodes.tags) + 1))
    for into, value in zip(direct, values, strict=True):
        into[1:] = np.bincount(homes, value, len(nodes.tags))
    sums, direct = direct.cumsum(1), direct[:, 1:]
    lasts = np.array(_lasts(nodes)) + 1
    best = int(np.argmax(direct[3]))
    paths = _paths(nodes, homes, best)
    up, down, _ = zip(*map(paths.__getitem__, homes), strict=True)
    above = [nodes.parents[h] for h in homes]
    home, own, around = direct[:, homes], *(sums[:, lasts[at]] - sums[:, at] for at in (homes, above))
    total = max(float(mass.sum()), 1.0)
    out = np.empty((17, len(homes)), np.float32)
    out[0], out[1], out[2:4] = up, down, home[:2]
    for row, (lines, words, links, text) in zip((4, 7, 10), (home, own, around), strict=True):
        out[row : row + 3] = text / total, links / np.maximum(words, 1), words / np.maximum(lines, 1)
    out[13], out[14] = around[0], alone
    out[15], out[16] = direct[3, best] / total, (sums[3, lasts[best]] - sums[3, best]) / total
    return Standing(out, np.array(homes) == best, homes, paths)


def _alike(elements, nodes) -> list[np.ndarray]:
    """Which lines stand in elements with the same tag and names; and also in such an element around those."""
    kinds: dict[tuple, int] = {}
    both: dict[tuple, int] = {}
    parents, tags, attributes = nodes
    at = [e.node for e in elements]
    above = [parents[node] for node in at]
    kind = {i: kinds.setdefault((tags[i], attributes[i][:200] if tags[i] != "a" else ""), len(kinds)) for i in {*at, *above}}
    own = [kind[node] for node in at]
    pairs = zip(own, map(kind.__getitem__, above), strict=True)
    return [np.array(own), np.array([both.setdefault(pair, len(both)) for pair in pairs])]


def _pooled(groups: list[np.ndarray], *columns: np.ndarray) -> list[np.ndarray]:
    """For each grouping of the lines: how many are in a line's group, and the means of the columns there."""
    found = []
    for group in groups:
        n = np.bincount(group)
        some = np.maximum(n, 1)
        found += [n[group], *[(np.bincount(group, values) / some)[group] for values in columns]]
    return found


# ---------------------------------------------------------------- features

NEIGHBOURS = (-3, -2, -1, 1, 2, 3)
WINDOWS = ((-2, 2), (-5, 5), (-12, 12), (-8, -1), (1, 8), (-25, -1), (1, 25))
BLOCK_UNITS = (8.0, 16.0)  # words a line must have not to count against a block (Finn et al. 2001, on lines)
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
    rules = _rules(texts, norms, counts)
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
    named = np.array(list(map(RULE_AT.__getitem__, rules)))
    tags = _tags(node, inner, nodes)
    heading = np.logical_or.reduce(tags[3:7])
    beside = np.array([count, linked, finished, mass, standing.best, heading, named >= 0, tags[0], standing.columns[0]], np.float32)
    at, repeated = np.arange(n), Counter(norms)
    page = at, n - at, at / n, np.full(n, n), np.full(n, long.sum()), np.cumsum(mass) / max(float(mass.sum()), 1.0)
    own = (
        linked, bold, italic, np.array(links), np.array(cells), _true(hidden), _true([b == "br" for b in broken]), named,
        np.array([repeated[norm] for norm in norms]), *seen, _after(tags[3]), _after(said[0]), *page, standing.best, *said,
    )  # fmt: skip
    marked = np.array([long > 0, standing.best, heading, named >= 0])
    blocks = shapes.densest(count * (1 - linked), BLOCK_UNITS)
    parts = [
        looks, worded, tags, levels, apart, standing.columns, *own, *_pooled(groups, count, finished, linked),
        shapes.neighbours(beside, NEIGHBOURS), _means(beside[:7], WINDOWS), shapes.distances(marked, FAR_LINES),
        _headed(heading, named, mass), shapes.placed(blocks, n, FAR_LINES),
    ]  # fmt: skip
    columns = _columns(parts, n)
    groups = [np.array(standing.homes), *groups]
    return Seen(texts, norms, counts, rules, apart, said, worded[0], seen[0], groups, columns)


def _columns(parts: Sequence[np.ndarray], n: int) -> np.ndarray:
    """(columns, n): all parts below each other."""
    return np.concatenate([part.reshape(-1, n) for part in parts], dtype=np.float32, casting="unsafe")


def _levels(inner: Sequence[int], nodes) -> np.ndarray:
    rows = levels_around(nodes, inner)
    return np.frombuffer(b"".join([rows[node] for node in inner]), np.uint8).reshape(-1, N_DISTANCES).T


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
        *_pooled(seen.groups, content, mass), shapes.distances(content[None] > 0.5, FAR_LINES), shapes.placed(block, n, FAR_LINES),
    ]  # fmt: skip
    return _columns([seen.features, *parts], n)
