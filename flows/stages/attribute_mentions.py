"""Mentions: where a text names a state, an organisation, a person or a place, and whom or what it means by it.

Part of the attribute stage. Names come from a lexicon (`entities.json` beside this file, and the corpus's own, which win); people
beyond it are read from bylines and from what stands around their names. A name is compared letter by letter with the forms that
its language can give it, and is never case-folded: "us" is no state, a turkey none either, and İ, I, ı and i stay four letters.
A state or its capital that decides or speaks is a metonym of its government; one in which something happens is a place.

What is in doubt keeps `entity_id` null, or is left out. Pronouns and offices ("the president") are not resolved.
"""

import json
import re
import unicodedata
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from itertools import accumulate, product
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple


class Mention(NamedTuple):
    """Characters [start, end) of the text, within segments[segment], name something.

    mention_type is `name`, `demonym` or `metonym`; `name` is the entity's, or the fullest that the document itself gives.
    """

    start: int
    end: int
    segment: int
    entity_id: str | None
    mention_type: str
    name: str


class Entity(NamedTuple):
    """`stands_for` is the entity meant where this one acts, as a government is by its state, capital or palace; `is_seat`: a
    palace, which mostly does. `near` are entities whose presence in a document tells this one from its namesakes; dates are ISO 8601,
    in reduced precision."""

    entity_id: str
    name: str
    type: str
    public_figure: bool
    wikidata_id: str | None = None
    iso_3166: str | None = None
    stands_for: str | None = None
    is_seat: bool = False
    near: tuple[str, ...] = ()
    valid_from: str | None = None
    valid_to: str | None = None


class Form(NamedTuple):
    """One way to write a name: its words and what stands between them. `is_bare` is without a case ending; `is_doubtful`
    means something else as often as not."""

    words: tuple[str, ...]
    gaps: tuple[str, ...]
    entity_ids: tuple[str, ...]
    is_demonym: bool
    is_bare: bool
    is_doubtful: bool


class Index(NamedTuple):
    """Forms by their words; `lengths` says of a first word how many words the forms have that begin with it, the most first. `lower`
    are the first words in lower case."""

    forms: Mapping[tuple[str, ...], tuple[Form, ...]]
    lengths: Mapping[str, tuple[int, ...]]
    lower: frozenset[str]


class Lexicon(NamedTuple):
    """Immutable. `forms` of a language, None for one that has none of its own; made when first asked for, as they are many."""

    entities: Mapping[str, Entity]
    forms: Callable[[str | None], Index]


# ---------------------------------------------------------------- the lexicon

# By language, then by the words of a form and what stands between them.
_Forms = dict[str | None, dict[tuple, Form]]


@lru_cache(maxsize=4)
def lexicon(own: tuple = ()) -> Lexicon:
    """The entities that ship with the stage and a corpus's `own` (rows of `flows.readers.entities`), whose forms win.

    A row has the fields of Entity but `is_seat` and `near`, and `aliases` and `demonyms`: tuples of (language or None, words).
    """
    entities = dict(_general())
    won: _Forms = defaultdict(dict)
    for row in own:
        said = {name: value for name in Entity._fields if (value := getattr(row, name, None)) is not None}
        entity = entities[row.entity_id] = entities[row.entity_id]._replace(**said) if row.entity_id in entities else Entity(**said)
        for form, language in _forms(entity, [(None, entity.name), *row.aliases], row.demonyms, ()):
            _add(won[language], form, entities)

    @cache
    def forms(language: str | None) -> Index:
        shipped = _general_forms(language)
        if language and not shipped and language not in won:
            return forms(None)
        return _indexed({**shipped, **won.get(None, {}), **won.get(language, {})}.values())

    return Lexicon(MappingProxyType(entities), forms)


@cache
def _general() -> Mapping[str, Entity]:
    return MappingProxyType({row["id"]: _entity(row) for row in _rows()})


@cache
def _general_forms(language: str | None) -> Mapping[tuple, Form]:
    entities = _general()
    found: dict[tuple, Form] = {}
    for row in _rows():
        names, demonyms = ([(language, name) for name in row.get(kind, {}).get(language, ())] for kind in ("names", "demonyms"))
        for form, _ in _forms(entities[row["id"]], names, demonyms, row.get("doubtful", ())):
            _add(found, form, entities)
    return found


@cache
def _rows() -> list[dict[str, Any]]:
    return json.loads(Path(__file__).with_name("entities.json").read_text(encoding="utf-8"))["entities"]


def _entity(row: dict[str, Any]) -> Entity:
    wikidata, iso, stands_for = row.get("wikidata"), row.get("iso"), row.get("stands_for")
    is_seat, near, valid_from, valid_to = row.get("seat", False), tuple(row.get("near", ())), row.get("from"), row.get("to")
    is_person = row["type"] == "person"
    return Entity(row["id"], row["name"], row["type"], is_person, wikidata, iso, stands_for, is_seat, near, valid_from, valid_to)


