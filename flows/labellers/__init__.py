"""Labellers: whoever answers what an annotator would be asked, behind one interface.

    label(passage, targets) -> votes, or None to abstain

A labeller is a function. It is given a passage (a claim or stance with what stands around it, or a whole document in which to mark
words) and, for stances, the targets to judge; it gives rows of `annotations` (columns left out are null), at most one per item. It never
raises on a text, and an abstention is no answer: None says that it did not judge, an empty list that it looked and found nothing to
vote on.

    rules.py     what ships: the rules for attributions, and a heuristic for check-worthiness; annotator_type rule
    sklearn.py   trained on the user's own gold
    spans.py     the same for marked words: attributed content
    endpoint.py  a language model behind an OpenAI-compatible endpoint
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from schemas import Row

_PLACE = re.compile(r"([0-9a-f]{20})-[a-z](\d+-\d+)")


class Passage(NamedTuple):
    """What is judged. text: the words of the item; context: those of its block. holder: whose stance it would be.

    Of a document in which words are to be marked: bytes_of, where in the capture characters [start, end) of `text` stand, and its
    segments, as the stage `segment` gives them."""

    item_id: str
    text: str
    context: str = ""
    language: str | None = None
    holder: str = "author"
    bytes_of: Callable[[int, int], tuple[int, int]] | None = None
    segments: Sequence = ()


class Target(NamedTuple):
    """What a stance is on, as a labeller is told: the id, and the words for it."""

    target_id: str
    wording: str


Labeller = Callable[[Passage, Sequence[Target]], list[Row] | None]


def vote(passage: Passage, layer: str, value: str, annotator_id: str, annotator_type: str, confidence: float | None = None) -> Row:
    """A row of `annotations` on a passage, as flows.corpus.votes reads it from a file."""
    sure = None if confidence is None else round(float(confidence), 4)
    return {
        "item_id": passage.item_id,
        "layer": layer,
        "value": value,
        "annotator_id": annotator_id,
        "annotator_type": annotator_type,
        "text_sha256": hashlib.sha256(passage.text.encode("utf-8", "surrogatepass")).hexdigest(),
        "exact": passage.text,
        "confidence": sure,
        "saw_prelabel": False,
    }


def attribution(
    document: Passage, marks: Mapping[str, Sequence[tuple[int, int]]], kind: str, annotator_id: str, annotator_type: str
) -> Row:
    """A vote for an attribution of this type. marks: characters of the document that are its content, cue and source."""
    assert document.bytes_of is not None
    every = [span for spans in marks.values() for span in spans]
    start, end = min(a for a, _ in every), max(b for _, b in every)
    first, last = document.bytes_of(start, end)
    value = {name: sorted(list(document.bytes_of(a, b)) for a, b in spans) for name, spans in marks.items() if spans}
    item = document._replace(item_id=f"{document.item_id[:20]}-a{first}-{last}", text=document.text[start:end])
    return vote(item, "attribution", json.dumps({**value, "type": kind}, sort_keys=True), annotator_id, annotator_type)


def answered_by(label: Labeller, layer: str, rows: Sequence[Row]) -> list[str | None]:
    """A labeller's answer to each row of a training table; None where it abstains."""
    found = []
    for row in rows:
        passage = Passage(row["item_id"], row["text"], row["context"] or "", None, row["holder"])
        votes = label(passage, [Target("", row["target"])] if layer == "stance" else [])
        found.append(votes[0]["value"] if votes else None)
    return found


def on_target(passage: Passage, target: Target) -> Passage:
    """The passage under the id of the stance of its holder on a target; unchanged where it is one already."""
    place = _PLACE.match(passage.item_id)
    if not place or passage.item_id[21] == "t":
        return passage
    return passage._replace(item_id=f"{place[1]}-t{place[2]}-{passage.holder}-{target.target_id}")
