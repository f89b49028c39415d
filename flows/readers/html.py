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

import json
import re
from collections.abc import Iterator
from html.entities import html5
from itertools import islice
from typing import NamedTuple

from flows.traced import Change, Traced


class Nodes(NamedTuple):
    """The elements of a page in document order; node 0 is the page itself. `attributes` are as written."""

    parents: list[int]
    tags: list[str]
    attributes: list[str]


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


class Fact(NamedTuple):
    """What the markup says about the page; characters [start, end) of the SOURCE text say it.

    source is where: json-ld (key: path of names, such as "@graph[0].author[0].name"; values that share a path up to the last
    dot belong to one object), og, meta, title, microdata (key: itemprop), link (key: rel), time (key: datetime) or html (key:
    lang). value is decoded, its white space collapsed (not in json-ld) and cut off at the ends.
    """

    source: str
    key: str
    value: str
    start: int
    end: int


class Page(NamedTuple):
    text: Traced
    elements: list[Element]
    facts: list[Fact]
    nodes: Nodes


def render(source: Traced) -> Page:
    """The lines of a page that a reader sees, its structure, and the facts in its markup. Never raises."""
    tree = _Tree(source.text)
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


# ---------------------------------------------------------------- tokens

# Everything from a "<" that opens a tag, an end tag or a comment. Repeats are possessive and ends optional, so a token that
# never ends takes the rest of the page (as the standard has it) instead of being tried again at every "<".
ATTRIBUTES = r"""(?:[^>=]++|="[^"]*+"|=[ \t\n\f\r]*+(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z))?+)*+"""
NAME = r"[a-zA-Z][^ \t\n\f\r/>]*+"
TOKEN = re.compile(
    rf"<(?:/({NAME})(?:>|{ATTRIBUTES}>?)|({NAME})(?:>|({ATTRIBUTES})>?)|(!--(?:-?>|(?:[^-]++|-(?!-!?>))*+(?:--!?>)?+))|[!?/][^>]*+>?)"
)
END, START, WRITTEN, COMMENT = range(1, 5)  # its groups; of an other declaration none is filled
RAW = {
    tag: re.compile(rf"</{tag}[ \t\n\f\r/>]", re.I)
    for tag in ("script", "style", "textarea", "title", "noscript", "iframe", "noembed", "noframes", "xmp", "svg")
}
# What a drawing holds that may be read like raw text: nothing but the parts of one, up to its end.
DRAWING = re.compile(
    r"(?:[^<]*+</?(?:path|g|use|rect|circle|polygon|line|ellipse|polyline|defs|symbol|title|desc|style|clipPath|mask|stop|linearGradient)"
    r"[ \t\n\f\r/>])*+[^<]*+</svg[ \t\n\f\r/>]",
    re.I,
)
ATTRIBUTE = re.compile(
    r"""([^ \t\n\f\r/>="'][^ \t\n\f\r/>=]*+)(?:[ \t\n\f\r]*+=[ \t\n\f\r]*+(?:"([^"]*+)"?|'([^']*+)'?|([^ \t\n\f\r>]++)))?+"""
)
SPACE = " \t\n\f\r"
BLANK_REFERENCE = r"&(?:\#(?:0{0,8}(?:9|10|12|13|32)|x0{0,8}(?:9|a|c|d|20));|NewLine;|Tab;)"
BLANK = rf"(?:[ \t\n\f\r]|{BLANK_REFERENCE})"
# What a text run holds that is not copied: white space of which a browser shows one space, and references (the longest
# name has 31 letters).
SPECIAL = re.compile(
    rf"(?P<blank>(?:[\t\n\f\r]|{BLANK_REFERENCE}|\ (?={BLANK})){BLANK}*+)|&(?:\#(?:[0-9]++|x[0-9a-f]++);?|[a-z][a-z0-9]{{1,31}};?)", re.I
)

# Without one of these a run holds nothing special; a quick look, since most runs do not.
SUSPECT = re.compile(r"[&\t\n\f\r]| [ &]")


