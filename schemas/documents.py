"""documents: one row per article, made of the bytes of one capture.

Invariants: `text` is what replaying the document's edits over the capture gives; `n_chars` is its length and
`text_sha256` its hash; `text` is null exactly where `text_availability` is not `full`; `date_published`,
`date_precision` and `date_source` are all set or all null; `duplicate_of` is another document of the same
`duplicate_cluster`. No column of a row but the last five of linkage depends on another document.
"""

from schemas import FLOAT, INT, SHA256, TEXT, TEXTS, column, pa

DATE = r"^\d{4}(-\d\d(-\d\d(T[0-9:+Z.-]+)?)?)?$"
CANDIDATE = pa.struct(
    [
        column("role", TEXT, "published, modified, retrieved, mention, copyright …"),
        column("value", TEXT, "ISO 8601 in reduced precision."),
        column("precision", TEXT, "year, month, day or time."),
        column("source", TEXT, "Where it stands: byline, dateline, update_note, widget, body, url, capture (what is known of it) …"),
        column("byte_start", INT, "First byte of the evidence in the capture.", nullable=True),
        column("byte_end", INT, "Byte after the evidence; null where it stands outside the capture.", nullable=True),
    ]
)

SCHEMA = pa.schema(
    [
        column("doc_id", TEXT, "First 20 hexadecimal digits of the capture's SHA-256."),
        column("capture_id", TEXT, "The capture it was made of."),
        column("supersedes", TEXT, "The document of an earlier save of the same address.", nullable=True),
        column("encoding", TEXT, "Encoding under which bytes outside edits decode."),
        column("encoding_source", TEXT, "How the encoding is known: bom, utf-8, declared:<where>, detected …"),
        column("url", TEXT, "Address of the page.", nullable=True),
        column("outlet", TEXT, "Who published it.", nullable=True),
        column("title", TEXT, "Headline, as published.", nullable=True),
        column("authors", TEXTS, "People named as authors, in the order of the byline, in name case; empty where unknown."),
        column("byline", TEXT, "The line that names the authors, as published.", nullable=True),
        column("language", TEXT, "ISO 639-1 code of the main language.", nullable=True),
        column("language_confidence", FLOAT, "Probability of the language, 0 to 1.", nullable=True),
        column("date_published", TEXT, "ISO 8601 in reduced precision.", nullable=True),
        column("date_precision", TEXT, "year, month, day or time.", nullable=True),
        column("date_source", TEXT, "The source of the candidate that was chosen.", nullable=True),
        column("date_modified", TEXT, "Last change the page speaks of, ISO 8601 in reduced precision.", nullable=True),
        column("date_not_before", TEXT, "Latest past day the text speaks of: it was not published earlier.", nullable=True),
        column("date_not_after", TEXT, "Earliest day known to follow publication.", nullable=True),
        column("date_candidates", pa.list_(CANDIDATE), "Every date that was weighed, in reading order."),
        column("text", TEXT, "The article, kept parts only; null where withheld.", nullable=True),
        column(
            "text_sha256",
            TEXT,
            "SHA-256 of the text in UTF-8; null where it is withheld and too short to stay unknown.",
            nullable=True,
        ),
        column("n_chars", INT, "Length of the text in Unicode code points."),
        column("n_sentences", INT, "Sentences among its segments."),
        column(
            "text_defects",
            TEXTS,
            "Defects of its segments and of the page as a whole, sorted; disputed_title, disputed_authors, disputed_date: where two places"
            " of the page differ.",
        ),
        column(
            "duplicate_cluster",
            TEXT,
            "The document that names its near-duplicates, itself included: the smallest doc_id when first published.",
            nullable=True,
        ),
        column("duplicate_of", TEXT, "The document of the cluster it repeats; null for the first of them.", nullable=True),
        column(
            "story_cluster",
            TEXT,
            "The document that names those of the same story, itself included: the smallest doc_id when first published.",
            nullable=True,
        ),
        column("license", TEXT, "SPDX identifier, where there is evidence.", nullable=True),
        column("rights_basis", TEXT, "Why the licence holds.", nullable=True),
        column("text_availability", TEXT, "full, withheld, or partial: withheld, but for the segments that a hydration found."),
    ]
)
WORDS = ["text"]
KEY = ["doc_id"]
ORDER = "doc_id"
REFERENCES = {"capture_id": "captures", "supersedes": "documents", "duplicate_of": "documents"}
CHECKS = {
    "doc_id": ("str_matches", r"^[0-9a-f]{20}$"),
    "language": ("str_matches", r"^[a-z]{2,3}$"),
    "language_confidence": ("in_range", 0, 1),
    "date_published": ("str_matches", DATE),
    "date_precision": ("isin", ("year", "month", "day", "time")),
    "date_modified": ("str_matches", DATE),
    "date_not_before": ("str_matches", DATE),
    "date_not_after": ("str_matches", DATE),
    "text_sha256": SHA256,
    "n_chars": ("ge", 1),
    "n_sentences": ("ge", 0),
    "text_availability": ("isin", ("full", "partial", "withheld")),
}
ROW_CHECKS = {
    "text_unless_withheld": "(text_availability = 'full') = (text IS NOT NULL)",
    "n_chars_is_the_length": "text IS NULL OR n_chars = LENGTH(text)",
    "a_date_has_precision_and_source": "(date_published IS NULL) = (date_precision IS NULL)"
    " AND (date_published IS NULL) = (date_source IS NULL)",
}
EXAMPLE = {
    "doc_id": "9f86d081884c7d659a2f",
    "capture_id": "9f86d081884c7d659a2f-0",
    "supersedes": None,
    "encoding": "utf-8",
    "encoding_source": "utf-8",
    "url": "https://www.khazar-review.example/a/1",
    "outlet": "Khazar Review",
    "title": "Ferry Talks Resume",
    "authors": ["Leyla Rzayeva"],
    "byline": "By Leyla Rzayeva, 6 July 2025",
    "language": "en",
    "language_confidence": 0.99,
    "date_published": "2025-07-06",
    "date_precision": "day",
    "date_source": "byline",
    "date_modified": None,
    "date_not_before": None,
    "date_not_after": None,
    "date_candidates": [
        {"role": "published", "value": "2025-07-06", "precision": "day", "source": "byline", "byte_start": 37, "byte_end": 48}
    ],
    "text": "Ferry Talks Resume\n\nThe ministers met.",
    "text_sha256": "8e0ed1b96e2d80bf3a7d2b51f8e9b1bb18ab2c5e56d2d7a6f4a6a3b4f4d3c2a1",
    "n_chars": 38,
    "n_sentences": 1,
    "text_defects": [],
    "duplicate_cluster": None,
    "duplicate_of": None,
    "story_cluster": None,
    "license": "CC-BY-4.0",
    "rights_basis": "written for this project",
    "text_availability": "full",
}
