"""captures: one row per capture, a saved file or one record of a container, whatever became of it.

Invariants: `outcome` is `document` or `duplicate` exactly where `doc_id` is set; a `rejected` capture has a row in
`rejections`; captures with the same bytes have the same `doc_id`, and one of them has the outcome `document`.
"""

import re

from schemas import INT, SHA256, TEXT, column, pa

OUTCOMES = ("document", "duplicate", "rejected")

SCHEMA = pa.schema(
    [
        column("capture_id", TEXT, "First 20 hexadecimal digits of the capture's SHA-256 and an ordinal among equal captures."),
        column("capture_sha256", TEXT, "SHA-256 of the capture's bytes; null where they could not or need not be read.", nullable=True),
        column(
            "path",
            TEXT,
            "Path of the stored file below the captures folder; bytes that are not UTF-8 stand as \\xNN; null where withheld.",
            nullable=True,
        ),
        column("container_sha256", TEXT, "SHA-256 of the stored file, where the capture is a record of it.", nullable=True),
        column(
            "record_offset",
            INT,
            "Byte of the record in the stored file, where the capture is a record of it: of its member where records are compressed one "
            "by one, of the content where the file is compressed as a whole; in Parquet the number of the row.",
            nullable=True,
        ),
        column("media_type", TEXT, "What the capture was read as, as a MIME type.", nullable=True),
        column("bytes", INT, "Length of the capture in bytes; null where it could not be read.", nullable=True),
        column("url", TEXT, "Address the page was saved from, as the user or else the container gave it.", nullable=True),
        column("archive_url", TEXT, "Address of an archived copy, as the user gave it.", nullable=True),
        column(
            "date_retrieved",
            TEXT,
            "When the page was saved, ISO 8601 in reduced precision, as given or in the container.",
            nullable=True,
        ),
        column("outcome", TEXT, "document, duplicate (its bytes are another capture's) or rejected."),
        column("doc_id", TEXT, "The document made of these bytes.", nullable=True),
    ]
)
WORDS = ["path"]
KEY = ["capture_id"]
ORDER = "capture_id"
REFERENCES = {"doc_id": "documents"}
CHECKS = {
    "capture_sha256": SHA256,
    "bytes": ("ge", 0),
    "outcome": ("isin", OUTCOMES),
}
ROW_CHECKS = {"doc_id_unless_rejected": "(outcome = 'rejected') = (doc_id IS NULL)"}


def path_text(path: bytes) -> str:
    """A path as it stands in the table; `path_bytes` gives it back. Backslashes are escaped for that alone."""
    return path.replace(b"\\", b"\\x5c").decode("utf-8", "backslashreplace")


def path_bytes(text: str) -> bytes:
    """The bytes of a path in the table."""
    return re.sub(rb"\\x([0-9a-f]{2})", lambda m: bytes.fromhex(m[1].decode()), text.encode())


EXAMPLE = {
    "capture_id": "9f86d081884c7d659a2f-0",
    "capture_sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "path": "khazar-review/0001.txt",
    "container_sha256": None,
    "record_offset": None,
    "media_type": "text/plain",
    "bytes": 4711,
    "url": "https://www.khazar-review.example/a/1",
    "archive_url": None,
    "date_retrieved": "2025-07-07",
    "outcome": "document",
    "doc_id": "9f86d081884c7d659a2f",
}
