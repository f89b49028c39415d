"""Reported speech in Russian, Turkish and Azerbaijani: a few sure patterns around listed cues.

Russian has its content after "что" or before "сказал X"; Turkish and Azerbaijani have it before the verb that ends the
sentence, or after "ki". A cue in none of these patterns attributes nothing: precision before coverage.
"""

from functools import cache
from itertools import compress
from typing import NamedTuple

from flows.stages.attribute_content import Draft, Found, draft, scope
from flows.stages.attribute_sources import Range
from flows.stages.attribute_words import QUOTE_MARKS, Cue, Entry, Words, lists

# A source has no more tokens than this; a cue and the conjunction that opens its content stand no further apart.
SOURCE_TOKENS = 12
GAP_TOKENS = 8
_BREAKS = frozenset([*",;:—–-()"]) | QUOTE_MARKS


class Grammar(NamedTuple):
    """What is listed for a language; `final`: its verb ends the clause. `after` stand before a source, `before` after it."""

    final: bool
    cues: dict[str, list[tuple[tuple[str, ...], Entry]]]
    opens: frozenset[str]
    stops: frozenset[str]
    leads: frozenset[str]
    says: frozenset[str]
    how: str


@cache
def grammar(language: str) -> Grammar:
    told = lists(language)
    cues: dict[str, list[tuple[tuple[str, ...], Entry]]] = {}
    adverbials = {frame: Entry("adverbial", frozenset([frame]), "neutral", None, "", False) for frame in ("after", "before")}
    phrases = [(phrase, entry) for frame, entry in adverbials.items() for phrase in told[frame]]
    for group in told["verbs"]:
        entry = Entry("verb", frozenset(group["frames"].split()), group["class"], group["direction"], "", False)
        phrases += [(form, entry) for forms in group["words"] for form in forms.split("/")]
    for phrase, entry in phrases:
        first, *rest = phrase.split()
        cues.setdefault(first, []).append((tuple(rest), entry))
    for options in cues.values():
        options.sort(key=lambda option: -len(option[0]))
    opens, stops, leads, says = (frozenset(told.get(key, "").split()) for key in ("opens", "stops", "leads", "says"))
    return Grammar(told["order"] == "final", cues, opens, stops, leads, says, told.get("how", ""))


def reported(sentence: Words, quotes: list[Range], language: str) -> list[Draft]:
    """The attributions of one sentence, in the order of their cues; `quotes` are the quotations that stand in it."""
    of, drafts = grammar(language), []
    # A capital İ in lower case is an i and a combining dot.
    sentence = sentence._replace(lower=[word.replace("i̇", "i") for word in sentence.lower])
    for cue in _cues(sentence, of):
        low, high = scope(sentence, cue, quotes)
        read = _adverbial if cue.entry.kind == "adverbial" else _final if of.final else _medial
        found = read(sentence, cue, low, high, of)
        if found:
            made = draft(sentence, cue, *found)
            made.holder = _name(sentence, found[0])
            drafts.append(made)
    return drafts


def _cues(sentence: Words, of: Grammar) -> list[Cue]:
    lower, found, at = sentence.lower, [], 0
    for i in compress(range(len(lower)), map(of.cues.__contains__, lower)):
        options = of.cues[lower[i]] if i >= at else ()
        fitting = next(((r, e) for r, e in options if tuple(lower[i + 1 : i + 1 + len(r)]) == r), None)
        if fitting:
            at = i + 1 + len(fitting[0])
            found.append(Cue(i, at, fitting[1]))
    return found


def _before(sentence: Words, i: int, low: int, of: Grammar) -> Range | None:
    """The words before token `i`, back to a mark, as a source."""
    j = i
    while j > low and i - j < SOURCE_TOKENS and sentence.lower[j - 1] not in _BREAKS and sentence.lower[j - 1] not in of.opens:
        j -= 1
    while j < i and sentence.lower[j] in of.leads:
        j += 1
    return (j, i) if j < i else None


def _after(sentence: Words, i: int, high: int, of: Grammar) -> Range | None:
    """The words from token `i` on, up to a mark or a preposition, as a source."""
    j = i
    while j < high and j - i < SOURCE_TOKENS and sentence.lower[j] not in _BREAKS and sentence.lower[j] not in of.stops:
        j += 1
    return (i, j) if j > i else None


