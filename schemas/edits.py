"""edits: one row per change or removal on the way from a capture's bytes to a document's text.

Invariants: the edits of a document are disjoint and ordered by byte; bytes outside them decode one to one under the
document's encoding; neighbouring removals by one rule are one edit; an insertion has no bytes.
"""

from schemas import FLOAT, INT, TEXT, TEXTS, column, pa

KINDS = ("exact", "inferred", "removed", "inserted", "normalized")

SCHEMA = pa.schema(
    [
        column("edit_id", TEXT, "doc_id, e, its byte range, and an ordinal where two share it."),
        column("doc_id", TEXT, "The document."),
        column("stages", TEXTS, "The stages that made it."),
        column("rules", TEXTS, "The rules that made it; the deciding one last."),
        column(
            "kind",
            TEXT,
            "exact (one reading), inferred (a guess), removed, inserted, or normalized (the same thing written otherwise).",
        ),
        column("start", INT, "First character in the document's text."),
        column("end", INT, "Character after the last; equal to start for a removal."),
        column("before", TEXT, "What the bytes say as they stand; null for markup and where withheld.", nullable=True),
        column("after", TEXT, "What stands in the text; null where withheld.", nullable=True),
        column("confidence", FLOAT, "Probability that it is right, 0 to 1; of several changes the least."),
        column("byte_start", INT, "First byte in the capture."),
        column("byte_end", INT, "Byte after the last; equal to byte_start for an insertion."),
    ]
)
WORDS = ["before", "after"]
# SQL for the stretches that the strip stage took away, where their words are told: those a person can be asked about.
STRIPPED = "kind = 'removed' AND list_last(stages) = 'strip' AND list_last(rules) <> 'blank' AND before IS NOT NULL"
KEY = ["edit_id"]
ORDER = "doc_id, byte_start, byte_end, edit_id"
REFERENCES = {"doc_id": "documents"}
CHECKS = {
    "kind": ("isin", KINDS),
    "start": ("ge", 0),
    "byte_start": ("ge", 0),
    "confidence": ("in_range", 0, 1),
}
ROW_CHECKS = {
    "ranges_run_forward": "start <= \"end\" AND byte_start <= byte_end",
    "a_removal_leaves_nothing": "(kind = 'removed') = (start = \"end\")",
    "an_insertion_has_no_bytes": "(kind = 'inserted') = (byte_start = byte_end)",
}
EXAMPLE = {
    "edit_id": "9f86d081884c7d659a2f-e0-18",
    "doc_id": "9f86d081884c7d659a2f",
    "stages": ["strip"],
    "rules": ["share"],
    "kind": "removed",
    "start": 0,
    "end": 0,
    "before": "Follow us: A B C\n\n",
    "after": "",
    "confidence": 0.98,
    "byte_start": 0,
    "byte_end": 18,
}
