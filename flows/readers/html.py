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
from collections import defaultdict
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
            named = DECLARED_AS.search(values.get("content", "").encode("latin-1", "replace"))
            if values.get("charset") or (named and values.get("http-equiv", "").lower() == "content-type"):
                return values.get("charset") or named[1].decode("latin-1")
    xml = XML_ENCODING.match(head)
    return xml[1].decode("latin-1") if xml else None


# ---------------------------------------------------------------- tokens

# Everything from a "<" that opens a tag, an end tag, a comment or raw text. Repeats are possessive and ends optional, so a
# token that never ends takes the rest of the page (as the standard has it) instead of being tried again at every "<".
ATTRIBUTES = r"""(?:[^>=]++|=[ \t\n\f\r]*+(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z))?+)*+"""
TOKEN = re.compile(
    rf"""<(?:
        (?P<raw>script|style|textarea|title|noscript|iframe|noembed|noframes|xmp)(?=[ \t\n\f\r/>])(?P<raw_attributes>{ATTRIBUTES})>?
        (?P<body>[^<]*+(?:<(?!/(?P=raw)[ \t\n\f\r/>])[^<]*+)*+)(?:</[^>]*+>?)?+
      | (?P<open>[a-z][^ \t\n\f\r/>]*+)(?P<attributes>{ATTRIBUTES})>?
      | /(?P<close>[a-z][^ \t\n\f\r/>]*+){ATTRIBUTES}>?
      | !--(?:-?>|(?:[^-]++|-(?!-!?>))*+(?:--!?>)?+)
      | [!?/][^>]*+>?
    )""",
    re.I | re.X,
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
    return SPECIAL.sub(_decoded, text).strip(SPACE)


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
MARKS = {"a": "linked", "b": "bold", "strong": "bold", "i": "italic", "em": "italic"}
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
STATED = frozenset([*MARKS, *MUTED, "tr", "pre", "listing"])
# What an end tag does not reach beyond.
SCOPE = P_BARRIERS - {"button"}
BARRIERS = dict.fromkeys(["td", "th", "tr", "thead", "tbody", "tfoot", "caption"], TABLE)
BARRIERS |= dict.fromkeys(["table", "html", "body", "template"], frozenset(["template"]))
FOREIGN = frozenset(["svg", "math"])
HEAD = frozenset(["base", "basefont", "bgsound", "link", "meta", "template"])
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
    """Source characters [start, end), shown without a break inside; `marks` says in which of MARKS they stand."""

    start: int
    end: int
    separator: int
    node: int
    inner: int
    link: int
    pre: bool
    marks: tuple[int, int, int]


class _Tree:
    """The elements, runs of visible text, cuts (stretches taken away by name) and facts of one page, in one pass."""

    def __init__(self, source: str):
        self.source = source
        self.nodes = Nodes([0], [""], [""])
        self.runs: list[Run] = []
        self.cuts: list[tuple[int, int, str]] = []
        self.facts: list[Fact] = []
        self.stack, self.blocks = [0], [0]
        self.counts: dict[str, int] = defaultdict(int)
        self.marks = dict.fromkeys(MARKS.values(), 0)
        self.muted: list[int] = []
        self.rows: dict[int, int] = {}
        self.values: dict[int, tuple[list[str], int]] = {}
        self.separator, self.pre, self.link_end = BLOCK, 0, -1
        at = 0
        for token in TOKEN.finditer(source):
            start, end = token.span()
            if start > at:
                self._text(at, start)
            at = end
            kind = token.lastgroup
            if kind == "attributes":
                self._open(token["open"].lower(), token["attributes"], start, token.start("attributes"))
            elif kind == "close":
                self._close(token["close"].lower(), end)
            elif kind == "body":
                self._raw(token["raw"].lower(), token, start, end)
            elif source.startswith("<!--", start):
                self.cuts.append((start, end, "comment"))
        if at < len(source):
            self._text(at, len(source))
        self._drop(1)

    # -------- elements

    def _open(self, tag: str, written: str, start: int, at: int) -> None:
        if tag in ("html", "body") and self.counts[tag]:
            return
        if self.muted:
            top = self.nodes.tags[self.muted[-1]]
            if (top == "svg" and tag in BLOCKS) or (top == "head" and tag not in HEAD):
                self._close(top, start)
        if tag in IMPLIED:
            self._imply(*IMPLIED[tag])
        if tag in HEADINGS and self.nodes.tags[self.stack[-1]] in HEADINGS:
            self._drop(len(self.stack) - 1)
        if tag in BLOCKS:
            self._separate(CELL if tag in CELLS else BLOCK)
        elif tag == "br":
            self._separate(BROKEN)
        elif tag in ("img", "input") or (tag == "a" and start == self.link_end):
            self._separate(SPACED)
        if written and (tag in SPEAKING or "itemprop" in written):
            self._noted(tag, written, at)
        if tag not in VOID and not (written.endswith("/") and (tag in FOREIGN or self.muted)):
            self._push(tag, written)

    def _push(self, tag: str, written: str) -> None:
        if len(self.stack) >= MAX_DEPTH:
            self._drop(len(self.stack) - 1)
        nodes, stack = self.nodes, self.stack
        node = len(nodes.tags)
        nodes.parents.append(stack[-1])
        nodes.tags.append(tag)
        nodes.attributes.append(written)
        self.blocks.append(node if tag in BLOCKS else self.blocks[-1])
        stack.append(node)
        self.counts[tag] += 1
        if tag in STATED:
            self._stated(tag, node)

    def _imply(self, closed: frozenset[str], barriers: frozenset[str]) -> None:
        counts, tags = self.counts, self.nodes.tags
        if not any(counts[tag] for tag in closed):
            return
        for i in range(len(self.stack) - 1, 0, -1):
            tag = tags[self.stack[i]]
            if tag in closed:
                self._leave(i)
                if not any(counts[other] for other in closed):
                    return
            elif tag in barriers:
                return

    def _close(self, tag: str, end: int) -> None:
        if tag == "a":
            self.link_end = end
        if not self.counts[tag]:
            if tag in ("p", "br"):
                self._separate(BLOCK if tag == "p" else BROKEN)
            return
        tags = self.nodes.tags
        barriers = BARRIERS.get(tag, SCOPE)
        for i in range(len(self.stack) - 1, 0, -1):
            if tags[self.stack[i]] == tag:
                return self._leave(i)
            if tags[self.stack[i]] in barriers:
                return None

    def _leave(self, i: int) -> None:
        """Close stack[i]: with all inside it, or alone if it is an inline element with blocks inside (<b><p></b>text</p>)."""
        if self.blocks[-1] == self.blocks[i] or self.blocks[i] == self.stack[i]:
            return self._drop(i)
        del self.blocks[i]
        self._left(self.stack.pop(i))

    def _drop(self, i: int) -> None:
        while len(self.stack) > i:
            self.blocks.pop()
            self._left(self.stack.pop())

    def _left(self, node: int) -> None:
        tag = self.nodes.tags[node]
        self.counts[tag] -= 1
        if tag in STATED:
            self._unstated(tag, node)
        if tag in BLOCKS:
            self._separate(CELL if tag in CELLS else BLOCK)
        if node in self.values:
            self._valued(*self.values.pop(node))

    def _stated(self, tag: str, node: int) -> None:
        """Elements that change how what is in them is read."""
        if tag in MARKS:
            self.marks[MARKS[tag]] += 1
        elif tag in MUTED:
            self.muted.append(node)
        elif tag == "tr":
            self.rows[node] = len(self.runs)
        else:
            self.pre += 1

    def _unstated(self, tag: str, node: int) -> None:
        if tag in MARKS:
            self.marks[MARKS[tag]] -= 1
        elif tag in MUTED:
            self.muted.remove(node)
        elif tag == "tr":
            self._row(self.rows.pop(node))
        else:
            self.pre -= 1

    def _row(self, first: int) -> None:
        """The cells of a row stand on one line if all are short and none is broken itself."""
        row = self.runs[first:]
        if all(run.separator <= CELL for run in row[1:]) and all(run.end - run.start <= CELL_WIDTH for run in row):
            return
        self.runs[first:] = [run._replace(separator=BLOCK) if run.separator == CELL else run for run in row]

    def _raw(self, tag: str, token: re.Match[str], start: int, end: int) -> None:
        if tag == "title" and not any(fact.source == "title" for fact in self.facts):
            self._fact("title", "title", *token.span("body"))
        elif tag == "script" and "ld+json" in token["raw_attributes"].lower():
            self.facts += islice(json_facts(self.source, *token.span("body")), max(0, MAX_FACTS - len(self.facts)))
        if tag in BLOCKS:
            self._separate(BLOCK)
        self.cuts.append((start, end, RAW_RULES.get(tag, "embedded")))

    # -------- text

    def _separate(self, separator: int) -> None:
        if separator > self.separator and not self.muted:
            self.separator = separator

    def _text(self, start: int, end: int) -> None:
        text = self.source[start:end]
        if self.muted and not text.isspace() and self.nodes.tags[self.muted[-1]] == "head":
            self._close("head", start)
        if self.muted:
            if not text.isspace():
                self.cuts.append((start, end, MUTED[self.nodes.tags[self.muted[-1]]]))
            return
        if self.pre:
            return self._preformatted(start, text)
        left = text.lstrip(SPACE)
        if len(left) < len(text):
            self._separate(SPACED)
        right = left.rstrip(SPACE)
        if right and right[0] == "&" and BLANKS.fullmatch(right):
            return self._separate(SPACED)
        if right:
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
        marks = self.marks
        self.runs.append(
            Run(
                start,
                end,
                self.separator,
                self.blocks[-1],
                self.stack[-1],
                self.link_end,
                self.pre > 0,
                (marks["linked"], marks["bold"], marks["italic"]),
            )
        )

    # -------- facts

    def _noted(self, tag: str, written: str, at: int) -> None:
        """The facts in a start tag, `written` at source character `at`."""
        found = {m[1].lower(): (m, m.lastindex) for m in reversed(list(ATTRIBUTE.finditer(written)))}
        values = {name: unescape(m[i] or "") if i > 1 else "" for name, (m, i) in found.items()}

        def fact(source: str, key: str, name: str) -> None:
            m, i = found[name]
            if values[name]:
                self.facts.append(Fact(source, key, values[name], at + m.start(i), at + m.end(i)))

        key = values.get("property") or values.get("name") or values.get("http-equiv") or ""
        if tag == "meta" and key and "content" in found:
            fact("og" if key.startswith(OPEN_GRAPH) else "meta", key.lower(), "content")
        elif tag == "meta" and "charset" in found:
            fact("meta", "charset", "charset")
        elif tag == "link" and "rel" in found and "href" in found:
            fact("link", values["rel"].lower(), "href")
        elif tag == "html" and ("lang" in found or "xml:lang" in found):
            fact("html", "lang", "lang" if "lang" in found else "xml:lang")
        elif tag == "time" and "datetime" in found:
            fact("time", "datetime", "datetime")
        names = values.get("itemprop", "").split()
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

    def _fact(self, source: str, key: str, start: int, end: int) -> None:
        self.facts.append(Fact(source, key, unescape(self.source[start:end]), start, end))


OPEN_GRAPH = ("og:", "article:", "twitter:", "book:", "profile:")
SPEAKING = frozenset(["meta", "link", "html", "time"])

JSON = re.compile(r'//|<!\[CDATA\[|\]\]>|"(?P<text>(?:[^"\\]++|\\.)*+)"|(?P<mark>[][{},:])|(?P<plain>[^][{},:"\s]++)', re.S)
JSON_DEPTH, JSON_NAME = 8, 60  # levels and characters of a name beyond which JSON-LD says nothing of an article
MAX_FACTS = 5000


def json_facts(source: str, start: int, end: int) -> Iterator[Fact]:
    """The strings, numbers and words of a JSON-LD script, by path. A lexer and not a parser, since pages hold what no parser
    takes: line ends in strings, commas too many, two objects in a row."""
    stack: list[list] = []  # open brackets: [path, name or place of the next value]; names are strings, None before one
    for m in JSON.finditer(source, start, end):
        top = stack[-1] if stack else ["", ""]
        mark = m["mark"]
        if mark == "{" or mark == "[":
            stack.append([_path(*top) if len(stack) < JSON_DEPTH else "", None if mark == "{" else 0])
        elif mark == "}" or mark == "]":
            del stack[-1:]
        elif mark == ",":
            top[1] = top[1] + 1 if isinstance(top[1], int) else None
        elif mark or not m.lastgroup:
            continue
        elif top[1] is None:
            top[1] = _plain(m["text"] or "")[:JSON_NAME]
        elif 0 < len(stack) <= JSON_DEPTH:
            value = (m["plain"] if m["text"] is None else _plain(m["text"])).strip()
            if value:
                yield Fact("json-ld", _path(*top), value, *m.span("text" if m["text"] is not None else "plain"))


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
    hidden = _hidden(tree.nodes)
    cuts = iter([*tree.cuts, (len(source), len(source), "")])
    cut = next(cuts)
    at = begin = length = 0
    for i, run in enumerate(tree.runs):
        inside = []
        while cut[0] < run.start:
            inside.append(cut)
            cut = next(cuts)
        gap = _gap(source, at, run.start, SEPARATORS[run.separator] if i else "", inside) if run.separator != PRE else []
        if line and run.separator >= BROKEN:
            elements.append(_element(line, begin, length, hidden))
            line = []
        length += run.start - at + _growth(gap)
        if not line:
            begin = length
        last = i + 1 == len(tree.runs) or tree.runs[i + 1].separator >= BROKEN
        own = _own(source, run, not line, last)
        length += run.end - run.start + _growth(own)
        changes += gap
        changes += own
        line.append(run)
        at = run.end
    if line:
        elements.append(_element(line, begin, length, hidden))
    rest = [cut for cut in (cut, *cuts) if cut[2]]
    return changes + _gap(source, at, len(source), "", rest), elements


def _growth(changes: list[Change]) -> int:
    return sum([len(c.after) - c.end + c.start for c in changes])


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


def _element(line: list[Run], start: int, end: int, hidden: list[bool]) -> Element:
    head, linked, bold, italic, cells, links = line[0], 0, 0, 0, 0, set()
    for run in line:
        width, (in_link, in_bold, in_italic) = run.end - run.start, run.marks
        if in_link:
            linked += width
            links.add(run.link)
        bold += width if in_bold else 0
        italic += width if in_italic else 0
        cells += run.separator == CELL
    return Element(
        start, end, head.node, head.inner, linked, len(links), bold, italic, BREAKS[head.separator], cells + bool(cells), hidden[head.inner]
    )


HIDING = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)
ATTRIBUTES_READ = 2000  # characters of a start tag that are looked at for what hides it


def _hidden(nodes: Nodes) -> list[bool]:
    """For every element, whether it or one around it is hidden by its own style or attribute."""
    found = [False]
    for parent, written in zip(nodes.parents[1:], nodes.attributes[1:], strict=True):
        hides = found[parent]
        if not hides and written and ("hidden" in written or "none" in written or "HIDDEN" in written):
            values = attributes(written[:ATTRIBUTES_READ])
            hides = "hidden" in values or bool(HIDING.search(values.get("style", "")))
        found.append(hides)
    return found
