"""attributions: one row per act of reporting what someone said, thought or wanted: its source, cue and content.

Invariants: the spans of a list are ordered and do not overlap, and lie in the document's text; there is always some
content; `start` to `end` and the bytes are the hull of all spans; a parent's content holds the attribution's cue, or
its content where it has none.
"""

from schemas import PLACE, PLACE_CHECKS, SPANS, TEXT, TEXTS, column, pa

TYPES = ("direct", "indirect", "mixed")

SCHEMA = pa.schema(
    [
        column("attribution_id", TEXT, "doc_id, a, and the byte range of its hull; an ordinal where two share it."),
        column("doc_id", TEXT, "The document."),
        column("segment_ids", TEXTS, "The sentences it touches, in reading order."),
        column("parent_id", TEXT, "The attribution in whose content it stands; null at the top.", nullable=True),
        column("source_spans", SPANS, "Who it is attributed to, as written; empty where nobody is named beside it."),
        column("cue_spans", SPANS, "The words that attribute; empty for a quotation that stands alone."),
        column("content_spans", SPANS, "What is attributed, quotation marks included."),
        column("type", TEXT, "Whether the content is in quotation marks, partly or not: " + ", ".join(TYPES) + "."),
        column("holder_entity_id", TEXT, "The entity the source names; null where unknown.", nullable=True),
        column("holder_name", TEXT, "The name at the head of the source, as written; null where it is no name.", nullable=True),
        *PLACE,
    ]
)
KEY = ["attribution_id"]
ORDER = "doc_id, byte_start, byte_end, attribution_id"
REFERENCES = {"doc_id": "documents", "segment_ids": "segments", "parent_id": "attributions", "holder_entity_id": "entities"}
WORDS = ["holder_name"]
CHECKS = {
    "type": ("isin", TYPES),
    **PLACE_CHECKS,
}
ROW_CHECKS = {
    "some_content": "ARRAY_LENGTH(content_spans) > 0 AND ARRAY_LENGTH(segment_ids) > 0",
    "not_empty": "byte_start < byte_end",
    "no_parent_of_itself": "parent_id IS NULL OR parent_id <> attribution_id",
}
EXAMPLE = {
    "attribution_id": "9f86d081884c7d659a2f-a60-94",
    "doc_id": "9f86d081884c7d659a2f",
    "segment_ids": ["9f86d081884c7d659a2f-s60-95"],
    "parent_id": None,
    "source_spans": [{"start": 20, "end": 32, "byte_start": 60, "byte_end": 72, "trim_start": 0, "trim_end": 0}],
    "cue_spans": [{"start": 33, "end": 37, "byte_start": 73, "byte_end": 77, "trim_start": 0, "trim_end": 0}],
    "content_spans": [{"start": 38, "end": 54, "byte_start": 78, "byte_end": 94, "trim_start": 0, "trim_end": 0}],
    "type": "indirect",
    "holder_entity_id": None,
    "holder_name": None,
    "byte_start": 60,
    "byte_end": 94,
    "trim_start": 0,
    "trim_end": 0,
}
