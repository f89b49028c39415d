"""What a reader finds in a stored file: records, each one capture, and how formats begin."""

import re
from typing import NamedTuple

# How formats begin. What begins otherwise is read as plain text, and refused by the decode stage where it is none.
BEGINNINGS = {
    "text/html": re.compile(rb"\s*(?:<\?xml[^>]*>\s*|<!--.{0,2000}?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.I | re.S),
    "multipart/related": re.compile(rb"(?:mime-version:|from: \"?<?saved by)", re.I),
    "application/warc": re.compile(rb"warc/\d", re.I),
    "application/vnd.apache.parquet": re.compile(rb"PAR1"),
    "application/gzip": re.compile(rb"\x1f\x8b\x08"),
    "application/zstd": re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18"),
}
HEAD = 4096
PAGES = ("text/html", "text/plain")


class Record(NamedTuple):
    """One record of a container: its payload, or the reason why it is none that can be read.

    offset: where it begins, as `captures.record_offset` counts for the format. charset: as its header declares it.
    """

    offset: int
    payload: bytes | None
    media_type: str | None = None
    charset: str | None = None
    url: str | None = None
    date_retrieved: str | None = None
    outlet: str | None = None
    reason: str | None = None
    detail: str | None = None


def refused(offset: int, reason: str, detail: str, payload: bytes | None = None) -> Record:
    """A record that cannot be read. reason: one of schemas.rejections.OF_CAPTURES."""
    return Record(offset, payload, reason=reason, detail=detail)


def media_type(head: bytes) -> str:
    """The media type of what begins with these bytes."""
    plain = head[:HEAD].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe")
    return next((kind for kind, begins in BEGINNINGS.items() if begins.match(plain)), "text/plain")


def page_type(payload: bytes) -> str:
    """HTML or plain text: what a payload is read as that nothing else is said of."""
    return "text/html" if media_type(payload[:HEAD]) == "text/html" else "text/plain"


def sized(record: Record, limit: int) -> Record:
    """The record, or a refusal where its payload is empty or too large."""
    if record.payload == b"":
        return record._replace(reason="empty", detail="the record has no bytes")
    if record.payload and len(record.payload) > limit:
        return record._replace(payload=None, reason="too_large", detail=over(limit))
    return record


def over(limit: int) -> str:
    """The detail of `too_large`. limit: in bytes."""
    return f"over {limit} bytes; raise limits.max_capture_bytes in araxes.toml"