def reference(spelled: str) -> tuple[str, int]:
    """What a character reference (from its "&") stands for, and how many of its characters do; 0 if it is none.

    As the standard has it: numbers of the C1 controls mean Windows-1252, names without ";" match their longest prefix.
    """
    if spelled[1] == "#":
        digits, base = (spelled[3:], 16) if spelled[2] in "xX" else (spelled[2:], 10)
        digits = digits.rstrip(";").lstrip("0")
        code = int(digits or "0", base) if len(digits) < 9 else 0x110000
        if 0x80 <= code <= 0x9F:
            return bytes([code]).decode("cp1252", "replace").replace("\ufffd", chr(code)), len(spelled)
        return "\ufffd" if not code or code > 0x10FFFF or 0xD800 <= code <= 0xDFFF else chr(code), len(spelled)
    for end in range(len(spelled), 2, -1):
        if spelled[1:end] in html5:
            return html5[spelled[1:end]], end
    return "", 0


def unescape(text: str) -> str:
    """`text` with its references decoded and its white space collapsed."""
    return SPECIAL.sub(_decoded, text).strip(SPACE) if SUSPECT.search(text) else text.strip(SPACE)


def _decoded(m: re.Match[str]) -> str:
    if m["blank"]:
        return " "
    value, used = reference(m[0])
    return value + m[0][used:]


def attributes(written: str) -> dict[str, str]:
    """Names (lower case) and values of an element's attributes; the first of a name counts."""
    found: dict[str, str] = {}
    for name, *values in ATTRIBUTE.findall(written):
        found.setdefault(name.lower(), unescape(values[0] or values[1] or values[2]))
    return found


# ---------------------------------------------------------------- tree

MAX_DEPTH = 256  # open elements; the limit of libxml2 (Blink has 512)
BLOCKS = frozenset([
    "address", "article", "aside", "audio", "blockquote", "body", "button", "canvas", "caption", "center", "dd", "details",
    "dialog", "dir", "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "frameset", "h1", "h2", "h3",
    "h4", "h5", "h6", "head", "header", "hgroup", "hr", "html", "iframe", "legend", "li", "listing", "main", "menu", "nav",
    "object", "ol", "optgroup", "option", "p", "plaintext", "pre", "search", "section", "select", "summary", "table", "tbody",
    "td", "textarea", "tfoot", "th", "thead", "title", "tr", "ul", "video", "xmp",
])  # fmt: skip
VOID = frozenset([
    "area", "base", "basefont", "bgsound", "br", "col", "embed", "frame", "hr", "image", "img", "input", "keygen", "link", "meta",
    "param", "source", "track", "wbr",
])  # fmt: skip
HEADINGS = frozenset(["h1", "h2", "h3", "h4", "h5", "h6"])
# Elements whose content a browser does not show as text, with the rule that removes it.
MUTED = {"head": "head", "template": "template", "select": "form", "datalist": "form"}
MUTED |= dict.fromkeys(["svg", "audio", "video", "canvas", "object"], "embedded")
RAW_RULES = {"script": "script", "style": "style", "noscript": "noscript", "title": "head", "textarea": "form"}
# What a start tag closes: any of `closed` that is open, unless one of `barriers` is open inside it.
P_BARRIERS = frozenset(["button", "caption", "td", "th", "table", "html", "template", "object"])
ITEMS = BLOCKS - frozenset(["address", "div", "p", "li", "dd", "dt"])
TABLE = frozenset(["table", "template"])
NOT_IN_P = BLOCKS - frozenset([
    "audio", "body", "button", "canvas", "caption", "dd", "dt", "head", "html", "iframe", "legend", "li", "object", "optgroup",
    "option", "select", "tbody", "td", "textarea", "tfoot", "th", "thead", "title", "tr", "video",
])  # fmt: skip
IMPLIED = {tag: (frozenset("p"), P_BARRIERS) for tag in NOT_IN_P}
IMPLIED |= {"li": (frozenset(["li"]), ITEMS), "dd": (frozenset(["dd", "dt"]), ITEMS), "dt": (frozenset(["dd", "dt"]), ITEMS)}
IMPLIED |= {tag: (frozenset(["td", "th"]), TABLE | {"tr"}) for tag in ("td", "th")}
IMPLIED |= {"tr": (frozenset(["tr"]), TABLE)} | {
    tag: (frozenset(["thead", "tbody", "tfoot", "caption", "tr"]), TABLE) for tag in ("thead", "tbody", "tfoot")
}
IMPLIED |= {
    "option": (frozenset(["option"]), frozenset(["select", "datalist"])),
    "optgroup": (frozenset(["optgroup", "option"]), frozenset(["select"])),
}
IMPLIED |= {
    "a": (frozenset("a"), P_BARRIERS),
    "body": (frozenset(["head"]), frozenset()),
    "button": (frozenset(["button"]), frozenset(["td", "th", "table"])),
}
CELLS = frozenset(["td", "th"])
# What an end tag does not reach beyond.
SCOPE = P_BARRIERS - {"button"}
BARRIERS = dict.fromkeys(["td", "th", "tr", "thead", "tbody", "tfoot", "caption"], TABLE)
BARRIERS |= dict.fromkeys(["table", "html", "body", "template"], frozenset(["template"]))
FOREIGN = frozenset(["svg", "math"])
HEAD = frozenset(["base", "basefont", "bgsound", "link", "meta", "template"])
SPEAKING = frozenset(["meta", "link", "html", "time"])
BLANKS = re.compile(f"{BLANK}++", re.I)
REFERENCE_BLANKS = re.compile(BLANK_REFERENCE, re.I)
LINE = re.compile(r"[^\r\n]+")
# What stands between two runs of text, from the weakest to the strongest, and how it is written.
GLUED, SPACED, CELL, BROKEN, BLOCK, PRE = range(6)
SEPARATORS = ("", " ", "\t", "\n", "\n", "")
BREAKS = {BROKEN: "br", BLOCK: "block", PRE: "pre"}
CELL_WIDTH = 200  # characters (as written) up to which cells may share a line; longer ones are text, the table its layout
PROPERTY_WIDTH = 1000  # characters (as written) up to which the text of an itemprop or <time> is taken for a value


