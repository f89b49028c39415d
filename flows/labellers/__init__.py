"""Labellers: whoever answers what an annotator would be asked, behind one interface.

    label(passage, targets) -> votes, or None to abstain

A labeller is a function. It is given a passage (a sentence, claim or stance, with what stands around it) and, for stances, the
targets to judge; it gives rows of `annotations` (columns left out are null), at most one per item. It never raises on a text, and an
abstention is no answer: None says that it did not judge, an empty list that it looked and found nothing to vote on.

    rules.py     what ships: the stages' rules, and a heuristic for check-worthiness; annotator_type rule
    sklearn.py   trained on the user's own gold
    spans.py     the same for marked words: attributed content
    endpoint.py  a language model behind an OpenAI-compatible endpoint
"""

import hashlib
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

_PLACE = re.compile(r"([0-9a-f]{20})-[a-z](\d+-\d+)")


class Passage(NamedTuple):
    """What is judged. text: the words of the item; context: those of its block. holder: whose stance it would be. bytes_of: where in the
    capture characters [start, end) of `text` stand; without it nothing can be marked."""

    item_id: str
    text: str
    context: str = ""
    language: str | None = None
    holder: str = "author"
    bytes_of: Callable[[int, int], tuple[int, int]] | None = None


class Target(NamedTuple):
    target_id: str
    wording: str


Row = dict[str, Any]
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


def on_target(passage: Passage, target: Target) -> Passage:
    """The passage under the id of the stance of its holder on a target; unchanged where it is one already."""
    place = _PLACE.match(passage.item_id)
    if not place or passage.item_id[21] == "t":
        return passage
    return passage._replace(item_id=f"{place[1]}-t{place[2]}-{passage.holder}-{target.target_id}")
