"""A document on its way through the line, and the rows it becomes.

A `Draft` is what one stage hands to the next; a stage that refuses it sets `rejection`, and those after leave it
alone. `rows` turns it into the rows of the tables; only here do records get their ids.
"""

import hashlib
from bisect import bisect_left, bisect_right
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from flows.traced import Block, Edit, Rejected, Span, Traced

Row = dict[str, Any]


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


@dataclass(frozen=True)
class Draft:
    """`text` is the text at hand, `page` what a reader sees of the capture before
    stripping, `source` the same before markup is taken away; `dates` are the candidates with
    their places in the capture; the rest is named as its stage names it."""

    capture: Capture
    data: bytes = b""
    encoding_source: str = ""
    text: Traced | None = None
    page: Traced | None = None
    source: Traced | None = None
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
    rejection: Row | None = None

    def rejected(self, stage: str, why: Rejected) -> "Draft":
        """This draft out of the line; its bytes are let go."""
        key = self.capture.capture_id
        row = {"capture_id": key, "table": "captures", "row_id": key, "stage": stage, "reason": why.reason, "detail": why.detail or None}
        return replace(Draft(self.capture), rejection=row)


def rows(draft: Draft) -> dict[str, list[Row]]:
    """The rows of one draft by table. Linkage to other documents is left null."""
    if draft.rejection:
        return {"rejections": [draft.rejection]}
    doc_id = draft.capture.sha256[:20]
    segments = _segments(draft, doc_id)
    return {"documents": [_document(draft, doc_id)], "segments": segments, "edits": _edits(draft, doc_id)}


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


def _segments(draft: Draft, doc_id: str) -> list[Row]:
    text = draft.text
    spans = [text.span(s.start, s.end) for s in draft.segments]
    taken: Counter[str] = Counter()
    ids = [_unique(f"{doc_id}-{'s' if s.unit == 'sentence' else 'b'}{p.byte_start}-{p.byte_end}", taken) for s, p in zip(draft.segments, spans, strict=True)]
    inferred = [e for e in text.edits if e.kind == "inferred"]
    starts, ends = [e.start for e in inferred], [e.end for e in inferred]
    found = []
    for position, (s, place, defects) in enumerate(zip(draft.segments, spans, draft.defects, strict=True)):
        words = text.text[s.start : s.end]
        found.append(
            {
                "segment_id": ids[position],
                "doc_id": doc_id,
                "parent_id": None if s.parent is None else ids[s.parent],
                "unit": s.unit,
                "position": position,
                "start": s.start,
                "end": s.end,
                "language": s.language,
                "repeat_of": None if s.repeat_of is None else ids[s.repeat_of],
                "defects": list(defects),
                "has_inferred": bisect_right(ends, s.start) < bisect_left(starts, s.end),
                "n_outlet_pages": None,
                "text": words,
                "text_sha256": _sha256(words),
                **place._asdict(),
            }
        )
    return found


def _edits(draft: Draft, doc_id: str) -> list[Row]:
    text, taken = draft.text, Counter()
    return [
        {
            "edit_id": _unique(f"{doc_id}-e{e.byte_start}-{e.byte_end}", taken),
            "doc_id": doc_id,
            "stages": list(e.stages),
            "rules": list(e.rules),
            "kind": e.kind,
            "start": e.start,
            "end": e.end,
            "before": _before(text, e),
            "after": text.text[e.start : e.end],
            "confidence": round(e.confidence, 4),
            "byte_start": e.byte_start,
            "byte_end": e.byte_end,
        }
        for e in text.edits
    ]


def _before(text: Traced, edit: Edit) -> str | None:
    """What the bytes said; null for markup, which says nothing to a reader."""
    before = text.before(edit)
    return None if "read" in edit.stages and "<" in before else before


def _unique(key: str, taken: Counter[str]) -> str:
    taken[key] += 1
    return key if taken[key] == 1 else f"{key}.{taken[key] - 1}"


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
