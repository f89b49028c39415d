"""A document on its way through the line, and the rows it becomes.

A `Draft` is what one stage hands to the next; a stage that refuses it sets `rejection`, and those after leave it
alone. `columns` turns it into the rows of the tables; only here do records get their ids.
"""

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import pyarrow as pa

from flows.traced import Block, Edit, Rejected, Span, Traced
from schemas import Row

Columns = dict[str, list]
Range = tuple[int, int]
Places = dict[Range, Span]

# The tables that `columns` makes rows of. Those AS_FOUND go into a release as they are; to the others the corpus or a vote may add.
SHARD_TABLES = ("documents", "segments", "edits", "mentions", "attributions", "claims", "stances", "annotations", "coverage", "rejections")
AS_FOUND = ("edits", "mentions")
# What else a shard keeps of its documents, for those who compare them (`stages/fingerprint.py`); it is not published.
FINGERPRINTS = "fingerprints"
FINGERPRINT = pa.schema(
    [("doc_id", pa.string()), ("copies", pa.binary()), ("stories", pa.binary()), ("said", pa.list_(pa.string()))]
)
SHARD_FILES = (*SHARD_TABLES, FINGERPRINTS)
# The rules of the attribute stage as an annotator, and the guideline they were written for, as annotations/GUIDELINE.md counts.
RULES = "rules"
GUIDELINE = "1.0"


class Capture(NamedTuple):
    """One capture as it was listed, with what is known of it."""

    capture_id: str
    path: str
    sha256: str
    bytes: int
    media_type: str
    url: str | None
    outlet: str | None
    outlet_name: str | None
    date_retrieved: str | None
    language: str | None
    encoding: str | None
    license: str | None
    rights_basis: str | None
    keep: list[str]
    remove: list[str]
    record_offset: int | None = None
    charset: str | None = None


class Heard(NamedTuple):
    """A segment as the attribute stage reads it: with what is known to be missing in it; `parent` is its block's place."""

    start: int
    end: int
    unit: str
    parent: int | None
    language: str | None
    repeat_of: int | None
    defects: tuple[str, ...]


# What a draft has for a text before there is one.
UNREAD = Traced(b"", "utf-8", "", ())


class Draft(NamedTuple):
    """`text` is the text at hand: decoded, then repaired, then the article alone. The strip stage keeps what it was before: `source`,
    still with its markup, and `page`, what a reader sees of that (in a text dump the two are one). `dates` are the candidates with their
    places in the capture; the rest is named as its stage names it. What a later stage gives is empty."""

    capture: Capture
    data: bytes = b""
    encoding_source: str = ""
    text: Traced = UNREAD
    page: Traced = UNREAD
    source: Traced = UNREAD
    blocks: tuple[Block, ...] = ()
    kept: tuple[Block, ...] = ()
    segments: tuple = ()
    language: str | None = None
    language_confidence: float | None = None
    markup: Any = None
    description: Any = None
    dates: tuple[tuple[Any, Span | None], ...] = ()
    defects: tuple[tuple[str, ...], ...] = ()
    text_defects: tuple[str, ...] = ()
    attributed: Any = None
    fingerprint: Any = None
    rejection: Row | None = None

    def rejected(self, stage: str, why: Rejected) -> "Draft":
        """This draft out of the line; its bytes are let go."""
        key = self.capture.capture_id
        row = {"capture_id": key, "table": "captures", "row_id": key, "stage": stage, "reason": why.reason, "detail": why.detail or None}
        return Draft(self.capture, rejection=row)


def columns(draft: Draft) -> dict[str, Columns]:
    """The rows of one draft by table, as columns, its fingerprint among them. Linkage to other documents is left null."""
    if draft.rejection:
        return {"rejections": _turned([draft.rejection])}
    doc_id, text, said = draft.capture.sha256[:20], draft.text, draft.attributed
    ranges = [(s.start, s.end) for s in (*draft.segments, *said.mentions)]
    for pieces in (*map(_pieces, said.attributions), *(c.spans for c in said.claims), *(s.evidence for s in said.stances)):
        ranges += [*pieces, _hull(pieces)] if pieces else []
    places = text.spans(ranges)
    segments = _segments(draft, doc_id, places)
    found = {"documents": _turned([_document(draft, doc_id)]), "segments": segments, "edits": _edits(draft, doc_id)}
    found[FINGERPRINTS] = _turned([{"doc_id": doc_id, **draft.fingerprint._asdict()}])
    return found | _attributed(draft, doc_id, segments["segment_id"], places)


