"""WARC and WET: each response, resource or conversion record with a page in it is a capture; requests and metadata are framing.

What is damaged is refused and named, and reading goes on at the next record: the libraries there are (warcio, FastWARC)
end there or hand a truncated record over as a whole one. ISO 28500:2017; iipc.github.io/warc-specifications.
"""

import io
import re
import zlib
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

import brotli

from flows.readers.compressed import CHUNK, SWELL_FREE, beginning, pieces, stream
from flows.readers.records import HEAD, Record, media_type, over, page_type, refused, sized
from flows.traced import Rejected

MAX_HEADER = 1 << 16
READ = ("response", "resource", "conversion")
FRAMING = ("warcinfo", "request", "metadata")
MEDIA_TYPES = {"text/html": "text/html", "application/xhtml+xml": "text/html", "text/plain": "text/plain"}
BEGIN = re.compile(rb"\n(WARC/\d)")
BODY = re.compile(rb"\r?\n\r?\n")
DATE = re.compile(r"\d{4}(?:-\d\d(?:-\d\d(?:T\d\d:\d\d:\d\dZ)?)?)?")
MEMBER = re.compile(rb"\x1f\x8b\x08[\x00-\x1f]|\x28\xb5\x2f\xfd")
CHUNK_SIZE = re.compile(rb"([0-9a-fA-F]{1,8})[ \t]*(?:;[^\r\n]{0,200})?\r\n")
# What compressed data says of itself, said of the record it holds.
REASONS = {"truncated": "truncated_record", "damaged": "broken_record"}
# Beginnings tried in what is left of a damaged file.
MAX_TRIES = 10_000
CHARSET = re.compile(r"charset\s*=\s*[\"']?([^\s\"';,]+)", re.I)


class Frame(NamedTuple):
    """Where the block of a record lies and what its header says; `broken` is why it cannot be read."""

    headers: dict[str, str]
    start: int
    end: int
    broken: tuple[str, str] | None = None


def records(file: BinaryIO, limit: int) -> Iterator[Record]:
    """The captures of an uncompressed WARC, by `offset` of the record in it."""
    at, size = 0, file.seek(0, io.SEEK_END)
    while (at := _next_line(file, at)) < size:
        frame = _frame(file, at, size)
        if frame.broken:
            if frame.headers.get("warc-type") not in FRAMING:
                yield refused(at, *frame.broken)
            at = _resumed(file, frame.start)
        else:
            if frame.headers.get("warc-type") not in FRAMING:
                yield _record(file, frame, limit)._replace(offset=at)
            at = frame.end


def members(file: BinaryIO, limit: int) -> Iterator[Record]:
    """The captures of a WARC of which each record was compressed by itself, by `offset` of the member in the file."""
    at, size = 0, file.seek(0, io.SEEK_END)
    while at < size:
        file.seek(at)
        try:
            data, cut = _member(file, 2 * limit + MAX_HEADER)
        except Rejected as why:
            yield refused(at, REASONS.get(why.reason, why.reason), why.detail)
            at = _next_member(file, at + 1)
            continue
        end = file.tell()
        found = list(records(io.BytesIO(data), limit))
        if cut and found:
            found = [refused(at, "too_large", over(limit))]
        yield from (r._replace(offset=at) for r in found[:1])
        if len(found) > 1:
            yield refused(at, "broken_record", f"{len(found) - 1} more records are compressed together with the one before")
        at = end


def payload(file: BinaryIO, offset: int) -> bytes | None:
    """The payload of the record at `offset` of an uncompressed WARC."""
    frame = _frame(file, offset, file.seek(0, io.SEEK_END))
    return None if frame.broken else _record(file, frame, frame.end + SWELL_FREE).payload


def member_payload(file: BinaryIO, offset: int) -> bytes | None:
    """The payload of the record compressed by itself at `offset`. Raises Rejected as `pieces` does."""
    file.seek(offset)
    data = b"".join(pieces(file, whole=False))
    return next((r.payload for r in records(io.BytesIO(data), len(data) + SWELL_FREE)), None)


def by_members(file: BinaryIO) -> bool:
    """Whether each record of a compressed WARC was compressed by itself, seen by its first. Otherwise nothing can be sought in it."""
    file.seek(0)
    try:
        content = stream(file, whole=False)
        frame = _frame(content, 0, 1 << 62)
        left = frame.end - frame.start
        while left > 0 and (piece := content.read(min(left, CHUNK))):
            left -= len(piece)
        return not content.read(CHUNK).strip()
    except (Rejected, OSError):
        return True


