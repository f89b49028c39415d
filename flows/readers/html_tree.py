"""The elements, runs of visible text and facts of a page, read in one pass.

Part of the HTML reader. It keeps source positions, which the parsers that build a whole tree give up, and does not reparent elements
that stand in the wrong place.
"""

import re
from itertools import islice
from typing import NamedTuple

from flows.readers.html_facts import MAX_FACTS, Fact, json_facts
from flows.readers.html_tokens import (
    ATTRIBUTE,
    BLANK,
    BLANK_REFERENCE,
    COMMENT,
    DRAWING,
    END,
    RAW,
    SPACE,
    START,
    TOKEN,
    WRITTEN,
    hides,
    unescape,
)


class Nodes(NamedTuple):
    """The elements of a page in document order; node 0 is the page itself. `attributes` are as written."""

    parents: list[int]
    tags: list[str]
    attributes: list[str]


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


class Tree:
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
        if written and ("hidden" in written or "none" in written or "HIDDEN" in written) and hides(written):
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
        n, (node, block, _) = self.counts, self.stack[-1]
        linked, bold, italic = n[LINK] > 0, n[BOLD] + n[STRONG] > 0, n[ITALIC] + n[EMPHASIS] > 0
        run = start, end, self.separator, block, node, self.pre > 0, self.link_end, linked, bold, italic, bool(self.hiding)
        self.runs.append(tuple.__new__(Run, run))  # as Run(...), in half the time

    # -------- facts

    def _noted(self, tag: str, written: str, at: int) -> None:
        """The facts in a start tag, `written` at source character `at`."""
        if tag == "link" and not PAGE_LINK.search(written.lower()):
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
PAGE_LINK = re.compile(r"canonical|amphtml|author|license|shortlink|hreflang")
OPEN_GRAPH = ("og:", "article:", "twitter:", "book:", "profile:")