def _document(draft: Draft, doc_id: str) -> Row:
    told, capture, text = draft.description, draft.capture, draft.text.text
    return {
        "doc_id": doc_id,
        "capture_id": capture.capture_id,
        "supersedes": None,
        "encoding": draft.text.encoding,
        "encoding_source": draft.encoding_source,
        "url": capture.url,
        "outlet": told.outlet,
        "title": told.title,
        "authors": list(told.authors),
        "byline": told.byline,
        "language": draft.language,
        "language_confidence": draft.language_confidence,
        "date_published": told.date_published,
        "date_precision": told.date_precision,
        "date_source": told.date_source,
        "date_modified": told.date_modified,
        "date_not_before": told.date_not_before,
        "date_not_after": told.date_not_after,
        "date_candidates": [_candidate(c, span) for c, span in draft.dates],
        "text": text,
        "text_sha256": _sha256(text),
        "n_chars": len(text),
        "n_sentences": sum(s.unit == "sentence" for s in draft.segments),
        "text_defects": list(draft.text_defects),
        "duplicate_cluster": None,
        "duplicate_of": None,
        "story_cluster": None,
        "license": capture.license,
        "rights_basis": capture.rights_basis,
        "text_availability": "full",
    }


def _candidate(candidate, span: Span | None) -> Row:
    return {
        "role": candidate.role,
        "value": candidate.value,
        "precision": candidate.precision,
        "source": candidate.source,
        "byte_start": span.byte_start if span else None,
        "byte_end": span.byte_end if span else None,
    }


def _segments(draft: Draft, doc_id: str, places: Places) -> Columns:
    text, found = draft.text, draft.segments
    ranges = [(s.start, s.end) for s in found]
    words = [text.text[start:end] for start, end in ranges]
    letters = ("s" if s.unit == "sentence" else "b" for s in found)
    ids = _ids(f"{doc_id}-{letter}{places[r].byte_start}-{places[r].byte_end}" for letter, r in zip(letters, ranges, strict=True))
    inferred = [e for e in text.edits if e.kind == "inferred"]
    starts, ends = [e.start for e in inferred], [e.end for e in inferred]
    return {
        "segment_id": ids,
        "doc_id": [doc_id] * len(found),
        "parent_id": [None if s.parent is None else ids[s.parent] for s in found],
        "unit": [s.unit for s in found],
        "position": list(range(len(found))),
        **_where(ranges),
        "language": [s.language for s in found],
        "repeat_of": [None if s.repeat_of is None else ids[s.repeat_of] for s in found],
        "defects": [list(d) for _, d in zip(found, draft.defects, strict=True)],
        "has_inferred": [bisect_right(ends, start) < bisect_left(starts, end) for start, end in ranges],
        "n_outlet_pages": [None] * len(found),
        "text": words,
        "text_sha256": [_sha256(w) for w in words],
        **_placed(ranges, places),
    }


def _edits(draft: Draft, doc_id: str) -> Columns:
    text, edits = draft.text, draft.text.edits
    return {
        "edit_id": _ids(f"{doc_id}-e{e.byte_start}-{e.byte_end}" for e in edits),
        "doc_id": [doc_id] * len(edits),
        "stages": [list(e.stages) for e in edits],
        "rules": [list(e.rules) for e in edits],
        "kind": [e.kind for e in edits],
        "start": [e.start for e in edits],
        "end": [e.end for e in edits],
        "before": [_before(text, e) for e in edits],
        "after": [text.text[e.start : e.end] for e in edits],
        "confidence": [round(e.confidence, 4) for e in edits],
        "byte_start": [e.byte_start for e in edits],
        "byte_end": [e.byte_end for e in edits],
    }