class Run(NamedTuple):
    """Source characters [start, end), shown without a break inside; `link` tells the links apart."""

    start: int
    end: int
    separator: int
    node: int
    inner: int
    pre: bool
    link: int
    linked: bool
    bold: bool
    italic: bool
    hidden: bool


class Kind(NamedTuple):
    """What the tree has to know of a tag: where its open elements are counted, what its ends put between two runs, whether it
    has no end, the counts of what it closes, and whether it is one of the few that ask for more."""

    name: str
    slot: int
    separator: int
    void: bool
    closes: tuple[int, ...]
    special: bool


SPECIAL_TAGS = frozenset([*HEADINGS, *MUTED, *SPEAKING, *FOREIGN, *RAW, "body", "tr", "pre", "listing"])
LINK, BOLD, STRONG, ITALIC, EMPHASIS = range(5)  # the first slots
SLOTS = {tag: i for i, tag in enumerate(dict.fromkeys(["a", "b", "strong", "i", "em", *sorted(BLOCKS | VOID | SPECIAL_TAGS)]))}
PAGE = frozenset(SLOTS[tag] for tag in ("html", "body"))
OPENING = {"br": BROKEN, "img": SPACED, "input": SPACED} | dict.fromkeys(BLOCKS, BLOCK) | dict.fromkeys(CELLS, CELL)
KINDS = {
    tag: Kind(
        tag, slot, OPENING.get(tag, GLUED), tag in VOID, tuple(SLOTS[t] for t in sorted(IMPLIED.get(tag, [()])[0])), tag in SPECIAL_TAGS
    )
    for tag, slot in SLOTS.items()
}


