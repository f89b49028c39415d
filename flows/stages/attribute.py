"""Attribute: who is named in a document, who says what, what is claimed, and who stands where on the targets of the corpus.

Four parts, each in a file beside this one: mentions, speech (attributions), claims, stances. Rules only, and where they see
nothing they can stand for they abstain; `coverage` says in which documents they looked. The text is never changed.
"""

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

from flows.stages.attribute_claims import Claim, claims
from flows.stages.attribute_lexicon import Lexicon
from flows.stages.attribute_mentions import Mention, mentions
from flows.stages.attribute_rules import LANGUAGES
from flows.stages.attribute_speech import Attribution, attributions
from flows.stages.attribute_stances import Stance, stances

LAYERS = ("attribution", "claim", "stance")


class Attributed(NamedTuple):
    """`holders` are the entities the attributions' sources name, null where none is known; `coverage` is (layer, status)."""

    mentions: tuple[Mention, ...]
    attributions: tuple[Attribution, ...]
    holders: tuple[str | None, ...]
    claims: tuple[Claim, ...]
    stances: tuple[Stance, ...]
    coverage: tuple[tuple[str, str], ...]


def attribute(
    text: str, segments: Sequence, language: str | None, lexicon: Lexicon, targets: Sequence, date: str | None = None
) -> Attributed:
    """All four, in reading order. `segments` have start, end, unit, parent, language, repeat_of and defects; `date` is that of the
    document, ISO 8601 in reduced precision."""
    named = mentions(text, segments, lexicon, date)
    said = attributions(text, segments, language)
    starts = [m.start for m in named]
    holders = [_holder(a, named, starts) for a in said]
    claimed = claims(text, segments, said, named)
    taken = stances(text, segments, said, named, claimed, targets)
    found = {"attribution": said, "claim": claimed, "stance": [s for s in taken if s.answer]}
    coverage = tuple((layer, _status(language, bool(found[layer]), layer, targets)) for layer in LAYERS)
    return Attributed(tuple(named), tuple(said), tuple(holders), tuple(claimed), tuple(taken), coverage)


def _holder(attribution: Attribution, named: Sequence[Mention], starts: list[int]) -> str | None:
    """The entity its source names: the only one there, or the one that the name at its head is. starts: those of `named`, in order."""
    there = [m for start, end in attribution.source for m in named[bisect_left(starts, start) : bisect_left(starts, end)] if m.end <= end]
    inside = [m for m in there if m.entity_id]
    ids = {m.entity_id for m in inside}
    if len(ids) > 1 and attribution.holder_name:
        ids = {m.entity_id for m in inside if m.name == attribution.holder_name or attribution.holder_name in m.name}
    return ids.pop() if len(ids) == 1 else None


def _status(language: str | None, found: bool, layer: str, targets: Sequence) -> str:
    if layer == "stance" and not targets:
        return "not_run"
    if language not in LANGUAGES:
        return "unsupported"
    return "run" if found else "abstained"
