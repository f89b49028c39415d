"""What stands around each line of an HTML page: how near is an element of a kind, or one whose class names speak of something.

Part of the strip stage.
"""

import json
import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

WINDOW = 2000  # characters of a start tag, and of what the page says of itself, that are looked at
NAME = 60  # characters of one class name that are looked at
FAR = 12  # levels of elements beyond which a distance says no more

# Patterns on lower-case names, by what they speak of; the first that matches counts.
HINTS: dict[str, list[str]] = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
HINT_ORDER = {name: i for i, name in enumerate(HINTS)}
AROUND = [
    "article", "main", "nav", "aside", "footer", "header", "figure", "form", "ul", "ol", "dl", "table", "blockquote", "section",
    "button", "dialog", "figcaption", "details", "address", "p", "li",
]  # fmt: skip
AROUND_AT = {tag: i for i, tag in enumerate(AROUND)}
N_DISTANCES = len(AROUND) + len(HINTS)
ONE_MORE = bytes(min(i + 1, FAR) for i in range(256))  # a table for bytes.translate: one level further away

# ---------------------------------------------------------------- what class names and ids speak of

# What is named stands behind, since the search skips to a first character that it knows.
NAMERS = ["class", "id", "itemprop", "role", *(f"data-{what}" for what in ("testid", "component", "type", "qa", "module", "block"))]
BEHIND = "|".join([rf"(?<=\b{namer}=)" for namer in NAMERS])
NAMING = re.compile(rf"""=(?:{BEHIND})[ \n]*("[^"]*"|'[^']*'|[^\s>]+)""", re.I)
WIDE_EQUALS = re.compile(r"[ \n]+=")
LINE_END = re.compile("\n")
CAMEL = re.compile(r"[A-Z](?<=[a-z].)")
INITIAL = re.compile(r"(\\b)?([a-z]|\[.*?\])")


@cache
def _topics() -> tuple[re.Pattern[str], dict[str, tuple[re.Pattern[str], list[bytes]]]]:
    """All patterns as one, gathered by first letter, which is much quicker; by first letter the same in groups, and of each group the
    column."""
    initials: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for name, patterns in HINTS.items():
        for pattern in patterns:
            heads, rest = pattern[3:].split(")", 1) if pattern.startswith("(?:") else (pattern, "")
            for whole in [head + rest for head in heads.split("|")] if rest else [pattern]:
                _, bound, initial, others = INITIAL.split(whole, maxsplit=1)
                initials[initial].append((rf"(?<=\b{initial})" + others if bound else others, HINT_ORDER[name]))
    plain, grouped = (
        {initial: f"{initial}(?:{'|'.join(around + pattern + ')' for pattern, _ in found)})" for initial, found in initials.items()}
        for around in ("(?:", "(")
    )
    columns = {initial: [bytes([len(AROUND) + hint]) for _, hint in found] for initial, found in initials.items()}
    return re.compile("|".join(plain.values())), {
        letter: (re.compile(pattern), columns[initial]) for initial, pattern in grouped.items() for letter in initial.strip("[]")
    }


# What was found on other pages, since an outlet's pages are written alike, and many outlets with the same software.
TAGS_MET: dict[str, bytes] = {}
NAMES_MET: dict[str, bytes] = {}
MEMO_SIZE = 1 << 14


def _remembered(memo: dict[str, bytes], wanted: set[str], find: Callable[[list[str]], dict[str, bytes]]) -> dict[str, bytes]:
    """`memo`, with what `find` says of those that are wanted and that it does not know."""
    if len(memo) > MEMO_SIZE:
        memo.clear()
    memo.update(find(list(wanted.difference(memo))))
    return memo


def _hints(written: list[str]) -> dict[str, bytes]:
    """Of each start tag the columns, in a row of levels, of what the names in it speak of."""
    names = {tag: _names(tag[:WINDOW]) for tag in written}
    spoken = _remembered(NAMES_MET, {name for each in names.values() for name in each}, _spoken)
    return {tag: b"".join(map(spoken.__getitem__, each)) for tag, each in names.items()}


def _names(tag: str) -> list[str]:
    """The class names, ids and the like in a start tag."""
    if " =" in tag or "\n=" in tag:
        tag = WIDE_EQUALS.sub("=", tag)
    return [name for value in NAMING.findall(tag) for name in value.strip("\"'").split()]


def _spoken(names: list[str]) -> dict[str, bytes]:
    """Of each name the columns of the hints in it. All are searched at once, each on a line."""
    plain, by_letter = _topics()
    lines = CAMEL.sub(r"-\g<0>", "\n".join([name[:NAME] for name in names])).lower()
    ends, found = [m.start() for m in LINE_END.finditer(lines)], dict.fromkeys(names, b"")
    for m in plain.finditer(lines):
        at = m.start()
        grouped, columns = by_letter[lines[at]]
        if (group := grouped.match(lines, at)) and group.lastindex:
            found[names[bisect_left(ends, at)]] += columns[group.lastindex - 1]
    return found


# ---------------------------------------------------------------- how far they are


def levels_around(nodes, wanted: Sequence[int]) -> dict[int, bytes]:
    """Of the wanted elements and all around them the levels up to the nearest element of each tag in AROUND and each hint."""
    parents, tags, attributes = nodes
    inside = {0}
    for node in wanted:
        while node not in inside:
            inside.add(node)
            node = parents[node]
    inside.remove(0)
    hints = _remembered(TAGS_MET, {attributes[node] for node in inside}, _hints)
    rows = {0: bytes([FAR]) * N_DISTANCES}
    made: dict[tuple[bytes, str, str], bytes] = {}  # elements that are written alike in the same place are looked at once
    for node in sorted(inside):  # parents come first
        key = rows[parents[node]], tags[node], attributes[node]
        row = made.get(key)
        if row is None:
            row = made[key] = _nearer(key[0], key[1], hints[key[2]])
        rows[node] = row
    return rows


def _nearer(above: bytes, tag: str, hints: bytes) -> bytes:
    """The levels within an element, given those around it."""
    further = above.translate(ONE_MORE)
    if not hints and tag not in AROUND_AT:
        return further
    row = bytearray(further)
    for column in hints:
        row[column] = 0
    if tag in AROUND_AT:
        row[AROUND_AT[tag]] = 0
    return bytes(row)