class _Tree:
    """The elements, runs of visible text, cuts (stretches taken away by name) and facts of one page, in one pass."""

    def __init__(self, source: str):
        self.source = source
        self.nodes = Nodes([0], [""], [""])
        self.runs: list[Run] = []
        self.cuts: list[tuple[int, int, str]] = []
        self.facts: list[Fact] = []
        self.kinds = dict(KINDS)  # by tag as spelled; unknown ones are added
        self.counts = [0] * len(KINDS)
        # The open elements, the block each stands in or is, and their kinds.
        self.stack: list[tuple[int, int, Kind]] = [(0, 0, Kind("", -1, GLUED, False, (), False))]
        self.muted: list[int] = []
        self.rows: dict[int, int] = {}
        self.values: dict[int, tuple[list[str], int]] = {}
        self.hiding: set[int] = set()
        self.separator, self.pre, self.link_end = BLOCK, 0, -1
        at = 0
        while at < len(source):
            at = self._read(at)
        self._drop(1)

    def _read(self, at: int) -> int:
        """The tokens from `at` up to and with the next raw text; where that ends."""
        source, kinds, stack = self.source, self.kinds, self.stack
        for token in TOKEN.finditer(source, at):
            start, end = token.span()
            if at < start:
                self._text(at, start)
            at, which = end, token.lastindex
            if which == END:
                kind = kinds.get(token[END]) or self._kind(token[END])
                if stack[-1][2] is kind and kind.slot != LINK:
                    self._left()
                else:
                    self._close(kind, end)
            elif which in (START, WRITTEN):
                kind, written = kinds.get(token[START]) or self._kind(token[START]), token[WRITTEN] if which == WRITTEN else ""
                if kind.special and kind.name in RAW and (kind.name != "svg" or DRAWING.match(source, end)):
                    return self._raw(kind.name, written, start, end)
                self._open(kind, written, start)
            elif which == COMMENT:
                self.cuts.append((start, end, "comment"))
        if at < len(source):
            self._text(at, len(source))
        return len(source)

    # -------- elements

    def _kind(self, spelled: str) -> Kind:
        """The kind of a tag met for the first time in this spelling."""
        tag = spelled.lower()
        if tag not in self.kinds:
            self.kinds[tag] = Kind(tag, len(self.counts), GLUED, False, (), False)
            self.counts.append(0)
        self.kinds[spelled] = self.kinds[tag]
        return self.kinds[tag]

    def _open(self, kind: Kind, written: str, start: int) -> None:
        tag, slot, separator, void, closes, special = kind
        counts, stack = self.counts, self.stack
        if special and slot in PAGE and counts[slot]:
            return
        if self.muted:
            self._unmuted(tag, start)
        for closed in closes:
            if counts[closed]:
                self._imply(*IMPLIED[tag])
                break
        if special and tag in HEADINGS and stack[-1][2].name in HEADINGS:
            self._left()
        if slot == LINK and start == self.link_end:
            separator = SPACED
        if separator > self.separator and not self.muted:
            self.separator = separator
        if written and ((special and tag in SPEAKING) or "itemprop" in written):
            self._noted(tag, written, self.source.index(written, start))
        if void or (written and written[-1] == "/" and (self.muted or tag in FOREIGN)):
            return
        if len(stack) >= MAX_DEPTH:
            self._left()
        parents, tags, attributes = self.nodes
        node, (above, block, _) = len(tags), stack[-1]
        parents.append(above)
        tags.append(tag)
        attributes.append(written)
        stack.append((node, node if separator >= CELL else block, kind))
        counts[slot] += 1
        if written and ("hidden" in written or "none" in written or "HIDDEN" in written) and _hides(written):
            self.hiding.add(node)
        if special:
            self._stated(tag, node)

    def _unmuted(self, tag: str, start: int) -> None:
        """Tags that cannot stand in <svg> or <head> end it."""
        top = self.nodes.tags[self.muted[-1]]
        if (top == "svg" and tag in BLOCKS) or (top == "head" and tag not in HEAD):
            self._close(KINDS[top], start)

    def _imply(self, closed: frozenset[str], barriers: frozenset[str]) -> None:
        for i in range(len(self.stack) - 1, 0, -1):
            tag = self.stack[i][2].name
            if tag in closed:
                self._leave(i)
                if not any(self.counts[SLOTS[other]] for other in closed):
                    return
            elif tag in barriers:
                return

    def _close(self, kind: Kind, end: int) -> None:
        if kind.slot == LINK:
            self.link_end = end
        if self.stack[-1][2] is kind:
            return self._left()
        if not self.counts[kind.slot]:
            if kind.name in ("p", "br"):
                self._separate(OPENING[kind.name])
            return None
        barriers = BARRIERS.get(kind.name, SCOPE)
        for i in range(len(self.stack) - 1, 0, -1):
            other = self.stack[i][2]
            if other is kind:
                return self._leave(i)
            if other.name in barriers:
                return None

    def _leave(self, i: int) -> None:
        """Close stack[i]: with all inside it, or alone if it is an inline element with blocks inside (<b><p></b>text</p>)."""
        node, block, _ = self.stack[i]
        if self.stack[-1][1] == block or block == node:
            return self._drop(i)
        self.stack.append(self.stack.pop(i))
        self._left()

    def _drop(self, i: int) -> None:
        while len(self.stack) > i:
            self._left()

    def _left(self) -> None:
        node, _, (tag, slot, separator, _, _, special) = self.stack.pop()
        self.counts[slot] -= 1
        if special:
            self._unstated(tag, node)
        if separator > self.separator and not self.muted:
            self.separator = separator
        if self.values and node in self.values:
            self._valued(*self.values.pop(node))
        if self.hiding:
            self.hiding.discard(node)

    def _stated(self, tag: str, node: int) -> None:
        """Elements that change how what is in them is read."""
        if tag in MUTED:
            self.muted.append(node)
        elif tag == "tr":
            self.rows[node] = len(self.runs)
        elif tag in ("pre", "listing"):
            self.pre += 1

    def _unstated(self, tag: str, node: int) -> None:
        if tag in MUTED:
            self.muted.remove(node)
        elif tag == "tr":
            self._row(self.rows.pop(node))
        elif tag in ("pre", "listing"):
            self.pre -= 1

    def _row(self, first: int) -> None:
        """The cells of a row stand on one line if all are short and none is broken itself."""
        row = self.runs[first:]
        if all(run.separator <= CELL for run in row[1:]) and all(run.end - run.start <= CELL_WIDTH for run in row):
            return
        self.runs[first:] = [run._replace(separator=BLOCK) if run.separator == CELL else run for run in row]

    def _raw(self, tag: str, written: str, start: int, begin: int) -> int:
        """Raw text from `begin`, whose start tag stands at `start`, up to its end tag; where that ends."""
        source = self.source
        found = RAW[tag].search(source, begin)
        body = found.start() if found else len(source)
        end = source.find(">", found.end() - 1) + 1 if found else body
        end = end or len(source)
        if tag == "title" and not any(fact.source == "title" for fact in self.facts):
            self.facts.append(Fact("title", "title", unescape(source[begin:body]), begin, body))
        elif tag == "script" and "ld+json" in written.lower():
            self.facts += islice(json_facts(source, begin, body), max(0, MAX_FACTS - len(self.facts)))
        if tag in BLOCKS:
            self._separate(BLOCK)
        self.cuts.append((start, end, RAW_RULES.get(tag, "embedded")))
        return end

    # -------- text

    def _separate(self, separator: int) -> None:
        if separator > self.separator and not self.muted:
            self.separator = separator

    def _text(self, start: int, end: int) -> None:
        text = self.source[start:end]
        left = text.lstrip(SPACE)
        if not left and not self.pre:  # as between most tags
            if self.separator < SPACED and not self.muted:
                self.separator = SPACED
            return
        if self.muted and left and self.nodes.tags[self.muted[-1]] == "head":
            self._close(KINDS["head"], start)
        if self.muted:
            if left:
                self.cuts.append((start, end, MUTED[self.nodes.tags[self.muted[-1]]]))
        elif self.pre:
            self._preformatted(start, text)
        elif not left or (left[0] == "&" and BLANKS.fullmatch(left)):
            if self.separator < SPACED:
                self.separator = SPACED
        else:
            if self.separator < SPACED and len(left) < len(text):
                self.separator = SPACED
            right = left.rstrip(SPACE)
            start = end - len(left)
            self._run(start, start + len(right))
            self.separator = SPACED if len(right) < len(left) else GLUED

    def _preformatted(self, start: int, text: str) -> None:
        seen = 0
        for m in LINE.finditer(text):
            line = m[0].rstrip()
            if line:
                self._separate(PRE if seen else BROKEN if m.start() else GLUED)
                self._run(start + m.start(), start + m.start() + len(line))
                self.separator, seen = GLUED, m.end()
        if seen < len(text):
            self._separate(BROKEN)

    def _run(self, start: int, end: int) -> None:
        n = self.counts
        marks = n[LINK] > 0, n[BOLD] + n[STRONG] > 0, n[ITALIC] + n[EMPHASIS] > 0, bool(self.hiding)
        node, block, _ = self.stack[-1]
        self.runs.append(Run(start, end, self.separator, block, node, self.pre > 0, self.link_end, *marks))

    # -------- facts

    def _noted(self, tag: str, written: str, at: int) -> None:
        """The facts in a start tag, `written` at source character `at`."""
        if tag == "link" and not PAGE_LINK.search(written):
            return
        found: dict[str, tuple[int, int]] = {}  # where the value of each stands
        for m in ATTRIBUTE.finditer(written):
            found.setdefault(m[1].lower(), m.span(m.lastindex) if m.lastindex and m.lastindex > 1 else (0, 0))

        def value(name: str) -> str:
            return unescape(written[slice(*found[name])]) if name in found else ""

        def fact(source: str, key: str, name: str) -> None:
            (start, end), said = found[name], value(name)
            if said:
                self.facts.append(Fact(source, key, said, at + start, at + end))

        key = value("property") or value("name") or value("http-equiv") if tag == "meta" else ""
        if key and "content" in found:
            fact("og" if key.startswith(OPEN_GRAPH) else "meta", key.lower(), "content")
        elif tag == "meta" and "charset" in found:
            fact("meta", "charset", "charset")
        elif tag == "link" and "rel" in found and "href" in found:
            rel, spoken = value("rel").lower(), value("hreflang").lower()
            fact("link", f"{rel}:{spoken}" if spoken and rel == "alternate" else rel, "href")
        elif tag == "html" and ("lang" in found or "xml:lang" in found):
            fact("html", "lang", "lang" if "lang" in found else "xml:lang")
        elif tag == "time" and "datetime" in found:
            fact("time", "datetime", "datetime")
        names = value("itemprop").split()
        stated = next((v for v in ("content", "datetime") if v in found), None)
        if stated:
            for name in names:
                fact("microdata", name, stated)
        elif names and tag not in VOID:
            self.values[len(self.nodes.tags)] = (names, len(self.runs))

    def _valued(self, names: list[str], first: int) -> None:
        """The text of an element with an itemprop that has just been closed, whose first run would be `first`, as facts."""
        if first < len(self.runs) and self.runs[-1].end - self.runs[first].start <= PROPERTY_WIDTH:
            runs = self.runs[first:]
            value = "".join(SEPARATORS[run.separator].strip("\n") + self.source[run.start : run.end] for run in runs)
            self.facts += [Fact("microdata", name, unescape(value), runs[0].start, runs[-1].end) for name in names]