def _forms(entity: Entity, names: Iterable, demonyms: Iterable, doubtful: Sequence[str]) -> Iterator[tuple[Form, str | None]]:
    for is_demonym, listed in ((False, names), (True, demonyms)):
        for language, name in listed:
            for written, is_bare in _inflected(name, language, entity.type == "person", is_demonym).items():
                words, gaps = _cut(written)
                if words:
                    yield Form(words, gaps, (entity.entity_id,), is_demonym, is_bare, name in doubtful), language


def _add(forms: dict[tuple, Form], form: Form, entities: Mapping[str, Entity]) -> None:
    """A form that several entities have is all of theirs; a state wins over a place, a dictionary form over an inflected one."""
    key = form.words, form.gaps
    before = forms.get(key)
    if before is None or before.entity_ids == form.entity_ids:
        forms[key] = before._replace(is_bare=before.is_bare or form.is_bare) if before else form
        return
    is_place, was_place = (entities[f.entity_ids[0]].type == "place" for f in (form, before))
    if (form.is_demonym, not form.is_bare, is_place) < (before.is_demonym, not before.is_bare, was_place):
        forms[key] = form
    elif (form.is_demonym, form.is_bare, is_place) == (before.is_demonym, before.is_bare, was_place):
        forms[key] = before._replace(entity_ids=(*before.entity_ids, *form.entity_ids))


def _indexed(forms: Iterable[Form]) -> Index:
    same: dict[tuple[str, ...], tuple[Form, ...]] = {}
    for form in sorted(forms, key=lambda f: f.gaps):
        same[form.words] = (*same.get(form.words, ()), form)
    found: dict[str, tuple[int, ...]] = {}
    for first, n in sorted({(words[0], len(words)) for words in same}, reverse=True):
        found[first] = (*found.get(first, ()), n)
    kept = {lengths: lengths for lengths in found.values()}  # a few are shared by thousands of words
    lengths = {first: kept[of] for first, of in found.items()}
    return Index(MappingProxyType(same), MappingProxyType(lengths), frozenset(filter(str.islower, lengths)))


# ---------------------------------------------------------------- inflection


def _inflected(name: str, language: str | None, is_person: bool, is_demonym: bool) -> dict[str, bool]:
    """The forms of a name, each with whether it is the bare one. Too many forms do no harm: what nobody writes is never met."""
    forms = {name: True}
    if language == "ru":
        forms |= {form: form == name for form in _russian(name, is_person, is_demonym)}
    elif language in TURKIC and (language == "az" or is_demonym):  # Turkish sets the endings of names apart with an apostrophe
        forms |= {form: form == name for form in _turkic(name, language, is_demonym)}
    elif language == "en" and is_demonym and not name.endswith(("s", "sh", "ch", "ese", "men")):
        forms[f"{name}s"] = False
    if is_demonym or language in LOWER_NAMES:
        forms |= {_upper(form[0], language) + form[1:]: bare for form, bare in forms.items()}
    if name != name.upper() or len(name.split()) > 1:
        forms |= {_upper(form, language): bare for form, bare in forms.items()}
    return forms


LOWER_NAMES = ("ru",)
TURKIC = ("az", "tr")


def _upper(text: str, language: str | None) -> str:
    return (text.replace("i", "İ") if language in TURKIC else text).upper()


def _lower(text: str, language: str | None) -> str:
    return (text.replace("İ", "i").replace("I", "ı") if language in TURKIC else text).lower()


# Endings of the six Russian cases by the ending of the dictionary form, the longest first; a slash parts what occurs side by side.
_ADJECTIVES = {
    **{f"{c}кий": f"{c}кий {c}кого {c}кому {c}кий/{c}кого {c}ким {c}ком" for c in "сц"},
    "ый": "ый ого ому ый/ого ым ом", "ой": "ой ого ому ой/ого ым ом", "ий": "ий его/ого ему/ому ий/его/ого им ем/ом",
    "ая": "ая ой ой ую ой ой", "яя": "яя ей ей юю ей ей", "ое": "ое ого ому ое ым ом", "ее": "ее его ему ее им ем",
    "ие": "ие их им ие/их ими их", "ые": "ые ых ым ые/ых ыми ых",
}  # fmt: skip
_NOUNS = {
    "ия": "ия ии ии ию ией ии", "ство": "ство ства ству ство ством стве", "ий": "ий ия ию ий/ия ием ии", "ец": "ец ца цу ец/ца цем/цом це",
    "й": "й я ю й/я ем е", "ь": "ь я/и ю/и ь/я ем/ью е/и", "я": "я и/ы е/и ю ей е/и", "а": "а ы/и е у ой/ей е", "ы": "ы ов/ ам ы ами ах",
    **{c: f"{c} {c}а {c}у {c}/{c}а {c}ом/{c}ем {c}е" for c in "бвгджзклмнпрстфхцчшщ"},
}  # fmt: skip
_SURNAMES = {
    **{f"{e}а": f"{e}а {e}ой {e}ой {e}у {e}ой {e}ой" for e in ("ов", "ев", "ёв", "ин", "ын")},
    **{e: f"{e} {e}а {e}у {e}а {e}ым {e}е" for e in ("ов", "ев", "ёв", "ин", "ын")},
}
_PEOPLES = {
    "ец": "ец ца цу ца цем/цом це цы цев/цов цам цев/цов цами цах",
    "нин": "нин нина нину нина нином нине не н нам н нами нах",
}


