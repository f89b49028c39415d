"""Whether a state, its capital or its palace acts where it is named, so that its government is meant, or is a place.

Part of the attribute stage. Told from the words about the name, listed by language in attribute_mentions.json; without evidence
it is a place.
"""

import re
from functools import cache
from typing import Any

from flows.stages.attribute_hits import Hit
from flows.stages.attribute_inflection import TURKIC
from flows.stages.attribute_pieces import HEADINGS, Piece, listed, word_lists

# Auxiliaries and adverbs between a name and its verb: "has not yet formally".
MAX_BETWEEN = 4
# "İran prezidenti", "Ankara sokakları": the name only says whose.
_POSSESSED = re.compile(r"(?!(?:iki|yeni|hemen|dünkü|bugünkü)$)\w{3,}[ıiuü]")
# What a seat of power does is not bound to a list, as nothing else is said of it with such a verb.
_PAST = re.compile(r"\w+ed|seems|[а-я]+(?:л|ла|ло|ет|ит)")
# One that acts takes the third person or the past; "press secretary" and "support staff" are no verbs.
_ENDING = re.compile(r"(?:(?<!s)s|ed|said|told|sought|sent|saw|took|withdrew|wrote|ready|willing|reluctant|keen)$")


@cache
def _cues(language: str) -> dict[str, Any] | None:
    """What tells an actor from a place in a language: sets of words, and patterns of their beginnings."""
    row = word_lists()["cues"].get(language)
    if row is None:
        return None
    sets = {name: frozenset(row[name].split()) for name in ("place", "actor", "with", "between")}
    endings = {"verb": row["ending"]}
    patterns = {name: f"(?:{'|'.join(row[name].split()) or '(?!)'}){endings.get(name, '')}" for name in ("position", "partner", "verb")}
    return sets | {name: re.compile(pattern) for name, pattern in patterns.items()}


def acts(piece: Piece, hit: Hit, is_seat: bool) -> bool:
    """Whether a state or place acts here, so that its government is meant. Without evidence it does not."""
    cues, at = _cues(piece.language or ""), hit.first - 1
    if cues is None:
        return False
    article = piece.low(at) in ("the", "la", "le", "el", "der", "dem", "den")
    before = piece.low(at - article) if piece.gap(at) == " " else ""
    if f"{piece.low(at - article - 1)} {before}" in word_lists()["evidential"]:
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


def _ends_there(piece: Piece, hit: Hit) -> bool:
    """Whether the name is all that is named, as it is not in "by Moscow taxi drivers" and "by Iran's clerks"."""
    gap, after = piece.gap(hit.last - 1), piece.word(hit.last)
    if gap in ("'", "-"):
        return gap == "'" and after != "s"
    goes_on = gap == " " or (gap == ". " and "." in hit.form.gaps)
    return not goes_on or piece.language != "en" or (after.islower() and after in listed("no_name"))


def _goes_on(piece: Piece, at: int, cues: dict[str, Any]) -> bool:
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


def _acts_finally(piece: Piece, hit: Hit, cues: dict[str, Any]) -> bool:
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