def _member(file: BinaryIO, room: int) -> tuple[bytes, bool]:
    """The first `room` bytes of a member or some more, and whether it has others; the file then stands behind the member."""
    kept, cut = [], False
    for piece in pieces(file, whole=False):
        if room > 0:
            kept.append(piece)
        cut = cut or room <= 0
        room -= len(piece)
    return b"".join(kept), cut


def _frame(file: BinaryIO, at: int, size: int) -> Frame:
    if file.seekable():
        file.seek(at)
    header = b""
    while (line := file.readline(MAX_HEADER)).strip() and len(header) < MAX_HEADER:
        header += line
    start = at + len(header) + len(line)
    headers = _headers(header)
    if not header.startswith(b"WARC/"):
        return Frame({}, at + 1, at + 1, ("broken_record", "no WARC record begins here"))
    if not line:
        return Frame(headers, start, start, ("truncated_record", "it ends in its header"))
    if not re.fullmatch("[0-9]{1,18}", length := headers.get("content-length", "")) or line.strip():
        return Frame(headers, start, start, ("broken_record", "its header has no end or no Content-Length"))
    end = start + int(length)
    if end > size:
        return Frame(headers, start, end, ("truncated_record", "it ends before its Content-Length"))
    if file.seekable():
        file.seek(end)
        behind = file.read(16)
        if not (behind.startswith(b"\r\n\r\n") or behind.lstrip(b"\r\n")[:5] in (b"", b"WARC/")):
            return Frame(headers, start, end, ("broken_record", "it does not end at its Content-Length"))
    return Frame(headers, start, end)


def _headers(header: bytes) -> dict[str, str]:
    """Fields by lower-case name, the first of each; continued lines are unfolded."""
    text = re.sub(r"\r?\n[ \t]+", " ", header.decode("utf-8", "replace"))
    found: dict[str, str] = {}
    for line in text.split("\n")[1:]:
        name, colon, value = line.partition(":")
        if colon:
            found.setdefault(name.strip().lower(), value.strip())
    return found


def _record(file: BinaryIO, frame: Frame, limit: int) -> Record:
    """The record of a whole frame; its offset is for the caller to set."""
    kind = frame.headers.get("warc-type", "")
    if kind not in READ:
        return refused(0, "wrong_type", f"a record of type {kind[:40] or 'none'}")
    if frame.headers.get("warc-truncated"):
        return refused(0, "truncated_record", f"the crawler cut it off: {frame.headers['warc-truncated'][:40]}")
    if frame.end - frame.start > 2 * limit + MAX_HEADER:
        return refused(0, "too_large", over(limit))
    file.seek(frame.start)
    body, told = file.read(frame.end - frame.start), frame.headers.get("content-type", "")
    try:
        if told.lower().startswith("application/http") or (kind == "response" and body.startswith(b"HTTP/")):
            body, told = _http(body, limit)
    except Rejected as why:
        return refused(0, why.reason, why.detail)
    declared = told.partition(";")[0].strip().lower()
    page = MEDIA_TYPES.get(declared) if declared else page_type(body)
    if page is None:
        return refused(0, "wrong_type", f"its content is {declared[:60]}")
    if media_type(body[:HEAD]) == "text/html":  # servers that know no better send pages as plain text
        page = "text/html"
    charset = CHARSET.search(told)
    url, day = frame.headers.get("warc-target-uri", "").strip("<>"), DATE.match(frame.headers.get("warc-date", ""))
    return sized(Record(0, body, page, charset and charset[1], url or None, day and day[0]), limit)


def _http(block: bytes, limit: int) -> tuple[bytes, str]:
    """Body and Content-Type of an HTTP response, its codings undone. Raises Rejected."""
    begun = re.match(rb"HTTP/\d(?:\.\d)? +(\d{3})", block)
    if not begun:
        raise Rejected("broken_record", "no HTTP response begins in it")
    if not begun[1].startswith(b"2") or begun[1] == b"206":  # 206 is a part of a page
        raise Rejected("http_status", f"the server answered {begun[1].decode()}")
    split = BODY.search(block, 0, MAX_HEADER)
    headers, body = _headers(block[: split.start()] if split else block), block[split.end() :] if split else b""
    if "chunked" in headers.get("transfer-encoding", "").lower():
        body = _unchunked(body)
    for coding in reversed(headers.get("content-encoding", "").lower().split(",")):
        body = _uncoded(body, coding.strip(), limit)
    return body, headers.get("content-type", "")