def _russian(name: str, is_person: bool, is_demonym: bool) -> Iterator[str]:
    """A Russian name in its cases: adjectives up to the first noun, or all words of a person, with it; what follows stays."""
    words = name.split(" ")
    stems = []
    for at, word in enumerate(words):
        is_adjective = any(word.endswith(e) for e in _ADJECTIVES) and (is_demonym or is_person or at + 1 < len(words))
        stems.append(_cases(word, is_adjective, is_person, is_demonym))
        if not (is_adjective or is_person):
            break
    tail = words[len(stems) :]
    for case in range(max(map(len, stems))):
        for parts in product(*(s[case] if case < len(s) else s[-1] for s in stems)):
            yield " ".join([*parts, *tail])
    if is_demonym and len(words) == 1 and name.endswith("ий"):  # an adjective has three genders and a plural
        yield from (f"{name[:-2]}{ending}" for ending in "ая ой ую ою ое ие их ими".split())


def _cases(word: str, is_adjective: bool, is_person: bool, is_demonym: bool) -> list[list[str]]:
    tables = [_ADJECTIVES] if is_adjective else [*([_PEOPLES] if is_demonym else []), *([_SURNAMES] if is_person else []), _NOUNS]
    for table in tables:
        for ending in sorted(table, key=len, reverse=True):
            if len(word) > len(ending) + 1 and word.endswith(ending):
                return [[word[: -len(ending)] + e for e in case.split("/")] for case in table[ending].split()]
    return [[word]]


_BACK, _ROUND = "aıou", "ouöü"


def _turkic(name: str, language: str, is_demonym: bool) -> Iterator[str]:
    """An Azerbaijani or Turkish name with its case endings, by vowel harmony; of a people also in the plural."""
    yield from _cased(name, language)
    if is_demonym and (vowel := _last_vowel(name)):
        plural = f"{name}l{'a' if vowel in _BACK else _front(language)}r"
        yield plural
        yield from _cased(plural, language)


def _cased(name: str, language: str) -> Iterator[str]:
    vowel = _last_vowel(name)
    if not vowel:
        return
    wide = "a" if vowel in _BACK else _front(language)
    narrow = {(True, False): "ı", (True, True): "u", (False, False): "i", (False, True): "ü"}[vowel in _BACK, vowel in _ROUND]
    open_end = _is_vowel(name[-1])
    hard = "t" if language == "tr" and name[-1] in "fstkçşhp" else "d"
    buffer = "y" if language == "tr" else "n"
    yield from (name + ("n" if open_end else "") + narrow + "n", name + ("y" if open_end else "") + wide)
    yield from (name + (buffer if open_end else "") + narrow, f"{name}{hard}{wide}", f"{name}{hard}{wide}n")
    if open_end and name[-1] in "ıiuü":  # "Ştatları": the ending of a compound takes an n
        yield from (f"{name}n{end}" for end in (narrow, wide, f"d{wide}", f"d{wide}n"))


def _front(language: str) -> str:
    return "ə" if language == "az" else "e"


def _is_vowel(letter: str) -> bool:
    return letter.lower() in "aeıioöuüə" or letter == "İ"


def _last_vowel(name: str) -> str:
    return next((c for c in reversed(_lower(name, "tr")) if c in "aeıioöuüə"), "")


# ---------------------------------------------------------------- words

# Addresses are one word each, so that no name is found in them. Marks that combine belong to their letter.
_WORD = re.compile(r"((?:https?:|www\.)\S+|@?[^\W_][\w\u0300-\u036f\u064b-\u065f\u0670]*(?:@[\w.-]+)?)")
_COMBINING = re.compile(r"[\u0300-\u036f]")
# Characters that only look different: all of one width, so that places in the text stay.
_ALIKE = {"’": "'", "ʼ": "'", "‘": "'", "‐": "-", "‑": "-", "–": "-", "\xa0": " ", "\u202f": " ", "ё": "е", "Ё": "Е", "ي": "ی", "ك": "ک"}
# A longer stretch without a sentence's end is no prose; it is taken in pieces. Of a longer document the words are not kept
# for the second reading: a million characters' take some fifty megabytes.
MAX_PIECE, MAX_KEPT = 20_000, 1_000_000
# Units in which every word may have a capital.
HEADINGS = ("title", "heading")


