"""Stances: where a target is named, whose attitude to it could be asked, and what listed words say of it, if anything.

Part of the attribute stage. An instance is a sentence, a target that is named in it (by a mention of its entity, or its terms), and a
holder: the author, and each source in whose words the target stands. Whoever acts on the target is a holder too ("X opposes Y"). An
answer is given only where a word with a direction stands next to the target in one of a few constructions (attribute_votes.py);
all else, questions and suppositions, what is denied or put in scare quotes, and sentences with damage have None.

That an answer is None says nothing: the instance is there to be asked about. A report of bad news is no stance, nor is a denial, but
to deny a proposition is to be against it.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from flows.stages.attribute_holders import Holder, Reports, holder_of
from flows.stages.attribute_rules import LANGUAGES
from flows.stages.attribute_targets import Hit, Range, Sentence, sentences
from flows.stages.attribute_votes import Vote, votes_on


class Stance(NamedTuple):
    """`evidence` are character ranges of the text; `attribution` and `claim` are places in the lists given."""

    segment: int
    holder_type: str
    holder_entity_id: str | None
    attribution: int | None
    claim: int | None
    target_id: str
    explicit: bool
    evidence: tuple[Range, ...]
    answer: str | None
    origin: str = "rule"


def stances(text: str, segments: Sequence, attributions: Sequence, mentions: Sequence, claims: Sequence, targets: Sequence) -> list[Stance]:
    """The stance instances of a document, by sentence, target and holder. `targets` have target_id, type, entity_ids and terms.
    Linear in the length of the text."""
    by_segment: dict[int, list[int]] = {}
    for number, claim in enumerate(claims):
        by_segment.setdefault(claim.segment, []).append(number)
    reports = Reports(attributions, {c.attribution: c.holder_type for c in claims if c.attribution is not None})
    found: list[Stance] = []
    for sentence, hits in sentences(text, segments, attributions, mentions, targets):
        known = [(n, claims[n]) for n in by_segment.get(sentence.place, [])]
        for target in sorted({h.target for h in hits}):
            own = [h for h in hits if h.target == target]
            found += _instances(sentence, segments[sentence.place], own, targets[target], reports, known)
    return found


def _instances(s: Sentence, unit, hits: list[Hit], target, reports: Reports, known: list) -> Iterator[Stance]:
    """One for the author, if the sentence has words of his, one for each source in whose words the target stands, and one for whoever
    acts on it. A holder who is the target is not asked about itself."""
    author = Holder("author", None, None)
    asked: dict[Holder, list[Vote]] = {}
    if any(owner is None and word[0].isalnum() for owner, word in zip(s.owners, s.words, strict=True)):
        asked[author] = []
    votes: list[Vote] = []
    for hit in hits:
        first = bisect_right([b for _, b in s.ranges], hit.start)
        if first >= len(s.owners):
            continue
        owner = s.owners[first]
        holder = author if owner is None else holder_of(s, owner, reports)
        asked.setdefault(holder, [])
        if s.language in LANGUAGES and not getattr(unit, "defects", ()) and "?" not in s.words[-3:]:
            votes += votes_on(s, hit, first, holder, target, reports)
    for vote in votes:
        asked.setdefault(vote.holder, []).append(vote)
    for holder, given in asked.items():
        if holder.entity_id not in target.entity_ids:
            yield _stance(s, holder, given, target, hits, known)


def _stance(s: Sentence, holder: Holder, votes: list[Vote], target, hits: list[Hit], known: list) -> Stance:
    answers = sorted({v.answer for v in votes})
    answer = None if not answers else answers[0] if len(answers) == 1 else "mixed"
    evidence = _merged([r for v in votes for r in v.evidence])
    at = evidence[0][0] if evidence else hits[0].start
    claim = next((n for n, c in known if c.attribution == holder.attribution and c.spans[0][0] <= at < c.spans[-1][1]), None)
    return Stance(s.place, *holder, claim, target.target_id, True, evidence, answer)


def _merged(ranges: list[Range]) -> tuple[Range, ...]:
    out: list[Range] = []
    for a, b in sorted(ranges):
        if out and a <= out[-1][1]:
            out[-1] = (out[-1][0], max(b, out[-1][1]))
        else:
            out.append((a, b))
    return tuple(out)
