"""Mentions: where a text names a state, an organisation, a person or a place, and whom or what it means by it.

Part of the attribute stage. Names come from a lexicon (attribute_lexicon.py); people beyond it are read from bylines and from what
stands around their names (attribute_people.py). A name is compared letter by letter with the forms that its language can give it,
and is never case-folded: "us" is no state, a turkey none either, and İ, I, ı and i stay four letters. A state or its capital that
decides or speaks is a metonym of its government; one in which something happens is a place (attribute_metonyms.py).

What is in doubt keeps `entity_id` null, or is left out. Pronouns and offices ("the president") are not resolved.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from flows.stages.attribute_hits import Hit, hits_in
from flows.stages.attribute_lexicon import Entity, Form, Lexicon
from flows.stages.attribute_metonyms import acts
from flows.stages.attribute_people import FullName, People, is_namesake, met_again, people_of, people_told
from flows.stages.attribute_pieces import MAX_KEPT, Piece, cut_text


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


def mentions(text: str, segments: Sequence, lexicon: Lexicon, date: str | None = None) -> list[Mention]:
    """Mentions in order of their places; none crosses a segment or overlaps another.

    `segments` are objects with start, end, unit, parent, language (and defects); `date` is that of the document, ISO 8601 in
    reduced precision: of two that share a name it tells the one who could be meant. Linear in the text; never raises.
    """
    found: list[tuple[Mention, Form]] = []
    names: list[FullName] = []
    # Read twice; a very long document is also cut twice, to spare memory.
    pieces = list(cut_text(text, segments)) if len(text) <= MAX_KEPT else None
    for piece in pieces or cut_text(text, segments):
        hits = [h for h in hits_in(piece, lexicon.forms(piece.language)) if not is_namesake(piece, h, lexicon)]
        for hit in hits:
            mention = _mention(piece, hit, lexicon)
            found.append((mention, hit.form))
            if _is_full_name(hit.form, lexicon):
                names.append(FullName(mention.start, text[mention.start : mention.end], piece.language, hit.form.entity_ids[0]))
        for first, last in people_told(piece, hits):
            start, end = piece.starts[first], piece.ends[last - 1]
            names.append(FullName(start, text[start:end], piece.language, None))
    again: list[Mention] = []
    if names:
        people = people_of(names)
        found = [(_doubted(mention, form, people), form) for mention, form in found]
        again = list(_named_again(pieces or cut_text(text, segments), lexicon, people, [m for m, _ in found]))
    return _resolved([*found, *((mention, None) for mention in again)], names, lexicon, date)


def _is_full_name(form: Form, lexicon: Lexicon) -> bool:
    """Whether the form is one person's, first name and surname."""
    return len(form.words) > 1 and len(form.entity_ids) == 1 and lexicon.entities[form.entity_ids[0]].type == "person"


def _doubted(mention: Mention, form: Form, people: People) -> Mention:
    """Without an entity where a person of the document is called so who is not it, as Mark Cuban is."""
    bearer = people.surnames.get((form.words, form.gaps))
    is_other = bearer and bearer.start < mention.start and bearer.entity_id is None
    return mention._replace(entity_id=None, name=" ".join(form.words)) if is_other else mention


def _mention(piece: Piece, hit: Hit, lexicon: Lexicon) -> Mention:
    """What the form says, with the first of the entities it may mean."""
    entity = lexicon.entities[hit.form.entity_ids[0]]
    kind = "demonym" if hit.form.is_demonym else "name"
    meant = lexicon.entities.get(entity.stands_for or "")
    if kind == "name" and meant and acts(piece, hit, entity.is_seat):
        kind, entity = "metonym", meant
    return Mention(piece.starts[hit.first], piece.ends[hit.last - 1], piece.segment, entity.entity_id, kind, entity.name)


def _named_again(pieces: Iterable[Piece], lexicon: Lexicon, people: People, found: list[Mention]) -> Iterator[Mention]:
    """The document's people wherever none of `found` stands."""
    taken = {place for m in found for place in (m.start, m.end)}
    for piece in pieces:
        for first, end, who in met_again(piece, people):
            a, b = piece.starts[first], piece.ends[end - 1]
            if a not in taken and b not in taken:
                name = lexicon.entities[who.entity_id].name if who.entity_id else " ".join(who.text.split())
                yield Mention(a, b, piece.segment, who.entity_id, "name", name)


def _resolved(found: list[tuple[Mention, Form | None]], names: list[FullName], lexicon: Lexicon, date: str | None) -> list[Mention]:
    """The mentions in order, with `entity_id` null where it stays in doubt who or what is meant."""
    sure = {e for _, form in found if form and not form.is_doubtful and len(form.entity_ids) == 1 for e in form.entity_ids}
    sure |= {e for known in sorted(sure) if (e := lexicon.entities[known].stands_for)}
    named = {name.entity_id for name in names}
    settled: list[Mention] = []
    for mention, form in sorted(found, key=lambda pair: pair[0][:2]):
        if form and len(form.entity_ids) > 1 and mention.entity_id:
            mention = _chosen(mention, form, named, lexicon, date)
        elif form and form.is_doubtful:
            entity = lexicon.entities[form.entity_ids[0]]
            if not sure & {entity.entity_id, entity.stands_for, *entity.near}:
                mention = mention._replace(entity_id=None)
        if not settled or mention.start >= settled[-1].end:
            settled.append(mention)
    return settled


def _chosen(mention: Mention, form: Form, named: set[str | None], lexicon: Lexicon, date: str | None) -> Mention:
    """Of several who share a name, the one whose full name the document holds, else the one of its time."""
    able = [e for e in form.entity_ids if e in named] or [e for e in form.entity_ids if date and _is_valid(lexicon.entities[e], date)]
    if len(able) != 1:
        return mention._replace(entity_id=None, name=" ".join(form.words))
    return mention._replace(entity_id=able[0], name=lexicon.entities[able[0]].name)


def _is_valid(entity: Entity, date: str) -> bool:
    """Whether a date can lie in the entity's time; both in the precision they have."""
    begins, ends = entity.valid_from or "", entity.valid_to or "9999"
    return begins[: len(date)] <= date[: len(begins) or None] and date[: len(ends)] <= ends[: len(date)]
