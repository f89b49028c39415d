"""What every line of a dump is: a unit of the article, or what the rule says that removes it.

Part of the strip stage.
"""

import math
import re
from itertools import compress, groupby
from operator import eq
from typing import NamedTuple

import numpy as np

from flows.shapes import CHARS, DIGITS, FINISHED, N_WORDS
from flows.stages.strip_body import QUOTE_WORDS, QUOTED_FROM, SHORT, body_lines, is_heading, standing_twice
from flows.stages.strip_forest import calibration, probabilities
from flows.stages.strip_front import front
from flows.stages.strip_lines import (
    BULLET,
    BYLINE_WORDS,
    DATE,
    LONG,
    NOTES,
    TIME,
    Page,
    is_disclaimer,
    is_note,
    known_words,
    named_rules,
)

# What counts as the article's text. Titles, bylines and notes are kept beside it.
BODY_UNITS = frozenset(["standfirst", "heading", "paragraph", "list_item", "quote", "table"])
AUTHOR_BOX_WORDS, CAPTION_WORDS = 40, 20
SPOKEN_WORDS = 4  # of a pull quote that stands in quotation marks in the text
WORD = re.compile(r"\w+")


class Labels(NamedTuple):
    """Of each line its unit, or the rule that removes it, and how sure that is."""

    units: list[str | None]
    rules: list[str | None]
    confidences: list[float]


def label_lines(page: Page) -> tuple[Labels, float]:
    """What every line is, and how surely the page as a whole is right."""
    rules = named_rules(page)
    if not rules:
        return Labels([], [], []), 0.0
    p, around = probabilities(page, rules)
    _name_author_boxes(page, rules)
    _name_print_headers(page, rules)
    _name_captions(page, rules)
    within = np.flatnonzero(body_lines(page, rules, p)).tolist()
    finished = [i for i in within if page.shapes[FINISHED, i] and page.counts[i] >= SHORT]
    body = [i for i in finished if page.counts[i] >= LONG] or [i for i in within if page.counts[i] >= LONG] or finished
    if not body:
        return Labels([None] * len(rules), [rule or "navigation" for rule in rules], [1.0] * len(rules)), 0.0
    units = front(page, rules, within, body, p, around)
    text = "\n".join([page.norms[i] for i in within])
    twice = standing_twice(page, within) if len(text) < QUOTED_FROM else frozenset()
    for i, after in zip(within, [*within[1:], None], strict=True):
        if i not in units:
            units[i] = _unit(page, within, text, i, after, i in twice)
    _name_notes(page, rules, units, body)
    _sign_letters(page, rules, units, body)
    _end_author_notes(page, rules, units, body[-1])
    return _named(page, rules, units, p), _confidence(units, p, page.shapes)


def _confidence(units: dict[int, str], p: np.ndarray, looks: np.ndarray) -> float:
    """That F1 of the body's characters is at least .9: from the F1 to expect if each line is wrong as often as the forests say."""
    return round(1 / (1 + math.exp(-float(calibration() @ evidence(units, p, looks)))), 2)


def evidence(units: dict[int, str], p: np.ndarray, looks: np.ndarray) -> np.ndarray:
    """What the confidence of a page is reckoned from: 1, log odds of the expected F1, log of the body's words, share of doubtful ones."""
    inside, mass = [i for i, unit in units.items() if unit in BODY_UNITS], looks[CHARS] * p
    kept = looks[CHARS, inside].sum()
    expected = min(max(2 * mass[inside].sum() / max(kept + mass.sum(), 1), 0.01), 0.99)
    doubtful = looks[CHARS, np.abs(p - 0.5) < 0.3].sum() / max(kept, 1)
    return np.array([1, math.log(expected / (1 - expected)), math.log1p(looks[N_WORDS, inside].sum()), min(doubtful, 1)])


def _name_notes(page: Page, rules: list[str | None], units: dict[int, str], body: list[int]) -> None:
    """Notes of the editors, from the first unit to a little below the last paragraph; disclaimers only around the body."""
    start, end = min([body[0], *units]), min(body[-1] + 4, len(rules))
    notes = [i for i in np.flatnonzero(page.opening[start:end] & NOTES).tolist() if is_note(page.lines[start + i], page.norms[start + i])]
    found = [start + i for i in notes]
    found += [i for i in (*range(start, body[0]), *range(body[-2:][0], end)) if not rules[i] and is_disclaimer(page, i)]
    units.update((i, "note") for i in found if units.get(i) not in ("title", "byline"))


GREETED = re.compile(r"(?: [^\W\d]+){0,3}\s?(?:[,:!،—–-]|$)")
OPENING = '“"„«‘‹「『'


def _unit(page: Page, within: list[int], body: str, i: int, after: int | None, twice: bool) -> str:
    line, norm, count = page.lines[i], page.norms[i], page.counts[i]
    if BULLET.match(line):
        return "list_item"
    if line.count("\t") + line.count(" | ") >= 2:
        return "table"
    if twice and SPOKEN_WORDS <= count <= QUOTE_WORDS[1] and body.count(norm) > 1 and _is_pulled(page, within, line, count):
        timed = i > 0 and TIME.fullmatch(page.lines[i - 1])  # above a line of a live blog: its heading
        if not timed:
            return "quote"
    return "heading" if is_heading(page, i, after) else "paragraph"


