"""Items that a vote made: an attribution, a claim or a stance that an annotator saw where the rules saw none.

So the recall of the rules never caps what can be labelled. An item is made only where the words that were voted on still stand; every
other vote is left to `votes.carry`, which says what became of it.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from flows.corpus.votes import ITEM_ID, parts, sha256
from flows.traced import Edit, Traced
from schemas import Row

LAYERS = {"a": "attributions", "c": "claims", "t": "stances"}


class Source(NamedTuple):
    """A document: its text with where each character came from, and its segments by id, in reading order."""

    traced: Traced
    segments: dict[str, Row]


def sources_of(documents: Iterable[Row], edits: Iterable[Row], segments: Iterable[Row]) -> dict[str, Source]:
    """By doc_id, those of the documents whose words are there, from the rows of these tables.

    Where characters lie follows from text and edits; the bytes of the capture are not needed for that.
    """
    made: dict[str, list[Edit]] = defaultdict(list)
    for e in edits:
        made[e["doc_id"]].append(Edit(*(e[name] for name in Edit._fields)))
    within: dict[str, dict[str, Row]] = defaultdict(dict)
    for s in sorted(segments, key=lambda s: s["position"]):
        within[s["doc_id"]][s["segment_id"]] = s
    found = {}
    for d in documents:
        if d["text"] is not None:
            ordered = sorted(made[d["doc_id"]], key=lambda e: (e.byte_start, e.byte_end))
            found[d["doc_id"]] = Source(Traced(b"", d["encoding"], d["text"], tuple(ordered)), within[d["doc_id"]])
    return found


def items(votes: Iterable[Row], known: Iterable[str], sources: Mapping[str, Source], entities: Iterable[str]) -> dict[str, list[Row]]:
    """Rows of attributions, claims and stances for votes on items that are not `known`, by id. sources: by doc_id."""
    found: dict[str, dict[str, Row]] = {name: {} for name in LAYERS.values()}
    known, entities = set(known), frozenset(entities)
    for vote in sorted(votes, key=lambda v: (v["item_id"], v["annotation_id"])):
        name = ITEM_ID.fullmatch(vote["item_id"])
        if name is None or vote["item_id"] in known:
            continue
        table, place = LAYERS.get(name["kind"]), sources.get(name["doc"])
        if table is None or place is None or vote["item_id"] in found[table]:
            continue
        hull = characters(place.traced, int(name["start"]), int(name["end"]))
        if sha256(place.traced.text[slice(*hull)]) == vote["text_sha256"] and (row := MAKERS[table](vote, name, hull, place, entities)):
            found[table][vote["item_id"]] = row
    return {table: [rows[key] for key in sorted(rows)] for table, rows in found.items()}


def _attribution(vote: Row, name: Any, hull: tuple[int, int], place: Source, entities: frozenset[str]) -> Row | None:
    facts = parts(vote["value"]) or {}
    touched = [s["segment_id"] for s in _leaves(place.segments) if s["start"] < hull[1] and hull[0] < s["end"]]
    content = _spans(place.traced, facts.get("content", ()))
    if not content or not touched:
        return None
    return {
        "attribution_id": vote["item_id"], "doc_id": name["doc"], "segment_ids": touched, "parent_id": None,
        "source_spans": _spans(place.traced, facts.get("source", ())), "cue_spans": _spans(place.traced, facts.get("cue", ())),
        "content_spans": content, "type": facts["type"], "holder_entity_id": None, "holder_name": None, **_place(place.traced, hull),
    }  # fmt: skip


def _claim(vote: Row, name: Any, hull: tuple[int, int], place: Source, entities: frozenset[str]) -> Row | None:
    facts = parts(vote["value"]) or {}
    spans, sentence = _spans(place.traced, facts.get("spans", ())), _sentence(place.segments, hull[0])
    if not spans or sentence is None:
        return None
    return {
        "claim_id": vote["item_id"], "doc_id": name["doc"], "segment_id": sentence["segment_id"], "spans": spans,
        "holder_type": facts.get("holder", "author"), "holder_entity_id": None, "attribution_id": None, "modality": facts["modality"],
        "author_commitment": facts.get("commitment", "unmarked"), "origin": "annotator", **_place(place.traced, hull),
    }  # fmt: skip


def _stance(vote: Row, name: Any, hull: tuple[int, int], place: Source, entities: frozenset[str]) -> Row | None:
    holder, _, target = (name["about"] or "").lstrip("-").partition("-")
    sentence = next((s for s in _leaves(place.segments) if (s["start"], s["end"]) == hull), None)
    if sentence is None or not target:
        return None
    kind = holder if holder in ("author", "unnamed") else "entity"
    return {
        "stance_id": vote["item_id"], "doc_id": name["doc"], "segment_id": sentence["segment_id"], "holder_type": kind,
        "holder_entity_id": holder if kind == "entity" and holder in entities else None, "attribution_id": None, "claim_id": None,
        "target_id": target, "explicit": None, "evidence_spans": [], "origin": "annotator", **_place(place.traced, hull),
    }  # fmt: skip


MAKERS = {"attributions": _attribution, "claims": _claim, "stances": _stance}


def characters(traced: Traced, byte_start: int, byte_end: int) -> tuple[int, int]:
    """The characters that came from these bytes."""
    places = range(len(traced.text))
    start, end = (bisect_left(places, b, key=lambda i: traced.span(i, i + 1).byte_start) for b in (byte_start, byte_end))
    return start, end


def _spans(traced: Traced, ranges: Sequence) -> list[Row]:
    found = [characters(traced, *r) for r in ranges] if isinstance(ranges, list) else []
    return [{"start": start, "end": end, **_place(traced, (start, end))} for start, end in found if start < end]


def _place(traced: Traced, hull: tuple[int, int]) -> Row:
    return traced.span(*hull)._asdict()


def _leaves(segments: Mapping[str, Row]) -> list[Row]:
    """Sentences, and blocks that have none."""
    parents = {s["parent_id"] for s in segments.values()}
    return [s for s in segments.values() if s["segment_id"] not in parents]


def _sentence(segments: Mapping[str, Row], at: int) -> Row | None:
    return next((s for s in _leaves(segments) if s["start"] <= at < s["end"]), None)