def _unchunked(body: bytes) -> bytes:
    """The body put together; as it is where it is in no chunks, since crawlers undo them and leave the header. Raises Rejected."""
    parts, at, size = [], 0, CHUNK_SIZE.match(body)
    while size and (length := int(size[1], 16)):
        at = size.end() + length
        parts.append(body[size.end() : at])
        size = CHUNK_SIZE.match(body, at + 2) if body[at : at + 2] == b"\r\n" else None
        if len(parts) == 1 and not size and at < len(body):
            return body
    if size or not parts:
        return b"".join(parts) if size else body
    raise Rejected("truncated_record", "its last chunk is missing")


def _uncoded(body: bytes, coding: str, limit: int) -> bytes:
    """The body with a content coding undone; as it is where it does not begin so, since crawlers undo that too. Raises Rejected."""
    if coding in ("", "identity") or media_type(body[:HEAD]) == "text/html":
        return body
    if coding not in CODINGS:
        raise Rejected("unsupported_coding", f"its content coding is {coding[:40]}")
    begins, undo = CODINGS[coding]
    if not body.startswith(begins):
        return body
    parts, made = [], 0
    for piece in _renamed(undo(body)):
        parts.append(piece)
        made += len(piece)
        if made > limit:
            raise Rejected("too_large", over(limit))
    return b"".join(parts)


def _renamed(found: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield from found
    except Rejected as why:
        raise Rejected(REASONS.get(why.reason, why.reason), why.detail) from None
    except (zlib.error, brotli.error) as error:
        raise Rejected("broken_record", f"its content is not coded as it says: {error}"[:200]) from None


def _members(body: bytes) -> Iterator[bytes]:
    return pieces(io.BytesIO(body), whole=True)


def _inflated(body: bytes) -> Iterator[bytes]:
    """`deflate` is zlib by the standard, and raw to many servers."""
    decoder = zlib.decompressobj(15 if body[:1] == b"\x78" else -15)
    while body and not decoder.eof:
        yield decoder.decompress(body, CHUNK)
        body = decoder.unconsumed_tail
    if not decoder.eof:
        raise Rejected("truncated", "the compressed data ends in the middle")


def _unbrotlied(body: bytes) -> Iterator[bytes]:
    decoder = brotli.Decompressor()
    while not decoder.is_finished():
        piece = decoder.process(body, output_buffer_limit=CHUNK)
        if not piece and decoder.can_accept_more_data():
            raise Rejected("truncated", "the compressed data ends in the middle")
        body = b""
        yield piece


# How a coding begins, where it has a beginning of its own, and what undoes it.
CODINGS = {
    "gzip": (b"\x1f\x8b", _members),
    "x-gzip": (b"\x1f\x8b", _members),
    "zstd": (b"\x28\xb5\x2f\xfd", _members),
    "deflate": (b"", _inflated),
    "br": (b"", _unbrotlied),
}


def _next_line(file: BinaryIO, at: int) -> int:
    """Where the next line that is not blank begins."""
    file.seek(at)
    while (line := file.readline(CHUNK)) and not line.strip():
        at += len(line)
    return at


def _resumed(file: BinaryIO, at: int) -> int:
    """Where the next record begins, from within a broken one."""
    return _found(file, at - 1, BEGIN, lambda found: found.start(1))


def _next_member(file: BinaryIO, at: int) -> int:
    """Where the next member with a record in it begins, from within a broken one."""
    size = file.seek(0, io.SEEK_END)
    for _ in range(MAX_TRIES):
        at = _found(file, at, MEMBER, re.Match.start)
        file.seek(at)
        if at == size or beginning(file).startswith(b"WARC/"):
            return at
        at += 1
    return size


def _found(file: BinaryIO, at: int, pattern: re.Pattern, place) -> int:
    """Where `pattern`, which matches few bytes, is next found from `at` on; the end of the file where it is not."""
    file.seek(at)
    tail = b""
    while piece := file.read(CHUNK):
        if found := pattern.search(tail + piece):
            return at - len(tail) + place(found)
        tail = (tail + piece)[-16:]
        at = file.tell()
    return at
