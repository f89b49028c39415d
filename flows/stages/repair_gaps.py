"""Filling the gaps of a damaged line: what each lost byte made of its character, by what stands around it."""

import math
import re
from collections import Counter
from functools import lru_cache
from typing import NamedTuple

from flows.stages.repair_chances import ORDER, chance, is_known, log_chance, model
from flows.stages.repair_lattice import Gap

BEAM, BRANCHES = 8, 3
HOPELESS = 9.0  # nats behind the best
TAIL = 40  # characters of context that a hypothesis carries
SETTLED = 48  # gaps after which the best hypothesis is all that goes on
UNCLOSED = 1.5  # nats against a paragraph that ends inside a quotation
CAPITAL = 4.0  # nats against a capital after a small letter, or a small letter after capitals
EMPTY = 2.0  # nats for an empty quotation, which no clean text holds
DASH = 2.0  # nats for the kind of dash the text keeps to
SLOT_PRIOR = 3.0
TEMPERATURE = 0.45
SUREST, UNKNOWN = 0.98, 0.5  # confidence at most; of a character the model has not met

OPENERS = "\u201c\u201e\u2018\u201a"
# An opener and what closes it: English, German, Polish, inner quotations.
CLOSES = {"\u201c\u201d", "\u201e\u201c", "\u201e\u201d", "\u2018\u2019", "\u201a\u2018", "\u201a\u2019"}
# A right single mark before a letter is an apostrophe.
QUOTE = re.compile("[\u201c-\u201e\u2018\u201a]|\u2019(?![a-z])")


class Hypothesis(NamedTuple):
    score: float
    text: str  # the end of the line so far
    quotes: str  # what stands open in it
    choices: tuple[str, ...]  # what the gaps so far became


def calibrated(c: str, chance: float) -> float:
    """How often such a choice was right: measured, each half of the training data with the counts of the other half."""
    sure, unsure = chance**TEMPERATURE, max(0.0, 1 - chance) ** TEMPERATURE
    # The model knows East Asian characters by themselves only: of those that were to be the surest a fifth was wrong.
    known = is_known(c) and not "\u2e80" <= c < "\ufe00"
    return min(sure / (sure + unsure), SUREST if known else UNKNOWN)


def fillings(line: str, atoms: list, dash: str) -> list[tuple[str, float]]:
    """What each gap of the line becomes, with its chance: a beam over the line, since a quotation that opens wants to close."""
    pieces = _pieces(line, atoms)
    custom = custom_of("".join(known for known, _, _ in pieces))
    beam = [Hypothesis(0.0, "", "x", ())]
    chosen: list[tuple[str, float]] = []
    for known, gap, right in pieces:
        beam = [_grown(h, known) for h in beam]
        if gap:
            beam = [
                Hypothesis(h.score + more, h.text + c, h.quotes, (*h.choices, c))
                for h in beam
                for c, more in _likeliest(gap, h.text, right, h.quotes, custom, dash)
            ]
            if len(beam) > 1:
                beam = sorted(beam, key=_rank)[:BEAM]
                beam = [h for h in beam if h.score > beam[0].score - HOPELESS]
        if len(beam[0].choices) == SETTLED:
            best, found = _settled(beam)
            beam, chosen = [best._replace(score=0.0, choices=())], chosen + found
    beam = [h._replace(score=h.score - UNCLOSED * ("\u201c" in h.quotes)) for h in beam]
    return chosen + _settled(beam)[1]


def _rank(h: Hypothesis) -> tuple[float, tuple[str, ...]]:
    return -round(h.score, 6), h.choices


def _grown(h: Hypothesis, known: str) -> Hypothesis:
    text = h.text + known
    # The mark put in last is looked at only now: what follows tells an apostrophe.
    return Hypothesis(h.score, text[-TAIL:], open_quotes(text, h.quotes, max(0, len(h.text) - 1)), h.choices)


def _settled(beam: list[Hypothesis]) -> tuple[Hypothesis, list[tuple[str, float]]]:
    """The best hypothesis, and its choices with the share of the beam that agrees."""
    best = min(beam, key=_rank)
    if len(beam) == 1:
        return best, [(c, 1.0) for c in best.choices]
    weights = [math.exp(h.score - best.score) for h in beam]
    total = sum(weights)
    return best, [(c, sum(w for w, h in zip(weights, beam, strict=True) if h.choices[i] == c) / total) for i, c in enumerate(best.choices)]


def _pieces(line: str, atoms: list) -> list[tuple[str, str, str]]:
    """The line as (text up to a gap, gap, text right after it); the last gap is empty. Other gaps show as U+FFFD."""
    texts, gaps, at = [""], [], 0
    for start, end, symbols in atoms:
        texts[-1] += line[at:start]
        for symbol in symbols:
            if isinstance(symbol, Gap):
                gaps.append(symbol)
                texts.append("")
            else:
                texts[-1] += symbol
        at = end
    texts[-1] += line[at:]
    rights = [(t + "\ufffd" * (i < len(gaps)))[: ORDER - 1] for i, t in enumerate(texts)][1:]
    return list(zip(texts, [*gaps, ""], [*rights, ""], strict=True))


