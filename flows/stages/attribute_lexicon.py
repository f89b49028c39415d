"""The entities that a text can name, and the forms in which it can name them.

Part of the attribute stage. They come from `entities.json` beside this file and from the corpus, whose own win.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from flows.stages.attribute_inflection import inflected
from flows.stages.attribute_pieces import cut_name


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
    """Forms by their words; `lengths` says of a first word how many words the forms have that begin with it, the most first."""

    forms: Mapping[tuple[str, ...], tuple[Form, ...]]
    lengths: Mapping[str, tuple[int, ...]]


class Lexicon(NamedTuple):
    """Immutable. `forms` of a language, None for one that has none of its own; made when first asked for, as they are many."""

    entities: Mapping[str, Entity]
    forms: Callable[[str | None], Index]


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
        return indexed({**shipped, **won.get(None, {}), **won.get(language, {})}.values())

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
            for written, is_bare in inflected(name, language, entity.type == "person", is_demonym).items():
                words, gaps = cut_name(written)
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


def indexed(forms: Iterable[Form]) -> Index:
    same: dict[tuple[str, ...], tuple[Form, ...]] = {}
    for form in sorted(forms, key=lambda f: f.gaps):
        same[form.words] = (*same.get(form.words, ()), form)
    found: dict[str, tuple[int, ...]] = {}
    for first, n in sorted({(words[0], len(words)) for words in same}, reverse=True):
        found[first] = (*found.get(first, ()), n)
    kept = {lengths: lengths for lengths in found.values()}  # a few are shared by thousands of words
    return Index(MappingProxyType(same), MappingProxyType({first: kept[of] for first, of in found.items()}))
