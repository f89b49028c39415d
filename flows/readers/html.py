"""HTML: from markup to the lines a reader sees, and what the markup says about the page.

`render` takes markup away, decodes character references and collapses white space as a browser does. A line is the text
of one block element, of one row of a table, or what stands between two <br>. What a browser never shows (scripts, styles,
comments, <template>) is removed; what only style or script hides stays, and its line says so, since paywalls and "read
more" hide the article itself. Nothing here decides what belongs to the article.

The parser keeps source positions, which the parsers that build a whole tree give up. It follows the WHATWG standard in how
tags, comments, raw text and references are read, and where end tags are implied; it does not reparent elements that stand
in the wrong place, because the order of the text does not depend on it. Time and memory are linear in the page: each
character is matched once, and elements nested deeper than MAX_DEPTH become siblings, as in browsers.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from flows.readers.html_facts import Fact
from flows.readers.html_tokens import SPECIAL, SUSPECT, attributes, reference
from flows.readers.html_tree import BLOCK, BREAKS, BROKEN, CELL, PRE, REFERENCE_BLANKS, SEPARATORS, Nodes, Run, Tree
from flows.traced import Change, Traced


class Element(NamedTuple):
    """One line, characters [start, end) of the rendered text.

    node is the block it stands in, inner the innermost element around its first character; linked, bold and italic count
    the characters inside <a>, <b> and <i> (and their like), links the <a>; broken says what comes before the line: the
    start or end of a block ("block"), a <br> ("br") or a line end in preformatted text ("pre"); cells counts the cells
    of a row that stands on one line; hidden: some element around it is hidden by style or by an attribute.
    """

    start: int
    end: int
    node: int
    inner: int
    linked: int
    links: int
    bold: int
    italic: int
    broken: str
    cells: int
    hidden: bool


class Page(NamedTuple):
    """A rendered page: its lines as text, each as an element, what the markup says, and the tree."""

    text: Traced
    elements: list[Element]
    facts: list[Fact]
    nodes: Nodes


def render(source: Traced) -> Page:
    """The lines of a page that a reader sees, its structure, and the facts in its markup. Never raises."""
    tree = Tree(source.text)
    changes, elements = _lines(source.text, tree)
    return Page(source.apply("read", changes), elements, tree.facts, tree.nodes)


PRESCAN = 4096  # bytes; the standard asks for 1024, pages put their <meta> later
DECLARING = re.compile(rb"<!--(?:[^-]++|-(?!->))*+(?:-->)?|<meta[\s/]([^>]*+)>|<[a-z/!?][^>]*+>", re.I)
DECLARED_AS = re.compile(rb"charset\s*+=\s*+[\"']?\s*+([^\s\"'/>;]++)", re.I)
XML_ENCODING = re.compile(rb"\s*<\?xml[^>]*?\sencoding\s*=\s*[\"']([\w.:-]+)[\"']", re.I)


def declared_encoding(data: bytes) -> str | None:
    """The encoding a page names in a <meta> or its XML declaration, as it spells it. Byte order marks are not looked at.

    https://html.spec.whatwg.org/multipage/parsing.html#prescan-a-byte-stream-to-determine-its-encoding
    """
    head = data[:PRESCAN]
    for m in DECLARING.finditer(head):
        if m[1] is not None:
            values = attributes(m[1].decode("latin-1"))
            if values.get("charset"):
                return values["charset"]
            named = DECLARED_AS.search(values.get("content", "").encode("latin-1", "replace"))
            if named and values.get("http-equiv", "").lower() == "content-type":
                return named[1].decode("latin-1")
    xml = XML_ENCODING.match(head)
    return xml[1].decode("latin-1") if xml else None


# ---------------------------------------------------------------- lines


def _lines(source: str, tree: Tree) -> tuple[list[Change], list[Element]]:
    """What becomes of the source outside the runs, and the lines that the runs make, in offsets of the text after it."""
    changes: list[Change] = []
    elements: list[Element] = []
    line: list[Run] = []
    cuts = [*tree.cuts, (len(source), len(source), "")]
    at = begin = length = seen = 0
    following = [*(run.separator for run in tree.runs[1:]), BLOCK]
    for run, follows in zip(tree.runs, following, strict=False):
        start, end, separator = run[:3]
        if line and separator >= BROKEN:
            elements.append(_element(line, begin, length))
            line = []
        if separator == PRE:
            length += start - at
        else:
            first = seen
            while cuts[seen][0] < start:
                seen += 1
            written = SEPARATORS[separator] if at else ""
            changes += _gap(source, at, start, written, cuts[first:seen])
            length += len(written)
        if not line:
            begin = length
        length += end - start
        if SUSPECT.search(source, start, end):
            own = _own(source, run, not line, follows >= BROKEN)
            length += sum([len(c.after) - c.end + c.start for c in own])
            changes += own
        line.append(run)
        at = end
    if line:
        elements.append(_element(line, begin, length))
    return changes + _gap(source, at, len(source), "", cuts[seen:-1]), elements


def _gap(source: str, start: int, end: int, separator: str, cuts: list[tuple[int, int, str]]) -> list[Change]:
    """Source [start, end) between two runs becomes `separator`: each stretch is removed under its rule, one of them written over."""
    between = source[start:end]
    if between == separator:
        return []
    if not cuts:
        blank = between.isspace()
        if separator == " " and not blank and between[0] == " ":
            start, separator = start + 1, ""
        elif separator == " " and not blank and between[-1] == " ":
            end, separator = end - 1, ""
        change = start, end, separator, "white_space" if blank else "markup", "normalized" if separator else "removed", 1.0
        return [tuple.__new__(Change, change)]  # as Change(...), in half the time
    stretches: list[list] = []
    for a, b, rule in _stretches(source, start, end, cuts):
        if stretches and stretches[-1][2] == rule:
            stretches[-1][1] = b
        else:
            stretches.append([a, b, rule])
    written = next((i for i, stretch in enumerate(stretches) if stretch[2] == "markup"), 0)
    return [
        Change(a, b, separator if i == written else "", rule, "normalized" if separator and i == written else "removed")
        for i, (a, b, rule) in enumerate(stretches)
    ]


def _stretches(source: str, start: int, end: int, cuts: list[tuple[int, int, str]]) -> Iterator[tuple[int, int, str]]:
    """The cuts and what lies between them; white space goes with the cut before it."""
    rule = "markup"
    for a, b, name in [*cuts, (end, end, "markup")]:
        if start < a:
            yield start, a, rule if source[start:a].isspace() else "markup"
        if a < b:
            yield a, b, name
        start, rule = b, name


def _own(source: str, run: Run, opens: bool, closes: bool) -> list[Change]:
    """References and white space in a run; at the ends of a line, white space written as a reference goes."""
    changes = []
    for m in SPECIAL.finditer(source, run.start, run.end):
        start, end = m.span()
        if m["blank"] is None:
            value, used = reference(m[0])
            if used:
                changes.append(Change(start, start + used, value, "entity", "exact"))
        elif run.pre:
            changes += [
                Change(start + b.start(), start + b.end(), " ", "white_space", "normalized") for b in REFERENCE_BLANKS.finditer(m[0])
            ]
        else:
            edge = (opens and start == run.start) or (closes and end == run.end)
            changes.append(Change(start, end, "" if edge else " ", "white_space", "removed" if edge else "normalized"))
    return changes


def _element(line: list[Run], start: int, end: int) -> Element:
    head, linked, bold, italic, cells, links = line[0], 0, 0, 0, 0, set()
    for first, last, separator, _, _, _, link, in_link, in_bold, in_italic, _ in line:
        if in_link:
            linked += last - first
            links.add(link)
        bold += last - first if in_bold else 0
        italic += last - first if in_italic else 0
        cells += separator == CELL
    broken, cells = BREAKS[head.separator], cells + bool(cells)
    element = start, end, head.node, head.inner, linked, len(links), bold, italic, broken, cells, head.hidden
    return tuple.__new__(Element, element)  # as Element(...), in half the time
