"""What ships: the rules of the stages as a labeller, and a heuristic for check-worthiness. Nothing here is trained."""

import re
from collections.abc import Sequence

from flows.labellers import Passage, Target, attribution
from flows.stages.attribute_speech import attributions
from flows.stages.segment import segment
from flows.traced import Block, Traced
from schemas import Row

NAME = "rules"
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_NUMBER = re.compile(r"\d")
# Signs of a statement about the world that others could look up, and of what is no statement, with weights set by hand.
_FOR = (
    (2.0, re.compile(r"\d+(?:[.,]\d+)*\s*(?:%|percent|per cent|million|billion|trillion)|[$€£]\s*\d", re.I)),
    (1.0, _NUMBER),
    (
        0.7,
        re.compile(
            r"\b(?:more|less|fewer|higher|lower|most|least|largest|biggest|worst|highest|lowest|double|half|record|every|only)\b", re.I
        ),
    ),
    (
        0.7,
        re.compile(
            r"\b(?:increased?|decreased?|cut|rose|fell|lost|created|spent|voted|passed|signed|raised|killed|grew|was|were|had|has)\b", re.I
        ),
    ),
    (
        0.5,
        re.compile(r"\b(?:jobs?|tax(?:es)?|budget|deficit|debt|unemployment|crime|law|bill|war|troops|years?|people|government)\b", re.I),
    ),
)
_AGAINST = (
    (1.5, re.compile(r"\?\s*[\"”]?\s*$")),
    (0.7, re.compile(r"\b(?:will|would|should|shall|let's|let us|want|hope|think|believe|going to|must|if)\b", re.I)),
    (0.7, re.compile(r"\b(?:thank|please|good evening|question|sir|ladies|well|yes|okay)\b", re.I)),
)
SHORT, LONG = 6, 25


def segments_of(text: str) -> list:
    """Blocks and sentences of a text whose lines are its paragraphs."""
    blocks, at = [], 0
    for line in text.split("\n"):
        if line.strip():
            blocks.append(Block(at, at + len(line), "paragraph"))
        at += len(line) + 1
    return segment(Traced.decoded(text.encode("utf-8", "surrogatepass"), "utf-8"), blocks).segments


def worth_checking(text: str) -> float:
    """How likely a fact-checker would take a sentence, as a number that only ranks. Untrained: set by hand, for English."""
    score = sum(weight for weight, sign in _FOR if sign.search(text)) - sum(weight for weight, sign in _AGAINST if sign.search(text))
    words = len(_WORD.findall(text))
    named = sum(w[0].isupper() for w in _WORD.findall(text)[1:]) > 0
    return round(score + 0.5 * named + min(words, LONG) / LONG - (1.5 if words < SHORT else 0.0), 6)


def label(passage: Passage, targets: Sequence[Target]) -> list[Row] | None:
    """Votes for the attributions in a document. The other layers are voted on by the line."""
    if passage.bytes_of is None:
        return None
    return [
        attribution(passage, {"content": found.content, "cue": found.cue, "source": found.source}, found.type, NAME, "rule")
        for found in attributions(passage.text, passage.segments, passage.language)
    ]
