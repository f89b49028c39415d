"""Where the words of a text are a form of the lexicon's, and are its name rather than part of another.

Part of the attribute stage.
"""

import re
from typing import NamedTuple

from flows.stages.attribute_lexicon import Form, Index
from flows.stages.attribute_pieces import Piece, listed

# English words that an acronym becomes where all is in capitals.
_SHOUTED = frozenset("US IT WHO UN AI".split())
_LANGUAGE_AFTER = re.compile(r"language|speak|grammar|alphabet|dictionary|язык|dil[ia]|sprach")


class Hit(NamedTuple):
    """Words [first, last) of a piece are `form`."""

    first: int
    last: int
    form: Form


def hits_in(piece: Piece, index: Index) -> list[Hit]:
    """The longest forms in the piece, from left to right."""
    found: list[Hit] = []
    if index.lengths.keys().isdisjoint(piece.words):  # as in most
        return found
    at = 0
    for i in [i for i, word in enumerate(piece.words) if word in index.lengths]:
        if i >= at and (form := _longest(piece, i, index)) and not _is_part_of_other(piece, i, i + len(form.words), form):
            at = i + len(form.words)
            found.append(Hit(i, at, form))
    return found


def _longest(piece: Piece, i: int, index: Index) -> Form | None:
    for n in index.lengths[piece.words[i]]:
        for form in index.forms.get(tuple(piece.words[i : i + n]), ()):
            if _has_gaps(piece, i, form):
                return form
    return None


def _has_gaps(piece: Piece, i: int, form: Form) -> bool:
    return all(piece.gap(i + k) == gap for k, gap in enumerate(form.gaps))


def _is_part_of_other(piece: Piece, first: int, last: int, form: Form) -> bool:
    """Whether the words are no name here: part of a longer name, a language, or a word in capitals."""
    before, after = piece.gap(first - 1), piece.gap(last - 1)
    if after == " " and piece.word(last)[:1].isupper() and piece.low(last) in listed("institutions"):
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
        alone = piece.low(first - 1) in listed("language_before") and not follows and form.is_bare
        return alone or bool(_LANGUAGE_AFTER.match(follows))
    hyphen = "-" in (before, after)
    named = [w for w, gap in ((piece.word(first - 1), before), (piece.word(last), after)) if gap == " " and w[:1].isupper()]
    return form.is_doubtful and (hyphen or any(w.lower() not in listed("no_name") for w in named))