def _adverbial(sentence: Words, cue: Cue, low: int, high: int, of: Grammar) -> Found | None:
    """Of "По словам X, CONTENT", "CONTENT, по словам X"; "X'e göre CONTENT"."""
    if "before" in cue.entry.frames:
        source = _before(sentence, cue.first, low, of)
        start = cue.last + (cue.last < high and sentence.lower[cue.last] == ",")
        return (source, [(start, high)]) if source and start < high else None
    source = _after(sentence, cue.last, high, of._replace(stops=frozenset()))
    if not source:
        return None
    if cue.first - low < 2:
        return (source, [(source[1] + 1, high)]) if source[1] + 1 < high else None
    return source, [(low, cue.first - (sentence.lower[cue.first - 1] == ","))]


def _medial(sentence: Words, cue: Cue, low: int, high: int, of: Grammar) -> Found | None:
    """Of "X сказал, что CONTENT", "X сказал: «CONTENT»", "CONTENT, сказал X", "как сказал X, CONTENT"."""
    lower, i = sentence.lower, cue.last
    inverted = cue.first == low or lower[cue.first - 1] in _BREAKS or lower[cue.first - 1] == of.how
    source = _after(sentence, i, high, of) if inverted else _before(sentence, cue.first, low, of)
    opening = next((j for j in range(i, min(high, i + GAP_TOKENS)) if lower[j] in of.opens and lower[j - 1] == ","), None)
    if opening is not None:
        return source, [(opening, high)]
    gap = next((j for j in range(i, min(high, i + GAP_TOKENS)) if lower[j] in _BREAKS), high)
    if cue.first - low == 1 and lower[low] == of.how and gap + 1 < high:
        return source, [(gap + 1, high)]
    if cue.first - low > 2 and inverted and "quote" in cue.entry.frames:
        return source, [(low, cue.first - (lower[cue.first - 1] == of.how))]
    if gap < high and lower[gap] == ":":
        return source, [(gap + 1, high)][: gap + 1 < high]
    if i < high and lower[i] in QUOTE_MARKS:
        return source, [(i, high)]
    if cue.entry.frames & {"object", "to"} and i < high and lower[i] not in _BREAKS and not inverted:
        return source, [(i, high)]
    return None


def _final(sentence: Words, cue: Cue, low: int, high: int, of: Grammar) -> Found | None:
    """Of "X dedi ki, CONTENT", "X, CONTENT söyledi", "“CONTENT” dedi", "CONTENT, deyə X bildirib"."""
    lower, i = sentence.lower, cue.last
    if i < high and lower[i] in of.opens:
        start = i + 1 + (i + 1 < high and lower[i + 1] in _BREAKS - QUOTE_MARKS)
        return _before(sentence, cue.first, low, of), [(start, high)][: start < high]
    if i < high and lower[i] == ":" and i + 1 < high:
        return _before(sentence, cue.first, low, of), [(i + 1, high)]
    if cue.first > low and lower[cue.first - 1] in QUOTE_MARKS and "quote" in cue.entry.frames:
        opening = next((j for j in range(cue.first - 2, low - 1, -1) if lower[j] in QUOTE_MARKS), low)
        return _before(sentence, opening - (lower[opening - 1] == ","), low, of) if opening else None, [(opening, cue.first)]
    said = next((j for j in range(cue.first - 1, max(low, cue.first - SOURCE_TOKENS), -1) if lower[j] in of.says), None)
    if said is not None:
        named = said + 1 < cue.first
        source, end = ((said + 1, cue.first) if named else None), said - (lower[said - 1] in _BREAKS - QUOTE_MARKS)
        start, opener = (low, None) if named else _opening(sentence, low, end)
        return (source or opener), [(start, end)]
    start, source = _opening(sentence, low, cue.first)
    return (source, [(start, cue.first)]) if cue.first - start > 1 else None


def _opening(sentence: Words, low: int, end: int) -> tuple[int, Range | None]:
    """Where content begins that ends at `end`, and the source before it: what a comma or a quotation mark closes, or the
    names that begin the sentence."""
    lower, j = sentence.lower, low
    while j < end and j - low <= SOURCE_TOKENS and lower[j] not in _BREAKS:
        j += 1
    if low < j < end and lower[j] in _BREAKS and j - low <= SOURCE_TOKENS:
        return j + (lower[j] not in QUOTE_MARKS), (low, j)
    if j == low and j < end and lower[j] in QUOTE_MARKS:
        return low, None
    j = low
    while j < end and sentence.capital(j):
        j += 1
    return (j, (low, j)) if j > low else (low, None)


def _name(sentence: Words, source: Range | None) -> str | None:
    """The source if it is nothing but a name, without the suffix an apostrophe sets off; one word that begins the
    sentence may be any."""
    if not source or source == (0, 1) or not all(map(sentence.capital, range(*source))):
        return None
    return sentence.text[sentence.starts[source[0]] : sentence.ends[source[1] - 1]].split("'")[0].split("’")[0]