def _is_pulled(page: Page, within: list[int], line: str, count: int) -> bool:
    """Whether a line that stands twice is no chance: it is long enough, or stands in quotation marks elsewhere."""
    if count >= QUOTE_WORDS[0]:
        return True
    text = "\n".join([page.lines[i] for i in within])
    return any(f"{mark}{line}" in text for mark in OPENING)


SIGNATURE_WORDS = 8


def _sign_letters(page: Page, rules: list[str | None], units: dict[int, str], body: list[int]) -> None:
    """A letter to the editor keeps its greeting, and below its last paragraph its writer: short lines in capitals that end no
    sentence."""
    greeted = [i for i in range(max(0, body[0] - 2), body[0] + 1) if not rules[i] and _is_greeting(page.lines[i], page.norms[i])]
    units.update((i, "paragraph") for i in greeted if i not in units)
    for i in range(body[-1] + 1, min(body[-1] + 3, len(rules)) if greeted else 0):
        words = page.lines[i].split()
        names = sum(word.strip("(—–-")[:1].isupper() for word in words)
        plain = not rules[i] and not page.vocabulary[:, i].any() and not page.shapes[DIGITS, i] and not page.shapes[FINISHED, i]
        if not (plain and len(words) <= SIGNATURE_WORDS and 2 * names > len(words)):
            break
        units[i] = "byline"


def _is_greeting(line: str, norm: str) -> bool:
    """Words such as "Dear Sir" with little and a comma, colon or dash behind them."""
    if not norm.startswith(known_words().greetings):
        return False
    greeting = next(start for start in known_words().greetings if norm.startswith(start))
    return bool(GREETED.match(line, len(greeting)))


def _end_author_notes(page: Page, rules: list[str | None], units: dict[int, str], last: int) -> None:
    """Lines from the last paragraph on that begin with a name of the byline say who the author is."""
    names = []
    for i in (i for i, unit in units.items() if unit == "byline"):
        words = WORD.findall(DATE.sub(" ", page.lines[i]).split(",")[0].casefold())
        words = words[1:] if words and words[0] in known_words().by else words
        each = [list(name) for joined, name in groupby(words, key=known_words().joining.__contains__) if not joined]
        names += [" ".join(name) for name in each if 2 <= len(name) <= 5]
    starts = tuple(names)
    named = [i for i, norm in enumerate(page.norms[last:], last) if norm.startswith(starts)] if names else []
    for i in named:
        if units.get(i, "paragraph") == "paragraph" and page.counts[i] <= AUTHOR_BOX_WORDS:
            units.pop(i, None)
            rules[i] = "author_box"


def _name_author_boxes(page: Page, rules: list[str | None]) -> None:
    """A name printed twice in a row heads an author box; its description may stand again elsewhere."""
    boxes = set()
    for i in compress(range(len(rules)), map(eq, page.norms, page.norms[1:])):
        if 2 <= page.counts[i] <= 5 and all(w[:1].isupper() for w in page.lines[i].split()):
            boxes.add(page.norms[i])
            if i + 2 < len(page.lines) and not page.shapes[FINISHED, i + 2] and page.counts[i + 2] > 5:
                boxes.add(page.norms[i + 2])
    for i, norm in enumerate(page.norms) if boxes else ():
        if norm in boxes and not rules[i]:
            rules[i] = "author_box"


PAGE_NUMBER = re.compile(r"\d{1,3}\s?/\s?\d{1,3}")


def _name_print_headers(page: Page, rules: list[str | None]) -> None:
    """The page numbers of a print, and the lines that stand again and again beside them."""
    short = (page.shapes[CHARS] <= 9) & (page.shapes[DIGITS] > 0)
    numbers = [i for i in np.flatnonzero(short).tolist() if PAGE_NUMBER.fullmatch(page.lines[i])]
    beside = [page.norms[j] for i in numbers for j in range(max(0, i - 3), min(i + 4, len(rules))) if page.counts[j] <= BYLINE_WORDS]
    headers = {norm for norm in beside if page.norms.count(norm) > 1} | {page.norms[i] for i in numbers}
    for i, norm in enumerate(page.norms) if headers else ():
        if norm in headers:
            rules[i] = rules[i] or "navigation"


CREDIT = re.compile(r"\(?([^\W\d]+)(?: [^\W\d]+)?\s?[:/©]")


def _name_captions(page: Page, rules: list[str | None]) -> None:
    """A short line, no sentence, that begins with a word such as "photo" and a colon."""
    for i in np.flatnonzero((page.vocabulary[3] > 0) & (page.shapes[N_WORDS] <= CAPTION_WORDS) & (page.shapes[FINISHED] == 0)).tolist():
        credit = CREDIT.match(page.lines[i])
        if credit and credit[1].casefold() in known_words().credit:
            rules[i] = rules[i] or "caption"


def _named(page: Page, rules: list[str | None], units: dict[int, str], p: np.ndarray) -> Labels:
    """Lines that name no rule take that of the line before them, or of the place they stand in."""
    credited, last = (page.vocabulary[3] > 0).tolist(), max(units)
    confidences = (1 - p).round(2).tolist()
    section, found = "navigation", list(map(units.get, range(len(rules))))
    for i, (unit, rule) in enumerate(zip(found, rules, strict=True)):
        if unit:
            section = "related" if i < last else "footer"
            confidences[i] = round(1 - confidences[i], 2)
        elif rule:
            section = rule
            confidences[i] = 1.0
        else:
            rules[i] = "caption" if credited[i] and section != "navigation" else section
    for i in units:
        rules[i] = None
    return Labels(found, rules, confidences)
