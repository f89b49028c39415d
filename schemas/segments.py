"""segments: one row per block of a document and per sentence of a block, in reading order.

Invariants: a sentence lies inside its parent; the sentences of a block do not overlap and only white space lies
between them; `text` is the document's text from `start` to `end`, and what the bytes replay to.
"""

from schemas import BOOL, INT, PLACE, PLACE_CHECKS, SHA256, TEXT, TEXTS, column, pa

UNITS = ("title", "standfirst", "byline", "heading", "paragraph", "list_item", "quote", "caption", "table", "note", "sentence")

SCHEMA = pa.schema(
    [
        column("segment_id", TEXT, "doc_id, b for a block or s for a sentence, its byte range, and an ordinal where two share it."),
        column("doc_id", TEXT, "The document."),
        column("parent_id", TEXT, "The block of a sentence; null for a block.", nullable=True),
        column("unit", TEXT, "What it is: " + ", ".join(UNITS) + "."),
        column("position", INT, "Ordinal in the document, from 0."),
        column("start", INT, "First character in the document's text."),
        column("end", INT, "Character after the last."),
        column("language", TEXT, "ISO 639-1 code.", nullable=True),
        column("repeat_of", TEXT, "The segment of the same document whose words it repeats, as a pull quote does.", nullable=True),
        column("defects", TEXTS, "Damage that was found and not repaired, sorted."),
        column("has_inferred", BOOL, "Whether a repair inside it had to guess."),
        column("n_outlet_pages", INT, "Documents of the outlet that hold the same text; null where the outlet is unknown.", nullable=True),
        column("text", TEXT, "The words; null where withheld.", nullable=True),
        column(
            "text_sha256",
            TEXT,
            "SHA-256 of the words in UTF-8; null where they are withheld and too few to stay unknown.",
            nullable=True,
        ),
        *PLACE,
    ]
)
WORDS = ["text"]
KEY = ["segment_id"]
ORDER = "doc_id, position"
REFERENCES = {"doc_id": "documents", "parent_id": "segments", "repeat_of": "segments"}
CHECKS = {
    "unit": ("isin", UNITS),
    "position": ("ge", 0),
    "start": ("ge", 0),
    "text_sha256": SHA256,
    **PLACE_CHECKS,
}
ROW_CHECKS = {
    "not_empty": "start < \"end\" AND byte_start <= byte_end",
    "a_sentence_has_a_parent": "(unit = 'sentence') = (parent_id IS NOT NULL)",
    "text_is_as_long_as_its_range": "text IS NULL OR LENGTH(text) = \"end\" - start",
}
EXAMPLE = {
    "segment_id": "9f86d081884c7d659a2f-s60-78",
    "doc_id": "9f86d081884c7d659a2f",
    "parent_id": "9f86d081884c7d659a2f-b60-78",
    "unit": "sentence",
    "position": 3,
    "start": 20,
    "end": 38,
    "language": "en",
    "repeat_of": None,
    "defects": [],
    "has_inferred": False,
    "n_outlet_pages": 1,
    "text": "The ministers met.",
    "text_sha256": "5b0f1c1f4a3f5d8e9c7b6a59483726150f1e2d3c4b5a69788796a5b4c3d2e1f0",
    "byte_start": 60,
    "byte_end": 78,
    "trim_start": 0,
    "trim_end": 0,
}
