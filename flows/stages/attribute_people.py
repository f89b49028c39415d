"""People beyond the lexicon: names that what stands around them says are people's, and where these people are named again.

Part of the attribute stage.
"""

import json
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

from flows.stages.attribute_hits import Hit, hits_in
from flows.stages.attribute_inflection import TURKIC, inflected, lower
from flows.stages.attribute_lexicon import Form, Index, Lexicon, indexed
from flows.stages.attribute_pieces import HEADINGS, Piece, cut_name, listed

# Particles apart; longer rows of capitals are headlines and titles of works.
MAX_NAME_WORDS = 4


@cache
def _given_names() -> frozenset[str]:
    # The file of no stage: describe reads bylines by the same names.
    given = json.loads(Path(__file__).with_name("given_names.json").read_text(encoding="utf-8"))["names"]
    return frozenset(_bare(name) for names in given.values() for name in names.split())


def _bare(word: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", word.lower().replace("ı", "i")) if not unicodedata.combining(c))


class FullName(NamedTuple):
    """A person's full name as the document first writes it, from character `start`."""

    start: int
    text: str
    language: str | None
    entity_id: str | None


def people_told(piece: Piece, hits: Sequence[Hit]) -> Iterator[tuple[int, int]]:
    """Word ranges of names that what stands around them says are people's."""
    taken = {k for hit in hits for k in range(hit.first, hit.last)}
    is_byline = piece.unit == "byline"
    capitals = [
        i for i in piece.marked
        if (w := piece.words[i])[0].isupper() and i not in taken and (is_byline or len(w) == 1 or not w.isupper())
    ]  # fmt: skip
    if piece.unit in HEADINGS and 2 * len(capitals) > len(piece.words):
        return  # every word of a headline has a capital
    known, at = set(capitals), 0
    for i in capitals:
        if i >= at:
            at = _end_of_name(piece, i, known, is_byline)
            if at > i + 1:  # one word is no full name
                yield from _tried(piece, i, at, is_byline)


def _end_of_name(piece: Piece, first: int, capitals: set[int], is_byline: bool) -> int:
    """The word after the last of a row of capitals, particles between them included."""
    at = first + 1
    while True:
        gap, after = piece.gap(at - 1), at
        if gap == "'" and piece.language not in TURKIC and len(piece.word(at)) > 1 and piece.low(at) not in ("re", "ll", "ve"):
            at += 1  # Ze'ev
            continue
        while gap == " " and piece.word(after) in listed("particles") and after - at < 3:
            after, gap = after + 1, piece.gap(after)
        is_joined = gap in (" ", "-", "'") or (is_byline and gap in (" (", ") ")) or (gap == ". " and len(piece.word(at - 1)) == 1)
        if not (is_joined and after in capitals):
            return at
        at = after + 1


def _tried(piece: Piece, first: int, last: int, is_byline: bool) -> Iterator[tuple[int, int]]:
    """The name in a row of capitals, if it is a person's."""
    is_told = is_addressed = False
    role = max((k for k in range(first, last) if piece.low(k) in listed("roles")), default=first - 1)
    if role >= first:
        first, is_told = role, True
    while first < last and piece.low(first) in listed("address", "roles", "no_name"):
        if len(piece.word(first)) == 1 and piece.gap(first) == ". ":
            break  # an initial
        low, first = piece.low(first), first + 1
        is_addressed = low in listed("address")
        is_told = is_addressed or (is_told and low not in listed("no_name")) or low in listed("roles")
    given = _given_names()
    if first == 0 and last > 2 and _bare(piece.word(0)) not in given and _bare(piece.word(1)) in given:
        first = 1
    words = [w for w in piece.words[first:last] if w.lower() not in listed("particles")]
    if not 1 <= len(words) <= MAX_NAME_WORDS or any(_is_no_name(w) for w in words):
        return
    if len(words) == 1 or len(words[-1]) == 1:
        if is_addressed and len(words[-1]) > 1:
            yield first, last
        return
    is_given = len(words[0]) > 1 and _bare(words[0]) in given
    if is_given or is_told or is_byline or (piece.language != "de" and _is_told(piece, first, last)):
        yield first, last


def _is_no_name(word: str) -> bool:
    low = word.lower()
    return low in listed("things", "institutions") or (low in listed("no_name") and len(word) > 1) or not word[-1].isalpha()


def _is_told(piece: Piece, first: int, last: int) -> bool:
    """Whether a role or a verb of speech stands beside the name."""
    before, gap = piece.low(first - 1), piece.gap(first - 1)
    if before in listed("of") and piece.word(first - 2)[:1].isupper():
        return False  # the end of a longer name
    after, tail = piece.low(last), piece.gap(last - 1)
    if tail == " " and after in listed("roles"):
        return False  # "Harbour Watch president"
    # "deputy for roads, X Y," but "delegate X Y" and "counterpart, X Y".
    reach = 4 if gap == tail == ", " else 2 if gap == " " else 1
    if gap in (" ", ", ") and any(piece.low(first - k) in listed("roles") for k in range(1, reach + 1)):
        return True
    if (before in listed("speech") and gap in (" ", ": ")) or (before == "to" and piece.low(first - 2) == "according"):
        return True
    if tail == " ":
        return after in listed("speech") or (after.endswith(("ly", "о")) and piece.low(last + 1) in listed("speech"))
    is_described = after in ("who", "whose") or after in listed("speech")
    return tail == ", " and (is_described or any(piece.low(k) in listed("roles") for k in range(last, last + 4)))


class People(NamedTuple):
    """The forms by which a document's people are met again, and whom each means: full names, and surnames that only one has.
    Keys are the words of a form and what stands between them."""

    forms: Index
    full: Mapping[tuple, FullName]
    surnames: Mapping[tuple, FullName]


def people_of(names: Sequence[FullName]) -> People:
    """`names` may hold a person more than once, and surnames alone."""
    full: dict[tuple, FullName] = {}
    of_longer = {_surname(name.text) for name in names if " " in name.text}
    for name in sorted((name for name in names if name.text not in of_longer), key=lambda n: (len(n.text), n.start)):
        for key in _keys(name.text, name.language):
            full.setdefault(key, name)
    bearers: dict[tuple, set[FullName]] = defaultdict(set)
    for name in dict.fromkeys(full.values()):
        if (surname := _surname(name.text)) != name.text:
            for key in _keys(surname, name.language):
                bearers[key].add(name)
    surnames = {key: next(iter(who)) for key, who in bearers.items() if len(who) == 1 and key not in full}
    return People(indexed(Form(words, gaps, (), False, True, False) for words, gaps in (*full, *surnames)), full, surnames)


@lru_cache(maxsize=1 << 12)
def _keys(name: str, language: str | None) -> tuple[tuple, ...]:
    # A byline in capitals is the same person's as a name in the text.
    written = " ".join(word[:1] + lower(word[1:], language) for word in name.split(" ")) if name.isupper() else name
    return tuple(key for form in {**inflected(written, language, True, False), name: True} if (key := cut_name(form))[0])


def _surname(name: str) -> str:
    return name.split(" ")[-1]


def met_again(piece: Piece, people: People) -> Iterator[tuple[int, int, FullName]]:
    """Where the people are named: (first word, word after the last, who). A surname counts once the full name has stood."""
    for hit in hits_in(piece, people.forms):
        key = hit.form.words, hit.form.gaps
        name = people.full.get(key) or people.surnames[key]
        is_addressed = piece.low(hit.first - 1) in listed("address")
        is_full = key in people.full and (len(hit.form.words) > 1 or is_addressed)
        is_surname = key in people.surnames and piece.starts[hit.first] > name.start and (is_addressed or _stands_alone(piece, hit))
        if is_full or is_surname:
            yield hit.first, hit.last, name


def _stands_alone(piece: Piece, hit: Hit) -> bool:
    """Whether no other name stands beside the word."""
    before, after = piece.word(hit.first - 1), piece.word(hit.last)
    beside = before[:1].isupper() and piece.gap(hit.first - 1) in (" ", "-") and before.lower() not in listed("address", "roles", "no_name")
    return not beside and not (after[:1].isupper() and piece.gap(hit.last - 1) in (" ", "-") and piece.unit not in HEADINGS)


def is_namesake(piece: Piece, hit: Hit, lexicon: Lexicon) -> bool:
    """Whether another's given name stands before what the lexicon knows as a surname, or as no person's name."""
    entity = lexicon.entities[hit.form.entity_ids[0]]
    before = piece.word(hit.first - 1)
    is_name = before[:1].isupper() and not before.isupper() and not _is_no_name(before)
    if len(hit.form.words) > 1 or piece.gap(hit.first - 1) != " " or not is_name:
        return False
    return _bare(before) in _given_names() and (entity.type != "person" or _bare(before) not in _bare(entity.name).split())