def _likeliest(symbol: str, left: str, right: str, quotes: str, custom: str, dash: str) -> list[tuple[str, float]]:
    """The likeliest characters of a gap between `left` and `right`, with the logarithms of their chances."""
    if "\u2000" <= symbol[0] <= "\u22ff":
        found = _likeliest_marks(symbol, script_of(left, right), left[-2:], right[:2], quotes, custom)
        if left[-1:] == " " and right[:1] in (".", ",") and right[1:2] == "\ufffd" and "\u201c" in symbol:
            # A quotation whose words are missing: what stood there was cut out with its link.
            return [("\u201c", 0.0), *((c, score - EMPTY) for c, score in found if c != "\u201c")]
        if dash and left[-1:] == " " and found[0][0] in "\u2013\u2014":
            return [(dash, 0.0), *((c, score - DASH) for c, score in found if c != dash)]
        return found
    return _likeliest_letters(symbol, left[1 - ORDER :].rjust(ORDER - 1, "\n"), (right or "\n").split("\ufffd")[0])


@lru_cache(1 << 15)
def _likeliest_letters(symbol: str, left: str, right: str) -> list[tuple[str, float]]:
    found = zip([log_chance(left + c) for c in symbol], symbol, strict=True)
    scored: list[tuple[str, float]] = []
    least = -math.inf
    for p, c in sorted(found, key=lambda x: (-round(x[0], 9), x[1]))[: 4 * BRANCHES]:
        odd = (c.isupper() and left[-1].islower()) or (c.islower() and left[-2:].isalpha() and left[-2:].isupper())
        text, score = left + c + right, p - CAPITAL * odd
        for i in range(ORDER, len(text)):
            if score < least:
                break  # what follows can only make it less
            score += log_chance(text[i - ORDER + 1 : i + 1])
        scored.append((c, round(score, 6)))
        least = max(least, score - HOPELESS - 1e-5)
    return _best(scored)


@lru_cache(1 << 15)
def _likeliest_marks(symbol: str, script: str, left: str, right: str, quotes: str, custom: str) -> list[tuple[str, float]]:
    found = _shares(symbol, tuple(slot_keys(script, left, right, quotes, custom)))
    return _best([(c, round(math.log(x), 6)) for c, x in found.items()])


@lru_cache(1 << 15)
def _shares(symbol: str, keys: tuple[str, ...]) -> dict[str, float]:
    """What a gap may become, with its chance: Dirichlet back-off (MacKay & Peto 1995) from the last context, the special one, to none."""
    if not keys:
        total = sum(map(chance, symbol))
        return {c: chance(c) / total for c in symbol}
    found, counts = _shares(symbol, keys[:-1]), model().slots.get(keys[-1])
    if not counts:
        return found
    if len(keys) == 1:  # what the general context does not hold no other does: of those the first are the likeliest
        others = [c for c in symbol if c not in counts][BRANCHES:]
        found = {c: x for c, x in found.items() if c not in others}
    total = sum([n for c, n in counts.items() if c in found]) + SLOT_PRIOR
    return {c: (counts.get(c, 0) + SLOT_PRIOR * x) / total for c, x in found.items()}


def _best(scored: list[tuple[str, float]]) -> list[tuple[str, float]]:
    first = sorted(scored, key=lambda x: (-x[1], x[0]))[:BRANCHES]
    return [x for x in first if x[1] > first[0][1] - HOPELESS]


def slot_keys(script: str, left: str, right: str, quotes: str, custom: str) -> list[str]:
    """The contexts of a punctuation mark, from general to special, as the model's `slots` name them."""
    left = "\n\n" + left[-2:]
    right = "".join(c if c.isascii() else "\x00" for c in (right + "\n\n")[:2])
    a, b, c = left[-1], left[-2:], right[0]
    shape, state = _shape(a) + _shape(c), (custom or script) + quotes
    return [
        "0" + script, f"1{script}{quotes}", f"2{script}{quotes}{shape}",
        f"3{state}{shape}", f"4{state}{a}{c}", f"5{state}{b}{c}", f"6{state}{b}{right}",
    ]  # fmt: skip


def script_of(left: str, right: str) -> str:
    """The script of the nearest letter before a mark: Latin, Cyrillic or Greek, another."""
    letter = right[:1]
    for c in reversed(left[-20:]):
        if c.isalpha():
            letter = c
            break
    return "L" if letter < "\u0370" else "C" if letter < "\u0530" else "O"


def _shape(c: str) -> str:
    if c.isalpha():
        return "a" if c.islower() else "A"
    return "0" if c.isdigit() else " " if c.isspace() else "." if c in ".,!?…" else "-"


# Letters that tell by whose custom a text is set: Polish, Nordic, German or Turkish, French or Italian, Spanish.
CUSTOMS = {c: name for name, letters in (("P", "ąęłśżźń"), ("N", "åøæ"), ("G", "äöüß"), ("F", "éèàçê"), ("S", "íóñú")) for c in letters}


def custom_of(line: str) -> str:
    """The typographic custom of a line by its letters, '' where they do not tell; Swedish, with more ö than å, by its å."""
    found = Counter(map(CUSTOMS.get, filter(CUSTOMS.__contains__, line[:1000])))
    if found.total() < 2:
        return ""
    return "N" if found["N"] else max("PGFS", key=found.__getitem__)


def open_quotes(text: str, quotes: str = "x", start: int = 0) -> str:
    """The quotation marks open at the end of the text, innermost last, where `quotes` were at `start`; "x": none was met yet."""
    for m in QUOTE.finditer(text, start):
        c, quotes = m[0], quotes.strip("x")
        if quotes[-1:] + c in CLOSES:
            quotes = quotes[:-1]
        elif c in OPENERS:
            quotes = (quotes + c)[-2:]
        elif c == "\u201d" and not quotes and text[m.start() - 1 : m.start()] in (" ", ""):
            quotes = "\u201c"  # Swedish and Finnish open with what closes
    return quotes