def _plain(text: str) -> str:
    """The text with one spelling of what can be written in several, as long as before."""
    if not text.isascii():
        for written, meant in _ALIKE.items():  # many times faster than translate
            text = text.replace(written, meant)
    return text


@cache
def _data() -> dict[str, Any]:
    return json.loads(Path(__file__).with_name("attribute_mentions.json").read_text(encoding="utf-8"))


@cache
def _set(*names: str) -> frozenset[str]:
    return frozenset(word for name in names for word in _data()[name].split())


def _cut(name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    plain = _plain(unicodedata.normalize("NFC", name))
    if plain.isalpha():
        return (plain,), ()
    parts = _WORD.split(plain)
    return tuple(parts[1::2]), tuple(parts[2:-1:2])


class _Words(NamedTuple):
    """The words of a stretch of text, what stands after each, and where it begins and ends."""

    words: list[str]
    gaps: list[str]
    starts: list[int]
    ends: list[int]


class _Piece(NamedTuple):
    """A segment, or a stretch of a very long one, as words; `marked` are the places of those not in lower case."""

    segment: int
    unit: str
    language: str | None
    has_holes: bool
    words: list[str]
    gaps: list[str]
    starts: list[int]
    ends: list[int]
    marked: list[int]

    def gap(self, i: int) -> str:
        """What stands between word i and the next; runs of white space are one space."""
        if not 0 <= i < len(self.words) - 1:
            return "\n"
        gap = self.gaps[i]
        return " " if gap.isspace() else gap

    def word(self, i: int) -> str:
        return self.words[i] if 0 <= i < len(self.words) else ""

    def low(self, i: int) -> str:
        return self.word(i).lower()


def _pieces(text: str, segments: Sequence) -> Iterator[_Piece]:
    """The segments without parts of their own, in reading order."""
    plain, parents = _plain(text), {s.parent for s in segments}
    composed = not _COMBINING.search(plain)
    leaves = [(n, *window) for n, s in enumerate(segments) if n not in parents for window in _windows(plain, s.start, s.end)]
    for batch in _batches(leaves):
        found = _words(plain, batch[0][1], batch[-1][2])
        for number, start, end in batch:
            words, gaps, starts, ends = _part(found, start, end) or _words(plain, start, end)
            if not composed:
                words = [_plain(unicodedata.normalize("NFC", w)) for w in words]
            marked = [i for i, word in enumerate(words) if not word.islower()]
            segment = segments[number]
            has_holes = "elided_links" in getattr(segment, "defects", ())
            yield _Piece(number, segment.unit, segment.language, has_holes, words, gaps, starts, ends, marked)


def _batches(leaves: list[tuple[int, int, int]]) -> Iterator[list[tuple[int, int, int]]]:
    """Stretches that are cut into words together, which is faster than one by one."""
    at = 0
    while at < len(leaves):
        stop = at + 1
        while stop < len(leaves) and leaves[stop][2] - leaves[at][1] <= MAX_PIECE:
            stop += 1
        yield leaves[at:stop]
        at = stop


def _words(plain: str, start: int, end: int) -> _Words:
    parts = _WORD.split(plain[start:end])
    edges = list(accumulate(map(len, parts), initial=start))
    return _Words(parts[1::2], parts[2::2], edges[1:-1:2], edges[2::2])


def _part(found: _Words, start: int, end: int) -> _Words | None:
    """The words in text[start:end]; None where a word stands across its edge."""
    low, high = bisect_left(found.starts, start), bisect_left(found.starts, end)
    if (low and found.ends[low - 1] > start) or (low < high and found.ends[high - 1] > end):
        return None
    words, gaps, starts, ends = found
    return _Words(words[low:high], gaps[low:high], starts[low:high], ends[low:high])


def _windows(plain: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while end - start > MAX_PIECE:
        cut = plain.rfind(" ", start, start + MAX_PIECE) + 1 or start + MAX_PIECE
        yield start, cut
        start = cut
    yield start, end


# ---------------------------------------------------------------- what is in the lexicon


class _Hit(NamedTuple):
    """Words [first, last) of a piece are `form`."""

    first: int
    last: int
    form: Form


def _hits(piece: _Piece, index: Index) -> list[_Hit]:
    """The longest forms in the piece, from left to right."""
    found, at = [], 0
    places = piece.marked if index.lower.isdisjoint(piece.words) else range(len(piece.words))
    for i in [i for i in places if piece.words[i] in index.lengths]:
        if i >= at and (form := _longest(piece, i, index)) and not _is_part_of_other(piece, i, i + len(form.words), form):
            at = i + len(form.words)
            found.append(_Hit(i, at, form))
    return found


def _longest(piece: _Piece, i: int, index: Index) -> Form | None:
    for n in index.lengths[piece.words[i]]:
        for form in index.forms.get(tuple(piece.words[i : i + n]), ()):
            if _has_gaps(piece, i, form):
                return form
    return None


def _has_gaps(piece: _Piece, i: int, form: Form) -> bool:
    return all(piece.gap(i + k) == gap for k, gap in enumerate(form.gaps))


# English words that an acronym becomes where all is in capitals.
_SHOUTED = frozenset("US IT WHO UN AI".split())
_LANGUAGE_AFTER = re.compile(r"language|speak|grammar|alphabet|dictionary|язык|dil[ia]|sprach")


def _is_part_of_other(piece: _Piece, first: int, last: int, form: Form) -> bool:
    """Whether the words are no name here: part of a longer name, a language, or a word in capitals."""
    before, after = piece.gap(first - 1), piece.gap(last - 1)
    if after == " " and piece.word(last)[:1].isupper() and piece.low(last) in _set("institutions"):
        return True
    # A domain; the second half of a Persian compound.
    if (after == "." and piece.word(last)[:1].islower()) or before == "\u200c":
        return True
    if form.words[0] in _SHOUTED and len(form.words) == 1:
        neighbours = [w for w in (piece.word(first - 1), piece.word(last)) if len(w) > 1]
        if neighbours and all(w.isupper() for w in neighbours):
            return True
    if form.is_demonym:
        follows = piece.low(last) if after in (" ", "-") else ""
        alone = piece.low(first - 1) in _set("language_before") and not follows and form.is_bare
        return alone or bool(_LANGUAGE_AFTER.match(follows))
    hyphen = "-" in (before, after)
    named = [w for w, gap in ((piece.word(first - 1), before), (piece.word(last), after)) if gap == " " and w[:1].isupper()]
    return form.is_doubtful and (hyphen or any(w.lower() not in _set("no_name") for w in named))


# ---------------------------------------------------------------- metonyms


@cache
def _cues(language: str) -> dict[str, Any] | None:
    """What tells an actor from a place in a language: sets of words, and patterns of their beginnings."""
    row = _data()["cues"].get(language)
    if row is None:
        return None
    sets = {name: frozenset(row[name].split()) for name in ("place", "actor", "with", "between")}
    endings = {"verb": row["ending"]}
    patterns = {name: f"(?:{'|'.join(row[name].split()) or '(?!)'}){endings.get(name, '')}" for name in ("position", "partner", "verb")}
    return sets | {name: re.compile(pattern) for name, pattern in patterns.items()}


# Auxiliaries and adverbs between a name and its verb: "has not yet formally".
MAX_BETWEEN = 4
# "İran prezidenti", "Ankara sokakları": the name only says whose.
_POSSESSED = re.compile(r"(?!(?:iki|yeni|hemen|dünkü|bugünkü)$)\w{3,}[ıiuü]")
# What a seat of power does is not bound to a list, as nothing else is said of it with such a verb.
_PAST = re.compile(r"\w+ed|seems|[а-я]+(?:л|ла|ло|ет|ит)")
# One that acts takes the third person or the past; "press secretary" and "support staff" are no verbs.
_ENDING = re.compile(r"(?:(?<!s)s|ed|said|told|sought|sent|saw|took|withdrew|wrote|ready|willing|reluctant|keen)$")


def _acts(piece: _Piece, hit: _Hit, is_seat: bool) -> bool:
    """Whether a state or place acts here, so that its government is meant. Without evidence it does not."""
    cues, at = _cues(piece.language or ""), hit.first - 1
    if cues is None:
        return False
    article = piece.low(at) in ("the", "la", "le", "el", "der", "dem", "den")
    before = piece.low(at - article) if piece.gap(at) == " " else ""
    if f"{piece.low(at - article - 1)} {before}" in _data()["evidential"]:
        return _ends_there(piece, hit)
    if piece.has_holes:
        return False
    if piece.language in TURKIC:
        return _acts_finally(piece, hit, cues) or (is_seat and hit.form.is_bare)
    in_list = before in ("and", "or", "и", "или", "und", "et", "y") and piece.low(at - 2) in cues["place"]
    if in_list or (before in cues["place"] and piece.gap(at - article) == " "):
        return False
    if before in cues["actor"]:
        return _ends_there(piece, hit)
    if before in cues["with"]:
        return bool(cues["partner"].match(piece.low(at - article - 1))) and _ends_there(piece, hit)
    if piece.language == "ru" and not hit.form.is_bare:
        return bool(before and cues["position"].match(before))
    after = piece.low(hit.last) if piece.gap(hit.last - 1) == " " else ""
    return _goes_on(piece, hit.last, cues) or (is_seat and (after in cues["between"] or bool(_PAST.fullmatch(after))))


def _ends_there(piece: _Piece, hit: _Hit) -> bool:
    """Whether the name is all that is named, as it is not in "by Moscow taxi drivers" and "by Iran's clerks"."""
    gap, after = piece.gap(hit.last - 1), piece.word(hit.last)
    if gap in ("'", "-"):
        return gap == "'" and after != "s"
    goes_on = gap == " " or (gap == ". " and "." in hit.form.gaps)
    return not goes_on or piece.language != "en" or (after.islower() and after in _set("no_name"))


def _goes_on(piece: _Piece, at: int, cues: dict[str, Any]) -> bool:
    """Whether a verb of speech, decision or agency follows, or a possession that only an actor has."""
    first, gap = at, piece.gap(at - 1)
    if gap == "'" and piece.low(at) == "s":
        return piece.gap(at) == " " and bool(cues["position"].match(piece.low(at + 1)))
    if gap == " " and piece.low(at) in ("and", "und", "et", "y", "и") and piece.word(at + 1)[:1].isupper():
        at, gap = at + 2, piece.gap(at + 1)
    if gap == ", " and piece.low(at) in ("however", "meanwhile", "too", "однако", "indeed") and piece.gap(at) == ", ":
        at, gap = at + 1, " "
    for k in range(at, at + MAX_BETWEEN + 1):
        if gap not in (" ", "'"):
            return False
        is_verb = cues["verb"].match(piece.low(k)) and (piece.word(k).islower() or piece.unit in HEADINGS)
        if is_verb and (k > first or piece.language != "en" or _ENDING.search(piece.low(k))):
            return True
        if piece.low(k) not in cues["between"]:
            return False
        gap = piece.gap(k)
    return False


def _acts_finally(piece: _Piece, hit: _Hit, cues: dict[str, Any]) -> bool:
    """In Turkish and Azerbaijani: a bare name that opens its clause, whose verb ends the sentence."""
    if piece.low(hit.last + (piece.gap(hit.last - 1) == "'")) in ("göre", "görə"):
        return True
    after = piece.gap(hit.last - 1)
    opens = hit.first == 0 or piece.gap(hit.first - 1) != " " or piece.low(hit.first - 1) in cues["between"]
    follows = piece.word(hit.last)
    is_whose = follows[:1].isupper() or _POSSESSED.fullmatch(follows) or cues["position"].match(follows.lower())
    is_attribute = after == " " and (is_whose or follows in ("ve", "və", "ile", "ilə"))
    if not (hit.form.is_bare and opens and after in (" ", ", ")) or is_attribute:
        return False
    return any(cues["verb"].match(piece.low(k)) for k in range(max(hit.last, len(piece.words) - 2), len(piece.words)))


# ---------------------------------------------------------------- people beyond the lexicon

# Particles apart; longer rows of capitals are headlines and titles of works.
MAX_NAME_WORDS = 4


@cache
def _given_names() -> frozenset[str]:
    # The describe stage reads bylines by the same names; the two read one file.
    names = json.loads(Path(__file__).with_name("describe.json").read_text(encoding="utf-8"))["given_names"]
    return frozenset(_bare(name) for listed in names.values() for name in listed.split())


def _bare(word: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", word.lower().replace("ı", "i")) if not unicodedata.combining(c))


class _Name(NamedTuple):
    """A person's full name as the document first writes it, from character `start`."""

    start: int
    text: str
    language: str | None
    entity_id: str | None


def _told(piece: _Piece, hits: Sequence[_Hit]) -> Iterator[tuple[int, int]]:
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


def _end_of_name(piece: _Piece, first: int, capitals: set[int], is_byline: bool) -> int:
    """The word after the last of a row of capitals, particles between them included."""
    at = first + 1
    while True:
        gap, after = piece.gap(at - 1), at
        if gap == "'" and piece.language not in TURKIC and len(piece.word(at)) > 1 and piece.low(at) not in ("re", "ll", "ve"):
            at += 1  # Ze'ev
            continue
        while gap == " " and piece.word(after) in _set("particles") and after - at < 3:
            after, gap = after + 1, piece.gap(after)
        is_joined = gap in (" ", "-", "'") or (is_byline and gap in (" (", ") ")) or (gap == ". " and len(piece.word(at - 1)) == 1)
        if not (is_joined and after in capitals):
            return at
        at = after + 1


def _tried(piece: _Piece, first: int, last: int, is_byline: bool) -> Iterator[tuple[int, int]]:
    """The name in a row of capitals, if it is a person's."""
    is_told = is_addressed = False
    role = max((k for k in range(first, last) if piece.low(k) in _set("roles")), default=first - 1)
    if role >= first:
        first, is_told = role, True
    while first < last and piece.low(first) in _set("address", "roles", "no_name"):
        if len(piece.word(first)) == 1 and piece.gap(first) == ". ":
            break  # an initial
        low, first = piece.low(first), first + 1
        is_addressed = low in _set("address")
        is_told = is_addressed or (is_told and low not in _set("no_name")) or low in _set("roles")
    given = _given_names()
    if first == 0 and last > 2 and _bare(piece.word(0)) not in given and _bare(piece.word(1)) in given:
        first = 1
    words = [w for w in piece.words[first:last] if w.lower() not in _set("particles")]
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
    return low in _set("things", "institutions") or (low in _set("no_name") and len(word) > 1) or not word[-1].isalpha()


def _is_told(piece: _Piece, first: int, last: int) -> bool:
    """Whether a role or a verb of speech stands beside the name."""
    before, gap = piece.low(first - 1), piece.gap(first - 1)
    if before in _set("of") and piece.word(first - 2)[:1].isupper():
        return False  # the end of a longer name
    after, tail = piece.low(last), piece.gap(last - 1)
    if tail == " " and after in _set("roles"):
        return False  # "Harbour Watch president"
    # "deputy for roads, X Y," but "delegate X Y" and "counterpart, X Y".
    reach = 4 if gap == tail == ", " else 2 if gap == " " else 1
    if gap in (" ", ", ") and any(piece.low(first - k) in _set("roles") for k in range(1, reach + 1)):
        return True
    if (before in _set("speech") and gap in (" ", ": ")) or (before == "to" and piece.low(first - 2) == "according"):
        return True
    if tail == " ":
        return after in _set("speech") or (after.endswith(("ly", "о")) and piece.low(last + 1) in _set("speech"))
    described = after in ("who", "whose") or after in _set("speech") or any(piece.low(k) in _set("roles") for k in range(last, last + 4))
    return tail == ", " and described


def _names_of(names: Sequence[_Name]) -> tuple[Index, dict[tuple, _Name], dict[tuple, _Name]]:
    """The forms by which these people are met again, and what each means: full names, and surnames that only one has."""
    full: dict[tuple, _Name] = {}
    surnames = {_surname(name.text) for name in names if " " in name.text}
    names = [name for name in names if name.text not in surnames]
    for name in sorted(names, key=lambda n: (len(n.text), n.start)):
        for key in _keys(name.text, name.language):
            full.setdefault(key, name)
    people = list(dict.fromkeys(full.values()))
    bearers: dict[tuple, set[_Name]] = defaultdict(set)
    for name in people:
        if (surname := _surname(name.text)) != name.text:
            for key in _keys(surname, name.language):
                bearers[key].add(name)
    last = {key: next(iter(who)) for key, who in bearers.items() if len(who) == 1 and key not in full}
    return _indexed(Form(words, gaps, (), False, True, False) for words, gaps in (*full, *last)), full, last


def _keys(name: str, language: str | None) -> list[tuple]:
    # A byline in capitals is the same person's as a name in the text.
    written = " ".join(word[:1] + _lower(word[1:], language) for word in name.split(" ")) if name.isupper() else name
    return [key for form in (*_inflected(written, language, True, False), name) if (key := _cut(form))[0]]


def _surname(name: str) -> str:
    return name.split(" ")[-1]


def _met_again(piece: _Piece, index: Index, full: Mapping[tuple, _Name], last: Mapping[tuple, _Name]) -> Iterator[tuple[int, int, _Name]]:
    """Where the people are named: (first word, word after the last, who). A surname counts once the full name has stood."""
    for hit in _hits(piece, index):
        key = hit.form.words, hit.form.gaps
        name = full.get(key) or last[key]
        is_addressed = piece.low(hit.first - 1) in _set("address")
        is_full = key in full and (len(hit.form.words) > 1 or is_addressed)
        is_surname = key in last and piece.starts[hit.first] > name.start and (is_addressed or _stands_alone(piece, hit))
        if is_full or is_surname:
            yield hit.first, hit.last, name


def _stands_alone(piece: _Piece, hit: _Hit) -> bool:
    """Whether no other name stands beside the word."""
    before, after = piece.word(hit.first - 1), piece.word(hit.last)
    beside = before[:1].isupper() and piece.gap(hit.first - 1) in (" ", "-") and before.lower() not in _set("address", "roles", "no_name")
    return not beside and not (after[:1].isupper() and piece.gap(hit.last - 1) in (" ", "-") and piece.unit not in HEADINGS)


# ---------------------------------------------------------------- all together


def mentions(text: str, segments: Sequence, entities: Lexicon, date: str | None = None) -> list[Mention]:
    """Mentions in order of their places; none crosses a segment or overlaps another.

    `segments` are objects with start, end, unit, parent, language (and defects); `date` is that of the document, ISO 8601 in
    reduced precision: of two that share a name it tells the one who could be meant. Linear in the text; never raises.
    """
    found: list[tuple[Mention, Form]] = []
    people: list[Mention] = []
    names: list[_Name] = []
    # Read twice; a very long document is also cut twice, to spare memory.
    pieces = list(_pieces(text, segments)) if len(text) <= MAX_KEPT else None
    for piece in pieces or _pieces(text, segments):
        hits = [h for h in _hits(piece, entities.forms(piece.language)) if not _is_namesake(piece, h, entities)]
        for hit in hits:
            mention = _mention(piece, hit, entities)
            found.append((mention, hit.form))
            if len(hit.form.words) > 1 and len(hit.form.entity_ids) == 1 and entities.entities[hit.form.entity_ids[0]].type == "person":
                names.append(_Name(mention.start, text[mention.start : mention.end], piece.language, hit.form.entity_ids[0]))
        for first, last in _told(piece, hits):
            start, end = piece.starts[first], piece.ends[last - 1]
            names.append(_Name(start, text[start:end], piece.language, None))
    if names:
        forms = _names_of(names)
        found = [(_doubted(mention, form, forms[2]), form) for mention, form in found]
        people = list(_people(pieces or _pieces(text, segments), entities, forms, [m for m, _ in found]))
    return _resolved([*found, *((mention, None) for mention in people)], names, entities, date)


def _doubted(mention: Mention, form: Form, surnames: Mapping[tuple, _Name]) -> Mention:
    """Without an entity where a person of the document is called so who is not it, as Mark Cuban is."""
    bearer = surnames.get((form.words, form.gaps))
    is_other = bearer and bearer.start < mention.start and bearer.entity_id is None
    return mention._replace(entity_id=None, name=" ".join(form.words)) if is_other else mention


def _is_namesake(piece: _Piece, hit: _Hit, entities: Lexicon) -> bool:
    """Whether another's given name stands before what the lexicon knows as a surname, or as no person's name."""
    entity = entities.entities[hit.form.entity_ids[0]]
    before = piece.word(hit.first - 1)
    is_name = before[:1].isupper() and not before.isupper() and not _is_no_name(before)
    if len(hit.form.words) > 1 or piece.gap(hit.first - 1) != " " or not is_name:
        return False
    return _bare(before) in _given_names() and (entity.type != "person" or _bare(before) not in _bare(entity.name).split())


def _mention(piece: _Piece, hit: _Hit, entities: Lexicon) -> Mention:
    """What the form says, with the first of the entities it may mean."""
    entity = entities.entities[hit.form.entity_ids[0]]
    kind = "demonym" if hit.form.is_demonym else "name"
    meant = entities.entities.get(entity.stands_for or "")
    if kind == "name" and meant and _acts(piece, hit, entity.is_seat):
        kind, entity = "metonym", meant
    return Mention(piece.starts[hit.first], piece.ends[hit.last - 1], piece.segment, entity.entity_id, kind, entity.name)


def _people(pieces: Iterable[_Piece], entities: Lexicon, forms: tuple, found: list[Mention]) -> Iterator[Mention]:
    again, full, last = forms
    taken = {place for m in found for place in (m.start, m.end)}
    for piece in pieces:
        for first, end, who in _met_again(piece, again, full, last):
            a, b = piece.starts[first], piece.ends[end - 1]
            if a not in taken and b not in taken:
                name = entities.entities[who.entity_id].name if who.entity_id else " ".join(who.text.split())
                yield Mention(a, b, piece.segment, who.entity_id, "name", name)


def _resolved(found: list[tuple[Mention, Form | None]], names: list[_Name], entities: Lexicon, date: str | None) -> list[Mention]:
    """The mentions in order, with `entity_id` null where it stays in doubt who or what is meant."""
    sure = {e for _, form in found if form and not form.is_doubtful and len(form.entity_ids) == 1 for e in form.entity_ids}
    sure |= {e for known in sorted(sure) if (e := entities.entities[known].stands_for)}
    named = {name.entity_id for name in names}
    settled: list[Mention] = []
    for mention, form in sorted(found, key=lambda pair: pair[0][:2]):
        if form and len(form.entity_ids) > 1 and mention.entity_id:
            mention = _chosen(mention, form, named, entities, date)
        elif form and form.is_doubtful:
            entity = entities.entities[form.entity_ids[0]]
            if not sure & {entity.entity_id, entity.stands_for, *entity.near}:
                mention = mention._replace(entity_id=None)
        if not settled or mention.start >= settled[-1].end:
            settled.append(mention)
    return settled


def _chosen(mention: Mention, form: Form, named: set[str | None], entities: Lexicon, date: str | None) -> Mention:
    """Of several who share a name, the one whose full name the document holds, else the one of its time."""
    able = [e for e in form.entity_ids if e in named] or [e for e in form.entity_ids if date and _is_valid(entities.entities[e], date)]
    if len(able) != 1:
        return mention._replace(entity_id=None, name=" ".join(form.words))
    return mention._replace(entity_id=able[0], name=entities.entities[able[0]].name)


def _is_valid(entity: Entity, date: str) -> bool:
    """Whether a date can lie in the entity's time; both in the precision they have."""
    begins, ends = entity.valid_from or "", entity.valid_to or "9999"
    return begins[: len(date)] <= date[: len(begins) or None] and date[: len(ends)] <= ends[: len(date)]
