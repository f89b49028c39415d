"""Who holds what is said in a report: an entity, somebody unnamed, or the author.

Part of the attribute stage.
"""

from collections.abc import Sequence
from typing import NamedTuple

from flows.stages.attribute_rules import LANGUAGES, folded, rules
from flows.stages.attribute_targets import TOKEN, Sentence

# Reports within reports that are followed to who speaks.
MAX_DEPTH = 8
# Words at the head of a source among which one such as "officials" says that it is unnamed. Nearness stands in for a parser.
SOURCE_HEAD = 5


class Holder(NamedTuple):
    type: str
    entity_id: str | None
    attribution: int | None


class Reports(NamedTuple):
    """A document's attributions, and what kind of holder its claims name for an attribution's source."""

    attributions: Sequence
    holder_types: dict[int, str]


def holder_of(s: Sentence, k: int, reports: Reports) -> Holder:
    """Who speaks: an entity if the source's name, or the whole source, is a mention of one."""
    each = reports.attributions[k]
    of = rules(s.language).words if s.language in LANGUAGES else None
    for _ in range(MAX_DEPTH):
        if not (of and each.source and s.low[slice(*each.source[0])] in of["me"]):
            break
        # "We oppose it" is said by whoever's words it stands in.
        if each.parent is None:
            return Holder("author", None, None)
        k, each = each.parent, reports.attributions[each.parent]
    entity = _source_entity(s, each) if each.source else None
    kind = "entity" if entity else reports.holder_types.get(k) or _source_type(s, each, of)
    return Holder(kind, entity if kind == "entity" else None, k)


def _source_type(s: Sentence, each, of: dict[str, frozenset[str]] | None) -> str:
    words = TOKEN.findall(s.low, *each.source[0]) if each.source else []
    if not words or (of and (words[0] in of["indefinite"] or any(w in of["unnamed"] for w in words[:SOURCE_HEAD]))):
        return "unnamed"
    return "entity"


def _source_entity(s: Sentence, each) -> str | None:
    start, end = each.source[0]
    name = folded(each.holder_name or "")
    at = s.low.find(name, start, end) if name else -1
    fillers = rules(s.language).words["filler"] if s.language in LANGUAGES else frozenset()
    for m in s.mentions:
        if m.entity_id is None or m.mention_type == "demonym" or not (start <= m.start and m.end <= end):
            continue
        rest = (s.low[start : m.start] + " " + s.low[m.end : end]).replace("'s", " ").split()
        if (at >= 0 and m.start < at + len(name) and at < m.end) or all(word in fillers for word in rest):
            return m.entity_id
    return None