# Links that speak of the page; the others load its styles, icons and translations.
PAGE_LINK = re.compile(r"canonical|amphtml|author|license|shortlink|hreflang", re.I)
OPEN_GRAPH = ("og:", "article:", "twitter:", "book:", "profile:")

JSON = re.compile(r'"((?:[^"\\]++|\\.)*+)"(?:\s*+:)?+|([][{},])|//|<!\[CDATA\[|\]\]>|:|([^][{},:"\s]++)', re.S)
JSON_DEPTH, JSON_NAME = 8, 60  # levels and characters of a name beyond which JSON-LD says nothing of an article
MAX_FACTS = 5000


def json_facts(source: str, start: int, end: int) -> Iterator[Fact]:
    """The strings, numbers and words of a JSON-LD script, by path. A lexer and not a parser, since pages hold what no parser
    takes: line ends in strings, commas too many, two objects in a row."""
    stack: list[list] = []  # open brackets: [path, name or place of the next value]; names are strings, None before one
    for m in JSON.finditer(source, start, end):
        text, mark, plain = m.groups()
        top = stack[-1] if stack else ["", ""]
        if mark == "{" or mark == "[":
            stack.append([_path(*top) if len(stack) < JSON_DEPTH else "", None if mark == "{" else 0])
        elif mark == "}" or mark == "]":
            del stack[-1:]
        elif mark == ",":
            top[1] = top[1] + 1 if isinstance(top[1], int) else None
        elif text is None and plain is None:
            continue
        elif top[1] is None:
            top[1] = _plain(text or "")[:JSON_NAME]
        elif 0 < len(stack) <= JSON_DEPTH:
            value = (plain if text is None else _plain(text)).strip()
            if value:
                yield Fact("json-ld", _path(*top), value, *m.span(3 if text is None else 1))


def _path(path: str, name: str | int | None) -> str:
    return f"{path}[{name}]" if isinstance(name, int) else f"{path}.{name or ''}" if path else name or ""


def _plain(text: str) -> str:
    """A JSON string without its escapes; half a surrogate pair becomes U+FFFD."""
    if "\\" not in text:
        return text
    try:
        return json.loads(f'"{text}"', strict=False).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    except ValueError:
        return text


# ---------------------------------------------------------------- lines


def _lines(source: str, tree: _Tree) -> tuple[list[Change], list[Element]]:
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
        return [Change(start, end, separator, "white_space" if blank else "markup", "normalized" if separator else "removed")]
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
    return Element(start, end, head.node, head.inner, linked, len(links), bold, italic, broken, cells, head.hidden)


HIDING = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)
ATTRIBUTES_READ = 2000  # characters of a start tag that are looked at for what hides it


def _hides(written: str) -> bool:
    """Whether an element hides what is in it by its style or an attribute."""
    said = written[:ATTRIBUTES_READ].lower()
    if not ("none" in said and "display" in said) and said.count("hidden") == said.count("aria-hidden"):
        return False
    values = attributes(said)
    return "hidden" in values or bool(HIDING.search(values.get("style", "")))