def _attributed(draft: Draft, doc_id: str, segments: list[str], places: Places) -> dict[str, Columns]:
    """What the attribute stage found, and the votes its rules cast. segments: their ids."""
    said, text = draft.attributed, draft.text.text
    claimed = [_hull(c.spans) for c in said.claims]
    stood = [(draft.segments[s.segment].start, draft.segments[s.segment].end) for s in said.stances]
    attributions = _attributions(said, doc_id, segments, places)
    claims = _claims(said, doc_id, segments, places, claimed, attributions["attribution_id"])
    stances = _stances(said, doc_id, segments, places, stood, attributions["attribution_id"], claims["claim_id"])
    coverage = {
        "layer": [layer for layer, _ in said.coverage],
        "labeller": [RULES] * len(said.coverage),
        "status": [status for _, status in said.coverage],
    }
    found = {"mentions": _mentions(said, doc_id, segments, places), "attributions": attributions, "claims": claims, "stances": stances}
    for table in (*found.values(), coverage):
        table["doc_id"] = [doc_id] * len(next(iter(table.values())))
    given = zip(stances["stance_id"], said.stances, stood, strict=True)
    answers = [(key, "stance", s.answer, text[slice(*r)]) for key, s, r in given if s.answer]
    answers += [(key, "claim", c.modality, text[slice(*r)]) for key, c, r in zip(claims["claim_id"], said.claims, claimed, strict=True)]
    return found | {"coverage": coverage, "annotations": _votes(answers)}


def _mentions(said: Any, doc_id: str, segments: list[str], places: Places) -> Columns:
    mentioned = [(m.start, m.end) for m in said.mentions]
    return {
        "mention_id": _ids(_place_ids(doc_id, "m", mentioned, places)),
        "segment_id": [segments[m.segment] for m in said.mentions],
        **_where(mentioned),
        "entity_id": [m.entity_id for m in said.mentions],
        "mention_type": [m.mention_type for m in said.mentions],
        **_placed(mentioned, places),
    }


def _attributions(said: Any, doc_id: str, segments: list[str], places: Places) -> Columns:
    attributed = [_hull(_pieces(a)) for a in said.attributions]
    ids = _ids(_place_ids(doc_id, "a", attributed, places))
    return {
        "attribution_id": ids,
        "segment_ids": [[segments[i] for i in a.segments] for a in said.attributions],
        "parent_id": [None if a.parent is None else ids[a.parent] for a in said.attributions],
        "source_spans": _spans((a.source for a in said.attributions), places),
        "cue_spans": _spans((a.cue for a in said.attributions), places),
        "content_spans": _spans((a.content for a in said.attributions), places),
        "type": [a.type for a in said.attributions],
        "holder_entity_id": list(said.holders),
        "holder_name": [a.holder_name for a in said.attributions],
        **_placed(attributed, places),
    }


def _claims(said: Any, doc_id: str, segments: list[str], places: Places, claimed: list[Range], attributions: list[str]) -> Columns:
    return {
        "claim_id": _ids(_place_ids(doc_id, "c", claimed, places)),
        "segment_id": [segments[c.segment] for c in said.claims],
        "spans": _spans((c.spans for c in said.claims), places),
        "holder_type": [c.holder_type for c in said.claims],
        "holder_entity_id": [_holder(c, said.holders) for c in said.claims],
        "attribution_id": [_through(c, attributions) for c in said.claims],
        "modality": [c.modality for c in said.claims],
        "author_commitment": [c.author_commitment for c in said.claims],
        "origin": [c.origin for c in said.claims],
        **_placed(claimed, places),
    }


