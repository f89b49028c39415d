"""Say of every line of a rendered HTML page whether it is the article, and what it is.

A line is kept with a unit (title, standfirst, byline, heading, paragraph, list_item, quote, caption, table, note) or removed under a
rule (navigation, advertisement, widget, share, related, author_box, comments, subscription, cookie, footer, hidden). Whether it is
content is the verdict of gradient-boosted trees over what the line looks like and where it stands in the document; a
second stage sees the first one's verdict on its neighbours. What it is follows from tags, class names and words.
The labeller only labels: it changes no text, and it knows no site.

The trees were trained on pages with hand-made gold by tests/benchmarks/train_strip_html.py; strip_html_model.json says on what.
"""

import re
from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path

import numpy as np

from flows.stages.strip_forest import Forest, probability
from flows.stages.strip_html_features import Seen, features, second
from flows.stages.strip_html_hints import AROUND, AROUND_AT, FAR, HINT_ORDER, WINDOW
from flows.stages.strip_lines import LONG, is_note
from flows.traced import Block, Traced

MODEL = Path(__file__).with_name("strip_html_model.npz")
ARRAYS = ("columns", "thresholds", "values")  # the fields of a forest, as the file calls them


@cache
def model() -> tuple[Forest, Forest]:
    """The forests of the two stages."""
    with np.load(MODEL) as file:
        first, then = (Forest(*(file[f"{stage}_{name}"] for name in ARRAYS)) for stage in ("first", "second"))
    return first, then


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
PULLED = re.compile(r"pull-?quote")
FINISHED = re.compile(r"[.!?…。！？।؟۔][\"'”’»«）)\]」』]*$")
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
    sure = np.where([unit in BODY for unit in units], content, (1 - content).round(4)).tolist()
    starts, ends, *_ = zip(*elements, strict=True)
    # As Block(...) for each line, in half the time.
    return list(map(partial(tuple.__new__, Block), zip(starts, ends, units, rules, sure, strict=True)))


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
    first, then = model()
    return probability(then, second(seen, probability(first, seen.features)))


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
    titles = [i for i, (e, told) in enumerate(zip(elements, seen.told[0].tolist(), strict=True)) if told or nodes.tags[e.node] == "h1"]
    body = sorted({*np.flatnonzero(kept).tolist()}.difference(titles))
    if not body:
        return [None] * len(elements)
    units: list[str | None] = [None] * len(elements)
    start = next((i for i in body if seen.counts[i] >= LONG and _unit(elements[i], nodes, seen, i) == "paragraph"), body[0])
    title = _title(elements, nodes, seen, [i for i in titles if i <= start])
    for i in body:
        units[i] = _unit(elements[i], nodes, seen, i)
        if i <= start and units[i] == "paragraph" and (seen.told[1, i] or _hint(seen, i, "lead") <= 2) and i < body[-1]:
            units[i] = "standfirst"
    captioned = seen.apart[[AROUND_AT["figcaption"], AROUND_AT["figure"]]].min(0) <= CAPTION_LEVELS
    for i in range(max(body[0] - BYLINE_LINES, 0), body[-1] + 1):
        if units[i] is None and i != title:
            units[i] = _beside(elements[i], seen, i, i <= start + 1, bool(captioned[i]))
    if title is not None:
        units[title] = "title"
    return units


def _title(elements, nodes, seen: Seen, candidates: list[int]) -> int | None:
    """The last <h1> before the text, one that the page also names as its title if there is such; else a line so named."""
    return max(
        [i for i in candidates if not elements[i].hidden],
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
    if seen.apart[AROUND_AT["blockquote"], i] <= 2 or PULLED.search(nodes.attributes[element.node][:WINDOW]):
        return "quote"
    return "note" if is_note(text, seen.norms[i]) else "paragraph"


def _beside(element, seen: Seen, i: int, early: bool, captioned: bool) -> str | None:
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
