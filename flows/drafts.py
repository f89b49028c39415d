"""A document on its way through the line, and the rows it becomes.

A `Draft` is what one stage hands to the next; a stage that refuses it sets `rejection`, and those after leave it
alone. `rows` turns it into the rows of the tables; only here do records get their ids.
"""

import hashlib
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from flows.traced import Block, Edit, Rejected, Span, Traced

Row = dict[str, Any]

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


# What a draft has for a text before there is one.
UNREAD = Traced(b"", "utf-8", "", ())


@dataclass(frozen=True)
class Draft:
    """`text` is the text at hand, `page` what a reader sees of the capture before
    stripping, `source` the same before markup is taken away; `dates` are the candidates with
    their places in the capture; the rest is named as its stage names it. What a later stage gives is empty."""

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
    found = {"documents": [_document(draft, doc_id)], "segments": segments, "edits": _edits(draft, doc_id)}
    return found | _attributed(draft, doc_id, segments)


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
    letters = ["s" if s.unit == "sentence" else "b" for s in draft.segments]
    ids = [_unique(f"{doc_id}-{letter}{p.byte_start}-{p.byte_end}", taken) for letter, p in zip(letters, spans, strict=True)]
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
    text = draft.text
    taken: Counter[str] = Counter()
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


def _attributed(draft: Draft, doc_id: str, segments: list[Row]) -> dict[str, list[Row]]:
    """Rows of what the attribute stage found, and the votes its rules cast."""
    said, text = draft.attributed, draft.text
    taken: Counter[str] = Counter()
    attribution_ids = [_unique(_place_id(doc_id, "a", text, [*a.source, *a.cue, *a.content]), taken) for a in said.attributions]
    claim_ids = [_unique(_place_id(doc_id, "c", text, c.spans), taken) for c in said.claims]
    holders = [_holder(s, said.holders) for s in said.stances]
    stance_ids = [
        _unique(f"{_place_id(doc_id, 't', text, [_range(segments[s.segment])])}-{_slug(s, holder)}-{s.target_id}", taken)
        for s, holder in zip(said.stances, holders, strict=True)
    ]
    rows = {
        "mentions": [
            {
                "mention_id": _unique(_place_id(doc_id, "m", text, [(m.start, m.end)]), taken),
                "doc_id": doc_id, "segment_id": segments[m.segment]["segment_id"], "start": m.start, "end": m.end,
                "entity_id": m.entity_id, "mention_type": m.mention_type, **text.span(m.start, m.end)._asdict(),
            }
            for m in said.mentions
        ],
        "attributions": [
            {
                "attribution_id": key, "doc_id": doc_id, "segment_ids": [segments[i]["segment_id"] for i in a.segments],
                "parent_id": None if a.parent is None else attribution_ids[a.parent], "source_spans": _spans(text, a.source),
                "cue_spans": _spans(text, a.cue), "content_spans": _spans(text, a.content), "type": a.type, "holder_entity_id": holder,
                "holder_name": a.holder_name, **_hull(text, [*a.source, *a.cue, *a.content]),
            }
            for key, a, holder in zip(attribution_ids, said.attributions, said.holders, strict=True)
        ],
        "claims": [
            {
                "claim_id": key, "doc_id": doc_id, "segment_id": segments[c.segment]["segment_id"], "spans": _spans(text, c.spans),
                "holder_type": c.holder_type, "holder_entity_id": _holder(c, said.holders),
                "attribution_id": None if c.attribution is None or c.holder_type == "author" else attribution_ids[c.attribution],
                "modality": c.modality, "author_commitment": c.author_commitment, "origin": c.origin, **_hull(text, c.spans),
            }
            for key, c in zip(claim_ids, said.claims, strict=True)
        ],
        "stances": [
            {
                "stance_id": key, "doc_id": doc_id, "segment_id": segments[s.segment]["segment_id"],
                "holder_type": s.holder_type, "holder_entity_id": holder,
                "attribution_id": None if s.attribution is None or s.holder_type == "author" else attribution_ids[s.attribution],
                "claim_id": None if s.claim is None else claim_ids[s.claim], "target_id": s.target_id, "explicit": s.explicit,
                "evidence_spans": _spans(text, s.evidence), "origin": s.origin, **_hull(text, [_range(segments[s.segment])]),
            }
            for key, s, holder in zip(stance_ids, said.stances, holders, strict=True)
        ],
        "coverage": [{"doc_id": doc_id, "layer": layer, "labeller": RULES, "status": status} for layer, status in said.coverage],
    }  # fmt: skip
    votes = [_vote(i, "stance", s.answer, segments[s.segment]["text"]) for i, s in zip(stance_ids, said.stances, strict=True) if s.answer]
    votes += [_vote(i, "claim", c.modality, text.text[c.spans[0][0] : c.spans[-1][1]]) for i, c in zip(claim_ids, said.claims, strict=True)]
    return rows | {"annotations": votes}


def _vote(item_id: str, layer: str, value: str, words: str) -> Row:
    """What the rules answer, as a row of annotations."""
    said = {"item_id": item_id, "layer": layer, "value": value, "annotator_id": RULES, "guideline_version": GUIDELINE}
    said["text_sha256"] = _sha256(words)
    quoted = {"exact": words, "prefix": None, "suffix": None}
    known = {"annotator_type": "rule", "made_on_release": None, "carried": "unchanged", "saw_prelabel": False}
    key = _sha256("\n".join(said.values()))[:20]
    return {"annotation_id": key, **said, **quoted, **known, "confidence": None, "batch": None}


def _holder(held: Any, holders: tuple[str | None, ...]) -> str | None:
    """The entity that holds a claim or a stance: the one its stage names, or its attribution's."""
    if held.holder_type != "entity":
        return None
    return getattr(held, "holder_entity_id", None) or (holders[held.attribution] if held.attribution is not None else None)


def _slug(stance: Any, holder: str | None) -> str:
    return holder or ("author" if stance.holder_type == "author" else "unnamed")


def _range(segment: Row) -> tuple[int, int]:
    return segment["start"], segment["end"]


def _spans(text: Traced, ranges: Iterable[tuple[int, int]]) -> list[Row]:
    return [{"start": start, "end": end, **text.span(start, end)._asdict()} for start, end in ranges]


def _hull(text: Traced, ranges: Sequence[tuple[int, int]]) -> Row:
    return text.span(min(start for start, _ in ranges), max(end for _, end in ranges))._asdict()


def _place_id(doc_id: str, letter: str, text: Traced, ranges: Sequence[tuple[int, int]]) -> str:
    place = _hull(text, ranges)
    return f"{doc_id}-{letter}{place['byte_start']}-{place['byte_end']}"


def _before(text: Traced, edit: Edit) -> str | None:
    """What the bytes said; null for markup, which says nothing to a reader."""
    before = text.before(edit)
    return None if "read" in edit.stages and "<" in before else before


def _unique(key: str, taken: Counter[str]) -> str:
    taken[key] += 1
    return key if taken[key] == 1 else f"{key}.{taken[key] - 1}"


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