def _stances(
    said: Any, doc_id: str, segments: list[str], places: Places, stood: list[Range], attributions: list[str], claims: list[str]
) -> Columns:
    holders = [_holder(s, said.holders) for s in said.stances]
    keys = zip(_place_ids(doc_id, "t", stood, places), holders, said.stances, strict=True)
    return {
        "stance_id": _ids(f"{key}-{_slug(s, holder)}-{s.target_id}" for key, holder, s in keys),
        "segment_id": [segments[s.segment] for s in said.stances],
        "holder_type": [s.holder_type for s in said.stances],
        "holder_entity_id": holders,
        "attribution_id": [_through(s, attributions) for s in said.stances],
        "claim_id": [None if s.claim is None else claims[s.claim] for s in said.stances],
        "target_id": [s.target_id for s in said.stances],
        "explicit": [s.explicit for s in said.stances],
        "evidence_spans": _spans((s.evidence for s in said.stances), places),
        "origin": [s.origin for s in said.stances],
        **_placed(stood, places),
    }


def _through(held: Any, attributions: list[str]) -> str | None:
    """The attribution by which a claim or stance is told; none where it is the author's own."""
    return None if held.attribution is None or held.holder_type == "author" else attributions[held.attribution]


def _votes(answers: list[tuple[str, str, str, str]]) -> Columns:
    """What the rules answer, as annotations: item, layer, value and the item's words."""
    hashes, n = [_sha256(words) for *_, words in answers], len(answers)
    told = [(item, layer, value, RULES, GUIDELINE, sha256) for (item, layer, value, _), sha256 in zip(answers, hashes, strict=True)]
    return {
        "annotation_id": [_sha256("\n".join(vote))[:20] for vote in told],
        "item_id": [item for item, *_ in answers],
        "layer": [layer for _, layer, *_ in answers],
        "value": [value for *_, value, _ in answers],
        "annotator_id": [RULES] * n,
        "annotator_type": ["rule"] * n,
        "guideline_version": [GUIDELINE] * n,
        "made_on_release": [None] * n,
        "text_sha256": hashes,
        "exact": [words for *_, words in answers],
        "prefix": [None] * n,
        "suffix": [None] * n,
        "carried": ["unchanged"] * n,
        "confidence": [None] * n,
        "saw_prelabel": [False] * n,
        "batch": [None] * n,
    }


def _holder(held: Any, holders: tuple[str | None, ...]) -> str | None:
    """The entity that holds a claim or a stance: the one its stage names, or its attribution's."""
    if held.holder_type != "entity":
        return None
    return getattr(held, "holder_entity_id", None) or (holders[held.attribution] if held.attribution is not None else None)


def _slug(stance: Any, holder: str | None) -> str:
    return holder or ("author" if stance.holder_type == "author" else "unnamed")


def _pieces(attribution: Any) -> list[Range]:
    return [*attribution.source, *attribution.cue, *attribution.content]


def _hull(ranges: Sequence[Range]) -> Range:
    if len(ranges) == 1:  # as most
        return ranges[0]
    return min(start for start, _ in ranges), max(end for _, end in ranges)


def _where(ranges: list[Range]) -> Columns:
    return {"start": [start for start, _ in ranges], "end": [end for _, end in ranges]}


def _placed(ranges: list[Range], places: Places) -> Columns:
    found = [places[r] for r in ranges]
    return {name: [place[i] for place in found] for i, name in enumerate(Span._fields)}


def _spans(lists: Iterable[Sequence[Range]], places: Places) -> list[list[tuple[int, ...]]]:
    """Values of a column of spans: the fields of each, in the order of the schema."""
    return [[(*r, *places[r]) for r in ranges] for ranges in lists]


def _place_ids(doc_id: str, letter: str, ranges: list[Range], places: Places) -> list[str]:
    return [f"{doc_id}-{letter}{places[r].byte_start}-{places[r].byte_end}" for r in ranges]


def _turned(rows: list[Row]) -> Columns:
    return {name: [row[name] for row in rows] for name in rows[0]}


def _before(text: Traced, edit: Edit) -> str | None:
    """What the bytes said; null for markup, which says nothing to a reader."""
    before = text.before(edit)
    return None if "read" in edit.stages and "<" in before else before


def _ids(keys: Iterable[str]) -> list[str]:
    """The keys, with an ordinal where one was there before."""
    taken: dict[str, int] = {}
    found = []
    for key in keys:
        before = taken.get(key, 0)
        found.append(f"{key}.{before}" if before else key)
        taken[key] = before + 1
    return found


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
